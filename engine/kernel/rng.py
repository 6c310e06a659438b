"""
Chance, without state: a draw is a function of (seed, purpose, sequence number, index).

Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11): ten rounds over a
128-bit counter with a 64-bit key, integers only, so that every machine draws the same. The key is the seed and a hash
of the purpose; the counter is the sequence number and the index.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.record import wide

_M0: Final[i64] = 0xD2511F53
_M1: Final[i64] = 0xCD9E8D57
_W0: Final[i64] = 0x9E3779B9
_W1: Final[i64] = 0xBB67AE85
_MASK32: Final[i64] = 0xFFFFFFFF
_ROUNDS: Final[i64] = 10
_MASK63: Final[i64] = wide(0x7FFFFFFF, 0xFFFFFFFF)
MOST: Final[i64] = wide(0x40000000, 0)
"""The largest n of `Draws.below`: 2**62."""

_FNV_OFFSET: Final[i64] = 0x811C9DC5
_FNV_PRIME: Final[i64] = 0x01000193


@final
class Block:
    """Four 32-bit words, each as a non-negative i64."""

    def __init__(self, a: i64, b: i64, c: i64, d: i64) -> None:
        self.a: Final[i64] = a
        self.b: Final[i64] = b
        self.c: Final[i64] = c
        self.d: Final[i64] = d


def _high(a: i64, b: i64) -> i64:
    """The upper 32 bits of the product of two 32-bit words, without leaving 63 bits."""
    low = (a & 0xFFFF) * b
    return ((a >> 16) * b + (low >> 16)) >> 16


def philox(c0: i64, c1: i64, c2: i64, c3: i64, k0: i64, k1: i64) -> Block:
    """Philox4x32-10 of counter (c0, c1, c2, c3) under key (k0, k1), all 32-bit words."""
    i: i64 = 0
    while i < _ROUNDS:
        high0 = _high(_M0, c0)
        low0 = ((_M0 & 0xFFFF) * c0 + (((_M0 >> 16) * c0 & 0xFFFF) << 16)) & _MASK32
        high1 = _high(_M1, c2)
        low1 = ((_M1 & 0xFFFF) * c2 + (((_M1 >> 16) * c2 & 0xFFFF) << 16)) & _MASK32
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0 = (k0 + _W0) & _MASK32
        k1 = (k1 + _W1) & _MASK32
        i += 1
    return Block(c0, c1, c2, c3)


def purpose_key(purpose: str) -> i64:
    """FNV-1a, 32 bits, of the purpose's UTF-8 text."""
    h: i64 = _FNV_OFFSET
    for byte in purpose.encode():
        c: i64 = byte
        h = ((h ^ c) * _FNV_PRIME) & _MASK32
    return h


@final
class Draws:
    """
    The draws of one purpose under one seed.

    `block(seq, index)` and what is built on it depend on nothing else: asking twice gives the same twice. *seq* is the
    input's key (`View.draw_key`); a caller that needs several draws for one input counts *index* up. 0 <= seq < 2**63,
    0 <= index < 2**32.
    """

    def __init__(self, seed: i64, purpose: str) -> None:
        self._k0: Final[i64] = (seed ^ (seed >> 32)) & _MASK32
        self._k1: Final[i64] = (purpose_key(purpose) ^ (seed >> 32)) & _MASK32

    def block(self, seq: i64, index: i64, attempt: i64 = 0) -> Block:
        """128 random bits; *attempt* separates the retries of a draw without bias."""
        return philox(index & _MASK32, attempt & _MASK32, seq & _MASK32, (seq >> 32) & _MASK32, self._k0, self._k1)

    def bits63(self, seq: i64, index: i64) -> i64:
        """A uniform integer in [0, 2**63)."""
        block = self.block(seq, index)
        return (block.a & 0x7FFFFFFF) << 32 | block.b

    def uniform(self, seq: i64, index: i64) -> float:
        """A uniform float in [0, 1): 53 random bits times 2**-53, exactly."""
        block = self.block(seq, index)
        bits = (block.a << 21) ^ (block.b >> 11)
        return float(bits) * (1.0 / 9007199254740992.0)

    def below(self, seq: i64, index: i64, n: i64) -> i64:
        """A uniform integer in [0, n), all exactly equally likely: 63 bits, drawn again above the last multiple."""
        assert 1 <= n <= MOST
        limit = _MASK63 - _MASK63 % n
        attempt: i64 = 0
        while True:
            block = self.block(seq, index, attempt)
            bits = (block.a & 0x7FFFFFFF) << 32 | block.b
            if bits < limit:
                return bits % n
            attempt += 1

    def chance(self, seq: i64, index: i64, ppm: i64) -> bool:
        """True with a probability of *ppm* parts per million."""
        return self.below(seq, index, 1_000_000) < ppm
