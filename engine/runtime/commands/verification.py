"""The strict half of `engine replay`: from where, in how many pieces, with which checkpoints."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from engine.runtime.output import Output, counted

if TYPE_CHECKING:
    from journal.disk import Disk
    from journal.reader import Journal
    from replay.overlay import BaseFeed
    from replay.resume import Checkpoints
    from replay.run import RunStart
    from replay.verify import StrictReplay

LONGEST_NUMBER = 18
BEYOND = 2**63 - 1
"""What a number of more than so many digits means: a place behind every record."""


def verify(
    output: Output,
    path: Path,
    opened: "Journal",
    recorded: "RunStart | None",
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
        recorded: the run that it opens with, if there is one.
        start, until: the first and the last record, as typed: a sequence number or a time.
        jobs: processes; more than one needs checkpoints to cut the journal at.
        checkpoints: True uses them and writes new ones, False does neither; None uses them, and writes those of a
            folder that is long enough to profit.
        base: where an overlay's base lies.
    """
    from journal.disk import RealDisk
    from journal.summary import raw_bytes, raw_bytes_at
    from replay.overlay import base_path, open_base
    from replay.ranges import pieces_of, replay_pieces
    from replay.resume import base_records
    from replay.verify import asks_nothing, replay_strictly

    disk = RealDisk()
    notes = list(opened.remarks)
    from_seq, until_seq = bounds(opened, start, until)
    of_base = base_records(recorded)
    kept = checkpoints_of(disk, opened, of_base, checkpoints, notes.append)
    used = None if checkpoints is False else kept

    def base_of(run: "RunStart") -> "BaseFeed":
        feed = open_base(disk, path, run, base)
        notes.extend(feed.journal.remarks)
        return feed

    total = raw_bytes(opened) + (raw_bytes_at(disk, base_path(disk, path, base)) if of_base else 0)
    heads = used.heads() if used is not None and jobs > 1 and not asks_nothing(opened, from_seq, until_seq) else []
    with output.progress("replaying", total) as advance:
        if heads:
            from engine.runtime.commands.workers import Workers

            pieces = pieces_of(opened, base, heads, jobs, from_seq, until_seq, of_base)
            with Workers(min(jobs, len(pieces)), advance, total) as workers:
                answer = replay_pieces(opened, pieces, workers, notes.append)
        else:
            answer = replay_strictly(
                opened,
                from_seq=from_seq,
                until_seq=until_seq,
                base=base_of,
                checkpoints=used,
                progress=advance,
            )
    if jobs > 1 and not heads:
        notes.append(in_one_job(answer, checkpoints))
    notes.extend(remarks(answer, kept, start is not None))
    return answer, notes


def checkpoints_of(
    disk: "Disk", opened: "Journal", of_base: int, wanted: bool | None, note: Callable[[str], None]
) -> "Checkpoints":
    """The checkpoints beside a journal on a base of *of_base* records; *wanted* and *note* as in `verify`."""
    from replay.resume import EVERY, Checkpoints, spacing
    from replay.verify import this_build

    inputs = opened.last_seq - opened.first_seq + 1 + of_base  # at most
    writing = disk.is_dir(opened.path) and inputs >= EVERY if wanted is None else wanted
    return Checkpoints(disk, opened, this_build(), writing, spacing(inputs), note)


def in_one_job(answer: "StrictReplay", checkpoints: bool | None) -> str:
    """Why a replay that was to be done in several processes was done in one."""
    if answer.asked_nothing:
        return "replayed in one job: there is nothing to compare"
    if checkpoints is False:
        return "verified in one job: several would begin at checkpoints, and --no-checkpoints uses none"
    advice = "; --checkpoints keeps some" if answer.runs and checkpoints is None else ""
    return f"verified in one job: there are no checkpoints to cut the journal at{advice}"


def remarks(answer: "StrictReplay", kept: "Checkpoints", asked_start: bool) -> list[str]:
    """What a person should know of how it was done."""
    found = []
    if asked_start and not answer.asked_nothing:
        if answer.from_checkpoint:
            found.append(f"verified from record {answer.start_seq:,} on, the state before it taken from a checkpoint")
        else:
            why = (
                "no usable checkpoint stands before" if answer.runs else "a recording without a run has no checkpoints"
            )
            found.append(f"folded from record {answer.start_seq:,} on: {why}")
    if kept.written:
        found.append(f"{counted(kept.written, 'checkpoint')} written to {kept.folder}")
    return found


def bounds(journal: "Journal", start: str | None, until: str | None) -> tuple[int, int | None]:
    """The first and the last record that *start* and *until* mean, as typed; raises BadParameter."""
    first = None if start is None else read_place(start, "'--from'")
    last = None if until is None else read_place(until, "'--until'")
    if first is not None and last is not None and first.is_time == last.is_time and first.value > last.value:
        raise click.BadParameter(f"{until} lies before --from {start}.", param_hint="'--until'")
    from_seq = journal.first_seq if first is None else first_record(journal, first)
    return from_seq, None if last is None else last_record(journal, last)


class Place(NamedTuple):
    """Where a replay is to begin or to end: a sequence number, or nanoseconds since the Unix epoch."""

    value: int
    is_time: bool


def read_place(text: str, option: str) -> Place:
    """The number or the time that was typed for *option*; raises BadParameter."""
    from journal.show import utc_to_ns

    if text.isascii() and text.isdigit():
        return Place(int(text) if len(text) <= LONGEST_NUMBER else BEYOND, False)
    try:
        return Place(utc_to_ns(text), True)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint=option) from error


def first_record(journal: "Journal", place: Place) -> int:
    """The sequence number of the first record at or behind *place*; behind the last one where there is none."""
    if not place.is_time:
        return place.value
    found = journal.seq_at(place.value)
    return journal.last_seq + 1 if found is None else found


def last_record(journal: "Journal", place: Place) -> int:
    """The sequence number of the last record up to *place*, itself included; before the first where there is none."""
    if not place.is_time:
        return place.value
    found = journal.seq_at(place.value + 1)
    return journal.last_seq if found is None else found - 1
