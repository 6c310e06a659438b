"""
The orders of a journal's real runs, as they stood at the venue: read from what the journal has on record. Compiled.

What left stands in REQUEST records, what became of it in outcomes and private frames. Nothing is decided again, so
another build than the one that traded reads the same. The whole journal is read before anything is concluded: when an
order came to rest is then known from the venue's own notice, though that reached us later than the book it stood in.
"""

from typing import Any, Final, final

from librt.strings import read_i64_le
from mypy_extensions import i64

from engine.kernel import kinds
from engine.kernel.codes import OK
from engine.kernel.derived import PLACE
from engine.kernel.events import (
    ORDER_ACKED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REFUSED,
    ORDER_REJECTED,
    STRIDE,
    TRADE_STATUS,
    EventBatch,
    Translator,
)
from engine.kernel.executions import OUTCOME_ACKED, OUTCOME_UNKNOWN
from engine.kernel.inputs import members
from engine.kernel.json_text import Refused, members_of, parse
from engine.kernel.order import PENDING, UNKNOWN
from engine.kernel.record import CONTROL, DERIVED, NONE, VENUE_PREFIX
from engine.kernel.request import decode_request
from engine.kernel.step import translate_payload
from journal.codec import Cursor
from replay.own_placed import Change, Execution, Fact, Placed
from replay.strict import is_kept

GUARD_NS: Final[i64] = 2_000_000_000
"""How long behind the end of an order its market may still state a book that holds it."""

_OUTCOME_SIZE: Final[i64] = 24
_REPORTS: Final[i64] = 0x0F00


@final
class OwnInstrument:
    """What our orders of one instrument did to its book, in its own price and size units, by venue time."""

    def __init__(self) -> None:
        self.changes: Final[list[Change]] = []
        self.executions: Final[list[Execution]] = []
        self.guards: Final[list[tuple[int, int]]] = []  # from and until when, by our clock, an order may rest there


