"""
Admission: the one chokepoint every order passes, in one fixed order of checks.

     1  the intent can be read, its instrument is listed          INTENT_MALFORMED, UNKNOWN_INSTRUMENT
     2  this input was not decided on before                      DUPLICATE_INTENT
     3  the policy names the instrument, currency and tif         NOT_PERMITTED
     4  price and size are on the grid and in range               OFF_GRID, OUT_OF_BAND, SIZE_*
     5  a reduce-only intent reduces                              NOT_REDUCING
     6  the strategy owns the market (`arbiter`)                  NOT_OWNER
     7  the mode allows it                                        MODE_FORBIDS
     8  no gate stops it                                          GATE_CLOSED, `detail` names the gate's code
     9  the venue takes such orders now                           MARKET_CLOSED, VENUE_MAINT
    10  its time to live fits its time in force                   TTL_INVALID
    11  the venue's least size and notional                       SIZE_BELOW_MIN
    12  the book may be traded on and is fresh               (*)  BOOK_INVALID, STALE_DATA
    13  the price is within the policy's band                (*)  OUT_OF_BAND
    14  a taker's fee is known                               (*)  FEE_STALE
    15  a post-only order would rest                              WOULD_CROSS
    16  it meets none of our own orders, unless the policy        SELF_CROSS
        leaves that to the venue
    17  size and notional of the order                       (*)  SIZE_ABOVE_MAX
    18  open orders, orders in the last minute, messages     (*)  ORDER_RATE, ORDER_TO_TRADE
        for the fills there were (`churn`)
    19  worst case: instrument, market, event, strategy,     (*)  RISK_LIMIT
        account

Checks marked (*) are cautions about new risk: a reduction (section 1 of `fault_model.md`) passes them. `check` is the
number above, `margin` how far the order was from the limit that decided (negative: how far beyond), in that limit's
own unit; for an admitted order the tightest of the money limits. A limit that was exceeded already does not stop an
order that does not raise it.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel import codes
from engine.kernel.arbiter import Arbiter
from engine.kernel.checks import (
    CHECK_BAND,
    CHECK_BOOK,
    CHECK_FEE,
    CHECK_GATE,
    CHECK_GRID,
    CHECK_LEAST,
    CHECK_MODE,
    CHECK_ORDER,
    CHECK_OWNER,
    CHECK_PERMITTED,
    CHECK_POST_ONLY,
    CHECK_RATE,
    CHECK_READ,
    CHECK_REDUCES,
    CHECK_REPEAT,
    CHECK_RISK,
    CHECK_SELF,
    CHECK_TTL,
    CHECK_VENUE,
    Rate,
    on_grid,
    reduces,
)
from engine.kernel.desk import Desk
from engine.kernel.events import (
    STATUS_CANCEL_ONLY,
    STATUS_POST_ONLY,
    STATUS_TRADING,
)
from engine.kernel.headroom import Headroom
from engine.kernel.intents import FIELD_INSTRUMENT, FIELD_TIF, Wanted
from engine.kernel.market import Instrument, Market
from engine.kernel.modes import ACTIVE, KILL
from engine.kernel.money import Money
from engine.kernel.order import FLAG_MIRRORED, FLAG_POST_ONLY, FLAG_REDUCE_ONLY, FLAG_UNWIND, Order, gets_out
from engine.kernel.policy import TIF_FAK, TIF_FOK, TIF_GTD, Policy
from engine.kernel.record import NONE
from engine.kernel.risk import NOBODY
from engine.kernel.terms import Terms
from engine.kernel.units import BUY, SELL


@final
class Admission:
    """Judges one order at a time; the last judgement stands in `code`, `detail`, `check` and `margin`."""

    def __init__(self, desk: Desk, arbiter: Arbiter) -> None:
        self._desk: Final[Desk] = desk
        self._arbiter: Final[Arbiter] = arbiter
        self._headroom: Final[Headroom] = Headroom(desk)
        policy = desk.policy
        self._policy: Final[Policy | None] = policy
        self.rate: Final[Rate] = Rate(policy.max_orders_per_minute if policy is not None else i64(0))
        self.last_seq: i64 = 0
        """The last input whose intents were judged: ids are unique because it only grows."""
        self.ahead: i64 = 0
        """Orders of the same group that were admitted before this one and are not sent yet."""
        self.code: i64 = 0
        self.detail: i64 = 0
        self.check: i64 = 0
        self.margin_money: Final[Money] = Money()
        self._notional: Final[Money] = Money()

        self._instrument: Instrument | None = None  # as it would be sent
        self._side: i64 = BUY
        self._price: i64 = 0
        self._size: i64 = 0
        self._flags: i64 = 0
        self._reduces: bool = False

    @property
    def margin(self) -> int:
        """How far the last order was from the limit that decided."""
        return self.margin_money.value()

    def place(self, wanted: Wanted, number: i64, group: i64) -> Order | None:
        """
        The order of request *number*, reserved and counted in the risk; None if it is refused.

        The caller withdraws it if its group is not admitted, and counts it in `rate` once it is sent.
        """
        instrument = wanted.instrument
        if not self._readable(wanted) or instrument is None:
            return None
        if not self._formed(wanted, instrument, self._desk.terms[instrument.number]):
            return None
        sent = self._instrument
        assert sent is not None
        terms = self._desk.terms[sent.number]
        if not self._allowed(wanted, instrument.market):
            return None
        if not self._fits_venue(wanted, instrument.market):
            return None
        if not self._reduces and not self._prudent(wanted, instrument.market, terms):
            return None
        if not self._uncrossed(instrument.market):
            return None
        if not self._reduces and not self._modest(wanted, instrument.market, terms):
            return None
        return self._within_risk(wanted, number, group, terms)

    def _refuse(self, code: i64, check: i64, detail: i64, margin: int) -> bool:
        self.code = code
        self.check = check
        self.detail = detail
        self.margin_money.become(margin)
        return False

    # -- checks 1 to 6 ---------------------------------------------------------------------------------------------

    def _readable(self, wanted: Wanted) -> bool:
        if wanted.bad != 0:
            unlisted = wanted.bad == FIELD_INSTRUMENT
            code = codes.UNKNOWN_INSTRUMENT if unlisted else codes.INTENT_MALFORMED
            return self._refuse(code, CHECK_READ, wanted.bad, 0)
        if self._desk.seq <= self.last_seq:
            return self._refuse(codes.DUPLICATE_INTENT, CHECK_REPEAT, 0, int(self._desk.seq - self.last_seq))
        return True

    def _formed(self, wanted: Wanted, instrument: Instrument, terms: Terms) -> bool:
        rule = terms.rule
        if terms.code != codes.OK or rule is None:
            return self._refuse(codes.NOT_PERMITTED, CHECK_PERMITTED, 0, 0)
        if not rule.allows(wanted.tif):
            return self._refuse(codes.NOT_PERMITTED, CHECK_PERMITTED, FIELD_TIF, 0)
        market = instrument.market
        tick = market.tick
        if wanted.price_ticks < 1:
            return self._refuse(codes.OUT_OF_BAND, CHECK_GRID, 0, int(wanted.price_ticks) - 1)
        highest = market.whole - 1 if market.binary else market.by_tick.largest
        if wanted.price_ticks > highest:
            return self._refuse(codes.OUT_OF_BAND, CHECK_GRID, 0, int(highest - wanted.price_ticks))
        price = wanted.price_ticks * tick
        if market.listing.tick_steps and not on_grid(market, price):  # otherwise it is a whole number of ticks
            return self._refuse(codes.OFF_GRID, CHECK_GRID, 0, 0)
        most = market.by_lot.largest
        if wanted.lots > most:
            return self._refuse(codes.SIZE_ABOVE_MAX, CHECK_GRID, 0, int(most - wanted.lots))
        sent = self._form(wanted, instrument, price, wanted.lots * market.lot)
        if self._desk.terms[sent.number].code != codes.OK:
            return self._refuse(codes.NOT_PERMITTED, CHECK_PERMITTED, FIELD_INSTRUMENT, 0)
        if wanted.flags & FLAG_REDUCE_ONLY and not self._reduces:
            return self._refuse(codes.NOT_REDUCING, CHECK_REDUCES, 0, 0)
        if wanted.seat > 0 and not gets_out(wanted.flags):
            other = self._arbiter.kept_out_by(wanted.seat, market)
            if other != NOBODY:
                return self._refuse(codes.NOT_OWNER, CHECK_OWNER, other, 0)
        return True

    def _form(self, wanted: Wanted, instrument: Instrument, price: i64, size: i64) -> Instrument:
        """What would be sent: an offer without the inventory for it becomes a bid for the complement."""
        self._flags = wanted.flags
        self._size = size
        self._reduces = reduces(self._desk, instrument, wanted.side, size, wanted.flags)
        market = instrument.market
        if market.binary and wanted.side == SELL and not self._reduces and not self._in_stock(instrument, size):
            sent = self._desk.instruments[instrument.other]
            self._instrument = sent
            self._side = BUY
            self._price = market.price_scale - price
            self._flags |= FLAG_MIRRORED
            return sent
        self._instrument = instrument
        self._side = wanted.side
        self._price = price
        return instrument

    def _in_stock(self, instrument: Instrument, size: i64) -> bool:
        """
        Whether confirmed tokens cover this offer and those already open.

        What was sold is gone at once, though the venue has not confirmed it: an offer counts on it no more.
        """
        holding = self._desk.portfolio.holdings[instrument.number]
        held = holding.size if holding.size < holding.settled else holding.settled
        working = self._desk.orders.working[instrument.number]
        return held - working.sell_size - working.merging >= size

    # -- checks 7 to 11 --------------------------------------------------------------------------------------------

    def _allowed(self, wanted: Wanted, market: Market) -> bool:
        desk = self._desk
        if desk.modes.is_open():
            return True
        venue = desk.venue(market)
        sent = self._instrument
        assert sent is not None
        mode = desk.modes.effective(venue, market.number, sent.number, wanted.seat)
        stopped = mode == KILL and wanted.seat > 0 and wanted.flags & FLAG_UNWIND == 0
        if stopped or (mode != ACTIVE and not self._reduces):
            return self._refuse(codes.MODE_FORBIDS, CHECK_MODE, mode, 0)
        gate = desk.modes.blocking(venue, market.number, sent.number, wanted.seat, self._reduces)
        if gate != codes.OK:
            return self._refuse(codes.GATE_CLOSED, CHECK_GATE, gate, 0)
        return True

    def _fits_venue(self, wanted: Wanted, market: Market) -> bool:
        status = market.status
        if status != STATUS_TRADING:
            if status == STATUS_CANCEL_ONLY or (status == STATUS_POST_ONLY and not wanted.flags & FLAG_POST_ONLY):
                return self._refuse(codes.VENUE_MAINT, CHECK_VENUE, status, 0)
            if status != STATUS_POST_ONLY:
                return self._refuse(codes.MARKET_CLOSED, CHECK_VENUE, status, 0)
        at_once = wanted.tif == TIF_FOK or wanted.tif == TIF_FAK
        if at_once and wanted.flags & FLAG_POST_ONLY:
            return self._refuse(codes.NOT_PERMITTED, CHECK_PERMITTED, FIELD_TIF, 0)
        if (wanted.tif == TIF_GTD) != (wanted.ttl_ns != NONE):
            return self._refuse(codes.TTL_INVALID, CHECK_TTL, 0, 0)
        policy = self._policy
        assert policy is not None
        if wanted.ttl_ns != NONE and wanted.ttl_ns > policy.max_ttl_ns:
            return self._refuse(codes.TTL_INVALID, CHECK_TTL, 0, int(policy.max_ttl_ns - wanted.ttl_ns))
        listing = market.listing
        if self._size < listing.min_size:
            return self._refuse(codes.SIZE_BELOW_MIN, CHECK_LEAST, 0, int(self._size - listing.min_size))
        if listing.min_notional > 0:
            notional = int(self._price) * int(self._size)
            least = int(listing.min_notional) * int(10 ** int(listing.size_exponent))
            if notional < least:
                return self._refuse(codes.SIZE_BELOW_MIN, CHECK_LEAST, 1, notional - least)
        return True

    # -- checks 12 to 18 -------------------------------------------------------------------------------------------

    def _prudent(self, wanted: Wanted, market: Market, terms: Terms) -> bool:
        policy = self._policy
        assert policy is not None
        if not market.ready():
            return self._refuse(codes.BOOK_INVALID, CHECK_BOOK, 0, 0)
        if policy.max_data_age_ns > 0 and market.venue_ns != NONE:
            spare = policy.max_data_age_ns - (self._desk.now_ns - market.venue_ns)
            if spare < 0:
                return self._refuse(codes.STALE_DATA, CHECK_BOOK, 0, int(spare))
        if self._price < terms.min_price or self._price > terms.max_price:
            low = int(self._price - terms.min_price)
            high = int(terms.max_price - self._price)
            return self._refuse(codes.OUT_OF_BAND, CHECK_BAND, 0, low if low < high else high)
        if market.listing.fee_ppm == NONE and not wanted.flags & FLAG_POST_ONLY:
            return self._refuse(codes.FEE_STALE, CHECK_FEE, 0, 0)
        return True

    def _uncrossed(self, market: Market) -> bool:
        sent = self._instrument
        assert sent is not None
        tick = market.tick
        if self._flags & FLAG_POST_ONLY:
            touch = sent.best_ask() if self._side == BUY else sent.best_bid()
            if touch != NONE:
                away = touch * tick - self._price if self._side == BUY else self._price - touch * tick
                if away <= 0:
                    return self._refuse(codes.WOULD_CROSS, CHECK_POST_ONLY, 0, int(away // tick))
        policy = self._policy
        assert policy is not None
        return not policy.self_cross_refused or self._meets_none(sent, market)

    def _meets_none(self, sent: Instrument, market: Market) -> bool:
        tick = market.tick
        for order in self._desk.orders.working[sent.number].orders:
            if order.side != self._side:
                away = order.price - self._price if self._side == BUY else self._price - order.price
                if away <= 0:
                    return self._refuse(codes.SELF_CROSS, CHECK_SELF, order.number, int(away // tick))
        if sent.other == NONE:
            return True
        # Two bids that together pay one, or two offers that together take one, are matched with each other as well.
        for order in self._desk.orders.working[sent.other].orders:
            if order.side == self._side:
                away = market.price_scale - order.price - self._price
                if self._side == SELL:
                    away = -away
                if away <= 0:
                    return self._refuse(codes.SELF_CROSS, CHECK_SELF, order.number, int(away // tick))
        return True

    def _modest(self, wanted: Wanted, market: Market, terms: Terms) -> bool:
        policy = self._policy
        assert policy is not None
        notional = self._notional
        notional.clear()
        notional.add_product(self._price, self._size)
        if notional.exceeds(terms.caps.order_money):
            return self._refuse(codes.SIZE_ABOVE_MAX, CHECK_ORDER, 0, terms.caps.order - notional.value())
        spare_orders = policy.max_open_orders - self._desk.orders.open_count - 1
        if spare_orders < 0:
            return self._refuse(codes.ORDER_RATE, CHECK_RATE, 0, int(spare_orders))
        if not self.rate.room(self._desk.now_ns, self.ahead):
            return self._refuse(codes.ORDER_RATE, CHECK_RATE, 1, -1)
        churn = self._desk.churn
        if churn.counts and wanted.flags & FLAG_UNWIND == 0:
            spare = churn.room(wanted.seat, market.number, self._desk.now_ns)
            if spare < 0:
                return self._refuse(codes.ORDER_TO_TRADE, CHECK_RATE, 0, int(spare))
        return True

    # -- check 19 --------------------------------------------------------------------------------------------------

    def _within_risk(self, wanted: Wanted, number: i64, group: i64, terms: Terms) -> Order | None:
        desk = self._desk
        sent = self._instrument
        asked = wanted.instrument
        assert sent is not None
        assert asked is not None
        expires = desk.now_ns + wanted.ttl_ns if wanted.ttl_ns != NONE else NONE
        order = Order(
            number,
            wanted.seat,
            desk.seq,
            wanted.ordinal,
            sent,
            asked,
            self._side,
            self._price,
            self._size,
            wanted.tif,
            self._flags,
            expires,
            group,
            wanted.leg,
        )
        headroom = self._headroom
        passed = headroom.take(order, terms, self._reduces)
        self.code = codes.OK if passed else codes.RISK_LIMIT
        self.check = CHECK_RISK
        self.detail = headroom.limit
        self.margin_money.copy(headroom.margin)
        if not passed:
            return None
        desk.churn.sent(order.seat, sent.market.number, 1, desk.now_ns)
        return order

    def withdraw(self, order: Order, owner: i64) -> None:
        """Undo the reservation of an order that is not sent, and give its market back to *owner*."""
        self._headroom.withdraw(order, owner)
        self._desk.churn.sent(order.seat, order.instrument.market.number, -1, self._desk.now_ns)
