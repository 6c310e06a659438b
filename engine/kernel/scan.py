"""
A cursor over JSON bytes for the wire modules' fast scanners.

A scanner expects a frame in the venue's exact usual spelling: literal text, then a value, then literal text. Whatever
differs makes `ok` false, and the caller hands the frame to its general decoder; so the scanner may be strict and small.
"""

from typing import Final, final

from librt.strings import read_i64_le
from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.units import BAD, decimal

_QUOTE: Final[i64] = 34
_BACKSLASH: Final[i64] = 92
_ZERO: Final[i64] = 48
_DOT: Final[i64] = -2  # less _ZERO
LARGEST_INTEGER: Final[i64] = 10**17

_MOST_DIGITS: Final[i64] = 18  # what has no more of them is below 2**60, whatever it is
_POWERS: Final = vec[i64]([10**n for n in range(19)])

_HIGH: Final[i64] = -0x0F0F0F0F0F0F0F10  # 0xF0 in each byte
_ZEROS: Final[i64] = 0x3030303030303030
_SIXES: Final[i64] = 0x0606060606060606
_LOW: Final[i64] = 0x0F0F0F0F0F0F0F0F


def eight_digits(word: i64) -> i64:
    """The number whose eight ASCII digits *word* holds, first digit in the lowest byte; BAD for any other byte."""
    if word & _HIGH != _ZEROS or (word + _SIXES) & _HIGH != _ZEROS:
        return BAD
    word &= _LOW
    pairs = word * 10 + (word >> 8)  # each even byte now holds two digits
    return (
        (pairs & 0xFF) * 1_000_000
        + ((pairs >> 16) & 0xFF) * 10_000
        + ((pairs >> 32) & 0xFF) * 100
        + ((pairs >> 48) & 0xFF)
    )


@final
class Scanner:
    """`data[at:end]` is what is left to read; after the first surprise `ok` stays false."""

    def __init__(self, data: bytes, start: i64, end: i64) -> None:
        self.data = data
        self.at: i64 = start
        self.end: i64 = end
        self.ok: bool = True
        self.text_start: i64 = 0
        self.text_end: i64 = 0

    def reset(self, data: bytes, start: i64, end: i64) -> None:
        """Begin again on other bytes, so that one scanner serves a stream without new objects."""
        self.data = data
        self.at = start
        self.end = end
        self.ok = True

    def skip(self, literal: bytes) -> bool:
        """Step over *literal*; a surprise if it does not stand here."""
        if self.sees(literal):
            return True
        self.ok = False
        return False

    def sees(self, literal: bytes) -> bool:
        """Step over *literal* if it stands here; otherwise stay, without a surprise."""
        size: i64 = len(literal)
        at = self.at
        if at + size > self.end:
            return False
        data = self.data
        i: i64 = 0
        while i + 8 <= size:
            if read_i64_le(data, at + i) != read_i64_le(literal, i):
                return False
            i += 8
        while i < size:
            if data[at + i] != literal[i]:
                return False
            i += 1
        self.at = at + size
        return True

    def peek(self) -> i64:
        """The next byte, or -1 at the end."""
        if self.at >= self.end:
            return -1
        return i64(self.data[self.at])

    def text(self) -> bool:
        """Read up to the closing quote (the opening one is already behind); the text is data[text_start:text_end]."""
        data = self.data
        at = self.at
        end = self.end
        while at < end:
            c: i64 = data[at]
            if c == _QUOTE:
                self.text_start = self.at
                self.text_end = at
                self.at = at + 1
                return True
            if c == _BACKSLASH or c < 32 or c > 126:
                break
            at += 1
        self.ok = False
        return False

    def decimal(self, exponent: i64) -> i64:
        """Read decimal text up to and over the closing quote, as `units.decimal`; BAD is a surprise."""
        data = self.data
        start = self.at
        at = start
        end = self.end
        if end - at > _MOST_DIGITS:
            end = at + _MOST_DIGITS + 1
        value: i64 = 0
        dot: i64 = -1
        c: i64 = -1
        while at < end:
            c = i64(data[at]) - _ZERO
            if c < 0 or c > 9:
                if c != _DOT or dot >= 0:
                    break
                dot = at
            else:
                value = value * 10 + c
            at += 1
        digits = at - start if dot < 0 else at - start - 1
        missing = exponent if dot < 0 else exponent - (at - dot - 1)
        if at == end or c != _QUOTE - _ZERO or digits == 0 or missing < 0 or digits + missing > _MOST_DIGITS:
            return self._unusual_decimal(exponent)
        self.text_start = start
        self.text_end = at
        self.at = at + 1
        return value * _POWERS[missing]

    def _unusual_decimal(self, exponent: i64) -> i64:
        if not self.text():
            return BAD
        value = decimal(self.data, self.text_start, self.text_end, exponent)
        if value < 0:
            self.ok = False
        return value

    def integer(self) -> i64:
        """Read an unquoted or quoted run of digits (no sign, at most 18 digits); stops before what follows."""
        data = self.data
        at = self.at
        end = self.end
        value: i64 = 0
        if end - at >= 8:
            value = eight_digits(read_i64_le(data, at))
            if value < 0:
                value = 0
            else:
                at += 8
        while at < end:
            c: i64 = i64(data[at]) - _ZERO
            if c < 0 or c > 9:
                break
            if value >= LARGEST_INTEGER:
                self.ok = False
                return BAD
            value = value * 10 + c
            at += 1
        if at == self.at or (data[self.at] == _ZERO and at - self.at > 1):
            self.ok = False
            return BAD
        self.at = at
        return value

    def done(self) -> bool:
        """Whether all was read without a surprise; a trailing newline is allowed."""
        if self.ok and self.at < self.end and self.data[self.at] == 10:
            self.at += 1
        return self.ok and self.at == self.end
