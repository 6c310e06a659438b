"""
The fast scanner for the four frequent frames: depthUpdate, bookTicker, trade and aggTrade, of both venues.

It reads only frames in the venue's usual spelling, of symbols that the general decoder has met before, and takes
back all it wrote when a frame turns out otherwise; so a frame it accepts has the rows the general decoder would give.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.binance.wire.fields import (
    BOOK_TICKER,
    DEPTH,
    KEY_A,
    KEY_B,
    KEY_E,
    KEY_PU,
    KEY_ST,
    KEY_T,
    KEY_U,
    TRADE,
    Fields,
    KEY_a,
    KEY_b,
    KEY_m,
    KEY_p,
    KEY_q,
    KEY_s,
    KEY_t,
    KEY_u,
    channel_name,
    mark,
    read_levels,
)
from adapters.binance.wire.names import Names
from adapters.binance.wire.terms import nanoseconds
from engine.kernel.events import DIFF, DIFF_END, RULE_PREV, RULE_SPOT, TICKER, TRADED, EventBatch, Symbols
from engine.kernel.record import NONE
from engine.kernel.scan import Scanner
from engine.kernel.units import ASK, BID, BUY, SELL


@final
class FrameScanner:
    """Reads frames of one venue into a batch; keeps nothing of a frame but the room it took."""

    def __init__(self, symbols: Symbols, futures: bool) -> None:
        self._futures: Final[bool] = futures
        self._scanner: Final[Scanner] = Scanner(b"", 0, 0)
        self._fields: Final[Fields] = Fields()
        self._names: Final[Names] = Names(symbols)
        self._symbol: i64 = -1

    def read(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> bool:
        """Whether data[start:end] was a usual frame; its rows are then in *batch*, else *batch* is empty again."""
        if self._read(data, start, end, batch):
            return True
        batch.clear()
        return False

    def _read(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> bool:
        scanner = self._scanner
        scanner.reset(data, start, end)
        self._symbol = -1
        channel: i64 = 0
        if scanner.sees(b'{"stream":"'):
            if not self._names.stream(scanner):
                return False
            channel = channel_name(scanner)
            if not scanner.ok or not scanner.skip(b',"data":{'):
                return False
        else:
            self._names.raw()
            scanner.skip(b"{")
        self._members(batch)
        if channel != 0:
            scanner.skip(b"}")
        return scanner.done() and self._symbol >= 0 and self._event(channel, batch)

    def _members(self, batch: EventBatch) -> None:
        """Read the members up to and over the closing brace; the levels go straight to the batch."""
        scanner = self._scanner
        fields = self._fields
        fields.begin()
        while True:
            key = fields.read(scanner)
            if key < 0:
                return
            if key == KEY_s:
                self._symbol = self._names.symbol(scanner)
                if self._symbol < 0:
                    break
            elif not self._levels(key, batch):
                break
            if not fields.resume(scanner):
                return
        scanner.ok = False

    def _levels(self, key: i64, batch: EventBatch) -> bool:
        """Read one side; the change set's own row is kept free before the bids, since its numbers may still follow."""
        if key == KEY_b and batch.count == 0 and self._symbol >= 0:
            batch.add(DIFF, self._symbol, 0, 0, 0, 0, 0, 0)
            return read_levels(self._scanner, batch, self._symbol, BID)
        if key == KEY_a and batch.count > 0:
            return read_levels(self._scanner, batch, self._symbol, ASK)
        return False

    def _event(self, channel: i64, batch: EventBatch) -> bool:
        fields = self._fields
        if fields.seen & mark(KEY_ST) and (fields.integers & mark(KEY_ST) == 0 or fields.values[KEY_ST] != 1):
            return False
        event = fields.event
        if event == 0 and not self._futures and fields.seen & mark(KEY_E) == 0:
            event = BOOK_TICKER  # the spot venue does not name it
        elif event == BOOK_TICKER and not self._futures:
            return False
        if channel != 0 and channel != event:
            return False
        if event == DEPTH:
            return self._diff(batch)
        if batch.count > 0:
            return False
        if event == BOOK_TICKER:
            return self._ticker(batch)
        return self._trade(batch, KEY_t if event == TRADE else KEY_a)

    def _ticker(self, batch: EventBatch) -> bool:
        fields = self._fields
        prices = mark(KEY_b) | mark(KEY_B) | mark(KEY_a) | mark(KEY_A)
        numbers = mark(KEY_u) | mark(KEY_E) if self._futures else mark(KEY_u)
        if fields.decimals & prices != prices or fields.integers & numbers != numbers:
            return False
        values = fields.values
        venue_ns = NONE
        if self._futures:
            venue_ns = nanoseconds(values[KEY_E])
            if venue_ns < 0:
                return False
        batch.add(
            TICKER,
            self._symbol,
            values[KEY_b],
            values[KEY_B],
            values[KEY_a],
            values[KEY_A],
            values[KEY_u],
            venue_ns,
        )
        return True

    def _trade(self, batch: EventBatch, id_key: i64) -> bool:
        fields = self._fields
        numbers = mark(KEY_T) | mark(KEY_E) | mark(id_key)
        prices = mark(KEY_p) | mark(KEY_q)
        if fields.integers & numbers != numbers or fields.decimals & prices != prices:
            return False
        if fields.truths & mark(KEY_m) == 0:
            return False
        values = fields.values
        venue_ns = nanoseconds(values[KEY_T])
        if values[KEY_p] <= 0 or values[KEY_q] <= 0 or venue_ns < 0:
            return False
        side = SELL if values[KEY_m] == 1 else BUY  # m: the buyer was the maker, so the seller took
        batch.add(TRADED, self._symbol, values[KEY_p], values[KEY_q], side, venue_ns, values[id_key], 0)
        return True

    def _diff(self, batch: EventBatch) -> bool:
        fields = self._fields
        numbers = mark(KEY_U) | mark(KEY_u) | mark(KEY_E)
        if self._futures:
            numbers |= mark(KEY_PU)
        both = mark(KEY_b) | mark(KEY_a)
        others = fields.integers | fields.decimals | fields.truths
        if fields.integers & numbers != numbers or fields.seen & both != both or others & both:
            return False
        values = fields.values
        venue_ns = nanoseconds(values[KEY_E])
        if values[KEY_U] > values[KEY_u] or venue_ns < 0:
            return False
        rows = batch.rows
        rows[2] = values[KEY_U]
        rows[3] = values[KEY_u]
        rows[4] = values[KEY_PU] if self._futures else NONE
        rows[5] = venue_ns
        rows[6] = RULE_PREV if self._futures else RULE_SPOT
        batch.add(DIFF_END, self._symbol, 0, 0, 0, 0, 0, 0)
        return True
