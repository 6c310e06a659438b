"""
Sequence rules: whether a market's next change set continues its book.

Binance spot chains by `first == previous last + 1`, Binance USD-M and Deribit by `previous == last applied`. A book
begins with a snapshot; change sets that came before it wait here, because the snapshot may already be older than them.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.events import RULE_NONE, RULE_SPOT
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.record import NONE

APPLY: Final[i64] = 0
HOLD: Final[i64] = 1
IGNORE: Final[i64] = 2  # older than the book, or doubled
GAP: Final[i64] = 3

WAITING: Final[i64] = 0  # no snapshot yet, or none since the last gap
SYNCING: Final[i64] = 1  # a snapshot stands; the next change set has to bridge from it
FOLLOWING: Final[i64] = 2

HELD_MAX: Final[i64] = 1 << 16
"""Numbers held before a snapshot (about 20,000 levels). More are forgotten, and the snapshot then finds a gap."""

HELD_HEAD: Final[i64] = 5  # first, last, previous, venue_ns, number of levels
HELD_LEVEL: Final[i64] = 3  # side, price, size


@final
class Chain:
    """One market's place in its venue's sequence. `last` is the id the book has reached, NONE before a snapshot."""

    def __init__(self) -> None:
        self.rule: i64 = RULE_NONE
        self.state: i64 = WAITING
        self.last: i64 = NONE
        self.held: vec[i64] = vec[i64]()
        self.held_end: i64 = 0
        self._open: i64 = -1  # where the change set now being held begins

    def judge(self, first: i64, last: i64, previous: i64) -> i64:
        """What becomes of the change set [first, last] that follows *previous*: APPLY, HOLD, IGNORE or GAP."""
        if self.state == WAITING:
            return IGNORE if self.rule == RULE_NONE else HOLD
        if self.rule == RULE_NONE:
            return APPLY
        if self.rule == RULE_SPOT:
            if last <= self.last:
                return IGNORE
            return APPLY if first <= self.last + 1 else GAP
        if self.state == SYNCING:
            if last < self.last:
                return IGNORE
            return APPLY if previous == self.last or first <= self.last else GAP
        if previous == self.last:
            return APPLY
        return IGNORE if last <= self.last else GAP

    def follow(self, last: i64) -> None:
        """The change set that ends at *last* was applied."""
        self.last = last
        self.state = FOLLOWING

    def snapped(self, update_id: i64) -> None:
        """A full book as of *update_id* was taken."""
        self.last = update_id
        self.state = FOLLOWING if self.rule == RULE_NONE else SYNCING

    def outdates(self, update_id: i64) -> bool:
        """Whether the book is already past a snapshot of *update_id*."""
        return self.rule != RULE_NONE and self.state == FOLLOWING and update_id <= self.last

    def lose(self) -> None:
        """Wait for a snapshot again; what is held stays."""
        self.state = WAITING
        self.last = NONE

    def hold(self, first: i64, last: i64, previous: i64, venue_ns: i64) -> None:
        """Begin to keep a change set for the snapshot to come."""
        if self.held_end + HELD_HEAD > HELD_MAX:
            self.forget()
        self._open = self.held_end
        self._put(first)
        self._put(last)
        self._put(previous)
        self._put(venue_ns)
        self._put(0)

    def hold_level(self, side: i64, price: i64, size: i64) -> None:
        """Keep one level of the change set being held."""
        if self._open < 0:
            return
        if self.held_end + HELD_LEVEL > HELD_MAX:
            self.forget()
            return
        self._put(side)
        self._put(price)
        self._put(size)
        self.held[self._open + 4] += 1

    def forget(self) -> None:
        """Drop what is held."""
        self.held_end = 0
        self._open = -1

    def _put(self, value: i64) -> None:
        if self.held_end == i64(len(self.held)):
            bigger = vec[i64]([0] * max(256, 2 * len(self.held)))
            i: i64 = 0
            while i < self.held_end:
                bigger[i] = self.held[i]
                i += 1
            self.held = bigger
        self.held[self.held_end] = value
        self.held_end += 1

    def pack(self, packer: Packer) -> None:
        """Append the chain's state."""
        packer.put(self.rule)
        packer.put(self.state)
        packer.put(self.last)
        packer.put(self.held_end)
        i: i64 = 0
        while i < self.held_end:
            packer.put(self.held[i])
            i += 1

    def unpack(self, unpacker: Unpacker) -> None:
        """Take over a packed state."""
        self.rule = unpacker.take()
        self.state = unpacker.take()
        self.last = unpacker.take()
        count = unpacker.take()
        self.forget()
        i: i64 = 0
        while i < count:
            self._put(unpacker.take())
            i += 1
