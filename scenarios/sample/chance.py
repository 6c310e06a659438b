"""Chance from a seed: the same numbers on every machine, in every Python, for as long as SHA-3 is SHA-3."""

from collections.abc import Iterator, Sequence
from hashlib import shake_128
from itertools import count
from struct import unpack
from typing import Final, TypeVar, final

T = TypeVar("T")

_WORDS: Final = 4096
_LN2: Final = 45426  # the natural logarithm of 2, times 2**16


def _words(key: bytes) -> Iterator[int]:
    for page in count():
        yield from unpack(f"<{_WORDS}I", shake_128(key + page.to_bytes(8, "little")).digest(4 * _WORDS))


@final
class Chance:
    """One stream of chance; streams of other *name* or *seed* have nothing in common."""

    __slots__ = ("word",)

    def __init__(self, seed: int, name: str) -> None:
        self.word: Final = _words(f"refold-sample/1 {seed} {name} ".encode()).__next__
        """The next 32 bits."""

    def below(self, end: int) -> int:
        """An integer from 0 to *end* - 1, all but evenly; *end* is far below 2**32."""
        return (self.word() * end) >> 32

    def between(self, least: int, most: int) -> int:
        """An integer from *least* to *most*, both included."""
        return least + ((self.word() * (most - least + 1)) >> 32)

    def one_in(self, times: int) -> bool:
        """True once in so many *times*, in the long run."""
        return self.word() * times < 1 << 32

    def waiting(self, mean: int) -> int:
        """A waiting time: half as likely with every further 0.69 *mean*, in integers all the way."""
        word = self.word()
        halvings = word & 0xFFFF | 0x10000
        return mean * (((halvings & -halvings).bit_length() - 1 << 16) + (word >> 16)) * _LN2 >> 32

    def pick(self, choices: Sequence[T]) -> T:
        """One of *choices*, each as likely."""
        return choices[(self.word() * len(choices)) >> 32]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """*items* in any order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in items]

    def hex(self, digits: int) -> str:
        """So many random hex *digits*."""
        text = "".join(f"{self.word():08x}" for _ in range(-(-digits // 8)))
        return text[:digits]

    def token_id(self) -> str:
        """A token id as the venue's are: 256 bits in decimal."""
        return str(int(self.hex(64), 16))
