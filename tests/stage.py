"""A simulated venue with one binary market whose book a test moves, and a driver that keeps time as a resimulation."""

import struct

from attrs import frozen
from trading_room import Room, binary

from adapters.simulated.reports import Report
from adapters.simulated.venue import SimulatedVenue
from engine.kernel import kinds
from engine.kernel.derived import CANCEL, PLACE
from engine.kernel.market import WAKE_TRADE
from engine.kernel.order import FLAG_POST_ONLY
from engine.kernel.policy import tif_number
from engine.kernel.record import NONE
from engine.kernel.request import Request
from engine.kernel.units import ASK, BID, BUY

MS = 1_000_000
TICK = 100
LOT = 10_000
"""Price and size units of the market's tick (0.01) and lot (0.01)."""


@frozen
class Said:
    """A report, read: *value* is its last field (size filled, or reason); fills have *price*, *maker* and *trade*."""

    at_ns: int
    kind: str
    request: int
    venue_ns: int
    value: int = 0
    price: int = 0
    maker: bool = False
    trade: int = 0


def read(report: Report) -> Said:
    """What *report* says."""
    fields = struct.unpack(f"<{len(report.payload) // 8}q", report.payload)
    name = kinds.name(report.kind).removeprefix("SIM_")
    if name == "FILLED":
        request, venue_ns, price, size, flags, trade = fields
        return Said(report.at_ns, name, request, venue_ns, size, price, flags == 1, trade)
    return Said(report.at_ns, name, *fields)


class Stage:
    """Time begins at 0 and only `frame` and `wait` move it; `heard` is what has reached us by now."""

    def __init__(self, order_ms: int = 40, report_ms: int = 30) -> None:
        self.room = Room(binary(min_size=5 * LOT))
        self.market = self.room.markets[0]
        self.order_ns, self.report_ns = order_ms * MS, report_ms * MS
        self.venue = SimulatedVenue(self.room.instruments, self.order_ns, self.report_ns)
        self.now = 0
        self.heard: list[Said] = []
        self.sent: dict[int, Request] = {}
        self.sent_ns: dict[int, int] = {}
        self.room.touch(40, 42, 500)

    def place(
        self,
        side: int,
        ticks: int,
        lots: int,
        tif: str = "GTC",
        post_only: bool = False,
        ttl_ns: int | None = None,
        outcome: int = 0,
        price: int | None = None,
    ) -> int:
        """Send an order; returns its request's number."""
        flags = FLAG_POST_ONLY if post_only else 0
        expires = NONE if ttl_ns is None else self.now + ttl_ns
        units = ticks * TICK if price is None else price
        return self._send(PLACE, outcome, side, units, lots * LOT, tif_number(tif), flags, expires, 0)

    def cancel(self, target: int) -> int:
        """Send a cancel for the order of request *target*."""
        return self._send(CANCEL, 0, BUY, 0, 0, 0, 0, NONE, target)

    def _send(
        self, what: int, outcome: int, side: int, price: int, size: int, tif: int, flags: int, expires: int, target: int
    ) -> int:
        number = len(self.sent) + 1
        instrument = self.room.instruments[outcome]
        request = Request(
            number, what, b"", "", 0, "v", instrument.symbol, outcome, side, price, 4, size, 6, tif, flags, self.now,
            expires, target,
        )  # fmt: skip
        self.sent[number], self.sent_ns[number] = request, self.now
        self.venue.submit(request, self.now)
        return number

    def frame(
        self, at_ns: int, bid: int | None = None, ask: int | None = None, lots: int = 500, traded: int | None = None
    ) -> None:
        """Everything due before *at_ns*, then a frame that sets the touch, or tells of a trade at *traded* ticks."""
        self.run(at_ns - 1)
        self.now = at_ns
        market = self.market
        if bid is not None and ask is not None:
            self.levels({bid: lots}, {ask: lots})
        if traded is not None:
            market.wake |= WAKE_TRADE
            market.trade_low = market.trade_high = traded * TICK
        market.touched = True
        self.venue.observe([market], at_ns)
        market.touched = False
        market.wake = 0

    def levels(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        """The book, without a frame that would tell the venue to look."""
        self.market.book.clear()
        for side, levels in ((BID, bids), (ASK, asks)):
            for tick, lots in levels.items():
                self.market.book.set_level(side, tick, lots)

    def wait(self, until_ns: int) -> list[Said]:
        """Let time go on; returns what was heard on the way."""
        before = len(self.heard)
        self.run(until_ns)
        self.now = max(self.now, until_ns)
        return self.heard[before:]

    def settle(self) -> list[Said]:
        """Until nothing is on its way; returns all that was heard."""
        while self.venue.busy():
            self.wait(int(self.venue.next_ns()))
        return self.heard

    def run(self, until_ns: int) -> None:
        """What is due by *until_ns*, one instant at a time, reports before what the venue does."""
        while (due := self.venue.next_ns()) != NONE and due <= until_ns:
            assert due >= self.now, "time goes forward"
            self.now = due
            report = self.venue.take_report(due)
            if report is None:
                self.venue.advance(due)
            else:
                self.heard.append(read(report))

    def of(self, number: int) -> list[Said]:
        """What was heard of one request."""
        return [said for said in self.heard if said.request == number]
