"""
A new journal's folder that appears all at once: it grows beside its place, and takes its name when it is whole.

So whatever ends a command early, nothing half made is ever found under the name that was asked for.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from journal.disk import Disk
from journal.errors import Taken
from journal.lock import WriterLock
from journal.segment import LOCK_NAME

SUFFIX = ".unfinished"
"""What the folder is called meanwhile: its name to be, and this."""

_OURS = re.compile(
    rf"{re.escape(LOCK_NAME)}|base\.json|digests\.json|"
    r"\d{8}\.(wal|zst|label\.json|manifest\.json|zst\.tmp|manifest\.json\.tmp)"
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
def staged(disk: Disk, target: Path, more: Collection[str] = ()) -> Iterator[Path]:
    """
    Where to make what is to stand at *target*, an absent or empty folder: it gets that name when the block ends well.

    When it does not, nothing is left. Files in it must be closed and its lock freed when the block ends. *more*: names
    that are put into it, or into folders of it, beside those of a journal.

    Raises:
        Taken: *target* holds something, or the folder beside it holds files that are not ours.
        Locked: another process is making it.
    """
    refuse_taken(disk, target)
    staging = target.with_name(target.name + SUFFIX)
    clear(disk, staging, more)
    try:
        yield staging
        disk.rename(staging, target)
    except BaseException:
        clear(disk, staging, more)
        raise
    disk.sync_dir(target.parent)


def clear(disk: Disk, staging: Path, more: Collection[str] = ()) -> None:
    """
    Remove the folder of a command that was interrupted, if there is one; *more* as in `staged`.

    Raises:
        Locked: a command is at work in it.
        Taken: it holds files that no such command made.
    """
    if not disk.exists(staging):
        return
    lock = WriterLock(disk, staging)
    try:
        folders = [path for path in _paths(disk, staging) if disk.is_dir(path)]
        files = [path for folder in (*folders, staging) for path in _paths(disk, folder) if path not in folders]
        foreign = [path for path in files if _OURS.fullmatch(path.name) is None and path.name not in more]
        if foreign:
            raise Taken(foreign[0])
        for path in files:
            disk.unlink(path)
        for folder in (*folders, staging):
            disk.remove_dir(folder)
    finally:
        lock.release()


def _paths(disk: Disk, folder: Path) -> list[Path]:
    return [folder / name for name in disk.names(folder)]
