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
        order = pit.bid if side == BID else pit.ask  # `_requeue` in place: nearly all that the venue is told
        while order is not None:
            if order.price == price:
                self._queue.set(order, in_lots(size, pit.market.by_lot))
            order = order.behind

    def _requeue(self, pit: Pit, side: i64, price: i64, size: i64) -> None:
        """The level at *price* on *side*, in which our orders there queue, holds *size* now."""
        order = pit.bid if side == BID else pit.ask
        while order is not None:
            if order.price == price:
                self._queue.set(order, in_lots(size, pit.market.by_lot))
            order = order.behind

    def _level(self, pit: Pit, side: i64, price: i64, size: i64, vt: i64) -> None:
        self._requeue(pit, side, price, size)
        facing = pit.first(1 - side)
        if size > 0 and facing is not None:
            best = facing.price
            if (side == BID and price >= best) or (side == ASK and price <= best):
                if pit.ready(vt):
                    self._touched(pit, side, price, size, vt)
                else:
                    self._orders.unready += 1
                    pit.missed.append((side, price, size))

    def _make_up(self, pit: Pit, vt: i64) -> None:
        """Levels that came while the book could not be traded on, and still stand, reach our orders now."""
        if pit.ready(vt):
            missed = pit.missed
            pit.missed = []
            for side, price, size in missed:
                self._touched(pit, side, price, size, vt)

    def _touched(self, pit: Pit, side: i64, price: i64, size: i64, vt: i64) -> None:
        """A level of *side* stands at *price*: every order of ours on the other side there or beyond fills."""
        left = size
        order = pit.first(1 - side)
        while order is not None and left > 0:
            if (side == BID and order.price > price) or (side == ASK and order.price < price):
                break
            behind = order.behind  # it may be gone by then
            filled = self._fills.by_touch(order, left, vt)
            if self._fills.shared:
                left -= filled
            if filled > 0:
                self._orders.make(pit, order, filled, vt)
            order = behind
        if left < size:
            # What our orders took of the level stands in the record until that states it again.
            self._book.take(pit.market, side, price, size - left)
            self._orders.took(pit, price)

    def traded(self, market: i64, price: i64, size: i64, side: i64, vt: i64) -> None:
        """At venue time *vt* someone took *size* at *price*; *side* is the taker's: BUY, SELL or SIDE_UNKNOWN."""
        pit = self._orders.pit(market)
        if pit.missed:
            self._make_up(pit, vt)
        ask = pit.ask
        if side != SELL and ask is not None and ask.price <= price:
            self._passed(pit, ask, price, size, vt)
        bid = pit.bid
        if side != BUY and bid is not None and bid.price >= price:
            self._passed(pit, bid, price, size, vt)

    def _passed(self, pit: Pit, first: Resting, price: i64, size: i64, vt: i64) -> None:
        """Someone took *size* at *price* from the side on which *first* stands, or from beyond it."""
        if not pit.ready(vt):
            self._orders.unready += 1
            return
        left = size
        order: Resting | None = first
        while order is not None and left > 0:
            behind = order.behind  # it may be gone by then
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
            if filled > 0:
                self._orders.make(pit, order, filled, vt)
            order = behind

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
