"""Small journals for tests: made by the real writer, on a simulated disk, and the truth about what was appended."""

from pathlib import Path

from simulated_disk import SimulatedDisk

from journal.background import Background, Inline
from journal.disk import Disk
from journal.errors import JournalError
from journal.reader import Record, open_journal
from journal.seal import seal
from journal.writer import Writer

ROOT = Path("/journal")
ID = bytes(range(16))
WALL = 1_763_600_000_000_000_000
VENUE = 0x0100
INTENT = 0x2000


def create(disk: Disk, directory: Path = ROOT, background: Background | None = None, **settings: object) -> Writer:
    """A new journal with source 2."""
    return Writer.create(
        directory,
        disk,
        background or Inline(),
        journal_id=ID,
        wall_ns=WALL,
        mono_ns=1_000_000_000,
        sources={2: "venue/2"},
        **settings,  # type: ignore[arg-type]
    )


def reopen(disk: Disk, directory: Path = ROOT, **settings: object) -> Writer:
    """The next run of a journal."""
    return Writer.open(directory, disk, Inline(), wall_ns=WALL, **settings)  # type: ignore[arg-type]


def group(writer: Writer, number: int, outputs: int = 1, size: int = 40) -> int:
    """Append input *number* with *outputs* derived records; returns the last seq."""
    now = WALL + number * 1000
    seq = writer.append_input(VENUE, 1, 2, max(now, writer.last_recv_ns), now - 5, bytes([number & 255]) * size)
    for output in range(outputs):
        seq = writer.append_derived(INTENT, 1, b"output %d of %d" % (output, number))
    return seq


def fields(record: Record) -> tuple[int, int, int, int, int, int, int, bytes]:
    """What a data record says, without its place on disk."""
    return (
        record.seq,
        record.recv_ns,
        record.src_ns,
        record.cause,
        record.kind,
        record.source,
        record.flags,
        record.payload,
    )


def read(disk: Disk, path: Path = ROOT) -> list[tuple[int, int, int, int, int, int, int, bytes]]:
    """All data records of a journal, up to its end or first damage."""
    found = []
    with open_journal(path, disk, Inline()) as journal:
        try:
            for record in journal.records():
                found.append(fields(record))
        except JournalError:
            pass
    return found


def three_segments(sealed: int = 0) -> SimulatedDisk:
    """A closed journal of three segments, the first *sealed* of them sealed, all durable."""
    disk = SimulatedDisk()
    writer = create(disk, segment_bytes=2000, block_target=600)
    number = 0
    while writer.segment_no < 3 or number % 4:
        group(writer, number, outputs=number % 3)
        number += 1
        if number % 4 == 0:
            writer.sync()
    writer.close()
    for segment in range(1, sealed + 1):
        seal(disk, ROOT, segment, sealed_ns=WALL)
    return disk
