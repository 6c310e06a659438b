"""
Reading a journal, whatever form it lies in: a folder, one live or sealed segment, a bundle.

Blocks are loaded ahead in a helper thread, which also checks the hash chain: both leave the interpreter free.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from engine.kernel.record import CONTROL
from journal.background import Background, Threads
from journal.codec import BLOCK_END_RECORD, Cursor
from journal.disk import Disk, RealDisk
from journal.errors import Damaged, JournalError, NotAJournal, reading
from journal.segment import HEADER_SIZE, MAGIC, Files, decode_header, wal_path, zst_path
from journal.stored import Segment, join, open_sealed, open_wal, sources_of

AHEAD: Final = 8
AHEAD_BYTES: Final = 8 << 20
"""So many blocks, and so many raw bytes of them, are loaded ahead of the one in use; one at least."""
TRIES: Final = 5


class Block:
    """
    A block's raw bytes, checked.

    Attributes:
        data: the raw bytes, the file header of a segment's first block included.
        start, end: where in *data* records begin and end; the BLOCK_END record lies behind *end*.
        segment_no, block_no, first_seq, last_seq: as named (first_seq 0 without data records).
        raw_offset: of data[0], in the raw stream of its segment.
        complete: False for the open block at the end of a live segment: more may follow, and no BLOCK_END stands.
        max_payload: the segment's payload limit.
    """

    __slots__ = (
        "block_no",
        "complete",
        "data",
        "end",
        "first_seq",
        "last_seq",
        "max_payload",
        "raw_offset",
        "segment_no",
        "start",
    )

    def __init__(self, segment: Segment, block_no: int, data: bytes, raw_offset: int, complete: bool) -> None:
        self.segment_no = segment.number
        self.block_no = block_no
        self.data = data
        self.start = 0 if raw_offset else HEADER_SIZE
        self.end = len(data) - BLOCK_END_RECORD if complete else len(data)
        self.raw_offset = raw_offset
        self.complete = complete
        self.max_payload = segment.header.max_payload
        if complete:
            entry = segment.entries[block_no]
            self.first_seq, self.last_seq = entry.first_seq, entry.last_seq
        else:
            assert segment.checker is not None
            self.first_seq, self.last_seq = segment.checker.block_first_seq, segment.last_seq

    def cursor(self) -> Cursor:
        """A cursor over the block's records."""
        return Cursor(self.data, self.start, self.end, self.max_payload)


class Record:
    """One record, for whoever is in no hurry; *offset* is raw, within segment *segment_no*."""

    __slots__ = (
        "cause",
        "flags",
        "kind",
        "offset",
        "payload",
        "recv_ns",
        "schema",
        "segment_no",
        "seq",
        "source",
        "src_ns",
    )

    def __init__(self, cursor: Cursor, block: Block) -> None:
        self.seq: int = cursor.seq
        self.recv_ns: int = cursor.recv_ns
        self.src_ns: int = cursor.src_ns
        self.cause: int = cursor.cause
        self.kind: int = cursor.kind
        self.schema: int = cursor.schema
        self.source: int = cursor.source
        self.flags: int = cursor.flags
        self.payload = cursor.payload()
        self.offset: int = block.raw_offset + cursor.offset
        self.segment_no = block.segment_no


