"""
A new journal that appears all at once: it grows in a folder beside its place, and takes its name when it is whole.
"""

import re
from collections.abc import Callable
from pathlib import Path

from journal.background import Background
from journal.disk import Disk
from journal.errors import Taken
from journal.importer.writing import ImportWriter
from journal.lock import WriterLock
from journal.seal import seal
from journal.segment import LOCK_NAME
from journal.writer import Writer

_OURS = re.compile(rf"{re.escape(LOCK_NAME)}|\d{{8}}\.(wal|zst|manifest\.json|zst\.tmp|manifest\.json\.tmp)")


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
    Make a journal of what *fill* appends, in a folder beside *target*, then give it that name.

    Returns how many records it holds. Whatever goes wrong, nothing stands at *target*.
    """
    staging = target.with_name(target.name + ".importing")
    clear(disk, staging)
    writer: Writer | None = None
    done = False
    try:
        writer = Writer.create(staging, disk, background, journal_id=journal_id, wall_ns=start_ns, sources=names)
        importer = ImportWriter(writer)
        fill(importer)
        writer.close("shutdown")
        if sealed_ns is not None:
            for number in range(1, writer.segment_no + 1):
                seal(disk, staging, number, sealed_ns=sealed_ns)
        disk.rename(staging, target)
        disk.sync_dir(target.parent)
        done = True
    finally:
        if not done:
            if writer is not None:
                writer.close("shutdown")
            clear(disk, staging)
    return importer.records


def clear(disk: Disk, staging: Path) -> None:
    """
    Remove the folder of an interrupted import, if there is one.

    Raises:
        Locked: an import into it is running.
        Taken: it holds files that no import made.
    """
    if not disk.exists(staging):
        return
    lock = WriterLock(disk, staging)
    try:
        foreign = [name for name in disk.names(staging) if _OURS.fullmatch(name) is None]
        if foreign:
            raise Taken(staging / foreign[0])
        for name in disk.names(staging):
            disk.unlink(staging / name)
        disk.remove_dir(staging)
    finally:
        lock.release()
