"""The readable records of a damaged journal, in a new one: same numbers, same bytes, a chain that starts anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Unpack

from engine.kernel.kinds import SOURCES
from engine.kernel.record import CONTROL, DERIVED
from journal.background import Background, Inline
from journal.disk import Disk
from journal.errors import Damaged, JournalError, RecordRefused, WriterFailed
from journal.manifest import SALVAGED
from journal.payloads import decode_sources
from journal.reader import Journal, open_journal
from journal.seal import seal
from journal.settings import Settings
from journal.staging import staged
from journal.writer import Writer


class Salvage:
    """What was saved: records *first_seq* to *last_seq*, and the *damage* that ends them (None if there is none)."""

    __slots__ = ("damage", "first_seq", "last_seq", "segments")

    def __init__(self, first_seq: int, last_seq: int, segments: list[int], damage: JournalError | None) -> None:
        self.first_seq = first_seq
        self.last_seq = last_seq
        self.segments = segments
        self.damage = damage


def salvage(
    disk: Disk,
    source: Path,
    target: Path,
    *,
    journal_id: bytes,
    wall_ns: int,
    background: Background | None = None,
    beside: Callable[[Path], object] = lambda folder: None,
    **settings: Unpack[Settings],
) -> Salvage:
    """
    Copy every record before the first damage of the journal *source* into a new one in *target*, sealed as SALVAGED.

    What lies behind the damage stays where it is: numbers without gap are what a journal promises. *source* is only
    read, and *target* appears when it is whole: *beside* is called before with the folder that it grows in, and may put
    more there.

    Raises:
        NotAJournal, Damaged: nothing at all is readable.
        Taken, WriterFailed.
    """
    closed: list[int] = []
    settings["on_closed"] = lambda number, _: closed.append(number)
    with open_journal(source, disk, background) as journal, staged(disk, target) as staging:
        writer = Writer.create(
            staging,
            disk,
            Inline(),
            journal_id=journal_id,
            wall_ns=wall_ns,
            first_seq=journal.first_seq,
            **settings,
        )
        try:
            damage = _copy(journal, writer)
        finally:
            writer.close()
        for number in closed:
            seal(disk, staging, number, sealed_ns=wall_ns, status=SALVAGED)
        beside(staging)
        return Salvage(journal.first_seq, writer.last_seq, closed, damage)


def _copy(journal: Journal, writer: Writer) -> JournalError | None:
    """Append the records of *journal* to *writer*, up to the damage that is returned."""
    try:
        for r in journal.records(control=True):
            if r.kind == SOURCES:
                for number, name in decode_sources(r.payload).items():
                    writer.declare_source(number, name)
            elif r.flags & DERIVED:
                writer.append_derived(r.kind, r.schema, r.payload)
            elif not r.flags & CONTROL:
                writer.append_input(r.kind, r.schema, r.source, r.recv_ns, r.src_ns, r.payload, r.cause, r.flags)
    except (RecordRefused, WriterFailed):
        raise
    except JournalError as error:
        return error
    last = journal.segments[-1]
    if last.unread:
        assert last.checker is not None
        return Damaged(last.path, last.checker.offset, last.checker.reason)
    return None
