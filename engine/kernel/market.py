"""
Instruments and the markets that own their books.

A market owns one book. A binary market has two instruments on it: the first outcome's price is the book's, the second's
is its complement, so that a bid for one is an offer of the other. Everything here comes from catalogue inputs.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.book import MOVES, Book
from engine.kernel.chain import Chain
from engine.kernel.divisor import Divisor
from engine.kernel.events import KIND_BINARY, Listing
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID, decimal_text, spelled

# Why a market is being looked at again: bits of a wake.
WAKE_TOUCH: Final[i64] = 1
WAKE_TRADE: Final[i64] = 2
WAKE_ORDER: Final[i64] = 4
WAKE_TIMER: Final[i64] = 8
WAKE_BOOK: Final[i64] = 16  # became valid or invalid
WAKE_STATUS: Final[i64] = 32
WAKE_REGIME: Final[i64] = 64  # a heuristic changed its level

_DENSE_LIMIT: Final[i64] = 20_000


@final
class Market:
    """One book, its grid, and what the venue says of it. Prices in ticks of `tick` price units, sizes in lots."""

    def __init__(self, number: i64, listing: Listing) -> None:
        self.number: Final[i64] = number
        self.listing: Listing = listing
        self.key: Final[str] = f"{listing.venue}:{listing.market}"
        self.price_scale: Final[i64] = power_of_ten(listing.price_exponent)
        self.tick: i64 = listing.tick
        self.lot: Final[i64] = listing.lot
        self.by_tick: Divisor = Divisor(listing.tick)
        self.by_lot: Final[Divisor] = Divisor(listing.lot)
        self.whole: i64 = self.price_scale // listing.tick  # a price of one, in ticks
        self.status: i64 = listing.status
        self.binary: Final[bool] = listing.kind == KIND_BINARY
        self.first_instrument: i64 = 0
        self.book: Book = _new_book(self.binary, self.whole)

        self.chain: Final[Chain] = Chain()
        self.valid: bool = False
        self.source: i64 = 0  # the stream its book comes from
        self.venue_ns: i64 = NONE
        self.odd: dict[
            int, tuple[int, int]
        ] = {}  # levels whose text is not the shortest: key to (price, size) spelling

        # What the venue states beside its levels, against the book: see `proof`.
        self.hash_proven: bool = False  # the stated hash was met since the last trade, snapshot or grid
        self.suspect: i64 = 0
        self.suspect_ns: i64 = NONE
        self.crossed_ns: i64 = NONE  # since when, by our clock, the book is crossed

        self.wake: i64 = 0  # why strategies should look, collected over one input
        self.touched: bool = False  # already among the markets this input moved
        self.unsaved: bool = True  # changed since its part was last digested
        self.touch_unseen: bool = False  # the bulk fold may have moved the book's touch away from the one below
        self.touch_bid: i64 = NONE  # the touch strategies were last woken for
        self.touch_bid_lots: i64 = 0
        self.touch_ask: i64 = NONE
        self.touch_ask_lots: i64 = 0

        self.trade_price: i64 = NONE  # price units of the first outcome
        self.trade_size: i64 = 0
        self.trade_side: i64 = 0
        self.trade_low: i64 = NONE  # over the trades of this input: valid while WAKE_TRADE is set
        self.trade_high: i64 = NONE
        self.last_price: i64 = NONE  # as the venue spelt it, for the book hash
        self.last_price_spelling: i64 = 0
        # Texts that the venue's book hash is made of, kept because each check needs them.
        self.min_size_text: str = decimal_text(listing.min_size, listing.size_exponent)
        self.tick_text: str = decimal_text(listing.tick, listing.price_exponent)
        self.last_price_text: str = ""

        self.ticker_id: i64 = NONE
        self.ticker_bid: i64 = NONE
        self.ticker_bid_lots: i64 = 0
        self.ticker_ask: i64 = NONE
        self.ticker_ask_lots: i64 = 0

        # Resting orders older than the venue's present grid: sizes that were no whole number of lots (counted), and
        # levels between two ticks (kept: (price << 1) | side to size).
        self.off_lot: i64 = 0
        self.off_grid: dict[int, int] = {}

        self.mark: i64 = NONE
        self.index: i64 = NONE
        self.funding: i64 = NONE
        self.next_funding_ns: i64 = NONE
        self.winner: i64 = NONE  # instrument number, once resolved
        # What an input moved that moved this market only. It stands last: once an object is known elsewhere, compiled
        # code checks at every look whether the attributes that follow are set.
        self.alone: Final[list[Market]] = [self]

    def moved(self) -> None:
        """Something else than the bulk fold is about to change it: what that knows of it holds no more."""
        self.book.pool.words[MOVES] += 1

    def levels_told(self, source: i64, venue_ns: i64) -> None:
        """Levels were set that stream *source* told of, the latest at *venue_ns*."""
        self.source = source
        if venue_ns > self.venue_ns:
            self.venue_ns = venue_ns

    def most_tick(self, complement: bool) -> i64:
        """The highest tick at which an instrument's level may stand as it is stated, before it is mirrored."""
        if complement or self.book.highest_tick > 0:
            return self.whole
        return self.by_tick.most

    def see_touch(self) -> bool:
        """Take the book's touch for the one that strategies know; whether it is another one."""
        self.touch_unseen = False
        book = self.book
        bid = book.bids.best
        ask = book.best_ask()
        bid_lots: i64 = 0
        if bid != NONE:
            bid_lots = book.bids.lots_at(bid)
        ask_lots: i64 = 0
        if ask != NONE:
            ask_lots = book.asks.lots_at(-ask)
        same = bid == self.touch_bid and ask == self.touch_ask
        if same and bid_lots == self.touch_bid_lots and ask_lots == self.touch_ask_lots:
            return False
        self.touch_bid = bid
        self.touch_ask = ask
        self.touch_bid_lots = bid_lots
        self.touch_ask_lots = ask_lots
        return True

    def ready(self) -> bool:
        """Whether the book may be traded on: valid, uncontradicted and uncrossed."""
        return self.valid and self.suspect == 0 and self.crossed_ns == NONE

    def is_like(self, listing: Listing) -> bool:
        """Whether *listing* may take the place of the present one: the same symbols, counted in the same units."""
        known = self.listing
        same_units = listing.lot == self.lot and listing.price_exponent == known.price_exponent
        same_units = same_units and listing.size_exponent == known.size_exponent and listing.tick > 0
        same_units = same_units and listing.settlement == known.settlement
        return same_units and listing.kind == known.kind and listing.symbols == known.symbols

    def is_limited_otherwise(self, listing: Listing) -> bool:
        """Whether other limits hold under *listing* than under the present one: its event's, or those of its terms."""
        known = self.listing
        same_event = listing.event == known.event and listing.neg_risk == known.neg_risk
        return not (same_event and listing.multiplier == known.multiplier and listing.inverse == known.inverse)

    def relist(self, listing: Listing) -> None:
        """Take what the catalogue says now; the grid and the status are the caller's to change."""
        assert self.is_like(listing)
        self.listing = listing
        self.min_size_text = decimal_text(listing.min_size, listing.size_exponent)
        self.hash_proven = False

    def regrid(self, tick: i64) -> None:
        """Take a new price grid; the book is empty and invalid until the next snapshot."""
        assert tick > 0
        self.tick = tick
        self.by_tick = Divisor(tick)
        self.whole = self.price_scale // tick
        self.book = _new_book(self.binary, self.whole)
        self.odd = {}
        self.off_grid = {}
        self.valid = False
        self.hash_proven = False
        self.tick_text = decimal_text(tick, self.listing.price_exponent)

    def set_last_price(self, price: i64, spelling: i64) -> None:
        """The venue's last trade price and how it spells it; NONE where it has not said one."""
        self.last_price = price
        self.last_price_spelling = spelling
        self.last_price_text = "" if price == NONE else spelled(price, self.listing.price_exponent, spelling)


