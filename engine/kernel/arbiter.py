"""
Who may place orders in a market: one strategy at a time.

A market belongs to the strategy that placed there, for as long as it has an order or a position in it. A strategy of a
higher tier (box arbitrage > event arbitrage > market making > directional) takes it over at once, and the kernel then
cancels the former owner's orders; among equals the owner stays. Anyone may cancel or flatten.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.desk import Desk
from engine.kernel.market import Market
from engine.kernel.order import Order
from engine.kernel.risk import NOBODY

_NONE: Final[list[Order]] = []


@final
class Arbiter:
    """Reads the owners that `risk` keeps; admission moves them."""

    def __init__(self, desk: Desk) -> None:
        self._desk: Final[Desk] = desk

    def may_place(self, seat: i64, market: Market) -> bool:
        """Whether *seat* owns *market*, or may take it."""
        owner = self._desk.risk.markets[market.number].owner
        if owner in (seat, NOBODY):
            return True
        return self._desk.seats[seat - 1].tier < self._desk.seats[owner - 1].tier or not self.engaged(market)

    def engaged(self, market: Market) -> bool:
        """Whether there is an order or a position in *market*."""
        desk = self._desk
        leg: i64 = 0
        legs: i64 = len(market.listing.symbols)
        while leg < legs:
            number = market.first_instrument + leg
            if desk.orders.working[number].orders or desk.portfolio.holdings[number].size != 0:
                return True
            leg += 1
        return False

    def displaced(self, market: Market) -> list[Order]:
        """Open orders in *market* of others than its owner, in order of their requests: to be cancelled."""
        desk = self._desk
        owner = desk.risk.markets[market.number].owner
        found = _NONE
        if len(desk.seats) == 1 and owner != NOBODY:
            return found
        for leg in range(len(market.listing.symbols)):
            for order in desk.orders.working[market.first_instrument + leg].orders:
                if order.seat not in (owner, NOBODY):
                    found = [*found, order]
        if len(found) > 1:
            found.sort(key=_number)
        return found


def _number(order: Order) -> int:
    return order.number
