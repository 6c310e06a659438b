"""Our fills as a run goes on, and the looks that they ask for later: mark-outs, and what unfilled orders missed."""

from heapq import heappop, heappush

from attrs import define

from engine.kernel.events import FILL_MAKER
from engine.kernel.market import Instrument
from engine.kernel.order import FLAG_MIRRORED
from engine.kernel.order import Order as KernelOrder
from replay.observe.ledger import Ledger
from replay.observe.marks import reference2
from replay.observe.orders import Known, Orders
from replay.observe.shares import Shares
from replay.observed import MARKOUTS_NS, Fill, Unfilled


@define
class Coming:
    """A fill that was reported and is about to be folded: what was so before it."""

    order: KernelOrder
    filled: int
    fees: int
    price: int
    size: int
    flags: int
    venue_ns: int
    mid2: int | None
    seq: int
    now_ns: int
    trade: str | None


@define
class Made:
    """A fill that was folded."""

    known: Known
    coming: Coming
    fee: int
    mids2: list[int | None]
    later2: int | None = None
    reversed: int | None = None

    @property
    def instrument(self) -> Instrument:
        """The token sent."""
        return self.known.order.instrument


@define
class Missed:
    """What orders of one strategy in one instrument did not trade, that were to take."""

    orders: int = 0
    size: int = 0
    missed2: int = 0


HORIZON = -1
ORDER = -2
"""What a look is for, where it is not the mark-out of that number."""


class Fills:
    """The fills of one run, in their order, and when to look for them."""

    def __init__(self, orders: Orders, ledger: Ledger, shares: Shares, horizon_ns: int) -> None:
        self.made: list[Made] = []
        self.reversed = 0
        self.horizon_ns = horizon_ns
        self._orders = orders
        self._ledger = ledger
        self._shares = shares
        self._due: list[tuple[int, int, int, Made | Known]] = []  # when, which, in what order
        self._asked = 0
        self._missed: dict[tuple[int, int], Missed] = {}
        self._by_trade: dict[tuple[int, str], Made] = {}

    # -- fills ---------------------------------------------------------------------------------------------------------

    def coming(
        self,
        order: KernelOrder,
        price: int,
        size: int,
        flags: int,
        venue_ns: int,
        trade: str | None,
        seq: int,
        now_ns: int,
    ) -> Coming:
        """The report *seq* of a fill of *order* is about to be folded; *trade* names one that may still fail."""
        number = int(order.instrument.number)
        self._ledger.open(number)
        fees = self._ledger.holding(number).fees
        mid = reference2(order.instrument)
        return Coming(order, int(order.filled), fees, price, size, flags, venue_ns, mid, seq, now_ns, trade)

    def folded(self, coming: Coming) -> None:
        """It was folded: a fill that the kernel counted is booked."""
        order = coming.order
        if int(order.filled) - coming.filled != coming.size:
            return
        instrument = order.instrument
        fee = self._ledger.holding(int(instrument.number)).fees - coming.fees
        made = Made(self._orders.of(order), coming, fee, [None] * len(MARKOUTS_NS))
        self.made.append(made)
        if coming.trade is not None:
            self._by_trade[int(order.number), coming.trade] = made
        self._book(made, 1)
        for which, after_ns in enumerate(MARKOUTS_NS):
            self._ask(coming.now_ns + after_ns, which, made)
        self._ask(coming.now_ns + self.horizon_ns, HORIZON, made)
        self._orders.moved(order, coming.seq, coming.now_ns)

    def taken_back(self, request: int, trade: str, seq: int) -> None:
        """REVERSAL *seq*: the fill *trade* of that order never happened."""
        made = self._by_trade.pop((request, trade), None)
        if made is not None:
            made.reversed = seq
            self.reversed += 1
            self._book(made, -1)

    def settled(self, request: int, trade: str) -> None:
        """The fill *trade* of that order cannot fail any more."""
        self._by_trade.pop((request, trade), None)

    def _book(self, made: Made, sign: int) -> None:
        order, coming = made.known.order, made.coming
        size = sign * coming.size
        self._ledger.fill(order.instrument, int(order.seat), int(order.side), coming.price, size, sign * made.fee)
        if coming.flags & FILL_MAKER:
            self._shares.made(int(order.instrument.market.number), int(order.seat), coming.price * size)

    # -- looks ---------------------------------------------------------------------------------------------------------

    def sent(self, known: Known, now_ns: int) -> None:
        """An order was sent: if it is to take, see at the horizon what it missed."""
        if known.meets is not None:
            self._ask(now_ns + self.horizon_ns, ORDER, known)

    def next_ns(self) -> int | None:
        """When the next look is due."""
        return self._due[0][0] if self._due else None

    def look(self, now_ns: int) -> None:
        """All that reached us by *now_ns* is folded: do what is due."""
        while self._due and self._due[0][0] <= now_ns:
            _, _, which, what = heappop(self._due)
            if isinstance(what, Known):
                self._miss(what)
            elif which == HORIZON:
                what.later2 = reference2(what.instrument)
            else:
                what.mids2[which] = reference2(what.instrument)

    def finish(self) -> None:
        """The run is over: fills whose horizon lies behind its end are seen as they are now, orders too."""
        while self._due:
            _, _, which, what = heappop(self._due)
            if isinstance(what, Known):
                self._miss(what)
            elif which == HORIZON:
                what.later2 = reference2(what.instrument)

    def _ask(self, due_ns: int, which: int, what: Made | Known) -> None:
        self._asked += 1
        heappush(self._due, (due_ns, self._asked, which, what))

    def _miss(self, known: Known) -> None:
        order, meets = known.order, known.meets
        left = int(order.rest())
        mid = reference2(order.instrument)
        if left == 0 or meets is None:
            return
        missed = self._missed.setdefault((int(order.seat), int(order.instrument.number)), Missed())
        missed.orders += 1
        missed.size += left
        if mid is not None:
            missed.missed2 += (mid - 2 * meets) * (left if known.buys else -left)

    # -- at the end ----------------------------------------------------------------------------------------------------

    def unfilled(self) -> tuple[Unfilled, ...]:
        """What was missed, by strategy and instrument."""
        return tuple(
            Unfilled(self._orders.name(seat), number, one.orders, one.size, one.missed2)
            for (seat, number), one in sorted(self._missed.items())
        )

    def fills(self) -> tuple[Fill, ...]:
        """All of them."""
        return tuple(self._fill(made) for made in self.made)

    def _fill(self, made: Made) -> Fill:
        known, coming, order = made.known, made.coming, made.known.order
        return Fill(
            seq=coming.seq,
            time_ns=coming.now_ns,
            venue_ns=coming.venue_ns,
            strategy=self._orders.name(int(order.seat)),
            instrument=int(order.instrument.number),
            order=int(order.number),
            cause=int(order.trigger),
            intent=known.intent,
            capsule=known.capsule,
            decided_ns=known.decided_ns,
            side="BUY" if known.buys else "SELL",
            price=coming.price,
            size=coming.size,
            fee=made.fee,
            maker=coming.flags & FILL_MAKER != 0,
            mirrored=order.flags & FLAG_MIRRORED != 0,
            limit=int(order.price),
            bid=known.bid,
            ask=known.ask,
            mid2=coming.mid2,
            mids2=tuple(made.mids2),
            later2=made.later2,
            ahead=known.ahead,
            reversed=made.reversed,
        )
