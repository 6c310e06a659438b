"""
The way out: every REQUEST record is written here, with the verdict and the capsule before it.

A single order leaves INTENT, VERDICT and, if it is admitted, CAPSULE and REQUEST. A group leaves all its INTENTs, then
VERDICT, CAPSULE and REQUEST for each leg, or only VERDICTs when one leg is refused. What the kernel cancels by itself
is a REQUEST alone. A market that passes from one strategy to another leaves an OWNER behind all of these, before the
cancels of what the former one had open there.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel import codes, identity, kinds
from engine.kernel.admit import Admission
from engine.kernel.arbiter import Arbiter
from engine.kernel.capsule import capsule
from engine.kernel.derived import CANCEL, PLACE
from engine.kernel.desk import Desk
from engine.kernel.events import STATUS_TRADING
from engine.kernel.intents import Wanted
from engine.kernel.market import Market
from engine.kernel.modes import ACTIVE
from engine.kernel.money import Money
from engine.kernel.order import CANCEL_NONE, CANCEL_QUEUED, CANCEL_SENT, PENDING, UNKNOWN, Order, gets_out
from engine.kernel.request import Request
from engine.kernel.risk import NOBODY

CANCEL_REPEAT_NS: Final[i64] = 1_000_000_000
"""A cancel on its way is repeated on demand, but not within a second."""

POLYMARKET: Final = "polymarket"
"""The venue whose signed orders carry a salt."""

_RECORDS_A_LEG: Final[i64] = 3


@final
class Sender:
    """Turns admitted intents into orders and requests."""

    def __init__(self, desk: Desk, admission: Admission, arbiter: Arbiter) -> None:
        self._desk: Final[Desk] = desk
        self._admission: Final[Admission] = admission
        self._arbiter: Final[Arbiter] = arbiter
        self._margin: Final[Money] = Money()

    # -- records ---------------------------------------------------------------------------------------------------

    def intent(self, wanted: Wanted) -> bytes:
        """Write the INTENT record; returns the intent's id."""
        desk = self._desk
        if desk.silent:
            desk.out.hush(kinds.INTENT)
            return b""
        intent = desk.intent_id(wanted.seat, desk.seq, wanted.ordinal)
        desk.out.emit(kinds.INTENT, 2, wanted.encode(intent, desk.dense))
        return intent

    def verdict(self, intent: bytes, code: i64, check: i64, detail: i64, margin: int) -> None:
        """Write a VERDICT record."""
        desk = self._desk
        if desk.silent:
            self._hushed(code)
            return
        money = self._margin
        money.become(margin)
        self._told(intent, code, check, detail, money)

    def _told(self, intent: bytes, code: i64, check: i64, detail: i64, margin: Money) -> None:
        desk = self._desk
        desk.digest.mix(code)
        packer = desk.dense
        packer.put_id(intent)
        packer.put(code)
        packer.put(detail)
        packer.put(check)
        packer.put_money(margin)
        desk.out.verdict(packer.take(), code)

    def _judged(self, intent: bytes) -> None:
        """Write the VERDICT that admission just reached."""
        admission = self._admission
        if self._desk.silent:
            self._hushed(admission.code)
            return
        self._told(intent, admission.code, admission.check, admission.detail, admission.margin_money)

    def _hushed(self, code: i64) -> None:
        desk = self._desk
        desk.digest.mix(code)
        desk.out.verdicts[code] += 1
        desk.out.hush(kinds.VERDICT, code)

    def blocked_by(self) -> i64:
        """The number of our own order that the last intent would have met, 0 if that was not what stopped it."""
        return self._admission.detail if self._admission.code == codes.SELF_CROSS else i64(0)

    # -- orders ----------------------------------------------------------------------------------------------------

    def place(self, wanted: Wanted, group: i64 = 0) -> Order | None:
        """Judge one order and send it if it is admitted; None if it is refused (`code` says why)."""
        former = self._owner(wanted)
        intent = self.intent(wanted)
        order = self._admission.place(wanted, self._desk.next_number() + 2, group)
        self._judged(intent)
        if order is None:
            return None
        self._send(order, intent)
        self.hand_over(order.instrument.market, former)
        return order

    def place_group(self, legs: list[Wanted], group: i64) -> list[Order]:
        """Judge the legs one upon the other; all are sent, or none: then the list is empty."""
        desk = self._desk
        admission = self._admission
        intents = [self.intent(wanted) for wanted in legs]
        first = desk.next_number()
        orders: list[Order] = []
        owners: list[int] = []
        verdicts: list[tuple[int, int, int, int]] = []
        for wanted in legs:
            admission.ahead = i64(len(orders))
            owner = self._owner(wanted)
            order = admission.place(wanted, first + _RECORDS_A_LEG * i64(len(orders)) + 2, group)
            verdicts.append((admission.code, admission.check, admission.detail, admission.margin))
            if order is None:
                break
            orders.append(order)
            owners.append(owner)
        admission.ahead = 0
        if len(orders) < len(legs):
            for at in range(len(orders) - 1, -1, -1):
                admission.withdraw(orders[at], i64(owners[at]))
            failed = len(orders)
            for at, intent in enumerate(intents):
                if at == failed:
                    code, check, detail, margin = verdicts[at]
                    self.verdict(intent, i64(code), i64(check), i64(detail), margin)
                else:
                    self.verdict(intent, codes.GROUP_FAILED, 0, failed, 0)
            return []
        for at, order in enumerate(orders):
            code, check, detail, margin = verdicts[at]
            self.verdict(intents[at], i64(code), i64(check), i64(detail), margin)
            self._send(order, intents[at])
        for at, order in enumerate(orders):
            self.hand_over(order.instrument.market, i64(owners[at]))
        return orders

    def _send(self, order: Order, intent: bytes) -> None:
        desk = self._desk
        self._admission.rate.count(desk.now_ns)
        if desk.silent:
            desk.out.hush(kinds.CAPSULE)
        else:
            desk.out.emit(kinds.CAPSULE, 2, capsule(desk, order, intent))
        number = desk.next_number()
        assert number == order.number
        self._request(number, PLACE, order, intent)
        desk.order_moved(order)

    def _request(self, number: i64, what: i64, order: Order, intent: bytes) -> None:
        desk = self._desk
        instrument = order.instrument
        listing = instrument.market.listing
        cancels = what == CANCEL
        request = Request(
            number,
            what,
            intent,
            identity.salt(intent) if listing.venue == POLYMARKET and not desk.silent else 0,
            listing.venue,
            instrument.symbol,
            instrument.number,
            order.side,
            order.price,
            listing.price_exponent,
            order.size,
            listing.size_exponent,
            order.tif,
            order.flags,
            desk.now_ns,
            order.expires_ns,
            order.number if cancels else i64(0),
            order.venue_id if cancels else "",
        )
        desk.ask(request)
        if desk.silent:
            desk.out.hush(kinds.REQUEST)
        else:
            desk.out.emit(kinds.REQUEST, 2, request.encode(desk.dense))

    def _owner(self, wanted: Wanted) -> i64:
        instrument = wanted.instrument
        return NOBODY if instrument is None else self._desk.risk.markets[instrument.market.number].owner

    def hand_over(self, market: Market, former: i64) -> None:
        """*market* belonged to *former*: say so if it belongs to another one now, and cancel what others left there."""
        desk = self._desk
        owner = desk.risk.markets[market.number].owner
        if former not in (owner, NOBODY):
            if desk.silent:
                desk.out.hush(kinds.OWNER)
            else:
                packer = desk.packer
                packer.put(market.number)
                packer.put(former)
                packer.put(owner)
                desk.emit(kinds.OWNER, packer.take())
            desk.digest.mix(owner)
        if len(desk.seats) > 1:
            for other in self._arbiter.displaced(market):
                self.cancel(other, b"")

    # -- cancels ---------------------------------------------------------------------------------------------------

    def cancel_code(self, order: Order | None) -> i64:
        """Whether cancelling *order* makes sense now: OK, NO_SUCH_ORDER, or DUP_BLOCKED while one is on its way."""
        if order is None or not order.open():
            return codes.NO_SUCH_ORDER
        if order.cancel == CANCEL_QUEUED:
            return codes.DUP_BLOCKED
        if order.cancel == CANCEL_SENT and self._desk.now_ns - order.cancel_ns < CANCEL_REPEAT_NS:
            return codes.DUP_BLOCKED
        return codes.OK

    def unrested(self, order: Order) -> i64:
        """
        By how much *order* is too young to be cancelled at a strategy's wish, as a number of ns below 0; otherwise 0.

        It is bound to rest only while all is well: its market trades on a book that may be believed, every scope of it
        is ACTIVE and no gate that concerns it is closed.
        """
        desk = self._desk
        if not desk.churn.rests:
            return 0
        spare = desk.churn.rested(order, desk.now_ns)
        market = order.instrument.market
        if spare >= 0 or market.status != STATUS_TRADING or not market.ready():
            return 0
        modes = desk.modes
        if modes.is_open():
            return spare
        venue = desk.venue(market)
        number = order.instrument.number
        calm = modes.effective(venue, market.number, number, order.seat) == ACTIVE
        if calm and modes.blocking(venue, market.number, number, order.seat, False) == codes.OK:
            return spare
        return 0

    def cancel(self, order: Order, intent: bytes, asked: bool = False) -> None:
        """
        Request a cancel, or queue it until the venue has shown us the order; nothing if one is on its way.

        Unless a strategy *asked* for it by *intent*, the kernel cancels by itself, under an id of its own.
        """
        desk = self._desk
        if self.cancel_code(order) != codes.OK:
            return
        if order.state in (PENDING, UNKNOWN):
            order.cancel = CANCEL_QUEUED
            desk.digest.mix(order.number)
            return
        if not asked:
            intent = desk.intent_id(0, desk.seq, desk.ordinal)
            desk.ordinal += 1
        number = desk.next_number()
        self._request(number, CANCEL, order, intent)
        desk.orders.cancel_sent(order, number, desk.now_ns)
        desk.churn.sent(order.seat, order.instrument.market.number, 1, desk.now_ns)
        desk.digest.mix(number)

    def cancel_all_of(self, seat: i64) -> None:
        """Cancel every open order of *seat*, which looks after them no more; an unwinding goes on."""
        for order in self._desk.orders.all_open():
            if order.seat == seat and not gets_out(order.flags):
                self.cancel(order, b"")

    def cancel_queued(self, orders: list[Order]) -> None:
        """The venue has shown us these orders, of which a cancel waits."""
        for order in orders:
            if order.open() and order.cancel == CANCEL_QUEUED:
                order.cancel = CANCEL_NONE
                self.cancel(order, b"")
