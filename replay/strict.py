"""
The strict fold: inputs into the kernel, derived records against what the kernel concludes. Compiled.

One `StrictFold` serves one run. It stops, and says where, at what only its driver can handle: the start of the next
run, a span of another journal's records, a DIGEST behind which a checkpoint is wanted, a difference.
"""

from typing import Any, Final, final

from mypy_extensions import i64

from engine.kernel.kinds import CONNECTION, DIGEST, DROP, POLYMARKET_USER, RUN_START, SPAN
from engine.kernel.outbox import Derived
from engine.kernel.record import CONTROL, DERIVED, ENGINE_SOURCE, NONE
from engine.kernel.step import Kernel
from journal.codec import Cursor, encode
from replay.decoded import DecodedCursor
from replay.venue_time import END

GOING: Final[i64] = 0
AT_RUN_START: Final[i64] = 1
AT_SPAN: Final[i64] = 2
AT_UNTIL: Final[i64] = 3
DIVERGED: Final[i64] = 4
AT_DIGEST: Final[i64] = 5
TOOK_BREATH: Final[i64] = 6  # enough was folded at once; nothing is wrong


NEVER: Final[i64] = 1 << 61
"""More inputs than any run has."""


def is_kept(kind: i64) -> bool:
    """
    Whether a resimulation takes records of *kind* from its base: market data, what was dropped of it,
    catalogues and connection state.

    What concerned the base run's own orders and decisions is dropped: private frames, outcomes, timers, commands, runs.
    """
    if 0x0100 <= kind < 0x0F00:
        return kind != POLYMARKET_USER
    return kind in (CONNECTION, DROP)


@final
class Difference:
    """
    The first record that is not what the kernel concludes.

    *found* is the stored record's bytes (empty: it is missing), *expected* the record as it should read (empty:
    nothing should stand there); *cause* the input both answer, *offset* where in the block.
    """

    def __init__(self, seq: i64, offset: i64, cause: i64, expected: bytes, found: bytes) -> None:
        self.seq: Final[i64] = seq
        self.offset: Final[i64] = offset
        self.cause: Final[i64] = cause
        self.expected: Final[bytes] = expected
        self.found: Final[bytes] = found


