"""
Who may place orders in a market: one strategy at a time, its owner.

A strategy *holds* something in a market while it has an open order, a group or a split under way, or a stake in the
position there (`stakes`: complete sets are none). It may place, and so becomes the owner, unless another one keeps it
out that holds something there: one of a higher tier (box arbitrage > event arbitrage > market making > directional), or
one of its own tier. Of several in one tier that hold something the owner goes on; without it, any of them may.

So a higher tier takes a market over at once, and what others have open there is cancelled; a lower one waits until
nothing is left of the higher one, however long that takes. Whether a strategy is muted or killed makes no difference:
what it has left there is still to be dealt with, and anyone may cancel and flatten. Orders that only get out (of a
flatten, of the unwinding of a group) neither need nor take the market, and are not displaced.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.desk import Desk
from engine.kernel.market import Market
from engine.kernel.order import Order, gets_out
from engine.kernel.risk import NOBODY

_NONE: Final[list[Order]] = []


@final
class Arbiter:
    """Reads the owners that `risk` keeps; admission moves them."""

    def __init__(self, desk: Desk) -> None:
        self._desk: Final[Desk] = desk

    def kept_out_by(self, seat: i64, market: Market) -> i64:
        """The strategy that keeps *seat* from placing in *market*, NOBODY if it may."""
        desk = self._desk
        owner = desk.risk.markets[market.number].owner
        if owner == seat:
            return NOBODY
        tier = desk.seats[seat - 1].tier
        within = False
        asked = False
        for other in desk.seats:
            number = other.number
            if number == seat or other.tier > tier or not self.holds(number, market):
                continue
            if other.tier == tier and number != owner:
                if not asked:
                    asked = True
                    within = self.holds(seat, market)
                if within:
                    continue
            return number
        return NOBODY

    def holds(self, seat: i64, market: Market) -> bool:
        """Whether *seat* has an order, something under way or a stake in *market*."""
        desk = self._desk
        if desk.stakes[market.number].holds(seat):
            return True
        leg: i64 = 0
        legs: i64 = len(market.listing.symbols)
        while leg < legs:
            for order in desk.orders.working[market.first_instrument + leg].orders:
                if order.seat == seat and not gets_out(order.flags):
                    return True
            leg += 1
        return False

    def displaced(self, market: Market) -> list[Order]:
        """Open orders in *market* of others than its owner, in order of their requests: to be cancelled."""
        desk = self._desk
        owner = desk.risk.markets[market.number].owner
        found = _NONE
        if owner == NOBODY:
            return found
        for leg in range(len(market.listing.symbols)):
            for order in desk.orders.working[market.first_instrument + leg].orders:
                if order.seat not in (owner, NOBODY) and not gets_out(order.flags):
                    found = [*found, order]
        if len(found) > 1:
            found.sort(key=_number)
        return found


def _number(order: Order) -> int:
    return order.number
