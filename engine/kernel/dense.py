"""
The dense form of packed bytes, for records of which a run writes hundreds of thousands: most of their fields are small.

All as in `pack`, but a 64-bit integer takes one to ten bytes. Of what is absent (NONE) the number 0 is written, of
n >= 0 the number 2 n + 1, of n < 0 the number -2 n, as LEB128: seven bits a byte, the lowest first, the highest bit of
each byte set unless it is the last. So each integer has one encoding, and a reader refuses any other. An id has no
length before it.
"""

from typing import Final, final

from librt.strings import BytesWriter
from mypy_extensions import i64, u8

from engine.kernel.identity import ID_SIZE
from engine.kernel.money import Money
from engine.kernel.pack import SMALL, Malformed, Unpacker, magnitude_size, put_magnitude
from engine.kernel.record import NONE

_WORD: Final[i64] = 1 << 61  # below it the number written fits a word
_55_BITS: Final[i64] = (1 << 55) - 1
_EIGHT: Final[i64] = 56  # bits of eight groups of seven
_MOST: Final[i64] = 63  # bits before the tenth and last group


@final
class DensePacker:
    """Appends values; `take()` is what was appended."""

    def __init__(self) -> None:
        self.writer: Final[BytesWriter] = BytesWriter()
        self._names: Final[dict[str, bytes]] = {}

    def put(self, value: i64) -> None:
        """A 64-bit integer."""
        if 0 <= value < 64:
            self.writer.append(u8(2 * value + 1))
        else:
            self._put_longer(value)

    def _put_longer(self, value: i64) -> None:
        """One below zero, or that takes several bytes."""
        if value >= _WORD or value <= -_WORD:
            self._put_wide(value)
            return
        word = 2 * value + 1
        if value < 0:
            word = -2 * value
        writer = self.writer
        while word > 127:
            writer.append(u8((word & 127) | 128))
            word >>= 7
        writer.append(u8(word))

    def _put_wide(self, value: i64) -> None:
        """One of which the number written does not fit a word: eight groups of it, and what is above them."""
        writer = self.writer
        if value == NONE:
            writer.append(u8(0))
            return
        sign: i64 = 1
        if value < 0:
            sign = 0
            value = -value
        low = ((value & _55_BITS) << 1) | sign
        groups: i64 = 0
        while groups < 8:
            writer.append(u8((low & 127) | 128))
            low >>= 7
            groups += 1
        high = value >> 55  # at least 64: nine or ten bytes
        if high > 127:
            writer.append(u8((high & 127) | 128))
            high >>= 7
        writer.append(u8(high))

    def put_data(self, value: bytes) -> None:
        """A byte string."""
        self.put(len(value))
        self.writer.write(value)

    def put_id(self, intent: bytes) -> None:
        """An intent's id."""
        assert len(intent) == ID_SIZE
        self.writer.write(intent)

    def put_text(self, value: str) -> None:
        """A text, as UTF-8."""
        if value:
            self.put_data(value.encode())
        else:
            self.put(0)

    def put_name(self, value: str) -> None:
        """A text that comes again and again, as `put_text` puts it: its bytes are kept."""
        data = self._names.get(value)
        if data is None:
            packer = DensePacker()
            packer.put_text(value)
            data = packer.take()
            self._names[value] = data
        self.writer.write(data)

    def put_big(self, value: int) -> None:
        """An integer of any size."""
        if value == 0:
            self.put(0)
            return
        magnitude = abs(value)
        size: i64 = (magnitude.bit_length() + 7) // 8
        self.put(size if value > 0 else -size)
        self.writer.write(magnitude.to_bytes(size, "little"))

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
            self.put(-size)
        else:
            self.put(size)
        put_magnitude(self.writer, high, low, size)

    def size(self) -> i64:
        """How many bytes were appended."""
        return len(self.writer)

    def count(self, at: i64, count: i64) -> None:
        """The number put where *size* was *at*, a 0, is *count* < 64 after all."""
        self.writer[at] = u8(2 * count + 1)

    def take(self) -> bytes:
        """All that was appended; the next value begins anew."""
        data = self.writer.getvalue()
        self.writer.truncate(0)
        return data


@final
class DenseUnpacker(Unpacker):
    """Reads values in the order they were appended; raises Malformed where the bytes do not hold them."""

    def take(self) -> i64:
        """A 64-bit integer."""
        low: i64 = 0  # eight groups of seven bits
        high: i64 = 0  # what is above them
        bits: i64 = 0
        while True:
            if self._at >= len(self._data) or bits > _MOST:
                raise Malformed("the packed bytes end within a number, or a number does not end")
            byte = i64(self._data[self._at])
            self._at += 1
            if bits < _EIGHT:
                low |= (byte & 127) << bits
            else:
                high |= (byte & 127) << (bits - _EIGHT)
            if byte < 128:
                break
            bits += 7
        if (byte == 0 and bits > 0) or high > 255:
            raise Malformed("a packed number is longer than it need be, or above what it may be")
        if low == 0 and high == 0:
            return NONE
        magnitude = (low >> 1) | (high << 55)
        if low & 1:
            return magnitude
        return -magnitude

    def take_id(self) -> bytes:
        """An intent's id."""
        return self._take(ID_SIZE)
