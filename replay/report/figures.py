"""
What a run's equity says about it: return, Sharpe, Sortino, drawdown, turnover.

Each figure is None where there is not enough to say it from, and says why. Nothing here is rounded; nothing is
annualised but the two ratios, which say so.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from statistics import fmean

from attrs import frozen

from replay.report.scales import SECOND_NS, Point

YEAR_NS = 365 * 86_400 * SECOND_NS
"""These markets trade every day of the year, around the clock."""

DAY_NS = 86_400 * SECOND_NS

LEAST_INTERVALS = 30
"""With fewer changes of equity a standard deviation says more about the sample than about the run."""

INTERVALS = (
    (DAY_NS, "1 day"),
    (3_600 * SECOND_NS, "1 hour"),
    (60 * SECOND_NS, "1 minute"),
    (10 * SECOND_NS, "10 s"),
    (SECOND_NS, "1 s"),
)
"""Lengths over which changes of equity are taken: the longest of which a run has enough."""


@frozen
class Figure:
    """A value, or why there is none. *error* is its standard error, *seq* the record that explains it."""

    value: float | None
    why: str = ""
    error: float | None = None
    seq: int | None = None


@frozen
class Changes:
    """What equity changed by in each whole interval, aligned in UTC; *name* is the interval's."""

    values: tuple[float, ...]
    interval_ns: int
    name: str

    @property
    def a_year(self) -> float:
        """How many such intervals a year has."""
        return YEAR_NS / self.interval_ns


@frozen
class Drawdown:
    """The deepest fall of equity from the highest value before it, and where both stand."""

    amount: float
    peak: Point
    trough: Point


def changes_of(equity: Sequence[Point], first_ns: int, last_ns: int) -> Changes:
    """
    The changes of *equity*, a series of values that each hold until the next, from *first_ns* to *last_ns*.

    The intervals are the longest of INTERVALS of which LEAST_INTERVALS fit whole, or else the shortest. Before its
    first point equity is what that point says.
    """
    fitting = [one for one in INTERVALS if last_ns // one[0] + first_ns // -one[0] >= LEAST_INTERVALS]
    interval_ns, name = (fitting or INTERVALS[-1:])[0]
    first, last = -(first_ns // -interval_ns), last_ns // interval_ns
    if not equity or last <= first:
        return Changes((), interval_ns, name)
    times = [one.time_ns for one in equity]
    values = [equity[max(0, bisect_right(times, at * interval_ns) - 1)].value or 0.0 for at in range(first, last + 1)]
    return Changes(tuple(after - before for before, after in pairwise(values)), interval_ns, name)


def sharpe(changes: Changes) -> Figure:
    """
    The mean change of equity by its standard deviation (n - 1), times the square root of the intervals in a year.

    Capital cancels and no risk-free rate is taken off, since cash earns nothing at these venues. The standard error
    takes the changes as independent and alike, which they are not quite: sqrt((1 + S² / 2) / n) for one interval.
    Source: Sharpe (1994), Journal of Portfolio Management 21(1); Lo (2002), Financial Analysts Journal 58(4).
    """
    values = changes.values
    lacking = _lacking(changes)
    if lacking:
        return Figure(None, lacking)
    mean = fmean(values)
    deviation = sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    if not _tells(deviation, values):
        return Figure(
            None, "equity never changed" if not any(values) else "equity changed by the same in each interval"
        )
    ratio = mean / deviation
    scale = sqrt(changes.a_year)
    return Figure(ratio * scale, error=sqrt((1 + ratio * ratio / 2) / len(values)) * scale)


def sortino(changes: Changes) -> Figure:
    """
    As `sharpe`, with the root of the mean squared loss in place of the standard deviation: only falls count as risk.

    The mean is over all intervals, those without a loss included as 0; the target is 0.
    Source: Sortino and Price (1994), Journal of Investing 3(3).
    """
    values = changes.values
    lacking = _lacking(changes)
    if lacking:
        return Figure(None, lacking)
    downside = sqrt(fmean([min(value, 0.0) ** 2 for value in values]))
    if not _tells(downside, values):
        return Figure(None, "equity never fell over an interval" if any(values) else "equity never changed")
    return Figure(fmean(values) / downside * sqrt(changes.a_year))


def _lacking(changes: Changes) -> str:
    if len(changes.values) >= LEAST_INTERVALS:
        return ""
    return (
        f"not enough data: {len(changes.values)} whole intervals of {changes.name}, at least {LEAST_INTERVALS} needed"
    )


def _tells(deviation: float, values: Sequence[float]) -> bool:
    """Whether *deviation* is more than what rounding leaves of equal values."""
    return deviation > max(map(abs, values)) * 1e-12


def drawdown(equity: Sequence[Point]) -> Drawdown | None:
    """The deepest fall; None where equity has no value. Of several equally deep ones the first."""
    peak: Point | None = None
    deepest: Drawdown | None = None
    high = 0.0
    for one in equity:
        if one.value is None:
            continue
        if peak is None or one.value > high:
            peak, high = one, one.value
        if deepest is None or high - one.value > deepest.amount:
            deepest = Drawdown(high - one.value, peak, one)
    return deepest


def by_capital(amount: float, capital: float) -> Figure:
    """*amount* as a part of *capital*, both in one currency."""
    if capital <= 0:
        return Figure(None, "no capital was at work")
    return Figure(amount / capital)


def a_day(count: int, span_ns: int) -> Figure:
    """*count* as a rate for a day of 24 hours, where it was counted over *span_ns*."""
    if span_ns <= 0:
        return Figure(None, "the run takes no time")
    return Figure(count * DAY_NS / span_ns)


def share(part: float, whole: float, why: str) -> Figure:
    """*part* of *whole*; *why* says what it means that there is no whole."""
    return Figure(part / whole) if whole else Figure(None, why)
