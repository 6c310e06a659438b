"""Packed inputs (`replay.packed`) back to event rows, with the symbol numbers of whoever reads them. Compiled."""

from typing import Final, final

from librt.strings import read_i64_le
from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.bulk import (
    FACT,
    FACT_AT,
    FORM,
    PLAIN,
    PLAIN_SIZE,
    PRICE_AT,
    SEVERAL,
    SIDE,
    SYMBOL,
    SYMBOL_AT,
    TRADE,
)
from engine.kernel.events import DIFF, DIFF_END, LEVEL_SET, RULE_NONE, STRIDE, TRADED, EventBatch, Symbols
from engine.kernel.lanes import Lanes
from engine.kernel.record import NONE, padded
from engine.kernel.step import Kernel
from journal.errors import Damaged
from replay.packed import (
    HEAD,
    KIND,
    KIND_AT,
    ROW_FIELD_2,
    ROW_LEVEL,
    ROW_PRICE_AT,
    ROW_SYMBOL_AT,
    ROW_TYPE,
    SIZE,
    SIZE_AT,
)

MOST_KIND: Final[i64] = 0x1000
_MOST_FACTS: Final[i64] = 1 << 24


@final
class Numbers:
    """A piece's symbol numbers as a kernel's: the texts are the same, the order in which they were met is not."""

    def __init__(self, symbols: Symbols, texts: list[str]) -> None:
        self._texts: Final[list[str]] = texts
        self.lanes: Final[Lanes] = Lanes(symbols)
        self.to: vec[i64] = vec[i64]()
        self.count: i64 = 0
        self.grow()

    def grow(self) -> None:
        """Take in the texts that came since."""
        if self.count < i64(len(self._texts)):
            self.lanes.grow(self._texts)
            self.to = self.lanes.to
            self.count = len(self.to)


def numbers_for(kernel: Kernel, symbols: dict[str, list[str]]) -> list[Numbers | None]:
    """By kind, the numbers of the kernel's symbols of that kind's venue."""
    made: dict[str, Numbers] = {}
    found: list[Numbers | None] = [None] * int(MOST_KIND)
    kind: i64 = 0x0100
    while kind < MOST_KIND:
        translator = kernel.translator(kind)
        if translator is not None:
            venue = translator.symbols.venue
            if venue not in made:
                made[venue] = Numbers(translator.symbols, symbols.get(venue, []))
            found[kind] = made[venue]
        kind += 1
    return found


def words_of(data: bytes) -> vec[i64]:
    """The words of *data*, little-endian, as many as it holds whole."""
    size = i64(len(data)) >> 3
    words = vec[i64]([0] * size)
    i: i64 = 0
    while i < size:
        words[i] = read_i64_le(data, i << 3)
        i += 1
    return words


def too_short(at: i64, end: i64) -> Damaged:
    return Damaged("", at, f"{end - at} bytes are left, fewer than the {HEAD} of an input's head")


def end_of(data: bytes, at: i64, first: i64, end: i64) -> i64:
    """Where the input at *at*, whose first word is *first*, ends. Raises Damaged if that lies behind *end*."""
    form = first & FORM
    if form == PLAIN:
        size = PLAIN_SIZE
    elif form == SEVERAL:
        facts = read_i64_le(data, at + FACT_AT)
        if not 0 < facts <= _MOST_FACTS:
            raise Damaged("", at, f"an input of {facts} facts")
        size = HEAD + facts * FACT
    else:
        size = HEAD + padded((first >> SIZE_AT) & SIZE)
    if at + size > end:
        raise Damaged("", at, f"an input of {size} bytes, where {end - at} bytes are left")
    return at + size


def symbol_of(numbers: list[Numbers | None], kind: i64, number: i64, at: i64) -> i64:
    """The kernel's number of a piece's symbol *number*."""
    known = numbers[kind]
    if known is None:
        raise Damaged("", at, f"events of kind 0x{kind:04x}, which has no symbols here")
    if number >= known.count:
        raise Damaged("", at, f"symbol {number}, where there are {known.count}")
    return known.to[number]