@final
class Instrument:
    """One outcome token or contract of a market."""

    def __init__(self, number: i64, market: Market, leg: i64) -> None:
        listing = market.listing
        self.number: Final[i64] = number
        self.market: Final[Market] = market
        self.symbol: Final[str] = listing.symbols[leg]
        self.key: Final[str] = f"{listing.venue}:{listing.symbols[leg]}"
        self.outcome: Final[str] = listing.outcomes[leg] if leg < len(listing.outcomes) else ""
        self.complement: Final[bool] = leg == 1
        self.other: i64 = NONE  # the complement's instrument number, NONE without one

    def best_bid(self) -> i64:
        """The best bid for this instrument in ticks, or NONE."""
        if not self.complement:
            return self.market.book.best_bid()
        ask = self.market.book.best_ask()
        return ask if ask == NONE else self.market.whole - ask

    def best_ask(self) -> i64:
        """The best offer of this instrument in ticks, or NONE."""
        if not self.complement:
            return self.market.book.best_ask()
        bid = self.market.book.best_bid()
        return bid if bid == NONE else self.market.whole - bid

    def lots_at(self, side: i64, tick: i64) -> i64:
        """Lots resting on *side* of this instrument at *tick*."""
        if not self.complement:
            return self.market.book.lots_at(side, tick)
        mirrored = self.market.whole - tick
        return self.market.book.lots_at(ASK if side == BID else BID, mirrored)

    def levels(self, side: i64, depth: i64) -> list[tuple[int, int]]:
        """The best *depth* (tick, lots) levels of *side* of this instrument, best first."""
        book_side = side if not self.complement else (ASK if side == BID else BID)
        levels = self.market.book.top(book_side, depth)
        if not self.complement:
            return levels
        whole = self.market.whole
        return [(whole - tick, lots) for tick, lots in levels]


def _new_book(binary: bool, whole: i64) -> Book:
    highest: i64 = 0
    if binary and whole <= _DENSE_LIMIT:
        highest = whole
    return Book(highest)


def power_of_ten(exponent: i64) -> i64:
    """10**exponent for 0 <= exponent <= 18."""
    assert 0 <= exponent <= 18
    value: i64 = 1
    i: i64 = 0
    while i < exponent:
        value *= 10
        i += 1
    return value
