"""From the `venue:` part of a configuration to a simulated venue."""

from adapters.simulated.clearing import Clearing
from adapters.simulated.fills import Fills, Partial, Slippage
from adapters.simulated.latency import Delay, Latency, Quantiles, lognormal
from adapters.simulated.models import Models
from adapters.simulated.queue import PowerLaw, Queue, RiskAverse
from adapters.simulated.rules import SELF_NAMES, Bucket, MarketRule, Rules
from adapters.simulated.venue import SimulatedVenue
from engine.kernel.market import Instrument
from engine.kernel.rng import Draws
from replay.venue_config import LatencyConfig, LognormalConfig, QuantilesConfig, VenueConfig

MS = 1_000_000
_MILLIONTHS = 1_000_000


def venue_of(
    config: VenueConfig, instruments: list[Instrument], seed: int, clearing: Clearing | None = None
) -> SimulatedVenue:
    """
    The venue that *config* describes. *instruments* is the kernel's own list; chance is drawn from *seed*.

    Without a *clearing* every trade is final at once and costs what the catalogue says.
    """
    return SimulatedVenue(instruments, models_of(config, seed, Clearing() if clearing is None else clearing))


def models_of(config: VenueConfig, seed: int, clearing: Clearing) -> Models:
    """The parts of one venue, not to be shared with another."""
    entry = config.order_latency_ms
    cancel = entry if config.cancel_latency_ms is None else config.cancel_latency_ms
    latency = Latency(
        delay_of(entry, Draws(seed, "latency: order")),
        delay_of(cancel, Draws(seed, "latency: cancel")),
        delay_of(config.report_latency_ms, Draws(seed, "latency: report")),
    )
    fills = Partial() if config.fills == "partial" else Fills()
    return Models(latency, queue_of(config), fills, Slippage(), rules_of(config), clearing)


def most_round_trip_ns(config: VenueConfig) -> int:
    """Nanoseconds after which an answer to what we send now has reached us, if it waits for no earlier one."""
    waits = [nanoseconds(rule.taker_delay_ms) for rule in config.rules]
    return int(models_of(config, 0, Clearing()).latency.most_round_trip_ns()) + max(waits, default=0)


def delay_of(config: LatencyConfig, draws: Draws) -> Delay:
    """The distribution of one kind of message's delays."""
    if isinstance(config, QuantilesConfig):
        table = config.quantiles_ms
        return Quantiles(list(table), [nanoseconds(ms) for ms in table.values()], draws)
    if isinstance(config, LognormalConfig):
        least, median, most = (nanoseconds(ms) for ms in (config.least_ms, config.median_ms, config.most_ms))
        return lognormal(least, median, config.sigma, most, draws)
    return Delay(nanoseconds(config))


def queue_of(config: VenueConfig) -> Queue:
    """The queue model."""
    if config.queue == "power":
        return PowerLaw(round(config.queue_exponent * 1000))
    return RiskAverse() if config.queue == "risk_averse" else Queue()


def rules_of(config: VenueConfig) -> Rules:
    """The venue's rules."""
    rates = config.rates
    rules = tuple(
        MarketRule(rule.match, nanoseconds(rule.taker_delay_ms), round(rule.least_taking_buy * _MILLIONTHS))
        for rule in config.rules
    )
    return Rules(
        self_trade=SELF_NAMES.index(config.self_trade),
        gtd_step_ns=max(1, nanoseconds(config.gtd_step_ms)),
        orders=Bucket(rates.orders_per_s, rates.order_burst),
        cancels=Bucket(rates.cancels_per_s, rates.cancel_burst),
        markets=rules,
    )


def nanoseconds(ms: float) -> int:
    """Milliseconds in nanoseconds, to the nearest."""
    return round(ms * MS)
