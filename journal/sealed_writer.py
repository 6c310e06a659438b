"""
A journal that is sealed while it is written: for what can be made again, an overlay.

No effect waits for its records and nobody would recover half of it, so it needs no WAL: each block is hashed,
compressed and written once. Its bytes are those of a journal that `writer` wrote and `seal` sealed.
"""

from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Unpack

from engine.kernel.kinds import BLOCK_END, SOURCES
from engine.kernel.record import ENGINE_SOURCE, LAST
from journal.codec import Batch
from journal.disk import Disk, write_all
from journal.errors import JournalExists, RecordRefused, writing
from journal.facts import Stream, facts_of
from journal.frames import LEVEL, Compressor
from journal.index import Index, encode_tables
from journal.live import end_of
from journal.lock import WriterLock
from journal.manifest import SEALED_OK, Manifest, write_manifest
from journal.payloads import encode_sources
from journal.segment import Entry, Files, Header, new_chain, with_suffix, zst_path
from journal.settings import Settings, Tuning


class SealedWriter:
    """
    Writes a new journal in *directory*, which is made if absent; it is none before `close`, and `abandon` gives it up.

    Attributes:
        batch: takes the records of the segment that is being written, for who would spare a call for each: an input
            that it does not take because a block or a segment is due goes to `append_input`, and then it is another.
    """

    def __init__(
        self,
        directory: Path,
        disk: Disk,
        *,
        journal_id: bytes,
        wall_ns: int,
        sources: dict[int, str],
        level: int = LEVEL,
        **settings: Unpack[Settings],
    ) -> None:
        """
        Start the journal.

        Args:
            journal_id, wall_ns, sources: as `Writer.create` takes them.
            level: of the compression.
            settings: of these, those that say where blocks and segments end.
        Raises:
            JournalExists, Locked, WriterFailed.
        """
        self._directory = directory
        self._disk = disk
        self._tuning = Tuning(**settings)
        self._sources = {int(ENGINE_SOURCE): "engine"} | sources
        self._compressor = Compressor(level)
        self._manifests: list[Manifest] = []
        with writing(directory):
            disk.make_dir(directory)
            self._lock = WriterLock(disk, directory)
            try:
                if Files(disk, directory).segments:
                    raise JournalExists(directory)
                epoch = self._lock.advance(0)
                first = Header(
                    journal_id,
                    segment_no=1,
                    first_seq=1,
                    anchor_wall_ns=wall_ns,
                    anchor_mono_ns=0,
                    block_target=self._tuning.block_target,
                    max_payload=self._tuning.max_payload,
                    run_epoch=epoch,
                )
                self._begin(first, 0)
            except BaseException:
                self._lock.release()
                raise

    def _begin(self, header: Header, last_recv_ns: int) -> None:
        self._segment = _Segment(
            self._disk, self._directory, header, last_recv_ns, encode_sources(self._sources), self._compressor
        )
        self.batch: Batch = self._segment.batch
        self.batch.block_limit = min(self._tuning.block_target, self._tuning.segment_bytes)
        if last_recv_ns == 0:
            self.batch.turn_ns = -1  # the first input sets it

    @property
    def last_recv_ns(self) -> int:
        """Receive time of the last record appended, 0 if there is none: no later one may lie before it."""
        return self.batch.last_recv_ns

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        """
        Append an input and start its group; returns its sequence number. A due block end or rotation comes first.

        Raises RecordRefused (nothing appended: *recv_ns* lies before `last_recv_ns`, the source is undeclared, a field
        is out of range) and WriterFailed.
        """
        if source not in self._sources:
            raise RecordRefused(f"source {source} was not declared")
        seq = self.batch.input_unless_due(kind, schema, source, recv_ns, src_ns, payload, 0, 0)
        if seq:
            return seq
        with writing(self._segment.path):
            self._turn(recv_ns)
        return self.batch.input(kind, schema, source, recv_ns, src_ns, payload, 0, 0)

    def append_derived(self, kind: int, schema: int, payload: bytes) -> int:
        """Append an output of the current input; returns its sequence number. Raises RecordRefused."""
        return self.batch.derived(kind, schema, payload)

    def _turn(self, recv_ns: int) -> None:
        """Between two groups: begin another segment or block, whichever is due."""
        segment, batch, tuning = self._segment, self.batch, self._tuning
        if batch.turn_ns < 0:
            batch.turn_ns = recv_ns + tuning.segment_ns
        if segment.raw + batch.waiting >= tuning.segment_bytes:
            self._rotate("size", recv_ns)
        elif recv_ns >= batch.turn_ns:
            self._rotate("time", recv_ns)
        elif batch.block_len >= batch.block_limit:
            segment.close_block(False)
            batch.block_limit = min(tuning.block_target, tuning.segment_bytes - segment.raw)

    def _rotate(self, reason: str, recv_ns: int) -> None:
        old = self._segment
        self._finish(reason)
        header = Header(
            old.header.journal_id,
            old.header.segment_no + 1,
            self.batch.last_seq + 1,
            old.header.anchor_wall_ns,
            old.header.anchor_mono_ns,
            old.chain,
            old.header.block_target,
            old.header.max_payload,
            old.header.run_epoch,
        )
        self._begin(header, self.last_recv_ns)
        self.batch.turn_ns = recv_ns + self._tuning.segment_ns

    def _finish(self, reason: str) -> None:
        told = self._segment.finish()
        told |= {"level": self._compressor.level, "stop_reason": reason, "status": SEALED_OK, "torn_bytes": 0}
        self._manifests.append(told)

    def close(self) -> None:
        """End the journal: its last block, and what commits each segment, as sealed at the time of the last record."""
        try:
            with writing(self._directory):
                self._finish("shutdown")
                for manifest in self._manifests:
                    write_manifest(self._disk, self._directory, manifest | {"sealed_ns": self.last_recv_ns})
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close what is open and free the lock; harmless behind `close`. What was written is no journal."""
        self._segment.close()
        self._lock.release()


class _Segment:
    """One segment on its way into its sealed file. *raw* is its raw bytes so far, *chain* the last block's hash."""

    def __init__(
        self, disk: Disk, directory: Path, header: Header, last_recv_ns: int, sources: bytes, compressor: Compressor
    ) -> None:
        self._disk = disk
        self._compressor = compressor
        self._sources = sources
        self.header = header
        self.path = zst_path(directory, header.segment_no)
        self.chain = header.prev_hash
        self.raw = 0
        self._written = 0
        self._entries: list[Entry] = []
        self._raw_digest: Final = blake2b(digest_size=32)
        self._zst_digest: Final = blake2b(digest_size=32)
        self.batch = Batch(header.first_seq - 1, last_recv_ns, header.max_payload)
        self.batch.count_kinds()
        self.batch.raw(header.encode())
        self.batch.control(SOURCES, 0, sources)
        self._file = disk.create(with_suffix(self.path, ".tmp"))

    def close_block(self, last: bool) -> None:
        """End the open block and write it; *last* ends the segment."""
        batch = self.batch
        body = batch.take()
        hasher = new_chain(self.chain)
        hasher.update(body)
        self.chain = hasher.digest()
        end = end_of(batch, len(self._entries), len(body), self.chain)
        batch.control(BLOCK_END, LAST if last else 0, end.encode())
        raw = body + batch.take()
        batch.start_block()
        self._raw_digest.update(raw)
        frame = self._compressor.frame(raw)
        self._entries.append(
            Entry(
                self.raw,
                self._written,
                end.first_seq,
                end.last_seq,
                end.first_recv_ns,
                end.last_recv_ns,
                len(raw),
                len(frame),
                end.data_records,
            )
        )
        self.raw += len(raw)
        self._write(frame)

    def _write(self, data: bytes) -> None:
        self._zst_digest.update(data)
        write_all(self._file, data)
        self._written += len(data)

    def finish(self) -> dict[str, Any]:
        """Write the final block and the tables; the file is durable then. Returns what a manifest repeats of it."""
        self.close_block(True)
        self._write(encode_tables(Index(self.chain, self.raw, self._entries)))
        self._file.sync()
        self._file.close()
        self._disk.rename(with_suffix(self.path, ".tmp"), self.path)
        batch, header = self.batch, self.header
        told = Stream(
            last_seq=batch.last_seq,
            first_recv_ns=next((one.first_recv_ns for one in self._entries if one.data_records), 0),
            last_recv_ns=batch.last_recv_ns,
            kinds={str(number): count for number, count in batch.kinds().items()},
            sources={str(number): count for number, count in batch.sources().items()},
            names=self._sources,
            blocks=len(self._entries),
            raw_bytes=self.raw,
            head=self.chain,
            raw_digest=self._raw_digest.hexdigest(),
        )
        return facts_of(header, told, self._written, self._zst_digest.hexdigest())

    def close(self) -> None:
        """Close the file; harmless when closed already."""
        self._file.close()
