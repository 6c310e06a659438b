"""
How long a request takes to the venue, a cancel, and a report back to us.

A delay is a distribution given by its quantiles: integers, between which is interpolated in a straight line. A constant
is the simplest, a table learned from a live run the truest, and a shifted lognormal one that needs three figures.
"""

from math import sqrt
from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.fmath import exp, log
from engine.kernel.rng import Draws

MILLION: Final[i64] = 1_000_000
MOST_NS: Final[i64] = 3_600_000_000_000
"""No message takes longer than an hour: products of a delay and a probability in millionths stay within 62 bits."""


class Delay:
    """How long one kind of message is on one way: always *typical_ns*. Other distributions derive from it."""

    def __init__(self, typical_ns: i64, most_ns: i64 = -1) -> None:
        assert 0 <= typical_ns <= MOST_NS
        self.typical_ns: Final[i64] = typical_ns
        self.most_ns: Final[i64] = typical_ns if most_ns < 0 else most_ns

    def ns(self, key: i64, index: i64, now_ns: i64) -> i64:
        """
        The delay in nanoseconds, not negative, of the message that leaves at *now_ns*.

        *key* and *index* name the draw (see `engine.kernel.rng`): the same ones give the same delay, whatever happened
        in between.
        """
        return self.typical_ns


@final
class Quantiles(Delay):
    """
    A delay drawn from its quantile function: at *ppm*[i] millionths of the probability it is *ns*[i] nanoseconds.

    *ppm* rises from 0 to a million, *ns* does not fall; between two knots the delay is linear.
    """

    def __init__(self, ppm: list[int], ns: list[int], draws: Draws) -> None:
        assert len(ppm) == len(ns) >= 2
        assert ppm[0] == 0
        assert ppm[-1] == MILLION
        assert all(ppm[i] < ppm[i + 1] and ns[i] <= ns[i + 1] for i in range(len(ppm) - 1))
        assert ns[0] >= 0
        assert ns[-1] <= MOST_NS
        self._ppm: Final[vec[i64]] = vec[i64]([i64(one) for one in ppm])
        self._ns: Final[vec[i64]] = vec[i64]([i64(one) for one in ns])
        self._draws: Final[Draws] = draws
        super().__init__(self.at(MILLION // 2), i64(ns[-1]))

    def ns(self, key: i64, index: i64, now_ns: i64) -> i64:
        """See `Delay.ns`."""
        return self.at(self._draws.below(key, index, MILLION))

    def at(self, ppm: i64) -> i64:
        """The delay that *ppm* millionths of all messages do not exceed."""
        knots = self._ppm
        low: i64 = 0
        high: i64 = len(knots) - 1
        while high - low > 1:
            middle = (low + high) >> 1
            if knots[middle] <= ppm:
                low = middle
            else:
                high = middle
        ns = self._ns
        return ns[low] + (ns[high] - ns[low]) * (ppm - knots[low]) // (knots[high] - knots[low])


def lognormal(least_ns: i64, median_ns: i64, sigma: float, most_ns: i64, draws: Draws) -> Quantiles:
    """
    *least_ns* and a lognormal jitter above it: half of the delays exceed *median_ns*, none *most_ns*.

    *sigma* is the standard deviation of the jitter's logarithm. The distribution is laid down in quantiles once; beyond
    the outermost of them (a millionth on either side) it ends at *least_ns* and *most_ns*.
    """
    assert 0 <= least_ns <= median_ns <= most_ns <= MOST_NS
    assert sigma >= 0.0
    ppm: list[int] = [0]
    ns: list[int] = [int(least_ns)]
    for at in _KNOTS:
        jitter = float(int(median_ns - least_ns)) * exp(sigma * normal_quantile(at / 1_000_000.0))
        # Compared as floats: what is beyond the most may be beyond any integer of ours.
        most = float(int(most_ns - least_ns))
        ppm.append(at)
        ns.append(int(least_ns) + int(jitter if jitter < most else most))
    ppm.append(int(MILLION))
    ns.append(int(most_ns))
    return Quantiles(ppm, ns, draws)


_KNOTS: Final[list[int]] = [
    *(1, 10, 100, 500, 1_000, 2_000, 5_000),
    *range(10_000, 1_000_000, 10_000),
    *(995_000, 998_000, 999_000, 999_500, 999_900, 999_990, 999_999),
]


def normal_quantile(p: float) -> float:
    """
    The standard normal distribution's quantile at 0 < *p* < 1, to a relative error of 1.15e-9.

    Source: P. J. Acklam (2003), "An algorithm for computing the inverse normal cumulative distribution function":
    rational approximations, one for the middle and one for either tail.
    """
    assert 0.0 < p < 1.0
    if p > 0.97575:
        return -_normal_tail(1.0 - p)
    if p < 0.02425:
        return _normal_tail(p)
    q = p - 0.5
    r = q * q
    top = -3.969683028665376e1 * r + 2.209460984245205e2
    top = (top * r - 2.759285104469687e2) * r + 1.383577518672690e2
    top = (top * r - 3.066479806614716e1) * r + 2.506628277459239
    bottom = -5.447609879822406e1 * r + 1.615858368580409e2
    bottom = (bottom * r - 1.556989798598866e2) * r + 6.680131188771972e1
    bottom = (bottom * r - 1.328068155288572e1) * r + 1.0
    return top * q / bottom


def _normal_tail(p: float) -> float:
    q = sqrt(-2.0 * log(p))
    top = -7.784894002430293e-3 * q - 3.223964580411365e-1
    top = (top * q - 2.400758277161838) * q - 2.549732539343734
    top = (top * q + 4.374664141464968) * q + 2.938163982698783
    bottom = 7.784695709041462e-3 * q + 3.224671290700398e-1
    bottom = (bottom * q + 2.445134137142996) * q + 3.754408661907416
    return top / (bottom * q + 1.0)


@final
class Latency:
    """The delays of orders on their way in, of cancels, and of reports on their way back."""

    def __init__(self, entry: Delay, cancel: Delay, response: Delay) -> None:
        self.entry: Final[Delay] = entry
        self.cancel: Final[Delay] = cancel
        self.response: Final[Delay] = response

    def most_round_trip_ns(self) -> i64:
        """No answer comes later than this after its request left, if neither waited for one before it."""
        slower = self.entry.most_ns
        if self.cancel.most_ns > slower:
            slower = self.cancel.most_ns
        return slower + self.response.most_ns
