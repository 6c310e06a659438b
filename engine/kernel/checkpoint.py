"""
Canonical state bytes: what a checkpoint holds, and what the state digest is made of.

The state is a list of named parts in a fixed order: each market, then what the trading half holds. The same state gives
the same bytes wherever and however it came about, so two states are equal exactly when their parts are.
"""

from hashlib import blake2b
from typing import Any, Final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.book import Book, Ladder
from engine.kernel.events import Listing
from engine.kernel.fold import MarketData
from engine.kernel.market import Market
from engine.kernel.pack import Malformed, Packer, Unpacker
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID

# The fields in the order in which they are packed. A new one goes to the end of its list.
_LISTING_TEXTS: Final = ("venue", "market", "settlement", "event", "base")
_LISTING_TUPLES: Final = ("symbols", "outcomes")
_LISTING_FLAGS: Final = ("neg_risk", "inverse")
_LISTING_NUMBERS: Final = (
    "kind",
    "price_exponent",
    "size_exponent",
    "tick",
    "lot",
    "min_size",
    "status",
    "multiplier",
    "expiry_ns",
    "strike",
    "option_type",
    "fee_ppm",
    "fee_exponent",
    "min_notional",
    "rebate_ppm",
    "reward_rate",
    "reward_min_size",
    "reward_spread",
    "reward_age_ns",
)
_MARKET_FLAGS: Final = ("valid", "hash_proven")
_MARKET_NUMBERS: Final = (
    "status",
    "source",
    "venue_ns",
    "suspect",
    "suspect_ns",
    "crossed_ns",
    "trade_price",
    "trade_size",
    "trade_side",
    "last_price",
    "last_price_spelling",
    "ticker_id",
    "ticker_bid",
    "ticker_bid_lots",
    "ticker_ask",
    "ticker_ask_lots",
    "mark",
    "index",
    "funding",
    "next_funding_ns",
    "winner",
    "off_lot",
)

# A packed level: lots, and above them the ticks from the level before.
_TICKS_AT: Final[i64] = 42
_TICKS_END: Final[i64] = 1 << 21
_LOTS_END: Final[i64] = 1 << 42


def _pack_listing(packer: Packer, listing: Listing) -> None:
    for name in _LISTING_TEXTS:
        packer.put_text(getattr(listing, name))
    for name in _LISTING_TUPLES:
        texts: tuple[str, ...] = getattr(listing, name)
        packer.put(len(texts))
        for text in texts:
            packer.put_text(text)
    for name in _LISTING_FLAGS:
        packer.put(1 if getattr(listing, name) else 0)
    for name in _LISTING_NUMBERS:
        packer.put(getattr(listing, name))
    packer.put(len(listing.tick_steps))
    for price, tick in listing.tick_steps:
        packer.put(price)
        packer.put(tick)


def _unpack_listing(unpacker: Unpacker) -> Listing:
    fields: dict[str, Any] = {}
    for name in _LISTING_TEXTS:
        fields[name] = unpacker.take_text()
    for name in _LISTING_TUPLES:
        fields[name] = tuple([unpacker.take_text() for _ in range(unpacker.take())])
    for name in _LISTING_FLAGS:
        fields[name] = unpacker.take() == 1
    for name in _LISTING_NUMBERS:
        fields[name] = unpacker.take()
    steps: list[tuple[int, int]] = []
    for _ in range(unpacker.take()):
        price = unpacker.take()
        steps.append((price, unpacker.take()))
    return Listing(tick_steps=tuple(steps), **fields)


def pack_market(market: Market) -> bytes:
    """Everything of *market*, its listing included."""
    packer = Packer()
    _pack_listing(packer, market.listing)
    packer.put(market.tick)
    for name in _MARKET_FLAGS:
        packer.put(1 if getattr(market, name) else 0)
    for name in _MARKET_NUMBERS:
        packer.put(getattr(market, name))
    market.chain.pack(packer)
    room: i64 = len(market.book.pool.words)
    keys = vec[i64]([0] * room)
    lots = vec[i64]([0] * room)
    _pack_levels(packer, market.book.bids, 1, keys, lots)
    _pack_levels(packer, market.book.asks, -1, keys, lots)
    packer.put(len(market.odd))
    for key in sorted(market.odd):
        price_spelling, size_spelling = market.odd[key]
        packer.put(key)
        packer.put(price_spelling)
        packer.put(size_spelling)
    packer.put(len(market.off_grid))
    for key in sorted(market.off_grid):
        packer.put(key)
        packer.put(market.off_grid[key])
    return packer.finish()


