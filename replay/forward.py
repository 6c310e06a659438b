"""
Reading ahead where it is simple: pieces of plain inputs of one source, in the order of their stamps. Compiled.

There the venue's time has one place in the base as ours has, and each input is looked at once. `replay.ahead` reads the
others, which may have happened in another order than they reached us.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from adapters.simulated.book import VenueBook
from adapters.simulated.resting import NO_ASK, Watch
from adapters.simulated.venue import SimulatedVenue
from engine.kernel.bulk import (
    FACT_WORD,
    FACT_WORDS,
    FORM,
    PLAIN,
    PLAIN_WORDS,
    PRICE_AT,
    SIDE,
    SOURCE,
    SOURCE_AT,
    SYMBOL,
    SYMBOL_AT,
    TRADE,
    UNSKIPPED,
)
from engine.kernel.market import Instrument, Market
from engine.kernel.step import Kernel
from engine.kernel.units import BID
from replay.decoded import DecodedCursor, Loaded
from replay.hits import QUIET, Hits
from replay.packed import KIND, KIND_AT
from replay.rows import Numbers, symbol_of
from replay.venue_time import END, VenueTime

_SYMBOL: Final[i64] = ~0x7F80000001
"""All of word 0 but how many numbers were skipped, and whether there are several facts."""


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
        key = first & _SYMBOL  # one fact or several: it is the same instrument
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


def _nowhere() -> Watch:
    """That of a market in which no price concerns us."""
    watch = Watch()
    watch.bid_low = NO_ASK
    watch.bid_high = -NO_ASK
    watch.ask_high = -NO_ASK
    return watch


@final
class Zone:
    """
    Where a fact of one instrument may concern an order of ours: its market's `Watch`, and a sieve before that.

    The sieve is in the instrument's own terms, those of the facts' words. With bids of ours from b to B and offers from
    a to A, a level is measured by twice its price less *base*, b + A, with the sign turned for an offer: so the better
    level is the greater on either side, and our worst bid and our worst offer both are at *low*. Levels below that do
    not concern us, nor do those between *high*, the better of our best two, and -*high*, where a level reaches one of
    them from the other side. Where our orders lie unevenly, more comes through. A trade does not concern us between
    *bid* and *ask*, B and a.
    """

    def __init__(self, quiet: i64) -> None:
        self._quiet: Final[i64] = quiet
        self.offset_ns: i64 = 0  # how far the clock that stamps the facts is ahead of ours
        self._market: i64 = 0
        self._whole: i64 = 0  # of complements, whose prices and sides are mirrored; else 0
        self._nowhere: Final[Watch] = _nowhere()
        self._watch: Watch = self._nowhere
        self.base: i64 = 0
        self.low: i64 = 0
        self.high: i64 = 0
        self.bid: i64 = 0
        self.ask: i64 = 0

    def look(self, instrument: Instrument | None, venue: SimulatedVenue) -> None:
        """Be that of *instrument*: of none, and where no order of ours is, nothing concerns us."""
        watch = self._nowhere
        whole: i64 = 0
        if instrument is not None:
            own = venue.watch(instrument.market.number)
            if own.count > 0:
                watch = own
            self._market = instrument.market.number
            if instrument.complement:
                whole = instrument.market.price_scale
        self._watch = watch
        self._whole = whole
        bid = watch.bid_high
        ask = watch.ask_low
        bid_low = watch.bid_low
        ask_high = watch.ask_high
        if whole != 0:
            bid = whole - watch.ask_low
            ask = whole - watch.bid_high
            bid_low = whole - watch.ask_high
            ask_high = whole - watch.bid_low
        base = bid_low + ask_high
        high = 2 * bid - base
        if high < base - 2 * ask:
            high = base - 2 * ask
        self.base = base
        self.low = bid_low - ask_high
        self.high = high
        self.bid = bid
        self.ask = ask

    def meet(self, hits: Hits, src_ns: i64, word: i64, size: i64) -> None:
        """Note the fact of *word* and *size* if it concerns us, as quiet if it only moves orders in their queue."""
        price = word >> PRICE_AT
        what = word & (TRADE | SIDE)
        if self._whole != 0:
            price = self._whole - price
            what = mirrored(what)
        watch = self._watch
        if what & TRADE != 0:
            if price > watch.bid_high and price < watch.ask_low:
                return
        elif what & SIDE == BID:
            if price < watch.ask_low:
                if price < watch.bid_low or price > watch.bid_high:
                    return
                what |= self._quiet
        elif price > watch.bid_high:
            if price < watch.ask_low or price > watch.ask_high:
                return
            what |= self._quiet
        hits.note(src_ns - self.offset_ns, self._market, what, price, size)


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
        key: i64 = -1
        base: i64 = 0
        low: i64 = 0
        high: i64 = 0
        bid: i64 = 0
        ask: i64 = 0
        while at < end:
            src_ns = words[at + 2]
            if src_ns > until_ns:
                break
            first = words[at]
            if (first ^ key) & UNSKIPPED != 0:  # not one fact, as before, of the same symbol
                if first & _SYMBOL != key:
                    key = first & _SYMBOL
                    zone.look(self._finder.plain(loaded, at << 3, first), self._venue)
                    base = zone.base
                    low = zone.low
                    high = zone.high
                    bid = zone.bid
                    ask = zone.ask
                if first & FORM != PLAIN:
                    follows = _end_of(words, at, first)
                    fact = at + FACT_WORD + 1
                    while fact < follows:
                        zone.meet(hits, src_ns, words[fact], words[fact + 1])
                        fact += FACT_WORDS
                    at = follows
                    continue
            word = words[at + FACT_WORD]
            price = word >> PRICE_AT
            if word & TRADE != 0:
                if price <= bid or price >= ask:
                    zone.meet(hits, src_ns, word, words[at + FACT_WORD + 1])
            else:
                # Sides and prices come in no order that could be foreseen: there are choices of value here, and one of
                # way.
                turn = -(word & SIDE)
                good = ((2 * price - base) ^ turn) - turn
                if ((good - low) | (high - good)) & (good + high) >= 0:
                    zone.meet(hits, src_ns, word, words[at + FACT_WORD + 1])
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
