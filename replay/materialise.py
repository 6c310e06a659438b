"""
An overlay and the journal it stands on, put into one folder that replays alone.

The files are copied unchanged, so that every number, checksum and chain hash stays; the base lies in a folder of its
own beside the overlay's segments, and the hint there says so.
"""

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from journal.disk import Disk, write_all
from journal.errors import JournalError
from journal.labels import label_path
from journal.lock import WriterLock
from journal.reader import Journal, open_journal
from journal.segment import LOCK_NAME, manifest_path
from journal.staging import staged
from replay.choose import recorded_run
from replay.overlay import BASE_FILE, BaseFeed, open_base, write_base_hint

BASE_FOLDER = "base"
CHUNK = 1 << 20


class NoOverlay(JournalError):
    """A journal that stands on no other, and so replays alone as it is."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: this is no overlay, it replays alone as it is")
        self.path = path


@frozen
class Materialised:
    """What `materialise` made: *replay* is what to hand to `engine replay`."""

    path: str
    replay: str
    files: int
    bytes: int
    records: int
    base_records: int
    base_head: str


def materialise(
    disk: Disk,
    overlay: Path,
    target: Path,
    base: Path | None = None,
    progress: Callable[[int], object] = lambda stored_bytes: None,
) -> Materialised:
    """
    Copy *overlay* and its base (*base*, or where the overlay's hint says) into the new folder *target*.

    All checksums and both chains are verified in the copy; it grows beside its place, and appears when it is whole.

    Raises:
        NoOverlay: there is no base to put beside it.
        NoBase, WrongBase: the base is missing, or is another journal.
        Taken: *target* is taken.
        JournalError: one of the two is damaged.
    """
    with open_journal(overlay, disk) as journal:
        run = recorded_run(journal)
        if run is None or run.base is None:
            raise NoOverlay(overlay)
        feed = open_base(disk, overlay, run, base)
        try:
            stands = Path(BASE_FOLDER) if disk.is_dir(feed.journal.path) else Path(BASE_FOLDER, feed.journal.path.name)
            of_bundles = [path.name for path in (overlay, feed.journal.path) if not disk.is_dir(path)]
            made: list[Path] = []
            with staged(disk, target, of_bundles) as staging:
                disk.make_dir(staging)
                lock = WriterLock(disk, staging)
                try:
                    size = _copy(disk, journal, staging, made, progress)
                    size += _copy(disk, feed.journal, staging / BASE_FOLDER, made, progress)
                    made.append(staging / BASE_FILE)
                    write_base_hint(disk, staging, stands)
                    replay = Path() if disk.is_dir(overlay) or overlay.suffix == ".wal" else Path(overlay.name)
                    _read_back(disk, staging / replay, journal)
                    disk.sync_dir(staging)
                finally:
                    lock.release()
                disk.unlink(staging / LOCK_NAME)
        finally:
            feed.close()
        return Materialised(
            path=str(target),
            replay=str(target / replay),
            files=len(made),
            bytes=size,
            records=journal.last_seq - journal.first_seq + 1,
            base_records=feed.journal.last_seq - feed.journal.first_seq + 1,
            base_head=run.base.head_hash,
        )


def _copy(disk: Disk, journal: Journal, target: Path, made: list[Path], progress: Callable[[int], object]) -> int:
    """Copy the files that *journal* is read from into the folder *target*; returns their bytes."""
    if journal.damage is not None:
        raise journal.damage
    disk.make_dir(target)
    size = 0
    for path in files_of(disk, journal):
        made.append(target / path.name)
        size += _copy_file(disk, path, target / path.name, progress)
    disk.sync_dir(target)
    return size


def files_of(disk: Disk, journal: Journal) -> list[Path]:
    """The files of *journal*'s segments, with their manifests and labels; a bundle is one file."""
    found: list[Path] = []
    for segment in journal.segments:
        beside = [manifest_path(segment.path.parent, segment.number), label_path(segment.path.parent, segment.number)]
        in_folder = disk.is_dir(journal.path)
        for path in (segment.path, *(path for path in beside if in_folder and disk.exists(path))):
            if path not in found:
                found.append(path)
    return found


def _copy_file(disk: Disk, source: Path, target: Path, progress: Callable[[int], object]) -> int:
    reading, writing = disk.open_read(source), disk.create(target)
    try:
        size = 0
        while piece := reading.read(size, CHUNK):
            write_all(writing, piece)
            size += len(piece)
            progress(len(piece))
        writing.sync()
    finally:
        reading.close()
        writing.close()
    return size


def _read_back(disk: Disk, copied: Path, original: Journal) -> None:
    """Read every block of the copy and of the base beside it, as a replay would. Raises what is wrong with them."""
    with open_journal(copied, disk) as journal:
        if (journal.last_seq, journal.head) != (original.last_seq, original.head):
            raise JournalError(f"{original.path}: it was written to while it was copied")
        run = recorded_run(journal)
        assert run is not None
        feed: BaseFeed = open_base(disk, copied, run, None)
        try:
            for one in (journal, feed.journal):
                for _ in one.blocks():
                    pass
        finally:
            feed.close()
