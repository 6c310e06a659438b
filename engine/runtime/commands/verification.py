"""The strict half of `engine replay`: from where, in how many pieces, with which checkpoints."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.runtime.output import Output

if TYPE_CHECKING:
    from journal.reader import Journal
    from replay.resume import Checkpoints
    from replay.verify import StrictReplay


def verify(
    output: Output,
    path: Path,
    opened: "Journal",
    *,
    start: str | None = None,
    until: str | None = None,
    jobs: int = 1,
    checkpoints: bool | None = None,
    base: Path | None = None,
) -> "tuple[StrictReplay, list[str]]":
    """
    Replay *opened* strictly; returns what was found, and remarks on how it was done.

    Args:
        start, until: the first and the last record, as typed: a sequence number or a time.
        jobs: worker processes; more than one needs checkpoints to cut the journal at.
        checkpoints: True uses them and writes new ones, False does neither; None uses them, and writes those of a
            folder that is long enough to profit.
        base: where an overlay's base lies.
    """
    from journal.disk import RealDisk
    from replay.overlay import open_base
    from replay.ranges import pieces_of, replay_pieces
    from replay.resume import EVERY, Checkpoints
    from replay.verify import replay_strictly, this_build

    disk = RealDisk()
    notes: list[str] = []
    from_seq = opened.first_seq if start is None else first_place(opened, start)
    until_seq = None if until is None else place(opened, until)
    if until_seq is not None and from_seq > until_seq:
        raise click.BadParameter(f"record {until_seq} lies before --from, record {from_seq}.", param_hint="'--until'")
    long_enough = disk.is_dir(path) and opened.last_seq - opened.first_seq >= EVERY
    writing = long_enough if checkpoints is None else checkpoints
    kept = Checkpoints(disk, opened, this_build(), writing, note=notes.append)
    used = None if checkpoints is False else kept
    total = sum(entry.raw_len for segment in opened.segments for entry in segment.entries)
    heads = [] if jobs == 1 or used is None else used.heads()
    with output.progress("replaying", total) as advance:
        if heads:
            from engine.runtime.commands.workers import Workers

            pieces = pieces_of(opened, base, heads, jobs, from_seq, until_seq)
            with Workers(min(jobs, len(pieces)), advance) as workers:
                answer = replay_pieces(opened, pieces, workers, notes.append)
        else:
            answer = replay_strictly(
                opened,
                from_seq=from_seq,
                until_seq=until_seq,
                base=lambda run: open_base(disk, path, run, base),
                checkpoints=used,
                progress=advance,
            )
    notes.extend(remarks(answer, kept, start is not None, jobs > 1 and not heads))
    return answer, notes


def remarks(answer: "StrictReplay", kept: "Checkpoints", asked_start: bool, one_job: bool) -> list[str]:
    """What a person should know of how it was done."""
    found = []
    if asked_start and answer.from_checkpoint:
        found.append(f"verified from record {answer.start_seq:,} on, the state before it taken from a checkpoint")
    elif asked_start:
        why = "no usable checkpoint stands before" if answer.runs else "a recording without a run has no checkpoints"
        found.append(f"folded from record {answer.start_seq:,} on: {why}")
    if one_job:
        advice = "; --checkpoints keeps some" if answer.runs else ""
        found.append(f"verified in one job: there are no checkpoints to cut the journal at{advice}")
    if kept.written:
        found.append(f"{kept.written:,} checkpoints written to {kept.folder}")
    return found


def first_place(journal: "Journal", text: str) -> int:
    """The sequence number of the first record that *text* means: a number, or a time; raises BadParameter."""
    from journal.show import utc_to_ns

    if text.isascii() and text.isdigit():
        return int(text)
    try:
        found = journal.seq_at(utc_to_ns(text))
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="'--from'") from error
    return journal.last_seq + 1 if found is None else found


def place(journal: "Journal", text: str) -> int:
    """The sequence number of the last record that *text* means: a number, or the last before a time."""
    from journal.show import utc_to_ns

    if text.isascii() and text.isdigit():
        return int(text)
    try:
        found = journal.seq_at(utc_to_ns(text) + 1)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="'--until'") from error
    return journal.last_seq if found is None else found - 1
