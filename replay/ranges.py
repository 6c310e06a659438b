"""
One journal verified in pieces, each from a checkpoint to the next, wherever somebody cares to run them.

A piece proves that its records follow from the checkpoint it began with, and that it ends in exactly the state which
the next piece began with: together they prove what one pass from the start does, and give the same answer.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from attrs import evolve, frozen

from engine.kernel.step import Kernel
from journal.checkpoint import Head
from journal.disk import Disk, RealDisk
from journal.reader import Journal, open_journal
from replay.overlay import BaseFeed, open_base
from replay.rebuild import bare_kernel, kernel_of
from replay.resume import Checkpoints, Unusable
from replay.run import RunStart
from replay.verify import Divergence, StrictReplay, replay_strictly, this_build

PER_JOB = 4
"""Several pieces a job, so that all are at work until the end though some begin later; each costs a restored state."""


@frozen
class Piece:
    """
    Records to verify: those behind checkpoint *start* (None: from the journal's first) up to the end of *end*'s group.

    Without *end* the piece goes on to *until_seq*, or to the end of the journal. Plain values, so that it can be handed
    to another process.
    """

    path: Path
    base: Path | None
    start: Head | None
    end: Head | None
    until_seq: int | None


@frozen
class PieceAnswer:
    """What a piece's replay found, in plain values. *unusable* says why its checkpoint could not be used, if so."""

    unusable: str
    inputs: int = 0
    derived: int = 0
    compared: int = 0
    last_seq: int = 0
    fast: int = 0
    slow: int = 0
    unfinished: int = 0
    divergence: Divergence | None = None
    runs: tuple[RunStart, ...] = ()
    ends_as_stated: bool = True
    remarks: tuple[str, ...] = ()
    """Of the base that it stands on, see `Journal.remarks`."""
    state: bytes = b""
    """Canonical bytes of the state at the end, where the journal or the replay ends."""


class Runner(Protocol):
    """Something that runs pieces, in whatever order, and hands back their answers in theirs."""

    def __call__(self, pieces: list[Piece]) -> Iterable[tuple[Piece, PieceAnswer]]:
        """
        Each piece with its answer; the rest may be dropped when nobody asks for more.

        Neighbours may be run as one: then that one is handed back in their place, see `joined`.
        """


def joined(pieces: list[Piece]) -> Piece:
    """Several pieces, each beginning where the one before it ends, as one."""
    return evolve(pieces[0], end=pieces[-1].end)


def replay_piece(piece: Piece, progress: Callable[[int], None], disk: Disk | None = None) -> PieceAnswer:
    """Verify one piece. Raises what `replay_strictly` raises."""
    disk = disk or RealDisk()
    remarks: list[str] = []

    def base(run: RunStart) -> BaseFeed:
        feed = open_base(disk, piece.path, run, piece.base)
        remarks.extend(feed.journal.remarks)
        return feed

    with open_journal(piece.path, disk) as journal:
        checkpoints = Checkpoints(disk, journal, this_build())
        try:
            start = None if piece.start is None else checkpoints.resume(piece.start)
        except Unusable as error:
            return PieceAnswer(str(error))
        found = replay_strictly(
            journal,
            start=start,
            until_seq=piece.until_seq if piece.end is None else piece.end.digest_seq,
            base=base,
            progress=progress,
        )
    kernel = found.kernel
    assert kernel is not None
    at_end = piece.end is None or found.divergence is not None
    return PieceAnswer(
        "",
        inputs=found.inputs,
        derived=found.derived,
        compared=found.compared,
        last_seq=found.last_seq,
        fast=found.fast,
        slow=found.slow,
        unfinished=found.unfinished,
        divergence=found.divergence,
        runs=tuple(found.runs),
        ends_as_stated=at_end or _stands(piece.end, f"{int(kernel.digest.value):016x}", kernel.state_digest().hex()),
        remarks=tuple(remarks),
        state=kernel.checkpoint() if at_end else b"",
    )


def _stands(end: Head | None, rolling: str, state: str) -> bool:
    return end is not None and (end.rolling, end.state) == (rolling, state)


def pieces_of(
    journal: Journal,
    base: Path | None,
    heads: list[Head],
    jobs: int,
    from_seq: int = 1,
    until_seq: int | None = None,
    base_records: int = 0,
) -> list[Piece]:
    """
    At most PER_JOB pieces a job, of about as many records each, cut at checkpoints.

    The first begins at the last checkpoint before *from_seq*, or at the journal's start; the last ends at *until_seq*.
    Of an overlay the records of its base count as its own: *base_records* says how many there are.
    """
    last = journal.last_seq if until_seq is None else min(until_seq, journal.last_seq)
    start = next((head for head in reversed(heads) if head.digest_seq < from_seq), None)
    first = journal.first_seq if start is None else start.digest_seq + 1
    usable = [head for head in heads if first < head.digest_seq < last]
    begins = first if start is None else _folded(start)
    ends = last + base_records if last == journal.last_seq or not usable else _folded(usable[-1])
    cuts: list[Head] = []
    for number in range(1, PER_JOB * jobs):
        ideal = begins + (ends - begins) * number // (PER_JOB * jobs)
        later = next((head for head in usable if _folded(head) >= ideal), None)
        if later is not None and later not in cuts:
            cuts.append(later)
    starts: list[Head | None] = [start, *cuts]
    until: list[Head | None] = [*cuts, None]
    return [Piece(journal.path, base, start, end, until_seq) for start, end in zip(starts, until, strict=True)]


def _folded(head: Head) -> int:
    """How many records are folded up to a checkpoint, those of the base included."""
    return head.digest_seq + head.base_next


def replay_pieces(journal: Journal, pieces: list[Piece], run: Runner, note: Callable[[str], None]) -> StrictReplay:
    """
    The answer of one pass over *journal*, put together from its *pieces*.

    From the first checkpoint that a piece could not use, or that states another state than the piece before it ended
    in, the rest is verified as one piece, with a note.
    """
    proven = _proven(run(pieces), note)
    if not proven or not (proven[-1][0].end is None or proven[-1][1].divergence):
        rest = evolve(pieces[0], start=proven[-1][0].end if proven else pieces[0].start, end=None)
        found = _alone(rest, run)
        if found.unusable:  # the very first checkpoint, or one that somebody removed since
            rest, proven = evolve(pieces[0], start=None, end=None), []
            found = _alone(rest, run)
        proven.append((rest, found))
    start = proven[0][0].start
    answer = StrictReplay(start_seq=journal.first_seq if start is None else start.digest_seq + 1)
    answer.from_checkpoint = start is not None
    for number, (_, found) in enumerate(proven):
        _add(answer, found, joined=number > 0)
    for remark in dict.fromkeys(remark for _, found in proven for remark in found.remarks):
        note(remark)
    answer.kernel = _kernel(answer.runs, proven[-1][1].state)
    return answer


def _alone(piece: Piece, run: Runner) -> PieceAnswer:
    return next(iter(run([piece])))[1]


def _proven(
    answers: Iterable[tuple[Piece, PieceAnswer]], note: Callable[[str], None]
) -> list[tuple[Piece, PieceAnswer]]:
    """The answers up to the first difference, or to the first piece whose end the next one cannot have begun with."""
    proven: list[tuple[Piece, PieceAnswer]] = []
    for piece, found in answers:
        if found.unusable:
            assert piece.start is not None
            note(f"the checkpoint behind input {piece.start.input_seq} is not used: {found.unusable}")
            return proven[:-1]
        if not found.ends_as_stated:
            assert piece.end is not None
            note(f"the checkpoint behind input {piece.end.input_seq} is not used: it states another state")
            return proven
        proven.append((piece, found))
        if found.divergence is not None:
            return proven
    return proven


def _add(answer: StrictReplay, found: PieceAnswer, joined: bool) -> None:
    """Add a piece's counts; *joined*: its first run is the one that the piece before it was in."""
    answer.inputs += found.inputs
    answer.derived += found.derived
    answer.compared += found.compared
    answer.last_seq = found.last_seq
    answer.fast += found.fast
    answer.slow += found.slow
    answer.unfinished = found.unfinished
    answer.divergence = found.divergence
    answer.runs.extend(found.runs[1 if joined else 0 :])


def _kernel(runs: list[RunStart], state: bytes) -> Kernel:
    kernel = kernel_of(runs[-1]) if runs else bare_kernel()
    kernel.restore(state)
    return kernel
