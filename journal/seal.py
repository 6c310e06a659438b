"""
Sealing: a complete WAL becomes a checked zstd file and a manifest, so that at every moment the data exists whole.

Everything is streamed a block at a time. A crash at any step leaves the WAL, or the sealed file with its manifest, or
both; `settle_leftovers` then finishes or undoes what was begun.
"""

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Final

from journal.disk import Disk, File, write_all
from journal.errors import JournalError, Locked, SealFailed
from journal.facts import facts_of, file_digest, stream_of
from journal.frames import LEVEL, Compressor, Decompressor
from journal.index import Index, encode_tables, read_index
from journal.manifest import SEALED_AFTER_RECOVERY, SEALED_OK, Manifest, read_manifest, write_manifest
from journal.segment import (
    HEADER_SIZE,
    Entry,
    Files,
    decode_header,
    header_stands,
    manifest_path,
    wal_path,
    with_suffix,
    zst_path,
)
from journal.stored import Segment, open_sealed, open_wal

DEFAULT_SEGMENT_BYTES: Final = 256 << 20


def seal(
    disk: Disk,
    directory: Path,
    number: int,
    *,
    sealed_ns: int,
    level: int = LEVEL,
    stop_reason: str | None = None,
    status: str | None = None,
    advance: Callable[[int], object] = lambda raw_bytes: None,
) -> Manifest:
    """
    Seal the complete segment *number*; sealing it again returns its manifest.

    Args:
        sealed_ns: wall clock, for the manifest.
        stop_reason: why the segment ended; without it, told from what follows the segment.
        status: SEALED_AFTER_DISK_FULL or SALVAGED where that holds; without it, told from the evidence of recoveries.
        advance: told the raw bytes compressed since the last call.
    Raises:
        SealFailed: the WAL is not complete, is damaged, or the copy differs; it stays as it is.
        Locked: another process seals it.
        OSError: the disk refused; run it again.
    """
    path = wal_path(directory, number)
    if not disk.exists(path) and disk.exists(manifest_path(directory, number)):
        return read_manifest(disk, directory, number)
    guard = disk.open_append(path)
    try:
        if not guard.lock():
            raise Locked(path)
        try:
            segment = open_wal(disk, path)
        except JournalError as error:
            raise SealFailed(path, str(error)) from error
        try:
            manifest = _seal(disk, directory, segment, level, advance)
        finally:
            segment.close()
        manifest["sealed_ns"] = sealed_ns
        manifest["stop_reason"] = stop_reason or ending(disk, directory, segment)
        manifest["torn_bytes"] = torn_bytes(disk, directory, number)
        recovered = manifest["torn_bytes"] or manifest["stop_reason"] == "recovery"
        manifest["status"] = status or (SEALED_AFTER_RECOVERY if recovered else SEALED_OK)
        write_manifest(disk, directory, manifest)
        disk.unlink(path)
        disk.sync_dir(directory)
    finally:
        guard.close()
    return manifest


def _seal(disk: Disk, directory: Path, segment: Segment, level: int, advance: Callable[[int], object]) -> Manifest:
    """Write, compare and rename the `.zst` of *segment*; returns the manifest but for what the stream does not tell."""
    checker = segment.checker
    assert checker is not None
    if checker.reason or not checker.complete:
        raise SealFailed(segment.path, f"at byte {checker.offset}: {checker.reason or 'the final block is missing'}")
    path = zst_path(directory, segment.number)
    temporary = with_suffix(path, ".tmp")
    if disk.exists(temporary):
        disk.unlink(temporary)
    out = disk.create(temporary)
    try:
        entries, raw_digest = _compress(segment, out, level, advance)
        write_all(out, encode_tables(Index(checker.head, checker.offset, entries)))
        out.sync()
        zst_digest = _compare(segment, out, temporary)
        zst_bytes = out.size()
    finally:
        out.close()
    disk.rename(temporary, path)
    disk.sync_dir(directory)
    return {**facts_of(segment.header, stream_of(checker, raw_digest), zst_bytes, zst_digest), "level": level}


