"""
Bundles: consecutive sealed segments in one file, `journal.zst`, that plain `zstd -d` and every reader here can read.

The data frames are copied unchanged; only the two tables behind them are made anew.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from journal.disk import Disk, File, write_all
from journal.errors import Damaged, JournalError, Taken
from journal.index import Index, encode_tables
from journal.segment import Entry
from journal.staging import partial_of, staged_file
from journal.stored import Segment, open_sealed

CHUNK = 1 << 20


class NotSealed(JournalError):
    """A segment that is still a WAL has no frames to copy."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: not sealed yet")
        self.path = path


@attrs.frozen
class BundleReport:
    """What a bundle holds."""

    path: str
    segments: list[int]
    blocks: int
    first_seq: int
    last_seq: int
    raw_bytes: int
    zst_bytes: int
    head: str


def bundle(
    disk: Disk, segments: Sequence[Segment], target: Path, advance: Callable[[int], None] | None = None
) -> BundleReport:
    """
    Write *segments*, which are sealed, consecutive and checked by the caller, into *target*, which must not exist.

    Args:
        advance: progress, in bytes of the file.
    Raises:
        NotSealed: one of them is a WAL.
        Taken: *target* is taken.
        Damaged: what was written does not read back; no *target* appears.
    """
    assert segments
    for segment in segments:
        if not segment.sealed:
            raise NotSealed(segment.path)
    if disk.exists(target):
        raise Taken(target)
    with staged_file(disk, target) as file:
        index = _copy(disk, segments, file, advance)
        write_all(file, encode_tables(index))
        size = file.size()
        _read_back(disk, partial_of(target), segments)
    return BundleReport(
        path=str(target),
        segments=[segment.number for segment in segments],
        blocks=len(index.entries),
        first_seq=segments[0].first_seq,
        last_seq=segments[-1].last_seq,
        raw_bytes=index.raw_len,
        zst_bytes=size,
        head=index.head.hex(),
    )


def _copy(disk: Disk, segments: Sequence[Segment], file: File, advance: Callable[[int], None] | None) -> Index:
    """Append the data frames of all *segments* to *file*; returns the index of what then stands there."""
    entries: list[Entry] = []
    raw_off = file_off = 0
    for segment in segments:
        first, last = segment.entries[0], segment.entries[-1]
        source = disk.open_read(segment.path)
        try:
            at, end = first.file_off, last.file_off + last.comp_len
            while at < end:
                piece = source.read(at, min(CHUNK, end - at))
                if not piece:
                    raise Damaged(segment.path, at, "the file is shorter than its block index says")
                write_all(file, piece)
                at += len(piece)
                if advance is not None:
                    advance(len(piece))
        finally:
            source.close()
        for e in segment.entries:
            seqs, times = (e.first_seq, e.last_seq), (e.first_recv_ns, e.last_recv_ns)
            entries.append(Entry(raw_off, file_off, *seqs, *times, e.raw_len, e.comp_len, e.data_records))
            raw_off += e.raw_len
            file_off += e.comp_len
    return Index(segments[-1].head, raw_off, entries)


def _read_back(disk: Disk, path: Path, segments: Sequence[Segment]) -> None:
    """Open what was written as a reader would. Raises Damaged unless it holds exactly these segments."""
    found = open_sealed(disk, path)
    try:
        if [(one.number, one.head) for one in found] != [(one.number, one.head) for one in segments]:
            raise Damaged(path, 0, "the bundle does not read back as the segments it was made of")
    finally:
        for one in found:
            one.close()
