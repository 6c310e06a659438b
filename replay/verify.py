"""
Strict replay: fold a journal's inputs again and compare every derived record byte for byte.

A journal without derived records has nothing to compare: its bytes are verified and its state is computed, and the
answer says so. Never raises for a difference: that is an answer too.
"""

from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen

from engine import ROOT
from engine._build import source_digest
from engine.kernel.record import HEAD_SIZE
from engine.kernel.step import Kernel
from journal.codec import Cursor
from journal.reader import Block, Journal
from replay.overlay import BaseFeed
from replay.rebuild import bare_kernel, kernel_of
from replay.run import RunStart, read_run_start
from replay.strict import AT_RUN_START, AT_SPAN, GOING, Difference, StrictFold

END = 2**63 - 1


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
    """What a strict replay found. `kernel` holds the state at the end, `runs` the runs met on the way."""

    inputs: int = 0
    derived: int = 0
    compared: int = 0
    last_seq: int = 0
    divergence: Divergence | None = None
    kernel: Kernel | None = None
    runs: list[RunStart] = field(factory=list)
    unfinished: int = 0
    """Derived records that a live end still lacks: a recovery would write them."""

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


def this_build() -> str:
    """The digest of the sources that decide: what RUN_START records as the build."""
    return source_digest(ROOT)


class _Pass:
    """One pass over a journal's blocks."""

    def __init__(self, answer: StrictReplay, base: Callable[[RunStart], BaseFeed] | None) -> None:
        self.answer = answer
        self.base = base
        self.feed: BaseFeed | None = None
        self.fold = StrictFold(bare_kernel(), False)

    def block(self, block: Block, until_seq: int) -> bool:
        """Fold one block; False when there is nothing more to fold."""
        offset = block.start
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
            else:
                return self.stopped(block)
        if block.complete and not self.fold.group_complete(block.end):
            return self.stopped(block)
        return True

    def stopped(self, block: Block) -> bool:
        if self.fold.difference is not None:
            self.answer.divergence = _divergence(self.fold.difference, block)
        return False

    def enter_run(self, block: Block, offset: int) -> None:
        cursor = Cursor(block.data, offset, block.end)
        cursor.next()
        run = read_run_start(cursor.seq, cursor.payload())
        self.count()
        self.answer.runs.append(run)
        self.feed = self.base(run) if run.base is not None and self.base is not None else None
        self.fold = StrictFold(kernel_of(run), True, self.fold.seq)

    def span(self, block: Block, offset: int) -> int:
        """Fold the base records that a SPAN stands for; returns the offset behind it."""
        cursor = Cursor(block.data, offset, block.end)
        cursor.next()
        assert self.feed is not None
        self.feed.fold_span(self.fold, cursor.seq, cursor.payload())
        return int(cursor.next_offset)

    def count(self) -> None:
        """Take the counters of the fold that ends here."""
        self.answer.inputs += self.fold.inputs
        self.answer.derived += self.fold.derived
        self.answer.compared += self.fold.compared
        self.answer.last_seq = self.fold.seq
        self.answer.kernel = self.fold.kernel


def replay_strictly(
    journal: Journal,
    *,
    until_seq: int | None = None,
    base: Callable[[RunStart], BaseFeed] | None = None,
    progress: Callable[[int], Any] = lambda raw_bytes: None,
) -> StrictReplay:
    """
    Fold *journal* from its start to *until_seq* (its end when None), comparing what can be compared.

    Args:
        base: opens the journal that an overlay's run stands on; needed only for overlays.
        progress: told the raw bytes of each block folded.
    Raises:
        JournalError: the journal is damaged, or a run of it cannot be rebuilt.
        UnknownKind: it holds a record that this build has no meaning for.
    """
    answer = StrictReplay()
    work = _Pass(answer, base)
    until = END if until_seq is None else until_seq
    for block in journal.blocks(until_seq=until_seq):
        going = work.block(block, until)
        progress(len(block.data))
        if not going:
            break
    work.count()
    if answer.divergence is None:
        answer.unfinished = len(work.fold.missing())
    return answer


def _divergence(difference: Difference, block: Block) -> Divergence:
    return Divergence(
        seq=difference.seq,
        segment_no=block.segment_no,
        offset=block.raw_offset + difference.offset,
        cause=difference.cause,
        expected=difference.expected,
        found=difference.found,
    )


def head_fields(record: bytes) -> Cursor:
    """A cursor on one whole record's bytes, for showing it."""
    assert len(record) >= HEAD_SIZE
    cursor = Cursor(record, 0, len(record))
    cursor.next()
    return cursor
