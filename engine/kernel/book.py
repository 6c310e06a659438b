"""
A limit order book as two ladders.

A ladder is a window of ticks around the best price, in pages that take room only where there are levels, with a
dictionary for the few levels far behind it: a level is set in a few nanoseconds, and a price range without bound needs
no memory without bound. A market whose whole price range is known and small (a prediction market) is all window.

Behind the touch, setting a level is one store: nobody counts levels, and nobody looks what stood there. So no step of a
fold waits for the memory that a level lies in, which matters once there are many books.
"""

from typing import Final, final

from librt.vecs import extend, vec
from mypy_extensions import i64

from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID

WINDOW: Final[i64] = 1 << 19
"""Ticks that a window may grow to where the price range is unbounded: 5,000 dollars of cents."""

PAGE_BITS: Final[i64] = 7
IN_PAGE: Final[i64] = 127
_PAGE: Final[i64] = 128
MOVES: Final[i64] = 0
"""The word of a pool in which `Market.moved` counts: whoever reads levels finds it at hand."""
_FIRST_WINDOW: Final[i64] = 1 << 14  # one block's table of pages
_FIRST_BLOCKS: Final[i64] = 32
_FIRST_BLOCKS_BOUNDED: Final[i64] = 5


@final
class Pool:
    """
    The words of one book, from which its ladders take blocks: tables of pages, and pages. The first is the book's own.

    `words` is another object once it has grown: hold it no longer than until the next level is set by a call.
    """

    def __init__(self, blocks: i64) -> None:
        self.words: vec[i64] = vec[i64]([0] * (blocks * _PAGE))
        self._used: i64 = _PAGE
        self._spare: vec[i64] = vec[i64]([0] * 8)  # where blocks stand that were given back
        self._spares: i64 = 0

    def full(self) -> bool:
        """Whether the next block needs more memory."""
        return self._spares == 0 and self._used == i64(len(self.words))

    def take(self, blocks: i64) -> i64:
        """Where so many blocks of zeros stand."""
        if blocks == 1 and self._spares > 0:
            self._spares -= 1
            return self._spare[self._spares]
        at = self._used
        self._used = at + blocks * _PAGE
        size: i64 = len(self.words)
        if self._used > size:
            self._grow(self._used - size)
        return at

    def grow(self) -> None:
        """Have room for half as much again."""
        self._grow(_PAGE)

    def _grow(self, least: i64) -> None:
        more = (i64(len(self.words)) >> (PAGE_BITS + 1)) << PAGE_BITS
        if more < least:
            more = least
        self.words = extend(self.words, vec[i64]([0] * more))

    def give(self, at: i64) -> None:
        """Give back the block at *at*: it is all zeros."""
        if self._spares == i64(len(self._spare)):
            self._spare = extend(self._spare, vec[i64]([0] * self._spares))
        self._spare[self._spares] = at
        self._spares += 1


