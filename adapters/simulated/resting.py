"""Orders in the venue's book, by market, and what the driver has to watch the recorded market for."""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from engine.kernel.events import KIND_FUTURE, KIND_OPTION, KIND_PERPETUAL
from engine.kernel.market import Instrument, Market
from engine.kernel.order import FLAG_REDUCE_ONLY
from engine.kernel.policy import TIF_GTD
from engine.kernel.record import NONE
from engine.kernel.request import Request
from engine.kernel.units import BID

ON_ITS_WAY_NS: Final[i64] = 2_000_000_000
"""No fact is longer than this on its way to us: `replay.ahead` takes it as later otherwise."""

NO_BID: Final[i64] = -1
NO_ASK: Final[i64] = 0x1000000000000000
"""What a `Watch` holds for a side without orders: below, and above, every price (packed facts have 61 bits for one)."""


@final
class Watch:
    """
    The prices at which a fact of one market may concern an order of ours: those of the orders on either side.

    In price units of the first outcome. *count* is 0 where nothing concerns us. A level of the bid side matters at
    ask_low and above (it may reach our offers) and within bid_low..bid_high (it is what we queue in); the ask side
    mirrors that; a trade matters at bid_high and below and at ask_low and above.
    """

    def __init__(self) -> None:
        self.bid_low: i64 = NO_BID
        self.bid_high: i64 = NO_BID
        self.ask_low: i64 = NO_ASK
        self.ask_high: i64 = NO_ASK
        self.count: i64 = 0

    def is_level_concern(self, side: i64, price: i64) -> bool:
        """Whether a level set at *price* may reach an order of ours on the other side, or is one that we queue in."""
        if side == BID:
            return price >= self.ask_low or self.bid_low <= price <= self.bid_high
        return price <= self.bid_high or self.ask_low <= price <= self.ask_high

    def is_trade_concern(self, price: i64) -> bool:
        """Whether a trade at *price* may reach an order of ours."""
        return price <= self.bid_high or price >= self.ask_low


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Resting:
    """
    An order at the venue: its *request*, and the *side* and *price* at which it stands in the first outcome's book.

    *key* and *ordinal* are what its draws of chance are keyed by (see `draw`). A GTD order ends at `expires_ns`: the
    last whole *step_ns* not after the time that the request states.
    """

    def __init__(
        self, request: Request, instrument: Instrument, since_ns: i64, key: i64, ordinal: i64, step_ns: i64 = 1
    ) -> None:
        market = instrument.market
        self.request: Final[Request] = request
        self.number: Final[i64] = request.number
        self.market: Final[i64] = market.number
        self.since_ns: Final[i64] = since_ns
        self.key: Final[i64] = key
        self.ordinal: Final[i64] = ordinal
        side = request.side  # BUY is BID, SELL is ASK
        price = request.price
        if instrument.complement:
            side = 1 - side
            price = market.price_scale - price
        self.side: Final[i64] = side
        self.price: Final[i64] = price
        expires = NONE
        if request.tif == TIF_GTD and request.expires_ns != NONE:
            expires = request.expires_ns // step_ns * step_ns
        self.expires_ns: Final[i64] = expires
        # A flag of contracts: tokens and coins can only be sold by who holds them.
        self.reduces: Final[bool] = request.flags & FLAG_REDUCE_ONLY != 0 and is_contract(market.listing.kind)
        self.size: Final[i64] = request.size
        self.filled: i64 = 0
        self.ahead: i64 = 0  # what stands before it in its level's queue, as the queue model has it
        self.level: i64 = 0  # what the recorded level held when it was last stated, and
        self.traded: i64 = 0  # what traded there since
        self.said: i64 = 0  # draws of chance so far
        self.rivals: i64 = 0  # what an adversary has placed before it, beside the recorded level
        self.beaten: i64 = NONE  # as a taker: 1 if an adversary came before it, else 0; NONE until that is asked
        self.behind: Resting | None = None  # the next one on its side of the pit

    def left(self) -> i64:
        """What may still trade."""
        return self.size - self.filled

    def draw(self) -> i64:
        """The index of its next draw under `key`: no other order and no other draw of this one has it."""
        self.said += 1
        return (self.ordinal << 16) | (self.said & 0xFFFF)


def is_contract(kind: i64) -> bool:
    """Whether a market of *kind* (`events.KIND_*`) trades contracts, which can be owed."""
    return kind in (KIND_PERPETUAL, KIND_FUTURE, KIND_OPTION)


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Fill:
    """
    One trade of one order of ours.

    *number* counts the venue's trades from 1. *side*, *price* and *size* are the request's own: BUY or SELL of the
    instrument numbered *instrument*. *market* is its market's number.
    """

    def __init__(
        self,
        number: i64,
        request: i64,
        instrument: i64,
        market: i64,
        side: i64,
        price: i64,
        size: i64,
        maker: bool,
        venue_ns: i64,
    ) -> None:
        self.number: Final[i64] = number
        self.request: Final[i64] = request
        self.instrument: Final[i64] = instrument
        self.market: Final[i64] = market
        self.side: Final[i64] = side
        self.price: Final[i64] = price
        self.size: Final[i64] = size
        self.maker: Final[bool] = maker
        self.venue_ns: Final[i64] = venue_ns


