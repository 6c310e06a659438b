"""
hftbacktest's event rows: 64 bytes little-endian, as its documentation gives them, and how its numbers become ours.

    ev u64, exch_ts i64, local_ts i64, px f64, qty f64, order_id u64, ival i64, fval f64
"""

from typing import Final

from mypy_extensions import i64

from engine.kernel.json_text import Number, Refused, decimal_of
from engine.kernel.units import BAD

VENUE: Final = "hftbacktest"

EXPONENT: Final[i64] = 8
"""Prices and sizes are integers at 1e-8."""

ROW: Final[i64] = 64
EXCH_AT: Final[i64] = 8
LOCAL_AT: Final[i64] = 16
PRICE_AT: Final[i64] = 24
SIZE_AT: Final[i64] = 32

# The low byte of `ev` says what the row is, the high bits for whom and of which side.
KIND: Final[i64] = 0xFF
DEPTH: Final[i64] = 1
TRADE: Final[i64] = 2
DEPTH_CLEAR: Final[i64] = 3
DEPTH_SNAPSHOT: Final[i64] = 4

SELL_SIDE: Final[i64] = 1 << 28
BUY_SIDE: Final[i64] = 1 << 29
LOCAL: Final[i64] = 1 << 30
EXCH: Final[i64] = 0x80000000

_SCALE: Final = 1e8
_EXACT: Final = 1e15  # below it an integer has at most 15 digits, and no two of them are the same double at 1e-8
_SHORT: Final[i64] = 1_000_000_000_000


def units(value: float) -> i64:
    """
    *value* at 1e-8 by its shortest decimal text, which has at most 12 significant digits; BAD for any other number.

    A decimal of at most 15 digits is the only one of them that reads as its double, so an integer that gives the value
    back is the one its shortest text spells, and no text is made.
    """
    scaled = value * _SCALE
    if 0.0 <= scaled < _EXACT:
        found: i64 = int(scaled + 0.5)
        if float(found) / _SCALE == value:
            digits = found
            while digits >= _SHORT:
                if digits % 10 != 0:
                    return BAD
                digits //= 10
            return found
    return by_text(value)


def by_text(value: float) -> i64:
    """The same through the text itself: the rule, slowly."""
    try:
        return decimal_of(Number(repr(value)), EXPONENT)
    except (Refused, ValueError):  # a sign, too many digits or decimals, "inf", "nan"
        return BAD
