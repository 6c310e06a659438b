"""Small feeds for the contest, as the rivals make theirs, but without numpy: levels, trades, touches that move."""

import random
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple

BUY, SELL = 1, -1
DEPTH, TRADE = 0, 1

_RECORD = Struct("<qqiiBb6x")
START_NS: Final = 1_700_000_000_000_000_000


class Row(NamedTuple):
    """One row of a feed: a level of *side* now holds *lots*, or a trade whose aggressor is *side*."""

    exch_ns: int
    local_ns: int
    kind: int
    side: int
    tick: int
    lots: int


class FeedMaker:
    """Draws rows from a seed; in the venue's order the book it makes never crosses."""

    def __init__(self, seed: int, middle: int, reach: int, lots: int) -> None:
        self.chance = random.Random(seed)
        self.middle, self.reach, self.lots = middle, reach, lots
        self.levels: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
        self.facts: list[tuple[int, int, int, int]] = []

    def size(self) -> int:
        """Lots of a level, most of them few."""
        return 1 + int(self.chance.expovariate(1 / self.lots))

    def set(self, side: int, tick: int, lots: int) -> None:
        """One level."""
        self.facts.append((DEPTH, side, tick, lots))
        if lots:
            self.levels[side][tick] = lots
        else:
            self.levels[side].pop(tick, None)

    def best(self, side: int) -> int:
        """The best price of *side*, which is made if it has none."""
        if not self.levels[side]:
            self.set(side, self.best(-side) - 2 * side if self.levels[-side] else self.middle, self.size())
        return side * max(side * tick for tick in self.levels[side])

    def trade(self, side: int) -> None:
        """An aggressor of *side* takes from the other side's best levels; the venue then states what is left."""
        for _ in range(1 if self.chance.random() < 0.9 else self.chance.randint(2, 4)):
            tick = self.best(-side)
            there = self.levels[-side][tick]
            taken = min(there, self.size())
            self.facts.append((TRADE, side, tick, taken))
            self.set(-side, tick, there - taken)

    def move(self, side: int) -> None:
        """The best price of *side* steps into the spread, or its best level goes."""
        tick = self.best(side)
        if tick + side != self.best(-side) and self.chance.random() < 0.6:
            self.set(side, tick + side, self.size())
        else:
            self.set(side, tick, 0)
            self.best(side)

    def rest(self, side: int) -> None:
        """A level at the touch or behind it changes."""
        tick = self.best(side) - side * min(int(self.chance.expovariate(0.3)), self.reach)
        if tick >= 1:
            gone = tick != self.best(side) and self.chance.random() < 0.3
            self.set(side, tick, 0 if gone else self.size())

    def rows(self, count: int) -> list[Row]:
        """*count* rows: times that pile up, latencies that keep their order."""
        for distance in range(self.reach):
            self.set(BUY, self.middle - 1 - distance, self.size())
            self.set(SELL, self.middle + 1 + distance, self.size())
        while len(self.facts) < count:
            side = self.chance.choice((BUY, SELL))
            turn = self.chance.random()
            (self.trade if turn < 0.12 else self.move if turn < 0.17 else self.rest)(side)
        exch_ns = local_ns = START_NS
        found: list[Row] = []
        for kind, side, tick, lots in self.facts[:count]:
            if kind == TRADE or self.chance.random() < 0.3:
                exch_ns += int(self.chance.expovariate(1 / 6e6))
                local_ns = max(local_ns, exch_ns + int(self.chance.lognormvariate(14.9, 0.4)))
            found.append(Row(exch_ns, local_ns, kind, side, tick, lots))
        return found


def make_rows(seed: int, count: int = 12_000) -> list[Row]:
    """A feed: of a wide, thick book for even seeds, of a narrow, thin one for odd ones."""
    return FeedMaker(seed, *((600_000, 200, 60) if seed % 2 == 0 else (5_000, 40, 30))).rows(count)


def write_feed(rows: list[Row], path: Path) -> Path:
    """*rows* as the contestants read them."""
    path.write_bytes(b"".join(_RECORD.pack(r.exch_ns, r.local_ns, r.tick, r.lots, r.kind, r.side) for r in rows))
    return path
