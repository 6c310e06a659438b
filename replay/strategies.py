"""Strategies from their recorded source: what ran is what the journal holds, not what the tree holds today."""

import linecache
import sys
from hashlib import blake2b
from types import ModuleType
from typing import Any

import attrs
from cattrs import BaseValidationError

from engine.kernel import strategy
from journal.errors import JournalError
from replay.config import strict_converter
from replay.run import StrategySource, reasons

_converter = strict_converter()


class BadStrategy(JournalError):
    """A strategy cannot be made from its source and parameters."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"strategy {name!r}: {reason}")
        self.name = name


def module_of(source: str, name: str) -> ModuleType:
    """
    The module that *source* defines, made once for each text.

    Raises:
        BadStrategy: the text does not compile, or raises when it runs.
    """
    digest = blake2b(source.encode(), digest_size=12).hexdigest()
    key = f"refold_strategy_{digest}"
    known = sys.modules.get(key)
    if known is not None:
        return known
    module = ModuleType(key)
    # The digest keeps two texts of one name apart: a traceback has to show the lines of the one that ran.
    module.__file__ = f"<strategy {name} {digest[:8]}>"
    linecache.cache[module.__file__] = (len(source), None, source.splitlines(keepends=True), module.__file__)
    sys.modules[key] = module  # attrs and dataclasses look their module up while a class is made
    try:
        exec(compile(source, module.__file__, "exec"), module.__dict__)
    except Exception as error:
        del sys.modules[key]
        raise BadStrategy(name, f"its source raises {type(error).__name__}: {error}") from error
    return module


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
    found = getattr(module_of(recorded.source, recorded.name), recorded.class_name, None)
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
