"""The one place that reads clocks. Everything else is given its time: as a record's field, or as a `Clock`."""

import time
from typing import Protocol, final


class Clock(Protocol):
    """Wall time to name moments to people and venues, monotonic time to measure how long something took."""

    def wall_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC. May step, forwards or backwards."""

    def mono_ns(self) -> int:
        """Nanoseconds from an arbitrary zero. Never decreases, and stands still while the machine sleeps."""


@final
class RealClock:
    """The machine's clocks."""

    def wall_ns(self) -> int:
        """Nanoseconds since the Unix epoch, UTC. May step, forwards or backwards."""
        return time.time_ns()

    def mono_ns(self) -> int:
        """Nanoseconds from an arbitrary zero. Never decreases, and stands still while the machine sleeps."""
        return time.monotonic_ns()
