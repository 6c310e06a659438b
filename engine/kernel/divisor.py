"""
Dividing by the same number again and again: by a tick, by a lot.

A division takes tens of cycles, and of what a venue sends nearly everything divides evenly. Such a quotient is found by
one product with the divisor's inverse modulo 2**63, and a comparison says whether it did divide evenly.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.digest import MASK63
from engine.kernel.record import NONE
from engine.kernel.units import LARGEST


@final
class Divisor:
    """
    Exact division by *step* (>= 1), for whoever keeps the parts at hand:

        value & refused == 0 and ((value >> shift) * inverse) & MASK63 <= most

    says that *value* is a multiple of *step*, at least 0, and the middle is the quotient. `refused` is the sign and the
    bits that a multiple of *step* = 2**`shift` * odd lacks. The odd part's inverse undoes a product with it, and takes
    every other number to one above `most` (Granlund and Montgomery 1994, section 9).
    """

    def __init__(self, step: i64) -> None:
        assert step >= 1
        shift: i64 = 0
        odd = step
        while odd & 1 == 0:
            odd >>= 1
            shift += 1
        inverse: i64 = 1
        i: i64 = 0
        while i < 6:  # each turn doubles the bits that are right: Newton's iteration
            inverse = (inverse * (2 - ((odd * inverse) & MASK63))) & MASK63
            i += 1
        self.step: Final[i64] = step
        self.shift: Final[i64] = shift
        self.refused: Final[i64] = NONE | ((step & -step) - 1)
        self.inverse: Final[i64] = inverse
        self.most: Final[i64] = MASK63 // step
        self.largest: Final[i64] = LARGEST // step
        """The quotient of the greatest price or size there can be."""
