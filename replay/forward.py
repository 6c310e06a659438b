"""
Reading ahead where it is simple: pieces of plain inputs of one source, in the order of their stamps. Compiled.

There the venue's time has one place in the base as ours has, and each input is looked at once. `replay.ahead` reads the
others, which may have happened in another order than they reached us.
"""

from typing import Final, final

from librt.strings import read_i64_le
from mypy_extensions import i64

from adapters.simulated.book import VenueBook
from adapters.simulated.venue import SimulatedVenue
from engine.kernel.bulk import (
    FACT,
    FACT_AT,
    FORM,
    PLAIN,
    PLAIN_SIZE,
    PRICE_AT,
    SIDE,
    SKIPPED,
    SKIPPED_AT,
    SOURCE,
    SOURCE_AT,
    SYMBOL,
    SYMBOL_AT,
    TRADE,
)
from engine.kernel.market import Instrument, Market
from engine.kernel.record import NONE
from engine.kernel.step import Kernel
from replay.decoded import DecodedCursor, Loaded
from replay.hits import QUIET, Hits
from replay.packed import KIND, KIND_AT
from replay.rows import Numbers, symbol_of
from replay.venue_time import END, VenueTime

_SAME: Final[i64] = ~((SKIPPED << SKIPPED_AT) | 1)
"""Of a plain input's first word: all but how many records lie before it, and whether it holds one fact or several."""


