"""
Resimulation: a base journal's market data, our strategies, and a simulated venue that answers them.

The run writes to a sink: an overlay on disk, or nothing but the next sequence number. What the kernel sees, and so what
it decides, does not depend on the sink: every record has the number it would have on disk.
"""

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from attrs import define

from adapters.simulated.reports import VENUE
from adapters.simulated.venue import SimulatedVenue
from engine.kernel import codes, kinds
from engine.kernel.derived import decode
from engine.kernel.inputs import timer_payload
from engine.kernel.record import ENGINE_SOURCE, NONE
from engine.kernel.request import decode_request
from engine.kernel.step import Kernel
from journal.background import Background
from journal.codec import Cursor
from journal.disk import Disk
from journal.errors import JournalError
from journal.reader import Journal
from journal.writer import Writer
from replay.config import RunConfig
from replay.overlay import span_payload
from replay.rebuild import kernel_of
from replay.run import RunStart
from replay.simulate import CONCLUDED, ENDED, EVENT_DUE, SimulationFold

END = 2**63 - 1
MOST_AT_ONCE = 100_000
"""Inputs of a run's own at one instant; more can only be a strategy that never lets time go on."""
ONLY_AT_THE_END = 1 << 40
"""Unsynced bytes that an overlay may have: more than it can hold."""


class Runaway(JournalError):
    """A run that does not get past an instant of time."""

    def __init__(self, now_ns: int, timer: str) -> None:
        super().__init__(
            f"the run stands still at {now_ns} ns: {MOST_AT_ONCE:,} timers and reports were due at that instant{timer}"
        )


class Sink(Protocol):
    """Where a resimulation's records go."""

    @property
    def last_seq(self) -> int:
        """Number of the last record."""

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        """Append an input; returns its number."""

    def append_derived(self, kind: int, schema: int, payload: bytes) -> int:
        """Append a record derived from the last input; returns its number."""


@define
class Counting:
    """The sink that keeps nothing: it only counts, as a journal would."""

    last_seq: int = 0

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        """Count an input."""
        self.last_seq += 1
        return self.last_seq

    def append_derived(self, kind: int, schema: int, payload: bytes) -> int:
        """Count a derived record."""
        self.last_seq += 1
        return self.last_seq


def overlay_writer(directory: Path, disk: Disk, background: Background, base: Journal, run: RunStart) -> Writer:
    """
    A writer for the overlay of *run*, whose bytes are the same whenever the run is the same.

    No effect waits for it, so it syncs when a segment ends and at no other time: where a COMMIT stands would depend on
    how fast the disk is.
    """
    sources = {simulated_source(base): VENUE}
    identity = blake2b(run.payload(), digest_size=16, person=b"refold-overlay-1").digest()
    start_ns = max(0, base.segments[0].first_recv_ns)
    return Writer.create(
        directory,
        disk,
        background,
        journal_id=identity,
        wall_ns=start_ns,
        mono_ns=0,
        sources=sources,
        sync_bytes=ONLY_AT_THE_END,
    )


def simulated_source(base: Journal) -> int:
    """The simulated venue's source number in an overlay: one that no source of the base has."""
    return max([int(ENGINE_SOURCE), *base.sources]) + 1


@define
class Simulated:
    """What a resimulation came to. `kernel` holds the state at its end."""

    kernel: Kernel
    inputs: int
    """Inputs folded: the base's and the run's own."""
    derived: int
    last_seq: int
    submitted: int
    cancels: int
    fills: int
    counts: dict[str, int]
    """Derived records by kind."""
    verdicts: dict[str, int]
    """Verdicts by the name of their code: OK, and why the other intents were refused."""
    faults: list[str]
    """Tracebacks of exceptions that strategies raised."""


