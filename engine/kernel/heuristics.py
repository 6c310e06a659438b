"""
What others do to our edge: three heuristics, their thresholds, and what their levels do.

`opponents` measures seven things in every market, each in thousandths, and three scores follow from them:

    crowding     the greatest of edge, depth and partial
    compression  tight times unfilled
    toxicity     the greater of adverse and imbalance

A score at a threshold raises the level at once. It falls a level when the score is below its threshold by more than
`ease`, and the level has stood for the dwell. `regimes` journals every change and closes the gates;
`docs/explanation/heuristics.md` says why.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.fading import Fading

CROWDING: Final[i64] = 1
COMPRESSION: Final[i64] = 2
TOXICITY: Final[i64] = 3
HEURISTICS: Final[i64] = 3

CALM: Final[i64] = 0
RAISED: Final[i64] = 1
HIGH: Final[i64] = 2

MOST_LIFE_NS: Final[i64] = 3_600_000_000_000


@final
class Gauge:
    """
    One heuristic: its thresholds in thousandths (1001 is never reached), and what its levels do.

    At RAISED arbitrage buffers widen by *raised_ticks*, at HIGH by *high_ticks*. From level *pulls* on quotes are to be
    pulled, from level *gates* on a gate stops new risk in the market; a level above HIGH means never.
    """

    def __init__(
        self, raised: i64, high: i64, ease: i64, raised_ticks: i64, high_ticks: i64, pulls: i64, gates: i64
    ) -> None:
        assert 0 < raised <= high
        assert pulls > CALM
        assert gates > CALM
        self.raised: Final[i64] = raised
        self.high: Final[i64] = high
        self.ease: Final[i64] = ease
        self.raised_ticks: Final[i64] = raised_ticks
        self.high_ticks: Final[i64] = high_ticks
        self.pulls: Final[i64] = pulls
        self.gates: Final[i64] = gates

    def next_level(self, level: i64, score: i64, rested: bool) -> i64:
        """The level after *level*, which has stood for the dwell if *rested*."""
        reached = CALM
        if score >= self.high:
            reached = HIGH
        elif score >= self.raised:
            reached = RAISED
        if reached > level:
            return reached
        if level == CALM or not rested:
            return level
        threshold = self.high if level == HIGH else self.raised
        return level - 1 if score < threshold - self.ease else level

    def ticks(self, level: i64) -> i64:
        """By how much arbitrage buffers widen at *level*."""
        if level == HIGH:
            return self.high_ticks
        return self.raised_ticks if level == RAISED else i64(0)


@final
class HeuristicSettings:
    """
    What the run's configuration says: times in ns, half-lives of averages and of events, *gauges* by heuristic.

    *evidence* is how many events a share needs to weigh in full. An edge opens at a spread of *edge_ticks*; a half-life
    of *edge_ns* measures 500. A fill is adverse if the mid has passed its price by *least_half_ticks* halves of a
    tick when *horizon_ns* are over.
    """

    def __init__(
        self,
        sample_ns: i64,
        recent_ns: i64,
        long_ns: i64,
        events_ns: i64,
        dwell_ns: i64,
        evidence: i64,
        edge_ticks: i64,
        edge_ns: i64,
        horizon_ns: i64,
        least_half_ticks: i64,
        crowding: Gauge,
        compression: Gauge,
        toxicity: Gauge,
    ) -> None:
        assert sample_ns > 0
        assert evidence > 0
        assert edge_ticks > 1
        assert 0 < edge_ns <= MOST_LIFE_NS
        self.sample_ns: Final[i64] = sample_ns
        self.recent: Final[Fading] = Fading(_steps(recent_ns, sample_ns))
        self.long: Final[Fading] = Fading(_steps(long_ns, sample_ns))
        self.events: Final[Fading] = Fading(_steps(events_ns, sample_ns))
        self.dwell_ns: Final[i64] = dwell_ns
        self.evidence: Final[i64] = evidence
        self.edge_ticks: Final[i64] = edge_ticks
        self.edge_ns: Final[i64] = edge_ns
        self.horizon_ns: Final[i64] = horizon_ns
        self.least_half_ticks: Final[i64] = least_half_ticks
        self.gauges: Final[list[Gauge]] = [crowding, compression, toxicity]


def _steps(half_life_ns: i64, sample_ns: i64) -> i64:
    steps = half_life_ns // sample_ns
    return steps if steps > 0 else i64(1)
