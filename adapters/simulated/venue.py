"""
The simulated venue: it takes requests, is told the facts of the recorded market, and says what became of our orders.

It acts at venue time. The driver keeps that time: it tells facts and lets requests arrive in one merged order, and
makes `book` the market's before a request arrives there. The recorded market does not react: it knows neither our
orders nor our fills. `README.md` beside this file says it at length.
"""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from adapters.simulated.book import VenueBook, whole_lots
from adapters.simulated.clearing import Clearing, Line
from adapters.simulated.fills import Fills
from adapters.simulated.latency import Latency
from adapters.simulated.models import Models
from adapters.simulated.queue import Queue
from adapters.simulated.reports import Report
from adapters.simulated.resting import NO_ASK, Fill, Pit, Resting, Watch
from engine.kernel import codes, kinds
from engine.kernel.derived import CANCEL, PLACE
from engine.kernel.events import FILL_MAKER, STATUS_CLOSED, STATUS_POST_ONLY, STATUS_TRADING
from engine.kernel.market import Instrument
from engine.kernel.order import FLAG_POST_ONLY
from engine.kernel.policy import TIF_FAK, TIF_FOK, TIF_GTD
from engine.kernel.record import NONE
from engine.kernel.request import Request
from engine.kernel.units import ASK, BID, BUY, SELL

__all__ = ["SimulatedVenue", "Watch"]

_COMPACT: Final[i64] = 64


@final
@mypyc_attr(acyclic=True, free_list_len=8)
class Arrival:
    """A request on its way to the venue, and what its draws of chance are keyed by."""

    def __init__(self, at_ns: i64, request: Request, key: i64, ordinal: i64) -> None:
        self.at_ns: Final[i64] = at_ns
        self.request: Final[Request] = request
        self.key: Final[i64] = key
        self.ordinal: Final[i64] = ordinal


