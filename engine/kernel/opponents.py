"""
One market as its opponents make it: what a run measures to know when others live on the same edge, or know more.

A market is looked at with the first input of every step of time that has one, and whenever its touch, or an order of
ours, moves. In thousandths:

    edge         how fast a spread that opened wide was closed again: reference / (reference + half-life), on average
    depth        how far the size near the touch stands below its long average
    partial      how much of our takers' sizes found nothing left
    tight        the share of time at a spread of one tick
    unfilled     how much of our quotes' sizes ended without a fill
    adverse      the share of our quotes' fills whose price the mid had passed, against us, a horizon later
    imbalance    how far the recent imbalance of the sizes near the touch stands from the long one

Averages over time fade with the recent half-life or with the long one, what is counted in events with one of its own.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64, mypyc_attr

from engine.kernel.events import FILL_MAKER
from engine.kernel.fading import ONE, THOUSAND, Average, Share, clipped, part_of
from engine.kernel.heuristics import CALM, HEURISTICS, MOST_LIFE_NS, HeuristicSettings
from engine.kernel.market import Market
from engine.kernel.order import Order
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.policy import TIF_FAK, TIF_FOK
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID, BUY

DEPTH_LEVELS: Final[i64] = 5
"""Levels of each side that count as near the touch."""
MOST_WAITING: Final[i64] = 64
"""Fills of quotes, in one market, that wait to be judged; the oldest of more is forgotten."""


@final
@mypyc_attr(acyclic=True)
class Waiting:
    """*count* fills of our quotes at one price: twice that price, in price units of the market's first outcome."""

    def __init__(self, at_ns: i64, side: i64, twice: i64, count: i64) -> None:
        self.at_ns: Final[i64] = at_ns
        self.side: Final[i64] = side
        self.twice: Final[i64] = twice
        self.count: i64 = count


