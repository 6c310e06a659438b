"""
Fills and their settlement: each trade of an order moves its position and its cash once.

MATCHED is exposure, CONFIRMED is inventory: a provisional fill counts in the position and in the provisional cash layer
at once, moves to the settled layer when it is confirmed, and is taken back, explicitly, when it failed.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel import codes, kinds
from engine.kernel.control import Control
from engine.kernel.desk import Desk
from engine.kernel.events import (
    FILL_PROVISIONAL,
    ORDER_ACKED,
    ORDER_FILLED,
    TRADE_CONFIRMED,
    TRADE_FAILED,
    TRADE_MATCHED,
    TRADE_RETRYING,
    TRADE_STATUS,
)
from engine.kernel.fees import fee, stated_fee
from engine.kernel.modes import ACCOUNT, INSTRUMENT, MARKET, REDUCE_ONLY
from engine.kernel.order import CANCEL_QUEUED, CANCELLED, FILLED, LIVE, PARTIAL, PENDING, UNKNOWN, Fill, Order, gets_out
from engine.kernel.pack import Packer
from engine.kernel.record import NONE
from engine.kernel.units import SELL


@final
class Fills:
    """Folds trades of own orders, and what becomes of them, into the desk."""

    def __init__(self, desk: Desk, control: Control) -> None:
        self._desk: Final[Desk] = desk
        self._control: Final[Control] = control
        self.ended: list[Order] = []
        """Orders of groups that ended, filled or shrank by this input."""
        self.queued: list[Order] = []
        """Orders shown to be at the venue while a cancel of them waits."""

    def shown(self, order: Order) -> None:
        """The venue has shown us the order: it is live, also if it was held to be gone."""
        desk = self._desk
        state = order.state
        if state in (LIVE, PARTIAL, FILLED, CANCELLED):
            return
        desk.orders.become(order, PARTIAL if order.filled > 0 else LIVE, codes.OK, desk.now_ns)
        order.live_ns = desk.now_ns
        if order.cancel == CANCEL_QUEUED:
            self.queued.append(order)
            desk.pending = True
        if state not in (PENDING, UNKNOWN):
            # It was proven gone, and is there: the proof was wrong. It counts in full again.
            desk.orders.reserve(order, order.rest())
            desk.risk.refresh(order.instrument.market.number)
            self._control.gate(codes.RECON_MISMATCH, INSTRUMENT, order.instrument.number, True, desk.now_ns)
        desk.order_moved(order)
        desk.tell(order, ORDER_ACKED, 0, 0)

    def fill(self, order: Order, price: i64, size: i64, stated: i64, flags: i64, trade: str) -> None:
        """
        *size* of *order* traded at *price*: counted once for each (*trade*, order).

        A source without trade ids (the simulated venue) passes an empty *trade* and says each fill once.
        """
        desk = self._desk
        known = order.fills.get(trade) if order.fills is not None and trade else None
        if known is not None:
            if known.size == 0 and known.price == NONE:
                self._fill_behind_status(order, known, price, size, stated, flags)
                return
            packer = Packer()
            packer.put(order.number)
            packer.put_text(trade)
            desk.out.emit(kinds.DEDUP, 2, packer.finish())
            return
        self._count(order, price, size, stated, flags, trade)

    def _count(self, order: Order, price: i64, size: i64, stated: i64, flags: i64, trade: str) -> None:
        desk = self._desk
        if size <= 0 or order.filled + size > order.size:
            # More than we asked for: not ours to invent. Somebody has to compare.
            desk.alert(codes.RECON_MISMATCH, f"request {order.number}: a fill of {size} of {order.rest()} left")
            self._control.gate(codes.RECON_MISMATCH, INSTRUMENT, order.instrument.number, True, desk.now_ns)
            return
        listing = order.instrument.market.listing
        paid = stated_fee(listing, stated) if stated != NONE else fee(listing, price, size, flags)
        provisional = flags & FILL_PROVISIONAL != 0
        number = order.instrument.number
        desk.portfolio.fill(number, order.side, price, size, paid, provisional)
        if trade:
            if order.fills is None:
                order.fills = {}
            order.fills[trade] = Fill(trade, price, size, paid, TRADE_MATCHED if provisional else TRADE_CONFIRMED)
        if provisional:
            order.unsettled += 1
        order.filled += size
        self._stake(order, size)
        desk.churn.filled(order.seat, order.instrument.market.number, desk.now_ns)
        self.shown(order)
        orders = desk.orders
        late = order.state >= FILLED
        if order.filled == order.size:
            orders.become(order, FILLED, codes.OK, desk.now_ns)
            orders.reserve(order, 0)
        elif not late:
            orders.become(order, PARTIAL, codes.OK, desk.now_ns)
            orders.reserve(order, order.rest())
        else:
            orders.reserve(order, order.reserved - size if order.reserved > size else i64(0))
        if late:
            desk.alert(codes.LATE_FILL, f"request {order.number}")
        if order.group > 0:
            self.ended.append(order)
            desk.pending = True
        if order.instrument.market.winner != NONE:
            desk.portfolio.pay_out(order.instrument.market)
        desk.order_moved(order)
        desk.position_moved(number)
        if desk.watch is not None:
            desk.watch.filled(order, price, flags, desk.now_ns)
            if order.state == FILLED and not late:
                desk.watch.ended(order, 0, desk.now_ns)
        desk.tell(order, ORDER_FILLED, price, size)
        self._breached(order)

    def _stake(self, order: Order, size: i64) -> None:
        """Book a fill of *size* of *order* (below 0: one taken back) to whose it is."""
        desk = self._desk
        instrument = order.instrument
        if (order.side == SELL) != instrument.complement:
            size = -size
        market = instrument.market.number
        if gets_out(order.flags):
            desk.stakes[market].traded_away(order.seat, desk.risk.markets[market].owner, size)
        elif order.seat > 0:
            desk.stakes[market].traded(order.seat, size)

    def _breached(self, order: Order) -> None:
        """
        A fill that nobody had reserved for (late, or of an order held to be gone) may have carried us over a limit.

        Reaching a limit only stops what would raise it; being beyond it also lowers the mode.
        """
        desk = self._desk
        terms = desk.terms[order.instrument.number]
        if terms.code != codes.OK:
            return
        exposure = desk.risk.markets[order.instrument.market.number]
        if exposure.worst_money.exceeds(terms.caps.market_money):
            self._control.lower(MARKET, exposure.market.number, REDUCE_ONLY, codes.RISK_LIMIT)
        if exposure.account.exceeds(terms.caps.account_money):
            self._control.lower(ACCOUNT, 0, REDUCE_ONLY, codes.RISK_LIMIT)

    def _fill_behind_status(self, order: Order, known: Fill, price: i64, size: i64, stated: i64, flags: i64) -> None:
        """The trade's status came before the trade itself."""
        assert order.fills is not None
        status = known.status
        del order.fills[known.trade]
        self._count(order, price, size, stated, flags, known.trade)
        self.status(order, known.trade, status)

    # -- settlement ------------------------------------------------------------------------------------------------

    def status(self, order: Order, trade: str, status: i64) -> None:
        """The settlement of *trade* moved to *status* (`events.TRADE_*`); steps back and repeats change nothing."""
        desk = self._desk
        found = order.fills.get(trade) if order.fills is not None else None
        if found is None:
            if order.fills is None:
                order.fills = {}
            order.fills[trade] = Fill(trade, NONE, 0, 0, status)
            return
        old = found.status
        if old in (TRADE_FAILED, status) or status == TRADE_MATCHED:
            return
        if old == TRADE_CONFIRMED:
            if status == TRADE_FAILED:
                desk.alert(codes.RECON_MISMATCH, f"request {order.number}: a settled trade is said to have failed")
            return
        found.status = status
        desk.digest.mix(status)
        if found.price == NONE:
            return
        number = order.instrument.number
        if status == TRADE_CONFIRMED:
            desk.portfolio.settle(number, order.side, found.price, found.size, found.fee)
            order.unsettled -= 1
        elif status == TRADE_FAILED:
            self._reverse(order, found)
        elif status == TRADE_RETRYING:
            self._control.gate(codes.SETTLE_PENDING, INSTRUMENT, number, True, desk.now_ns)
            return
        else:
            return
        if old == TRADE_RETRYING:
            self._control.gate(codes.SETTLE_PENDING, INSTRUMENT, number, False, desk.now_ns)
        desk.position_moved(number)
        desk.tell(order, TRADE_STATUS, found.price, found.size)

    def _reverse(self, order: Order, fill: Fill) -> None:
        """A trade failed after it was matched: taken back explicitly, and the instrument waits for a look at it."""
        desk = self._desk
        number = order.instrument.number
        desk.portfolio.reverse(number, order.side, fill.price, fill.size, fill.fee)
        order.unsettled -= 1
        order.filled -= fill.size
        self._stake(order, -fill.size)
        if order.open():
            desk.orders.reserve(order, order.rest())
        if order.instrument.market.winner != NONE:
            desk.portfolio.pay_out(order.instrument.market)
        packer = Packer()
        packer.put(order.number)
        packer.put_text(fill.trade)
        packer.put(fill.price)
        packer.put(fill.size)
        packer.put_big(fill.fee)
        desk.emit(kinds.REVERSAL, packer.finish())
        desk.order_moved(order)
        self._control.gate(codes.FILL_REVERSED, INSTRUMENT, number, True, desk.now_ns)
