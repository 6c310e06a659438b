"""
Packing inputs: the layout of the decoded sidecar, and who writes it. Compiled.

A word is eight bytes, little-endian. An input begins with

    0  form (2 bits), whether it holds a SNAPSHOT (1), kind (12), source (16), and what the form says (32)
    1  recv_ns
    2  src_ns, NONE where the venue stated none

Forms. ROWS and RAW: word 0 ends with the size in bytes of what follows the fourth word, the sequence number: the event
rows, or, where rows cannot say it all (a listing, an order's texts, a frame that could not be read), the raw payload,
padded to whole words. PLAIN and SEVERAL, for an input of one plain level or trade, or of several: described in
`engine.kernel.bulk`.

Most rows are levels: two words. Another row is one word that says which of its six fields are not zero, and those.
"""

from typing import Final, final

from librt.strings import BytesWriter, write_i64_le
from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.bulk import (
    FACT,
    PLAIN,
    PLAIN_SIZE,
    PRICE_AT,
    SEVERAL,
    SIDE,
    SKIPPED,
    SKIPPED_AT,
    SOURCE_AT,
    SYMBOL,
    SYMBOL_AT,
    TRADE,
)
from engine.kernel.events import DIFF, DIFF_END, LEVEL_SET, ORDER_ACKED, RULE_NONE, SNAPSHOT, STRIDE, TRADED, EventBatch
from engine.kernel.record import NONE, padded

SPARE: Final[i64] = 64
"""Zero bytes behind the inputs of a piece, so that a broken row runs into them and not over the end."""

# Word 0. What a plain input's holds stands in `engine.kernel.bulk`.
ROWS: Final[i64] = 0
RAW: Final[i64] = 1
HOLDS_SNAPSHOT: Final[i64] = 4
KIND_AT: Final[i64] = 3
KIND: Final[i64] = 0xFFF
SIZE_AT: Final[i64] = 31
SIZE: Final[i64] = 0xFFFFFFFF

HEAD: Final[i64] = 32
"""Bytes before the rows or the payload."""
_PLAIN_PRICE_END: Final[i64] = 1 << 60
_BEFORE: Final[i64] = 0  # places in an input, as its one change set sees them
_WITHIN: Final[i64] = 1
_BEHIND: Final[i64] = 2

# The first word of a row.
ROW_TYPE: Final[i64] = 63
ROW_LEVEL: Final[i64] = 63  # no event has this number: a level of the symbol of the row before, in two words
ROW_PRICE_AT: Final[i64] = 7
ROW_FIELD_2: Final[i64] = 64
ROW_SYMBOL_AT: Final[i64] = 12
_ROW_PRICE_END: Final[i64] = 1 << 55
_ROW_SYMBOL_END: Final[i64] = 1 << 31


@final
class Lag:
    """How long inputs of one source took to reach us, by the two clocks; NONE before the first."""

    def __init__(self) -> None:
        self.least_ns: i64 = NONE
        self.most_ns: i64 = NONE  # of those that hold no SNAPSHOT, whose stamp may be its last change's

    def take(self, lag_ns: i64, snapshot: bool) -> None:
        """Count one input."""
        if self.least_ns == NONE or lag_ns < self.least_ns:
            self.least_ns = lag_ns
        if not snapshot and (self.most_ns == NONE or lag_ns > self.most_ns):
            self.most_ns = lag_ns


