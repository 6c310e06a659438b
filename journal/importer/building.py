"""A new journal of inputs that stand ready, made all at once."""

from collections.abc import Callable
from pathlib import Path

from journal.background import Background
from journal.disk import Disk
from journal.importer.writing import ImportWriter
from journal.seal import seal
from journal.staging import staged
from journal.writer import Writer


def build(
    target: Path,
    disk: Disk,
    background: Background,
    journal_id: bytes,
    start_ns: int,
    names: dict[int, str],
    sealed_ns: int | None,
    fill: Callable[[ImportWriter], None],
) -> int:
    """
    Make a journal of what *fill* appends; whatever goes wrong, nothing stands at *target*.

    Returns how many records it holds.
    """
    with staged(disk, target) as staging:
        writer = Writer.create(staging, disk, background, journal_id=journal_id, wall_ns=start_ns, sources=names)
        try:
            importer = ImportWriter(writer)
            fill(importer)
        finally:
            writer.close("shutdown")
        if sealed_ns is not None:
            for number in range(1, writer.segment_no + 1):
                seal(disk, staging, number, sealed_ns=sealed_ns)
    return importer.records
