"""From a latency in a configuration to the delays of one kind of message."""

from adapters.simulated.latency import Delay, Quantiles, lognormal
from engine.kernel.rng import Draws
from replay.venue_config import LatencyConfig, LognormalConfig, QuantilesConfig

MS = 1_000_000


def delay_of(config: LatencyConfig, draws: Draws) -> Delay:
    """The distribution of one kind of message's delays."""
    if isinstance(config, QuantilesConfig):
        table = config.quantiles_ms
        return Quantiles(list(table), [nanoseconds(ms) for ms in table.values()], draws)
    if isinstance(config, LognormalConfig):
        least, median, most = (nanoseconds(ms) for ms in (config.least_ms, config.median_ms, config.most_ms))
        return lognormal(least, median, config.sigma, most, draws)
    return Delay(nanoseconds(config))


def nanoseconds(ms: float) -> int:
    """Milliseconds in nanoseconds, to the nearest."""
    return round(ms * MS)
