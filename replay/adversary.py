"""From the `adversary:` part of a configuration to an adversary of the simulated venue."""

from adapters.simulated.adversary import CANCELS, ORDERS, REPORTS, Adversary, Stress, Toxic, Windows
from adapters.simulated.crowding import Crowding
from adapters.simulated.latency import Delay, Latency
from adapters.simulated.models import Models
from adapters.simulated.venue import SimulatedVenue
from adapters.simulated.worse import WorseDelay, WorseFills, WorseQueue, WorseSlippage
from engine.kernel.rng import Draws
from engine.kernel.step import Kernel
from replay.adversary_config import (
    AdversaryConfig,
    CrowdingConfig,
    DelaysConfig,
    PartialConfig,
    RefusalsConfig,
    SlippageConfig,
    StressConfig,
    ThinningConfig,
    ToxicConfig,
)
from replay.decoded import DecodedCursor
from replay.delays import delay_of
from replay.outlook import RecordedOutlook, Thresholds
from replay.venue_time import VenueTime

_MILLION = 1_000_000
_MS = 1_000_000
_SECOND = 1_000_000_000
_HOUR = 3600 * _SECOND


def worsened(plain: Models, config: AdversaryConfig, seed: int) -> Models:
    """The parts of a venue, *plain* but for what the adversary makes of them. Chance is drawn from *seed*."""
    adversary = adversary_of(config, seed)
    latency = plain.latency
    return Models(
        Latency(
            WorseDelay(latency.entry, adversary, ORDERS, _most_ns(latency.entry, config, ORDERS)),
            WorseDelay(latency.cancel, adversary, CANCELS, _most_ns(latency.cancel, config, CANCELS)),
            WorseDelay(latency.response, adversary, REPORTS, _most_ns(latency.response, config, REPORTS)),
        ),
        WorseQueue(plain.queue, adversary),
        WorseFills(plain.fills, adversary, seed),
        WorseSlippage(adversary, seed),
        plain.rules,
        plain.clearing,
        adversary,
    )


def adversary_of(config: AdversaryConfig, seed: int) -> Adversary:
    """The adversary that *config* describes."""
    hot, times = None, None
    if config.regimes is not None:
        regimes = config.regimes
        hot = stress_of(hot_config(config), seed)
        stretch_ns = _ns(regimes.calm_s) + _ns(regimes.hot_s)
        times = Windows(stretch_ns, _ns(regimes.hot_s), Draws(seed, "adversary: regimes"))
    outages = None
    if config.outages is not None:
        outages = Windows(_ns(config.outages.every_s), _ns(config.outages.lasts_s), Draws(seed, "adversary: outages"))
    refuses = config.outages is not None and config.outages.answer == "refuse"
    return Adversary(seed, stress_of(config, seed), hot, times, outages, refuses)


def hot_config(config: AdversaryConfig) -> StressConfig:
    """The stresses of hot times: those named for them, and for the rest those of calm times."""
    assert config.regimes is not None
    hot = config.regimes.hot
    return StressConfig(
        delays=hot.delays or config.delays,
        slippage=hot.slippage or config.slippage,
        partial=hot.partial or config.partial,
        refusals=hot.refusals or config.refusals,
        thinning=hot.thinning or config.thinning,
        toxic=hot.toxic or config.toxic,
        crowding=hot.crowding or config.crowding,
    )


def stress_of(config: StressConfig, seed: int) -> Stress:
    """One regime."""
    delays = config.delays or DelaysConfig()
    slippage = config.slippage or SlippageConfig()
    partial = config.partial or PartialConfig(0.0)
    refusals = config.refusals or RefusalsConfig()
    thinning = config.thinning or ThinningConfig(1.0)
    toxic = config.toxic or ToxicConfig()
    return Stress(
        delays=_added(delays, seed),
        busy_milli=round(delays.busy_times * 1000),
        fade_ppm=_ppm(slippage.fade),
        impact_milliticks=round(slippage.impact_ticks * 1000),
        partial_ppm=_ppm(partial.chance),
        least_ppm=_ppm(partial.least),
        orders_ppm=_ppm(refusals.orders),
        cancels_ppm=_ppm(refusals.cancels),
        keep_ppm=_ppm(thinning.keep),
        toxic=Toxic(
            _ppm(toxic.picked_off),
            _ppm(toxic.withheld),
            round(toxic.horizon_ms * _MS),
            round(toxic.least_ticks * 2),
        ),
        crowding=_crowding(config.crowding),
    )


def outlook_of(
    config: AdversaryConfig, kernel: Kernel, venue: SimulatedVenue, cursor: DecodedCursor, time: VenueTime
) -> RecordedOutlook:
    """What the adversary of *venue* is to see of the base that *cursor* moves along; it sees it from now on."""
    assert venue.adversary is not None
    facts, busy_ms = (0, 0.0) if config.busy is None else (config.busy.facts_per_s, config.busy.lasts_ms)
    trades, changes, hectic_ms = 0, 0, 0.0
    if config.hectic is not None:
        hectic = config.hectic
        trades, changes, hectic_ms = hectic.trades_per_s, hectic.changes_per_s, hectic.lasts_ms
    thresholds = Thresholds(facts, round(busy_ms * _MS), trades, changes, round(hectic_ms * _MS))
    outlook = RecordedOutlook(kernel, venue, cursor, time, thresholds, venue.adversary.sight_ns)
    venue.adversary.outlook = outlook
    return outlook


def _added(delays: DelaysConfig, seed: int) -> list[Delay]:
    """What is added to the delays of orders, cancels and reports."""
    return [
        delay_of(delays.order_ms, Draws(seed, "adversary: order delay")),
        delay_of(delays.cancel_ms, Draws(seed, "adversary: cancel delay")),
        delay_of(delays.report_ms, Draws(seed, "adversary: report delay")),
    ]


def _most_ns(plain: Delay, config: AdversaryConfig, way: int) -> int:
    """The longest that a message may take."""
    most = 0
    for one in (config, *([] if config.regimes is None else [config.regimes.hot])):
        delays = one.delays or DelaysConfig()
        most = max(most, round((int(plain.most_ns) + int(_added(delays, 0)[way].most_ns)) * delays.busy_times))
    if config.outages is not None and way != REPORTS:
        most += _ns(config.outages.lasts_s)
    return min(most, _HOUR)


def _crowding(config: CrowdingConfig | None) -> Crowding:
    if config is None:
        return Crowding()
    return Crowding(
        _ppm(config.least),
        _ppm(config.most),
        round(config.half_fills * 1000),
        round(config.half_hours * _HOUR),
        _ppm(config.takes),
        _ppm(config.undercuts),
        _ppm(config.joins),
    )


def _ppm(part: float) -> int:
    return round(part * _MILLION)


def _ns(seconds: float) -> int:
    return round(seconds * _SECOND)
