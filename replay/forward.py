"""
Reading ahead where it is simple: pieces of plain inputs of one source, in the order of their stamps. Compiled.

There the venue's time has one place in the base as ours has, and each input is looked at once. `replay.ahead` reads the
others, which may have happened in another order than they reached us.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from adapters.simulated.book import VenueBook
from adapters.simulated.resting import NO_ASK
from adapters.simulated.venue import SimulatedVenue
from engine.kernel.bulk import (
    FACT_WORD,
    FACT_WORDS,
    FORM,
    PLAIN,
    PLAIN_WORDS,
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
class Zone:
    """
    Where a fact of one instrument may concern an order of ours, in its own terms: those of its words.

    Keys are prices less *base*, negative on the side stated as 1, so that the greater is the better level on either. A
    level concerns us from *low* to *high*, and at *facing* or beyond; `xor` with *low_turn* and so on makes of these
    what holds on side 1. A trade does at *high* or below and at *facing* or above.
    """

    def __init__(self, quiet: i64) -> None:
        self._quiet: Final[i64] = quiet
        self.offset_ns: i64 = 0  # how far the clock that stamps the facts is ahead of ours
        self.market: i64 = 0
        self.base: i64 = 0  # of complements, whose prices and sides are mirrored; else 0
        self.low: i64 = NO_ASK
        self.high: i64 = -NO_ASK
        self.facing: i64 = NO_ASK
        self.low_turn: i64 = 0
        self.high_turn: i64 = 0
        self.facing_turn: i64 = 0

    def look(self, instrument: Instrument | None, venue: SimulatedVenue) -> None:
        """Be that of *instrument*: of none, and where no order of ours is, nothing concerns us."""
        self.base = 0
        self.low = NO_ASK
        self.high = -NO_ASK
        self.facing = NO_ASK
        self.low_turn = 0
        self.high_turn = 0
        self.facing_turn = 0
        if instrument is None:
            return
        watch = venue.watch(instrument.market.number)
        if watch.count == 0:
            return
        self.market = instrument.market.number
        self.low = watch.bid_low
        self.high = watch.bid_high
        self.facing = watch.ask_low
        self.low_turn = self.low ^ -watch.ask_high
        self.high_turn = self.high ^ -watch.ask_low
        self.facing_turn = self.facing ^ -watch.bid_high
        if instrument.complement:
            self.base = instrument.market.price_scale
            self.low ^= self.low_turn
            self.high ^= self.high_turn
            self.facing ^= self.facing_turn

    def meet(self, hits: Hits, src_ns: i64, word: i64, size: i64) -> None:
        """Note the fact of *word* and *size* if it concerns us."""
        price = (word >> PRICE_AT) - self.base
        if word & TRADE != 0:
            if price <= self.high or price >= self.facing:
                self.note(hits, src_ns, word, size, False)
            return
        turn = -(word & SIDE)
        best = (price ^ turn) - turn
        beyond = best - (self.facing ^ (turn & self.facing_turn))
        within = best >= self.low ^ (turn & self.low_turn) and best <= self.high ^ (turn & self.high_turn)
        if within or beyond >= 0:
            self.note(hits, src_ns, word, size, beyond < 0)

    def note(self, hits: Hits, src_ns: i64, word: i64, size: i64, quiet: bool) -> None:
        """Note the fact of *word* and *size*, which concerns us; *quiet*: it only moves orders in their queue."""
        price = word >> PRICE_AT
        what = word & (TRADE | SIDE)
        if self.base != 0:
            price = self.base - price
            what = mirrored(what)
        if quiet:
            what |= self._quiet
        hits.note(src_ns - self.offset_ns, self.market, what, price, size)


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
        self._zone: Final[Zone] = Zone(QUIET if venue.adversary is None else 0)

    def seek(self, hits: Hits, from_ns: i64, until_ns: i64) -> None:
        """Note what may concern an order of ours and happened after *from_ns*, up to *until_ns*."""
        cursor = self._cursor
        piece = self._piece
        at = self._at
        here = cursor.offset >> 3
        if self._ns > from_ns or piece < cursor.piece or (piece == cursor.piece and at < here):
            piece = cursor.piece
            at = here
        pieces = cursor.pieces
        last = i64(len(pieces)) - 1
        while piece <= last:
            loaded = pieces[piece]
            at = self._seek_in(loaded, at, hits, from_ns, until_ns)
            if at < loaded.end >> 3 or piece == last:
                break
            piece += 1
            at = 0
        self._piece = piece
        self._at = at
        self._ns = until_ns

    def _seek_in(self, loaded: Loaded, at: i64, hits: Hits, from_ns: i64, until_ns: i64) -> i64:
        """The same in one piece, from word *at* on; returns where the first stands that happened later."""
        words = loaded.words
        end = loaded.end >> 3
        if at >= end:
            return at
        zone = self._zone
        offset_ns = self._time.offset((words[at] >> SOURCE_AT) & SOURCE)
        zone.offset_ns = offset_ns
        from_ns += offset_ns  # by the source's own clock
        if until_ns != END:
            until_ns += offset_ns
        while at < end and words[at + 2] <= from_ns:
            at = _end_of(words, at, words[at])
        # By names of their own: every input of a base comes by here.
        same = _SAME
        key: i64 = -1
        base: i64 = 0
        low: i64 = 0
        high: i64 = 0
        facing: i64 = 0
        low_turn: i64 = 0
        high_turn: i64 = 0
        facing_turn: i64 = 0
        while at < end:
            src_ns = words[at + 2]
            if src_ns > until_ns:
                break
            first = words[at]
            if first & same != key:
                key = first & same
                zone.look(self._finder.plain(loaded, at << 3, first), self._venue)
                base = zone.base
                low = zone.low
                high = zone.high
                facing = zone.facing
                low_turn = zone.low_turn
                high_turn = zone.high_turn
                facing_turn = zone.facing_turn
            if first & FORM != PLAIN:
                follows = _end_of(words, at, first)
                fact = at + FACT_WORD + 1
                while fact < follows:
                    zone.meet(hits, src_ns, words[fact], words[fact + 1])
                    fact += FACT_WORDS
                at = follows
                continue
            word = words[at + FACT_WORD]
            price = (word >> PRICE_AT) - base
            if word & TRADE != 0:
                if price <= high or price >= facing:
                    zone.note(hits, src_ns, word, words[at + FACT_WORD + 1], False)
            else:
                # As `Zone.meet` has it. Sides and prices come in no order that could be foreseen: there are choices of
                # value here, and one of way.
                turn = -(word & SIDE)
                best = (price ^ turn) - turn
                behind = best - (low ^ (turn & low_turn))
                before = (high ^ (turn & high_turn)) - best
                beyond = best - (facing ^ (turn & facing_turn))
                if (behind | before) & beyond >= 0:
                    zone.note(hits, src_ns, word, words[at + FACT_WORD + 1], beyond < 0)
            at += PLAIN_WORDS
        return at

    def lay(self, book: VenueBook, market: Market, now_ns: i64) -> None:
        """Lay the levels of *market* that are on their way to us at *now_ns* over *book*."""
        cursor = self._cursor
        pieces = cursor.pieces
        last = i64(len(pieces)) - 1
        piece = cursor.piece
        at = cursor.offset >> 3
        while piece <= last:
            loaded = pieces[piece]
            at = self._lay_in(loaded, at, book, market, now_ns)
            if at < loaded.end >> 3:
                return
            piece += 1
            at = 0

    def _lay_in(self, loaded: Loaded, at: i64, book: VenueBook, market: Market, now_ns: i64) -> i64:
        """The same of one piece, from word *at* on; returns where the first stands that happened later."""
        words = loaded.words
        end = loaded.end >> 3
        if at < end:
            now_ns += self._time.offset((words[at] >> SOURCE_AT) & SOURCE)
        while at < end and words[at + 2] <= now_ns:
            first = words[at]
            follows = _end_of(words, at, first)
            instrument = self._finder.plain(loaded, at << 3, first)
            if instrument is not None and instrument.market is market:
                fact = at + FACT_WORD
                if first & FORM != PLAIN:
                    fact += 1
                while fact < follows:
                    word = words[fact]
                    if word & TRADE == 0:
                        side = word & SIDE
                        price = word >> PRICE_AT
                        if instrument.complement:
                            side = mirrored(side)
                            price = market.price_scale - price
                        book.set_level(side, price, words[fact + 1])
                    fact += FACT_WORDS
            at = follows
        return at


def _end_of(words: vec[i64], at: i64, first: i64) -> i64:
    """Where the plain input at *at*, whose first word is *first*, ends: in order, it was looked at before."""
    if first & FORM == PLAIN:
        return at + PLAIN_WORDS
    return at + FACT_WORD + 1 + words[at + FACT_WORD] * FACT_WORDS


def mirrored(what: i64) -> i64:
    """A level's side, or a trade's with the bit TRADE, as the other outcome has it; an unknown side stays."""
    if what & SIDE > 1:
        return what
    return what ^ 1
