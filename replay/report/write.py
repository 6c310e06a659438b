"""A page becomes a file: beside its place first, and under its name when it is whole."""

from pathlib import Path

from journal.disk import Disk, write_all
from journal.errors import JournalError, Taken
from journal.staging import staged_file

MOST_BYTES = 2_000_000
"""A page is never larger."""


class NoFolder(JournalError):
    """A report was to be written where there is no folder."""

    def __init__(self, target: Path) -> None:
        super().__init__(f"{target}: there is no folder {target.parent}")


def refuse_target(disk: Disk, target: Path) -> None:
    """
    Whether a report can be written to *target* at all: asked before a run is played, whose time would be lost.

    Raises:
        Taken: something stands there; NoFolder: its folder does not exist.
    """
    if not target.name or target.name == "..":
        raise Taken(target, "a report needs a file name of its own")
    if disk.exists(target):
        raise Taken(target)
    if not disk.is_dir(target.parent):
        raise NoFolder(target)


def write_page(disk: Disk, target: Path, page: bytes) -> None:
    """
    Write *page* to *target*.

    Raises:
        Taken, NoFolder: as `refuse_target`; OSError: the disk refuses. Then no *target* appears.
    """
    assert len(page) <= MOST_BYTES
    refuse_target(disk, target)
    with staged_file(disk, target) as file:
        write_all(file, page)
