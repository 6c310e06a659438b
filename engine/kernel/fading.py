"""
Averages that forget: exponential ones over steps of time, in integers.

What is seen at one step holds until the next that looks, and counts half as much after each half-life. With w(n) =
2**(-n / half-life) for the n steps between two looks, an average x of a held value v, and a faded sum s, become

    x' = v + (x - v) * w(n)        s' = s * w(n)

Source: the exponential moving average of an unevenly spaced series whose last observation holds (EMA_last) in Eckner,
"Algorithms for Unevenly Spaced Time Series: Moving Averages and Other Rolling Operators" (2012).

Weights are whole 2**-30 and products are rounded down, so that all builds agree to the bit.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.fmath import exp
from engine.kernel.pack import Packer, Unpacker

ONE: Final[i64] = 1 << 20
"""The share 1, and the weight of one event."""
THOUSAND: Final[i64] = 1000

_WEIGHT_BITS: Final[i64] = 30
_UNIT: Final[i64] = 1 << 30
_UNIT_FLOAT: Final = 1073741824.0  # to make it of the integer would box a literal, in C as a shift beyond 32 bits
_LOW_BITS: Final[i64] = 12
_LOW: Final[i64] = (1 << 12) - 1
_HIGH_SHIFT: Final[i64] = 18
_FRACTION: Final[i64] = 12
_HALF: Final[i64] = 1 << 11
MOST_HELD: Final[i64] = (1 << 29) - 1
"""The largest value an average holds, either sign: beyond it, it is taken for this one."""
_MOST_EVENTS: Final[i64] = 1 << 40
_POWERS: Final[i64] = 40
_MOST_STEPS: Final[i64] = 1 << 32
"""Of a half-life: what is left after 2**40 steps is then nothing."""
_LN2: Final = 0.6931471805599453


@final
class Fading:
    """The weights of one half-life, in steps: `weight(n)` is 2**(-n / half_steps) in 2**-30."""

    def __init__(self, half_steps: i64) -> None:
        assert 0 < half_steps <= _MOST_STEPS
        powers = vec[i64]([0] * _POWERS)
        k: i64 = 0
        steps = 1.0  # 2**k, a float that is exact
        while k < _POWERS:
            powers[k] = i64(int(exp(-_LN2 * steps / float(half_steps)) * _UNIT_FLOAT + 0.5))
            steps = steps * 2.0
            k += 1
        self._powers: Final[vec[i64]] = powers

    def weight(self, steps: i64) -> i64:
        """What is left of a unit of 2**30 after so many *steps*, which are 0 or more."""
        left = _UNIT
        k: i64 = 0
        while steps > 0 and left > 0:
            if k == _POWERS:
                return 0
            if steps & 1 != 0:
                left = (left * self._powers[k]) >> _WEIGHT_BITS
            steps >>= 1
            k += 1
        return left


def times(value: i64, weight: i64) -> i64:
    """*value* (between -2**42 and 2**42) times *weight* in 2**-30, within one unit below the true product."""
    return ((value >> _LOW_BITS) * weight >> _HIGH_SHIFT) + ((value & _LOW) * weight >> _WEIGHT_BITS)


@final
class Average:
    """The average of a value that holds between looks; `value` is it, `raw` the same in 2**-12."""

    def __init__(self) -> None:
        self.raw: i64 = 0

    def begin(self, value: i64) -> None:
        """The first look: nothing is known but *value*."""
        self.raw = clipped(value) << _FRACTION

    def hold(self, value: i64, weight: i64) -> None:
        """*value* held for the steps that leave *weight* of what was before."""
        held = clipped(value) << _FRACTION
        self.raw = held + times(self.raw - held, weight)

    def value(self) -> i64:
        """The average, rounded to the nearest."""
        return (self.raw + _HALF) >> _FRACTION


@final
class Share:
    """How much of what happened was of one sort: events count as `ONE`, less and less as time goes on."""

    def __init__(self) -> None:
        self.part: i64 = 0
        self.whole: i64 = 0

    def add(self, part: i64, events: i64 = 1) -> None:
        """*events* happened, and *part* (of `ONE`) of each was of that sort. Beyond 2**20 of them none are counted."""
        if self.whole < _MOST_EVENTS:
            self.part += part * events
            self.whole += ONE * events

    def fade(self, weight: i64) -> None:
        """Let the steps pass that leave *weight*."""
        if self.whole > 0:
            self.part = times(self.part, weight)
            self.whole = times(self.whole, weight)

    def thousandths(self, least: i64) -> i64:
        """The share, 0 to 1000; fewer than *least* events count as so many, those missing as of another sort."""
        whole = self.whole if self.whole > least * ONE else least * ONE
        return self.part * THOUSAND // whole

    def pack(self, packer: Packer) -> None:
        """Append both."""
        packer.put(self.part)
        packer.put(self.whole)

    def unpack(self, unpacker: Unpacker) -> None:
        """Become what `pack` wrote."""
        self.part = unpacker.take()
        self.whole = unpacker.take()


def clipped(value: i64) -> i64:
    """*value*, or the nearest that an average holds."""
    if value > MOST_HELD:
        return MOST_HELD
    return value if value >= -MOST_HELD else -MOST_HELD


def part_of(part: i64, whole: i64) -> i64:
    """*part* of *whole* (above 0) as a share of `ONE`, rounded down, for whatever sizes: 0 <= part <= whole."""
    while whole >= _MOST_EVENTS:
        part >>= 1
        whole >>= 1
    return part * ONE // whole
