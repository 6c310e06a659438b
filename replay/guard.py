"""
The guard: while a strategy is called, clocks, chance, files, sockets, threads and the environment raise `Forbidden`.

It stands around the whole call, the draining of what `decide` yields included, and nowhere else: the engine's own files
and clocks go on working, and so do other threads. A breach becomes that strategy's fault, with the line that did it. An
honest strategy decides the same with it and without.

It is a guard rail and not a jail: it stands in for functions by their names and listens to Python's audit events, and
whoever wants to get past it can. A strict replay finds out what got past.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any, Final

from replay.guard_names import Dates, event_code, patched_classes, patched_functions
from replay.promises import PROMISES
from replay.run import StrategySource
from replay.strategies import OURS, BadStrategy, module_of, siblings_of

TOOLS: Final = ("coverage", "pdb", "bdb", "debugpy", "pydevd", "_pydevd_bundle", "_pydev_bundle", "weakref")
"""Who may do anything even during a call: what watches the program, and finalisers of objects that end just then."""

_IMPORTS: Final = ("importlib", "_frozen_importlib", "_frozen_importlib_external")
_MAY_IMPORT: Final = ("engine", "attr", "attrs", "mypy_extensions", "librt")


class Forbidden(Exception):
    """A strategy used something that it promised not to use; *code* is the promise's (`promises`)."""

    def __init__(self, code: str, used: str) -> None:
        super().__init__(f"{used} {PROMISES[code].breach} ({code}): {PROMISES[code].instead}")
        self.code, self.used = code, used


class Guard:
    """
    What one run's guard knows: whether a strategy is being called, and what each yielded last.

    One that does not *forbid* anything only remembers what was yielded where, for the messages about it.
    """

    def __init__(self, forbids: bool = True) -> None:
        self.forbids = forbids
        self.inside = False
        self._first: Forbidden | None = None
        self._yielded: dict[int, list[tuple[int, object]]] = {}

    def yielded(self, strategy: object) -> list[tuple[int, object]]:
        """What *strategy* yielded when it was called last, each with the line of its file (0 where that is unknown)."""
        return self._yielded.get(_identity(strategy), [])

    def decide(self, decide: Callable[..., Any], strategy: Any, *given: Any) -> tuple[object, ...]:
        """
        What `decide` yields, drained under guard.

        Raises:
            Forbidden: it used what it must not, even if it caught that itself.
        """
        if self.inside:  # one strategy asks another one
            return tuple(decide(strategy, *given))
        found: list[tuple[int, object]] = []
        self._yielded[_identity(strategy)] = found
        self.inside, self._first = True, None
        try:
            answered = decide(strategy, *given)
            if isinstance(answered, GeneratorType):
                for intent in answered:
                    found.append((_line(answered), intent))
            else:
                for intent in answered:
                    found.append((0, intent))
        finally:
            self.inside = False
        if self._first is not None:
            raise self._first
        return tuple([intent for _, intent in found]) if found else ()

    def made(self, name: str, init: Callable[..., Any], strategy: Any, *given: Any, **parameters: Any) -> None:
        """Make the strategy *name*, under guard too: what a clock says at the start is lost at a checkpoint."""
        if self.inside:
            init(strategy, *given, **parameters)
            return
        self.inside, self._first = True, None
        try:
            init(strategy, *given, **parameters)
        except Forbidden:
            assert self._first is not None  # told below, as is one that was swallowed
        finally:
            self.inside = False
        if self._first is not None:
            raise BadStrategy(name, str(self._first)) from self._first

    def refuse(self, code: str, used: str) -> None:
        """Raise Forbidden if a strategy is being called, and it is the one who asks."""
        if not (self.inside and self.forbids):
            return
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code not in _CALLS:
            asking = str(frame.f_globals.get("__name__", "")).partition(".")[0]
            if asking in TOOLS or asking in _IMPORTS:
                return
            if frame.f_code.co_name == "__del__" and not asking.startswith(OURS):
                return  # the collector comes upon other people's objects when it likes
            frame = frame.f_back
        error = Forbidden(code, used)
        self._first = self._first or error
        raise error


_identity: Final = object.__hash__
"""As `id`, which raises an audit event at each call: with a hook installed that costs more than all else here."""

_CALLS: Final = (Guard.decide.__code__, Guard.made.__code__)

_guard: Final[ContextVar[Guard | None]] = ContextVar("refold_guard", default=None)
"""The guard of the run that this thread is in: other threads have none."""


def _line(generator: Any) -> int:
    """The line where *generator* stands, or whatever it delegates to, as far as that is in the strategy's file."""
    line = 0
    while isinstance(generator, GeneratorType):
        if generator.gi_frame is not None and generator.gi_code.co_filename.startswith("<strategy "):
            line = generator.gi_frame.f_lineno
        generator = generator.gi_yieldfrom
    return line


# -- standing in -------------------------------------------------------------------------------------------------------


