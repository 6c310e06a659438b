"""What the guard stands in for and listens to: functions, methods, dates, and Python's audit events."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, Final

_FUNCTIONS: Final = {
    "time": (
        "CLOCK",
        (
            *("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time"),
            *("process_time_ns", "thread_time", "thread_time_ns", "clock_gettime", "clock_gettime_ns", "localtime"),
            *("gmtime", "ctime", "asctime", "strftime", "sleep"),
        ),
    ),
    "secrets": ("CHANCE", ("choice", "randbelow", "randbits", "token_bytes", "token_hex", "token_urlsafe")),
    "uuid": ("CHANCE", ("uuid1", "uuid4", "getnode")),
}
_OF_OS: Final = {
    "CHANCE": ("urandom", "getrandom"),
    "IO": ("stat", "lstat", "access", "read", "write", "readlink"),
    "ENVIRONMENT": ("getpid", "getppid", "getcwd", "cpu_count", "uname", "getlogin", "times", "getloadavg"),
}
_OF_PLATFORM: Final = ("machine", "node", "platform", "processor", "python_version", "release", "system", "uname")
_NO_DRAWS: Final = ("Random", "SystemRandom", "Generator", "BitGenerator", "RandomState", "test", "SeedSequence")


def patched_functions() -> Iterator[tuple[str, ModuleType, str]]:
    """(promise's code, module, name) of each function to stand in for, of those that this Python has."""
    for module_name, (code, names) in _FUNCTIONS.items():
        module = import_module(module_name)
        yield from ((code, module, name) for name in names if hasattr(module, name))
    os = import_module("os")
    for code, names in _OF_OS.items():
        yield from ((code, os, name) for name in names if hasattr(os, name))
    platform = import_module("platform")
    yield from (("ENVIRONMENT", platform, name) for name in _OF_PLATFORM)
    yield from (("CHANCE", *one) for one in _draws(import_module("random")))
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        yield from (("CHANCE", *one) for one in _draws(numpy_random))


def _draws(module: ModuleType) -> Iterator[tuple[ModuleType, str]]:
    """The functions of a module of random numbers."""
    for name in module.__all__:
        if callable(getattr(module, name)) and name not in _NO_DRAWS and not isinstance(getattr(module, name), type):
            yield module, name


def patched_classes() -> Iterator[tuple[str, type, str, tuple[str, ...]]]:
    """(promise's code, class, how it is called in a message, methods) of each class whose objects are refused."""
    random = import_module("random")
    yield "CHANCE", random.Random, "random.Random", ("random", "getrandbits", "randbytes")
    yield "CHANCE", random.SystemRandom, "random.SystemRandom", ("random", "getrandbits", "randbytes")
    yield "THREAD", import_module("threading").Thread, "threading.Thread.start", ("start",)
    environ = type(import_module("os").environ)
    yield "ENVIRONMENT", environ, "os.environ", ("__getitem__", "__setitem__", "__delitem__", "__iter__")


class Dates:
    """
    Stand-ins for `datetime`, its `datetime` and its `date`, which cannot be changed themselves.

    They make real dates and are asked about real ones; only `now`, `utcnow` and `today` are refused.
    """

    def __init__(self, refuse: Callable[[str, str], None]) -> None:
        real = import_module("datetime")
        self._real = real
        self._moment = _dating(real.datetime, ("now", "utcnow", "today"), refuse)
        self._day = _dating(real.date, ("today",), refuse)
        self._module = ModuleType("datetime", real.__doc__)
        vars(self._module).update({**vars(real), "datetime": self._moment, "date": self._day})

    def stand_in(self, value: object) -> object | None:
        """What to put in the place of *value*; None for anything else."""
        pairs = ((self._real, self._module), (self._real.datetime, self._moment), (self._real.date, self._day))
        return next((stand_in for real, stand_in in pairs if value is real), None)


class _Dating(type):
    """The type of classes that behave as a real one in calls, attributes and isinstance, but for a few methods."""

    def __call__(cls, *given: Any, **named: Any) -> Any:
        return _real(cls)(*given, **named)

    def __getattribute__(cls, name: str) -> Any:
        refused = type.__getattribute__(cls, "refused")
        if name in refused:
            type.__getattribute__(cls, "refuse")("CLOCK", f"{_real(cls).__name__}.{name}()")
        return getattr(_real(cls), name)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _real(cls))

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(_real(subclass), _real(cls))

    def __eq__(cls, other: object) -> bool:
        return isinstance(other, type) and _real(cls) is _real(other)

    def __hash__(cls) -> int:
        return hash(_real(cls))


def _real(cls: type) -> Any:
    """The class that *cls* stands for; any other stands for itself."""
    return type.__getattribute__(cls, "real") if type(cls) is _Dating else cls


def _dating(real: type, refused: tuple[str, ...], refuse: Callable[[str, str], None]) -> type:
    """A class that behaves as *real*, but for its *refused* methods."""
    return _Dating(real.__name__, (), {"real": real, "refused": refused, "refuse": staticmethod(refuse)})


_EVENTS: Final = {
    "open": "IO",
    "import": "IMPORT",
    "builtins.input": "IO",
    "time.sleep": "CLOCK",
    **dict.fromkeys(
        ("os.system", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.kill"), "THREAD"
    ),
    **dict.fromkeys(("os.putenv", "os.unsetenv"), "ENVIRONMENT"),
    **dict.fromkeys(("os", "shutil", "tempfile", "glob", "pathlib", "mmap", "fcntl", "sqlite3", "webbrowser"), "IO"),
    **dict.fromkeys(("syslog", "pty"), "IO"),
    **dict.fromkeys(
        ("socket", "urllib", "http", "ftplib", "imaplib", "poplib", "smtplib", "nntplib", "telnetlib"), "NETWORK"
    ),
    **dict.fromkeys(("subprocess", "_thread", "signal"), "THREAD"),
    "resource": "ENVIRONMENT",
    "ctypes": "HIDDEN",
}


def event_code(event: str) -> str | None:
    """The promise that an audit event breaks, by its name or the beginning of it; None for the many that break none."""
    found = _EVENTS.get(event)
    return found if found is not None else _EVENTS.get(event.partition(".")[0])
