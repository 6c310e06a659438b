"""
A frame says its symbol twice: in small letters in the stream's name, in capitals in the data. Both must agree.

`Names` remembers the pairs it has met, so that the common frame costs two comparisons of bytes and no search.
"""

from typing import Final, final

from librt.strings import read_i64_le
from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.events import Symbols
from engine.kernel.scan import Scanner

_ROOM: Final[i64] = 256
_AT: Final[i64] = 64
_RAW: Final[i64] = -1


@final
class Names:
    """Reads the two spellings of a symbol; one frame at a time."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols: Final[Symbols] = symbols
        self._lower: Final[list[bytes]] = [b"\0"] * 256  # as in the stream's name, with the "@"
        self._upper: Final[list[bytes]] = [b"\0"] * 256  # as in the data, with the closing quote
        self._number: Final[vec[i64]] = vec[i64]([0] * 256)
        self._slot: i64 = _RAW
        self._met: bool = False
        self._start: i64 = 0
        self._end: i64 = 0

    def raw(self) -> None:
        """Begin a frame that has no stream's name."""
        self._slot = _RAW
        self._met = False

    def stream(self, scanner: Scanner) -> bool:
        """Read the symbol of a stream's name, and the "@" behind it; false at a surprise."""
        at = scanner.at
        if at + 8 > scanner.end:
            return False
        word = read_i64_le(scanner.data, at)
        slot = (word ^ (word >> 11) ^ (word >> 23) ^ (word >> 37)) & (_ROOM - 1)
        self._slot = slot
        self._met = scanner.sees(self._lower[slot])
        if self._met:
            return True
        data = scanner.data
        self._start = at
        while at < scanner.end and data[at] != _AT:
            at += 1
        self._end = at
        scanner.at = at + 1
        return at < scanner.end

    def symbol(self, scanner: Scanner) -> i64:
        """
        Read the symbol in the data, and the closing quote, and return its number.

        -1 if the symbol has no number yet, or the stream's name says another one.
        """
        if self._met and scanner.sees(self._upper[self._slot]):
            return self._number[self._slot]
        if self._met or not scanner.text():
            return -1
        data = scanner.data
        start = scanner.text_start
        end = scanner.text_end
        number = self._symbols.known(data, start, end)
        if number < 0 or self._slot == _RAW:
            return number
        lower = data[start:end].lower()
        if data[self._start : self._end] != lower:
            return -1
        self._lower[self._slot] = lower + b"@"
        self._upper[self._slot] = data[start:end] + b'"'
        self._number[self._slot] = number
        return number