class Journal:
    """
    A journal open for reading; a context manager.

    Attributes:
        path: as given.
        segments: those that can be read, in order, up to the first that cannot.
        damage: the error that keeps the rest from being read, or None. Iteration raises it where it stands.
    """

    def __init__(
        self, path: Path, segments: list[Segment], damage: JournalError | None, background: Background
    ) -> None:
        self.path = path
        self.segments = segments
        self.damage = damage
        self._background = background

    @property
    def journal_id(self) -> bytes:
        """The journal's 16 bytes."""
        return self.segments[0].header.journal_id

    @property
    def sources(self) -> dict[int, str]:
        """Source number to name, as of the end."""
        for segment in reversed(self.segments):  # the newest may have lost its first record to a crash
            if found := sources_of(segment):
                return found
        return {}

    @property
    def remarks(self) -> list[str]:
        """What of its files had to be done without, though every record is here: a broken index, bytes behind it."""
        return list(dict.fromkeys(segment.remark for segment in self.segments if segment.remark))

    @property
    def first_seq(self) -> int:
        """Number of the first data record that is here (or will be)."""
        return self.segments[0].first_seq

    @property
    def last_seq(self) -> int:
        """Number of the last data record; first_seq - 1 when there is none."""
        return self.segments[-1].last_seq

    @property
    def head(self) -> bytes:
        """Chain hash of the last closed block."""
        return self.segments[-1].head

    def blocks(self, from_seq: int = 1, until_seq: int | None = None, *, verify_chain: bool = True) -> Iterator[Block]:
        """
        The blocks that hold records *from_seq* to *until_seq* (the end when None), both included, in order.

        The first and last may hold more than asked for; blocks without data records between them come too. With
        *verify_chain* each block's hash is computed anew from the block before. Raises Damaged, SequenceGap, Unreadable
        where something is wrong, after all that stands before it.
        """
        loads = self._loads(from_seq, until_seq, verify_chain)
        ahead: deque[tuple[int, Future[Block]]] = deque()
        held = 0
        try:
            while True:
                while not ahead or (len(ahead) < AHEAD and held < AHEAD_BYTES):
                    size, load = next(loads, (0, None))
                    if load is None:
                        break
                    ahead.append((size, self._background.run(load)))
                    held += size
                if not ahead:
                    return
                size, future = ahead.popleft()
                held -= size
                with reading(self.path):
                    block = future.result()
                yield block
        finally:
            for _, future in ahead:
                future.cancel()

    def _loads(self, from_seq: int, until_seq: int | None, verify: bool) -> Iterator[tuple[int, Callable[[], Block]]]:
        """Raw size and loader of each block, in order. A load hands the chain hash on to the next through *chain*."""
        if from_seq <= self.first_seq:
            from_seq = 0  # blocks without any data record before the first one are wanted too
        chain: list[bytes | None] = [None]
        for segment in self.segments:
            if until_seq is not None and segment.first_seq > until_seq:
                return
            if segment.last_seq < from_seq and segment is not self.segments[-1]:
                chain[0] = None
                continue
            for number, entry in enumerate(segment.entries):
                if entry.last_seq < from_seq or (until_seq is not None and entry.first_seq > until_seq):
                    continue
                yield entry.raw_len, partial(_load, segment, number, chain, verify)
            beyond = until_seq is not None and segment.entries and segment.entries[-1].last_seq >= until_seq
            if not segment.complete and segment.last_seq >= from_seq and not beyond:
                yield 0, partial(_load_tail, segment)
        if self.damage is not None:
            yield 0, self._raise_damage

    def _raise_damage(self) -> Block:
        assert self.damage is not None
        raise self.damage

    def records(
        self, from_seq: int = 1, until_seq: int | None = None, *, control: bool = False, verify_chain: bool = True
    ) -> Iterator[Record]:
        """The records *from_seq* to *until_seq*, each with its checksum checked; control records only if asked for."""
        for block in self.blocks(from_seq, until_seq, verify_chain=verify_chain):
            path = self.segment(block.segment_no).path
            cursor = block.cursor()
            try:
                while cursor.next():
                    if not cursor.check_crc():
                        raise Damaged("", cursor.offset, "the checksum of a record does not fit its bytes")
                    if cursor.flags & CONTROL:
                        if control:
                            yield Record(cursor, block)
                    elif cursor.seq >= from_seq:
                        if until_seq is not None and cursor.seq > until_seq:
                            return
                        yield Record(cursor, block)
            except Damaged as damage:
                raise Damaged(path, block.raw_offset + damage.offset, damage.reason) from damage

    def segment(self, number: int) -> Segment:
        """The segment of that number."""
        return self.segments[number - self.segments[0].number]

    def seq_at(self, time_ns: int) -> int | None:
        """Number of the first data record received at or after *time_ns*, or None."""
        for segment in self.segments:
            if segment.last_seq < segment.first_seq or segment.last_recv_ns < time_ns:
                continue
            near = self.records(self._first_seq_near(segment, time_ns), verify_chain=False)
            return next(record.seq for record in near if record.recv_ns >= time_ns)
        return None

    @staticmethod
    def _first_seq_near(segment: Segment, time_ns: int) -> int:
        for entry in segment.entries:
            if entry.data_records and entry.last_recv_ns >= time_ns:
                return entry.first_seq
        return segment.entries[-1].last_seq + 1 if segment.entries else segment.first_seq

    def close(self) -> None:
        """Close the files and end the helper thread."""
        self._background.close()
        for segment in self.segments:
            segment.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _load(segment: Segment, number: int, chain: list[bytes | None], verify: bool) -> Block:
    raw = segment.raw(number)
    if verify:
        chain[0] = segment.check(number, raw, chain[0] or segment.previous_hash(number))
    else:
        segment.check(number, raw, None)
    if segment.sealed and number == len(segment.entries) - 1:
        segment.close()
    return Block(segment, number, raw, segment.entries[number].raw_off - segment.raw_base, True)