@final
class Opponents:
    """One market's measures and levels."""

    def __init__(self, market: Market, settings: HeuristicSettings) -> None:
        self.market: Final[Market] = market
        self.settings: Final[HeuristicSettings] = settings
        self.levels: Final[vec[i64]] = vec[i64]([0] * HEURISTICS)
        self.since_ns: Final[vec[i64]] = vec[i64]([NONE] * HEURISTICS)
        self.buffer_ticks: i64 = 0
        self.pulled: bool = False
        self.due_ns: i64 = NONE
        """When it is looked at even if nothing happens, NONE while it is calm."""

        self._step: i64 = NONE
        # Never between two inputs, for each of these leads to a look.
        self._begun: bool = False  # a step of time has begun since it was last looked at
        self._stirred: bool = False  # something was counted since then, or its timer fired
        # What was seen last: it holds until the next look.
        self._seen: bool = False
        self._is_tight: i64 = 0
        self._size: i64 = 0
        self._lean: i64 = 0
        self._tight: Final[Average] = Average()
        self._size_recent: Final[Average] = Average()
        self._size_long: Final[Average] = Average()
        self._lean_recent: Final[Average] = Average()
        self._lean_long: Final[Average] = Average()

        self._edge_ns: i64 = NONE  # since when the open edge was at its widest
        self._edge_widest: i64 = 0
        self._edges: Final[Share] = Share()
        self._takes: Final[Share] = Share()
        self._quotes: Final[Share] = Share()
        self._fills: Final[Share] = Share()
        self._waiting: list[Waiting] = []

    # -- what happens ----------------------------------------------------------------------------------------------

    def pass_to(self, now_ns: i64) -> None:
        """Let time pass up to *now_ns*. Time that runs backward stands still."""
        step = now_ns // self.settings.sample_ns
        if self._step == NONE:
            self._step = step
            self._begun = True
            return
        steps = step - self._step
        if steps <= 0:
            return
        self._step = step
        self._begun = True
        events = self.settings.events.weight(steps)
        for share in (self._edges, self._takes, self._quotes, self._fills):
            share.fade(events)
        if self._seen:
            recent = self.settings.recent.weight(steps)
            longer = self.settings.long.weight(steps)
            self._tight.hold(self._is_tight, recent)
            self._size_recent.hold(self._size, recent)
            self._size_long.hold(self._size, longer)
            self._lean_recent.hold(self._lean, recent)
            self._lean_long.hold(self._lean, longer)

    def filled(self, order: Order, price: i64, flags: i64, now_ns: i64) -> None:
        """An order of ours traded at *price*; a maker's fill waits to be judged."""
        if flags & FILL_MAKER == 0:
            return
        self.pass_to(now_ns)
        side = order.side
        if order.instrument.complement:
            price = self.market.price_scale - price
            side = 1 - side
        waiting = self._waiting
        if waiting:
            last = waiting[-1]
            if last.at_ns == now_ns and last.side == side and last.twice == 2 * price:
                last.count += 1
                return
        waiting.append(Waiting(now_ns, side, 2 * price, 1))
        if i64(len(waiting)) > MOST_WAITING:
            del waiting[0]

    def ended(self, order: Order, unfilled: i64, now_ns: i64) -> None:
        """An order of ours ended at the venue with *unfilled* of its size left: filled whole, or cancelled."""
        self.pass_to(now_ns)
        self._stirred = True
        part = part_of(unfilled, order.size)
        # The legs of a group want to trade at once, whatever their time in force.
        if order.tif == TIF_FOK or order.tif == TIF_FAK or order.group > 0:
            self._takes.add(part)
        else:
            self._quotes.add(part)

    def fired(self) -> None:
        """Its timer fired: its levels are to be judged again, and it has none."""
        self.due_ns = NONE
        self._stirred = True

    def look(self, now_ns: i64) -> bool:
        """See the market as it is now; whether its levels are to be judged again."""
        self.pass_to(now_ns)
        begun = self._begun
        market = self.market
        if market.ready():
            bid = market.book.best_bid()
            ask = market.book.best_ask()
            if bid != NONE and ask != NONE:
                self._see_edge(ask - bid, now_ns)
                self._see_mid((bid + ask) * market.tick, now_ns)
                if begun:
                    self._sample(ask - bid)
        else:
            self._edge_ns = NONE
        stirred = self._stirred
        self._begun = False
        self._stirred = False
        return begun or stirred

    def _see_edge(self, spread: i64, now_ns: i64) -> None:
        """An edge is what a spread is wider than one tick. Its half-life runs from its widest to half of that."""
        if self._edge_ns == NONE or spread > self._edge_widest:
            if spread >= self.settings.edge_ticks:
                self._edge_ns = now_ns
                self._edge_widest = spread
        elif 2 * (spread - 1) <= self._edge_widest - 1:
            life = now_ns - self._edge_ns
            if life > MOST_LIFE_NS:
                life = MOST_LIFE_NS
            elif life < 0:
                life = 0
            self._edges.add(part_of(self.settings.edge_ns, self.settings.edge_ns + life))
            self._edge_ns = NONE
            self._stirred = True

    def _see_mid(self, twice_mid: i64, now_ns: i64) -> None:
        """Judge the fills that have waited for the horizon, by twice the mid in price units."""
        settings = self.settings
        waiting = self._waiting
        while waiting and now_ns - waiting[0].at_ns >= settings.horizon_ns:
            fill = waiting.pop(0)
            lost = fill.twice - twice_mid if fill.side == BUY else twice_mid - fill.twice
            self._fills.add(ONE if lost >= settings.least_half_ticks * self.market.tick else i64(0), fill.count)
            self._stirred = True

    def _sample(self, spread: i64) -> None:
        """Take what holds from now on, until the next step that looks."""
        bids = self._near(BID)
        asks = self._near(ASK)
        self._is_tight = ONE if spread <= 1 else i64(0)
        self._size = bids + asks
        self._lean = part_of(bids, bids + asks) - part_of(asks, bids + asks)
        if not self._seen:
            self._seen = True
            self._tight.begin(self._is_tight)
            self._size_recent.begin(self._size)
            self._size_long.begin(self._size)
            self._lean_recent.begin(self._lean)
            self._lean_long.begin(self._lean)

    def _near(self, side: i64) -> i64:
        lots: i64 = 0
        for _, there in self.market.book.top(side, DEPTH_LEVELS):
            lots += clipped(there)
        return lots

    # -- what follows ----------------------------------------------------------------------------------------------

    def measures(self) -> tuple[int, int, int, int, int, int, int]:
        """Edge, depth, partial, tight, unfilled, adverse, imbalance, each 0 to 1000."""
        evidence = self.settings.evidence
        long = self._size_long.value()
        missing = long - self._size_recent.value()
        lean = self._lean_recent.value() - self._lean_long.value()
        if lean < 0:
            lean = -lean
        return (
            int(self._edges.thousandths(evidence)),
            int(missing * THOUSAND // long) if missing > 0 else 0,
            int(self._takes.thousandths(evidence)),
            int(self._tight.value() * THOUSAND >> 20),
            int(self._quotes.thousandths(evidence)),
            int(self._fills.thousandths(evidence)),
            int((lean if lean < ONE else ONE) * THOUSAND >> 20),
        )

    def judge(self, heuristic: i64, score: i64, now_ns: i64) -> bool:
        """Move that heuristic's level by its *score*; whether it moved."""
        at = heuristic - 1
        settings = self.settings
        level = self.levels[at]
        rested = level == CALM or now_ns - self.since_ns[at] >= settings.dwell_ns
        new = settings.gauges[at].next_level(level, score, rested)
        if new == level:
            return False
        self.levels[at] = new
        self.since_ns[at] = now_ns
        self._sum_up()
        return True

    def level(self, heuristic: i64) -> i64:
        """The level of that heuristic."""
        return self.levels[heuristic - 1]

    def calm(self) -> bool:
        """Whether all three levels are CALM."""
        return self.levels[0] + self.levels[1] + self.levels[2] == CALM

    def _sum_up(self) -> None:
        self.buffer_ticks = 0
        self.pulled = False
        for at, gauge in enumerate(self.settings.gauges):
            level = self.levels[at]
            self.buffer_ticks += gauge.ticks(level)
            if level >= gauge.pulls:
                self.pulled = True

    # -- checkpoints -----------------------------------------------------------------------------------------------

    def pack(self, packer: Packer) -> None:
        """Append all of it."""
        at: i64 = 0
        while at < HEURISTICS:
            packer.put(self.levels[at])
            packer.put(self.since_ns[at])
            at += 1
        packer.put(self.due_ns)
        packer.put(self._step)
        packer.put(1 if self._seen else 0)
        packer.put(self._is_tight)
        packer.put(self._size)
        packer.put(self._lean)
        for average in self._averages():
            packer.put(average.raw)
        packer.put(self._edge_ns)
        packer.put(self._edge_widest)
        for share in (self._edges, self._takes, self._quotes, self._fills):
            share.pack(packer)
        packer.put(len(self._waiting))
        for fill in self._waiting:
            packer.put(fill.at_ns)
            packer.put(fill.side)
            packer.put(fill.twice)
            packer.put(fill.count)

    def unpack(self, unpacker: Unpacker) -> None:
        """Become what `pack` wrote."""
        take = unpacker.take
        at: i64 = 0
        while at < HEURISTICS:
            self.levels[at] = take()
            self.since_ns[at] = take()
            at += 1
        self.due_ns = take()
        self._step = take()
        self._seen = take() == 1
        self._is_tight = take()
        self._size = take()
        self._lean = take()
        for average in self._averages():
            average.raw = take()
        self._edge_ns = take()
        self._edge_widest = take()
        for share in (self._edges, self._takes, self._quotes, self._fills):
            share.unpack(unpacker)
        self._waiting = []
        for _ in range(take()):
            at_ns, side, twice = take(), take(), take()
            self._waiting.append(Waiting(at_ns, side, twice, take()))
        self._sum_up()

    def _averages(self) -> tuple[Average, Average, Average, Average, Average]:
        return self._tight, self._size_recent, self._size_long, self._lean_recent, self._lean_long
