"""
A cursor for Polymarket's usual spelling of frames: the primitives of the fast path.

It is the kernel's `Scanner` for one venue: the texts here are long (a frame is mostly token ids, condition ids and
hashes), so they are compared and checked eight bytes at a time, and a price is read and its spelling judged in one
pass. Whatever is unusual makes `ok` false, and the general decoder reads the frame instead.
"""

from typing import Final, final

from librt.strings import read_i64_le
from librt.vecs import vec
from mypy_extensions import i64

from adapters.polymarket.wire.values import (
    MAX_SIZE,
    ONE,
    PRICE_EXPONENT,
    SIZE_EXPONENT,
    nanoseconds,
)
from engine.kernel.events import Symbols
from engine.kernel.record import NONE
from engine.kernel.units import BAD, BUY, SELL

_QUOTE: Final[i64] = 34
_COMMA: Final[i64] = 44
_SPACE: Final[i64] = 32
_ZERO: Final[i64] = 48
_DOT: Final[i64] = 46
_BACKSLASH: Final[i64] = 92

_ONES: Final[i64] = 0x0101010101010101
_LOW: Final[i64] = 0x0F0F0F0F0F0F0F0F
_SIXES: Final[i64] = 0x0606060606060606
_ZEROS: Final[i64] = 0x3030303030303030
_BIT_4: Final[i64] = 0x1010101010101010

MAX_WHOLE: Final[i64] = 10**10
MAX_TRAILING: Final[i64] = 20
MAX_TOKEN: Final[i64] = 78
RECENT: Final[i64] = 1023
"""One less than the number of slots (a power of two) in which tokens lately seen are looked for first."""

_SIDE_BUY: Final = b'BUY"'
_SIDE_SELL: Final = b'SELL"'
_PREFIX: Final = b"0x"


def hex_word(data: bytes, at: i64) -> i64:
    """
    The eight hex digits data[at:at+8], lower case, as an integer; BAD if one is none. `at + 8` must be within *data*.

    All eight bytes are treated at once: each digit's value is guessed from its low bits, spelled again, and the
    spelling must be what stands there.
    """
    word = read_i64_le(data, at)
    values = (word & _LOW) + 9 * ((word >> 6) & _ONES)
    letters = ((values + _SIXES) >> 4) & _ONES
    if values + _ZEROS + 39 * letters != word or values & _BIT_4 != 0:
        return BAD
    values = ((values << 4) | (values >> 8)) & 0x00FF00FF00FF00FF
    values = ((values << 8) | (values >> 16)) & 0x0000FFFF0000FFFF
    return ((values << 16) | (values >> 32)) & 0xFFFFFFFF


