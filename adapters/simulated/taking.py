"""
Taking: an order meets the recorded levels within its limit, and our own orders among them.

Levels and orders are those of the first outcome; what was taken of a level is remembered until it is stated again.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.book import VenueBook
from adapters.simulated.fills import Slippage
from adapters.simulated.models import Models
from adapters.simulated.orders import Orders
from adapters.simulated.resting import Pit, Resting
from adapters.simulated.rules import SELF_CANCEL_BOTH, SELF_CANCEL_NEWEST, SELF_PASS, SELF_TRADE
from engine.kernel import kinds
from engine.kernel.order import FLAG_POST_ONLY
from engine.kernel.policy import TIF_FAK, TIF_FOK
from engine.kernel.record import NONE
from engine.kernel.units import BID


@final
class Taking:
    """Lets orders into the market whose book *book* is at that moment."""

    def __init__(self, models: Models, orders: Orders, book: VenueBook) -> None:
        self._slippage: Final[Slippage] = models.slippage
        self._self_trade: Final[i64] = models.rules.self_trade
        self._orders: Final[Orders] = orders
        self._book: Final[VenueBook] = book

    def crosses(self, order: Resting) -> bool:
        """Whether *order* would trade at once, against the recorded levels of `book` or our own orders."""
        other = 1 - order.side
        touch = self._book.next_price(other, NONE)
        if touch != NONE and not is_beyond(order, touch):
            return True
        if self._self_trade == SELF_PASS:
            return False
        facing = self._orders.pit(order.market).first(other)
        return facing is not None and not is_beyond(order, facing.price)

    def enter(self, order: Resting, now_ns: i64) -> None:
        """Take what the order may take; rest what is left of it, or cancel that."""
        request = order.request
        pit = self._orders.pit(order.market)
        if pit.watch.count == 0:
            pit.begin(self._book.ready(), self._book.lost, now_ns)
        if request.flags & FLAG_POST_ONLY == 0:
            ended = not self._take(order, pit, now_ns)
            if order.left() == 0:
                return
            if ended or request.tif == TIF_FOK or request.tif == TIF_FAK or self._orders.room(order) == 0:
                self._orders.say(order, kinds.SIM_CANCELLED, now_ns, order.filled)
                return
        self._orders.rest(pit, order, self._book.size_at(order.side, order.price))

    def _take(self, order: Resting, pit: Pit, now_ns: i64) -> bool:
        """
        Fill against the levels within the order's limit, each at its price, and meet our own orders among them.

        Returns False where the order ends because it met one of those.
        """
        book = self._book
        if not book.ready():
            self._orders.unready += 1
            return True
        if order.request.tif == TIF_FOK and not self._is_enough(order, pit, now_ns):
            return True
        other = 1 - order.side
        price = book.next_price(other, NONE)
        while self._orders.room(order) > 0:
            if price != NONE and is_beyond(order, price):
                price = NONE
            own = self._facing(order, pit)
            if own is not None and (price == NONE or is_first(own, price)):
                if not self._meet(order, own, pit, now_ns):
                    return False
                continue
            if price == NONE:
                break
            size = self._slippage.offered(order, price, book.size_at(other, price), now_ns)
            room = self._orders.room(order)
            if size > room:
                size = room
            if own is not None and own.price == price:
                if size > own.ahead:
                    size = own.ahead
                own.ahead -= size
            if size > 0:
                self._take_level(order, pit, price, size, now_ns)
            if own is None or own.price != price or own.ahead > 0 or book.size_at(other, price) == 0:
                price = book.next_price(other, price)
        return True

    def _take_level(self, order: Resting, pit: Pit, price: i64, size: i64, now_ns: i64) -> None:
        """*size* of the level at *price* is ours."""
        level = self._book.size_at(1 - order.side, price)
        paid = self._slippage.price(order, price, level, self._book.tick, now_ns)
        if is_beyond(order, paid):
            paid = order.price
        self._book.take(pit.market, 1 - order.side, price, size)
        self._orders.took(pit, price)
        self._orders.fill(pit, order, paid, size, False, now_ns)

    def _is_enough(self, order: Resting, pit: Pit, now_ns: i64) -> bool:
        """Whether all of the order would fill at once."""
        book = self._book
        other = 1 - order.side
        left = self._orders.room(order)
        if left < order.left():
            return False
        own = self._facing(order, pit)
        barred = own is not None and self._self_trade in (SELF_CANCEL_NEWEST, SELF_CANCEL_BOTH)
        if own is not None and self._self_trade == SELF_TRADE:
            for resting in pit.orders(other):
                if not is_beyond(order, resting.price):
                    left -= resting.left()
        price = book.next_price(other, NONE)
        while price != NONE and left > 0 and not is_beyond(order, price):
            if barred and own is not None and not is_better(other, price, own.price):
                return False
            left -= self._slippage.offered(order, price, book.size_at(other, price), now_ns)
            price = book.next_price(other, price)
        return left <= 0

    def _facing(self, order: Resting, pit: Pit) -> Resting | None:
        """The first of our own orders that *order* would meet, if they see each other."""
        if self._self_trade == SELF_PASS:
            return None
        facing = pit.first(1 - order.side)
        if facing is None or is_beyond(order, facing.price):
            return None
        return facing

    def _meet(self, order: Resting, own: Resting, pit: Pit, now_ns: i64) -> bool:
        """*order* meets *own*, which rests: whether it may go on."""
        rule = self._self_trade
        if rule == SELF_TRADE and self._orders.room(own) > 0:
            size = self._orders.room(order)
            if self._orders.room(own) < size:
                size = self._orders.room(own)
            self._orders.fill(pit, order, own.price, size, False, now_ns)
            self._orders.make(pit, own, size, now_ns)
            return True
        if rule != SELF_CANCEL_NEWEST:
            self._orders.end(pit, own, kinds.SIM_CANCELLED, now_ns)
        return rule != SELF_CANCEL_NEWEST and rule != SELF_CANCEL_BOTH


def is_beyond(order: Resting, price: i64) -> bool:
    """Whether *price*, of the other side, is worse than *order* would pay or take."""
    return price > order.price if order.side == BID else price < order.price


def is_better(side: i64, price: i64, than: i64) -> bool:
    """Whether a level of *side* at *price* trades before one at *than*."""
    return price > than if side == BID else price < than


def is_first(own: Resting, price: i64) -> bool:
    """Whether a taker meets *own* before (more of) its side's recorded level at *price*."""
    return is_better(own.side, own.price, price) or (own.price == price and own.ahead == 0)