class Simulation:
    """One run: built, then `play`ed once to its end. *sink* may still be exchanged before that."""

    def __init__(self, run: RunStart, config: RunConfig, base: Journal, sink: Sink) -> None:
        self.run = run
        self.base = base
        self.sink = sink
        self.kernel = kernel_of(run)
        self.venue = SimulatedVenue(
            self.kernel.data.listings.instruments, config.venue.order_latency_ns, config.venue.report_latency_ns
        )
        self.fold = SimulationFold(self.kernel, self.venue, END)
        self.source = simulated_source(base)
        self.own_inputs = 0
        self.derived = 0
        self.counts: dict[str, int] = {}
        self.verdicts: dict[str, int] = {}
        self.faults: list[str] = []
        self.now_ns = max(0, base.segments[0].first_recv_ns)
        self.round_trip_ns = config.venue.order_latency_ns + config.venue.report_latency_ns
        self.at_once = 0

    def play(self, progress: Callable[[int], Any] = lambda raw_bytes: None) -> Simulated:
        """
        Run to the end of the base. *progress* is told the raw bytes of each block folded.

        Raises:
            JournalError: the base is damaged; `Runaway`: a strategy's timers never let time go on.
            UnknownKind: the base holds a record that this build has no meaning for.
        """
        self.input(kinds.RUN_START, ENGINE_SOURCE, self.run.payload())
        self.input(kinds.OPENING, ENGINE_SOURCE, self.kernel.trading.opening_payload())
        self.fold.begin_span(self.sink.last_seq + 1, self.base.first_seq)
        for block in self.base.blocks():
            self.block(block.data, block.start, block.end)
            progress(len(block.data))
        self.drain()
        self.close_span()
        self.input(kinds.RUN_STOP, ENGINE_SOURCE, b"{}")
        return Simulated(
            kernel=self.kernel,
            inputs=int(self.fold.inputs) + self.own_inputs,
            derived=self.derived,
            last_seq=self.sink.last_seq,
            submitted=int(self.venue.submitted),
            cancels=int(self.venue.cancels),
            fills=int(self.venue.trades),
            counts=dict(sorted(self.counts.items())),
            verdicts=dict(sorted(self.verdicts.items())),
            faults=self.faults,
        )

    def block(self, data: bytes, offset: int, end: int) -> None:
        """Fold one block of the base, and everything that happens meanwhile."""
        fold = self.fold
        while offset < end:
            offset = int(fold.fold(data, offset, end))
            self.now_ns = max(self.now_ns, int(fold.recv_ns))
            if fold.stopped == CONCLUDED:
                self.conclude(self.close_span())
                self.open_span()
            elif fold.stopped == EVENT_DUE:
                cursor = Cursor(data, offset, end)
                cursor.next()
                self.events(int(cursor.recv_ns))
            elif fold.stopped == ENDED:
                return

    def events(self, before_ns: int) -> None:
        """What the venue and the timers do before *before_ns*, in the order of its time."""
        while True:
            due = int(self.fold.due_ns())
            if due == NONE or due >= before_ns:
                return
            self.event(due)

    def event(self, due: int) -> None:
        """One thing that is due: what reaches us comes before our timers, and these before what the venue does."""
        self.at_once = self.at_once + 1 if due <= self.now_ns else 0
        if self.at_once > MOST_AT_ONCE:
            timer = self.kernel.trading.next_due()
            raise Runaway(self.now_ns, "; a strategy sets one again and again" if timer == due else "")
        self.now_ns = max(self.now_ns, due)
        report = self.venue.take_report(due)
        if report is not None:
            self.own(int(report.kind), self.source, report.payload)
        elif self.kernel.trading.next_due() == due:
            self.own(kinds.TIMER, ENGINE_SOURCE, timer_payload(self.kernel.trading.next_timer(), due))
        else:
            self.venue.advance(due)

    def own(self, kind: int, source: int, payload: bytes) -> None:
        """An input of the run's own, between base records."""
        self.close_span()
        self.input(kind, source, payload)
        self.open_span()

    def drain(self) -> None:
        """
        After the base's last record: let what is on its way arrive, and its answers.

        One round trip and no more: a strategy with a timer could go on for ever in a market that stands still.
        """
        until_ns = self.now_ns + self.round_trip_ns
        while self.venue.busy() and self.fold.due_ns() <= until_ns:
            self.event(int(self.fold.due_ns()))

    def open_span(self) -> None:
        """The base records that follow belong to a new span."""
        fold = self.fold
        if fold.kept:
            fold.begin_span(self.sink.last_seq + 1, int(fold.last_base) + 1)
        else:
            fold.span_seq = self.sink.last_seq + 1

    def close_span(self) -> int:
        """Write the open span, if it holds anything; returns its number."""
        fold = self.fold
        if fold.kept == 0:
            return 0
        payload = span_payload(int(fold.first_base), int(fold.last_base))
        return self.sink.append_input(kinds.SPAN, 1, ENGINE_SOURCE, int(fold.recv_ns), NONE, payload)

    def input(self, kind: int, source: int, payload: bytes) -> None:
        """Append and fold one input at the present time."""
        seq = self.sink.append_input(kind, 1, source, self.now_ns, NONE, payload)
        self.own_inputs += 1
        self.kernel.step(seq, self.now_ns, kind, source, payload, 0, len(payload))
        self.conclude(seq)

    def conclude(self, seq: int) -> None:
        """Append what the kernel derived from input *seq*, and send its requests on their way."""
        for record in self.kernel.out.records:
            number = self.sink.append_derived(int(record.kind), int(record.schema), record.payload)
            self.derived += 1
            name = kinds.name(record.kind)
            self.counts[name] = self.counts.get(name, 0) + 1
            if record.kind == kinds.REQUEST:
                self.venue.submit(decode_request(number, record.payload), self.now_ns)
            elif record.kind == kinds.VERDICT:
                code = decode(record.kind, record.schema, record.payload)["code"]
                assert isinstance(code, int)
                said = codes.name(code)
                self.verdicts[said] = self.verdicts.get(said, 0) + 1
            elif record.kind == kinds.STRAT_FAULT:
                self.faults.append(self.kernel.trading.last_fault)
