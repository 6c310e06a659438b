"""
A new journal's folder that appears all at once: it grows beside its place, and takes its name when it is whole.

So whatever ends a command early, nothing half made is ever found under the name that was asked for.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from journal.disk import Disk
from journal.errors import Taken
from journal.lock import WriterLock
from journal.segment import LOCK_NAME

SUFFIX = ".unfinished"
"""What the folder is called meanwhile: its name to be, and this."""

_OURS = re.compile(
    rf"{re.escape(LOCK_NAME)}|base\.json|digests\.json|\d{{8}}\.(wal|zst|manifest\.json|zst\.tmp|manifest\.json\.tmp)"
)


def refuse_taken(disk: Disk, target: Path) -> None:
    """Raise Taken unless *target* is absent or an empty folder."""
    if disk.exists(target) and not disk.is_dir(target):
        raise Taken(target)
    if not target.name or target.name == "..":
        raise Taken(target, "a new folder needs a name of its own")
    if disk.exists(target) and disk.names(target):
        raise Taken(target, "the folder is not empty")


@contextmanager
def staged(disk: Disk, target: Path) -> Iterator[Path]:
    """
    Where to make what is to stand at *target*, an absent or empty folder: it gets that name when the block ends well.

    When it does not, nothing is left. Files in it must be closed and its lock freed when the block ends.

    Raises:
        Taken: *target* holds something, or the folder beside it holds files that are not ours.
        Locked: another process is making it.
    """
    refuse_taken(disk, target)
    staging = target.with_name(target.name + SUFFIX)
    clear(disk, staging)
    try:
        yield staging
        disk.rename(staging, target)
    except BaseException:
        clear(disk, staging)
        raise
    disk.sync_dir(target.parent)


def clear(disk: Disk, staging: Path) -> None:
    """
    Remove the folder of a command that was interrupted, if there is one.

    Raises:
        Locked: a command is at work in it.
        Taken: it holds files that no such command made.
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
