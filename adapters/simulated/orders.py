"""Our orders at the venue: where they rest, what of them trades, and how they end."""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from adapters.simulated.clearing import Clearing, Line
from adapters.simulated.models import Models
from adapters.simulated.queue import Queue
from adapters.simulated.resting import NO_ASK, NO_BID, Fill, Pit, Resting
from engine.kernel import kinds
from engine.kernel.events import FILL_MAKER
from engine.kernel.market import Instrument
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID, BUY


@final
class Orders:
    """Our orders in all markets of one venue. *instruments* is the kernel's own list; *line* carries the reports."""

    def __init__(self, instruments: list[Instrument], models: Models, line: Line) -> None:
        self._instruments: Final[list[Instrument]] = instruments
        self._queue: Final[Queue] = models.queue
        self._clearing: Final[Clearing] = models.clearing
        self._line: Final[Line] = line
        self.pits: Final[list[Pit]] = []
        """By market number; `pit` makes those of markets listed since."""
        self._seen: i64 = 0  # instruments whose markets have a pit
        self.positions: vec[i64] = vec[i64]([0] * 16)
        """What we hold by instrument number, in size units: what was set from before, and our trades since."""
        self.opening: dict[str, int] = {}
        """What we hold from before of instruments to be listed, by their keys."""
        self._expiries: i64 = 0  # orders that rest and expire
        self.next_expiry_ns: i64 = NONE
        self.resting: i64 = 0
        """How many orders rest, and markets of which something counts as taken."""
        self.trades: i64 = 0
        self.unready: i64 = 0
        """Facts and arrivals that met a book not fit to be traded on, where they might have led to a trade."""
        self.queued: dict[int, int] | None = None
        """What stood before an order as it came to rest, by its request: kept for who gives a dict, and empties it."""

    # -- markets -----------------------------------------------------------------------------------------------------

    def pit(self, market: i64) -> Pit:
        """Our orders in market number *market*."""
        if market >= i64(len(self.pits)):
            self._grow()
        return self.pits[market]

    def _grow(self) -> None:
        """Take in the markets that were listed since."""
        listed = self._seen
        while self._seen < i64(len(self._instruments)):
            market = self._instruments[self._seen].market
            self._seen += 1
            if market.number == i64(len(self.pits)):
                self.pits.append(Pit(market))
        while i64(len(self.positions)) < self._seen:
            old = self.positions
            new = vec[i64]([0] * (2 * len(old)))
            i: i64 = 0
            while i < i64(len(old)):
                new[i] = old[i]
                i += 1
            self.positions = new
        while self.opening and listed < self._seen:
            self.positions[listed] = i64(self.opening.pop(self._instruments[listed].key, 0))
            listed += 1

    # -- coming and going ---------------------------------------------------------------------------------------------

    def rest(self, pit: Pit, order: Resting, level: i64) -> None:
        """*order* joins the queue of its level in *pit*, which holds *level* of others."""
        self._queue.joined(order, level)
        if self.queued is not None:
            self.queued[int(order.number)] = int(order.ahead)
        pit.add(order)
        self.resting += 1
        if order.expires_ns != NONE:
            self._expiries += 1
            if self.next_expiry_ns == NONE or order.expires_ns < self.next_expiry_ns:
                self.next_expiry_ns = order.expires_ns

    def cancel(self, market: i64, number: i64, now_ns: i64) -> bool:
        """Cancel the order of request *number*; False if it does not rest in that market."""
        pit = self.pit(market)
        order = pit.find(number)
        if order is None:
            return False
        self.end(pit, order, kinds.SIM_CANCELLED, now_ns)
        return True

    def cancel_all(self, market: i64, vt: i64) -> None:
        """Trading in the market ended: what rests there is cancelled."""
        pit = self.pit(market)
        for side in (BID, ASK):
            for order in pit.orders(side):
                self.end(pit, order, kinds.SIM_CANCELLED, vt)

    def expire(self, now_ns: i64) -> None:
        """End the orders whose time is over."""
        for pit in self.pits:
            for side in (BID, ASK):
                for order in pit.orders(side):
                    if order.expires_ns != NONE and order.expires_ns <= now_ns:
                        self.end(pit, order, kinds.SIM_EXPIRED, now_ns)

    def say(self, order: Resting, kind: i64, now_ns: i64, value: i64) -> None:
        """Report on *order*."""
        self._line.say(order.key, order.draw(), kind, order.number, now_ns, value)

    def took(self, pit: Pit, price: i64) -> None:
        """Something at *price* counts as taken now: watch until the level is stated again."""
        if pit.taken_low == NO_ASK:
            self.resting += 1
        if price < pit.taken_low:
            pit.taken_low = price
        if price > pit.taken_high:
            pit.taken_high = price
        pit.watched()

    def retake(self, pit: Pit) -> None:
        """Nothing counts as taken any more."""
        if pit.taken_low != NO_ASK:
            self.resting -= 1
            pit.taken_low = NO_ASK
            pit.taken_high = NO_BID
            pit.watched()

    def room(self, order: Resting) -> i64:
        """What *order* may still trade: what is left of it, but if it only reduces no more than we hold."""
        left = order.left()
        if order.reduces:
            held = self.positions[order.request.instrument]
            if order.request.side == BUY:
                held = -held
            if held < left:
                left = held if held > 0 else i64(0)
        return left

    # -- what becomes of orders --------------------------------------------------------------------------------------

    def make(self, pit: Pit, order: Resting, size: i64, now_ns: i64) -> None:
        """Up to *size* of a resting order fills at its own price; it may be gone by that."""
        room = self.room(order)
        if room < size:
            size = room
        if size > 0:
            self.fill(pit, order, order.price, size, True, now_ns)
        if order.left() == 0:
            self._gone(pit, order)
        elif self.room(order) == 0:
            self.end(pit, order, kinds.SIM_CANCELLED, now_ns)  # nothing is left that it could reduce

    def fill(self, pit: Pit, order: Resting, price: i64, size: i64, maker: bool, now_ns: i64) -> None:
        """*size* of the order trades at *price*, a price of the first outcome."""
        assert 0 < size <= order.left()
        request = order.request
        order.filled += size
        self.trades += 1
        if request.side != order.side:
            price = pit.market.price_scale - price
        if request.side == BUY:
            self.positions[request.instrument] += size
        else:
            self.positions[request.instrument] -= size
        fill = Fill(
            self.trades, request.number, request.instrument, order.market, request.side, price, size, maker, now_ns
        )
        flags = self._clearing.filled(fill)
        if maker:
            flags |= FILL_MAKER
        self._line.say(
            order.key,
            order.draw(),
            kinds.SIM_FILLED,
            request.number,
            now_ns,
            price,
            size,
            flags,
            self.trades,
            self._clearing.fee,
        )

    def end(self, pit: Pit, order: Resting, kind: i64, now_ns: i64) -> None:
        """What is left of a resting order ends, and *kind* says why."""
        self._gone(pit, order)
        self.say(order, kind, now_ns, order.filled)

    def _gone(self, pit: Pit, order: Resting) -> None:
        """The order no longer rests."""
        pit.remove(order)
        self.resting -= 1
        if order.expires_ns != NONE:
            self._expiries -= 1
            if order.expires_ns == self.next_expiry_ns:
                self._find_expiry()

    def _find_expiry(self) -> None:
        self.next_expiry_ns = NONE
        if self._expiries == 0:
            return
        for pit in self.pits:
            for side in (BID, ASK):
                for order in pit.orders(side):
                    expires = order.expires_ns
                    if expires != NONE and (self.next_expiry_ns == NONE or expires < self.next_expiry_ns):
                        self.next_expiry_ns = expires
