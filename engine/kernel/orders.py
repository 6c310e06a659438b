"""Which orders are open, found by number or by the venue's id, and what they reserve."""

from hashlib import blake2b
from typing import Any, Final, final

from mypy_extensions import i64

from engine.kernel.market import Instrument
from engine.kernel.money import Money
from engine.kernel.order import CANCEL_SENT, FILLED, UNKNOWN, Order
from engine.kernel.order_bytes import pack_end, pack_order, unpack_order
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.record import NONE
from engine.kernel.register import Register
from engine.kernel.units import BUY

RETAIN_NS: Final[i64] = 3_600_000_000_000
"""Finished orders are remembered for an hour, for late and repeated notices, and longer while a fill is not settled."""
RETAIN_COUNT: Final[i64] = 65_536

_PIECE: Final[i64] = 65_536
"""Bytes that are hashed at once: they have not left the processor's caches."""


@final
class Working:
    """
    The open orders of one instrument and what they reserve: sizes, and money at their own prices.

    *merging* is what a merge of complete sets under way has taken out of the tokens that may be offered.
    """

    def __init__(self) -> None:
        self.orders: Final[list[Order]] = []
        self.buy_size: i64 = 0
        self.buys: Final[Money] = Money()
        self.sell_size: i64 = 0
        self.sells: Final[Money] = Money()
        self.merging: i64 = 0
        self.buy_moves: i64 = 0
        """How often `orders` has gained or lost a bid: what was made of them holds until then."""
        self.sell_moves: i64 = 0

    @property
    def buy_money(self) -> int:
        """The money of the open bids."""
        return self.buys.value()

    @property
    def sell_money(self) -> int:
        """The money of the open offers."""
        return self.sells.value()

    def gain(self, order: Order) -> None:
        """*order* is open."""
        self.orders.append(order)
        self._moved(order)

    def lose(self, order: Order) -> None:
        """*order* is open no more."""
        orders = self.orders
        self._moved(order)
        last: i64 = len(orders) - 1
        if orders[last] is order:
            orders.pop()
            return
        at: i64 = 0
        while orders[at] is not order:
            at += 1
        while at < last:
            orders[at] = orders[at + 1]
            at += 1
        orders.pop()

    def _moved(self, order: Order) -> None:
        if order.side == BUY:
            self.buy_moves += 1
        else:
            self.sell_moves += 1


