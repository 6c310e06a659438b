"""
Strict replay: fold a journal's inputs again and compare every derived record byte for byte.

A journal without derived records has nothing to compare: its bytes are verified and its state is computed, and the
answer says so. Never raises for a difference: that is an answer too.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from engine import ROOT
from engine._build import source_digest
from engine.kernel.pack import Malformed
from engine.kernel.record import HEAD_SIZE
from engine.kernel.step import Kernel
from journal.codec import Cursor
from journal.reader import Block, Journal
from replay.blocks import behind
from replay.overlay import BaseFeed
from replay.rebuild import bare_kernel, kernel_of
from replay.resume import Checkpoints, Fork, Resumed
from replay.run import RunStart, read_run_start
from replay.strict import AT_DIGEST, AT_RUN_START, AT_SPAN, GOING, NEVER, TOOK_BREATH, StrictFold

if TYPE_CHECKING:
    from replay.observe.follower import Follower
    from replay.observed import Observed

END = 2**63 - 1
OpenBase = Callable[[RunStart], BaseFeed]


@frozen
class Divergence:
    """
    The first difference, where it stands, and the input that both records answer.

    *expected* and *found* are whole records as bytes; empty where there should be, or is, none.
    """

    seq: int
    segment_no: int
    offset: int
    cause: int
    expected: bytes
    found: bytes


@define
class StrictReplay:
    """
    What a strict replay found.

    `kernel` holds the state at the end, `runs` the runs met on the way; `fast` and `slow` count the frames read by the
    scanners and by the general decoders. `start_seq` is the first record folded.
    """

    start_seq: int = 1
    from_checkpoint: bool = False

    inputs: int = 0
    derived: int = 0
    compared: int = 0
    last_seq: int = 0
    divergence: Divergence | None = None
    kernel: Kernel | None = None
    runs: list[RunStart] = field(factory=list)
    fast: int = 0
    slow: int = 0
    unfinished: int = 0
    """Derived records that a live end still lacks: a recovery would write them."""
    observed: "list[Observed]" = field(factory=list)
    """What was seen of each run, if that was asked for; the last one as far as it was folded."""
    asked_nothing: bool = False
    """The journal holds none of the records asked for: it was folded for its state, and nothing was compared."""

    @property
    def verified(self) -> str:
        """What the comparison proves: "derived" or "nothing"."""
        return "derived" if self.compared else "nothing"

    @property
    def identical(self) -> bool | None:
        """Whether every record compared was equal; None where nothing was."""
        if self.divergence is not None:
            return False
        return True if self.compared else None

    @property
    def other_build(self) -> bool:
        """Whether the last run was recorded by another build than this one."""
        return bool(self.runs) and self.runs[-1].build != this_build()


@cache
def this_build() -> str:
    """The digest of the sources that decide: what RUN_START records as the build."""
    return source_digest(ROOT)


BREATH = 64
"""Inputs folded in one call: between calls the thread that reads ahead gets its turn. A whole block would starve it."""


def breathing(fold: StrictFold) -> StrictFold:
    """*fold*, made to return now and then."""
    fold.breath = BREATH
    return fold


class _Pass:
    """One pass over a journal's blocks, from its start or from a checkpoint."""

    def __init__(
        self,
        answer: StrictReplay,
        base: OpenBase | None,
        checkpoints: Checkpoints | None,
        resumed: Resumed | None,
        progress: Callable[[int], Any],
        observe: bool,
    ) -> None:
        self.observe = observe
        self.follower: Follower | None = None
        self.answer = answer
        self.progress = progress
        self.comparing = not answer.asked_nothing
        self.base = base
        self.checkpoints = checkpoints
        self.feed: BaseFeed | None = None
        self.run_seq = 0
        if resumed is None:
            self.fold = breathing(StrictFold(bare_kernel(), False))
            return
        head = resumed.head
        answer.runs.append(resumed.run)
        self.run_seq = head.run_seq
        self.fold = breathing(StrictFold(resumed.kernel, self.comparing, head.digest_seq))
        self.fold.input_seq = head.input_seq
        self.fold.recv_ns = head.recv_ns
        self.plan_checkpoint()
        self.open_base(resumed.run)
        if self.feed is not None:
            self.feed.seek(head.base_next)

    def block(self, block: Block, until_seq: int) -> bool:
        """Fold one block; False when there is nothing more to fold."""
        offset = behind(block, self.fold.seq)
        entering = False
        while True:
            offset = self.fold.fold(block.data, offset, block.end, until_seq, entering)
            entering = False
            if self.fold.stopped == GOING:
                break
            if self.fold.stopped == AT_RUN_START:
                self.enter_run(block, offset)
                entering = True
            elif self.fold.stopped == AT_SPAN:
                offset = self.span(block, offset)
                if self.fold.stopped != GOING:  # within the base: what is missing should stand behind the span
                    return self.stopped(block, offset)
            elif self.fold.stopped == AT_DIGEST:
                self.keep()
            elif self.fold.stopped != TOOK_BREATH:
                return self.stopped(block)
        if block.complete and not self.fold.group_complete(block.end):
            return self.stopped(block)
        return True

    def stopped(self, block: Block, offset: int | None = None) -> bool:
        """Note why the fold goes no further; *offset* says where in *block*, if the difference itself cannot."""
        found = self.fold.difference
        if found is not None:
            at = block.raw_offset + (found.offset if offset is None else offset)
            self.answer.divergence = Divergence(
                seq=found.seq,
                segment_no=block.segment_no,
                offset=at,
                cause=found.cause,
                expected=found.expected,
                found=found.found,
            )
        return False

    def enter_run(self, block: Block, offset: int) -> None:
        """Begin the run that the RUN_START at *offset* opens."""
        cursor = Cursor(block.data, offset, block.end)
        cursor.next()
        run = read_run_start(cursor.seq, cursor.payload())
        self.count()
        self.answer.runs.append(run)
        self.run_seq = cursor.seq
        self.fold = breathing(StrictFold(kernel_of(run), self.comparing, self.fold.seq))
        if self.observe:
            from replay.observe.follower import Follower

            self.end_observing()
            self.follower = Follower(self.fold, run)
        self.plan_checkpoint()
        self.open_base(run)

    def end_observing(self) -> None:
        """The run that was observed is over."""
        if self.follower is not None:
            self.answer.observed.append(self.follower.finish())
            self.follower = None

    def open_base(self, run: RunStart) -> None:
        """Open the journal that *run* stands on, if it is an overlay."""
        self.close()
        if run.base is not None and self.base is not None:
            self.feed = self.base(run)
            self.feed.progress = self.progress

    def span(self, block: Block, offset: int) -> int:
        """Fold the base records that a SPAN stands for; returns the offset behind it."""
        cursor = Cursor(block.data, offset, block.end)
        cursor.next()
        if self.feed is None:
            raise Malformed(f"record {cursor.seq} is a span, but its run names no base")
        self.feed.fold_span(self.fold, cursor.seq, cursor.payload())
        if self.follower is not None:
            self.follower.input(cursor.seq, cursor.kind, cursor.schema, cursor.source, cursor.recv_ns, cursor.payload())
        return int(cursor.next_offset)

    def keep(self) -> None:
        """Keep the state behind the DIGEST at which the fold stands."""
        assert self.checkpoints is not None
        fold = self.fold
        base_next = 0 if self.feed is None else self.feed.next_seq
        self.checkpoints.write(Fork(self.run_seq, fold.input_seq, fold.seq, base_next), fold.kernel)
        self.plan_checkpoint()

    def plan_checkpoint(self) -> None:
        """Say when the fold is to stop for the next one."""
        if self.checkpoints is not None and self.checkpoints.writing:
            self.fold.pause_at = self.fold.kernel.inputs + self.checkpoints.every
        else:
            self.fold.pause_at = NEVER

    def count(self) -> None:
        """Take the counters of the fold that ends here."""
        fast, slow = self.fold.kernel.path_counts()
        self.answer.fast += fast
        self.answer.slow += slow
        self.answer.inputs += self.fold.inputs
        self.answer.derived += self.fold.derived
        self.answer.compared += self.fold.compared
        self.answer.last_seq = self.fold.seq
        self.answer.kernel = self.fold.kernel

    def close(self) -> None:
        """Close the base, if one is open."""
        if self.feed is not None:
            fast, slow = self.feed.path_counts
            self.answer.fast += fast
            self.answer.slow += slow
            self.feed.close()
            self.feed = None