@final
class Packed:
    """
    Collects inputs; `take` hands out the bytes so far.

    *last_seq* is the sequence number before the first. `size` counts bytes, `lags` source numbers' lags since `take`.
    """

    def __init__(self, last_seq: i64) -> None:
        self._out: Final[BytesWriter] = BytesWriter()
        self._rows: Final[BytesWriter] = BytesWriter()
        self._last: i64 = last_seq
        self.size: i64 = 0
        self.lags: dict[int, Lag] = {}

    def events(self, seq: i64, recv_ns: i64, src_ns: i64, kind: i64, source: i64, batch: EventBatch) -> bool:
        """Append an input by its events; False, and nothing appended, where they cannot be said in numbers alone."""
        if batch.texts or batch.objects or not _are_numbers(batch):
            return False
        skipped = seq - self._last - 1
        facts = _plain_facts(batch, src_ns)
        if facts > 0 and 0 <= skipped <= SKIPPED:
            first = (kind << KIND_AT) | (source << SOURCE_AT) | (skipped << SKIPPED_AT) | (batch.rows[1] << SYMBOL_AT)
            self._plain(facts, first, recv_ns, src_ns, batch)
            self._passed(seq, recv_ns, src_ns, source, False)
            return True
        out = self._rows
        out.truncate(0)
        symbol: i64 = -2
        at: i64 = 0
        end = batch.count * STRIDE
        rows = batch.rows
        snapshot = False
        while at < end:
            price = rows[at + 3]
            short = rows[at] == LEVEL_SET and rows[at + 1] == symbol and 0 <= price < _ROW_PRICE_END
            if short and 0 <= rows[at + 2] <= 1 and (rows[at + 5] | rows[at + 6] | rows[at + 7]) == 0:
                write_i64_le(out, ROW_LEVEL | (rows[at + 2] << 6) | (price << ROW_PRICE_AT))
                write_i64_le(out, rows[at + 4])
            else:
                symbol = rows[at + 1]
                snapshot = snapshot or rows[at] == SNAPSHOT
                _put_row(out, rows, at)
            at += STRIDE
        self._put(ROWS | HOLDS_SNAPSHOT if snapshot else ROWS, seq, recv_ns, src_ns, kind, source, out.getvalue())
        self._passed(seq, recv_ns, src_ns, source, snapshot)
        return True

    def raw(self, seq: i64, recv_ns: i64, src_ns: i64, kind: i64, source: i64, payload: bytes) -> None:
        """Append an input as it is."""
        self._put(RAW, seq, recv_ns, src_ns, kind, source, payload)
        self._passed(seq, recv_ns, src_ns, source, False)

    def take(self, last_seq: i64) -> bytes:
        """The inputs since the last call, with the spare bytes behind them; the next ones come after *last_seq*."""
        data = self._out.getvalue() + b"\0" * SPARE
        self._out.truncate(0)
        self.size = 0
        self.lags = {}
        self._last = last_seq
        return data

    def _plain(self, facts: i64, first: i64, recv_ns: i64, src_ns: i64, batch: EventBatch) -> None:
        """Append the input in the form PLAIN or SEVERAL, whose first word, less the form, is *first*."""
        out = self._out
        form = PLAIN if facts == 1 else SEVERAL
        write_i64_le(out, form | first)
        write_i64_le(out, recv_ns)
        write_i64_le(out, src_ns)
        if facts > 1:
            write_i64_le(out, facts)
        rows = batch.rows
        at: i64 = 0
        end = batch.count * STRIDE
        while at < end:
            if rows[at] == LEVEL_SET:
                write_i64_le(out, (rows[at + 3] << PRICE_AT) | rows[at + 2])
                write_i64_le(out, rows[at + 4])
            elif rows[at] == TRADED:
                write_i64_le(out, (rows[at + 2] << PRICE_AT) | TRADE | rows[at + 4])
                write_i64_le(out, rows[at + 3])
            at += STRIDE
        self.size += PLAIN_SIZE if facts == 1 else HEAD + facts * FACT

    def _put(self, form: i64, seq: i64, recv_ns: i64, src_ns: i64, kind: i64, source: i64, body: bytes) -> None:
        out = self._out
        size: i64 = len(body)
        write_i64_le(out, form | (kind << KIND_AT) | (source << SOURCE_AT) | (size << SIZE_AT))
        write_i64_le(out, recv_ns)
        write_i64_le(out, src_ns)
        write_i64_le(out, seq)
        out.write(body + b"\0" * (padded(size) - size))
        self.size += HEAD + padded(size)

    def _passed(self, seq: i64, recv_ns: i64, src_ns: i64, source: i64, snapshot: bool) -> None:
        self._last = seq
        if src_ns < 0:  # NONE, or nothing that could be a time
            return
        lag = self.lags.get(source)
        if lag is None:
            lag = Lag()
            self.lags[source] = lag
        lag.take(recv_ns - src_ns, snapshot)


def _plain_facts(batch: EventBatch, src_ns: i64) -> i64:
    """How many levels and trades the rows are, if they are nothing else and about one symbol; else 0."""
    rows = batch.rows
    symbol = rows[1]
    facts: i64 = 0
    changes = _BEFORE
    at: i64 = 0
    end = batch.count * STRIDE
    while at < end:
        kind = rows[at]
        fits = False
        if kind == LEVEL_SET:
            fits = changes == _WITHIN and _is_plain_level(rows, at)
            facts += 1
        elif kind == TRADED:
            fits = changes != _BEHIND and _is_plain_trade(rows, at, src_ns)
            facts += 1
        elif kind == DIFF:
            follows = at + STRIDE
            fits = changes == _BEFORE and _is_plain_diff(rows, at, src_ns)
            fits = fits and follows < end and rows[follows] == LEVEL_SET
            changes = _WITHIN
        elif kind == DIFF_END:
            fits = changes == _WITHIN and _has_no_fields(rows, at)
            changes = _BEHIND
        if not fits or rows[at + 1] != symbol:
            return 0
        at += STRIDE
    if changes == _WITHIN or not 0 <= symbol <= SYMBOL:
        return 0
    return facts


def _is_plain_diff(rows: vec[i64], at: i64, src_ns: i64) -> bool:
    unnumbered = rows[at + 2] == NONE and rows[at + 3] == NONE and rows[at + 4] == NONE
    return unnumbered and rows[at + 5] == src_ns and rows[at + 6] == RULE_NONE and rows[at + 7] == 0


def _has_no_fields(rows: vec[i64], at: i64) -> bool:
    return (rows[at + 2] | rows[at + 3] | rows[at + 4] | rows[at + 5] | rows[at + 6] | rows[at + 7]) == 0


def _is_plain_level(rows: vec[i64], at: i64) -> bool:
    spelt_short = (rows[at + 5] | rows[at + 6] | rows[at + 7]) == 0
    return spelt_short and 0 <= rows[at + 2] <= 1 and -_PLAIN_PRICE_END <= rows[at + 3] < _PLAIN_PRICE_END


def _is_plain_trade(rows: vec[i64], at: i64, src_ns: i64) -> bool:
    unnumbered = rows[at + 5] == src_ns and rows[at + 6] == NONE and rows[at + 7] == 0
    return unnumbered and 0 <= rows[at + 4] <= SIDE and -_PLAIN_PRICE_END <= rows[at + 2] < _PLAIN_PRICE_END


def _put_row(out: BytesWriter, rows: vec[i64], at: i64) -> None:
    mask: i64 = 0
    bit = ROW_FIELD_2
    i: i64 = 2
    while i < STRIDE:
        if rows[at + i] != 0:
            mask |= bit
        bit *= 2
        i += 1
    write_i64_le(out, rows[at] | mask | ((rows[at + 1] + 1) << ROW_SYMBOL_AT))
    i = 2
    while i < STRIDE:
        if rows[at + i] != 0:
            write_i64_le(out, rows[at + i])
        i += 1


def _are_numbers(batch: EventBatch) -> bool:
    """Whether every row is market data of a symbol that fits: rows of own orders have numbers of other meanings."""
    at: i64 = 0
    while at < batch.count * STRIDE:
        if batch.rows[at] >= ORDER_ACKED or not -1 <= batch.rows[at + 1] < _ROW_SYMBOL_END:
            return False
        at += STRIDE
    return True