@final
class Orders:
    """Every order that is open, and the finished ones that may still be spoken of."""

    def __init__(self) -> None:
        self._register: Final[Register] = Register()
        self.by_venue_id: Final[dict[str, Order]] = {}
        self.working: Final[list[Working]] = []
        self.open_count: i64 = 0
        self.unknown_count: i64 = 0
        self._closed: list[Order] = []
        self._forgotten: i64 = 0  # how many at the front of _closed are gone already
        self._known: list[Order] = []  # by number, and among them some that are forgotten since: see `_all_known`
        self._sorted: bool = True

    @property
    def by_number(self) -> dict[int, Order]:
        """Every order by the number of its request, made anew: for whoever looks at them all."""
        return {order.number: order for order in self._all_known()}

    @property
    def by_cancel(self) -> dict[int, Order]:
        """The orders of which a cancel was sent, by the number of that request."""
        return {number: order for number, order in self._register.all() if order.number != number}

    def instrument_added(self) -> None:
        """Make room for the next instrument's orders."""
        self.working.append(Working())

    def find(self, number: i64, venue_id: str) -> Order | None:
        """The order of request *number* (its own or its cancel's), or with 0 the one the venue calls *venue_id*."""
        if number > 0:
            return self._register.get(number)
        return self.by_venue_id.get(venue_id)

    def get(self, number: i64) -> Order:
        """The order of request *number*, which must be known."""
        order = self._register.get(number)
        assert order is not None
        assert order.number == number
        return order

    def add(self, order: Order) -> None:
        """Take a new order, not yet sent; it reserves its whole rest."""
        self._register.put(order.number, order)
        self._know(order)
        self.working[order.instrument.number].gain(order)
        self.open_count += 1
        if order.state == UNKNOWN:
            self.unknown_count += 1
        if order.venue_id:
            self.by_venue_id[order.venue_id] = order
        self.reserve(order, order.rest())

    def withdraw(self, order: Order) -> None:
        """Take back an order of which nothing was told to anyone: its group was not admitted."""
        self.reserve(order, 0)
        self.working[order.instrument.number].lose(order)
        self._register.remove(order.number)
        order.forgotten = True
        self.open_count -= 1

    def reserve(self, order: Order, size: i64) -> None:
        """*order* now reserves *size*."""
        delta = size - order.reserved
        if delta == 0:
            return
        order.reserved = size
        working = self.working[order.instrument.number]
        if order.side == BUY:
            working.buy_size += delta
            working.buys.add_product(order.price, delta)
        else:
            working.sell_size += delta
            working.sells.add_product(order.price, delta)

    def become(self, order: Order, state: i64, code: i64, now_ns: i64) -> None:
        """Move *order* to *state*: opens and closes it, keeps the count of UNKNOWN. Reservations stay as they are."""
        was_open = order.state < FILLED
        if order.state == UNKNOWN:
            self.unknown_count -= 1
        if state == UNKNOWN:
            self.unknown_count += 1
        order.state = state
        order.code = code
        is_open = state < FILLED
        if was_open and not is_open:
            self.working[order.instrument.number].lose(order)
            self.open_count -= 1
            order.closed_ns = now_ns
            self._closed.append(order)
            self._forget(now_ns)
        elif is_open and not was_open:
            self.working[order.instrument.number].gain(order)
            self.open_count += 1
            order.closed_ns = NONE
            del self._closed[self._closed.index(order, self._forgotten)]

    def name(self, order: Order, venue_id: str) -> None:
        """The venue calls *order* *venue_id*."""
        if venue_id and order.venue_id != venue_id:
            if order.venue_id:
                self.by_venue_id.pop(order.venue_id, None)
            order.venue_id = venue_id
            self.by_venue_id[venue_id] = order

    def cancel_sent(self, order: Order, number: i64, now_ns: i64) -> None:
        """A cancel of *order* was requested as request *number*."""
        if order.cancel_number > 0:
            self._register.remove(order.cancel_number)
        order.cancel = CANCEL_SENT
        order.cancel_number = number
        order.cancel_ns = now_ns
        self._register.put(number, order)

    def all_open(self) -> list[Order]:
        """Every open order, in order of its request."""
        found: list[Order] = []
        if self.open_count > 0:
            for working in self.working:
                found.extend(working.orders)
            found.sort(key=_number)
        return found

    def _forget(self, now_ns: i64) -> None:
        """
        Drop finished orders nobody will speak of again, oldest first.

        One that is still waited for (an unsettled fill, one the venue announced, a group) goes to the back of the line.
        """
        closed = self._closed
        at = self._forgotten
        count: i64 = len(closed)
        while True:  # the one just closed is young, and ends it
            order = closed[at]
            if now_ns - order.closed_ns < RETAIN_NS and count - at <= RETAIN_COUNT:
                break
            at += 1
            if order.unsettled > 0 or order.pinned or order.reserved > 0:
                closed.append(order)
                continue
            self._register.remove(order.number)
            order.forgotten = True
            if order.cancel_number > 0:
                self._register.remove(order.cancel_number)
            if order.venue_id:
                self.by_venue_id.pop(order.venue_id, None)
        self._forgotten = at
        if at > 1024 and 2 * at > count:
            del closed[:at]
            self._forgotten = 0
            self._all_known()

    def _know(self, order: Order) -> None:
        """*order* is new; requests are numbered upwards, but an opening may name older ones later."""
        known = self._known
        if known and known[-1].number > order.number:
            self._sorted = False
        known.append(order)

    def _all_known(self) -> list[Order]:
        """Every order by number, those that are forgotten dropped from the list: kept, since sorting it costs more."""
        known = self._known
        kept: i64 = 0
        for order in known:
            if not order.forgotten:
                known[kept] = order
                kept += 1
        del known[kept:]  # in place: the garbage collector would look through every new list of many
        if not self._sorted:
            known.sort(key=_number)
            self._sorted = True
        return known

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def pack(self) -> bytes:
        """The canonical bytes: orders by number, then the order in which finished ones are forgotten."""
        packer = Packer()
        self._pack(packer, None)
        return packer.finish()

    def digest(self) -> bytes:
        """BLAKE2b-256 of what `pack` gives, which is megabytes after a busy hour, and is not laid out for it."""
        packer = Packer()
        hashed = blake2b(digest_size=32)
        self._pack(packer, hashed)
        hashed.update(packer.take())
        return hashed.digest()

    def _pack(self, packer: Packer, hashed: Any) -> None:
        """Append it all to *packer*; what is there is handed to *hashed*, unless that is None, piece by piece."""
        if not self._sorted:
            self._all_known()
        known = self._known
        kept: i64 = 0
        for order in known:  # in one go with dropping the forgotten: they have left the processor's caches
            if not order.forgotten:
                known[kept] = order
                kept += 1
                pack_order(packer, order)
                if hashed is not None and packer.size() > _PIECE:
                    hashed.update(packer.take())
        del known[kept:]
        pack_end(packer)
        closed = self._closed
        at = self._forgotten
        count: i64 = len(closed)
        packer.put(count - at)
        while at < count:
            packer.put(closed[at].number)
            at += 1
        for working in self.working:
            packer.put(len(working.orders))
            for order in working.orders:
                packer.put(order.number)

    def unpack(self, data: bytes, instruments: list[Instrument]) -> None:
        """Become what `pack` wrote, over the same instruments."""
        register = self._register
        register.clear()
        self.by_venue_id.clear()
        self._known = []
        self._sorted = True
        self.working.clear()
        self.open_count = 0
        self.unknown_count = 0
        unpacker = Unpacker(data)
        orders: list[Order] = []
        while True:
            order = unpack_order(unpacker, instruments)
            if order is None:
                break
            orders.append(order)
            register.put(order.number, order)
            self._know(order)
            if order.cancel_number > 0:
                register.put(order.cancel_number, order)
            if order.venue_id:
                self.by_venue_id[order.venue_id] = order
        self._closed = [self.get(unpacker.take()) for _ in range(unpacker.take())]
        self._forgotten = 0
        for _ in instruments:
            working = Working()
            for _ in range(unpacker.take()):
                working.gain(self.get(unpacker.take()))
            self.working.append(working)
        unpacker.done()
        for order in orders:
            self.open_count += 1 if order.state < FILLED else 0
            self.unknown_count += 1 if order.state == UNKNOWN else 0
            reserved = order.reserved
            order.reserved = 0
            self.reserve(order, reserved)


def _number(order: Order) -> int:
    return order.number
