"""What a simulated venue is made of: each part may be exchanged for one that derives from it."""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.adversary import Adversary
from adapters.simulated.clearing import Clearing
from adapters.simulated.fills import Fills, Slippage
from adapters.simulated.latency import Delay, Latency
from adapters.simulated.queue import Queue
from adapters.simulated.rules import Rules


@final
class Models:
    """
    The parts of one venue. Some have a state: no two venues share them.

    An *adversary* refuses requests and picks orders off; what else it does is done through the other parts (`worse`).
    """

    def __init__(
        self,
        latency: Latency,
        queue: Queue,
        fills: Fills,
        slippage: Slippage,
        rules: Rules,
        clearing: Clearing,
        adversary: Adversary | None = None,
    ) -> None:
        self.latency: Final[Latency] = latency
        self.queue: Final[Queue] = queue
        self.fills: Final[Fills] = fills
        self.slippage: Final[Slippage] = slippage
        self.rules: Final[Rules] = rules
        self.clearing: Final[Clearing] = clearing
        self.adversary: Final[Adversary | None] = adversary


def plain(entry_ns: i64, response_ns: i64) -> Models:
    """Constant delays, the conservative queue, whole fills, no further rules, trades that are final at once."""
    latency = Latency(Delay(entry_ns), Delay(entry_ns), Delay(response_ns))
    return Models(latency, Queue(), Fills(), Slippage(), Rules(), Clearing())
