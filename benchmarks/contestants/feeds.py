"""
The rivals' neutral feed as packed inputs in memory.

A record of a feed file has 32 bytes, little-endian: i64 exch_ts, i64 local_ts, i32 tick, i32 lots, u8 type (0 sets a
level, 1 is a trade), i8 side (1 bid or buyer, -1 ask or seller), u16 asset, 4 bytes of nothing.
"""

from array import array
from hashlib import blake2b
from operator import sub
from pathlib import Path
from typing import Final

import orjson
from attrs import evolve, field, frozen

from adapters.hftbacktest.wire.terms import EXPONENT, VENUE
from engine.kernel import kinds
from engine.kernel.bulk import PLAIN, PLAIN_SIZE, PRICE_AT, SOURCE_AT, SYMBOL_AT, TRADE
from engine.kernel.events import RULE_NONE, SNAPSHOT, SNAPSHOT_END, EventBatch
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID, BUY, SELL, decimal
from journal.payloads import encode_venue_input
from replay.decoded import Piece
from replay.feed import MemoryFeed
from replay.packed import KIND_AT, SPARE, Packed

SOURCE: Final = 2
RECORD: Final = 32
_INPUTS: Final = 1 << 15
"""Inputs in one piece: as many as a sidecar's have."""
SIZE: Final = int(PLAIN_SIZE)
# The last word of a record, less the asset: type and side.
_BITS: Final = {0x0100: BID, 0xFF00: ASK, 0x0101: TRADE | BUY, 0xFF01: TRADE | SELL}


@frozen
class Grid:
    """Tick and lot of a feed, as decimal text."""

    tick: str
    lot: str


GRIDS: Final = {(590_000, 610_000): Grid("0.1", "0.001"), (1, 99): Grid("0.01", "1")}
"""By the range of ticks, which is all that a feed's command line says of it."""


@frozen
class Feed:
    """A feed in memory. *digest* is of the whole file, however many of its records are used."""

    grid: Grid
    digest: str
    count: int
    exch_ns: "array[int]" = field(repr=False)
    local_ns: "array[int]" = field(repr=False)
    levels: "array[int]" = field(repr=False)
    """Tick, and lots above 32 bits."""
    marks: "array[int]" = field(repr=False)
    """Type, side and asset."""

    @property
    def start_ns(self) -> int:
        """The venue's time of the first record."""
        return self.exch_ns[0]


