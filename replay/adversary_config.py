"""
The `adversary:` part of a configuration: in what ways the simulated world is worse than the recorded one.

Every stress is off unless it is written down, and whoever writes none has no adversary. Chances and parts are numbers
from 0 to 1. `docs/explanation/adversary.md` says what each stress models.
"""

from typing import Any

from attrs import Attribute, field, frozen

from replay.venue_config import LatencyConfig, OutOfRange, one_of, within

MOST_S = 31_536_000
MOST_RATE = 10_000
ANSWERS = ("late", "refuse")

_part = within(0, 1, "a part")
_milliseconds = within(0, 3_600_000, "milliseconds")
_seconds = within(0.001, MOST_S, "seconds")
_rate = within(0, MOST_RATE, "a whole number a second")


@frozen
class BusyConfig:
    """
    The venue is busy for *lasts_ms* after a second in which more than *facts_per_s* trades and changed levels reached
    us, of all markets together (of snapshots none; 0: never).
    """

    facts_per_s: int = field(validator=_rate)
    lasts_ms: float = field(default=1000.0, validator=_milliseconds)


@frozen
class HecticConfig:
    """
    A market is hectic for *lasts_ms* after a second with more than *trades_per_s* trades or *changes_per_s* changed
    levels in it (0: never by that).
    """

    trades_per_s: int = field(default=0, validator=_rate)
    changes_per_s: int = field(default=0, validator=_rate)
    lasts_ms: float = field(default=2000.0, validator=_milliseconds)


@frozen
class DelaysConfig:
    """
    What is added to the venue's own delays, for each kind of message alone: milliseconds, or a distribution of them.

    While the venue is busy the whole delay is *busy_times* as long.
    """

    order_ms: LatencyConfig = field(default=0.0, validator=_milliseconds)
    cancel_ms: LatencyConfig = field(default=0.0, validator=_milliseconds)
    report_ms: LatencyConfig = field(default=0.0, validator=_milliseconds)
    busy_times: float = field(default=1.0, validator=within(1, 1000, "a number"))


@frozen
class SlippageConfig:
    """
    What takers find. A taker who wants x of a level finds it smaller by *fade* times x, and pays *impact_ticks* ticks
    more for a whole level, less in proportion for a part of one.
    """

    fade: float = field(default=0.0, validator=_part)
    impact_ticks: float = field(default=0.0, validator=within(0, 1000, "ticks"))


@frozen
class PartialConfig:
    """With this *chance* a fill of a resting order is a part of what it would be, evenly between *least* and all."""

    chance: float = field(validator=_part)
    least: float = field(default=0.0, validator=_part)


@frozen
class RefusalsConfig:
    """The chances that the venue refuses an order, and a cancel, with VENUE_ERROR."""

    orders: float = field(default=0.0, validator=_part)
    cancels: float = field(default=0.0, validator=_part)


@frozen
class ThinningConfig:
    """While a market is hectic, only this part of a size is there: for our takers, and of what reaches our quotes."""

    keep: float = field(validator=_part)


@frozen
class ToxicConfig:
    """
    Better informed counterparties, who know the touch *horizon_ms* ahead.

    Where the mid will then have passed an order of ours at the touch, by *least_ticks* ticks or more, they fill it with
    a chance of *picked_off*, whatever its queue: they win what we lose. Where the mid moves our way by so much, they
    leave us without a fill with one of *withheld*.
    """

    picked_off: float = field(default=0.0, validator=_part)
    withheld: float = field(default=0.0, validator=_part)
    horizon_ms: float = field(default=1000.0, validator=within(1, 60_000, "milliseconds"))
    least_ticks: float = field(default=0.5, validator=within(0.5, 1000, "ticks"))


@frozen
class CrowdingConfig:
    """
    Others live on the same edge. A market is crowded by *least* when we first trade there and by *most* in the end:
    half of what is missing is gone after *half_fills* fills of ours, and after *half_hours* since the first (0: not by
    that).

    Times how crowded it is: *takes*, the chance that a taker of ours comes too late for everything; *undercuts*, that a
    fill of a quote goes to somebody better; *joins*, how much of a level's size comes to stand before us in its queue.
    """

    least: float = field(default=0.0, validator=_part)
    most: float = field(default=1.0, validator=_part)
    half_fills: float = field(default=0.0, validator=within(0, 1_000_000, "fills"))
    half_hours: float = field(default=0.0, validator=within(0, 8_760, "hours"))
    takes: float = field(default=0.0, validator=_part)
    undercuts: float = field(default=0.0, validator=_part)
    joins: float = field(default=0.0, validator=within(0, 1000, "levels"))

    def __attrs_post_init__(self) -> None:
        if self.least > self.most:
            raise OutOfRange(f"least and most are {self.least} and {self.most}, expected in that order")


@frozen
class StressConfig:
    """The stresses that one regime may have and another not."""

    delays: DelaysConfig | None = None
    slippage: SlippageConfig | None = None
    partial: PartialConfig | None = None
    refusals: RefusalsConfig | None = None
    thinning: ThinningConfig | None = None
    toxic: ToxicConfig | None = None
    crowding: CrowdingConfig | None = None


@frozen
class OutagesConfig:
    """
    Once in every *every_s* seconds, at a drawn time, the venue is out for *lasts_s*: what arrives then is answered
    "late", when it is over, or it is "refuse"d with VENUE_MAINT.
    """

    every_s: float = field(validator=_seconds)
    lasts_s: float = field(validator=_seconds)
    answer: str = field(default="late", validator=one_of(*ANSWERS))

    def __attrs_post_init__(self) -> None:
        if self.lasts_s > min(self.every_s, 3600):
            raise OutOfRange(f"lasts_s is {self.lasts_s}, expected at most every_s, and at most an hour")


@frozen
class RegimesConfig:
    """
    Two regimes: the stresses beside this part are those of calm times, and those in *hot* take their place in hot ones.

    In every stretch of *calm_s* and *hot_s* together, hot times begin once, at a drawn time, and last *hot_s*.
    """

    calm_s: float = field(validator=_seconds)
    hot_s: float = field(validator=_seconds)
    hot: StressConfig = field()


@frozen
class AdversaryConfig(StressConfig):
    """All of it. *name* is the profile's; *busy* and *hectic* say which moments are, for the stresses that ask."""

    name: str = ""
    busy: BusyConfig | None = None
    hectic: HecticConfig | None = None
    outages: OutagesConfig | None = None
    regimes: RegimesConfig | None = field(default=None)

    @regimes.validator
    def _some(self, _: "Attribute[Any]", value: RegimesConfig | None) -> None:
        stresses = [self, *([] if value is None else [value.hot])]
        if self.hectic is None and any(one.thinning is not None for one in stresses):
            raise OutOfRange("thinning needs hectic, which says when a market is hectic")
        if self.busy is None and any(one.delays is not None and one.delays.busy_times > 1 for one in stresses):
            raise OutOfRange("delays.busy_times needs busy, which says when the venue is busy")
