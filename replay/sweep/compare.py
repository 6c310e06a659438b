"""
Two configurations, pair by pair: the same journal and the same seed, so that what both had to face cancels out.

The interval is Student's for the mean of paired differences (Student, 1908: "The probable error of a mean", Biometrika
6(1)). Runs on one journal share its market, so two intervals are given where there are several journals: over seeds,
for these journals and no others (their means are averaged, and the variance within each counts); and over journals,
each one value, for days like these, which is what a person mostly wants to know.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import atan, cos, fsum, pi, sin, sqrt
from typing import Final

from attrs import frozen

from replay.sweep.figures import is_better, metric
from replay.sweep.plan import Task
from replay.sweep.store import Result
from replay.sweep.table import all_alike

CONFIDENCE: Final = 0.95
LEAST_PAIRS: Final = 5
"""With fewer no interval is told: it would say more of the formula than of the strategies."""


@frozen
class Interval:
    """Where the mean difference lies with `CONFIDENCE`, from so many values."""

    low: float
    high: float
    values: int


@frozen
class Comparison:
    """
    B less A, for one metric.

    *differences* are in order of journals and seeds. *better*, *worse* and *ties* count pairs by whether B is better.
    *over_seeds* holds for these journals; *over_journals* for others like them, None with fewer than `LEAST_PAIRS`.
    """

    metric: str
    differences: tuple[Decimal, ...]
    mean_a: float
    mean_b: float
    mean: float
    better: int
    worse: int
    ties: int
    over_seeds: Interval | None
    over_journals: Interval | None

    @property
    def told(self) -> Interval | None:
        """The interval that a verdict rests on: that over journals where there is one."""
        return self.over_journals or self.over_seeds

    @property
    def verdict(self) -> str:
        """`A`, `B`, or an empty text where they cannot be told apart."""
        found = self.told
        if found is None or found.low <= 0 <= found.high:
            return ""
        return "B" if is_better(Decimal(1 if found.low > 0 else -1), Decimal(0), self.metric) else "A"


def pairs_of(found: Mapping[Task, Result]) -> tuple[list[tuple[Task, Result, Result]], int]:
    """
    The pairs (A is variant 0, B is variant 1) in order of journals and seeds, and how many were left out since one of
    the two failed.
    """
    others = {(task.market, task.seed): result for task, result in found.items() if task.variant == 1}
    pairs: list[tuple[Task, Result, Result]] = []
    failed = 0
    for task in sorted((task for task in found if task.variant == 0), key=lambda task: (task.market, task.seed)):
        one, other = found[task], others[task.market, task.seed]
        if one.failure or other.failure:
            failed += 1
        else:
            pairs.append((task, one, other))
    return pairs, failed


def distinct(pairs: Sequence[tuple[Task, Result, Result]]) -> list[tuple[Task, Result, Result]]:
    """*pairs*, but one for each journal on which the seed changed neither A nor B: the others only repeat it."""
    kept: list[tuple[Task, Result, Result]] = []
    for group in _by_market(pairs):
        repeats = all_alike([one for _, one, _ in group]) and all_alike([other for _, _, other in group])
        kept.extend(group[:1] if repeats else group)
    return kept


def compare(pairs: Sequence[tuple[Task, Result, Result]], name: str) -> Comparison | None:
    """The comparison of *pairs* by the metric *name*, those left out that lack it; None where all do."""
    known: list[tuple[Task, Result, Result]] = []
    both: list[tuple[Decimal, Decimal]] = []
    for pair in pairs:
        a, b = metric(pair[1].figures, name), metric(pair[2].figures, name)
        if a is not None and b is not None:
            known.append(pair)
            both.append((a, b))
    return _comparison(known, both, name) if both else None


def _comparison(
    pairs: Sequence[tuple[Task, Result, Result]], both: Sequence[tuple[Decimal, Decimal]], name: str
) -> Comparison:
    differences = tuple(b - a for a, b in both)
    better = sum(is_better(b, a, name) for a, b in both)
    worse = sum(is_better(a, b, name) for a, b in both)
    groups: list[list[float]] = []
    at = 0
    for group in _by_market(pairs):
        groups.append([float(one) for one in differences[at : at + len(group)]])
        at += len(group)
    means = [_mean(group) for group in groups]
    return Comparison(
        metric=name,
        differences=differences,
        mean_a=_mean([float(a) for a, _ in both]),
        mean_b=_mean([float(b) for _, b in both]),
        mean=_mean(means),
        better=better,
        worse=worse,
        ties=len(both) - better - worse,
        over_seeds=over_seeds(groups),
        over_journals=over_journals(means),
    )


def over_seeds(groups: Sequence[Sequence[float]]) -> Interval | None:
    """
    The interval of the mean of the *groups*' means, each group one journal's differences.

    None where there are too few, or where no group varies.
    """
    count = sum(len(group) for group in groups)
    free = sum(len(group) - 1 for group in groups)
    if count < LEAST_PAIRS or free < LEAST_PAIRS - 1:
        return None
    within = [group for group in groups if len(group) > 1]
    if len(within) < len(groups):
        return None  # nothing says how much that journal's only difference would vary
    error = sqrt(fsum(_variance(group) / len(group) for group in within)) / len(groups)
    return _interval(_mean([_mean(group) for group in groups]), error, free, count)


def over_journals(means: Sequence[float]) -> Interval | None:
    """The interval of the mean of *means*, one a journal; None with too few."""
    if len(means) < LEAST_PAIRS:
        return None
    return _interval(_mean(means), sqrt(_variance(means) / len(means)), len(means) - 1, len(means))


def _interval(mean: float, error: float, free: int, values: int) -> Interval:
    half = quantile(free) * error
    return Interval(mean - half, mean + half, values)


def _by_market(pairs: Sequence[tuple[Task, Result, Result]]) -> list[list[tuple[Task, Result, Result]]]:
    groups: dict[int, list[tuple[Task, Result, Result]]] = {}
    for pair in pairs:
        groups.setdefault(pair[0].market, []).append(pair)
    return list(groups.values())


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    mean = _mean(values)
    return fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


# -- Student's t -------------------------------------------------------------------------------------------------------


def within(t: float, free: int) -> float:
    """
    The probability that Student's t with *free* degrees of freedom (at least 1) lies between -t and t; t >= 0.

    Source: Abramowitz and Stegun (1964), Handbook of Mathematical Functions, 26.7.3 and 26.7.4: finite sums.
    """
    angle = atan(t / sqrt(free))
    cosine = cos(angle)
    if free == 1:
        return 2 * angle / pi
    odd = free % 2
    term = cosine if odd else 1.0
    terms = [term]
    for k in range(2 + odd, free - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        terms.append(term)
    total = sin(angle) * fsum(terms)
    return 2 * (angle + total) / pi if odd else total


def quantile(free: int, confidence: float = CONFIDENCE) -> float:
    """The t that Student's t stays within with that *confidence*, found by halving; right to all the digits it has."""
    low, high = 0.0, 1.0
    while within(high, free) < confidence:
        high *= 2
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        if within(middle, free) < confidence:
            low = middle
        else:
            high = middle
