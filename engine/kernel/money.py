"""
Money in two machine words: exact, where Python's unbounded integers would cost a memory block for each step of a sum.

An amount is high * 2**60 + low with 0 <= low < 2**60, below 2**122 either side of zero: a price and a size, each below
2**60, may be multiplied, and thousands of such products added. What people and records see are plain ints.
"""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from engine.kernel.digest import Digest

_BITS: Final[i64] = 60
_WORD: Final[i64] = (1 << 60) - 1
_HALF: Final[i64] = (1 << 30) - 1
_SMALL: Final = 1 << 60
_LARGEST: Final = 1 << 122


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Money:
    """An amount that can be moved in place."""

    def __init__(self, high: i64 = 0, low: i64 = 0) -> None:
        self.high: i64 = high
        self.low: i64 = low

    def value(self) -> int:
        """The amount as an int."""
        if self.high == 0:
            return int(self.low)
        return (int(self.high) << 60) + int(self.low)

    def become(self, value: int) -> None:
        """Take the amount of an int, which is below 2**122 either side of zero."""
        if 0 <= value < _SMALL:
            self.high = 0
            self.low = i64(value)
            return
        assert -_LARGEST < value < _LARGEST
        self.high = i64(value >> 60)
        self.low = i64(value & (_SMALL - 1))

    def clear(self) -> None:
        """Become nothing."""
        self.high = 0
        self.low = 0

    def copy(self, other: "Money") -> None:
        """Take the amount of *other*."""
        self.high = other.high
        self.low = other.low

    def add(self, high: i64, low: i64) -> None:
        """Add an amount; *low* may also be the difference of two low words."""
        low += self.low
        self.high += high + (low >> _BITS)
        self.low = low & _WORD

    def add_product(self, price: i64, size: i64) -> None:
        """Add *price* times *size*, each below 2**60; only *size* may be negative."""
        left = -size if size < 0 else size
        price_high = price >> 30
        price_low = price & _HALF
        size_high = left >> 30
        size_low = left & _HALF
        cross = price_high * size_low + price_low * size_high
        low = price_low * size_low + ((cross & _HALF) << 30)
        high = price_high * size_high + (cross >> 30)
        if size < 0:
            low = -low
            high = -high
        low += self.low
        self.high += high + (low >> _BITS)
        self.low = low & _WORD

    def share(self, money: "Money", part: i64, whole: i64, up: bool = False) -> None:
        """
        Become *part* of *whole* of *money*, which is another amount, rounded toward zero, or (*up*) away from it.

        0 <= *part* <= *whole*, and 1 <= *whole* < 2**60.
        """
        high = money.high
        low = money.low
        negative = high < 0
        if negative:
            high = -high - (1 if low > 0 else 0)
            low = -low & _WORD
        if high < whole and whole >> 31 == 0:
            # Long division by digits of 30 bits, of which the rest and one more fit into a word.
            left = (high << 30) | (low >> 30)
            digit = left // whole
            left = ((left - digit * whole) << 30) | (low & _HALF)
            last = left // whole
            left = (left - last * whole) * part
            if up:
                left += whole - 1
            self.clear()
            self.add_product((digit << 30) | last, part)
            self.add(0, left // whole)
        else:
            value = ((int(high) << 60) + int(low)) * int(part)
            if up:
                value += int(whole - 1)
            self.become(value // int(whole))
        if negative:
            self.high = -self.high - (1 if self.low > 0 else 0)
            self.low = -self.low & _WORD

    def add_int(self, value: int) -> None:
        """Add an int."""
        if value == 0:
            return
        self.become(self.value() + value)

    def exceeds(self, other: "Money") -> bool:
        """Whether it is more than *other*."""
        return self.high > other.high or (self.high == other.high and self.low > other.low)

    def mix(self, digest: Digest) -> None:
        """Move *digest* past the amount, as `Digest.mix_int` does past an int: its sign, then 63 bits at a time."""
        high = self.high
        low = self.low
        digest.mix(1 if high < 0 else 0)
        if high < 0:
            high = -high
            if low > 0:
                high -= 1
                low = _WORD - low + 1
        digest.mix(low | ((high & 7) << _BITS))
        high >>= 3
        if high > 0:
            digest.mix(high)


def limit(value: int) -> Money:
    """The limit of *value* >= 0, or the largest amount there is, where nothing can reach it."""
    money = Money()
    money.become(value if value < _LARGEST else _LARGEST - 1)
    return money