@final
class Reader:
    """`data[at:end]` is what is left to read; after the first surprise `ok` stays false."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols: Final[Symbols] = symbols
        self.data: bytes = b""
        self.at: i64 = 0
        self.end: i64 = 0
        self.ok: bool = True
        self.hash_0: i64 = 0
        self.hash_1: i64 = 0
        self.hash_2: i64 = 0
        self._recent: vec[i64] = vec[i64]([-1] * (RECENT + 1))

    def begin(self, data: bytes, start: i64, end: i64) -> None:
        """Read other bytes from now on."""
        self.data = data
        self.at = start
        self.end = end
        self.ok = True

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
        if i < size:
            if i > 0:  # the rest is compared with the last eight bytes, some of them for a second time
                if read_i64_le(data, at + size - 8) != read_i64_le(literal, size - 8):
                    return False
            else:
                while i < size:
                    if data[at + i] != literal[i]:
                        return False
                    i += 1
        self.at = at + size
        return True

    def skip(self, literal: bytes) -> bool:
        """Step over *literal*; a surprise if it does not stand here."""
        if self.sees(literal):
            return True
        self.ok = False
        return False

    def comma(self) -> None:
        """Step over the comma between members, and the blank that some frames put behind it."""
        at = self.at
        data = self.data
        if at + 1 >= self.end or data[at] != _COMMA:
            self.ok = False
            return
        self.at = at + 2 if data[at + 1] == _SPACE else at + 1

    def member(self, literal: bytes) -> bool:
        """Step over a comma and then *literal*, the next member's name; a surprise if they do not stand here."""
        at = self.at
        data = self.data
        if at + 1 < self.end and data[at] == _COMMA:
            self.at = at + 2 if data[at + 1] == _SPACE else at + 1
            if self.sees(literal):
                return True
        self.ok = False
        return False

    def text(self) -> None:
        """Step over a plain text whose content does not matter, and its closing quote."""
        data = self.data
        at = self.at
        end = self.end
        while at < end:
            c: i64 = data[at]
            if c == _QUOTE:
                self.at = at + 1
                return
            if c == _BACKSLASH or c < 32 or c > 126:
                break
            at += 1
        self.ok = False

    def number(self, exponent: i64) -> i64:
        """
        A quoted decimal and its closing quote: its value at 10**-*exponent*, shifted left by 8, over its spelling code.

        BAD, and a surprise, for anything but the spellings that `units.decimal` and `units.spelling` both read, and for
        a value beyond MAX_SIZE.
        """
        data = self.data
        at = self.at
        end = self.end
        start = at
        value: i64 = 0
        c: i64 = 0
        while at < end:
            c = i64(data[at]) - _ZERO
            if c < 0 or c > 9 or value >= MAX_WHOLE:
                break
            value = value * 10 + c
            at += 1
        whole = at - start
        code: i64 = 0
        decimals: i64 = 0
        good = at < end and not (whole > 1 and data[start] == _ZERO)
        if good and data[at] == _DOT:
            at += 1
            start = at
            zeros: i64 = 0
            while at < end:
                c = i64(data[at]) - _ZERO
                if c < 0 or c > 9:
                    break
                zeros += 1
                if c != 0:
                    zeros = 0
                if decimals < exponent:
                    value = value * 10 + c
                    decimals += 1
                elif c != 0:
                    break
                at += 1
            code = zeros << 2
            if at == start:
                code = 2
            if whole == 0:
                code |= 1
                good = at > start
            if zeros > MAX_TRAILING:
                good = False
        elif whole == 0:
            good = False
        while decimals < exponent:
            value *= 10
            decimals += 1
        if not good or value > MAX_SIZE or at >= end or data[at] != _QUOTE:
            self.ok = False
            return BAD
        self.at = at + 1
        return (value << 8) | code

    def price(self) -> i64:
        """A price, as `number` gives it; above 1 is a surprise."""
        data = self.data
        at = self.at
        if at + 5 < self.end and data[at] == _ZERO and data[at + 1] == _DOT:
            # Most prices are "0.6" or "0.62": read without a loop, unless a last zero makes the spelling odd.
            tenths = i64(data[at + 2]) - _ZERO
            hundredths = i64(data[at + 3]) - _ZERO
            if 0 < tenths <= 9 and hundredths == _QUOTE - _ZERO:
                self.at = at + 4
                return (tenths * 1000) << 8
            if 0 <= tenths <= 9 and 0 < hundredths <= 9 and data[at + 4] == _QUOTE:
                self.at = at + 5
                return (tenths * 1000 + hundredths * 100) << 8
        packed = self.number(PRICE_EXPONENT)
        if packed >> 8 > ONE:
            self.ok = False
        return packed

    def size(self) -> i64:
        """A size, as `number` gives it."""
        return self.number(SIZE_EXPONENT)

    def touch(self) -> i64:
        """A best price at 1e-4; NONE for an empty text, 0 and 1."""
        if self.at < self.end and self.data[self.at] == _QUOTE:
            self.at += 1
            return NONE
        price = self.price() >> 8
        return NONE if price == 0 or price == ONE else price

    def side(self) -> i64:
        """BUY or SELL and the closing quote."""
        if self.sees(_SIDE_BUY):
            return BUY
        if self.sees(_SIDE_SELL):
            return SELL
        self.ok = False
        return BAD

    def time(self) -> i64:
        """A timestamp, quoted or not, in nanoseconds."""
        data = self.data
        at = self.at
        end = self.end
        quoted = at < end and data[at] == _QUOTE
        if quoted:
            at += 1
        start = at
        value: i64 = 0
        while at < end and at - start < 14:
            c: i64 = i64(data[at]) - _ZERO
            if c < 0 or c > 9:
                break
            value = value * 10 + c
            at += 1
        time_ns = nanoseconds(at - start, value)
        if time_ns == BAD or data[start] == _ZERO:
            self.ok = False
            return BAD
        if quoted:
            if at >= end or data[at] != _QUOTE:
                self.ok = False
                return BAD
            at += 1
        self.at = at
        return time_ns

    def market(self) -> None:
        """Step over a condition id ("0x" and 64 lower-case hex digits) and its closing quote."""
        if not self.skip(_PREFIX):
            return
        data = self.data
        at = self.at
        stop = at + 64
        if stop >= self.end or data[stop] != _QUOTE:
            self.ok = False
            return
        while at < stop:
            if hex_word(data, at) < 0:
                self.ok = False
                return
            at += 8
        self.at = stop + 1

    def hash(self) -> None:
        """A book hash and its closing quote, into `hash_0`, `hash_1`, `hash_2`: 15, 15 and 10 digits."""
        data = self.data
        at = self.at
        if at + 40 >= self.end or data[at + 40] != _QUOTE:
            self.ok = False
            return
        a = hex_word(data, at)
        b = hex_word(data, at + 8)
        c = hex_word(data, at + 16)
        d = hex_word(data, at + 24)
        e = hex_word(data, at + 32)
        if a < 0 or b < 0 or c < 0 or d < 0 or e < 0:
            self.ok = False
            return
        self.hash_0 = (a << 28) | (b >> 4)
        self.hash_1 = ((b & 0xF) << 56) | (c << 24) | (d >> 8)
        self.hash_2 = ((d & 0xFF) << 32) | e
        self.at = at + 41

    def token(self) -> i64:
        """
        A token id (1 to 78 digits) and its closing quote: its symbol number.

        A frame refused further on may have numbered its tokens: numbers only stand for texts, and no state holds them.
        """
        data = self.data
        at = self.at
        end = self.end
        slot: i64 = -1
        if at + MAX_TOKEN < end:
            word = read_i64_le(data, at)
            slot = (word ^ (word >> 23) ^ (word >> 46)) & RECENT
            known = self._recent[slot]
            if known >= 0:
                encoded = self.symbols.encoded[known]
                size: i64 = len(encoded)
                if data[at + size] == _QUOTE and _same(data, at, encoded, size):
                    self.at = at + size + 1
                    return known
        start = at
        while at < end and _ZERO <= i64(data[at]) <= 57:
            at += 1
        if at == start or at - start > MAX_TOKEN or at >= end or data[at] != _QUOTE:
            self.ok = False
            return BAD
        self.at = at + 1
        number = self.symbols.find(data, start, at)
        if slot >= 0 and at - start >= 8:
            self._recent[slot] = number
        return number

    def done(self) -> bool:
        """Whether all was read without a surprise; a trailing newline is allowed."""
        if self.ok and self.at < self.end and self.data[self.at] == 10:
            self.at += 1
        return self.ok and self.at == self.end


def _same(data: bytes, at: i64, known: bytes, size: i64) -> bool:
    """Whether *known*, of *size* >= 8 bytes, stands at data[at]."""
    i: i64 = 0
    while i + 8 <= size:
        if read_i64_le(data, at + i) != read_i64_le(known, i):
            return False
        i += 8
    return read_i64_le(data, at + size - 8) == read_i64_le(known, size - 8)
