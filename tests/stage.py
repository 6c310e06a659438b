"""A simulated venue with one binary market whose book a test moves, and a driver that keeps time as a resimulation."""

import struct

from attrs import frozen
from trading_room import Room, binary

from adapters.simulated.models import Models, plain
from adapters.simulated.reports import Report
from adapters.simulated.venue import SimulatedVenue
from engine.kernel import kinds
from engine.kernel.derived import CANCEL, PLACE
from engine.kernel.events import SIDE_UNKNOWN, Listing
from engine.kernel.order import FLAG_POST_ONLY, FLAG_REDUCE_ONLY
from engine.kernel.pack import Packer
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
    payload = report.payload(Packer())
    fields = struct.unpack(f"<{len(payload) // 8}q", payload)
    name = kinds.name(report.kind).removeprefix("SIM_")
    if name == "FILLED":
        request, venue_ns, price, size, flags, trade, _ = fields
        return Said(report.at_ns, name, request, venue_ns, size, price, flags & 1 == 1, trade)
    return Said(report.at_ns, name, *fields)


class Stage:
    """Time begins at 0 and only `frame` and `wait` move it; `heard` is what has reached us by now."""

    def __init__(
        self, order_ms: int = 40, report_ms: int = 30, models: Models | None = None, listing: Listing | None = None
    ) -> None:
        self.room = Room(binary(min_size=5 * LOT) if listing is None else listing)
        self.market = self.room.markets[0]
        self.tick, self.lot = int(self.market.tick), int(self.market.lot)
        self.order_ns, self.report_ns = order_ms * MS, report_ms * MS
        if models is None:
            models = plain(self.order_ns, self.report_ns)
        self.venue = SimulatedVenue(self.room.instruments, models)
        self.now = 0
        self.heard: list[Said] = []
        self.facts: list[tuple[int, str, int, int, int]] = []
        """What the venue was told: (time, "level" or "trade", side, price units, size)."""
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
        reduce_only: bool = False,
    ) -> int:
        """Send an order; returns its request's number."""
        flags = (FLAG_POST_ONLY if post_only else 0) | (FLAG_REDUCE_ONLY if reduce_only else 0)
        expires = NONE if ttl_ns is None else self.now + ttl_ns
        units = ticks * self.tick if price is None else price
        return self._send(PLACE, outcome, side, units, lots * self.lot, tif_number(tif), flags, expires, 0)

    def cancel(self, target: int) -> int:
        """Send a cancel for the order of request *target*."""
        outcome = self.sent[target].instrument if target in self.sent else 0
        return self._send(CANCEL, outcome, BUY, 0, 0, 0, 0, NONE, target)

    def _send(
        self, what: int, outcome: int, side: int, price: int, size: int, tif: int, flags: int, expires: int, target: int
    ) -> int:
        number = len(self.sent) + 1
        instrument = self.room.instruments[outcome]
        request = Request(
            number, what, b"", 0, "v", instrument.symbol, outcome, side, price, 4, size, 6, tif, flags, self.now,
            expires, target,
        )  # fmt: skip
        self.sent[number], self.sent_ns[number] = request, self.now
        self.venue.submit(request, self.now, number)
        return number

    def frame(
        self, at_ns: int, bid: int | None = None, ask: int | None = None, lots: int = 500, traded: int | None = None,
        traded_lots: int = 1, taker: int = SIDE_UNKNOWN,
    ) -> None:  # fmt: skip
        """Everything due before *at_ns*, then a frame with the whole book, or with a trade at *traded* ticks."""
        self.to(at_ns)
        if bid is not None and ask is not None:
            self.snapshot({bid: lots}, {ask: lots})
        if traded is not None:
            self.trade(traded, traded_lots, taker)

    def to(self, at_ns: int) -> None:
        """The instant *at_ns*, before anything of ours happens in it."""
        self.run(at_ns - 1)
        self.now = at_ns

    def snapshot(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        """A full book, of which the venue is told."""
        self.levels(bids, asks)
        self.venue.snapshot(0, self.now)
        for side, levels in ((BID, bids), (ASK, asks)):
            for tick, lots in levels.items():
                self.facts.append((self.now, "level", side, tick * self.tick, lots * self.lot))
                self.venue.level_set(0, side, tick * self.tick, lots * self.lot, self.now)
        self.venue.snapshot_end(0, self.now)

    def level(self, side: int, tick: int, lots: int) -> None:
        """One level changes, and the venue is told."""
        self.market.book.set_level(side, tick, lots)
        self.facts.append((self.now, "level", side, tick * self.tick, lots * self.lot))
        self.venue.level_set(0, side, tick * self.tick, lots * self.lot, self.now)

    def trade(self, tick: int, lots: int, taker: int) -> None:
        """Someone else trades, and the venue is told."""
        self.facts.append((self.now, "trade", taker, tick * self.tick, lots * self.lot))
        self.venue.traded(0, tick * self.tick, lots * LOT, taker, self.now)

    def levels(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        """The book, without a fact that would tell the venue."""
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
        """What is due by *until_ns*, one thing at a time: reports, then the venue's own, then one arrival."""
        venue = self.venue
        while (due := venue.next_ns()) != NONE and due <= until_ns:
            assert due >= self.now, "time goes forward"
            self.now = due
            report = venue.take_report(due)
            if report is not None:
                self.heard.append(read(report))
            elif (own := venue.next_own_ns()) != NONE and own <= due:
                venue.act(due)
            else:
                if venue.arrival_market() >= 0:
                    venue.book.begin(self.room.markets[int(venue.arrival_market())])
                venue.arrive(due)

    def of(self, number: int) -> list[Said]:
        """What was heard of one request."""
        return [said for said in self.heard if said.request == number]