@final
class StrictFold:
    """
    Folds blocks of one journal into *kernel*. With *comparing* false (a recording without a run) nothing is compared.

    `inputs`, `derived` and `compared` count records; `difference` is set once, and then `fold` goes no further. It
    stops behind the first DIGEST of a run that has at least `pause_at` inputs, and after `breath` inputs in one call.
    An `observer` (`replay.observe.Follower`) is told what it has to know, and looks between inputs.
    """

    def __init__(self, kernel: Kernel, comparing: bool, last_seq: i64 = 0) -> None:
        self.kernel: Final[Kernel] = kernel
        self.comparing: Final[bool] = comparing
        self.inputs: i64 = 0
        self.derived: i64 = 0
        self.compared: i64 = 0
        self.seq: i64 = last_seq  # of the last data record
        self.recv_ns: i64 = 0
        self.input_seq: i64 = 0
        self.pause_at: i64 = NEVER
        self.breath: i64 = NEVER
        self.stopped: i64 = GOING
        self.difference: Difference | None = None
        self._expected: list[Derived] = []
        self._next: i64 = 0
        self.base_seq: i64 = 0  # the last input of the base
        self.observer: Any = None
        self.observe_ns: i64 = END  # when it next wants to look

    def fold(self, data: bytes, start: i64, end: i64, until_seq: i64, entering: bool) -> i64:
        """
        Fold the records data[start:end]; returns the offset behind the last one folded, and sets `stopped`.

        A RUN_START stops the fold before it unless *entering* says that it opens this run. Records above *until_seq*
        are left. Raises what `Kernel.step` raises.
        """
        pause = self.inputs + self.breath
        cursor = Cursor(data, start, end)
        kernel = self.kernel
        self.stopped = GOING
        while cursor.next():
            if cursor.flags & CONTROL:
                continue
            if cursor.seq > until_seq:
                self.stopped = AT_UNTIL
                return cursor.offset
            if cursor.flags & DERIVED:
                self.derived += 1
                if self.comparing and not self._compare(cursor):
                    return cursor.offset
                self.seq = cursor.seq
                if self.observer is not None:
                    self.observer.derived(cursor.seq, cursor.kind, cursor.schema, cursor.payload())
                if cursor.kind == DIGEST and self.comparing and kernel.inputs >= self.pause_at:
                    self.stopped = AT_DIGEST
                    return cursor.next_offset
                continue
            if not self.group_complete(cursor.offset):
                return cursor.offset
            kind = cursor.kind
            if kind == RUN_START and not entering:
                self.stopped = AT_RUN_START
                return cursor.offset
            if kind == SPAN:
                self.stopped = AT_SPAN
                return cursor.offset
            entering = False
            if cursor.recv_ns > self.observe_ns:
                self._observe(cursor.recv_ns)
            self.enter(cursor.seq, cursor.recv_ns)
            if self.observer is not None and not is_kept(kind):
                self.observer.input(cursor.seq, kind, cursor.schema, cursor.source, cursor.recv_ns, cursor.payload())
            kernel.step(cursor.seq, cursor.recv_ns, kind, cursor.source, data, cursor.payload_start, cursor.payload_end)
            self.take(kernel.out.records)
            if self.inputs == pause:
                self.stopped = TOOK_BREATH
                return cursor.next_offset
        return end

    def fold_base(self, data: bytes, start: i64, end: i64, last_base: i64, span_seq: i64) -> i64:
        """
        Fold the kept base records of a span, up to base record *last_base*, as input *span_seq*.

        Returns the offset behind the last one looked at; `stopped` is AT_UNTIL once *last_base* is reached, GOING where
        the span goes on in the next block, DIVERGED where a record before the span's last one has consequences.
        """
        cursor = Cursor(data, start, end)
        kernel = self.kernel
        self.stopped = GOING
        while cursor.next():
            if cursor.flags & (CONTROL | DERIVED) == 0 and is_kept(cursor.kind):
                if not self.group_complete(cursor.offset):
                    return cursor.offset
                if cursor.recv_ns > self.observe_ns:
                    self._observe(cursor.recv_ns)
                self.enter(span_seq, cursor.recv_ns)
                self.base_seq = cursor.seq
                kernel.step(
                    span_seq,
                    cursor.recv_ns,
                    cursor.kind,
                    cursor.source,
                    data,
                    cursor.payload_start,
                    cursor.payload_end,
                    cursor.seq,
                )
                self.take(kernel.out.records)
            if cursor.flags & CONTROL == 0 and cursor.seq >= last_base:
                self.stopped = AT_UNTIL
                return cursor.next_offset
        return end

    def fold_packed(self, cursor: DecodedCursor, last_base: i64, span_seq: i64) -> None:
        """As `fold_base`, from the pieces that *cursor* has; `stopped` is GOING where the span goes on behind them."""
        self.stopped = GOING
        cursor.span_seq = span_seq
        while True:
            seq = cursor.next_seq()
            if seq == NONE and cursor.passed() < last_base:
                return
            if seq == NONE or seq > last_base:
                self.stopped = AT_UNTIL
                return
            if not self.group_complete(0):
                return
            if cursor.next_ns() > self.observe_ns:
                self._observe(cursor.next_ns())
            self.enter(span_seq, cursor.next_ns())
            self.base_seq = seq
            cursor.fold_next()
            self.take(self.kernel.out.records)

    def _observe(self, until_ns: i64) -> None:
        """The next input comes at *until_ns*: let the observer look as often before it as it wants to."""
        while self.observe_ns < until_ns:
            self.observe_ns = self.observer.look(self.observe_ns, self.seq, self.base_seq)

    def enter(self, seq: i64, recv_ns: i64) -> None:
        """The input *seq* opens a group."""
        self.inputs += 1
        self.seq = seq
        self.input_seq = seq
        self.recv_ns = recv_ns

    def take(self, concluded: list[Derived]) -> None:
        """What the kernel concluded from that input: the records that have to follow."""
        if self.comparing:
            self._expected = concluded
            self._next = 0

    def group_complete(self, offset: i64) -> bool:
        """Whether every record concluded so far has been met; if not, the first missing one is the difference."""
        if self._next == i64(len(self._expected)):
            return True
        self._differ(self.seq + 1, offset, self._encode(self._expected[self._next]), b"")
        return False

    def missing(self) -> list[Derived]:
        """Records concluded from the last input that have not been met: at a live end, what is still to be written."""
        return self._expected[self._next :]

    def _compare(self, cursor: Cursor) -> bool:
        found = cursor.data[cursor.offset : cursor.next_offset]
        if self._next >= i64(len(self._expected)):
            self._differ(cursor.seq, cursor.offset, b"", found)
            return False
        expected = self._encode(self._expected[self._next])
        if expected != found:
            self._differ(cursor.seq, cursor.offset, expected, found)
            return False
        self._next += 1
        self.compared += 1
        return True

    def _encode(self, record: Derived) -> bytes:
        return encode(
            self.seq + 1,
            self.recv_ns,
            NONE,
            self.input_seq,
            record.kind,
            record.schema,
            ENGINE_SOURCE,
            DERIVED,
            record.payload,
        )

    def _differ(self, seq: i64, offset: i64, expected: bytes, found: bytes) -> None:
        self.stopped = DIVERGED
        self.difference = Difference(seq, offset, self.input_seq, expected, found)
