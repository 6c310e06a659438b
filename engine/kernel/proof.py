"""
What a venue without sequence numbers states beside its levels, held against our book.

Polymarket numbers nothing, but each change names the best prices and the hash of the whole book after it. A statement
that fits proves the book. One that does not is suspicion only: when several frames share a millisecond, they may state
what holds at the end of it. So suspicion stands until a statement of the same venue time fits, and becomes certainty
with the first frame of a later time (`fold.MarketData._advance`).
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.book_hash import is_stated, stated
from engine.kernel.market import Instrument, Market
from engine.kernel.record import NONE
from engine.kernel.units import spelled, spelling

TOUCH: Final[i64] = 1  # bits of Market.suspect
HASH: Final[i64] = 2
MIRROR: Final[i64] = 4  # the complement's snapshot, of the same venue time, says another book

NS_PER_MS: Final[i64] = 1_000_000


def check_touch(market: Market, complement: bool, bid: i64, ask: i64, venue_ns: i64) -> None:
    """Compare stated best prices (price units, of the instrument stated for) with the book's."""
    if complement:
        bid, ask = (
            (NONE if ask == NONE else market.price_scale - ask),
            (NONE if bid == NONE else market.price_scale - bid),
        )
    # An empty side is stated as the end of the price range.
    if bid == 0:
        bid = NONE
    if ask == market.price_scale and market.binary:
        ask = NONE
    book = market.book
    our_bid = book.best_bid()
    our_ask = book.best_ask()
    fits = bid == (NONE if our_bid == NONE else our_bid * market.tick)
    if fits and ask == (NONE if our_ask == NONE else our_ask * market.tick):
        if venue_ns == market.suspect_ns:
            market.suspect &= ~TOUCH
    else:
        _suspect(market, TOUCH, venue_ns)


@final
class HashProof:
    """Compares stated book hashes with the book's own; keeps the room in which a book is laid out for it."""

    def __init__(self) -> None:
        self._ticks: vec[i64] = vec[i64]()
        self._lots: vec[i64] = vec[i64]()

    def check_hash(
        self, market: Market, instrument: Instrument, high: i64, middle: i64, low: i64, venue_ns: i64
    ) -> None:
        """
        Met: the whole book is proven. Not met: suspicion, unless the last trade's spelling is not proven yet.

        Which text the venue hashes for the last trade price is certain only once a hash was met after that trade; until
        then the form with three decimals is tried too, and a hash that fits neither says nothing.
        """
        book = market.book
        most = i64(len(book.pool.words))
        if i64(len(self._ticks)) < most:
            self._ticks = vec[i64]([0] * (2 * most))
            self._lots = vec[i64]([0] * (2 * most))
        bids = book.bids.copy_dense(self._ticks, self._lots, 0)
        end = book.asks.copy_dense(self._ticks, self._lots, bids)
        at = bids
        while at < end:
            self._ticks[at] = -self._ticks[at]
            at += 1
        met = self._is_met(market, instrument, bids, end - bids, market.last_price_text, high, middle, low, venue_ns)
        if not met and not market.hash_proven and market.last_price != NONE:
            text = _three_decimals(market.last_price)
            met = self._is_met(market, instrument, bids, end - bids, text, high, middle, low, venue_ns)
            if met:
                encoded = text.encode()
                market.set_last_price(market.last_price, spelling(encoded, 0, len(encoded)))
        if met:
            market.hash_proven = True
            market.suspect = 0
        elif market.hash_proven:
            _suspect(market, HASH, venue_ns)

    def _is_met(
        self,
        market: Market,
        instrument: Instrument,
        bids: i64,
        asks: i64,
        last_price: str,
        high: i64,
        middle: i64,
        low: i64,
        venue_ns: i64,
    ) -> bool:
        digest = stated(
            market.listing.market,
            instrument.symbol,
            venue_ns // NS_PER_MS,
            self._ticks,
            self._lots,
            bids,
            asks,
            market.tick,
            market.lot,
            market.odd,
            instrument.complement,
            market.min_size_text,
            market.tick_text,
            market.listing.neg_risk,
            last_price,
        )
        return is_stated(digest, high, middle, low)


def _three_decimals(price: i64) -> str:
    """A Polymarket price (1e-4) as trades spell it: "0.600"."""
    text = spelled(price, 4, 0)
    if "." not in text:
        text += "."
    return text.ljust(5, "0")


def _suspect(market: Market, why: i64, venue_ns: i64) -> None:
    market.suspect |= why
    market.suspect_ns = venue_ns
