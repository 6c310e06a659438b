"""
What the venue and the executor say of our orders, folded: each fact moves the order, the position and the risk once.

Facts arrive twice, late and out of order. A fill is named by its venue trade id and its order, and counts once; one for
an order whose venue id we do not know yet waits for the acknowledgement that names it.
"""

from typing import Final, final

from mypy_extensions import i64, mypyc_attr

from engine.kernel import codes, kinds
from engine.kernel.control import Control
from engine.kernel.desk import Desk
from engine.kernel.events import (
    CANCEL_REFUSED,
    ORDER_ACKED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REFUSED,
    ORDER_REJECTED,
    ORDER_UNKNOWN,
    STRIDE,
    TRADE_STATUS,
    EventBatch,
)
from engine.kernel.fills import Fills
from engine.kernel.modes import ACCOUNT, INSTRUMENT, REDUCE_ONLY
from engine.kernel.order import (
    ABSENT,
    CANCEL_NONE,
    CANCELLED,
    EXPIRED_UNSENT,
    FILLED,
    LIVE,
    NEVER_SENT,
    PARTIAL,
    PENDING,
    REFUSED,
    REJECTED,
    RELEASED,
    UNKNOWN,
    Order,
)
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.record import NONE

MOST_HELD: Final[i64] = 256
"""Facts that wait for their order's name. More means that somebody else trades on the account."""
MOST_CANCEL_REFUSALS: Final[i64] = 3

# What an OUTCOME input says of a request: journal format, section 4.2.
OUTCOME_ACKED: Final[i64] = 1
OUTCOME_REJECTED: Final[i64] = 2
OUTCOME_REFUSED: Final[i64] = 3
OUTCOME_EXPIRED_UNSENT: Final[i64] = 4
OUTCOME_NEVER_SENT: Final[i64] = 5
OUTCOME_ABSENT: Final[i64] = 6
OUTCOME_UNKNOWN: Final[i64] = 7

_ENDINGS: Final[dict[int, int]] = {
    OUTCOME_REJECTED: REJECTED,
    OUTCOME_REFUSED: REFUSED,
    OUTCOME_EXPIRED_UNSENT: EXPIRED_UNSENT,
    OUTCOME_NEVER_SENT: NEVER_SENT,
    OUTCOME_ABSENT: ABSENT,
}


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Held:
    """One row that names an order nobody has told us of yet."""

    def __init__(self, kind: i64, venue_id: str, a: i64, b: i64, c: i64, d: i64, trade: str) -> None:
        self.kind: Final[i64] = kind
        self.venue_id: Final[str] = venue_id
        self.a: Final[i64] = a
        self.b: Final[i64] = b
        self.c: Final[i64] = c
        self.d: Final[i64] = d
        self.trade: Final[str] = trade


