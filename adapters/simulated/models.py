"""What a simulated venue is made of: each part may be exchanged for one that derives from it."""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.clearing import Clearing
from adapters.simulated.fills import Fills
from adapters.simulated.latency import Delay, Latency
from adapters.simulated.queue import Queue


@final
class Models:
    """The parts of one venue."""

    def __init__(self, latency: Latency, queue: Queue, fills: Fills, clearing: Clearing) -> None:
        self.latency: Final[Latency] = latency
        self.queue: Final[Queue] = queue
        self.fills: Final[Fills] = fills
        self.clearing: Final[Clearing] = clearing


def plain(entry_ns: i64, response_ns: i64) -> Models:
    """Constant delays, the conservative queue, whole fills, trades that are final at once."""
    latency = Latency(Delay(entry_ns), Delay(entry_ns), Delay(response_ns))
    return Models(latency, Queue(), Fills(), Clearing())
