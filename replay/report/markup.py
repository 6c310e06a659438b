"""
Text that becomes part of a page, escaped unless it was made here.

The page is HTML and well-formed XML at once, so that a strict parser can check it.
"""

from html import escape
from typing import final


@final
class Safe(str):
    """Markup: what `tag` made, or a text of this package. Everything else is escaped."""

    __slots__ = ()


NONE = Safe("")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

Content = str | int | None
"""What may stand in an element; None is nothing."""


def text(value: Content) -> Safe:
    """*value* as it may stand in an element or in an attribute's quotes."""
    if isinstance(value, Safe):
        return value
    return NONE if value is None else Safe(_clean(escape(str(value))))


def tag(name: str, /, *children: Content, **attributes: str | float | None) -> Safe:
    """
    An element. An attribute's `_` stands for `-`, one at its end for nothing (`class_`); one that is None is left out.

    A float is a coordinate, and written to the tenth.
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(at_tenth(value) if isinstance(value, float) else value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = joined(*children)
    if not inner and name in _VOID:
        return Safe(f"<{name}{said}/>")
    return Safe(f"<{name}{said}>{inner}</{name}>")


def at_tenth(value: float) -> str:
    """A coordinate: a tenth is less than anybody sees."""
    return f"{value:.1f}".removesuffix(".0")


def joined(*children: Content) -> Safe:
    """Them all, one behind the other."""
    return Safe("".join([text(child) for child in children]))


_VOID = frozenset({"meta", "br", "hr", "line", "circle", "rect", "path", "use", "polyline", "col"})


def _clean(said: str) -> str:
    """*said* without the characters that XML has not, and on one line: a strategy's name may hold any."""
    if said.isprintable():
        return said
    return "".join([one if one.isprintable() else " " if one.isspace() else REPLACEMENT for one in said])
