"""Files of a recording, read front to back."""

from collections.abc import Callable, Iterator
from pathlib import Path

from journal.disk import Disk

CHUNK = 1 << 20


def chunks(disk: Disk, path: Path, advance: Callable[[int], None] | None = None) -> Iterator[bytes]:
    """The bytes of *path* in order; *advance* is told how many of the file's bytes were read."""
    file = disk.open_read(path)
    try:
        offset = 0
        while piece := file.read(offset, CHUNK):
            offset += len(piece)
            if advance is not None:
                advance(len(piece))
            yield piece
    finally:
        file.close()


def size_of(disk: Disk, path: Path) -> int:
    """The file's length in bytes."""
    file = disk.open_read(path)
    try:
        return file.size()
    finally:
        file.close()