@final
class SimulatedVenue:
    """
    One venue. *instruments* is the kernel's own list, which grows with the catalogue.

    Prices and sizes of markets are those of the first outcome; market numbers are the kernel's.
    """

    def __init__(self, instruments: list[Instrument], models: Models, seed: i64) -> None:
        self._instruments: Final[list[Instrument]] = instruments
        self._latency: Final[Latency] = models.latency
        self._queue: Final[Queue] = models.queue
        self._fills: Final[Fills] = models.fills
        self._clearing: Final[Clearing] = models.clearing
        self._line: Final[Line] = Line(models.latency.response)
        self._clearing.join(self._line)
        self.seed: Final[i64] = seed
        self.book: Final[VenueBook] = VenueBook()
        self._pits: Final[list[Pit]] = []
        self._seen: i64 = 0  # instruments whose markets have a pit
        self._arrivals: list[Arrival] = []
        self._head: i64 = 0
        self._last_arrival_ns: i64 = NONE
        self._next_arrival_ns: i64 = NONE
        self._draw_key: i64 = NONE
        self._ordinal: i64 = 0
        self._expiries: i64 = 0  # GTD orders that rest
        self._next_expiry_ns: i64 = NONE
        self.resting: i64 = 0
        """How many orders rest, and markets of which something counts as taken: 0 while no fact can concern us."""
        self.submitted: i64 = 0
        self.cancels: i64 = 0
        self.trades: i64 = 0
        self.rejected: i64 = 0
        self.unready: i64 = 0
        """Facts and arrivals that met a book not fit to be traded on, where they might have led to a trade."""

    # -- what is on its way ------------------------------------------------------------------------------------------

    def submit(self, request: Request, now_ns: i64, draw_key: i64) -> None:
        """
        *request* leaves us at *now_ns*; its draws of chance are keyed by *draw_key*, and by which of that key it is.

        It never overtakes an earlier one: both go over one connection.
        """
        if draw_key != self._draw_key:
            self._draw_key = draw_key
            self._ordinal = 0
        ordinal = self._ordinal
        self._ordinal += 1
        if request.what == CANCEL:
            self.cancels += 1
            delay = self._latency.cancel.ns(draw_key, ordinal, now_ns)
        else:
            self.submitted += 1
            delay = self._latency.entry.ns(draw_key, ordinal, now_ns)
        at_ns = now_ns + delay
        if at_ns < self._last_arrival_ns:
            at_ns = self._last_arrival_ns
        self._last_arrival_ns = at_ns
        self._arrivals.append(Arrival(at_ns, request, draw_key, ordinal))
        if self._next_arrival_ns == NONE:
            self._next_arrival_ns = at_ns

    def busy(self) -> bool:
        """Whether requests or reports are on their way."""
        return self._next_arrival_ns != NONE or self._line.next_ns != NONE

    def next_ns(self) -> i64:
        """When something is next due: a report, an arrival, or the venue's own; NONE when nothing is."""
        due = self.next_own_ns()
        other = self._line.next_ns
        if other != NONE and (due == NONE or other < due):
            due = other
        other = self._next_arrival_ns
        if other != NONE and (due == NONE or other < due):
            due = other
        return due

    def next_report_ns(self) -> i64:
        """When the next report reaches us, or NONE."""
        return self._line.next_ns

    def take_report(self, now_ns: i64) -> Report | None:
        """The oldest report that has reached us by *now_ns*."""
        return self._line.take(now_ns)

    def next_arrival_ns(self) -> i64:
        """When the next request arrives, or NONE."""
        return self._next_arrival_ns

    def arrival_market(self) -> i64:
        """The number of the market whose book the next arrival needs; -1 if it needs none."""
        request = self._arrivals[self._head].request
        if request.what != PLACE:
            return -1
        return self._instruments[request.instrument].market.number

    def next_own_ns(self) -> i64:
        """When the venue next does something by itself (an order expires, a trade settles), or NONE."""
        due = self._clearing.next_ns()
        expiry = self._next_expiry_ns
        if expiry != NONE and (due == NONE or expiry < due):
            return expiry
        return due

    def own_market(self) -> i64:
        """The number of the market whose book `act` needs next; -1 if it needs none."""
        return self._clearing.market()

    def act(self, now_ns: i64) -> None:
        """Do what is due by itself at *now_ns*: expiries, then what follows matches."""
        if self._next_expiry_ns != NONE and self._next_expiry_ns <= now_ns:
            self._expire(now_ns)
        due = self._clearing.next_ns()
        if due != NONE and due <= now_ns:
            self._clearing.act(now_ns)

    # -- markets -----------------------------------------------------------------------------------------------------

    def watch(self, market: i64) -> Watch:
        """What to watch market number *market* for."""
        if market >= i64(len(self._pits)):
            self._grow()
        return self._pits[market].watch

    def pit(self, market: i64) -> Pit:
        """Our orders in market number *market*."""
        if market >= i64(len(self._pits)):
            self._grow()
        return self._pits[market]

    def _grow(self) -> None:
        """Take in the markets that were listed since."""
        while self._seen < i64(len(self._instruments)):
            market = self._instruments[self._seen].market
            self._seen += 1
            if market.number == i64(len(self._pits)):
                self._pits.append(Pit(market))

    # -- facts of the recorded market --------------------------------------------------------------------------------

    def level_set(self, market: i64, side: i64, price: i64, size: i64, vt: i64) -> None:
        """At venue time *vt* the level at *price* on *side* came to hold *size*."""
        pit = self._pits[market]
        if pit.snapping:
            pit.stated.append((side, price, size))
            return
        if pit.taken_low != NO_ASK and not self.book.stated(pit.market, side, price):
            self._retake(pit)
        if pit.watch.count > 0:
            self._level(pit, side, price, size, vt)

    def _level(self, pit: Pit, side: i64, price: i64, size: i64, vt: i64) -> None:
        if side == BID:
            own = pit.bids
            facing = pit.asks
        else:
            own = pit.asks
            facing = pit.bids
        at: i64 = 0
        while at < i64(len(own)):
            order = own[at]
            if order.price == price:
                self._queue.set(order, rounded(size, pit.market.lot))
            at += 1
        if size > 0 and facing:
            best = facing[0].price
            if (side == BID and price >= best) or (side == ASK and price <= best):
                self._touched(pit, facing, side, price, size, vt)

    def _touched(self, pit: Pit, orders: list[Resting], side: i64, price: i64, size: i64, vt: i64) -> None:
        """A level of the other *side* stands at *price*: every order of ours there or beyond fills."""
        if not pit.market.ready():
            self.unready += 1
            return
        left = size
        at: i64 = 0
        while at < i64(len(orders)) and left > 0:
            order = orders[at]
            if (side == BID and order.price > price) or (side == ASK and order.price < price):
                return
            filled = self._fills.by_touch(order, left)
            if self._fills.shared:
                left -= filled
            if not self._make(pit, order, filled, vt):
                at += 1

    def traded(self, market: i64, price: i64, size: i64, side: i64, vt: i64) -> None:
        """At venue time *vt* someone took *size* at *price*; *side* is the taker's: BUY, SELL or SIDE_UNKNOWN."""
        pit = self._pits[market]
        if side != SELL and pit.asks and pit.asks[0].price <= price:
            self._passed(pit, pit.asks, price, size, vt)
        if side != BUY and pit.bids and pit.bids[0].price >= price:
            self._passed(pit, pit.bids, price, size, vt)

    def _passed(self, pit: Pit, orders: list[Resting], price: i64, size: i64, vt: i64) -> None:
        """Someone took *size* at *price* from the side on which *orders* stand."""
        if not pit.market.ready():
            self.unready += 1
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
                filled = self._fills.by_trade(order, beyond)
                if self._fills.shared:
                    left -= filled
            if filled == 0 or not self._make(pit, order, filled, vt):
                at += 1

    def snapshot(self, market: i64, vt: i64) -> None:
        """A full book begins; it counts when it is complete."""
        pit = self._pits[market]
        pit.snapping = True
        pit.stated.clear()

    def snapshot_end(self, market: i64, vt: i64) -> None:
        """The full book is complete: levels that it does not name hold nothing."""
        pit = self._pits[market]
        if not pit.snapping:
            return
        pit.snapping = False
        self.book.forget_taken(market)
        self._retake(pit)
        for side in (BID, ASK):
            for order in pit.orders(side):
                if not any(stated[0] == side and stated[1] == order.price for stated in pit.stated):
                    self._queue.set(order, 0)
        for side, price, size in pit.stated:
            self._level(pit, side, price, size, vt)
        pit.stated.clear()

    def status(self, market: i64, status: i64, vt: i64) -> None:
        """The market's trading status became *status*; where trading ended, what rests is cancelled."""
        if status == STATUS_CLOSED:
            self._cancel_all(self._pits[market], vt)

    def tick_changed(self, market: i64, tick: i64, vt: i64) -> None:
        """The market has another grid: orders that rest on the old one stay where they are."""

    def resolved(self, market: i64, winner: i64, vt: i64) -> None:
        """The market was settled in favour of instrument *winner* (NONE: of neither)."""
        self._cancel_all(self.pit(market), vt)
        self._clearing.resolved(market, winner, vt)

    # -- arrivals ----------------------------------------------------------------------------------------------------

    def arrive(self, now_ns: i64) -> None:
        """The next request arrives; `book` is its market's."""
        arrival = self._arrivals[self._head]
        assert arrival.at_ns <= now_ns
        self._head += 1
        if self._head == i64(len(self._arrivals)):
            self._arrivals.clear()
            self._head = 0
            self._next_arrival_ns = NONE
        else:
            if self._head == _COMPACT:
                del self._arrivals[:_COMPACT]
                self._head = 0
            self._next_arrival_ns = self._arrivals[self._head].at_ns
        request = arrival.request
        if request.what == CANCEL:
            self._cancel(arrival, now_ns)
            return
        if request.what != PLACE:
            self._clearing.asked(request, arrival.key, arrival.ordinal << 16, now_ns)
            return
        order = Resting(request, self._instruments[request.instrument], now_ns, arrival.key, arrival.ordinal)
        reason = self._objection(order, now_ns)
        if reason != codes.OK:
            self.rejected += 1
            self._say(order, kinds.SIM_REJECTED, now_ns, reason)
            return
        self._say(order, kinds.SIM_ACKED, now_ns, 0)
        self._place(order, now_ns)

    def _objection(self, order: Resting, now_ns: i64) -> i64:
        """Why the venue refuses the order, or OK."""
        request = order.request
        book = self.book
        market = book.market
        assert market is not None
        assert market.number == order.market
        post_only = request.flags & FLAG_POST_ONLY != 0
        if book.status != STATUS_TRADING and not (book.status == STATUS_POST_ONLY and post_only):
            return codes.MARKET_CLOSED
        if request.tif == TIF_GTD and request.expires_ns != NONE and request.expires_ns <= now_ns:
            return codes.TTL_INVALID
        if request.price % book.tick != 0 or request.price <= 0:
            return codes.OFF_GRID
        if market.binary and request.price >= market.price_scale:
            return codes.OFF_GRID
        if request.size < market.listing.min_size or request.size <= 0:
            return codes.SIZE_BELOW_MIN
        if post_only:
            if not book.ready():
                self.unready += 1
            elif self._crosses(order):
                return codes.WOULD_CROSS
        return self._clearing.objection(request, now_ns)

    def _crosses(self, order: Resting) -> bool:
        if order.side == BID:
            touch = self.book.best_ask()
            return touch != NONE and touch <= order.price
        touch = self.book.best_bid()
        return touch != NONE and touch >= order.price

    def _place(self, order: Resting, now_ns: i64) -> None:
        """Take what the order may take; rest what is left of it, or cancel that."""
        request = order.request
        if request.flags & FLAG_POST_ONLY == 0:
            self._take(order, now_ns)
            if order.left() == 0:
                return
            if request.tif == TIF_FOK or request.tif == TIF_FAK:
                self._say(order, kinds.SIM_CANCELLED, now_ns, order.filled)
                return
        pit = self.pit(order.market)
        self._queue.joined(order, self.book.size_at(order.side, order.price))
        pit.add(order)
        self.resting += 1
        if request.tif == TIF_GTD and request.expires_ns != NONE:
            self._expiries += 1
            if self._next_expiry_ns == NONE or request.expires_ns < self._next_expiry_ns:
                self._next_expiry_ns = request.expires_ns

    def _take(self, order: Resting, now_ns: i64) -> None:
        """Fill against the levels within the order's limit, each at its price; what was taken is gone from them."""
        book = self.book
        if not book.ready():
            self.unready += 1
            return
        other = 1 - order.side
        if order.request.tif == TIF_FOK and not self._is_enough(order, other):
            return
        price = book.next_price(other, NONE)
        pit = self.pit(order.market)
        while price != NONE and order.left() > 0:
            if (order.side == BID and price > order.price) or (order.side == ASK and price < order.price):
                break
            size = book.size_at(other, price)
            if size > order.left():
                size = order.left()
            book.take(other, price, size)
            self._took(pit, price)
            self._fill(order, pit, price, size, False, now_ns)
            price = book.next_price(other, price)

    def _is_enough(self, order: Resting, other: i64) -> bool:
        """Whether the levels within the order's limit hold all of it."""
        book = self.book
        left = order.left()
        price = book.next_price(other, NONE)
        while price != NONE and left > 0:
            if (order.side == BID and price > order.price) or (order.side == ASK and price < order.price):
                return False
            left -= book.size_at(other, price)
            price = book.next_price(other, price)
        return left <= 0

    def _took(self, pit: Pit, price: i64) -> None:
        """Something at *price* counts as taken now: watch until the level is stated again."""
        if pit.taken_low == NO_ASK:
            self.resting += 1
            pit.taken_high = price
        if price < pit.taken_low:
            pit.taken_low = price
        if price > pit.taken_high:
            pit.taken_high = price
        pit.watched()

    def _retake(self, pit: Pit) -> None:
        """Nothing counts as taken any more."""
        if pit.taken_low != NO_ASK:
            self.resting -= 1
            pit.taken_low = NO_ASK
            pit.taken_high = -1
            pit.watched()

    def _cancel(self, arrival: Arrival, now_ns: i64) -> None:
        request = arrival.request
        pit = self.pit(self._instruments[request.instrument].market.number)
        order = pit.find(request.target)
        if order is None:
            index = arrival.ordinal << 16
            self._line.say(arrival.key, index, kinds.SIM_CANCEL_REFUSED, request.target, now_ns, codes.NO_SUCH_ORDER)
            return
        self._gone(pit, order)
        self._say(order, kinds.SIM_CANCELLED, now_ns, order.filled)

    # -- what becomes of orders --------------------------------------------------------------------------------------

    def _make(self, pit: Pit, order: Resting, size: i64, now_ns: i64) -> bool:
        """*size* of a resting order fills at its own price; True if it is gone by that."""
        self._fill(order, pit, order.price, size, True, now_ns)
        if order.left() > 0:
            return False
        self._gone(pit, order)
        return True

    def _fill(self, order: Resting, pit: Pit, price: i64, size: i64, maker: bool, now_ns: i64) -> None:
        """*size* of the order trades at *price*, a price of the first outcome."""
        assert 0 < size <= order.left()
        request = order.request
        order.filled += size
        self.trades += 1
        if request.side != order.side:
            price = pit.market.price_scale - price
        fill = Fill(
            self.trades, request.number, request.instrument, order.market, request.side, price, size, maker, now_ns
        )
        flags = self._clearing.filled(fill)
        if maker:
            flags |= FILL_MAKER
        self._line.say(
            order.key, order.draw(), kinds.SIM_FILLED, request.number, now_ns, price, size, flags, self.trades
        )

    def _gone(self, pit: Pit, order: Resting) -> None:
        """The order no longer rests."""
        pit.remove(order)
        self.resting -= 1
        if order.request.tif == TIF_GTD and order.request.expires_ns != NONE:
            self._expiries -= 1
            if order.request.expires_ns == self._next_expiry_ns:
                self._find_expiry()

    def _say(self, order: Resting, kind: i64, now_ns: i64, value: i64) -> None:
        self._line.say(order.key, order.draw(), kind, order.number, now_ns, value)

    def _cancel_all(self, pit: Pit, now_ns: i64) -> None:
        for side in (BID, ASK):
            orders = pit.orders(side)
            while orders:
                order = orders[0]
                self._gone(pit, order)
                self._say(order, kinds.SIM_CANCELLED, now_ns, order.filled)

    def _find_expiry(self) -> None:
        self._next_expiry_ns = NONE
        if self._expiries == 0:
            return
        for pit in self._pits:
            for side in (BID, ASK):
                for order in pit.orders(side):
                    expires = order.request.expires_ns
                    timed = order.request.tif == TIF_GTD and expires != NONE
                    if timed and (self._next_expiry_ns == NONE or expires < self._next_expiry_ns):
                        self._next_expiry_ns = expires

    def _expire(self, now_ns: i64) -> None:
        for pit in self._pits:
            for side in (BID, ASK):
                for order in list(pit.orders(side)):
                    expires = order.request.expires_ns
                    if order.request.tif == TIF_GTD and expires != NONE and expires <= now_ns:
                        self._gone(pit, order)
                        self._say(order, kinds.SIM_EXPIRED, now_ns, order.filled)


def rounded(size: i64, lot: i64) -> i64:
    """*size* in whole lots, as the book counts it."""
    return whole_lots(size, lot) * lot
