"""The segment that is being written: its file, its open block, and the bytes that wait to be written."""

import errno
from pathlib import Path

from engine.kernel.kinds import BLOCK_END, SOURCES
from engine.kernel.record import LAST, NONE
from journal.check import Checker
from journal.codec import Batch
from journal.disk import Disk, File
from journal.payloads import BlockEnd, encode_sources
from journal.segment import Header, new_chain, wal_path


def end_of(batch: Batch, number: int, length: int, chain: bytes) -> BlockEnd:
    """What the BLOCK_END of the open block of *batch* states: it is *number*, of *length* bytes hashed to *chain*."""
    return BlockEnd(
        number,
        batch.block_records,
        batch.block_first_seq,
        batch.last_seq,
        length,
        chain,
        batch.block_first_recv_ns,
        batch.last_recv_ns if batch.last_seq else int(NONE),
    )


class LiveSegment:
    """
    Appends to one segment file. Every method may raise OSError; the caller then gives the segment up.

    Attributes:
        batch: takes the records; it holds the open block's counts.
        raw: raw bytes handed over by the batch; written: those the operating system took; written_seq: the last data
            record among them.
        chain: hash of the last closed block.
    """

    def __init__(self, disk: Disk, path: Path, file: File, header: Header, batch: Batch) -> None:
        self._disk = disk
        self.path = path
        self.file = file
        self.header = header
        self.batch = batch
        self.chain = header.prev_hash
        self.raw = 0
        self.written = 0
        self.written_seq: int = batch.last_seq
        self.waiting = 0
        self.block_start = 0
        self._hasher = new_chain(self.chain)
        self._ready: list[bytes] = []
        self._block_no = 0

    @classmethod
    def create(
        cls, disk: Disk, directory: Path, header: Header, last_recv_ns: int, sources: dict[int, str]
    ) -> "LiveSegment":
        """
        A new segment file whose name and header are durable when this returns.

        No record is written before that: whoever finds a record without a header knows that it is damage.
        """
        path = wal_path(directory, header.segment_no)
        batch = Batch(header.first_seq - 1, last_recv_ns, header.max_payload)
        segment = cls(disk, path, disk.create(path), header, batch)
        try:
            batch.raw(header.encode())
            segment.flush()
            segment.file.sync()
            disk.sync_dir(directory)
        except BaseException:
            segment.file.close()
            raise
        segment.batch.control(SOURCES, 0, encode_sources(sources))
        return segment

    @classmethod
    def resume(cls, disk: Disk, directory: Path, header: Header, checker: Checker) -> "LiveSegment":
        """The recovered segment that *checker* walked, to be completed and closed."""
        path = wal_path(directory, header.segment_no)
        batch = Batch(checker.last_seq, max(0, checker.last_recv_ns), header.max_payload)
        batch.input_seq = checker.input_seq if checker.block_records else 0
        batch.block_len = checker.offset - checker.block_start
        batch.block_records = checker.block_records
        batch.block_first_seq = checker.block_first_seq
        batch.block_first_recv_ns = checker.block_first_recv_ns
        segment = cls(disk, path, disk.open_append(path), header, batch)
        segment.raw = segment.written = checker.offset
        segment.chain = checker.head
        segment.block_start = checker.block_start
        segment._block_no = len(checker.blocks)
        segment._hasher = checker.hasher
        return segment

    @property
    def length(self) -> int:
        """Raw bytes of the segment so far, those in memory included."""
        return self.raw + self.batch.waiting

    def close_block(self, last: bool) -> None:
        """End the open block with its BLOCK_END; *last* ends the segment."""
        self.collect()
        batch = self.batch
        self.chain = self._hasher.digest()
        end = end_of(batch, self._block_no, self.raw - self.block_start, self.chain)
        batch.control(BLOCK_END, LAST if last else 0, end.encode())
        self._take()
        batch.start_block()
        self._hasher = new_chain(self.chain)
        self._block_no += 1
        self.block_start = self.raw

    def _take(self) -> bytes:
        data = self.batch.take()
        self._ready.append(data)
        self.waiting += len(data)
        self.raw += len(data)
        return data

    def collect(self) -> None:
        """Move the batch's bytes to those that wait to be written, and hash them."""
        if self.batch.waiting:
            self._hasher.update(self._take())

    def flush(self) -> None:
        """Hand all that waits to the operating system, in one write. A short write is an error, whatever its reason."""
        self.collect()
        if not self._ready:
            return
        data = b"".join(self._ready)
        self._ready.clear()
        self.waiting = 0
        taken = self.file.write(data)
        if taken != len(data):
            full = self._disk.free_space(self.path.parent) < len(data)
            raise OSError(errno.ENOSPC if full else errno.EIO, f"{taken} of {len(data)} bytes were written")
        self.written += taken
        self.written_seq = self.batch.last_seq

    def finish(self) -> None:
        """Close the segment: final block, written and durable."""
        self.close_block(True)
        self.flush()
        self.file.sync()
        self.file.close()
