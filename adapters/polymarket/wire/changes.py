"""The entries of one price_change frame, kept until the frame's end is reached and its time is known."""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.events import (
    DIFF,
    DIFF_END,
    HASH_STATED,
    LEVEL_SET,
    RULE_NONE,
    TOUCH_STATED,
    EventBatch,
)
from engine.kernel.record import NONE

TOUCH: Final[i64] = 1
HASH: Final[i64] = 2

# Columns of an entry.
SYMBOL: Final[i64] = 0
SIDE: Final[i64] = 1
PRICE: Final[i64] = 2
SIZE: Final[i64] = 3
PRICE_SPELLING: Final[i64] = 4
SIZE_SPELLING: Final[i64] = 5
STATED: Final[i64] = 6  # bits TOUCH and HASH: what else the entry says
BID: Final[i64] = 7
ASK: Final[i64] = 8
HASH_0: Final[i64] = 9
HASH_1: Final[i64] = 10
HASH_2: Final[i64] = 11
WIDTH: Final[i64] = 12


@final
class Changes:
    """Entries in wire order; `columns[i * WIDTH + column]` is one value, `count` says how many entries are valid."""

    def __init__(self) -> None:
        self.columns: vec[i64] = vec[i64]([0] * (8 * WIDTH))
        self.room: i64 = 8
        self.count: i64 = 0

    def level(self, symbol: i64, side: i64, price: i64, size: i64, price_spelling: i64, size_spelling: i64) -> None:
        """Begin an entry that says nothing but its level."""
        if self.count == self.room:
            self._grow()
        at = self.count * WIDTH
        columns = self.columns
        columns[at + SYMBOL] = symbol
        columns[at + SIDE] = side
        columns[at + PRICE] = price
        columns[at + SIZE] = size
        columns[at + PRICE_SPELLING] = price_spelling
        columns[at + SIZE_SPELLING] = size_spelling
        columns[at + STATED] = 0
        self.count += 1

    def touch(self, bid: i64, ask: i64) -> None:
        """The best prices that the last entry states."""
        at = (self.count - 1) * WIDTH
        columns = self.columns
        columns[at + STATED] |= TOUCH
        columns[at + BID] = bid
        columns[at + ASK] = ask

    def hash(self, first: i64, second: i64, third: i64) -> None:
        """The book hash that the last entry states."""
        at = (self.count - 1) * WIDTH
        columns = self.columns
        columns[at + STATED] |= HASH
        columns[at + HASH_0] = first
        columns[at + HASH_1] = second
        columns[at + HASH_2] = third

    def emit(self, batch: EventBatch, venue_ns: i64) -> None:
        """
        Add the rows: a change set for each entry, then what each token's last entry states of the whole book.

        Touch and hash describe the book after all entries of the frame; an entry that a later one of the same token
        overtakes describes a book between, which never exists here, so its statement is left out.
        """
        columns = self.columns
        count = self.count
        none: i64 = NONE  # read once: a constant that large is a Python object, converted at each use
        entry: i64 = 0
        while entry < count:
            at = entry * WIDTH
            symbol = columns[at + SYMBOL]
            batch.add(DIFF, symbol, none, none, none, venue_ns, RULE_NONE, 0)
            batch.add(
                LEVEL_SET,
                symbol,
                columns[at + SIDE],
                columns[at + PRICE],
                columns[at + SIZE],
                columns[at + PRICE_SPELLING],
                columns[at + SIZE_SPELLING],
                0,
            )
            batch.add(DIFF_END, symbol, 0, 0, 0, 0, 0, 0)
            entry += 1
        entry = 0
        while entry < count:
            at = entry * WIDTH
            stated = columns[at + STATED]
            if stated != 0 and not self._overtaken(entry):
                symbol = columns[at + SYMBOL]
                if stated & TOUCH:
                    batch.add(TOUCH_STATED, symbol, columns[at + BID], columns[at + ASK], venue_ns, 0, 0, 0)
                if stated & HASH:
                    first = columns[at + HASH_0]
                    batch.add(HASH_STATED, symbol, first, columns[at + HASH_1], columns[at + HASH_2], venue_ns, 0, 0)
            entry += 1
        self.count = 0

    def _overtaken(self, entry: i64) -> bool:
        columns = self.columns
        symbol = columns[entry * WIDTH + SYMBOL]
        later = entry + 1
        while later < self.count:
            if columns[later * WIDTH + SYMBOL] == symbol:
                return True
            later += 1
        return False

    def _grow(self) -> None:
        bigger = vec[i64]([0] * (2 * self.room * WIDTH))
        at: i64 = 0
        while at < self.count * WIDTH:
            bigger[at] = self.columns[at]
            at += 1
        self.columns = bigger
        self.room *= 2