@final
class OwnOrders:
    """
    Reads a journal's blocks in order (`read`), then says what they held (`finish`).

    *translators* are those of private frames. Attributes after `finish`: `instruments` by key ("venue:symbol"),
    `orders` (that rested or traded), `fills`, and `uncertain`: orders of which no word came back.
    """

    def __init__(self, translators: dict[int, Translator]) -> None:
        self._translators: Final[dict[int, Translator]] = translators
        self._batch: Final[EventBatch] = EventBatch()
        self._placed: Final[list[Placed]] = []
        self._by_number: Final[dict[int, Placed]] = {}
        self._by_venue_id: Final[dict[str, Placed]] = {}
        self._cancels: Final[dict[int, Placed]] = {}
        self._facts: Final[dict[str, list[Fact]]] = {}
        self._actual: bool = False
        self.instruments: Final[dict[str, OwnInstrument]] = {}
        self.orders: i64 = 0
        self.fills: i64 = 0
        self.uncertain: i64 = 0

    def read(self, data: bytes, start: i64, end: i64) -> None:
        """Take in the records data[start:end]."""
        cursor = Cursor(data, start, end)
        while cursor.next():
            kind = cursor.kind
            if cursor.flags & CONTROL:
                continue
            if cursor.flags & DERIVED:
                if kind == kinds.REQUEST and self._actual:
                    self._request(cursor)
            elif kind == kinds.RUN_START:
                said = members(cursor.payload())
                self._actual = said.get("executor") == "venue" and said.get("base") is None
            elif kind == kinds.OPENING:
                if self._actual:
                    self._opening(members(cursor.payload()))
            elif kind == kinds.OUTCOME:
                self._outcome(cursor)
            elif 0x0100 <= kind < _REPORTS and not is_kept(kind):
                self._private(cursor)

    def finish(self) -> None:
        """All was read."""
        taking: dict[str, bool] = {}
        for placed in self._placed:
            for fact in self._facts.get(placed.venue_id, []) if placed.venue_id else []:
                placed.take(fact)
            for trade, execution in placed.executions.items():
                if not execution.maker:
                    taking[trade] = True
        for placed in self._placed:
            self._conclude(placed, taking)
        for instrument in self.instruments.values():
            instrument.changes.sort(key=_change_time)
            instrument.executions.sort(key=_execution_time)
            instrument.guards.sort()

    # -- what was asked ------------------------------------------------------------------------------------------------

    def _request(self, cursor: Cursor) -> None:
        request = decode_request(cursor.seq, cursor.schema, cursor.payload())
        if request.what == PLACE:
            key = f"{request.venue}:{request.symbol}"
            self._add(
                request.number,
                Placed(key, request.side, request.price, request.size, request.tif, cursor.recv_ns),
            )
        elif request.target > 0:
            placed = self._by_number.get(request.target)
            if placed is not None:
                self._cancels[request.number] = placed

    def _add(self, number: i64, placed: Placed) -> None:
        self._placed.append(placed)
        self._by_number[number] = placed

    def _opening(self, said: dict[str, Any]) -> None:
        """Orders left from a run before: those of this journal are known, those of another rest from the start."""
        orders: Any = said.get("orders", [])
        for one in orders:
            number, venue_id = i64(one["number"]), str(one["venue_id"])
            known = self._by_venue_id.get(venue_id) if venue_id else self._by_number.get(number)
            if known is not None and known.key == one["instrument"] and known.price == i64(one["price"]):
                continue
            rest = i64(one["size"]) - i64(one["filled"])
            placed = Placed(str(one["instrument"]), i64(one["side"]), i64(one["price"]), rest, i64(one["tif"]), 0)
            self._add(number, placed)
            self._name(placed, venue_id)
            state = i64(one["state"])
            if state != PENDING and state != UNKNOWN:
                placed.show(0, 0)

    def _name(self, placed: Placed, venue_id: str) -> None:
        if venue_id and not placed.venue_id:
            placed.venue_id = venue_id
            self._by_venue_id[venue_id] = placed

    # -- what became of it ---------------------------------------------------------------------------------------------

    def _outcome(self, cursor: Cursor) -> None:
        data = cursor.data
        start = cursor.payload_start
        if cursor.payload_end - start < _OUTCOME_SIZE:
            return
        number = read_i64_le(data, start)
        outcome = read_i64_le(data, start + 16) & 0xFFFF
        cancelled = self._cancels.get(number)
        if cancelled is not None:
            if outcome == OUTCOME_ACKED and cancelled.cancel_ns == NONE:
                cancelled.cancel_ns = cursor.recv_ns
            return
        placed = self._by_number.get(number)
        if placed is None or outcome == OUTCOME_UNKNOWN:
            return
        if outcome == OUTCOME_ACKED:
            placed.show(cursor.src_ns, cursor.recv_ns)
            self._name(placed, _named_in(data, start + _OUTCOME_SIZE, cursor.payload_end))
        else:
            placed.deny(cursor.recv_ns)

    def _private(self, cursor: Cursor) -> None:
        translator = self._translators.get(cursor.kind)
        if translator is None:
            return
        batch = self._batch
        batch.clear()
        start = cursor.payload_start
        if translate_payload(translator, cursor.kind, cursor.data, start, cursor.payload_end, batch) != OK:
            return
        at: i64 = 0
        while at < batch.count * STRIDE:
            kind = batch.rows[at]
            if kind >= ORDER_ACKED:
                self._fact(kind, at, cursor)
            at += STRIDE

    def _fact(self, kind: i64, at: i64, cursor: Cursor) -> None:
        batch = self._batch
        rows = batch.rows
        at_ns = cursor.src_ns
        trade = ""
        if kind == ORDER_ACKED:
            at_ns = rows[at + 3]
        elif kind in (ORDER_CANCELLED, ORDER_REJECTED):
            at_ns = rows[at + 4]
        elif kind == ORDER_FILLED:
            trade = batch.texts[rows[at + 7]] if rows[at + 7] >= 0 else f"#{cursor.seq}.{at}"
        elif kind == TRADE_STATUS:
            trade = batch.texts[rows[at + 3]] if rows[at + 3] >= 0 else ""
            at_ns = rows[at + 5]
        else:
            if kind == ORDER_REFUSED and rows[at + 1] in self._by_number:
                self._by_number[rows[at + 1]].deny(cursor.recv_ns)
            return
        if at_ns < 0:
            at_ns = NONE
        fact = Fact(kind, trade, rows[at + 3], rows[at + 4], rows[at + 6], at_ns, cursor.recv_ns)
        venue_id = batch.texts[rows[at + 2]] if rows[at + 2] >= 0 else ""
        placed = self._by_number.get(rows[at + 1]) if rows[at + 1] > 0 else None
        if placed is not None:
            self._name(placed, venue_id)
        if venue_id:
            self._facts.setdefault(venue_id, []).append(fact)
        elif placed is not None:
            placed.take(fact)

    # -- in the end ----------------------------------------------------------------------------------------------------

    def _conclude(self, placed: Placed, taking: dict[str, bool]) -> None:
        if not placed.shown and not placed.denied:
            self.uncertain += 1
        if placed.key not in self.instruments:
            self.instruments[placed.key] = OwnInstrument()
        instrument = self.instruments[placed.key]
        if placed.shown:
            self.orders += 1
            self.fills += len(placed.executions)
        instrument.changes.extend(placed.changes())
        for trade, execution in placed.executions.items():
            # The market tells one trade, though both of its sides be ours.
            if not execution.maker or trade not in taking:
                instrument.executions.append(execution)
        if not placed.takes:
            until_ns = placed.gone_ns
            if until_ns == NONE:
                until_ns = placed.cancel_ns
            if until_ns != NONE:
                until_ns += GUARD_NS
            instrument.guards.append((int(placed.sent_ns), int(until_ns)))


def _change_time(change: Change) -> int:
    return change.at_ns


def _execution_time(execution: Execution) -> int:
    return execution.at_ns


def _named_in(data: bytes, start: i64, end: i64) -> str:
    """What the venue calls the order that its reply, a venue input's payload data[start:end], acknowledges; or ""."""
    if end - start <= VENUE_PREFIX:
        return ""
    meta_len = (read_i64_le(data, start + 12) >> 48) & 0xFFFF
    frame = start + VENUE_PREFIX + meta_len
    if frame >= end:
        return ""
    try:
        name = members_of(parse(data, frame, end)).get("orderID")
    except Refused:
        return ""
    return name if isinstance(name, str) else ""
