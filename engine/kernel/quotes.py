"""Trades, tickers and marks: what a venue says of a market beside its book."""

from typing import Final

from mypy_extensions import i64

from engine.kernel.digest import Digest
from engine.kernel.market import WAKE_TOUCH, WAKE_TRADE, Market

TRADE_NUMBER_AT: Final[i64] = 44
"""A market's number in the digest of a trade stands above its price and side."""


def traded(market: Market, complement: bool, digest: Digest, price: i64, size: i64, side: i64) -> None:
    """Anyone's trade, in price and size units of the instrument it is stated for."""
    if complement:
        price = market.price_scale - price
        if side < 2:
            side = 1 - side
    market.trade_price = price
    market.trade_size = size
    market.trade_side = side
    first = market.wake & WAKE_TRADE == 0
    if first or price < market.trade_low:
        market.trade_low = price
    if first or price > market.trade_high:
        market.trade_high = price
    market.wake |= WAKE_TRADE
    digest.mix_pair((market.number << TRADE_NUMBER_AT) ^ ((price << 2) | side), size)


def ticker(market: Market, digest: Digest, bid: i64, bid_size: i64, ask: i64, ask_size: i64, update_id: i64) -> None:
    """The best bid and offer feed, which has numbers of its own and says nothing of the book's validity."""
    if update_id <= market.ticker_id:
        return
    market.ticker_id = update_id
    market.ticker_bid = bid // market.tick
    market.ticker_bid_lots = bid_size // market.lot
    market.ticker_ask = ask // market.tick
    market.ticker_ask_lots = ask_size // market.lot
    market.wake |= WAKE_TOUCH
    digest.mix(update_id)
    digest.mix(market.ticker_bid ^ (market.ticker_ask << 32))
    digest.mix(market.ticker_bid_lots ^ (market.ticker_ask_lots << 32))


def mark(market: Market, digest: Digest, price: i64, index: i64, funding: i64, next_ns: i64) -> None:
    """Mark and index price, and the funding to come."""
    market.mark = price
    market.index = index
    market.funding = funding
    market.next_funding_ns = next_ns
    digest.mix(price)
    digest.mix(index)


def last_price(market: Market, digest: Digest, price: i64, spelling: i64) -> None:
    """The last trade price as a frame spells it: part of what the venue's book hash is made of."""
    if price != market.last_price or spelling != market.last_price_spelling:
        market.set_last_price(price, spelling)
        market.hash_proven = False
        digest.mix(price)
