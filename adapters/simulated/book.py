"""
The venue's book at one instant, without a second copy of it.

The venue is ahead of us by what is on its way to us: its book is the kernel's, overlaid with those changes, less what
our own orders took and the recorded market therefore does not know to be gone. Prices and sizes are in price and size
units of the market's first outcome, as everywhere at the venue.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.digest import MASK63
from engine.kernel.divisor import Divisor
from engine.kernel.market import Market
from engine.kernel.record import NONE
from engine.kernel.units import BID

_INDEX_BITS: Final[i64] = 24
_INDEX: Final[i64] = (1 << 24) - 1
_SCATTER: Final[i64] = 0x9E3779B1  # 2**32 over the golden ratio: Knuth's multiplicative hashing


@final
class Taken:
    """What our takers consumed of one market's levels since each was last stated, in lots."""

    def __init__(self) -> None:
        self.lots: dict[int, int] = {}  # (price << 1) | side to lots


@final
class VenueBook:
    """
    One market's book as the venue has it: `begin`, the changes on their way to us, then questions.

    It stays as it is until the next `begin`; `take` is the only change of its own, and outlives it until the level is
    `stated` again.
    """

    def __init__(self) -> None:
        self.market: Market | None = None
        self.tick: i64 = 1
        self.status: i64 = 0
        self._cleared: bool = False  # the kernel's levels no longer count
        self._known: bool = False  # whether it is known what the levels are
        self.lost: bool = False
        """Whether a new grid is on its way to us, and the full book behind it is still to come."""
        # The overlay: levels in order of their first change, found through a table of (stamp, index).
        self._ticks: vec[i64] = vec[i64]([0] * 64)
        self._sides: vec[i64] = vec[i64]([0] * 64)
        self._lots: vec[i64] = vec[i64]([0] * 64)
        self._count: i64 = 0
        self._slots: vec[i64] = vec[i64]([0] * 256)
        self._mask: i64 = 255
        self._stamp: i64 = 0
        self._all_taken: dict[int, Taken] = {}  # by market number
        self._taken: Taken | None = None

    # -- what the driver lays over -----------------------------------------------------------------------------------

    def begin(self, market: Market) -> None:
        """The book of *market* as the kernel has it."""
        self.market = market
        self.tick = market.tick
        self.status = market.status
        self._cleared = False
        self._known = market.ready()
        self.lost = False
        self._count = 0
        self._stamp += 1
        if self._all_taken:
            self._taken = self._all_taken.get(market.number)

    def clear(self) -> None:
        """A snapshot begins: what stood is gone, and what follows is the whole book."""
        self._cleared = True
        self._known = True
        self.lost = False
        self._count = 0
        self._stamp += 1

    def set_level(self, side: i64, price: i64, size: i64) -> None:
        """The level at *price* on *side* now holds *size*; between two ticks nothing trades: it is passed over."""
        market = self.market
        assert market is not None
        tick = price // self.tick
        if tick * self.tick != price:
            return
        lots = whole_lots(size, market.lot)
        at = self._find(side, tick)
        index = (self._slots[at] & _INDEX) - 1
        if self._slots[at] >> _INDEX_BITS != self._stamp:
            index = self._count
            if index == i64(len(self._ticks)):
                self._grow()
                at = self._find(side, tick)
            self._ticks[index] = tick
            self._sides[index] = side
            self._slots[at] = (self._stamp << _INDEX_BITS) | (index + 1)
            self._count = index + 1
        self._lots[index] = lots

    def set_status(self, status: i64) -> None:
        """The market's status changed."""
        self.status = status

    def set_tick(self, tick: i64) -> None:
        """The market has a new grid: what stands on it is unknown until a snapshot says."""
        assert tick > 0
        self.tick = tick
        self.clear()
        self._known = False
        self.lost = True

    # -- questions ---------------------------------------------------------------------------------------------------

    def ready(self) -> bool:
        """Whether the book is known well enough to be traded on."""
        return self._known

    def best_bid(self) -> i64:
        """The highest bid, or NONE."""
        key = self._next(BID, NONE)
        return key if key == NONE else key * self.tick

    def best_ask(self) -> i64:
        """The lowest offer, or NONE."""
        key = self._next(1, NONE)
        return key if key == NONE else -key * self.tick

    def size_at(self, side: i64, price: i64) -> i64:
        """What rests at *price* on *side*."""
        market = self.market
        assert market is not None
        return self._lots_at(side, price // self.tick) * market.lot

    def levels(self, side: i64, depth: i64) -> list[tuple[int, int]]:
        """(price, size) of the best *depth* levels of *side*, best first."""
        market = self.market
        assert market is not None
        found: list[tuple[int, int]] = []
        key = self._next(side, NONE)
        while key != NONE and i64(len(found)) < depth:
            tick = key if side == BID else -key
            found.append((tick * self.tick, self._lots_at(side, tick) * market.lot))
            key = self._next(side, key)
        return found

    def next_price(self, side: i64, price: i64) -> i64:
        """The best price on *side* that is worse than *price* (NONE: the best of all), or NONE."""
        key = price
        if price != NONE:
            key = price // self.tick if side == BID else -(price // self.tick)
        key = self._next(side, key)
        if key == NONE:
            return key
        return key * self.tick if side == BID else -key * self.tick

    # -- what our own orders took ------------------------------------------------------------------------------------

    def take(self, market: Market, side: i64, price: i64, size: i64) -> None:
        """An order of ours consumed *size* of the level at *price*, which the recorded market will not show."""
        taken = self._all_taken.get(market.number)
        if taken is None:
            taken = Taken()
            self._all_taken[market.number] = taken
            if self.market is market:
                self._taken = taken
        key = (price << 1) | side
        taken.lots[key] = i64(taken.lots.get(key, 0)) + size // market.lot

    def stated(self, market: Market, side: i64, price: i64) -> bool:
        """
        The recorded market says again what the level holds: what we took before no longer counts.

        Returns whether anything of the market still counts as taken.
        """
        taken = self._all_taken.get(market.number)
        if taken is None:
            return False
        taken.lots.pop((price << 1) | side, None)
        return len(taken.lots) > 0

    def forget_taken(self, market: i64) -> None:
        """A snapshot states all levels of the market."""
        taken = self._all_taken.get(market)
        if taken is not None:
            taken.lots = {}

    # -- inside ------------------------------------------------------------------------------------------------------

    def _next(self, side: i64, after: i64) -> i64:
        """The best key (a bid's tick, minus an offer's) with lots, worse than *after* (NONE: any), or NONE."""
        key = self._next_known(side, after)
        if self._count == 0 and self._taken is None:
            return key
        while key != NONE and self._lots_at(side, key if side == BID else -key) == 0:
            key = self._next_known(side, key)
        i: i64 = 0
        while i < self._count:
            if self._sides[i] == side and self._lots[i] > 0:
                own = self._ticks[i]
                if side != BID:
                    own = -own
                better = own > key and (after == NONE or own < after)
                if better and self._lots_at(side, self._ticks[i]) > 0:
                    key = own
            i += 1
        return key

    def _next_known(self, side: i64, after: i64) -> i64:
        """The same, of the kernel's levels alone."""
        market = self.market
        assert market is not None
        if self._cleared:
            return NONE
        ladder = market.book.bids if side == BID else market.book.asks
        return ladder.best if after == NONE else ladder.next_below(after)

    def _lots_at(self, side: i64, tick: i64) -> i64:
        """What is left at *tick*: as changed on the way, or else as the kernel has it, less what we took."""
        market = self.market
        assert market is not None
        lots: i64 = 0
        changed = False
        if self._count > 0:
            slot = self._slots[self._find(side, tick)]
            if slot >> _INDEX_BITS == self._stamp:
                lots = self._lots[(slot & _INDEX) - 1]
                changed = True
        if not (changed or self._cleared):
            lots = market.book.lots_at(side, tick)
        taken = self._taken
        if taken is not None and lots > 0:
            lots -= i64(taken.lots.get((tick * self.tick << 1) | side, 0))
            if lots < 0:
                lots = 0
        return lots

    def _find(self, side: i64, tick: i64) -> i64:
        """The slot of a level, or the free one where it would stand."""
        slots = self._slots
        at = (((tick << 1) | side) * _SCATTER >> 8) & self._mask
        while slots[at] >> _INDEX_BITS == self._stamp:
            index = (slots[at] & _INDEX) - 1
            if self._ticks[index] == tick and self._sides[index] == side:
                return at
            at = (at + 1) & self._mask
        return at

    def _grow(self) -> None:
        """Twice the room; a quarter of the slots are used at most."""
        size: i64 = len(self._ticks)
        self._ticks = longer(self._ticks)
        self._sides = longer(self._sides)
        self._lots = longer(self._lots)
        self._slots = vec[i64]([0] * (8 * size))
        self._mask = 8 * size - 1
        i: i64 = 0
        while i < self._count:
            self._slots[self._find(self._sides[i], self._ticks[i])] = (self._stamp << _INDEX_BITS) | (i + 1)
            i += 1


def whole_lots(size: i64, lot: i64) -> i64:
    """*size* in lots, rounded down but for what is less than one: the kernel's own rule for old, odd sizes."""
    lots = size // lot
    if lots == 0 and size > 0:
        return 1
    return lots


def in_lots(size: i64, lot: Divisor) -> i64:
    """*size* as a multiple of the lot, as `whole_lots` has it: nearly every size is one."""
    if size & lot.refused == 0 and ((size >> lot.shift) * lot.inverse) & MASK63 <= lot.most:
        return size
    return whole_lots(size, lot.step) * lot.step


def longer(old: vec[i64]) -> vec[i64]:
    """Twice as long, with the same content at its start."""
    size: i64 = len(old)
    new = vec[i64]([0] * (2 * size))
    i: i64 = 0
    while i < size:
        new[i] = old[i]
        i += 1
    return new