def _pack_levels(packer: Packer, ladder: Ladder, sign: i64, keys: vec[i64], lots: vec[i64]) -> None:
    """
    How many levels there are, the best one's tick, then each, best first: in *keys* and *lots*, without objects.

    A level is one word: its lots, and above them how many ticks it stands behind the one before. Where either is too
    large the word is less than zero and has the ticks alone, and the lots are the next.
    """
    end = ladder.copy_dense(keys, lots, 0)
    far = ladder.far()
    packer.put(end + len(far))
    if ladder.best == NONE:
        return
    last = ladder.best
    packer.put(last * sign)
    at: i64 = 0
    while at < end:
        _pack_level(packer, last - keys[at], lots[at])
        last = keys[at]
        at += 1
    for key in far:
        _pack_level(packer, last - key, ladder.lots_at(key))
        last = key


def _pack_level(packer: Packer, ticks: i64, lots: i64) -> None:
    if ticks < _TICKS_END and lots < _LOTS_END:
        packer.put((ticks << _TICKS_AT) | lots)
    else:
        packer.put(~ticks)
        packer.put(lots)


def _unpack_levels(unpacker: Unpacker, book: Book, side: i64) -> None:
    count = unpacker.take()
    tick = unpacker.take() if count > 0 else i64(0)
    sign: i64 = -1 if side == BID else 1
    for _ in range(count):
        word = unpacker.take()
        if word >= 0:
            tick += (word >> _TICKS_AT) * sign
            book.set_level(side, tick, word & (_LOTS_END - 1))
        else:
            tick += ~word * sign
            book.set_level(side, tick, unpacker.take())


def unpack_market(number: i64, data: bytes) -> Market:
    """
    The market that `pack_market` packed.

    Raises:
        Malformed: the bytes end early or hold more than a market.
    """
    unpacker = Unpacker(data)
    market = Market(number, _unpack_listing(unpacker))
    tick = unpacker.take()
    if tick != market.tick:
        market.regrid(tick)
    for name in _MARKET_FLAGS:
        setattr(market, name, unpacker.take() == 1)
    for name in _MARKET_NUMBERS:
        setattr(market, name, unpacker.take())
    market.set_last_price(market.last_price, market.last_price_spelling)
    market.chain.unpack(unpacker)
    for side in (BID, ASK):
        _unpack_levels(unpacker, market.book, side)
    for _ in range(unpacker.take()):
        key = unpacker.take()
        price_spelling = unpacker.take()
        market.odd[key] = (price_spelling, unpacker.take())
    for _ in range(unpacker.take()):
        key = unpacker.take()
        market.off_grid[key] = unpacker.take()
    unpacker.done()
    market.see_touch()  # between inputs it is the book's, and so no part of the state
    return market


def pack_unknown(data: MarketData) -> bytes:
    """What the market data half holds beside its markets: symbols without a listing, and the turn of the hash check."""
    packer = Packer()
    packer.put(data.hash_turn)
    packer.put(len(data.listings.unknown))
    for key in sorted(data.listings.unknown):
        packer.put_text(key)
        packer.put(data.listings.unknown[key])
    return packer.finish()


def unpack_unknown(data: MarketData, packed: bytes) -> None:
    """Take over what `pack_unknown` packed."""
    unpacker = Unpacker(packed)
    data.hash_turn = unpacker.take()
    data.listings.unknown = {}
    for _ in range(unpacker.take()):
        key = unpacker.take_text()
        data.listings.unknown[key] = unpacker.take()
    unpacker.done()


def part_digest(part: bytes) -> bytes:
    """BLAKE2b-256 of one part."""
    return blake2b(part, digest_size=32).digest()


def pack_parts(parts: list[tuple[str, bytes]]) -> bytes:
    """Named parts as one byte string: a checkpoint's body."""
    packer = Packer()
    packer.put(len(parts))
    for name, part in parts:
        packer.put_text(name)
        packer.put_data(part)
    return packer.finish()


def unpack_parts(data: bytes) -> list[tuple[str, bytes]]:
    """
    The parts of `pack_parts`.

    Raises:
        Malformed: the bytes end early or hold more than the parts.
    """
    unpacker = Unpacker(data)
    count = unpacker.take()
    if count < 0:
        raise Malformed("a checkpoint cannot hold fewer than no parts")
    parts: list[tuple[str, bytes]] = []
    i: i64 = 0
    while i < count:
        name = unpacker.take_text()
        parts.append((name, unpacker.take_data()))
        i += 1
    unpacker.done()
    return parts
