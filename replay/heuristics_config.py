"""
The `heuristics:` part of a configuration: when the kernel believes that others have found our edge, and what follows.

Without the part they are off, and cost nothing; `heuristics: {}` turns them on as they stand here. Scores and
thresholds are thousandths. `docs/explanation/heuristics.md` says what is measured and why.
"""

from attrs import field, frozen

from engine.kernel.heuristics import HIGH, RAISED, Gauge, HeuristicSettings
from replay.venue_config import OutOfRange, one_of, within

NEVER_REACHED = 1001
_MS = 1_000_000
_SECOND = 1_000_000_000
_FROM = {"raised": int(RAISED), "high": int(HIGH), "never": int(HIGH) + 1}

_score = within(1, NEVER_REACHED, "a whole number")
_ticks = within(0, 10_000, "ticks")
_level = one_of(*_FROM)


@frozen
class GaugeConfig:
    """
    A score of *raised* and one of *high* raise the level to that, at once. It falls again below the threshold by more
    than *ease*. 1001 is never reached.

    At these levels arbitrage buffers widen by *raised_ticks* and *high_ticks*. *pulls* says from which level quotes are
    to be pulled, *gates* from which a gate stops new risk in the market: raised, high or never.
    """

    raised: int = field(default=500, validator=_score)
    high: int = field(default=750, validator=_score)
    ease: int = field(default=150, validator=within(0, 1000, "a whole number"))
    raised_ticks: int = field(default=0, validator=_ticks)
    high_ticks: int = field(default=0, validator=_ticks)
    pulls: str = field(default="high", validator=_level)
    gates: str = field(default="high", validator=_level)

    def __attrs_post_init__(self) -> None:
        if self.raised > self.high:
            raise OutOfRange(f"raised and high are {self.raised} and {self.high}, expected in that order")


@frozen
class CrowdingConfig(GaugeConfig):
    """
    Others live on the same edge: wide spreads are closed fast, the size near the touch goes, takers find nothing left.

    A spread of *edge_ticks* opens an edge; one of which half is gone after *edge_ms* measures 500.
    """

    raised_ticks: int = field(default=1, validator=_ticks)
    high_ticks: int = field(default=3, validator=_ticks)
    edge_ticks: int = field(default=4, validator=within(2, 10_000, "ticks"))
    edge_ms: int = field(default=50, validator=within(1, 3_600_000, "milliseconds"))


@frozen
class CompressionConfig(GaugeConfig):
    """The spread stands at one tick, and our quotes end without fills: nothing is left to earn."""

    raised: int = field(default=900, validator=_score)
    high: int = field(default=970, validator=_score)
    ease: int = field(default=50, validator=within(0, 1000, "a whole number"))
    gates: str = field(default="never", validator=_level)


@frozen
class ToxicityConfig(GaugeConfig):
    """
    Who trades with us knows more. A fill of a quote is adverse where the mid has passed its price by *least_ticks* when
    *horizon_ms* are over.
    """

    raised: int = field(default=700, validator=_score)
    high: int = field(default=850, validator=_score)
    raised_ticks: int = field(default=1, validator=_ticks)
    high_ticks: int = field(default=2, validator=_ticks)
    horizon_ms: int = field(default=10_000, validator=within(1, 600_000, "milliseconds"))
    least_ticks: float = field(default=0.5, validator=within(0.5, 1000, "ticks"))


@frozen
class HeuristicsConfig:
    """
    A market is looked at every *sample_ms*. What was seen there fades by half in *recent_s*, in the long averages in
    *long_s*, and what happened (edges, orders, fills) in *events_s*; fewer than *evidence* events weigh in proportion.
    A level stands for *dwell_s* before it falls.
    """

    sample_ms: int = field(default=250, validator=within(10, 60_000, "milliseconds"))
    recent_s: float = field(default=60.0, validator=within(0.01, 86_400, "seconds"))
    long_s: float = field(default=1800.0, validator=within(0.01, 604_800, "seconds"))
    events_s: float = field(default=600.0, validator=within(0.01, 604_800, "seconds"))
    dwell_s: float = field(default=30.0, validator=within(0.1, 86_400, "seconds"))
    evidence: int = field(default=20, validator=within(1, 100_000, "a whole number"))
    crowding: CrowdingConfig = field(factory=CrowdingConfig)
    compression: CompressionConfig = field(factory=CompressionConfig)
    toxicity: ToxicityConfig = field(factory=ToxicityConfig)

    def __attrs_post_init__(self) -> None:
        if self.recent_s > self.long_s:
            raise OutOfRange(f"recent_s and long_s are {self.recent_s} and {self.long_s}, expected in that order")


@frozen
class HeuristicsPart:
    """The part by itself, as a recorded configuration has it."""

    heuristics: HeuristicsConfig | None = None


def settings_of(config: HeuristicsConfig) -> HeuristicSettings:
    """The same in the kernel's integers."""
    crowding, toxicity = config.crowding, config.toxicity
    return HeuristicSettings(
        config.sample_ms * _MS,
        round(config.recent_s * _SECOND),
        round(config.long_s * _SECOND),
        round(config.events_s * _SECOND),
        round(config.dwell_s * _SECOND),
        config.evidence,
        crowding.edge_ticks,
        crowding.edge_ms * _MS,
        toxicity.horizon_ms * _MS,
        round(toxicity.least_ticks * 2),
        _gauge(crowding),
        _gauge(config.compression),
        _gauge(toxicity),
    )


def _gauge(config: GaugeConfig) -> Gauge:
    return Gauge(
        config.raised,
        config.high,
        config.ease,
        config.raised_ticks,
        config.high_ticks,
        _FROM[config.pulls],
        _FROM[config.gates],
    )
