"""
Setting levels: the innermost loop of the fold, from venue units to ticks and lots.

What is usual (a whole number of ticks and lots, spelt in the shortest way, within the price range) is done in one
loop over a frame's rows; whatever is not goes through `set_level`, one at a time.
"""

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.digest import MASK63, PRIME, SPREAD, Digest
from engine.kernel.events import LEVEL_SET, STRIDE
from engine.kernel.market import Market
from engine.kernel.units import ASK, BID

NUMBER_AT: Final[i64] = 40
"""A market's number in the digest of a level stands above its key."""


def set_levels(market: Market, complement: bool, digest: Digest, rows: vec[i64], start: i64, end: i64) -> i64:
    """
    Set the levels that the LEVEL_SET rows in rows[start:end] state, up to the first row of another kind.

    Returns where it stopped: behind the last row, at a row of another kind, or at a level that cannot stand on this
    market's grid (see `set_level`).
    """
    book = market.book
    bids = book.bids
    asks = book.asks
    by_tick = market.by_tick
    tick_refused = by_tick.refused
    tick_shift = by_tick.shift
    tick_inverse = by_tick.inverse
    by_lot = market.by_lot
    lot_refused = by_lot.refused
    lot_shift = by_lot.shift
    lot_inverse = by_lot.inverse
    most_lots = by_lot.most
    most_tick = market.most_tick(complement)
    whole = market.whole
    number = market.number << NUMBER_AT
    mask = MASK63
    prime = PRIME
    spread = SPREAD
    plain = not market.odd
    value = digest.value
    at = start
    while at < end and rows[at] == LEVEL_SET:
        side = rows[at + 2]
        price = rows[at + 3]
        size = rows[at + 4]
        tick = ((price >> tick_shift) * tick_inverse) & mask
        lots = ((size >> lot_shift) * lot_inverse) & mask
        unusual = (price & tick_refused) | (size & lot_refused) | rows[at + 5] | rows[at + 6]
        if unusual != 0 or tick > most_tick or lots > most_lots or not plain:
            digest.value = value
            if not set_level(market, complement, digest, side, price, size, rows[at + 5], rows[at + 6]):
                return at
            value = digest.value
            plain = not market.odd
            at += STRIDE
            continue
        if complement:
            tick = whole - tick
            side = ASK if side == BID else BID
        if side == BID:
            bids.set(tick, lots)
        else:
            asks.set(-tick, lots)
        # `Digest.mix_pair`, with its value in a register.
        value = ((value ^ number ^ ((tick << 1) | side) ^ ((lots * spread) & mask)) * prime) & mask
        value ^= value >> 29
        at += STRIDE
    digest.value = value
    return at


def set_level(
    market: Market,
    complement: bool,
    digest: Digest,
    side: i64,
    price: i64,
    size: i64,
    price_spelling: i64,
    size_spelling: i64,
) -> bool:
    """
    Set one level, usual or not; False, and nothing set, where it cannot stand: between ticks or outside the price
    range of a prediction market.
    """
    tick = price // market.tick
    lots = size // market.lot
    if tick * market.tick != price:
        return _off_grid(market, digest, side, price, size)
    if lots * market.lot != size:
        # Orders older than the venue's present step rest on: whole lots of them count, at least one.
        market.off_lot += 1
        if lots == 0:
            lots = 1
    book = market.book
    if complement:
        tick = market.price_scale // market.tick - tick
        side = ASK if side == BID else BID
    if book.highest_tick > 0 and (tick < 0 or tick > book.highest_tick):
        return False
    book.set_level(side, tick, lots)
    key = (tick << 1) | side
    digest.mix_pair((market.number << NUMBER_AT) ^ key, lots)
    if market.odd:
        market.odd.pop(key, None)
    if (price_spelling | size_spelling) != 0 and lots > 0:
        market.odd[key] = (price_spelling, size_spelling)
    return True


def _off_grid(market: Market, digest: Digest, side: i64, price: i64, size: i64) -> bool:
    """A price between ticks: on a prediction market a grid we missed, elsewhere an order older than the grid."""
    if market.binary:
        return False
    # No order of today can stand there or trade there first, so it is kept beside the ladder, exactly.
    key = (price << 1) | side
    if size > 0:
        market.off_grid[key] = size
    else:
        market.off_grid.pop(key, None)
    digest.mix_pair((market.number << NUMBER_AT) ^ key, size)
    return True


def levels_of(market: Market) -> list[tuple[int, int]]:
    """Every level of the market's book, bids then offers, best first."""
    return market.book.levels(BID) + market.book.levels(ASK)
