"""
A limit order book as two ladders.

A ladder is a dense array of lots around the best price, with a dictionary for the levels far behind it: a level is set
in a few nanoseconds, and a price range without bound needs no memory without bound. A market whose whole price range is
known and small (a prediction market) is dense throughout.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID

WINDOW: Final[i64] = 8192
"""Ticks a ladder holds densely when the price range is unbounded: 64 KiB a side."""

_BLOCK_BITS: Final[i64] = 6


@final
class Ladder:
    """
    One side of a book, by *key*: the greater the key, the better the price (a bid's tick, or minus an offer's).

    Every level outside the dense window lies behind it (is worse), in `_far`.
    """

    def __init__(self, base: i64, size: i64, bounded: bool) -> None:
        self._base: i64 = base
        self._size: i64 = size
        self._bounded: Final[bool] = bounded
        self._cells: vec[i64] = vec[i64]([0] * size)
        self._blocks: vec[i64] = vec[i64]([0] * ((size >> _BLOCK_BITS) + 1))
        self._far: dict[int, int] = {}
        self.best: i64 = NONE
        self.count: i64 = 0

    def lots_at(self, key: i64) -> i64:
        """Lots resting at *key*, 0 if none."""
        i = key - self._base
        if 0 <= i < self._size:
            return self._cells[i]
        if self._far:
            return i64(self._far.get(key, 0))
        return 0

    def set(self, key: i64, lots: i64) -> None:
        """The level *key* now holds *lots* (>= 0; 0 removes it)."""
        i = key - self._base
        if i < 0 or i >= self._size:
            self._set_far(key, lots)
            return
        old = self._cells[i]
        self._cells[i] = lots
        if lots > 0:
            if old == 0:
                self.count += 1
                self._blocks[i >> _BLOCK_BITS] += 1
                if key > self.best:
                    self.best = key
        elif old > 0:
            self.count -= 1
            self._blocks[i >> _BLOCK_BITS] -= 1
            if key == self.best:
                self._best_below(i)

    def clear(self) -> None:
        """Remove every level."""
        i: i64 = 0
        blocks = self._blocks
        while i <= self._size >> _BLOCK_BITS:
            if blocks[i] > 0:
                blocks[i] = 0
                at = i << _BLOCK_BITS
                end = at + 64 if at + 64 < self._size else self._size
                while at < end:
                    self._cells[at] = 0
                    at += 1
            i += 1
        if self._far:
            self._far = {}
        self.best = NONE
        self.count = 0

    def next_below(self, key: i64) -> i64:
        """The best key worse than *key*, or NONE."""
        i = key - self._base
        if i > self._size:
            i = self._size
        found = self._scan(i - 1) if i > 0 else NONE
        if found != NONE or not self._far:
            return found
        worst: i64 = NONE
        for far in self._far:
            if far < key and far > worst:
                worst = far
        return worst

    def occupied(self) -> list[int]:
        """Every key that holds lots, best first."""
        found: list[int] = []
        key = self.best
        while key != NONE and key >= self._base:
            found.append(key)
            i = key - self._base
            key = self._scan(i - 1) if i > 0 else NONE
        found.extend(sorted(self._far, reverse=True))
        return found

    def copy_dense(self, keys: vec[i64], lots: vec[i64], at: i64) -> i64:
        """Write the dense levels, best first, to *keys* and *lots* from *at* on; returns the place behind the last."""
        cells = self._cells
        key = self.best
        while key != NONE and key >= self._base:
            i = key - self._base
            keys[at] = key
            lots[at] = cells[i]
            at += 1
            key = self._scan(i - 1) if i > 0 else NONE
        return at

    def _scan(self, start: i64) -> i64:
        """The greatest occupied key at or below cell *start*, or NONE."""
        i = start
        cells = self._cells
        blocks = self._blocks
        while i >= 0:
            if blocks[i >> _BLOCK_BITS] == 0:
                i = ((i >> _BLOCK_BITS) << _BLOCK_BITS) - 1
                continue
            if cells[i] > 0:
                return self._base + i
            i -= 1
        return NONE

    def _best_below(self, i: i64) -> None:
        found = self._scan(i - 1) if i > 0 else NONE
        if found == NONE and self._far:
            self.best = NONE  # the dense window is empty now
            nearest: i64 = NONE
            for far in self._far:
                if far > nearest:
                    nearest = far
            self._move(nearest)
            found = nearest
        self.best = found

    def _set_far(self, key: i64, lots: i64) -> None:
        assert not self._bounded
        if key >= self._base + self._size:
            if lots > 0:
                self._move(key)
                self.set(key, lots)
            return
        if self.count == 0 and lots > 0:
            self._move(key)
            self.set(key, lots)
            return
        far = self._far
        before: i64 = len(far)
        if lots > 0:
            far[key] = lots
        elif before > 0 and key in far:
            del far[key]
        self.count += len(far) - before

    def _move(self, best: i64) -> None:
        """Lay the window so that *best* has a quarter of it above; what no longer fits goes behind."""
        levels: list[tuple[int, int]] = [(key, self.lots_at(key)) for key in self.occupied()]
        self.clear()
        self._base = best - (self._size * 3) // 4
        top: i64 = NONE
        for key, lots in levels:
            i = i64(key) - self._base
            if i < 0:
                self._far[key] = lots
            else:
                self._cells[i] = lots
                self._blocks[i >> _BLOCK_BITS] += 1
                if key > top:
                    top = key
        self.count = len(levels)
        self.best = top


@final
class Book:
    """Bids and offers in ticks and lots. `highest_tick` bounds the price range; 0 where the venue states none."""

    def __init__(self, highest_tick: i64) -> None:
        self.highest_tick: Final[i64] = highest_tick
        bounded = highest_tick > 0
        size = highest_tick + 1 if bounded else WINDOW
        self.bids: Final[Ladder] = Ladder(0, size, bounded)
        self.asks: Final[Ladder] = Ladder(1 - size, size, bounded)

    def set_level(self, side: i64, tick: i64, lots: i64) -> None:
        """The level at *tick* on *side* now holds *lots* in total; 0 removes it, also where none stood."""
        if side == BID:
            self.bids.set(tick, lots)
        else:
            self.asks.set(-tick, lots)

    def lots_at(self, side: i64, tick: i64) -> i64:
        """Lots resting at *tick* on *side*."""
        return self.bids.lots_at(tick) if side == BID else self.asks.lots_at(-tick)

    def best_bid(self) -> i64:
        """The highest bid's tick, or NONE."""
        return self.bids.best

    def best_ask(self) -> i64:
        """The lowest offer's tick, or NONE."""
        key = self.asks.best
        return key if key == NONE else -key

    def crossed(self) -> bool:
        """Whether the best bid is at or above the best offer."""
        return self.bids.best != NONE and self.asks.best != NONE and self.bids.best >= -self.asks.best

    def clear(self) -> None:
        """Remove every level."""
        self.bids.clear()
        self.asks.clear()

    def levels(self, side: i64) -> list[tuple[int, int]]:
        """(tick, lots) of every level of *side*, best first."""
        if side == BID:
            return [(key, self.bids.lots_at(key)) for key in self.bids.occupied()]
        assert side == ASK
        return [(-key, self.asks.lots_at(key)) for key in self.asks.occupied()]

    def top(self, side: i64, depth: i64) -> list[tuple[int, int]]:
        """(tick, lots) of the best *depth* levels of *side*, best first."""
        ladder = self.bids if side == BID else self.asks
        found: list[tuple[int, int]] = []
        key = ladder.best
        while key != NONE and i64(len(found)) < depth:
            found.append((key if side == BID else -key, ladder.lots_at(key)))
            key = ladder.next_below(key)
        return found
