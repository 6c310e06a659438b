"""
What a run records of a strategy that is handed in as an object: its source text, and the parameters that make it anew.

The object itself is never run. The run builds another one from the recorded text and parameters, just as a run from a
file does, and so does every replay of it.
"""

import ast
import dataclasses
import inspect
import linecache
import math
import sys
from symtable import SymbolTable, symtable
from types import FunctionType, ModuleType
from typing import Any

import attrs

from replay.run import StrategySource
from replay.siblings import BadImport, gathered, text_of
from replay.strategies import BadStrategy, make

_LITERALS = (int, float, str, bytes, bool, type(None), tuple, list, dict)


def source_of_instance(strategy: object, name: str, tier: str, instruments: tuple[str, ...]) -> StrategySource:
    """
    What RUN_START records of *strategy* under *name*.

    The text is that of its whole module; where it was defined in a notebook's cell or the script that runs, the class
    with what it needs of the names around it.

    Raises:
        BadStrategy: the text cannot be found, or text and parameters do not make an equal strategy.
    """
    found = type(strategy)
    if isinstance(strategy, type):
        raise BadStrategy(name, f"{strategy.__name__} is a class: hand in an instance, {strategy.__name__}(...)")
    if not callable(getattr(found, "decide", None)):
        raise BadStrategy(name, f"the class {found.__name__} has no method decide(view, wake)")
    if found.__qualname__ != found.__name__:
        raise BadStrategy(name, f"{found.__qualname__} is defined within a function or class: define it at the top")
    parameters = _parameters(strategy, name)
    text = _text(found, name)
    try:
        modules = gathered(text, text_of)
    except BadImport as error:
        raise BadStrategy(name, str(error)) from error
    recorded = StrategySource(name, found.__name__, text, tier, instruments, parameters, modules)
    built = make(recorded)
    again = _parameters(built, name)
    if again != parameters:
        raise BadStrategy(name, f"its parameters {parameters} make one with {again}")
    return recorded


# -- parameters --------------------------------------------------------------------------------------------------------


def _parameters(strategy: object, name: str) -> dict[str, Any]:
    """The arguments that make *strategy* anew, as plain values."""
    found = type(strategy)
    if attrs.has(found):
        names = {one.name: one.name for one in attrs.fields(found) if one.init}
    elif dataclasses.is_dataclass(found):
        names = {one.name: one.name for one in dataclasses.fields(found) if one.init}
    else:
        names = {one: one for one in _arguments(found, name)}
    given: dict[str, Any] = {}
    for argument, attribute in names.items():
        if not hasattr(strategy, attribute):
            raise BadStrategy(
                name, f"it does not keep its argument {argument!r} as an attribute; an attrs class keeps all of them"
            )
        given[argument] = _plain(getattr(strategy, attribute), name, argument)
    return given


def _arguments(found: type, name: str) -> list[str]:
    """The names of what a plain class's `__init__` takes."""
    if not isinstance(found.__init__, FunctionType):  # type: ignore[misc]
        return []
    arguments = list(inspect.signature(found.__init__).parameters.values())[1:]  # type: ignore[misc]
    for one in arguments:
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD, one.POSITIONAL_ONLY):
            raise BadStrategy(name, f"its argument {one} has no name to record; an attrs class names all of them")
    return [one.name for one in arguments]


def _plain(value: Any, name: str, where: str) -> Any:
    """*value* as JSON can say it and say it back."""
    if isinstance(value, bool | str | type(None)):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise BadStrategy(name, f"its parameter {where} is beyond 64 bits")
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [_plain(one, name, f"{where}[{at}]") for at, one in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(one, name, f"{where}.{key}") for key, one in value.items()}
    if attrs.has(type(value)):
        fields = [one.name for one in attrs.fields(type(value)) if one.init]
        return {one: _plain(getattr(value, one), name, f"{where}.{one}") for one in fields}
    raise BadStrategy(
        name,
        f"its parameter {where} is {value!r}; numbers, texts, lists, dicts and attrs classes of these can be recorded",
    )


# -- text --------------------------------------------------------------------------------------------------------------


def _text(found: type, name: str) -> str:
    module = sys.modules.get(found.__module__)
    path = getattr(module, "__file__", None)
    if path is not None and found.__module__ != "__main__":
        linecache.checkcache(path)
        text = "".join(linecache.getlines(path))
        if text:
            return text
        raise BadStrategy(name, f"the source of its module {found.__module__} cannot be found at {path}")
    return _Gathering(name).whole(found)