def _compress(segment: Segment, out: File, level: int, advance: Callable[[int], object]) -> tuple[list[Entry], str]:
    compressor = Compressor(level)
    digest = blake2b(digest_size=32)
    entries = []
    file_off = 0
    for number, e in enumerate(segment.entries):
        raw = segment.raw(number)
        digest.update(raw)
        frame = compressor.frame(raw)
        write_all(out, frame)
        entries.append(
            Entry(
                e.raw_off,
                file_off,
                e.first_seq,
                e.last_seq,
                e.first_recv_ns,
                e.last_recv_ns,
                e.raw_len,
                len(frame),
                e.data_records,
            )
        )
        file_off += len(frame)
        advance(len(raw))
    return entries, digest.hexdigest()


def _compare(segment: Segment, out: File, path: Path) -> str:
    """Read the sealed file back and compare it with the WAL, block by block; returns its digest."""
    out.drop_cache()
    context = Decompressor()
    try:
        for number, e in enumerate(read_index(out, path).entries):
            stored = out.read(e.file_off, e.comp_len)
            if context.block(stored, e.raw_len, path, e.file_off) != segment.raw(number):
                raise SealFailed(path, f"block {number} reads back differently")
    except JournalError as error:
        raise SealFailed(path, str(error)) from error
    return file_digest(out)


def torn_bytes(disk: Disk, directory: Path, number: int) -> int:
    """How many bytes recoveries cut off segment *number*, and kept as evidence."""
    total = 0
    for torn, path in Files(disk, directory).torn:
        if torn == number:
            file = disk.open_read(path)
            total += file.size()
            file.close()
    return total


def ending(disk: Disk, directory: Path, segment: Segment) -> str:
    """A segment followed by one of the same run was rotated; one followed by another run's, or none, was shut down."""
    if _epoch(disk, directory, segment.number + 1) == segment.header.run_epoch:
        last = segment.entries[-1]
        raw_bytes = last.raw_off + last.raw_len - segment.raw_base
        return "size" if raw_bytes >= DEFAULT_SEGMENT_BYTES else "time"
    return "shutdown"


def _epoch(disk: Disk, directory: Path, number: int) -> int:
    """The run epoch that segment *number* states; 0 where no header of it can be read."""
    following = wal_path(directory, number)
    if disk.exists(following):
        file = disk.open_read(following)
        start = file.read(0, HEADER_SIZE)
        file.close()
        return decode_header(start, following).run_epoch if header_stands(start) else 0
    try:
        return open_sealed(disk, zst_path(directory, number))[0].header.run_epoch
    except (JournalError, FileNotFoundError):
        return 0


def settle_leftovers(disk: Disk, directory: Path) -> None:
    """
    Finish or undo sealings that a crash interrupted. A segment that another process seals right now is left alone.

    A WAL whose manifest stands is removed once the manifest's digests fit both files; if they do not, the manifest goes
    and the segment waits to be sealed again. Files half written are removed.
    """
    files = Files(disk, directory)
    busy = set()
    for number in files.wal:
        if number not in files.manifest and not any(_of(path) == number for path in files.temporary):
            continue
        guard = disk.open_append(wal_path(directory, number))
        try:
            if not guard.lock():
                busy.add(number)
            elif number in files.manifest:
                fits = _fits(disk, directory, number, guard)
                disk.unlink(wal_path(directory, number) if fits else manifest_path(directory, number))
                disk.sync_dir(directory)
        finally:
            guard.close()
    for path in files.temporary:
        if _of(path) not in busy:
            disk.unlink(path)


def _of(path: Path) -> int:
    return int(path.name[:8])


def _fits(disk: Disk, directory: Path, number: int, wal: File) -> bool:
    """Whether manifest, WAL and sealed file of segment *number* belong together, byte for byte."""
    path = zst_path(directory, number)
    if not disk.exists(path):
        return False
    try:
        manifest = read_manifest(disk, directory, number)
    except JournalError:
        return False
    file = disk.open_read(path)
    try:
        return bool(file_digest(wal) == manifest["raw_blake2b"] and file_digest(file) == manifest["zst_blake2b"])
    finally:
        file.close()