def replay_strictly(
    journal: Journal,
    *,
    from_seq: int = 1,
    until_seq: int | None = None,
    base: OpenBase | None = None,
    checkpoints: Checkpoints | None = None,
    start: Resumed | None = None,
    progress: Callable[[int], Any] = lambda raw_bytes: None,
    observe: bool = False,
) -> StrictReplay:
    """
    Fold *journal* from its start, or from the last checkpoint before *from_seq*, to *until_seq* (its end when None).

    Where it holds no record from *from_seq* to *until_seq*, it is folded without comparing anything.

    Args:
        base: opens the journal that an overlay's run stands on; needed only for overlays.
        checkpoints: those beside the journal; None neither uses nor writes any.
        start: begins exactly there instead.
        progress: told the raw bytes of each block folded, those of an overlay's base too.
        observe: whether each run is observed, for `observed`: then it is folded from the journal's start.
    Raises:
        JournalError: the journal is damaged, or a run of it cannot be rebuilt.
        UnknownKind: it holds a record that this build has no meaning for.
        Malformed: an engine input of it is not what its schema says.
    """
    assert not (observe and start is not None)
    if start is None and checkpoints is not None and from_seq > journal.first_seq and not observe:
        start = checkpoints.before(from_seq)
    answer = StrictReplay(start_seq=journal.first_seq if start is None else start.head.digest_seq + 1)
    answer.from_checkpoint = start is not None
    answer.asked_nothing = asks_nothing(journal, from_seq, until_seq)
    work = _Pass(answer, base, checkpoints, start, progress, observe)
    until = END if until_seq is None else until_seq
    try:
        for block in journal.blocks(answer.start_seq, until_seq):
            going = work.block(block, until)
            progress(len(block.data))
            if not going:
                break
        work.count()
        work.end_observing()
    finally:
        work.close()
    if answer.divergence is None and work.fold.stopped == GOING:
        answer.unfinished = len(work.fold.missing())
    return answer


def asks_nothing(journal: Journal, from_seq: int, until_seq: int | None) -> bool:
    """Whether *journal* has records, but none from *from_seq* to *until_seq* (the end when None)."""
    last = journal.last_seq if until_seq is None else min(until_seq, journal.last_seq)
    return journal.last_seq >= journal.first_seq and last < max(from_seq, journal.first_seq)


def head_fields(record: bytes) -> Cursor:
    """A cursor on one whole record's bytes, for showing it."""
    assert len(record) >= HEAD_SIZE
    cursor = Cursor(record, 0, len(record))
    cursor.next()
    return cursor
