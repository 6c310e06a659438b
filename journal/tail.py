"""
Following a journal while it is written: what its last COMMIT covers, and no byte more.

Rotation is followed by the open file: a segment that was sealed and removed meanwhile is still read to its end.
"""

from collections import deque
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

from journal.check import Checker
from journal.codec import Cursor
from journal.disk import Disk, File
from journal.errors import NotAJournal, SequenceGap, reading
from journal.segment import HEADER_SIZE, Files, decode_header, header_stands, manifest_path, wal_path, zst_path
from journal.stored import open_sealed

PIECE: Final = 1 << 20


class Piece:
    """
    Whole records in order: those of *data* from *start* on. *raw_offset* is that of data[0] in segment *segment_no*.

    Control records are among them; a group may go on in the next piece.
    """

    __slots__ = ("data", "max_payload", "raw_offset", "segment_no", "start")

    def __init__(self, data: bytes, start: int, segment_no: int, raw_offset: int, max_payload: int) -> None:
        self.data = data
        self.start = start
        self.segment_no = segment_no
        self.raw_offset = raw_offset
        self.max_payload = max_payload

    def cursor(self) -> Cursor:
        """A cursor over the records."""
        return Cursor(self.data, self.start, len(self.data), self.max_payload)


class Tail:
    """Follows the journal in a folder from the start of one segment on; a reader without any lock."""

    def __init__(self, disk: Disk, directory: Path, segment_no: int | None = None) -> None:
        """Start at *segment_no*, or at the newest segment. Raises NotAJournal when there is none."""
        self._disk = disk
        self._directory = directory
        with reading(directory):
            numbers = Files(disk, directory).segments
        if not numbers:
            raise NotAJournal(directory, "the folder holds no segment")
        self._number = numbers[-1] if segment_no is None else segment_no
        self._last_recv_ns = -1
        self._last_seq = -1
        self._file: File | None = None
        self._checker: Checker
        self._rest = b""
        self._delivered = 0
        self._bounds: deque[int] = deque()

    def poll(self) -> Iterator[Piece]:
        """What became readable since the last call; to be used up. Raises SequenceGap, Damaged, Unreadable."""
        with reading(self._directory):
            while True:
                if not self._open():
                    if not (yield from self._sealed()):
                        return
                    continue
                self._advance()
                over = self._checker.complete and self._next_stands()
                yield from self._pieces(self._checker.offset if over else self._checker.commit_off)
                if not over:
                    return
                self._go_on(self._checker.last_seq, self._checker.last_recv_ns)
                self.close()

    def _open(self) -> bool:
        """Have the current segment open; False while there is no WAL with a header."""
        if self._file is not None:
            return True
        path = wal_path(self._directory, self._number)
        if not self._disk.exists(path):
            return False
        file = self._disk.open_read(path)
        start = file.read(0, HEADER_SIZE)
        if not header_stands(start):  # created, its header not yet written
            file.close()
            return False
        header = decode_header(start, path)
        if self._last_seq >= 0 and header.first_seq != self._last_seq + 1:
            raise SequenceGap(path, self._last_seq, header.first_seq)
        self._file = file
        self._checker = Checker(start, header.first_seq, self._last_recv_ns, header.prev_hash, header.max_payload)
        self._delivered = HEADER_SIZE
        return True

    def _advance(self) -> None:
        """Check what was appended. A record that does not pass may be half written: it is looked at again next time."""
        assert self._file is not None
        checker = self._checker
        checker.reason = ""
        while True:
            piece = self._file.read(checker.offset + len(self._rest), PIECE)
            data = self._rest + piece
            self._rest = data[checker.feed(data, False) :]
            if checker.offset > (self._bounds[-1] if self._bounds else self._delivered):
                self._bounds.append(checker.offset)
            if checker.reason or len(piece) < PIECE:
                break
        if checker.reason:
            self._rest = b""

    def _pieces(self, until: int) -> Iterator[Piece]:
        """The checked bytes below *until*, a piece at a time."""
        assert self._file is not None
        while self._delivered < until:
            end = min(until, self._bounds[0])
            start = self._delivered
            data = self._file.read(start, end - start)
            self._delivered = end
            if end == self._bounds[0]:
                self._bounds.popleft()
            yield Piece(data, 0, self._number, start, self._checker.max_payload)

    def _next_stands(self) -> bool:
        """Whether the next segment begins: then all of this one is durable."""
        following = self._number + 1
        if self._disk.exists(manifest_path(self._directory, following)):
            return True
        path = wal_path(self._directory, following)
        if not self._disk.exists(path):
            return False
        file = self._disk.open_read(path)
        start = file.read(0, HEADER_SIZE)
        file.close()
        return header_stands(start)

    def _sealed(self) -> Generator[Piece, None, bool]:
        """The current segment from its sealed file, if it is one: the writer rotated twice since the last call."""
        if not self._disk.exists(manifest_path(self._directory, self._number)):
            return False
        path = zst_path(self._directory, self._number)
        (segment,) = open_sealed(self._disk, path)
        previous = segment.header.prev_hash
        for number, entry in enumerate(segment.entries):
            raw = segment.raw(number)
            previous = segment.check(number, raw, previous)
            start = 0 if number else HEADER_SIZE
            yield Piece(raw, start, self._number, entry.raw_off, segment.header.max_payload)
        segment.close()
        self._go_on(segment.last_seq, max(0, segment.last_recv_ns))
        return True

    def _go_on(self, last_seq: int, last_recv_ns: int) -> None:
        self._number += 1
        self._last_seq, self._last_recv_ns = last_seq, last_recv_ns

    def close(self) -> None:
        """Close the file; a later poll starts the segment it stands in anew."""
        if self._file is not None:
            self._file.close()
        self._file = None
        self._rest = b""
        self._bounds.clear()
