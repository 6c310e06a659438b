"""
Resimulation: a base's market data, our strategies, and a simulated venue that answers them.

A run keeps its records in an overlay, or only the digests that prove it, or nothing. What the kernel sees, and so what
it decides, does not depend on that: every record has the number it would have on disk.
"""

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Protocol

from attrs import define

from adapters.simulated.reports import VENUE
from engine.kernel import codes, kinds
from engine.kernel.record import ENGINE_SOURCE
from engine.kernel.step import Kernel
from journal.disk import Disk
from journal.errors import JournalError
from journal.reader import Journal
from journal.sealed_writer import SealedWriter
from replay.adversary import outlook_of
from replay.ahead import Ahead
from replay.clock import offsets_of, venue_time
from replay.config import RunConfig
from replay.decoded import DecodedCursor
from replay.feed import Feed
from replay.money import office_of
from replay.opening import positions_in
from replay.pieces import Pieces
from replay.rebuild import kernel_of
from replay.run import KEPT, RunStart
from replay.simulate import ENDED, MOST_AT_ONCE, STANDS_STILL, Timeline
from replay.taken import Taken
from replay.venue import most_round_trip_ns, venue_of

OVERLAY_LEVEL: Final = -1
"""
Of compression: somebody waits for an overlay, and can make it again; an archive is sealed once, by nobody's time. A
fiftieth larger than at level 1, in nine tenths of the time; a quicker one is a sixth larger and saves nothing more.
"""


class Runaway(JournalError):
    """A run that does not get past an instant of time."""

    def __init__(self, now_ns: int, timer: str) -> None:
        super().__init__(
            f"the run stands still at {now_ns} ns: {MOST_AT_ONCE:,} timers and reports were due at that instant{timer}"
        )


class Sink(Protocol):
    """Where the records of an overlay go. Numbers are given in order, from 1."""

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        """Append an input; returns its number."""

    def append_derived(self, kind: int, schema: int, payload: bytes) -> int:
        """Append a record derived from the last input; returns its number."""


class Observing(Protocol):
    """Who looks at a run while it is played (`replay.observe.Observer`)."""

    def attach(self, line: Timeline) -> None:
        """Set when *line* is to let it look first."""

    def look(self, now_ns: int, seq: int, base_seq: int) -> int:
        """
        Look at the run's state at *now_ns*, which the record numbered *seq* explains, and the base's *base_seq*.

        Returns when to look again: later than that.
        """


def overlay_writer(directory: Path, disk: Disk, base: Journal, run: RunStart) -> SealedWriter:
    """A writer for the overlay of *run*, whose bytes are the same whenever the run is the same."""
    identity = blake2b(run.payload(), digest_size=16, person=b"refold-overlay-1").digest()
    return SealedWriter(
        directory,
        disk,
        journal_id=identity,
        wall_ns=max(0, base.segments[0].first_recv_ns),
        sources={simulated_source(base.sources): VENUE},
        level=OVERLAY_LEVEL,
    )


def simulated_source(sources: dict[int, str]) -> int:
    """The simulated venue's source number: one that none of the base's *sources* has."""
    return max([int(ENGINE_SOURCE), *sources]) + 1


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
    digests: list[tuple[int, bytes]]
    """Sequence number and payload of every DIGEST: what a run without records is checked by."""
    path_counts: tuple[int, int]
    """Frames translated on the way, by scanners and by general decoders; none where sidecars gave all."""
    unready: int
    """Facts and requests that met, at the venue, a book not fit to be traded on."""
    clamped: int
    """Inputs that reached us longer after their venue time than the venue is let ahead."""
    clock_offsets_ns: dict[str, int]
    """How far each source's clock was taken to be ahead of ours, by the source's name."""
    accrued: list[tuple[int, int, int]]
    """(events.CREDIT_*, instrument, amount) of what the last day came to and the venue would pay at its end."""
    conversions: dict[int, tuple[int, int, int]]
    """By market number, size units of complete sets that the venue was asked to split and merge, and refused to."""
    taken: Taken | None
    """What was taken out of the base, where a run of its own had orders in that market."""