class _Gathering:
    """
    The text of a class that stands in no module of its own, with what it needs: imports, constants, and functions and
    classes beside it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._imports: dict[str, str] = {}
        self._constants: dict[str, str] = {}
        self._definitions: dict[str, str] = {}

    def whole(self, found: type) -> str:
        """The text of *found*, everything it needs before it."""
        self._define(found.__name__, found)
        definitions = ["\n\n" + text for text in self._definitions.values()]
        parts = [*sorted(self._imports.values()), "", *sorted(self._constants.values()), *definitions]
        return "\n".join(parts).strip() + "\n"

    def _define(self, known_as: str, found: Any) -> None:
        """Add the definition of a class or function, after those that it needs."""
        function = found if isinstance(found, FunctionType) else _a_function(found)
        if function is None:
            raise self._bad(known_as, "a class without functions, whose text cannot be found")
        path = function.__code__.co_filename
        linecache.checkcache(path)
        lines = linecache.getlines(path, function.__globals__)
        if not lines:
            raise BadStrategy(self._name, f"the text of {found.__name__} cannot be found; define it in a file")
        tree = ast.parse("".join(lines))
        node = _definition(tree, found.__name__, function.__code__.co_firstlineno)
        if node is None:
            raise BadStrategy(self._name, f"the text of {found.__name__} has changed since it ran; run it again")
        first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
        text = "".join(lines[first - 1 : node.end_lineno]).rstrip()
        self._definitions.setdefault(found.__name__, "")  # who needs itself, needs nothing more
        for needed in _globals(text):
            if needed in function.__globals__ and needed != found.__name__ and not self._has(needed):
                self._need(needed, function.__globals__[needed], tree)
        del self._definitions[found.__name__]
        self._definitions[found.__name__] = text

    def _has(self, name: str) -> bool:
        return name in self._imports or name in self._constants or name in self._definitions

    def _need(self, name: str, value: Any, tree: ast.Module) -> None:
        """Add what makes *name* mean *value*."""
        said = _import_of(tree, name)
        if said is not None:
            self._imports[name] = said
        elif isinstance(value, ModuleType):
            plain = value.__name__ == name
            self._imports[name] = f"import {name}" if plain else f"import {value.__name__} as {name}"
        elif (where := _importable(name, value)) is not None:
            self._imports[name] = where
        elif isinstance(value, type | FunctionType):
            self._define(name, value)
        elif type(value) in _LITERALS and _is_literal(value):
            self._constants[name] = f"{name} = {value!r}"
        else:
            raise self._bad(name, f"{type(value).__name__} object")

    def _bad(self, name: str, what: str) -> BadStrategy:
        return BadStrategy(
            self._name, f"it uses {name}, a {what}, which cannot be recorded; put the strategy into a file of its own"
        )


def _a_function(found: type) -> FunctionType | None:
    """A function written in the class: it knows where the class stands. One that attrs generated does not."""
    for value in vars(found).values():
        function = getattr(value, "__func__", getattr(value, "fget", value))
        if isinstance(function, FunctionType) and not function.__code__.co_filename.startswith("<attrs generated"):
            return function
    return None


def _definition(tree: ast.Module, name: str, line: int) -> ast.ClassDef | ast.FunctionDef | None:
    """Where *name* is defined at the top of *tree*, around *line*."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            if first <= line <= (node.end_lineno or line):
                return node
    return None


def _globals(text: str) -> list[str]:
    """The names that *text* reads and does not define, in alphabetical order."""
    found: dict[str, bool] = {}

    def read(table: SymbolTable, top: bool) -> None:
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (symbol.is_global() or (top and not symbol.is_assigned())):
                found[symbol.get_name()] = True
        for child in table.get_children():
            read(child, False)

    read(symtable(text, "strategy", "exec"), True)
    return sorted(found)


def _import_of(tree: ast.Module, name: str) -> str | None:
    """The import in *tree* that gives *name* its meaning."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name.partition(".")[0]) == name and alias.name != "*":
                    only = [alias]
                    if isinstance(node, ast.Import):
                        return ast.unparse(ast.Import(only))
                    return ast.unparse(ast.ImportFrom(node.module, only, node.level))
    return None


def _importable(name: str, value: Any) -> str | None:
    """An import by which *name* means *value*, if its module says so."""
    module = getattr(value, "__module__", None)
    if not isinstance(module, str) or module == "__main__" or module not in sys.modules:
        return None
    for told in (getattr(value, "__qualname__", None), name):
        if isinstance(told, str) and getattr(sys.modules[module], told, None) is value:
            return f"from {module} import {told}" + ("" if told == name else f" as {name}")
    return None


def _is_literal(value: Any) -> bool:
    """Whether its text says it back."""
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError):
        return False