@final
class Ladder:
    """
    One side of a book, by *key*: the greater the key, the better the price (a bid's tick, or minus an offer's).

    Every level outside the window lies behind it (is worse), in `_far`. `table` is where the window's table of pages
    stands in the pool: for each page, from `base` on, where its lots stand, or 0.
    """

    def __init__(self, base: i64, size: i64, bounded: bool, pool: Pool) -> None:
        self.best: i64 = NONE
        self.base: i64 = base
        self.table: i64 = pool.take((((size + IN_PAGE) >> PAGE_BITS) + IN_PAGE) >> PAGE_BITS)
        self.pool: Final[Pool] = pool
        self._size: i64 = size
        self._bounded: Final[bool] = bounded
        self._far: dict[int, int] = {}

    def count(self) -> i64:
        """How many levels there are."""
        return len(self.occupied())

    def lots_at(self, key: i64) -> i64:
        """Lots resting at *key*, 0 if none."""
        i = key - self.base
        if 0 <= i < self._size:
            first = self.pool.words[self.table + (i >> PAGE_BITS)]
            if first == 0:
                return 0
            return self.pool.words[first + (i & IN_PAGE)]
        if self._far:
            return i64(self._far.get(key, 0))
        return 0

    def set(self, key: i64, lots: i64) -> None:
        """The level *key* now holds *lots* (>= 0; 0 removes it). `Bulk` has the same in its loop."""
        i = key - self.base
        if key - ((lots - 1) >> 63) <= self.best and i >= 0:  # behind the best price, or at it where it stays
            words = self.pool.words
            first = words[self.table + (i >> PAGE_BITS)]
            if first > 0:
                words[first + (i & IN_PAGE)] = lots
                return
        self._set(key, lots)

    def _set(self, key: i64, lots: i64) -> None:
        """A level at the touch or better, on a page that is not there, or not within the window."""
        i = key - self.base
        if i < 0 or i >= self._size:
            self._set_outside(key, lots)
            return
        place = self.table + (i >> PAGE_BITS)
        first = self.pool.words[place]
        if first == 0:
            if lots == 0:
                return
            first = self._take_page()
            self.pool.words[place] = first
        self.pool.words[first + (i & IN_PAGE)] = lots
        if lots > 0:
            if key > self.best:
                self.best = key
        elif key == self.best:
            self._best_below(i)

    def clear(self) -> None:
        """Remove every level."""
        words = self.pool.words
        page: i64 = 0
        while page << PAGE_BITS < self._size:
            first = words[self.table + page]
            if first > 0:
                at = first
                while at < first + _PAGE:
                    words[at] = 0
                    at += 1
                self._give_page(page)
            page += 1
        if self._far:
            self._far = {}
        self.best = NONE

    def next_below(self, key: i64) -> i64:
        """The best key worse than *key*, or NONE."""
        i = key - self.base
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
        while key != NONE and key >= self.base:
            found.append(key)
            i = key - self.base
            key = self._scan(i - 1) if i > 0 else NONE
        found.extend(self.far())
        return found

    def far(self) -> list[int]:
        """The keys of the levels behind the window, best first."""
        return sorted(self._far, reverse=True) if self._far else []

    def copy_dense(self, keys: vec[i64], lots: vec[i64], at: i64) -> i64:
        """
        Write the levels of the window, best first, to *keys* and *lots* from *at* on; returns where they end.

        They must have room for as many as the pool has words.
        """
        words = self.pool.words
        if self.best == NONE:
            return at
        within = (self.best - self.base) & IN_PAGE
        page = (self.best - self.base) >> PAGE_BITS
        while page >= 0:
            cell = words[self.table + page]
            if cell > 0:
                key = self.base + (page << PAGE_BITS)
                while within >= 0:  # without a branch for what no processor foresees: the next level overwrites none
                    held = words[cell + within]
                    keys[at] = key + within
                    lots[at] = held
                    at -= -held >> 63
                    within -= 1
            within = IN_PAGE
            page -= 1
        return at

    def _scan(self, start: i64) -> i64:
        """The greatest occupied key at or below cell *start*, or NONE."""
        words = self.pool.words
        page = start >> PAGE_BITS
        within = start & IN_PAGE
        while page >= 0:
            first = words[self.table + page]
            if first > 0:
                while within >= 0:
                    if words[first + within] > 0:
                        return self.base + (page << PAGE_BITS) + within
                    within -= 1
            within = IN_PAGE
            page -= 1
        return NONE

    def _take_page(self) -> i64:
        """Where an empty page stands; before the pool grows for it, pages that levels have left are given back."""
        if self.pool.full():
            self._sweep()
        return self.pool.take(1)

    def _sweep(self) -> None:
        """Give back the pages that hold nothing; if they are few, the pool grows, so that this is done seldom."""
        page: i64 = 0
        pages: i64 = 0
        given: i64 = 0
        while page << PAGE_BITS < self._size:
            if self.pool.words[self.table + page] > 0:
                pages += 1
                if self._is_empty(page):
                    self._give_page(page)
                    given += 1
            page += 1
        if 4 * given < pages:
            self.pool.grow()

    def _is_empty(self, page: i64) -> bool:
        """Whether *page*, which is there, holds nothing."""
        words = self.pool.words
        at = words[self.table + page]
        end = at + _PAGE
        while at < end and words[at] == 0:
            at += 1
        return at == end

    def _give_page(self, page: i64) -> None:
        self.pool.give(self.pool.words[self.table + page])
        self.pool.words[self.table + page] = 0

    def _best_below(self, i: i64) -> None:
        """The best level, at cell *i*, is gone: find the next one, and give back the pages between."""
        found = self._scan(i - 1) if i > 0 else NONE
        page = i >> PAGE_BITS
        last: i64 = 0
        if found != NONE:
            last = ((found - self.base) >> PAGE_BITS) + 1
        while page >= last:
            if self.pool.words[self.table + page] > 0:
                self._give_page(page)
            page -= 1
        if found == NONE and self._far:
            self.best = NONE  # the window is empty now
            nearest: i64 = NONE
            for far in self._far:
                if far > nearest:
                    nearest = far
            self._move(nearest)
            found = nearest
        self.best = found

    def _set_outside(self, key: i64, lots: i64) -> None:
        assert not self._bounded
        if lots > 0 and self._reaches(key):
            self.set(key, lots)
        elif key < self.base:
            if lots > 0:
                self._far[key] = lots
            elif key in self._far:
                del self._far[key]

    def _reaches(self, key: i64) -> bool:
        """Make the window reach to *key*, or be laid around it; False where it must not, since better levels are."""
        if self.best == NONE:
            self._move(key)
            return True
        while self._size < WINDOW and (key < self.base or key >= self.base + self._size):
            self._widen(key < self.base)
        if key >= self.base + self._size:
            self._move(key)
        return key >= self.base

    def _widen(self, below: bool) -> None:
        """Twice the window: as much more below the present one, or above."""
        pages = self._size >> PAGE_BITS
        table = self.pool.take((2 * pages + IN_PAGE) >> PAGE_BITS)
        words = self.pool.words
        to = table
        if below:
            to += pages
            self.base -= self._size
        at: i64 = 0
        while at < pages:
            words[to + at] = words[self.table + at]
            words[self.table + at] = 0
            at += 1
        at = 0
        while at < pages:
            self.pool.give(self.table + at)
            at += _PAGE
        self.table = table
        self._size *= 2

    def _move(self, best: i64) -> None:
        """Lay the window so that *best* has a quarter of it above; what no longer fits goes behind."""
        levels: list[tuple[int, int]] = [(key, self.lots_at(key)) for key in self.occupied()]
        self.clear()
        self.base = best - (self._size * 3) // 4
        for key, lots in levels:
            if key < self.base:
                self._far[key] = lots
            else:
                self.set(key, lots)


@final
class Book:
    """Bids and offers in ticks and lots. `highest_tick` bounds the price range; 0 where the venue states none."""

    def __init__(self, highest_tick: i64) -> None:
        self.highest_tick: Final[i64] = highest_tick
        bounded = highest_tick > 0
        size = highest_tick + 1 if bounded else _FIRST_WINDOW
        self.pool: Final[Pool] = Pool(_FIRST_BLOCKS_BOUNDED if bounded else _FIRST_BLOCKS)
        self.bids: Final[Ladder] = Ladder(0, size, bounded, self.pool)
        self.asks: Final[Ladder] = Ladder(1 - size, size, bounded, self.pool)

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
