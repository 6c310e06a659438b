"""One segment as it lies on disk, sealed or not: its header, its blocks, and their raw bytes."""

from pathlib import Path
from typing import Final

from engine.kernel.kinds import SOURCES
from engine.kernel.record import CONTROL
from journal.check import UNKNOWN_TIME, Checker
from journal.codec import BLOCK_END_RECORD, Cursor
from journal.disk import Disk, File
from journal.errors import Damaged, NotAJournal, SequenceGap
from journal.frames import Decompressor
from journal.index import Index, bytes_behind, read_index, rebuild_index
from journal.index import block_end as block_end
from journal.payloads import decode_sources
from journal.segment import HEADER_SIZE, Entry, Header, decode_header, new_chain

CHUNK: Final = 1 << 20
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"


class Segment:
    """
    One segment, open for reading.

    Attributes:
        number, path, sealed, header: as named; *path* may be a bundle that several segments share.
        entries: the closed blocks, in order; raw_base is the raw offset of the first within the file.
        head: chain hash of the last closed block (the header's prev_hash before the first).
        complete: whether the final block stands; only the highest segment may lack it.
        first_seq, last_seq: of its data records; last_seq is first_seq - 1 when it has none.
        first_recv_ns, last_recv_ns: of its data records, NONE and the time before it when it has none.
        checker: for a WAL, the walk that was made when it was opened; None for a sealed one.
        unread: how many bytes of a WAL lay then behind the last record that passed: torn, or still being written.
        remark: what of a sealed file had to be done without, though its blocks hold; empty when nothing had.
    """

    def __init__(
        self, disk: Disk, path: Path, sealed: bool, header: Header, entries: list[Entry], head: bytes, file: File | None
    ) -> None:
        """Without *file* it is opened when bytes are asked for, and again after `close`: a WAL may lose its name."""
        self._disk = disk
        self._file = file
        self.path = path
        self.sealed = sealed
        self.header = header
        self.number = header.segment_no
        self.entries = entries
        self.head = head
        self.raw_base = entries[0].raw_off if entries else 0
        self.complete = sealed
        self.first_seq = header.first_seq
        self.last_seq = entries[-1].last_seq if entries else header.first_seq - 1
        self.first_recv_ns = next((e.first_recv_ns for e in entries if e.data_records), -(2**63))
        self.last_recv_ns = entries[-1].last_recv_ns if entries else -(2**63)
        self.checker: Checker | None = None
        self.unread = 0
        self.remark = ""
        self.named: dict[int, str] | None = None  # its sources, once `sources_of` has looked for them

    def raw(self, number: int) -> bytes:
        """The raw bytes of closed block *number*, not yet checked. Raises Damaged."""
        entry = self.entries[number]
        stored = self._read(entry.file_off, entry.comp_len)
        if len(stored) != entry.comp_len:
            raise Damaged(self.path, entry.file_off, f"{len(stored)} bytes are left of a block of {entry.comp_len}")
        # A context of its own for each block: the helper thread and its owner may both read this segment.
        return Decompressor().block(stored, entry.raw_len, self.path, entry.file_off) if self.sealed else stored

    def _read(self, offset: int, size: int) -> bytes:
        file = self._file  # held until it is read, whoever calls `close` meanwhile
        if file is None:
            file = self._file = self._disk.open_read(self.path)
        return file.read(offset, size)

    def tail(self) -> bytes:
        """The checked bytes of a WAL behind its last closed block; empty when the segment is complete."""
        assert self.checker is not None
        start = self.checker.block_start
        return self._read(start, self.checker.offset - start)

    def check(self, number: int, raw: bytes, previous: bytes | None) -> bytes:
        """
        Check closed block *number* against its BLOCK_END, its index entry, and the chain.

        Args:
            raw: its raw bytes.
            previous: chain hash of the block before; None leaves the hash unchecked.
        Returns:
            its own chain hash.
        """
        entry = self.entries[number]
        end, last = block_end(raw, self.path, entry.file_off)
        stated = (end.first_seq, end.last_seq, end.first_recv_ns, end.last_recv_ns, end.data_records)
        listed = (entry.first_seq, entry.last_seq, entry.first_recv_ns, entry.last_recv_ns, entry.data_records)
        if end.block_no != number or stated != listed or end.block_len != len(raw) - BLOCK_END_RECORD:
            raise Damaged(self.path, entry.file_off, f"block {number} and its entry in the block index disagree")
        if last != (self.complete and number == len(self.entries) - 1):
            raise Damaged(self.path, entry.file_off, f"block {number} is not where the segment ends")
        if previous is not None:
            hasher = new_chain(previous)
            hasher.update(memoryview(raw)[:-BLOCK_END_RECORD])
            if hasher.digest() != end.chain:
                raise Damaged(self.path, entry.file_off, f"the chain hash of block {number} does not fit its bytes")
        return end.chain

    def previous_hash(self, number: int) -> bytes:
        """Chain hash of the block before *number*, read from that block."""
        if number == 0:
            return self.header.prev_hash
        return self.check(number - 1, self.raw(number - 1), None)

    def close(self) -> None:
        """
        Let the file go; it is opened again when more is asked for.

        It closes when nobody holds it: the helper thread comes here behind a segment's last block, and its owner may be
        reading.
        """
        self._file = None


