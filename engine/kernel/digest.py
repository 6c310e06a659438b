"""
The rolling digest: one 63-bit number that every state change moves.

Not a cryptographic hash: it finds differences, cheaply enough to take in every price level. The state digest beside it
(`checkpoint.state_digest`) is BLAKE2b and proves the whole state.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.record import wide

MASK63: Final[i64] = wide(0x7FFFFFFF, 0xFFFFFFFF)
PRIME: Final[i64] = wide(0x5851F42D, 0x4C957F2D)  # Knuth's MMIX multiplier: odd, well spread
SPREAD: Final[i64] = wide(0x1E3779B9, 0x7F4A7C15)  # another, from the golden ratio


@final
class Digest:
    """`value` after each `mix`: the product stays below 2**63, so interpreted and compiled agree to the bit."""

    def __init__(self, value: i64 = 0) -> None:
        self.value: i64 = value

    def mix(self, value: i64) -> None:
        """Move past one changed *value*."""
        d = ((self.value ^ value) * PRIME) & MASK63
        self.value = d ^ (d >> 29)

    def mix_pair(self, value: i64, other: i64) -> None:
        """Move past two changed values at the price of one: *other* is spread out beside the chain of products."""
        d = ((self.value ^ value ^ ((other * SPREAD) & MASK63)) * PRIME) & MASK63
        self.value = d ^ (d >> 29)

    def mix_int(self, value: int) -> None:
        """Move past an unbounded integer, 63 bits at a time."""
        self.mix(1 if value < 0 else 0)
        rest = abs(value)
        while True:
            self.mix(i64(rest & 0x7FFFFFFFFFFFFFFF))
            rest >>= 63
            if rest == 0:
                return

    def mix_bytes(self, data: bytes) -> None:
        """Move past *data*: its length, then eight bytes at a time, little-endian, the last zero-padded."""
        size: i64 = len(data)
        self.mix(size)
        at: i64 = 0
        while at < size:
            word: i64 = 0
            i: i64 = 0
            while i < 8 and at + i < size:
                word |= (i64(data[at + i]) & 0x7F if i == 7 else i64(data[at + i])) << (8 * i)
                i += 1
            if i == 8 and data[at + 7] >= 128:
                self.mix(-1)  # the 64th bit, which a 63-bit word cannot hold
            self.mix(word)
            at += 8
