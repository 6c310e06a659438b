"""
Matching: what the facts of the recorded market make of our resting orders, through the queue and the fill model.

Prices and sizes are those of the first outcome.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.book import VenueBook, in_lots
from adapters.simulated.fills import Fills
from adapters.simulated.models import Models
from adapters.simulated.orders import Orders
from adapters.simulated.queue import Queue
from adapters.simulated.resting import NO_ASK, Pit, Resting
from engine.kernel.units import ASK, BID, BUY, SELL


@final
class Matching:
    """Tells *orders* of every fact that reaches one of them; *book* forgets what was taken of a level stated again."""

    def __init__(self, models: Models, orders: Orders, book: VenueBook) -> None:
        self._queue: Final[Queue] = models.queue
        self._fills: Final[Fills] = models.fills
        self._orders: Final[Orders] = orders
        self._book: Final[VenueBook] = book

    def level_set(self, market: i64, side: i64, price: i64, size: i64, vt: i64) -> None:
        """At venue time *vt* the level at *price* on *side* came to hold *size*."""
        pit = self._orders.pit(market)
        if pit.snapping:
            if not pit.lost:
                pit.stated.append((side, price, size))
            return
        if pit.taken_low != NO_ASK and not self._book.stated(pit.market, side, price):
            self._orders.retake(pit)
        if pit.missed:
            pit.missed = [one for one in pit.missed if one[0] != side or one[1] != price]
            self._make_up(pit, vt)
        self._level(pit, side, price, size, vt)

    def queue_set(self, market: i64, side: i64, price: i64, size: i64, vt: i64) -> None:
        """As `level_set`, of a level that stands before every order of ours on the other side: most of those told."""
        pit = self._orders.pits[market]
        if pit.snapping or pit.taken_low != NO_ASK or pit.missed:
            self.level_set(market, side, price, size, vt)
            return
        self._requeue(pit, pit.bids if side == BID else pit.asks, price, size)

    def _requeue(self, pit: Pit, own: list[Resting], price: i64, size: i64) -> None:
        """The level in which those of *own* at *price* queue holds *size* now."""
        for order in own:
            if order.price == price:
                self._queue.set(order, in_lots(size, pit.market.by_lot))

    def _level(self, pit: Pit, side: i64, price: i64, size: i64, vt: i64) -> None:
        if side == BID:
            own = pit.bids
            facing = pit.asks
        else:
            own = pit.asks
            facing = pit.bids
        self._requeue(pit, own, price, size)
        if size > 0 and facing:
            best = facing[0].price
            if (side == BID and price >= best) or (side == ASK and price <= best):
                if pit.ready(vt):
                    self._touched(pit, facing, side, price, size, vt)
                else:
                    self._orders.unready += 1
                    pit.missed.append((side, price, size))

    def _make_up(self, pit: Pit, vt: i64) -> None:
        """Levels that came while the book could not be traded on, and still stand, reach our orders now."""
        if pit.ready(vt):
            missed = pit.missed
            pit.missed = []
            for side, price, size in missed:
                facing = pit.asks if side == BID else pit.bids
                if facing:
                    self._touched(pit, facing, side, price, size, vt)

    def _touched(self, pit: Pit, orders: list[Resting], side: i64, price: i64, size: i64, vt: i64) -> None:
        """A level of the other *side* stands at *price*: every order of ours there or beyond fills."""
        left = size
        at: i64 = 0
        while at < i64(len(orders)) and left > 0:
            order = orders[at]
            if (side == BID and order.price > price) or (side == ASK and order.price < price):
                break
            filled = self._fills.by_touch(order, left, vt)
            if self._fills.shared:
                left -= filled
            if filled == 0 or not self._orders.make(pit, order, filled, vt):
                at += 1
        if left < size:
            # What our orders took of the level stands in the record until that states it again.
            self._book.take(pit.market, side, price, size - left)
            self._orders.took(pit, price)

    def traded(self, market: i64, price: i64, size: i64, side: i64, vt: i64) -> None:
        """At venue time *vt* someone took *size* at *price*; *side* is the taker's: BUY, SELL or SIDE_UNKNOWN."""
        pit = self._orders.pit(market)
        if pit.missed:
            self._make_up(pit, vt)
        if side != SELL and pit.asks and pit.asks[0].price <= price:
            self._passed(pit, pit.asks, price, size, vt)
        if side != BUY and pit.bids and pit.bids[0].price >= price:
            self._passed(pit, pit.bids, price, size, vt)

    def _passed(self, pit: Pit, orders: list[Resting], price: i64, size: i64, vt: i64) -> None:
        """Someone took *size* at *price* from the side on which *orders* stand, or from beyond them."""
        if not pit.ready(vt):
            self._orders.unready += 1
            return
        left = size
        at: i64 = 0
        while at < i64(len(orders)) and left > 0:
            order = orders[at]
            beyond = left
            if order.price == price:
                beyond = self._queue.trade(order, left)
            elif (order.side == BID) == (order.price < price):
                return
            filled: i64 = 0
            if beyond > 0:
                filled = self._fills.by_trade(order, beyond, vt)
                if self._fills.shared:
                    left -= filled
            if filled == 0 or not self._orders.make(pit, order, filled, vt):
                at += 1

    def snapshot(self, market: i64) -> None:
        """A full book begins; it counts when it is complete."""
        pit = self._orders.pit(market)
        pit.snapping = True
        pit.lost = False
        pit.stated = []

    def lose(self, market: i64) -> None:
        """What the levels hold is unknown until a full book says."""
        pit = self._orders.pit(market)
        pit.snapping = True
        pit.lost = True
        pit.stated = []

    def snapshot_end(self, market: i64, vt: i64) -> None:
        """The full book is complete: levels that it does not name hold nothing."""
        pit = self._orders.pit(market)
        if not pit.snapping or pit.lost:
            return
        pit.snapping = False
        pit.full_ns = vt
        pit.missed = []
        self._book.forget_taken(market)
        self._orders.retake(pit)
        stated = pit.stated
        pit.stated = []
        named = {(price << 1) | side: True for side, price, _ in stated}
        for side in (BID, ASK):
            for order in pit.orders(side):
                if (order.price << 1) | order.side not in named:
                    self._queue.set(order, 0)
        for side, price, size in stated:
            self._level(pit, side, price, size, vt)
