"""
Two clocks the obvious way: a second kernel keeps every book at venue time, and the venue is told every fact.

`play_slowly` gives the records that a run has to have, for a run that `two_clocks_room` makes. It steps from event to
event and looks for nothing ahead; only what a record says is made by the code under test.
"""

from typing import Any

from attrs import define, field

from adapters.simulated.venue import SimulatedVenue
from engine.kernel import events, kinds
from engine.kernel.events import EventBatch
from engine.kernel.market import Instrument
from engine.kernel.record import ENGINE_SOURCE, NONE
from engine.kernel.step import Kernel
from engine.kernel.units import BUY, SELL
from replay.ahead import Ahead
from replay.config import RunConfig
from replay.decoded import DecodedCursor
from replay.feed import MemoryFeed
from replay.money import office_of
from replay.rebuild import bare_kernel, kernel_of
from replay.resimulation import Sink, simulated_source
from replay.run import RunStart
from replay.simulate import Timeline
from replay.venue import most_round_trip_ns, venue_of
from replay.venue_time import VenueTime

MOST_LAG_NS = 2_000_000_000
Row = tuple[int, str, int, int, int]
"""Type of the event, text of its symbol, and its first three fields."""


@define
class Told:
    """One input: its rows, or the payload of a raw one."""

    kind: int
    source: int
    recv_ns: int
    src_ns: int
    rows: list[Row] = field(factory=list)
    payload: bytes = b""

    @property
    def snapshot(self) -> bool:
        """Whether a full book is in it."""
        return any(row[0] == events.SNAPSHOT for row in self.rows)


@define
class Fact:
    """What the venue did at one time: rows of one input."""

    at_ns: int
    told: Told
    rows: list[Row]


def venue_ns(told: Told, offset_ns: int, feed_latency_ns: int) -> int:
    """When the venue did what *told* says, but for the order that a market's facts keep."""
    if told.snapshot or told.src_ns == NONE:
        return told.recv_ns - feed_latency_ns
    return min(told.recv_ns, max(told.recv_ns - MOST_LAG_NS, told.src_ns - offset_ns))


def facts(inputs: list[Told], market_of: dict[str, str], offsets_ns: dict[int, int], latency_ns: int) -> list[Fact]:
    """All that happened, in the venue's order: by time, and at one time as it was recorded."""
    latest: dict[str, int] = {}
    found: list[Fact] = []
    for told in inputs:
        if told.payload:
            found.append(Fact(told.recv_ns, told, []))  # raw inputs act when we hear of them
            continue
        at_ns = venue_ns(told, offsets_ns.get(told.source, 0), latency_ns)
        times: dict[int, list[Row]] = {}
        for row in told.rows:
            market = market_of[row[1]]
            latest[market] = max(at_ns, latest.get(market, at_ns))
            times.setdefault(latest[market], []).append(row)
        found += [Fact(one, told, rows) for one, rows in times.items()]
    return sorted(found, key=lambda fact: fact.at_ns)


class SlowVenue:
    """The venue, its books at its own time, and what is still to happen there."""

    def __init__(self, run: RunStart, config: RunConfig, happens: list[Fact]) -> None:
        self.kernel = bare_kernel()
        office = office_of(config.money, run.seed)
        self.venue: SimulatedVenue = venue_of(config.venue, self.kernel.data.listings.instruments, run.seed, office)
        self._coming = iter(happens)
        self._next: Fact | None = next(self._coming, None)
        self._count = 0

    def next_fact_ns(self) -> int | None:
        """When something happens next."""
        return None if self._next is None else self._next.at_ns

    def happen(self) -> None:
        """The next fact: the books move, and the venue is told."""
        fact = self._next
        assert fact is not None
        self._next = next(self._coming, None)
        self._count += 1
        told = fact.told
        if told.payload:
            self.kernel.step(
                self._count, fact.at_ns, told.kind, told.source, told.payload, 0, len(told.payload), self._count
            )
            return
        fill(self.kernel, self.kernel.batch, told.kind, fact.rows, told.src_ns)
        self.kernel.step_decoded(self._count, fact.at_ns, told.kind, told.source)
        for row in fact.rows:
            self._tell(row, self._instrument(told.kind, row[1]), fact.at_ns)

    def have_book(self, market: int) -> None:
        """Make the book that of *market*, unless none is needed."""
        if market >= 0:
            self.venue.book.begin(self.kernel.data.listings.markets[market])

    def _instrument(self, kind: int, text: str) -> Instrument:
        translator = self.kernel.translator(kind)
        assert translator is not None
        found = self.kernel.data.listings.find(translator.symbols, translator.symbols.number(text))
        assert found is not None
        return found

    def _tell(self, row: Row, instrument: Instrument, at_ns: int) -> None:
        kind, _, a, b, c = row
        venue, market = self.venue, instrument.market
        number, scale = market.number, market.price_scale
        if kind == events.LEVEL_SET:
            if instrument.complement:
                a, b = 1 - a, scale - b
            venue.level_set(number, a, b, c, at_ns)
        elif kind == events.TRADED:
            if instrument.complement:
                a, c = scale - a, {int(BUY): int(SELL), int(SELL): int(BUY)}.get(c, c)
            venue.traded(number, a, b, c, at_ns)
        elif kind == events.SNAPSHOT:
            venue.snapshot(number, at_ns)
        elif kind == events.SNAPSHOT_END:
            venue.snapshot_end(number, at_ns)
        elif kind == events.STATUS:
            venue.status(number, a, at_ns)
        elif kind == events.TICK_CHANGED:
            venue.tick_changed(number, b, at_ns)


