"""
The hot half of a resimulation: base records into the kernel and past the simulated venue. Compiled.

What happens rarely (a decision, a report, a timer) stops the fold and is the driver's business (`replay.resimulation`).
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.venue import SimulatedVenue
from engine.kernel.record import CONTROL, DERIVED, NONE
from engine.kernel.step import Kernel
from journal.codec import Cursor
from replay.strict import is_kept

GOING: Final[i64] = 0
CONCLUDED: Final[i64] = 1  # the kernel derived records from the base record just folded
EVENT_DUE: Final[i64] = 2  # a report, an arrival or a timer comes before the next base record
ENDED: Final[i64] = 3  # the last base record wanted was folded before


@final
class SimulationFold:
    """
    Folds the kept records of a base; `stopped` says why `fold` returned.

    `first_base` and `last_base` are the base records passed since `begin_span`, `kept` how many of them were folded;
    `recv_ns` is the time of the last one folded, `inputs` the number of them all.
    """

    def __init__(self, kernel: Kernel, venue: SimulatedVenue, until_base: i64) -> None:
        self.kernel: Final[Kernel] = kernel
        self.venue: Final[SimulatedVenue] = venue
        self.until_base: Final[i64] = until_base
        self.span_seq: i64 = 0
        self.first_base: i64 = 0
        self.last_base: i64 = 0
        self.kept: i64 = 0
        self.recv_ns: i64 = 0
        self.inputs: i64 = 0
        self.stopped: i64 = GOING

    def begin_span(self, seq: i64, first_base: i64) -> None:
        """The next base records are folded as input *seq*; *first_base* is the first that the span will cover."""
        self.span_seq = seq
        self.first_base = first_base
        self.last_base = first_base - 1
        self.kept = 0

    def due_ns(self) -> i64:
        """When the venue or a timer has something to do next; NONE when neither has."""
        venue = self.venue.next_ns()
        timer = self.kernel.trading.next_due()
        if venue == NONE:
            return timer
        if timer == NONE or venue < timer:
            return venue
        return timer

    def fold(self, data: bytes, start: i64, end: i64) -> i64:
        """Fold records from data[start:end]; returns the offset behind the last one looked at. See `stopped`."""
        cursor = Cursor(data, start, end)
        kernel = self.kernel
        venue = self.venue
        self.stopped = GOING
        due = self.due_ns()
        while cursor.next():
            if cursor.flags & CONTROL:
                continue
            if cursor.seq > self.until_base:
                self.stopped = ENDED
                return cursor.offset
            if cursor.flags & DERIVED or not is_kept(cursor.kind):
                self.last_base = cursor.seq
                continue
            if due != NONE and due < cursor.recv_ns:
                self.stopped = EVENT_DUE
                return cursor.offset
            self.recv_ns = cursor.recv_ns
            self.last_base = cursor.seq
            self.inputs += 1
            self.kept += 1
            kernel.step(
                self.span_seq,
                cursor.recv_ns,
                cursor.kind,
                cursor.source,
                data,
                cursor.payload_start,
                cursor.payload_end,
                cursor.seq,
            )
            venue.observe(kernel.data.moved, cursor.recv_ns)
            if kernel.out.records:
                self.stopped = CONCLUDED
                return cursor.next_offset
            due = self.due_ns()
        return end
