"""The translators of hftbacktest's records: groups of rows that happened and were received together, and catalogues."""

from typing import Final, final

from librt.strings import read_f64_le, read_i64_le
from mypy_extensions import i64

from adapters.hftbacktest.wire.catalogue import list_markets
from adapters.hftbacktest.wire.terms import (
    BUY_SIDE,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EXCH_AT,
    KIND,
    LOCAL,
    PRICE_AT,
    ROW,
    SELL_SIDE,
    SIZE_AT,
    TRADE,
    VENUE,
    units,
)
from engine.kernel.codes import BAD_FRAME, BAD_NUMBER, OK, SCHEMA
from engine.kernel.events import (
    DIFF,
    DIFF_END,
    LEVEL_SET,
    RULE_NONE,
    SIDE_UNKNOWN,
    SNAPSHOT,
    SNAPSHOT_END,
    TRADED,
    EventBatch,
    Symbols,
    Translator,
)
from engine.kernel.json_text import Refused, identifier, members_of, parse, refusal
from engine.kernel.kinds import HFTBACKTEST_CATALOGUE, HFTBACKTEST_EVENTS
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BAD, BID, BUY, SELL

EVENTS_DECODER: Final = "hftbacktest/1"
CATALOGUE_DECODER: Final = "hftbacktest-catalogue/1"

_CLOSED: Final[i64] = 0
_CHANGES: Final[i64] = 1
_BOOK: Final[i64] = 2


@final
class HftbacktestEvents(Translator):
    """
    Rows of one moment of one asset, whose symbol the batch's `meta` names.

    Rows of a group that clears depth, and of one whose meta says that the book begins, state a full book. Rows that
    the client never saw, and of kinds that state no fact of ours, are counted in `ignored`.
    """

    def __init__(self, symbols: Symbols) -> None:
        super().__init__(EVENTS_DECODER, symbols)
        self._meta: bytes = b""
        self._symbol: i64 = -1
        self._begins: bool = False
        self._open: i64 = _CLOSED

    def translate(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """See `Translator.translate`."""
        if (end - start) % ROW != 0 or start == end:
            return BAD_FRAME
        if self._symbol < 0 or batch.meta != self._meta:
            try:
                self._read_meta(batch.meta)
            except Refused as error:
                return refusal(error)
        code = self._rows(data, start, end, batch)
        if code != OK:
            batch.clear()
            return code
        self.fast += 1
        return OK

    def _read_meta(self, meta: bytes) -> None:
        self._symbol = -1
        said = members_of(parse(meta, 0, len(meta)))
        symbol = identifier(said.get("symbol"))
        begins = said.get("begins", False)
        if not isinstance(begins, bool):
            raise Refused(SCHEMA, "begins is neither true nor false")
        self._symbol = self.symbols.number(symbol)
        self._begins = begins
        self._meta = meta

    def _rows(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        symbol = self._symbol
        venue_ns = read_i64_le(data, start + EXCH_AT)
        self._open = _CLOSED
        ignored: i64 = 0
        if self._begins:
            self._book(batch, symbol, venue_ns)
        at = start
        while at < end:
            flags = read_i64_le(data, at)
            kind = flags & KIND
            if flags & LOCAL == 0 or kind < DEPTH or kind > DEPTH_SNAPSHOT:
                ignored += 1
            elif kind == DEPTH_CLEAR:
                # The sides of one snapshot are cleared one after the other; only what was open before is over.
                if self._open != _BOOK or flags & (BUY_SIDE | SELL_SIDE) == 0:
                    self._book(batch, symbol, venue_ns)
            else:
                price = units(read_f64_le(data, at + PRICE_AT))
                size = units(read_f64_le(data, at + SIZE_AT))
                if price <= 0 or size == BAD:
                    return BAD_NUMBER
                side = flags & (BUY_SIDE | SELL_SIDE)
                if kind == TRADE:
                    batch.add(TRADED, symbol, price, size, _aggressor(side), venue_ns, NONE, 0)
                elif side != 0 and side != BUY_SIDE | SELL_SIDE:
                    if self._open == _CLOSED:
                        none: i64 = NONE
                        batch.add(DIFF, symbol, none, none, none, venue_ns, RULE_NONE, 0)
                        self._open = _CHANGES
                    level: i64 = ASK
                    if side == BUY_SIDE:
                        level = BID
                    batch.add(LEVEL_SET, symbol, level, price, size, 0, 0, 0)
                else:
                    return SCHEMA
            at += ROW
        self._close(batch, symbol)
        self.ignored += ignored
        return OK

    def _book(self, batch: EventBatch, symbol: i64, venue_ns: i64) -> None:
        """Begin a full book."""
        self._close(batch, symbol)
        batch.add(SNAPSHOT, symbol, NONE, venue_ns, RULE_NONE, 0, 0, 0)
        self._open = _BOOK

    def _close(self, batch: EventBatch, symbol: i64) -> None:
        if self._open == _CHANGES:
            batch.add(DIFF_END, symbol, 0, 0, 0, 0, 0, 0)
        elif self._open == _BOOK:
            batch.add(SNAPSHOT_END, symbol, 0, 0, 0, 0, 0, 0)
        self._open = _CLOSED


def _aggressor(side: i64) -> i64:
    if side == BUY_SIDE:
        return BUY
    return SELL if side == SELL_SIDE else SIDE_UNKNOWN


@final
class HftbacktestCatalogue(Translator):
    """What a person says of the assets: one LISTED row for each market."""

    def __init__(self, symbols: Symbols) -> None:
        super().__init__(CATALOGUE_DECODER, symbols)

    def translate(self, data: bytes, start: i64, end: i64, batch: EventBatch) -> i64:
        """See `Translator.translate`."""
        self.slow += 1
        try:
            list_markets(data, start, end, batch)
        except Refused as error:
            batch.clear()
            return refusal(error)
        return OK


def translators(symbols: Symbols) -> dict[int, Translator]:
    """Every translator of this venue, by the kind of record it reads."""
    assert symbols.venue == VENUE
    return {
        int(HFTBACKTEST_EVENTS): HftbacktestEvents(symbols),
        int(HFTBACKTEST_CATALOGUE): HftbacktestCatalogue(symbols),
    }