def _load_tail(segment: Segment) -> Block:
    assert segment.checker is not None
    start: int = segment.checker.block_start
    return Block(segment, len(segment.entries), segment.tail(), start, False)


def open_journal(path: Path, disk: Disk | None = None, background: Background | None = None) -> Journal:
    """
    Open what *path* names: a folder of segments, a `.wal`, a `.zst` segment, or a bundle.

    A live segment is read up to the last record that passes its checks, as it was when opened. The journal takes over
    *background* and closes it. Raises NotAJournal, Damaged, Unreadable.
    """
    disk = disk or RealDisk()
    with reading(path):
        if disk.is_dir(path):
            segments, damage = _open_folder(disk, path)
            if not segments:
                raise damage or NotAJournal(path, "the folder holds no segment")
        else:
            segments, damage = _open_file(disk, path), None
    return Journal(path, segments, damage, background or Threads("journal-reader"))


def _open_file(disk: Disk, path: Path) -> list[Segment]:
    file = disk.open_read(path)
    start = file.read(0, HEADER_SIZE)
    file.close()
    if start[:8] == MAGIC or path.suffix == ".wal":
        decode_header(start, path)
        return [open_wal(disk, path)]
    segments = open_sealed(disk, path)  # the one place where the frames of a file become segments, a bundle's too
    for previous, segment in pairwise(segments):
        join(segment, previous, segment.number)
    return segments


def _open_folder(disk: Disk, directory: Path) -> tuple[list[Segment], JournalError | None]:
    """The segments of a folder up to the first that cannot be read, and why it cannot."""
    attempt = 1
    while True:
        segments: list[Segment] = []
        files = Files(disk, directory)
        try:
            for number in files.segments:
                _open_next(disk, directory, files, number, segments)
        except JournalError as error:
            return segments, error
        except FileNotFoundError:  # a WAL was sealed and removed since the folder was listed
            for segment in segments:
                segment.close()
            if attempt == TRIES:
                raise
            attempt += 1
        else:
            return segments, None


def _open_next(disk: Disk, directory: Path, files: Files, number: int, segments: list[Segment]) -> None:
    previous = segments[-1] if segments else None
    if previous is not None and not previous.complete:
        checker = previous.checker
        offset, reason = (checker.offset, checker.reason) if checker else (0, "")
        raise Damaged(previous.path, offset, reason or "the segment lacks its final block, but a later one exists")
    if not files.stands(number):
        raise Damaged(zst_path(directory, number), 0, "the manifest of the segment stands, but the segment is missing")
    if files.is_sealed(number):
        path = zst_path(directory, number)
        found = open_sealed(disk, path)
        if len(found) != 1:
            raise Damaged(path, 0, f"it holds {len(found)} segments, expected one")
        segment = found[0]
    else:
        last_recv_ns = -1 if previous is None else max(0, previous.last_recv_ns)
        segment = open_wal(disk, wal_path(directory, number), last_recv_ns)
    try:
        join(segment, previous, number)
    except JournalError:
        segment.close()
        raise
    segments.append(segment)
