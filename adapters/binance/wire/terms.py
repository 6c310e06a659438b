"""What all of Binance's wire modules agree on: names, scale and clock."""

from typing import Final

from mypy_extensions import i64

from engine.kernel.units import BAD

SPOT: Final = "binance-spot"
USDM: Final = "binance-usdm"

EXPONENT: Final[i64] = 8
"""Prices, sizes and funding rates are integers at 1e-8, on both venues."""

_MILLISECONDS: Final[i64] = 9_000_000_000_000  # the year 2255; beyond it nanoseconds would leave i64
_MICROSECONDS: Final[i64] = 1_000_000_000_000_000  # the year 2001


def nanoseconds(stamp: i64) -> i64:
    """
    A venue time in nanoseconds; BAD for one that cannot be.

    Binance stamps milliseconds, and microseconds on connections that ask for `timeUnit=MICROSECOND`. The two ranges
    lie a factor of a hundred apart, so the number itself says which it is.
    """
    if 0 <= stamp < _MILLISECONDS:
        return stamp * 1_000_000
    if _MICROSECONDS <= stamp < _MILLISECONDS * 1000:
        return stamp * 1000
    return BAD
