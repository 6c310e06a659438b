"""Strategies from their recorded source: what ran is what the journal holds, not what the tree holds today."""

import ast
import linecache
import sys
from collections.abc import Mapping
from hashlib import blake2b
from types import ModuleType
from typing import Any

import attrs
from cattrs import BaseValidationError

from engine.kernel import strategy
from journal.errors import JournalError
from replay.config import strict_converter
from replay.run import StrategySource, reasons
from replay.siblings import BadImport, Redirect, imported_siblings

OURS = "refold_strategy_"
"""What the name of every module begins with that was made of a recorded text."""

_converter = strict_converter()


class BadStrategy(JournalError):
    """A strategy cannot be made from its source and parameters."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"strategy {name!r}: {reason}")
        self.name = name


def module_of(recorded: StrategySource) -> ModuleType:
    """
    The module that the recorded source defines, made once for each text, on top of the modules recorded with it.

    Raises:
        BadStrategy: a text does not compile, or raises when it runs.
    """
    digest = blake2b(digest_size=12)
    for text in recorded.texts:
        digest.update(text.encode() + b"\0")
    named = digest.hexdigest()
    key = OURS + named
    known = sys.modules.get(key)
    if known is not None:
        return known
    keys = {module: f"{key}_{module.rpartition('.')[2]}" for module in recorded.modules}
    try:
        # The digest keeps two texts of one name apart: a traceback has to show the lines of the one that ran.
        for one in _in_order(recorded.modules):
            _run(keys[one], recorded.modules[one], f"<{one} {named[:8]}>", keys)
        _run(key, recorded.source, f"<strategy {recorded.name} {named[:8]}>", keys)
    except Exception as error:
        for one in (key, *keys.values()):
            sys.modules.pop(one, None)
        raise BadStrategy(recorded.name, f"its source raises {type(error).__name__}: {error}") from error
    return sys.modules[key]


def _run(key: str, text: str, file: str, keys: Mapping[str, str]) -> None:
    """Make the module *key* of *text*, which imports from *keys*."""
    module = ModuleType(key)
    module.__file__ = file
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    sys.modules[key] = module  # attrs and dataclasses look their module up while a class is made
    tree = Redirect(keys).visit(ast.parse(text, file))
    exec(compile(tree, file, "exec"), module.__dict__)


def _in_order(modules: Mapping[str, str]) -> list[str]:
    """The names of *modules*, each after those that it imports. Raises BadImport where they go in a circle."""
    found: dict[str, bool] = {}

    def add(module: str, importing: tuple[str, ...]) -> None:
        if module in importing:
            raise BadImport(f"{' imports '.join((*importing, module))}, which is a circle")
        if module in modules and module not in found:
            for other in imported_siblings(ast.parse(modules[module])):
                add(other, (*importing, module))
            found[module] = True

    for one in sorted(modules):
        add(one, ())
    return list(found)


def siblings_of(module: ModuleType) -> list[ModuleType]:
    """The modules that were made with a strategy's *module*."""
    return [one for key, one in sys.modules.items() if key.startswith(f"{module.__name__}_")]


TIERS = {
    "box_arbitrage": strategy.BOX_ARBITRAGE,
    "event_arbitrage": strategy.EVENT_ARBITRAGE,
    "market_making": strategy.MARKET_MAKING,
    "directional": strategy.DIRECTIONAL,
}
"""The arbiter's tiers by name, the strongest first."""


def tier_number(name: str) -> int:
    """The arbiter's number of a tier; raises BadStrategy for a name that is none."""
    if name not in TIERS:
        raise BadStrategy(name, f"there is no tier {name!r}; there are {', '.join(TIERS)}")
    return TIERS[name]


def make(recorded: StrategySource) -> Any:
    """
    The strategy that *recorded* describes, new and without memory of an earlier run.

    Parameters go to an attrs class through cattrs, so that a misspelt or mistyped one is refused; to any other class
    as keyword arguments.

    Raises:
        BadStrategy: there is no such class, or its parameters do not fit.
    """
    found = getattr(module_of(recorded), recorded.class_name, None)
    if not isinstance(found, type):
        raise BadStrategy(recorded.name, f"its source defines no class {recorded.class_name}")
    if not callable(getattr(found, "decide", None)):
        raise BadStrategy(recorded.name, f"the class {recorded.class_name} has no method decide(view, wake)")
    try:
        if attrs.has(found):
            return _converter.structure(recorded.parameters, found)
        return found(**recorded.parameters)
    except BaseValidationError as error:
        raise BadStrategy(recorded.name, reasons(error)) from error
    except (TypeError, ValueError) as error:
        raise BadStrategy(recorded.name, str(error)) from error