class _StandIn:
    """
    A module's function, refused during a call.

    An object and no function, so that a class may hold it without making a method of it; equal to what it stands for,
    since `os` keeps sets of its own functions.
    """

    def __init__(self, code: str, name: str, real: Callable[..., Any]) -> None:
        self._code, self._name, self._real = code, name, real

    def __call__(self, *given: Any, **named: Any) -> Any:
        guard = _guard.get()
        if guard is not None:
            guard.refuse(self._code, f"{self._name}()")
        return self._real(*given, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __eq__(self, other: object) -> bool:
        return other is self or self._real == other

    def __hash__(self) -> int:
        return hash(self._real)


def _method(code: str, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    """A class's method, refused during a call."""

    def stand_in(*given: Any, **named: Any) -> Any:
        guard = _guard.get()
        if guard is not None:
            guard.refuse(code, name)
        return real(*given, **named)

    return stand_in


class _Guarded:
    """
    A method of a strategy's class, called under the guard of whichever run calls it.

    It has the `__globals__` of what it stands for, since the kernel looks there for the classes of a memory.
    """

    def __init__(self, name: str, real: FunctionType) -> None:
        self._name, self._real = name, real
        self._decides = real.__name__ == "decide"
        self.__globals__ = real.__globals__

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __call__(self, strategy: Any, *given: Any, **named: Any) -> Any:
        guard = _guard.get()
        if guard is None:
            return self._real(strategy, *given, **named)
        if self._decides:
            return guard.decide(self._real, strategy, *given)
        return guard.made(self._name, self._real, strategy, *given, **named)


class _Patches:
    """Attributes that were replaced, to be put back. They stand while any run is guarded."""

    def __init__(self) -> None:
        self._users = 0
        self._undo: list[Callable[[], None]] = []
        self._functions = False
        self.stand_ins: dict[int, Any] = {}
        """By the id of what they stand for."""

    def enter(self, forbids: bool) -> None:
        """One more run is guarded: the first one that forbids anything puts the stand-ins in place."""
        self._users += 1
        if self._functions or not forbids:
            return
        self._functions = True
        for code, module, name in patched_functions():
            real = getattr(module, name)
            stand_in = _StandIn(code, f"{module.__name__}.{name}", real)
            self.stand_ins[id(real)] = stand_in
            self.put(module, name, stand_in)
        for code, owner, shown, names in patched_classes():
            for name in names:
                self.put(owner, name, _method(code, shown, getattr(owner, name)))

    def leave(self) -> None:
        """One run less: the last one puts everything back, in the opposite order."""
        self._users -= 1
        if self._users == 0:
            while self._undo:
                self._undo.pop()()
            self.stand_ins.clear()
            self._functions = False

    def put(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute of a module or class, until the last run leaves."""
        if name in vars(owner):
            before = vars(owner)[name]
            self._undo.append(lambda: setattr(owner, name, before))
        else:  # a class that inherits it
            self._undo.append(lambda: delattr(owner, name))
        setattr(owner, name, value)


_patches: Final = _Patches()
_hooked: Final[list[bool]] = []


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    """Python's audit hook: installed once, since none can be taken away, and deaf outside of calls."""
    guard = _guard.get()
    if guard is None or not guard.inside:
        return
    code = event_code(event)
    if code == "IMPORT":
        first = str(arguments[0]).partition(".")[0]
        if first in sys.stdlib_module_names or first in _MAY_IMPORT:
            return  # Python loads parts of itself when they are first needed
        guard.refuse(code, f"import {arguments[0]}")
    elif code is not None:
        guard.refuse(code, f"{event}({str(arguments[0])[:80]!r})" if arguments else event)


def _guard_names(module: ModuleType, dates: Dates) -> None:
    """Names that the strategy's file imported one by one hold the real things: let them hold the stand-ins."""
    for name, value in list(vars(module).items()):
        stand_in = _patches.stand_ins.get(id(value)) or dates.stand_in(value)
        if stand_in is not None:
            _patches.put(module, name, stand_in)


def _guard_class(found: type, name: str) -> None:
    for method in ("decide", "__init__"):
        real = getattr(found, method, None)
        if isinstance(real, FunctionType):
            _patches.put(found, method, _Guarded(name, real))


@contextmanager
def guarding(strategies: Iterable[StrategySource], forbids: bool = True) -> Iterator[Guard]:
    """
    Guard *strategies* while the block runs: make them and play the run within it. See `Guard` for *forbids*.

    Raises:
        BadStrategy: the source of one does not compile.
    """
    if forbids and not _hooked:
        _hooked.append(True)
        sys.addaudithook(_listen)
    sources = [(module_of(one), one) for one in strategies]
    guard = Guard(forbids)
    token = _guard.set(guard)
    _patches.enter(forbids)
    try:
        dates = Dates(_refuse)
        for module, one in sources:
            if forbids:
                for each in (module, *siblings_of(module)):
                    _guard_names(each, dates)
            found = getattr(module, one.class_name, None)
            if isinstance(found, type):
                _guard_class(found, one.name)
        yield guard
    finally:
        _guard.reset(token)
        _patches.leave()


def _refuse(code: str, used: str) -> None:
    guard = _guard.get()
    if guard is not None:
        guard.refuse(code, used)
