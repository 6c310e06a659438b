"""From the `venue:` part of a configuration to a simulated venue."""

from adapters.simulated.clearing import Clearing
from adapters.simulated.fills import Fills, Partial, Slippage
from adapters.simulated.latency import Latency
from adapters.simulated.models import Models
from adapters.simulated.queue import PowerLaw, Queue, RiskAverse
from adapters.simulated.rules import SELF_NAMES, Bucket, MarketRule, Rules
from adapters.simulated.venue import SimulatedVenue
from engine.kernel.market import Instrument
from engine.kernel.rng import Draws
from replay.adversary import worsened
from replay.adversary_config import AdversaryConfig
from replay.delays import delay_of, nanoseconds
from replay.venue_config import VenueConfig

_MILLIONTHS = 1_000_000


def venue_of(
    config: VenueConfig,
    instruments: list[Instrument],
    seed: int,
    clearing: Clearing | None = None,
    adversary: AdversaryConfig | None = None,
) -> SimulatedVenue:
    """
    The venue that *config* describes. *instruments* is the kernel's own list; chance is drawn from *seed*.

    Without a *clearing* every trade is final at once and costs what the catalogue says. An *adversary* knows nothing of
    the recorded market until it is given an outlook on it.
    """
    clearing = Clearing() if clearing is None else clearing
    return SimulatedVenue(instruments, models_of(config, seed, clearing, adversary))


def models_of(config: VenueConfig, seed: int, clearing: Clearing, adversary: AdversaryConfig | None = None) -> Models:
    """The parts of one venue, not to be shared with another."""
    entry = config.order_latency_ms
    cancel = entry if config.cancel_latency_ms is None else config.cancel_latency_ms
    latency = Latency(
        delay_of(entry, Draws(seed, "latency: order")),
        delay_of(cancel, Draws(seed, "latency: cancel")),
        delay_of(config.report_latency_ms, Draws(seed, "latency: report")),
    )
    fills = Partial() if config.fills == "partial" else Fills()
    plain = Models(latency, queue_of(config), fills, Slippage(), rules_of(config), clearing)
    return plain if adversary is None else worsened(plain, adversary, seed)


def most_round_trip_ns(config: VenueConfig, adversary: AdversaryConfig | None = None) -> int:
    """Nanoseconds after which an answer to what we send now has reached us, if it waits for no earlier one."""
    waits = [nanoseconds(rule.taker_delay_ms) for rule in config.rules]
    return int(models_of(config, 0, Clearing(), adversary).latency.most_round_trip_ns()) + max(waits, default=0)


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
