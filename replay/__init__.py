"""
Asks: the same code on the same bytes, again.

    from replay import resimulate

is all a notebook needs; it and what it returns load when they are first asked for.
"""

from typing import TYPE_CHECKING, Any

import engine as engine  # settles compiled or source before anything else loads

if TYPE_CHECKING:
    from replay.notebook import resimulate as resimulate
    from replay.results import Run as Run

_OFFERED = {"resimulate": "replay.notebook", "Run": "replay.results"}

__all__ = ["Run", "resimulate"]


def __getattr__(name: str) -> Any:
    """Load what is offered here when it is first used: whoever imports a part of this package pays for that part."""
    from importlib import import_module

    if name not in _OFFERED:
        raise AttributeError(f"module 'replay' has no attribute {name!r}")
    return getattr(import_module(_OFFERED[name]), name)
