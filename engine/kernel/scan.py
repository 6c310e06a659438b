"""
A cursor over JSON bytes for the wire modules' fast scanners.

A scanner expects a frame in the venue's exact usual spelling: literal text, then a value, then literal text. Whatever
differs makes `ok` false, and the caller hands the frame to its general decoder; so the scanner may be strict and small.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.units import BAD, decimal

_QUOTE: Final[i64] = 34
_BACKSLASH: Final[i64] = 92
_ZERO: Final[i64] = 48
LARGEST_INTEGER: Final[i64] = 10**17


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
        size: i64 = len(literal)
        at = self.at
        if at + size > self.end:
            self.ok = False
            return False
        data = self.data
        i: i64 = 0
        while i < size:
            if data[at + i] != literal[i]:
                self.ok = False
                return False
            i += 1
        self.at = at + size
        return True

    def sees(self, literal: bytes) -> bool:
        """Step over *literal* if it stands here; otherwise stay, without a surprise."""
        size: i64 = len(literal)
        at = self.at
        if at + size > self.end:
            return False
        data = self.data
        i: i64 = 0
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
        if not self.text():
            return BAD
        value = decimal(self.data, self.text_start, self.text_end, exponent)
        if value < 0:
            self.ok = False
        return value

    def integer(self) -> i64:
        """Read an unquoted or quoted run of digits (no sign, at most 17 digits); stops before what follows."""
        data = self.data
        at = self.at
        end = self.end
        value: i64 = 0
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