@final
class Executions:
    """Folds facts about own orders into the desk."""

    def __init__(self, desk: Desk, control: Control, fills: Fills) -> None:
        self._desk: Final[Desk] = desk
        self._control: Final[Control] = control
        self._fills: Final[Fills] = fills
        self._held: list[Held] = []

    # -- rows of a frame -------------------------------------------------------------------------------------------

    def fold_row(self, batch: EventBatch, row: i64) -> i64:
        """Fold one row; OK, or NO_SUCH_ORDER when it names no order of ours (it is kept until one is named)."""
        rows = batch.rows
        at = row * STRIDE
        kind = rows[at]
        number = rows[at + 1]
        if kind == ORDER_REFUSED:
            return self.outcome(number, rows[at + 2], rows[at + 3])
        if kind == ORDER_UNKNOWN:
            return self.outcome(number, OUTCOME_UNKNOWN, rows[at + 2])
        venue_id = ""
        if rows[at + 2] >= 0:
            venue_id = batch.texts[rows[at + 2]]
        order = self._desk.orders.find(number, venue_id)
        if order is None:
            return self._hold(_held(batch, at, venue_id))
        if kind == ORDER_ACKED:
            self.ack(order, venue_id)
        elif kind == ORDER_CANCELLED:
            self.cancelled(order, rows[at + 3], rows[at + 5])
        elif kind == ORDER_FILLED and rows[at + 7] < 0:
            self._fills.fill(order, rows[at + 3], rows[at + 4], rows[at + 5], rows[at + 6], "")
        elif kind == ORDER_REJECTED and number > 0 and number != order.number:
            self.cancel_refused(order, rows[at + 3])  # it was the cancel that the venue rejected
        else:
            self._apply(order, _held(batch, at, venue_id))
        return codes.OK

    def fold_words(self, kind: i64, number: i64, a: i64, b: i64, c: i64, d: i64) -> i64:
        """
        Fold a fact about the order of request *number* that needs no text: ORDER_ACKED, ORDER_CANCELLED, ORDER_FILLED.

        *a* to *d* are its row's fields 3 to 6 (`events`); OK, or NO_SUCH_ORDER.
        """
        order = self._desk.orders.find(number, "")
        if order is None:
            return codes.NO_SUCH_ORDER
        if kind == ORDER_ACKED:
            self.ack(order, "")
        elif kind == ORDER_CANCELLED:
            self.cancelled(order, a, c)
        else:
            assert kind == ORDER_FILLED
            self._fills.fill(order, a, b, c, d, "")
        return codes.OK

    def _hold(self, held: Held) -> i64:
        if held.venue_id:
            self._held.append(held)
            self._desk.digest.mix_bytes(held.venue_id.encode())
            if i64(len(self._held)) > MOST_HELD:
                del self._held[0]
                self._control.gate(codes.RECON_MISMATCH, ACCOUNT, 0, True, self._desk.now_ns)
        return codes.NO_SUCH_ORDER

    def _apply(self, order: Order, row: Held) -> None:
        kind = row.kind
        if kind == ORDER_FILLED:
            self._fills.fill(order, row.a, row.b, row.c, row.d, row.trade)
        elif kind == ORDER_ACKED:
            self.ack(order, row.venue_id)
        elif kind == ORDER_CANCELLED:
            self.cancelled(order, row.a, row.c)
        elif kind == ORDER_REJECTED:
            self._ended(order, OUTCOME_REJECTED, row.a)
        elif kind == TRADE_STATUS:
            self._fills.status(order, row.trade, row.a)
        else:
            assert kind == CANCEL_REFUSED
            self.cancel_refused(order, row.a)

    # -- facts -----------------------------------------------------------------------------------------------------

    def ack(self, order: Order, venue_id: str) -> None:
        """The venue has the order, and calls it *venue_id* (empty if the notice does not say)."""
        self._desk.orders.name(order, venue_id)
        self._fills.shown(order)
        if self._held and venue_id:
            self._release(order, venue_id)

    def _release(self, order: Order, venue_id: str) -> None:
        mine = [held for held in self._held if held.venue_id == venue_id]
        if mine:
            self._held = [held for held in self._held if held.venue_id != venue_id]
            for held in mine:
                self._apply(order, held)

    def cancelled(self, order: Order, filled: i64, reason: i64) -> None:
        """The venue ended the rest of the order; it had filled *filled* of it in all (NONE if not stated)."""
        desk = self._desk
        if order.state >= FILLED and order.state != NEVER_SENT and order.state != ABSENT:
            return
        missing: i64 = 0
        if filled != NONE and filled > order.filled:
            missing = filled - order.filled if filled <= order.size else order.rest()
        desk.orders.become(order, CANCELLED, reason, desk.now_ns)
        desk.orders.reserve(order, missing)
        self._gone(order)
        rest = order.rest() - missing
        if desk.watch is not None:
            desk.watch.ended(order, rest, desk.now_ns)
        if 0 < rest < order.instrument.market.listing.min_size and order.filled > 0:
            desk.emit_two(kinds.DUST, order.number, rest)
        desk.tell(order, ORDER_CANCELLED, 0, 0)

    def cancel_refused(self, order: Order, reason: i64) -> None:
        """The venue would not cancel: the order still counts as live."""
        if not order.open():
            return
        order.cancel = CANCEL_NONE
        order.cancel_refusals += 1
        self._desk.order_moved(order)
        if order.cancel_refusals >= MOST_CANCEL_REFUSALS:
            self._control.lower(ACCOUNT, 0, REDUCE_ONLY, codes.CANCEL_FAILED)
        self._desk.tell(order, CANCEL_REFUSED, 0, 0)

    def outcome(self, number: i64, outcome: i64, reason: i64) -> i64:
        """What became of request *number*, from the executor."""
        orders = self._desk.orders
        placed = orders.find(number, "") if number > 0 else None
        if placed is None:
            return codes.NO_SUCH_ORDER
        if placed.number != number:  # it is the number of its cancel
            if outcome != OUTCOME_ACKED and outcome != OUTCOME_UNKNOWN:
                self.cancel_refused(placed, reason)
            return codes.OK
        if outcome == OUTCOME_ACKED:
            self.ack(placed, "")
            return codes.OK
        return self._ended(placed, outcome, reason)

    def _ended(self, order: Order, outcome: i64, reason: i64) -> i64:
        desk = self._desk
        if outcome == OUTCOME_UNKNOWN:
            if order.state == PENDING:
                desk.orders.become(order, UNKNOWN, reason, desk.now_ns)
                desk.order_moved(order)
                desk.emit_two(kinds.UNKNOWN, order.number, reason)
                desk.tell(order, ORDER_UNKNOWN, 0, 0)
            return codes.OK
        state = _ENDINGS.get(outcome)
        if state is None:
            return codes.BAD_FRAME
        if not order.open():
            return codes.OK
        if order.filled > 0 or order.state == LIVE or order.state == PARTIAL:
            # The venue has shown us this order: "never arrived" contradicts it, and it keeps its reservation.
            desk.alert(codes.RECON_MISMATCH, f"request {order.number}: refused, but seen at the venue")
            self._control.gate(codes.RECON_MISMATCH, INSTRUMENT, order.instrument.number, True, desk.now_ns)
            return codes.OK
        self.end(order, i64(state), reason)
        return codes.OK

    def end(self, order: Order, state: i64, reason: i64) -> None:
        """The order is proven gone, without a trade: its reservation returns."""
        desk = self._desk
        desk.orders.become(order, state, reason, desk.now_ns)
        desk.orders.reserve(order, 0)
        self._gone(order)
        if state in (ABSENT, RELEASED):
            desk.emit_two(kinds.ABSENT, order.number, codes.OP_RELEASE if state == RELEASED else codes.OK)
        desk.tell(order, ORDER_REJECTED if state == REJECTED else ORDER_REFUSED, 0, 0)

    def _gone(self, order: Order) -> None:
        desk = self._desk
        if order.group > 0:
            self._fills.ended.append(order)
            desk.pending = True
        desk.order_moved(order)
        desk.risk.refresh(order.instrument.market.number)

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def pack(self) -> bytes:
        """The canonical bytes of the facts that wait."""
        packer = Packer()
        packer.put(len(self._held))
        for held in self._held:
            packer.put(held.kind)
            packer.put_text(held.venue_id)
            packer.put(held.a)
            packer.put(held.b)
            packer.put(held.c)
            packer.put(held.d)
            packer.put_text(held.trade)
        return packer.finish()

    def unpack(self, data: bytes) -> None:
        """Become what `pack` wrote."""
        unpacker = Unpacker(data)
        take = unpacker.take
        held: list[Held] = []
        for _ in range(take()):
            kind = take()
            venue_id = unpacker.take_text()
            a, b, c, d = take(), take(), take(), take()
            held.append(Held(kind, venue_id, a, b, c, d, unpacker.take_text()))
        unpacker.done()
        self._held = held


def _held(batch: EventBatch, at: i64, venue_id: str) -> Held:
    """The row at *at*, apart from its batch."""
    rows = batch.rows
    kind = rows[at]
    if kind == ORDER_FILLED:
        trade = batch.texts[rows[at + 7]] if rows[at + 7] >= 0 else ""
        return Held(kind, venue_id, rows[at + 3], rows[at + 4], rows[at + 5], rows[at + 6], trade)
    if kind == TRADE_STATUS:
        trade = batch.texts[rows[at + 3]] if rows[at + 3] >= 0 else ""
        return Held(kind, venue_id, rows[at + 4], rows[at + 5], 0, 0, trade)
    return Held(kind, venue_id, rows[at + 3], rows[at + 4], rows[at + 5], 0, "")
