"""How the venue's clock relates to ours in a base: given, or found in it."""

from engine.kernel.record import NONE
from replay.config import ClockConfig
from replay.feed import Feed
from replay.venue_time import VenueTime

MS = 1_000_000


def offsets_of(clock: ClockConfig, feed: Feed) -> dict[int, int]:
    """
    By source number, how many nanoseconds its clock runs ahead of ours; only sources whose inputs bear stamps.

    Raises:
        JournalError: the base has to be looked through for it, and is damaged.
    """
    lags = {source: lag for source, lag in feed.least_lags().items() if lag != NONE}
    if clock.offset_ms == "auto":
        return {source: round(clock.floor_ms * MS) - lag for source, lag in sorted(lags.items())}
    return {source: round(float(clock.offset_ms) * MS) for source in sorted(lags)}


def venue_time(clock: ClockConfig, offsets_ns: dict[int, int]) -> VenueTime:
    """Venue times, where the sources' clocks run *offsets_ns* ahead of ours."""
    time = VenueTime(round(clock.feed_latency_ms * MS), max(offsets_ns, default=0))
    for source, offset_ns in offsets_ns.items():
        time.set_offset(source, offset_ns)
    return time