def fill(
    kernel: Kernel | None, batch: EventBatch, kind: int, rows: list[Row], src_ns: int, numbers: Any = None
) -> None:
    """Make *batch* these rows, with the symbol numbers of *kernel*, or else with *numbers*."""
    batch.clear()
    if kernel is not None:
        translator = kernel.translator(kind)
        assert translator is not None
        numbers = translator.symbols.number
    for event, text, a, b, c in rows:
        number = numbers(text)
        if event == events.DIFF:
            batch.add(event, number, NONE, NONE, NONE, src_ns, events.RULE_NONE, 0)
        elif event == events.SNAPSHOT:
            batch.add(event, number, NONE, src_ns, events.RULE_NONE, 0, 0, 0)
        elif event == events.TRADED:
            batch.add(event, number, a, b, c, src_ns, NONE, 0)
        elif event == events.STATUS:
            batch.add(event, number, a, src_ns, 0, 0, 0, 0)
        elif event == events.TICK_CHANGED:
            batch.add(event, number, a, b, src_ns, 0, 0, 0)
        else:
            batch.add(event, number, a, b, c, 0, 0, 0)


def play_slowly(
    run: RunStart, config: RunConfig, feed: MemoryFeed, start_ns: int, happens: list[Fact], sink: Sink
) -> None:
    """Play *run* on *feed* from *start_ns* on; the venue's side of it is *happens*, and records go to *sink*."""
    kernel = kernel_of(run)
    slow = SlowVenue(run, config, happens)
    venue = slow.venue
    cursor = DecodedCursor(kernel)
    for piece in feed.pieces():
        cursor.add(piece)
    unused = Ahead(kernel, venue, cursor, VenueTime(0, 1))
    line = Timeline(kernel, venue, cursor, unused, sink, simulated_source(feed.sources))
    line.begin(feed.first_seq, start_ns)
    line.input(kinds.RUN_START, ENGINE_SOURCE, run.payload())
    line.input(kinds.OPENING, ENGINE_SOURCE, kernel.trading.opening_payload())
    drain_ns = most_round_trip_ns(config.venue)
    while True:
        data = cursor.next_ns()
        timer = kernel.trading.next_due()
        due = [
            None if data == NONE else data,
            _time(venue.next_report_ns()),
            _time(timer),
            slow.next_fact_ns(),
            _time(venue.next_own_ns()),
            _time(venue.next_arrival_ns()),
        ]
        if data == NONE and slow.next_fact_ns() is None:
            own = [one for place, one in enumerate(due) if one is not None and place != 3]
            waits = bool(own) and venue.busy() and min(own) <= int(cursor.recv_ns) + drain_ns
            if not own or (min(own) > int(line.now_ns) and not waits):
                break
        at_ns = min(one for one in due if one is not None)
        what = due.index(at_ns)  # the first of those due at one instant
        line.now_ns = max(int(line.now_ns), at_ns)
        if what == 0:
            cursor.fold_next()
            if kernel.out.records:
                line._conclude(line.close_span())
                line._open_span()
        elif what == 1:
            report = venue.take_report(at_ns)
            assert report is not None
            line._report(report)
        elif what == 2:
            line._timer(kernel.trading.next_timer(), timer)
        elif what == 3:
            slow.happen()
        elif what == 4:
            slow.have_book(venue.own_market())
            venue.act(at_ns)
        else:
            slow.have_book(venue.arrival_market())
            venue.arrive(at_ns)
    line.input(kinds.RUN_STOP, ENGINE_SOURCE, b"{}")


def _time(at_ns: int) -> int | None:
    return None if at_ns == NONE else int(at_ns)