def open_sealed(disk: Disk, path: Path) -> list[Segment]:
    """
    The segments in a sealed file, in order: one of a `.zst`, all of a bundle.

    The last block of each states its own number, so the one before it ends the segment before. A broken index is
    made anew, in memory, and `remark` says so.
    """
    file = disk.open_read(path)
    try:
        remark = ""
        try:
            index = read_index(file, path)
        except Damaged as damage:
            if file.read(0, 4) != ZSTD_MAGIC:  # else the beginning may be readable
                raise NotAJournal(path, "a sealed segment is made of zstd frames, this file is not") from damage
            index = rebuild_index(file, path)
            behind = bytes_behind(file, index)
            if behind:
                remark = f"{path}: the last {behind:,} bytes belong to no block and no index, and were ignored"
            else:
                remark = f"{path}: the index was made anew from the blocks: {damage.reason}"
        if not index.entries:
            raise Damaged(path, 0, "the file holds no block")
        segments = _split(disk, path, file, index)
        for segment in segments:
            segment.remark = remark
        return segments
    finally:
        file.close()  # a journal may have more segments than a process may have files


def _split(disk: Disk, path: Path, file: File, index: Index) -> list[Segment]:
    segments: list[Segment] = []
    end = len(index.entries)
    head = index.head
    context = Decompressor()

    def block(entry: Entry) -> bytes:
        return context.block(file.read(entry.file_off, entry.comp_len), entry.raw_len, path, entry.file_off)

    while end:
        entry = index.entries[end - 1]
        stated, is_last = block_end(block(entry), path, entry.file_off)
        start = end - 1 - stated.block_no
        if start < 0 or not is_last or stated.chain != head:
            raise Damaged(path, entry.file_off, "the block index does not end where a segment ends")
        header = decode_header(block(index.entries[start]), path)
        segments.insert(0, Segment(disk, path, True, header, index.entries[start:end], head, None))
        head = header.prev_hash
        end = start
    return segments


def open_wal(disk: Disk, path: Path, last_recv_ns: int = UNKNOWN_TIME) -> Segment:
    """
    A live or not yet sealed segment, walked up to the last record that passes its checks.

    `Segment.checker` tells where and why the walk stopped. *last_recv_ns* is that of the segment before. Raises
    NotAJournal when no valid header starts the file.
    """
    file = disk.open_read(path)
    try:
        start = file.read(0, HEADER_SIZE)
        header = decode_header(start, path)
        if header.first_seq == 1:
            last_recv_ns = 0
        checker = Checker(start, header.first_seq, last_recv_ns, header.prev_hash, header.max_payload)
        size = walk(file, checker)
    except BaseException:
        file.close()
        raise
    segment = Segment(disk, path, False, header, checker.blocks, checker.head, file)
    segment.checker = checker
    segment.unread = max(0, size - checker.offset)
    segment.complete = checker.complete
    segment.last_seq = checker.last_seq
    segment.first_recv_ns = checker.first_recv_ns
    segment.last_recv_ns = checker.last_recv_ns
    return segment


def walk(file: File, checker: Checker) -> int:
    """Feed *checker* all of *file* from where it stands to the end, a piece at a time; returns where the end was."""
    size = file.size()
    at = checker.offset
    rest = b""
    final = at >= size
    while not final and not checker.reason:
        piece = file.read(at, CHUNK)
        at += len(piece)
        final = at >= size or not piece  # nothing comes when another process has cut the file meanwhile
        data = rest + piece
        rest = data[checker.feed(data, final) :]
    return size


def join(segment: Segment, previous: Segment | None, number: int) -> None:
    """Check that *segment*, named *number*, continues the *previous* one. Raises SequenceGap or Damaged."""
    header = segment.header
    if header.segment_no != number:
        raise Damaged(segment.path, 32, f"the header states segment {header.segment_no}, the name says {number}")
    if previous is None:
        return
    if number != previous.number + 1:
        raise SequenceGap(segment.path, previous.number, number, "segment")
    if header.journal_id != previous.header.journal_id:
        raise Damaged(segment.path, 16, "the segment belongs to another journal than the one before it")
    if header.first_seq != previous.last_seq + 1:
        raise SequenceGap(segment.path, previous.last_seq, header.first_seq)
    if header.prev_hash != previous.head:
        raise Damaged(segment.path, 64, "the chain hash in the header is not the head of the segment before it")
    if header.run_epoch < previous.header.run_epoch:
        raise Damaged(segment.path, 104, f"run epoch {header.run_epoch} follows {previous.header.run_epoch}")


def walk_sealed(segment: Segment, last_recv_ns: int = UNKNOWN_TIME) -> Checker:
    """Every block of *segment* decompressed and walked. Raises Damaged where a rule breaks, or the index is wrong."""
    header = segment.header
    checker = Checker(
        segment.raw(0)[:HEADER_SIZE], header.first_seq, last_recv_ns, header.prev_hash, header.max_payload
    )
    for number in range(len(segment.entries)):
        raw = segment.raw(number)
        checker.feed(raw if number else raw[HEADER_SIZE:], True)
        if checker.reason:
            raise Damaged(segment.path, checker.offset, checker.reason)
        segment.check(number, raw, None)
    assert checker.complete
    return checker


def sources_of(segment: Segment) -> dict[int, str]:
    """Source numbers and names as of the segment's end; of a sealed one found once, from its end backwards."""
    if segment.checker is not None:
        return decode_sources(segment.checker.sources) if segment.checker.sources else {}
    if segment.named is None:
        segment.named = _sources_of_sealed(segment)
    return dict(segment.named)


def _sources_of_sealed(segment: Segment) -> dict[int, str]:
    for number in range(len(segment.entries) - 1, -1, -1):
        raw = segment.raw(number)
        cursor = Cursor(raw, 0 if number else HEADER_SIZE, len(raw))
        found = b""
        while cursor.next():
            if cursor.flags & CONTROL and cursor.kind == SOURCES:
                found = cursor.payload()
        if found:
            return decode_sources(found)
    return {}