@final
class Finder:
    """The instruments of plain inputs: the last one is remembered, since many in a row are of one."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel: Final[Kernel] = kernel
        self._key: i64 = -1
        self._numbers: list[Numbers | None] = []  # other pieces may number their symbols otherwise
        self._instrument: Instrument | None = None

    def plain(self, loaded: Loaded, at: i64, first: i64) -> Instrument | None:
        """The instrument of the plain input at *at*, whose first word is *first*; None where none is listed."""
        key = first & _SAME
        if self._key != key or self._instrument is None or self._numbers is not loaded.numbers:
            kind = (first >> KIND_AT) & KIND
            self._key = key
            self._numbers = loaded.numbers
            symbol = symbol_of(loaded.numbers, kind, (first >> SYMBOL_AT) & SYMBOL, at)
            self._instrument = self.find(kind, symbol)
        return self._instrument

    def find(self, kind: i64, symbol: i64) -> Instrument | None:
        """The instrument with the kernel's number *symbol* in inputs of *kind*; -1 is none's."""
        translator = self._kernel.translator(kind)
        if translator is None or symbol < 0:
            return None
        return self._kernel.data.listings.find(translator.symbols, symbol)


@final
class Forward:
    """Where the venue is in pieces that *cursor* holds, from its own place on."""

    def __init__(self, venue: SimulatedVenue, cursor: DecodedCursor, time: VenueTime, finder: Finder) -> None:
        self._venue: Final[SimulatedVenue] = venue
        self._cursor: Final[DecodedCursor] = cursor
        self._time: Final[VenueTime] = time
        self._finder: Final[Finder] = finder
        self._piece: i64 = 0
        self._at: i64 = 0
        self._ns: i64 = END  # what stands before this place happened until then: never, before the first seek
        self._quiet: Final[i64] = QUIET if venue.adversary is None else 0

    def seek(self, hits: Hits, from_ns: i64, until_ns: i64) -> None:
        """Note what may concern an order of ours and happened after *from_ns*, up to *until_ns*."""
        cursor = self._cursor
        piece = self._piece
        at = self._at
        if self._ns > from_ns or piece < cursor.piece or (piece == cursor.piece and at < cursor.offset):
            piece = cursor.piece
            at = cursor.offset
        pieces = cursor.pieces
        last = i64(len(pieces)) - 1
        while piece <= last:
            loaded = pieces[piece]
            at = self._seek_in(loaded, at, hits, from_ns, until_ns)
            if at < loaded.end or piece == last:
                break
            piece += 1
            at = 0
        self._piece = piece
        self._at = at
        self._ns = until_ns

    def _seek_in(self, loaded: Loaded, at: i64, hits: Hits, from_ns: i64, until_ns: i64) -> i64:
        """The same in one piece, from *at* on; returns where the first stands that happened later."""
        data = loaded.data
        end = loaded.end
        if at >= end:
            return at
        offset_ns = self._time.offset((read_i64_le(data, at) >> SOURCE_AT) & SOURCE)
        from_ns += offset_ns  # by the source's own clock
        if until_ns != END:
            until_ns += offset_ns
        while at < end and read_i64_le(data, at + 16) <= from_ns:
            at = _end_of(data, at, read_i64_le(data, at))
        key: i64 = -1
        market: i64 = -1  # where an order of ours is in it
        scale: i64 = NONE  # of complements, whose prices and sides are mirrored
        bid_low: i64 = 0  # what is watched, as keys: the greater, the better a level on its side
        bid_high: i64 = 0
        ask_low: i64 = 0
        ask_high: i64 = 0
        while at < end:
            src_ns = read_i64_le(data, at + 16)
            if src_ns > until_ns:
                break
            first = read_i64_le(data, at)
            if first & _SAME != key:
                key = first & _SAME
                market = -1
                instrument = self._finder.plain(loaded, at, first)
                if instrument is not None:
                    watch = self._venue.watch(instrument.market.number)
                    if watch.count > 0:
                        market = instrument.market.number
                        scale = instrument.market.price_scale if instrument.complement else NONE
                        bid_low = watch.bid_low
                        bid_high = watch.bid_high
                        ask_low = -watch.ask_high
                        ask_high = -watch.ask_low
            follows = at + PLAIN_SIZE
            fact = at + FACT_AT
            if first & FORM != PLAIN:
                follows = _end_of(data, at, first)
                fact += 8
            while market >= 0 and fact < follows:
                word = read_i64_le(data, fact)
                price = word >> PRICE_AT
                what = word & (TRADE | SIDE)
                if scale != NONE:
                    price = scale - price
                    what = mirrored(what)
                if what & TRADE != 0:
                    if price <= bid_high or price >= -ask_high:
                        hits.note(src_ns - offset_ns, market, what, price, read_i64_le(data, fact + 8))
                else:
                    # Sides and prices come in no order that could be foreseen: choices of value, and one of way.
                    price_key = price * (1 - 2 * what)
                    low = bid_low + what * (ask_low - bid_low)
                    high = bid_high + what * (ask_high - bid_high)
                    facing = -(ask_high + what * (bid_high - ask_high))
                    if ((price_key - low) | (high - price_key)) & (price_key - facing) >= 0:
                        if price_key < facing:
                            what |= self._quiet
                        hits.note(src_ns - offset_ns, market, what, price, read_i64_le(data, fact + 8))
                fact += FACT
            at = follows
        return at

    def lay(self, book: VenueBook, market: Market, now_ns: i64) -> None:
        """Lay the levels of *market* that are on their way to us at *now_ns* over *book*."""
        cursor = self._cursor
        pieces = cursor.pieces
        last = i64(len(pieces)) - 1
        piece = cursor.piece
        at = cursor.offset
        while piece <= last:
            loaded = pieces[piece]
            at = self._lay_in(loaded, at, book, market, now_ns)
            if at < loaded.end:
                return
            piece += 1
            at = 0

    def _lay_in(self, loaded: Loaded, at: i64, book: VenueBook, market: Market, now_ns: i64) -> i64:
        """The same of one piece, from *at* on; returns where the first stands that happened later."""
        data = loaded.data
        end = loaded.end
        if at < end:
            now_ns += self._time.offset((read_i64_le(data, at) >> SOURCE_AT) & SOURCE)
        while at < end and read_i64_le(data, at + 16) <= now_ns:
            first = read_i64_le(data, at)
            follows = _end_of(data, at, first)
            instrument = self._finder.plain(loaded, at, first)
            if instrument is not None and instrument.market is market:
                fact = at + FACT_AT
                if first & FORM != PLAIN:
                    fact += 8
                while fact < follows:
                    word = read_i64_le(data, fact)
                    if word & TRADE == 0:
                        side = word & SIDE
                        price = word >> PRICE_AT
                        if instrument.complement:
                            side = mirrored(side)
                            price = market.price_scale - price
                        book.set_level(side, price, read_i64_le(data, fact + 8))
                    fact += FACT
            at = follows
        return at


def _end_of(data: bytes, at: i64, first: i64) -> i64:
    """Where the plain input at *at*, whose first word is *first*, ends: in order, it was looked at before."""
    if first & FORM == PLAIN:
        return at + PLAIN_SIZE
    return at + FACT_AT + 8 + read_i64_le(data, at + FACT_AT) * FACT


def mirrored(what: i64) -> i64:
    """A level's side, or a trade's with the bit TRADE, as the other outcome has it; an unknown side stays."""
    if what & SIDE > 1:
        return what
    return what ^ 1
