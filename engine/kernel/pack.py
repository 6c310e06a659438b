"""
Canonical bytes for checkpoints and derived payloads: fixed order, little-endian, no floats, no padding to guess.

i64 as eight bytes; a text or byte string as its i64 length and its bytes; an unbounded integer as its sign and
magnitude bytes. What one `Packer` wrote, one `Unpacker` reads back in the same order.
"""

from typing import Final, final

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from mypy_extensions import i64

_WORD: Final = 4_611_686_018_427_387_904  # 2**62


class Malformed(Exception):
    """Packed bytes end early or hold more than was read."""


@final
class Packer:
    """Appends values; `finish()` is what was appended."""

    def __init__(self) -> None:
        self._writer: Final[BytesWriter] = BytesWriter()

    def put(self, value: i64) -> None:
        """A 64-bit integer."""
        write_i64_le(self._writer, value)

    def put_data(self, value: bytes) -> None:
        """A byte string."""
        write_i64_le(self._writer, len(value))
        self._writer.write(value)

    def put_text(self, value: str) -> None:
        """A text, as UTF-8."""
        self.put_data(value.encode())

    def put_big(self, value: int) -> None:
        """An integer of any size."""
        if -_WORD < value < _WORD:
            self._put_word(i64(value))
            return
        magnitude = abs(value)
        size: i64 = (magnitude.bit_length() + 7) // 8
        write_i64_le(self._writer, size if value >= 0 else -size)
        self._writer.write(magnitude.to_bytes(size, "little"))

    def _put_word(self, value: i64) -> None:
        """The same bytes for one that fits a machine word, without making objects of it: money mostly does."""
        left = -value if value < 0 else value
        size: i64 = 0
        rest = left
        while rest > 0:
            size += 1
            rest >>= 8
        write_i64_le(self._writer, -size if value < 0 else size)
        while left > 0:
            self._writer.append(left & 0xFF)
            left >>= 8

    def finish(self) -> bytes:
        """All that was appended."""
        return self._writer.getvalue()


@final
class Unpacker:
    """Reads values in the order they were appended; raises Malformed where the bytes do not hold them."""

    def __init__(self, data: bytes) -> None:
        self._data: Final[bytes] = data
        self._at: i64 = 0

    def take(self) -> i64:
        """A 64-bit integer."""
        if self._at + 8 > len(self._data):
            raise Malformed("the packed bytes end within a number")
        value = read_i64_le(self._data, self._at)
        self._at += 8
        return value

    def take_data(self) -> bytes:
        """A byte string."""
        return self._take(self.take())

    def take_text(self) -> str:
        """A text."""
        data = self.take_data()
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            malformed = Malformed("a packed text is no UTF-8")
            malformed.__cause__ = error
            raise malformed

    def take_big(self) -> int:
        """An integer of any size."""
        size = self.take()
        magnitude = int.from_bytes(self._take(-size if size < 0 else size), "little")
        return -magnitude if size < 0 else magnitude

    def done(self) -> None:
        """Check that everything was read."""
        if self._at != len(self._data):
            raise Malformed(f"{len(self._data) - self._at} packed bytes were not read")

    def _take(self, size: i64) -> bytes:
        if size < 0 or self._at + size > len(self._data):
            raise Malformed("the packed bytes end within a value")
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken
