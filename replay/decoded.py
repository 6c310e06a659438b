"""
Events of venue inputs, packed: what a sidecar holds, and how a kernel moves past them without parsing. Compiled.

One input is a head of three words (kind, source, a flag and the bytes that follow; seq; recv_ns), then its rows or,
where rows cannot say it all (a listing, an order's texts, a frame that could not be read), the raw payload. A word is
eight bytes, little-endian. Most rows are levels: two words. Another row is one word that says which of its six fields
are not zero, and those.
"""

from typing import Final, final

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.events import LEVEL_SET, ORDER_ACKED, STRIDE, EventBatch, Symbols
from engine.kernel.record import padded
from engine.kernel.step import Kernel
from journal.errors import Damaged

HEAD: Final[i64] = 24
SPARE: Final[i64] = 64
"""Zero bytes behind the inputs of a piece, so that a broken row runs into them and not over the end."""

_KIND: Final[i64] = 0xFFFF
_RAW: Final[i64] = 1 << 32
_SIZE_AT: Final[i64] = 33

_TYPE: Final[i64] = 63
_LEVEL: Final[i64] = 63  # no event has this number: a level of the symbol of the row before, in two words
_SIDE: Final[i64] = 64
_PRICE_AT: Final[i64] = 7
_PRICE_END: Final[i64] = 1 << 55
_FIELD_2: Final[i64] = 64
_FIELD_3: Final[i64] = 128
_FIELD_4: Final[i64] = 256
_FIELD_5: Final[i64] = 512
_FIELD_6: Final[i64] = 1024
_FIELD_7: Final[i64] = 2048
_SYMBOL_AT: Final[i64] = 12
_SYMBOL_MOST: Final[i64] = 1 << 31
_MOST_KIND: Final[i64] = 0x1000


@final
class Packed:
    """Collects inputs; `take` hands out the bytes so far."""

    def __init__(self) -> None:
        self._out: Final[BytesWriter] = BytesWriter()
        self._rows: Final[BytesWriter] = BytesWriter()
        self.size: i64 = 0

    def events(self, seq: i64, recv_ns: i64, kind: i64, source: i64, batch: EventBatch) -> bool:
        """Append an input by its events; False, and nothing appended, where they cannot be said in numbers alone."""
        if batch.texts or batch.objects or not _are_numbers(batch):
            return False
        out = self._rows
        out.truncate(0)
        symbol: i64 = -2
        at: i64 = 0
        end = batch.count * STRIDE
        rows = batch.rows
        while at < end:
            price = rows[at + 3]
            short = rows[at] == LEVEL_SET and rows[at + 1] == symbol and 0 <= price < _PRICE_END
            if short and 0 <= rows[at + 2] <= 1 and (rows[at + 5] | rows[at + 6] | rows[at + 7]) == 0:
                write_i64_le(out, _LEVEL | (rows[at + 2] << 6) | (price << _PRICE_AT))
                write_i64_le(out, rows[at + 4])
            else:
                symbol = rows[at + 1]
                _put_row(out, rows, at)
            at += STRIDE
        self._put(kind | (source << 16), seq, recv_ns, out.getvalue())
        return True

    def raw(self, seq: i64, recv_ns: i64, kind: i64, source: i64, payload: bytes) -> None:
        """Append an input as it is."""
        self._put(kind | (source << 16) | _RAW, seq, recv_ns, payload)

    def take(self) -> bytes:
        """The inputs since the last call, with the spare bytes behind them."""
        data = self._out.getvalue() + b"\0" * SPARE
        self._out.truncate(0)
        self.size = 0
        return data

    def _put(self, first: i64, seq: i64, recv_ns: i64, body: bytes) -> None:
        out = self._out
        size: i64 = len(body)
        write_i64_le(out, first | (size << _SIZE_AT))
        write_i64_le(out, seq)
        write_i64_le(out, recv_ns)
        out.write(body + b"\0" * (padded(size) - size))
        self.size += HEAD + padded(size)


def _put_row(out: BytesWriter, rows: vec[i64], at: i64) -> None:
    mask: i64 = 0
    bit = _FIELD_2
    i: i64 = 2
    while i < STRIDE:
        if rows[at + i] != 0:
            mask |= bit
        bit *= 2
        i += 1
    write_i64_le(out, rows[at] | mask | ((rows[at + 1] + 1) << _SYMBOL_AT))
    i = 2
    while i < STRIDE:
        if rows[at + i] != 0:
            write_i64_le(out, rows[at + i])
        i += 1


def _are_numbers(batch: EventBatch) -> bool:
    """Whether every row is market data of a symbol that fits: rows of own orders have numbers of other meanings."""
    at: i64 = 0
    while at < batch.count * STRIDE:
        if batch.rows[at] >= ORDER_ACKED or not -1 <= batch.rows[at + 1] < _SYMBOL_MOST:
            return False
        at += STRIDE
    return True


