"""
A new journal's folder, or a file, that appears all at once: it grows beside its place, and takes its name when whole.

So whatever ends a command early, nothing half made is ever found under the name that was asked for.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from journal.disk import Disk, File
from journal.errors import Taken
from journal.lock import WriterLock
from journal.segment import LOCK_NAME

SUFFIX = ".unfinished"
"""What the folder is called meanwhile: its name to be, and this."""

PARTIAL = ".partial"
"""What a file is called meanwhile: its name to be, and this."""

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


@contextmanager
def staged_file(disk: Disk, target: Path) -> Iterator[File]:
    """
    A file to write into that is synced, and stands at *target*, when the block ends well; it replaces what is there.

    When it does not, nothing is left of it. Until then it lies at `partial_of`.
    """
    partial = partial_of(target)
    if disk.exists(partial):
        disk.unlink(partial)
    file = disk.create(partial)
    try:
        yield file
        file.sync()
    except BaseException:
        file.close()
        disk.unlink(partial)
        raise
    file.close()
    disk.rename(partial, target)
    disk.sync_dir(target.parent)


def partial_of(target: Path) -> Path:
    """Where a file lies while it is made that is to stand at *target*."""
    return target.with_name(target.name + PARTIAL)


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