def fill(batch: EventBatch, numbers: list[Numbers | None], data: bytes, at: i64, first: i64) -> None:
    """Make *batch* the rows of the input at *at*, whose first word is *first* and which is not raw. Raises Damaged."""
    batch.clear()
    kind = (first >> KIND_AT) & KIND
    if first & FORM >= PLAIN:
        symbol = symbol_of(numbers, kind, (first >> SYMBOL_AT) & SYMBOL, at)
        if first & FORM == PLAIN:
            _fill_plain(batch, symbol, data, at, at + FACT_AT, at + PLAIN_SIZE)
        else:
            start = at + HEAD
            _fill_plain(batch, symbol, data, at, start, start + read_i64_le(data, at + FACT_AT) * FACT)
        return
    known = numbers[kind]
    if known is None:
        raise Damaged("", at, f"events of kind 0x{kind:04x}, which has no symbols here")
    start = at + HEAD
    _fill_rows(batch, known, data, start, start + ((first >> SIZE_AT) & SIZE))


def _fill_plain(batch: EventBatch, symbol: i64, data: bytes, at: i64, start: i64, end: i64) -> None:
    """The rows of the facts data[start:end]: the change set opens before the first level, and ends behind them all."""
    src_ns = read_i64_le(data, at + 16)
    opened = False
    fact = start
    while fact < end:
        word = read_i64_le(data, fact)
        size = read_i64_le(data, fact + 8)
        price = word >> PRICE_AT
        side = word & SIDE
        if word & TRADE != 0:
            batch.add(TRADED, symbol, price, size, side, src_ns, NONE, 0)
        else:
            if not opened:
                batch.add(DIFF, symbol, NONE, NONE, NONE, src_ns, RULE_NONE, 0)
                opened = True
            batch.add(LEVEL_SET, symbol, side, price, size, 0, 0, 0)
        fact += FACT
    if opened:
        batch.add(DIFF_END, symbol, 0, 0, 0, 0, 0, 0)


def _fill_rows(batch: EventBatch, numbers: Numbers, data: bytes, start: i64, end: i64) -> None:
    words = (end - start) >> 3
    if batch.room < words:  # at least one word a row
        batch.rows = vec[i64]([0] * (2 * words * STRIDE))
        batch.room = 2 * words
    rows = batch.rows
    at = start
    to: i64 = 0
    symbol: i64 = -1
    while at < end:
        first = read_i64_le(data, at)
        at += 8
        if first & ROW_TYPE == ROW_LEVEL:
            rows[to] = LEVEL_SET
            rows[to + 1] = symbol
            rows[to + 2] = (first >> 6) & 1
            rows[to + 3] = first >> ROW_PRICE_AT
            rows[to + 4] = read_i64_le(data, at)
            rows[to + 5] = 0
            rows[to + 6] = 0
            rows[to + 7] = 0
            at += 8
            to += STRIDE
            continue
        number = (first >> ROW_SYMBOL_AT) - 1
        if number >= numbers.count:
            raise Damaged("", at, f"symbol {number}, where there are {numbers.count}")
        symbol = -1
        if number >= 0:  # not a conditional expression: that would make a Python object of it
            symbol = numbers.to[number]
        rows[to] = first & ROW_TYPE
        rows[to + 1] = symbol
        at = _field(data, at, first & ROW_FIELD_2, rows, to + 2)
        at = _field(data, at, first & (ROW_FIELD_2 * 2), rows, to + 3)
        at = _field(data, at, first & (ROW_FIELD_2 * 4), rows, to + 4)
        at = _field(data, at, first & (ROW_FIELD_2 * 8), rows, to + 5)
        at = _field(data, at, first & (ROW_FIELD_2 * 16), rows, to + 6)
        at = _field(data, at, first & (ROW_FIELD_2 * 32), rows, to + 7)
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