def read_feed(path: Path, lowest: int, highest: int) -> Feed:
    """The feed in the file *path*, of the range of ticks *lowest* to *highest*."""
    data = path.read_bytes()
    words: array[int] = array("q")
    words.frombytes(data)
    grid = GRIDS.get((lowest, highest), Grid("1", "1"))
    digest = blake2b(data, digest_size=16).hexdigest()
    return Feed(grid, digest, len(data) // RECORD, words[0::4], words[1::4], words[2::4], words[3::4])


def symbol_of(asset: int) -> str:
    """The name of an asset."""
    return f"A{asset}"


def key_of(asset: int) -> str:
    """Its instrument's key."""
    return f"{VENUE}:{symbol_of(asset)}"


def catalogue(grid: Grid, assets: int) -> bytes:
    """The market objects of *assets* perpetuals on *grid*, without fees."""
    market = {"kind": "perpetual", "tick_size": grid.tick, "lot_size": grid.lot, "settlement": "USD", "fee_ppm": 0}
    return orjson.dumps({"venue": VENUE, "markets": [{"symbol": symbol_of(one), **market} for one in range(assets)]})


def packed(feed: Feed) -> MemoryFeed:
    """*feed* as the one asset of a venue: its catalogue and an empty book first, at the first venue time."""
    return _feed(feed, 1)


def spread(feed: Feed, assets: int, most: int = 2_000_000) -> MemoryFeed:
    """*feed* cut into *assets* pieces of equal length, laid on the same clock as one asset each, in received order."""
    each = min(feed.count, most) // assets
    rows: list[tuple[int, int, int]] = []  # local time, exchange time, place in the feed
    for asset in range(assets):
        first = asset * each
        back = feed.exch_ns[first] - feed.exch_ns[0]
        for at in range(first, first + each):
            rows.append((feed.local_ns[at] - back, feed.exch_ns[at] - back, at))
    rows.sort(key=lambda one: one[0])
    chosen = evolve(
        feed,
        count=len(rows),
        exch_ns=array("q", [exch for _, exch, _ in rows]),
        local_ns=array("q", [local for local, _, _ in rows]),
        levels=array("q", [feed.levels[at] for _, _, at in rows]),
        marks=array("q", [feed.marks[at] & 0xFFFF | (at // each) << 16 for _, _, at in rows]),
    )
    return _feed(chosen, assets)


def _feed(feed: Feed, assets: int) -> MemoryFeed:
    symbols = {VENUE: [symbol_of(asset) for asset in range(assets)]}
    pieces = [_opening(feed.grid, symbols, feed.start_ns), *_pieces(feed, symbols)]
    for piece in pieces:
        piece.course()  # what is found once for a piece is found here, and not by the first run
    return MemoryFeed(pieces, feed.start_ns, {1: "engine", SOURCE: VENUE})


def _opening(grid: Grid, symbols: dict[str, list[str]], start_ns: int) -> Piece:
    """The first piece: the catalogue, and an empty book of each asset."""
    assets = len(symbols[VENUE])
    out = Packed(0)
    payload = encode_venue_input(NONE, 0, 1, 0, b"", catalogue(grid, assets))
    out.raw(1, start_ns, start_ns, int(kinds.HFTBACKTEST_CATALOGUE), SOURCE, payload)
    batch = EventBatch()
    for asset in range(assets):
        batch.clear()
        batch.add(SNAPSHOT, asset, NONE, start_ns, RULE_NONE, 0, 0, 0)
        batch.add(SNAPSHOT_END, asset, 0, 0, 0, 0, 0, 0)
        assert out.events(2 + asset, start_ns, start_ns, int(kinds.HFTBACKTEST_EVENTS), SOURCE, batch)
    return Piece(out.take(1 + assets), symbols, 1, 1 + assets, len(payload), {SOURCE: 0}, {SOURCE: 0}, True)


def _pieces(feed: Feed, symbols: dict[str, list[str]]) -> list[Piece]:
    """One plain input for each record, made column by column."""
    tick = int(decimal(feed.grid.tick.encode(), 0, len(feed.grid.tick), EXPONENT)) << int(PRICE_AT)
    lot = int(decimal(feed.grid.lot.encode(), 0, len(feed.grid.lot), EXPONENT))
    first = int(PLAIN | (kinds.HFTBACKTEST_EVENTS << KIND_AT) | (SOURCE << SOURCE_AT))
    at, levels = int(SYMBOL_AT), feed.levels
    bits = [int(_BITS.get(mark, 0)) for mark in range(1 << 16)]
    words = array("q", bytes(SIZE * feed.count))
    words[0::5] = array("q", [first | (mark >> 16 & 0xFFFF) << at for mark in feed.marks])
    words[1::5] = feed.local_ns
    words[2::5] = feed.exch_ns
    words[3::5] = array(
        "q", [(level & 0xFFFFFFFF) * tick | bits[mark & 0xFFFF] for level, mark in zip(levels, feed.marks, strict=True)]
    )
    words[4::5] = array("q", [(level >> 32) * lot for level in levels])
    data = words.tobytes()
    before = 1 + len(symbols[VENUE])  # inputs of the opening piece
    found: list[Piece] = []
    for start in range(0, feed.count, _INPUTS):
        end = min(start + _INPUTS, feed.count)
        lags = list(map(sub, feed.local_ns[start:end], feed.exch_ns[start:end]))
        piece = data[SIZE * start : SIZE * end] + bytes(SPARE)
        least, most = {SOURCE: min(lags)}, {SOURCE: max(lags)}
        found.append(Piece(piece, symbols, before + start + 1, before + end, SIZE * (end - start), least, most, True))
    return found
