"""
A limit order book as two ladders.

A ladder is a window of ticks around the best price, in pages that take room only while they hold a level, with a
dictionary for the few levels far behind it: a level is set in a few nanoseconds, and a price range without bound needs
no memory without bound. A market whose whole price range is known and small (a prediction market) is all window.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID

WINDOW: Final[i64] = 1 << 19
"""Ticks in the window where the price range is unbounded: 5,000 dollars of cents. 32 KiB a side, and 1 KiB a page."""

_PAGE_BITS: Final[i64] = 7
_PAGE: Final[i64] = 128
_IN_PAGE: Final[i64] = 127

# A page's entry: its number among `_cells` (from 1) above the number of its levels; 0 while it holds none.
_NUMBER_AT: Final[i64] = 8
_COUNT: Final[i64] = 255


@final
class Ladder:
    """
    One side of a book, by *key*: the greater the key, the better the price (a bid's tick, or minus an offer's).

    Every level outside the window lies behind it (is worse), in `_far`.
    """

    def __init__(self, base: i64, size: i64, bounded: bool) -> None:
        self._base: i64 = base
        self._size: Final[i64] = size
        self.best: i64 = NONE
        self._pages: Final[vec[i64]] = vec[i64]([0] * ((size + _PAGE - 1) >> _PAGE_BITS))
        self._cells: vec[i64] = vec[i64]([0] * (2 * _PAGE))
        self.count: i64 = 0
        self._bounded: Final[bool] = bounded
        self._made: i64 = 1  # pages of `_cells` ever used; the first is none
        self._spare: vec[i64] = vec[i64]([0] * 8)  # numbers of pages that were emptied
        self._spares: i64 = 0
        self._far: dict[int, int] = {}

    def lots_at(self, key: i64) -> i64:
        """Lots resting at *key*, 0 if none."""
        i = key - self._base
        if 0 <= i < self._size:
            entry = self._pages[i >> _PAGE_BITS]
            if entry == 0:
                return 0
            return self._cells[((entry >> _NUMBER_AT) << _PAGE_BITS) + (i & _IN_PAGE)]
        if self._far:
            return i64(self._far.get(key, 0))
        return 0

    def set(self, key: i64, lots: i64) -> None:
        """The level *key* now holds *lots* (>= 0; 0 removes it)."""
        i = key - self._base
        if lots > 0 and 0 <= i < self._size:
            at = ((self._pages[i >> _PAGE_BITS] >> _NUMBER_AT) << _PAGE_BITS) + (i & _IN_PAGE)
            if self._cells[at] > 0:  # most levels change; the page that is none holds nothing
                self._cells[at] = lots
                return
        self._set(key, lots)

    def _set(self, key: i64, lots: i64) -> None:
        """A level comes, or goes, or is not within the window."""
        i = key - self._base
        if i < 0 or i >= self._size:
            self._set_far(key, lots)
            return
        page = i >> _PAGE_BITS
        entry = self._pages[page]
        if entry == 0:
            if lots == 0:
                return
            entry = self._take_page()
        at = ((entry >> _NUMBER_AT) << _PAGE_BITS) + (i & _IN_PAGE)
        old = self._cells[at]
        self._cells[at] = lots
        if lots > 0:
            self.count += 1
            self._pages[page] = entry + 1
            if key > self.best:
                self.best = key
        elif old > 0:
            self.count -= 1
            entry -= 1
            if entry & _COUNT == 0:
                self._give_page(entry >> _NUMBER_AT)
                entry = 0
            self._pages[page] = entry
            if key == self.best:
                self._best_below(i)

    def clear(self) -> None:
        """Remove every level."""
        pages = self._pages
        cells = self._cells
        page: i64 = 0
        end: i64 = len(pages)
        while page < end:
            entry = pages[page]
            if entry > 0:
                at = (entry >> _NUMBER_AT) << _PAGE_BITS
                stop = at + _PAGE
                while at < stop:
                    cells[at] = 0
                    at += 1
                self._give_page(entry >> _NUMBER_AT)
                pages[page] = 0
            page += 1
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
        """Write the levels of the window, best first, to *keys* and *lots* from *at* on; returns where they end."""
        pages = self._pages
        cells = self._cells
        if self.best == NONE:
            return at
        page = (self.best - self._base) >> _PAGE_BITS
        while page >= 0:
            entry = pages[page]
            left = entry & _COUNT
            cell = ((entry >> _NUMBER_AT) << _PAGE_BITS) + _IN_PAGE
            key = self._base + (page << _PAGE_BITS) + _IN_PAGE
            while left > 0:
                if cells[cell] > 0:
                    keys[at] = key
                    lots[at] = cells[cell]
                    at += 1
                    left -= 1
                cell -= 1
                key -= 1
            page -= 1
        return at

    def _scan(self, start: i64) -> i64:
        """The greatest occupied key at or below cell *start*, or NONE."""
        pages = self._pages
        cells = self._cells
        page = start >> _PAGE_BITS
        within = start & _IN_PAGE
        while page >= 0:
            entry = pages[page]
            if entry > 0:
                first = (entry >> _NUMBER_AT) << _PAGE_BITS
                while within >= 0:
                    if cells[first + within] > 0:
                        return self._base + (page << _PAGE_BITS) + within
                    within -= 1
            within = _IN_PAGE
            page -= 1
        return NONE

    def _take_page(self) -> i64:
        """The entry of an empty page; it is nobody's until a level is counted in it."""
        if self._spares > 0:
            self._spares -= 1
            return self._spare[self._spares] << _NUMBER_AT
        number = self._made
        if (number + 1) << _PAGE_BITS > i64(len(self._cells)):
            self._cells = _longer(self._cells)
        self._made = number + 1
        return number << _NUMBER_AT

    def _give_page(self, number: i64) -> None:
        if self._spares == i64(len(self._spare)):
            self._spare = _longer(self._spare)
        self._spare[self._spares] = number
        self._spares += 1

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
        for key, lots in levels:
            i = i64(key) - self._base
            if i < 0:
                self._far[key] = lots
                self.count += 1
            else:
                self.set(key, lots)


def _longer(old: vec[i64]) -> vec[i64]:
    """Twice as long, with the same content at its start."""
    size: i64 = len(old)
    new = vec[i64]([0] * (2 * size))
    i: i64 = 0
    while i < size:
        new[i] = old[i]
        i += 1
    return new


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
