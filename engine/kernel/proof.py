"""
What a venue without sequence numbers states beside its levels, held against our book.

Polymarket numbers nothing, but each change names the best prices and the hash of the whole book after it. A statement
that fits proves the book. One that does not is suspicion only: when several frames share a millisecond, they may state
what holds at the end of it. So suspicion stands until a statement of the same venue time fits, and becomes certainty
with the first frame of a later time (`fold.MarketData._advance`).
"""

from typing import Final

from mypy_extensions import i64

from engine.kernel.market import Instrument, Market
from engine.kernel.record import NONE

TOUCH: Final[i64] = 1  # bits of Market.suspect
HASH: Final[i64] = 2
MIRROR: Final[i64] = 4  # the complement's snapshot, of the same venue time, says another book


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


def check_hash(market: Market, instrument: Instrument, high: i64, middle: i64, low: i64, venue_ns: i64) -> None:
    """Compare a stated book hash with the book's own; one that was never met since the last trade proves nothing."""


def _suspect(market: Market, why: i64, venue_ns: i64) -> None:
    market.suspect |= why
    market.suspect_ns = venue_ns
