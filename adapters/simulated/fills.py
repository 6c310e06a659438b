"""How much of an order fills when the market reaches it, and what a taker finds."""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.resting import Resting


class Fills:
    """
    Whole orders: all that is left fills at once, whatever came. Other rules derive from it.

    *shared*: what one order of ours took of a trade or of a level is gone for the next.
    """

    def __init__(self, shared: bool = False) -> None:
        self.shared: Final[bool] = shared

    def by_trade(self, order: Resting, available: i64, now_ns: i64) -> i64:
        """What fills when a trade of *available* came to the order, past all that stood ahead or at a worse price."""
        return order.left()

    def by_touch(self, order: Resting, available: i64, now_ns: i64) -> i64:
        """What fills when a level of *available* was set on the other side, at the order's price or beyond."""
        return order.left()


@final
class Partial(Fills):
    """No more fills than came: of a trade what was left of it behind the queue, of a level what it holds."""

    def __init__(self) -> None:
        super().__init__(True)

    def by_trade(self, order: Resting, available: i64, now_ns: i64) -> i64:
        """See `Fills`."""
        left = order.left()
        return available if available < left else left

    def by_touch(self, order: Resting, available: i64, now_ns: i64) -> i64:
        """See `Fills`."""
        left = order.left()
        return available if available < left else left


class Slippage:
    """What a taker finds of the recorded levels: all of them, as recorded. Worse worlds derive from it."""

    def offered(self, order: Resting, price: i64, size: i64, now_ns: i64) -> i64:
        """How much of the *size* recorded at *price* is there for *order*: from 0 to *size*."""
        return size

    def price(self, order: Resting, price: i64, level: i64, tick: i64, now_ns: i64) -> i64:
        """
        At what price *order* takes of the level at *price*, which is recorded to hold *level*: that, or ticks worse.

        Whoever asks bounds it by the order's limit.
        """
        return price