@final
class Numbers:
    """A sidecar's symbol numbers as a kernel's: the texts are the same, the order in which they were met is not."""

    def __init__(self, symbols: Symbols, texts: list[str]) -> None:
        self.to: vec[i64] = vec[i64]([symbols.number(text) for text in texts])
        self.count: Final[i64] = len(texts)


@final
class DecodedCursor:
    """
    Walks the packed inputs of *data* (spare bytes behind them); `step` moves *kernel* past the one it stands on.

    *numbers* maps a record kind to the symbols of its venue. Raises Damaged where no input can stand.
    """

    def __init__(self, kernel: Kernel, data: bytes, numbers: dict[int, Numbers]) -> None:
        self.kernel: Final[Kernel] = kernel
        self.data: Final[bytes] = data
        self.seq: i64 = 0
        self.recv_ns: i64 = 0
        self.kind: i64 = 0
        self.source: i64 = 0
        self.raw: bool = False
        self.start: i64 = 0  # of what follows the head: rows, or a raw payload
        self.end: i64 = 0
        self._next: i64 = 0
        self._numbers: Final[list[Numbers | None]] = [numbers.get(kind) for kind in range(_MOST_KIND)]

    def next(self) -> bool:
        """Move to the next input; False at the end."""
        data = self.data
        at = self._next
        left: i64 = len(data) - SPARE - at
        if left < HEAD:
            if left == 0:
                return False
            raise Damaged("", at, f"{left} bytes are left, fewer than the 24 of an input's head")
        first = read_i64_le(data, at)
        self.kind = first & _KIND
        self.source = (first >> 16) & _KIND
        self.raw = first & _RAW != 0
        size = first >> _SIZE_AT
        self.seq = read_i64_le(data, at + 8)
        self.recv_ns = read_i64_le(data, at + 16)
        if size < 0 or padded(size) > left - HEAD:
            raise Damaged("", at, f"an input of {size} bytes, where {left - HEAD} bytes are left")
        self.start = at + HEAD
        self.end = self.start + size
        self._next = self.start + padded(size)
        return True

    def step(self, seq: i64, base_seq: i64 = 0) -> None:
        """Move the kernel past the input, as record *seq* (*base_seq* as `Kernel.step` has it, and so its errors)."""
        if self.raw:
            self.kernel.step(seq, self.recv_ns, self.kind, self.source, self.data, self.start, self.end, base_seq)
            return
        numbers = self._numbers[self.kind] if self.kind < _MOST_KIND else None
        if numbers is None:
            raise Damaged("", self.start, f"events of kind 0x{self.kind:04x}, which has no symbols here")
        self._fill(self.kernel.batch, numbers)
        self.kernel.step_decoded(seq, self.recv_ns, self.kind, self.source, base_seq)

    def _fill(self, batch: EventBatch, numbers: Numbers) -> None:
        batch.clear()
        at = self.start
        end = self.end
        words = (end - at) >> 3
        if batch.room < words:  # at least one word a row
            batch.rows = vec[i64]([0] * (2 * words * STRIDE))
            batch.room = 2 * words
        data = self.data
        rows = batch.rows
        to: i64 = 0
        symbol: i64 = -1
        while at < end:
            first = read_i64_le(data, at)
            at += 8
            if first & _TYPE == _LEVEL:
                rows[to] = LEVEL_SET
                rows[to + 1] = symbol
                rows[to + 2] = (first >> 6) & 1
                rows[to + 3] = first >> _PRICE_AT
                rows[to + 4] = read_i64_le(data, at)
                rows[to + 5] = 0
                rows[to + 6] = 0
                rows[to + 7] = 0
                at += 8
                to += STRIDE
                continue
            number = (first >> _SYMBOL_AT) - 1
            if number >= numbers.count:
                raise Damaged("", at, f"symbol {number}, where there are {numbers.count}")
            symbol = -1
            if number >= 0:  # not a conditional expression: that would make a Python object of it
                symbol = numbers.to[number]
            rows[to] = first & _TYPE
            rows[to + 1] = symbol
            at = _field(data, at, first & _FIELD_2, rows, to + 2)
            at = _field(data, at, first & _FIELD_3, rows, to + 3)
            at = _field(data, at, first & _FIELD_4, rows, to + 4)
            at = _field(data, at, first & _FIELD_5, rows, to + 5)
            at = _field(data, at, first & _FIELD_6, rows, to + 6)
            at = _field(data, at, first & _FIELD_7, rows, to + 7)
            to += STRIDE
        if at != end:
            raise Damaged("", at, "the rows of an input end within a row")
        batch.count = to >> 3


def _field(data: bytes, at: i64, present: i64, rows: vec[i64], to: i64) -> i64:
    if present == 0:
        rows[to] = 0
        return at
    rows[to] = read_i64_le(data, at)
    return at + 8


def fold_decoded(cursor: DecodedCursor, until_seq: i64) -> bool:
    """Move the cursor's kernel past all its inputs up to *until_seq*; True if there may be more behind its end."""
    while cursor.next():
        if cursor.seq > until_seq:
            return False
        cursor.step(cursor.seq)
    return True