class Simulation:
    """
    One run: built, then `play`ed once to its end. *sink* may still be exchanged before that.

    Without a sink nothing is kept, and what records would say is not formed. Without an *opening* it begins flat.
    """

    def __init__(
        self, run: RunStart, config: RunConfig, feed: Feed, sink: Sink | None = None, opening: bytes | None = None
    ) -> None:
        assert run.base is None or (run.base.own_orders == KEPT) == (feed.taken is None)
        self.run = run
        self.feed = feed
        self.sink = sink
        self.observer: Observing | None = None
        self.opening = opening
        self.kernel = kernel_of(run)
        self.office = office_of(config.money, run.seed)
        self.venue = venue_of(
            config.venue, self.kernel.data.listings.instruments, run.seed, self.office, config.adversary
        )
        offsets_ns = offsets_of(config.venue.clock, feed)
        self.time = venue_time(config.venue.clock, offsets_ns)
        self.clock_offsets_ns = {feed.sources.get(number, str(number)): ns for number, ns in offsets_ns.items()}
        self.cursor = DecodedCursor(self.kernel)
        self.ahead = Ahead(self.kernel, self.venue, self.cursor, self.time)
        self.outlook = None
        if config.adversary is not None:
            self.outlook = outlook_of(config.adversary, self.kernel, self.venue, self.cursor, self.time)
        self.drain_ns = most_round_trip_ns(config.venue, config.adversary)

    def play(self, progress: Callable[[int], Any] = lambda raw_bytes: None) -> Simulated:
        """
        Run to the end of the base. *progress* is told the raw bytes of each piece folded.

        Raises:
            JournalError: the base is damaged; `Runaway`: a strategy's timers never let time go on.
            UnknownKind: the base holds a record that this build has no meaning for.
        """
        kernel = self.kernel
        kernel.trading.be_silent(self.sink is None)
        line = Timeline(kernel, self.venue, self.cursor, self.ahead, self.sink, simulated_source(self.feed.sources))
        line.drain_ns = self.drain_ns
        pieces = Pieces(self.feed, self.cursor, self.ahead, self.time, progress, self.outlook)
        line.begin(self.feed.first_seq, pieces.begin())
        if self.observer is not None:
            self.observer.attach(line)
        line.input(kinds.RUN_START, ENGINE_SOURCE, self.run.payload())
        if self.opening is not None:
            self.venue.open_with(positions_in(self.opening))
        line.input(kinds.OPENING, ENGINE_SOURCE, self.opening or kernel.trading.opening_payload())
        going = True
        while going:
            pieces.load()
            stopped = line.run()
            going = stopped != ENDED
            if stopped == STANDS_STILL:
                timer = kernel.trading.next_due()
                raise Runaway(line.now_ns, "; a strategy sets one again and again" if timer <= line.now_ns else "")
        pieces.finish()
        line.input(kinds.RUN_STOP, ENGINE_SOURCE, b"{}")
        return self._came_to(line, pieces.clamped)

    def _came_to(self, line: Timeline, clamped: int) -> Simulated:
        counts = {kinds.name(at): int(count) for at, count in enumerate(line.counts) if count}
        verdicts = {codes.name(at): int(count) for at, count in enumerate(line.verdicts) if count}
        return Simulated(
            kernel=self.kernel,
            inputs=int(self.cursor.inputs) + int(line.own_inputs),
            derived=int(line.derived),
            last_seq=int(line.last_seq),
            submitted=int(self.venue.submitted),
            cancels=int(self.venue.cancels),
            fills=int(self.venue.trades),
            counts=dict(sorted(counts.items())),
            verdicts=dict(sorted(verdicts.items())),
            faults=line.faults,
            digests=line.digests,
            path_counts=self._path_counts(),
            unready=int(self.venue.unready),
            clamped=clamped,
            clock_offsets_ns=self.clock_offsets_ns,
            accrued=self.office.accrued(),
            conversions=self.office.sets,
            taken=self.feed.taken,
        )

    def _path_counts(self) -> tuple[int, int]:
        """The feed's translators read what could be packed, the kernel's the rest."""
        fast, slow = self.kernel.path_counts()
        packed_fast, packed_slow = self.feed.path_counts
        return int(fast) + packed_fast, int(slow) + packed_slow