@final
class Pit:
    """
    Our orders in one market, best price first and within a price oldest first.

    *bid* and *ask* are the first of either side; each names the one behind it. Orders come and go singly, and mostly
    one is all that a side has: a list would find room for it and give that back each time.
    """

    def __init__(self, market: Market) -> None:
        self.market: Final[Market] = market
        self.watch: Final[Watch] = Watch()
        self.bid: Resting | None = None
        self.ask: Resting | None = None
        self.snapping: bool = False  # between a snapshot's begin and end, or
        self.lost: bool = False  # before one
        self.stated: list[tuple[int, int, int]] = []  # its levels (side, price, size), until it is complete
        self.full_ns: i64 = NONE  # when the last full book was complete
        # Levels that would have met our orders while the book could not be traded on, and stand since.
        self.missed: list[tuple[int, int, int]] = []
        self.taken_low: i64 = NO_ASK  # prices at which something counts as taken, of both sides together
        self.taken_high: i64 = NO_BID

    def ready(self, vt: i64) -> bool:
        """
        Whether the book may be traded on at venue time *vt*.

        The kernel's word counts, but a full book, or a new grid, is on its way to us for a while before the kernel can
        know it.
        """
        if self.lost:
            return False
        return self.market.ready() or (self.full_ns != NONE and vt - self.full_ns <= ON_ITS_WAY_NS)

    def begin(self, ready: bool, lost: bool, vt: i64) -> None:
        """
        From *vt* on the market is watched: until now nothing that happened there was told.

        *ready*: the book is one to be traded on. *lost*: it is not, and a full book is waited for.
        """
        self.snapping = lost
        self.lost = lost
        self.stated = []
        self.missed = []
        self.full_ns = NONE
        if ready and not self.market.ready():
            self.full_ns = vt

    def first(self, side: i64) -> Resting | None:
        """Our first order on *side*."""
        return self.bid if side == BID else self.ask

    def orders(self, side: i64) -> list[Resting]:
        """Our orders on *side*, as a list of its own."""
        found: list[Resting] = []
        order = self.first(side)
        while order is not None:
            found.append(order)
            order = order.behind
        return found

    def add(self, resting: Resting) -> None:
        """Take an order behind all that have its price or a better one."""
        side = resting.side
        price = resting.price
        before: Resting | None = None
        behind = self.first(side)
        while behind is not None and (behind.price >= price if side == BID else behind.price <= price):
            before = behind
            behind = behind.behind
        resting.behind = behind
        self._follow(side, before, resting)
        self.watched()

    def remove(self, resting: Resting) -> None:
        """The order is gone."""
        side = resting.side
        before: Resting | None = None
        order = self.first(side)
        while order is not resting:
            assert order is not None
            before = order
            order = order.behind
        self._follow(side, before, resting.behind)
        resting.behind = None
        self.watched()

    def _follow(self, side: i64, before: Resting | None, order: Resting | None) -> None:
        """*order* is the one behind *before*, or the first of *side*."""
        if before is not None:
            before.behind = order
        elif side == BID:
            self.bid = order
        else:
            self.ask = order

    def find(self, number: i64) -> Resting | None:
        """The order of request *number*, if it rests here."""
        order = self.bid
        while order is not None:
            if order.number == number:
                return order
            order = order.behind
        order = self.ask
        while order is not None and order.number != number:
            order = order.behind
        return order

    def watched(self) -> None:
        """State anew what to watch for."""
        watch = self.watch
        watch.count = 0
        watch.bid_low = NO_BID
        watch.bid_high = NO_BID
        watch.ask_low = NO_ASK
        watch.ask_high = NO_ASK
        order = self.bid
        if order is not None:
            watch.bid_high = order.price
        while order is not None:
            watch.count += 1
            watch.bid_low = order.price
            order = order.behind
        order = self.ask
        if order is not None:
            watch.ask_low = order.price
        while order is not None:
            watch.count += 1
            watch.ask_high = order.price
            order = order.behind
        if self.taken_low != NO_ASK:
            # Both sides are watched over the range: a level stated again there forgets what we took of it.
            watch.count += 1
            if self.taken_low < watch.ask_low:
                watch.ask_low = self.taken_low
            if self.taken_high > watch.ask_high or self.ask is None:
                watch.ask_high = self.taken_high
            if self.taken_high > watch.bid_high:
                watch.bid_high = self.taken_high
            if self.taken_low < watch.bid_low or self.bid is None:
                watch.bid_low = self.taken_low
