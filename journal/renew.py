"""
Index and manifest of a sealed segment made anew from its blocks, where they are broken, missing or wrong.

Both only repeat what the blocks say, so nothing is lost with them but how the segment once was sealed. Every block is
checked first. What stood there before is kept beside the segment, under a name that no reader looks at.
"""

from pathlib import Path
from typing import Final

import attrs

from journal.check import UNKNOWN_TIME
from journal.disk import Disk, File, write_all
from journal.errors import Damaged
from journal.facts import facts_of, file_digest, stream_of
from journal.index import Index, encode_tables
from journal.lock import WriterLock
from journal.manifest import MANIFEST_RENEWED, SALVAGED, STOP_REASONS, Manifest, read_manifest, write_manifest
from journal.seal import ending, torn_bytes
from journal.segment import Files, manifest_path, with_suffix, zst_path
from journal.stored import CHUNK, Segment, join, open_sealed
from journal.verify import check_manifest, walked

BAD: Final = ".bad"
"""What the name of a thing that was replaced ends with."""


@attrs.frozen
class Renewed:
    """What was made anew of one segment."""

    segment: int
    index: bool
    manifest: bool


def renew(disk: Disk, directory: Path, *, sealed_ns: int) -> list[Renewed]:
    """
    Make the broken indexes and manifests of the sealed segments in *directory* anew; returns what was done.

    Segments whose WAL still stands are left to be sealed. *sealed_ns* is the wall clock, for the manifests.

    Raises:
        Damaged: the blocks themselves do not hold; nothing of that segment, or behind it, is touched.
        Locked: a writer is at work.
    """
    lock = WriterLock(disk, directory)
    try:
        files = Files(disk, directory)
        done = []
        for number in files.zst:
            if number not in files.wal:
                found = _renew(disk, directory, number, sealed_ns)
                if found.index or found.manifest:
                    done.append(found)
        return done
    finally:
        lock.release()


def _renew(disk: Disk, directory: Path, number: int, sealed_ns: int) -> Renewed:
    path = zst_path(directory, number)
    segments = open_sealed(disk, path)
    if len(segments) != 1:
        raise Damaged(path, 0, f"it holds {len(segments)} segments, expected one")
    segment = segments[0]
    join(segment, None, number)
    checker, raw_digest = walked(segment, UNKNOWN_TIME, lambda seq: None, lambda done: None)
    segment.close()
    broken = bool(segment.remark)
    if broken:
        _write_tables(disk, segment)
    try:
        check_manifest(disk, segment, checker, raw_digest)
    except (Damaged, FileNotFoundError):
        file = disk.open_read(path)
        facts = facts_of(segment.header, stream_of(checker, raw_digest), file.size(), file_digest(file))
        file.close()
        _write_manifest(disk, directory, segment, facts, sealed_ns)
        return Renewed(number, broken, True)
    return Renewed(number, broken, False)


def _write_tables(disk: Disk, segment: Segment) -> None:
    """Write the file of *segment* anew: its data frames as they are, and the tables that they give."""
    path, last = segment.path, segment.entries[-1]
    end = last.file_off + last.comp_len
    temporary = with_suffix(path, ".tmp")
    if disk.exists(temporary):
        disk.unlink(temporary)
    source, made = disk.open_read(path), disk.create(temporary)
    try:
        _keep(disk, with_suffix(path, BAD), source.read(end, source.size() - end))
        for at in range(0, end, CHUNK):
            write_all(made, source.read(at, min(CHUNK, end - at)))
        write_all(made, encode_tables(Index(segment.head, last.raw_off + last.raw_len, segment.entries)))
        made.sync()
        _compare(source, made, end, path)
    finally:
        source.close()
        made.close()
    disk.rename(temporary, path)
    disk.sync_dir(path.parent)


def _compare(source: File, made: File, end: int, path: Path) -> None:
    """Raise Damaged unless the first *end* bytes of both files are the same."""
    made.drop_cache()
    for at in range(0, end, CHUNK):
        size = min(CHUNK, end - at)
        if made.read(at, size) != source.read(at, size):
            raise Damaged(path, at, "its copy reads back differently")


def _write_manifest(disk: Disk, directory: Path, segment: Segment, facts: Manifest, sealed_ns: int) -> None:
    """Put a manifest of *facts* in place; the one that stood there is kept, and what only it knew is taken over."""
    path = manifest_path(directory, segment.number)
    before = _stated(disk, directory, segment.number)
    if disk.exists(path):
        disk.rename(path, with_suffix(path, BAD))
    level, reason = before.get("level"), before.get("stop_reason")
    made = {
        **facts,
        "level": level if isinstance(level, int) else 0,
        "sealed_ns": sealed_ns,
        "stop_reason": reason if reason in STOP_REASONS else ending(disk, directory, segment),
        "status": SALVAGED if before.get("status") == SALVAGED else MANIFEST_RENEWED,
        "torn_bytes": torn_bytes(disk, directory, segment.number),
    }
    write_manifest(disk, directory, made)


def _stated(disk: Disk, directory: Path, number: int) -> Manifest:
    """What the manifest of segment *number* says, as far as it can be read."""
    try:
        return read_manifest(disk, directory, number)
    except (Damaged, FileNotFoundError):
        return {}


def _keep(disk: Disk, path: Path, data: bytes) -> None:
    """Write *data* to the new file *path*; an older one of that name goes."""
    if disk.exists(path):
        disk.unlink(path)
    file = disk.create(path)
    write_all(file, data)
    file.sync()
    file.close()
