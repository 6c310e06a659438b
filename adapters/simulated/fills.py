"""How much of an order fills when the market reaches it."""

from typing import Final

from mypy_extensions import i64

from adapters.simulated.resting import Resting


class Fills:
    """
    Whole orders: all that is left fills at once, whatever came. Other rules derive from it.

    *shared*: what one order of ours took of a trade or of a level is gone for the next.
    """

    def __init__(self, shared: bool = False) -> None:
        self.shared: Final[bool] = shared

    def by_trade(self, order: Resting, available: i64) -> i64:
        """What fills when a trade of *available* came to the order, past all that stood ahead or at a worse price."""
        return order.left()

    def by_touch(self, order: Resting, available: i64) -> i64:
        """What fills when a level of *available* was set on the other side, at the order's price or beyond."""
        return order.left()
