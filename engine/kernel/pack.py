"""
Canonical bytes for checkpoints and derived payloads: fixed order, little-endian, no floats, no padding to guess.

i64 as eight bytes; a text or byte string as its i64 length and its bytes; an unbounded integer as its sign and
magnitude bytes. What one `Packer` wrote, one `Unpacker` reads back in the same order.
"""

from typing import Final, final

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from mypy_extensions import i64, u8

from engine.kernel.money import Money

_WORD: Final = 1 << 61  # below what an int holds without an object of its own
SMALL: Final[i64] = 1 << 60
"""What `Money.high` counts."""
_52_BITS: Final[i64] = (1 << 52) - 1
_56_BITS: Final[i64] = (1 << 56) - 1


class Malformed(Exception):
    """Packed bytes end early or hold more than was read."""


def _bytes(value: i64) -> i64:
    """How many bytes a number >= 0 takes."""
    size: i64 = 0
    while value > 0:
        size += 1
        value >>= 8
    return size


def magnitude_size(high: i64, low: i64) -> i64:
    """How many bytes the amount high * 2**60 + low takes, high and low >= 0."""
    if high == 0:
        return _bytes(low)
    if high >> 52 > 0:
        return 14 + _bytes(high >> 52)
    return 7 + _bytes((low >> 56) | (high << 4))


def put_magnitude(writer: BytesWriter, high: i64, low: i64, size: i64) -> None:
    """Append these *size* bytes, little-endian."""
    end = i64(len(writer)) + size
    if high == 0:
        write_i64_le(writer, low)
    else:
        # Seven bytes, then the four bits above them and what is higher: 52 bits of that make seven bytes again.
        write_i64_le(writer, low & _56_BITS)
        writer.truncate(len(writer) - 1)
        write_i64_le(writer, (low >> 56) | ((high & _52_BITS) << 4))
        writer.truncate(len(writer) - 1)
        write_i64_le(writer, high >> 52)
    writer.truncate(end)


@final
class Packer:
    """Appends values; `finish()` is what was appended."""

    def __init__(self) -> None:
        self.writer: Final[BytesWriter] = BytesWriter()
        """Where it goes: for whoever appends many words at once."""

    def put(self, value: i64) -> None:
        """A 64-bit integer."""
        write_i64_le(self.writer, value)

    def put_data(self, value: bytes) -> None:
        """A byte string."""
        write_i64_le(self.writer, len(value))
        self.writer.write(value)

    def put_text(self, value: str) -> None:
        """A text, as UTF-8."""
        if value:
            self.put_data(value.encode())
        else:
            write_i64_le(self.writer, 0)

    def put_big(self, value: int) -> None:
        """An integer of any size."""
        if -_WORD < value < _WORD:
            self._put_word(i64(value))
            return
        magnitude = abs(value)
        size: i64 = (magnitude.bit_length() + 7) // 8
        write_i64_le(self.writer, size if value >= 0 else -size)
        self.writer.write(magnitude.to_bytes(size, "little"))

    def _put_word(self, value: i64) -> None:
        """The same bytes for one that fits a machine word, without making objects of it: money mostly does."""
        writer = self.writer
        left = value
        if value < 0:
            left = -value
        size = _bytes(left)
        if value < 0:
            write_i64_le(writer, -size)
        else:
            write_i64_le(writer, size)
        write_i64_le(writer, left)
        writer.truncate(len(writer) - 8 + size)

    def put_money(self, money: Money) -> None:
        """An amount, as `put_big` puts its int."""
        high = money.high
        low = money.low
        negative = high < 0
        if negative:
            high = -high
            if low > 0:
                high -= 1
                low = SMALL - low
        size = magnitude_size(high, low)
        if negative:
            write_i64_le(self.writer, -size)
        else:
            write_i64_le(self.writer, size)
        put_magnitude(self.writer, high, low, size)

    def finish(self) -> bytes:
        """All that was appended."""
        return self.writer.getvalue()

    def size(self) -> i64:
        """How many bytes were appended."""
        return len(self.writer)

    def count(self, at: i64, count: i64) -> None:
        """The number put where *size* was *at*, a 0, is *count* < 256 after all."""
        self.writer[at] = u8(count)

    def take(self) -> bytes:
        """All that was appended; the next value begins anew."""
        data = self.writer.getvalue()
        self.writer.truncate(0)
        return data


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

    def take_id(self) -> bytes:
        """An intent's id, here a byte string like any other."""
        return self.take_data()

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
