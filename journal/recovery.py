"""
What a journal's folder holds after whatever happened, and how it is made fit for the next writer.

`examine` only looks: its verdict is CLEAN, TORN (bytes of an unfinished batch at the very end, which nothing was done
about) or CORRUPT (data reported durable is damaged). `recover` also repairs, and may itself be interrupted anywhere and
run again.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from journal.check import Checker, find_commit, find_record
from journal.disk import Disk, File, write_all
from journal.errors import Damaged, JournalError, RecoveryRefused
from journal.seal import settle_leftovers
from journal.segment import (
    HEADER_SIZE,
    MAX_PAYLOAD,
    Files,
    Header,
    header_stands,
    torn_path,
    wal_path,
    with_suffix,
    zst_path,
)
from journal.stored import CHUNK, Segment, join, open_sealed, open_wal, sources_of, walk_sealed

CLEAN: Final = "CLEAN"
TORN: Final = "TORN"
CORRUPT: Final = "CORRUPT"
COMMIT_RECORD: Final = 64
TRIES: Final = 5

T = TypeVar("T")


class Recovery:
    """
    The verdict on a folder, and where the next writer goes on.

    Attributes:
        verdict: CLEAN, TORN or CORRUPT.
        path, offset, reason: when not CLEAN: the file, the first raw offset that fails, and why.
        numbers: the segments that stand, in order; unsealed: those of them that are complete WALs.
        header: of the highest segment that stands; None when the folder holds none.
        tail: the walk of the highest segment when it lacks its final block, else None. `tail.input_seq` is its last
            input; the data records behind it, up to `tail.last_seq`, are the derived records that follow.
        last_seq, last_recv_ns, head, run_epoch, sources: as of the end of what stands.
        torn_bytes: how many bytes the torn tail has; evidence: where `recover` kept them.
    """

    def __init__(self) -> None:
        self.verdict = CLEAN
        self.path: Path | None = None
        self.offset = 0
        self.reason = ""
        self.numbers: list[int] = []
        self.unsealed: list[int] = []
        self.header: Header | None = None
        self.tail: Checker | None = None
        self.last_seq = 0
        self.last_recv_ns = 0
        self.head = bytes(32)
        self.run_epoch = 0
        self.sources: dict[int, str] = {}
        self.torn_bytes = 0
        self.evidence: Path | None = None

    def _stop(self, verdict: str, path: Path, offset: int, reason: str) -> None:
        self.verdict, self.path, self.offset, self.reason = verdict, path, offset, reason

    def _stand(self, segment: Segment) -> None:
        self.numbers.append(segment.number)
        self.header = segment.header
        self.last_seq, self.head = segment.last_seq, segment.head
        self.last_recv_ns = max(0, segment.last_recv_ns)
        self.run_epoch = segment.header.run_epoch
        if segment.complete and not segment.sealed:
            self.unsealed.append(segment.number)
        if not segment.complete:
            self.tail = segment.checker

    def refuse_corrupt(self) -> None:
        """Raise RecoveryRefused when the verdict is CORRUPT."""
        if self.verdict == CORRUPT:
            raise RecoveryRefused(str(self.path), self.offset, self.reason)


def examine(disk: Disk, directory: Path) -> Recovery:
    """
    Walk every segment that is not sealed, check how the sealed ones join, and say what is there. Changes nothing.

    The blocks inside a sealed segment were checked when it was sealed; `journal.verify` checks them again.
    """
    return _patiently(lambda: _examine(disk, directory))


def _patiently(work: Callable[[], T]) -> T:
    """Do *work* over again while a sealing process of the last run takes files away under it."""
    for _ in range(TRIES - 1):
        try:
            return work()
        except FileNotFoundError:
            continue
    return work()


def _examine(disk: Disk, directory: Path) -> Recovery:
    result = Recovery()
    files = Files(disk, directory)
    standing: Segment | None = None
    for number in files.segments:
        segment = _look(disk, directory, files, number, standing, result)
        if segment is None:
            break
        if standing is not None:
            standing.close()
        standing = segment
        result._stand(segment)
    result.sources = _sources(disk, directory, files, result.numbers, standing)
    return result


def _sources(disk: Disk, directory: Path, files: Files, numbers: list[int], standing: Segment | None) -> dict[int, str]:
    """Names as of the end; the highest segment may have lost its first record, and then an earlier one tells."""
    for number in reversed(numbers):
        segment = standing or _open(disk, directory, files, number, None)
        standing = None
        found = sources_of(segment)
        segment.close()
        if found:
            return found
    return {}


def _open(disk: Disk, directory: Path, files: Files, number: int, previous: Segment | None) -> Segment:
    last_recv_ns = -1 if previous is None else max(0, previous.last_recv_ns)
    if not files.is_sealed(number):
        return open_wal(disk, wal_path(directory, number), last_recv_ns)
    segments = open_sealed(disk, zst_path(directory, number))
    if len(segments) != 1:
        raise Damaged(zst_path(directory, number), 0, f"it holds {len(segments)} segments, expected one")
    if number not in files.manifest:  # nobody vouches for it: look at all of it
        walk_sealed(segments[0], last_recv_ns)
    return segments[0]


def _look(
    disk: Disk, directory: Path, files: Files, number: int, previous: Segment | None, result: Recovery
) -> Segment | None:
    """The segment, if it stands and continues the one before; *result* notes what is wrong with it or behind it."""
    highest = number == files.segments[-1]
    path = zst_path(directory, number) if files.is_sealed(number) else wal_path(directory, number)
    if not files.stands(number):
        result._stop(CORRUPT, path, 0, "the manifest of the segment stands, but the segment is missing")
        return None
    if highest and not files.is_sealed(number) and _is_headerless(disk, path):
        result._stop(TORN, path, 0, "the segment was created, but its header never became durable")
        return None
    try:
        segment = _open(disk, directory, files, number, previous)
        join(segment, previous, number)
    except JournalError as error:
        result._stop(CORRUPT, path, error.offset if isinstance(error, Damaged) else 0, str(error))
        return None
    checker = segment.checker
    if checker is not None and (checker.reason or not (checker.complete or highest)):
        reason = checker.reason or "the segment lacks its final block, but a later one exists"
        verdict = CORRUPT if not highest or commit_beyond(disk, path, checker.offset) else TORN
        result._stop(verdict, path, checker.offset, reason)
        if verdict == CORRUPT:
            segment.close()
            return None
    return segment


def _is_headerless(disk: Disk, path: Path) -> bool:
    """
    Whether a crash while the segment was created explains the file: no valid header, and no record at all.

    Records are written only after the header was synced, so one record proves that the header was durable.
    """
    file = disk.open_read(path)
    try:
        if header_stands(file.read(0, HEADER_SIZE)):
            return False
        size = file.size()
        return all(
            find_record(file.read(at, CHUNK + MAX_PAYLOAD), MAX_PAYLOAD, CHUNK) < 0 for at in range(0, size, CHUNK)
        )
    finally:
        file.close()


def commit_beyond(disk: Disk, path: Path, bad: int) -> bool:
    """Whether a COMMIT behind raw offset *bad* reports bytes beyond it durable: then the damage is no torn tail."""
    file = disk.open_read(path)
    try:
        return any(find_commit(file.read(at, CHUNK + COMMIT_RECORD), bad) >= 0 for at in range(bad, file.size(), CHUNK))
    finally:
        file.close()


def recover(disk: Disk, directory: Path) -> Recovery:
    """
    Repair the folder as far as the format allows, and say what was found; the caller holds the writer's lock.

    A torn tail is kept as evidence and cut off; a segment that never got its header is removed; sealings a crash
    interrupted are finished or undone. Nothing is appended. A CORRUPT journal is left as it is.
    """
    return _patiently(lambda: _recover(disk, directory))


def _recover(disk: Disk, directory: Path) -> Recovery:
    settle_leftovers(disk, directory)
    _flush_highest(disk, directory)
    result = _examine(disk, directory)
    if result.verdict != TORN:
        return result
    assert result.path is not None
    file = disk.open_append(result.path)
    try:
        result.torn_bytes = file.size() - result.offset
        if result.torn_bytes:
            number = int(result.path.name[:8])
            result.evidence = torn_path(directory, number, result.offset)
            _keep(disk, file, result.offset, result.evidence)
        if result.offset:
            file.truncate(result.offset)
            file.sync()
        else:
            disk.unlink(result.path)
        disk.sync_dir(directory)
    finally:
        file.close()
    return result


def _flush_highest(disk: Disk, directory: Path) -> None:
    """
    Make durable what a crashed process left to the operating system, and read it back from the disk itself.

    After a failed sync the cache may still show bytes the disk never took; dropping the cache shows the truth.
    """
    live = Files(disk, directory).wal[-1:]
    for number in live:
        file = disk.open_append(wal_path(directory, number))
        try:
            file.sync()
            file.drop_cache()
        finally:
            file.close()
        disk.sync_dir(directory)


def _keep(disk: Disk, file: File, offset: int, evidence: Path) -> None:
    """
    Copy the bytes of *file* from *offset* on into *evidence*, whole or not at all.

    Evidence of that name that ends in the same bytes was written by a recovery that was interrupted; other bytes are an
    earlier crash's at the same place, and stay in front.
    """
    kept: File | None = None
    size = file.size() - offset
    if disk.exists(evidence):
        kept = disk.open_read(evidence)
        if _same(kept, kept.size() - size, file, offset, size):
            kept.close()
            return
    temporary = with_suffix(evidence, ".tmp")
    if disk.exists(temporary):
        disk.unlink(temporary)
    copy = disk.create(temporary)
    try:
        if kept is not None:
            for at in range(0, kept.size(), CHUNK):
                write_all(copy, kept.read(at, CHUNK))
        for at in range(offset, offset + size, CHUNK):
            write_all(copy, file.read(at, CHUNK))
        copy.sync()
    finally:
        copy.close()
        if kept is not None:
            kept.close()
    disk.rename(temporary, evidence)
    disk.sync_dir(evidence.parent)


def _same(kept: File, start: int, file: File, offset: int, size: int) -> bool:
    """Whether *size* bytes of *kept* from *start* on are those of *file* from *offset* on."""
    return start >= 0 and all(
        kept.read(start + at, min(CHUNK, size - at)) == file.read(offset + at, min(CHUNK, size - at))
        for at in range(0, size, CHUNK)
    )
