"""
The market-maker contract, written straight from its text: slow, plain, and independent of everything it judges.

A venue and a client each keep their own book of the same rows; orders travel between them. Every submission, cancel and
fill is kept with its time, so that another implementation can be shown where it differs first.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

STEP_NS = 100_000_000
LATENCY_NS = 5_000_000
OFFSET_TICKS = 2
ORDER_LOTS = 10
BUY, SELL = 1, -1
DEPTH, TRADE = 0, 1


class Row(NamedTuple):
    """One row of a feed: a level of *side* now holds *lots*, or a trade whose aggressor is *side*."""

    exch_ns: int
    local_ns: int
    kind: int
    side: int
    tick: int
    lots: int


class Happened(NamedTuple):
    """A submission or a cancel when the client decided it, or a fill when the venue made it."""

    at_ns: int
    what: str
    side: int
    tick: int


class Order:
    """One order of the client's; *ahead* is what stands before it in the venue's queue."""

    def __init__(self, side: int, tick: int) -> None:
        self.side, self.tick = side, tick
        self.ahead = 0
        self.over = False  # as far as the client knows


class PlainBook:
    """Both sides as dictionaries, from tick to lots."""

    def __init__(self) -> None:
        self.levels: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
        self.best: dict[int, int | None] = {BUY: None, SELL: None}

    def set(self, side: int, tick: int, lots: int) -> None:
        """The level now holds *lots*; 0 removes it."""
        levels, best = self.levels[side], self.best[side]
        if lots:
            levels[tick] = lots
            if best is None or side * tick > side * best:
                self.best[side] = tick
        else:
            levels.pop(tick, None)
            if tick == best:
                self.best[side] = max(levels, key=lambda one: side * one, default=None)

    def meets(self, order: Order) -> bool:
        """Whether the best price of the other side is at the order's, or beyond it."""
        other = self.best[-order.side]
        return other is not None and order.side * other <= order.side * order.tick


class Contract:
    """One run over *rows*, which are in the venue's order."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.seen_by_venue = self.seen_by_client = 0
        self.venue, self.client = PlainBook(), PlainBook()
        self.resting: list[Order] = []
        self.to_venue: deque[tuple[int, str, Order]] = deque()
        self.to_client: deque[tuple[int, Order]] = deque()  # orders that are over
        self.mine: dict[int, Order] = {}  # the latest of each side
        self.log: list[Happened] = []
        self.steps = self.position_lots = self.cash = 0  # cash in ticks times lots

    def play(self) -> "Contract":
        """To the last thing that happens."""
        # In the order of their precedence at one instant.
        acts = (self.client_data, self.client_response, self.venue_data, self.venue_order)
        step_ns = self.rows[0].exch_ns + STEP_NS
        while (due := min(self.due()))[0] < float("inf"):
            if due[0] > step_ns:  # what happens at the step itself is visible at it
                self.step(step_ns)
                step_ns += STEP_NS
            else:
                acts[due[1]]()
        return self

    def due(self) -> list[tuple[float, int]]:
        """When each of the four has its next thing to do."""
        never = float("inf")
        rows = self.rows
        return [
            (rows[self.seen_by_client].local_ns if self.seen_by_client < len(rows) else never, 0),
            (self.to_client[0][0] if self.to_client else never, 1),
            (rows[self.seen_by_venue].exch_ns if self.seen_by_venue < len(rows) else never, 2),
            (self.to_venue[0][0] if self.to_venue else never, 3),
        ]

    # -- the client ------------------------------------------------------------------------------------------------

    def client_data(self) -> None:
        """A row reaches the client."""
        row = self.rows[self.seen_by_client]
        self.seen_by_client += 1
        if row.kind == DEPTH:
            self.client.set(row.side, row.tick, row.lots)

    def client_response(self) -> None:
        """The client hears that an order is over."""
        self.to_client.popleft()[1].over = True

    def step(self, now_ns: int) -> None:
        """Quote two ticks behind each best price; keep an order that stands there already."""
        self.steps += 1
        bid, ask = self.client.best[BUY], self.client.best[SELL]
        if bid is None or ask is None or bid >= ask:
            return
        for side, target in ((BUY, bid - OFFSET_TICKS), (SELL, ask + OFFSET_TICKS)):
            order = self.mine.get(side)
            live = order is not None and not order.over
            if order is not None and live:
                if order.tick == target:
                    continue
                self.log.append(Happened(now_ns, "cancel", side, order.tick))
                self.to_venue.append((now_ns + LATENCY_NS, "cancel", order))
            self.mine[side] = Order(side, target)
            self.log.append(Happened(now_ns, "submit", side, target))
            self.to_venue.append((now_ns + LATENCY_NS, "submit", self.mine[side]))

    # -- the venue -------------------------------------------------------------------------------------------------

    def venue_order(self) -> None:
        """A submission or a cancel reaches the venue."""
        at_ns, what, order = self.to_venue.popleft()
        if what == "cancel":
            if order in self.resting:
                self.over(order, at_ns)
        elif self.venue.meets(order):  # post-only
            self.to_client.append((at_ns + LATENCY_NS, order))
        else:
            order.ahead = self.venue.levels[order.side].get(order.tick, 0)
            self.resting.append(order)

    def venue_data(self) -> None:
        """A row happens at the venue."""
        row = self.rows[self.seen_by_venue]
        self.seen_by_venue += 1
        if row.kind == TRADE:
            for order in [one for one in self.resting if one.side != row.side]:
                if order.tick == row.tick:
                    order.ahead -= row.lots
                if order.side * order.tick > order.side * row.tick or (order.tick == row.tick and order.ahead < 0):
                    self.fill(order, row.exch_ns)
            return
        before = dict(self.venue.best)
        self.venue.set(row.side, row.tick, row.lots)
        for order in self.resting:
            if (order.side, order.tick) == (row.side, row.tick):
                order.ahead = min(order.ahead, row.lots)
        best, old = self.venue.best[row.side], before[row.side]
        if best is not None and (old is None or row.side * best > row.side * old):  # it moved towards the other side
            for order in [one for one in self.resting if one.side != row.side and self.venue.meets(one)]:
                self.fill(order, row.exch_ns)

    def fill(self, order: Order, at_ns: int) -> None:
        """The whole order trades, at its own price."""
        self.log.append(Happened(at_ns, "fill", order.side, order.tick))
        self.position_lots += order.side * ORDER_LOTS
        self.cash -= order.side * ORDER_LOTS * order.tick
        self.over(order, at_ns)

    def over(self, order: Order, at_ns: int) -> None:
        """It leaves the book, and the client hears of it."""
        self.resting.remove(order)
        self.to_client.append((at_ns + LATENCY_NS, order))

    # -- answers ---------------------------------------------------------------------------------------------------

    def count(self, what: str) -> int:
        """How often *what* happened."""
        return sum(one.what == what for one in self.log)

    def doubled_equity(self) -> int:
        """Twice the worth of cash and position, in ticks times lots, at the middle of the client's last touch."""
        bid, ask = self.client.best[BUY], self.client.best[SELL]
        assert bid is not None
        assert ask is not None
        return 2 * self.cash + self.position_lots * (bid + ask)
