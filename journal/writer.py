"""
The one writer of a journal: appends in memory, writes in batches, syncs in the background, rotates segments.

It has no clock and no thread of its own: the loop that drives it calls `poll` with monotonic time. A failed write or
sync is never retried: from then on every call that would append raises `WriterFailed`, and `durable_seq` stays.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NoReturn, Unpack

from engine.kernel.kinds import COMMIT, SOURCES
from engine.kernel.record import ENGINE_SOURCE
from journal.background import Background
from journal.disk import Disk
from journal.errors import JournalExists, NotAJournal, RecordRefused, WriterFailed, writer_failure, writing
from journal.live import LiveSegment
from journal.lock import WriterLock
from journal.payloads import encode_commit, encode_sources
from journal.recovery import Recovery, recover
from journal.segment import Header
from journal.settings import Settings, Tuning
from journal.space import Space
from journal.watermark import Watermark

WRITE_BYTES: Final = 1 << 20
SPACE_CHECK_BYTES: Final = 16 << 20
NEVER_SET: Final = -1
"""When a segment is to be rotated, before its first input has come: at once, and then the time is set."""

Complete = Callable[[Recovery], Iterable[tuple[int, int, bytes]]]
"""Given what recovery found, the (kind, schema, payload) of the derived records that the last input still lacks."""


class Writer:
    """
    Appends to one journal; made by `create` or `open`, ended by `close`.

    Attributes:
        sources: number to name, as declared; 1 is the engine.
        space: the free space, as last looked at (`space.level`), and the ballast (`space.restore_ballast`).
        freed_ballast: whether the ballast had to be given up when the journal was opened.
        failure: the error that ended this writer, or None.
        recovered: what was found when the journal was opened.
        run_epoch: of this run.
    """

    def __init__(self, directory: Path, disk: Disk, background: Background, tuning: Tuning, lock: WriterLock) -> None:
        """For `create` and `open`, which take the *lock* first: makes room and recovers. Raises RecoveryRefused."""
        self._directory = directory
        self._disk = disk
        self._background = background
        self._tuning = tuning
        self._lock = lock
        self.space = Space(disk, directory, tuning)
        self.freed_ballast = self.space.free_ballast()
        self.recovered = recover(disk, directory)
        self.recovered.refuse_corrupt()
        self.sources = {int(ENGINE_SOURCE): "engine"} | self.recovered.sources
        self.run_epoch = 0
        self.failure: WriterFailed | None = None
        self._closed = False
        self._space_checked = 0

    @classmethod
    def create(
        cls,
        directory: Path,
        disk: Disk,
        background: Background,
        *,
        journal_id: bytes,
        wall_ns: int,
        mono_ns: int = 0,
        sources: dict[int, str] | None = None,
        first_seq: int = 1,
        **settings: Unpack[Settings],
    ) -> "Writer":
        """
        Start a new journal in *directory*, which is made if absent. Raises JournalExists, Locked, RecoveryRefused,
        WriterFailed.

        Args:
            journal_id: 16 bytes, constant for the life of the journal.
            wall_ns, mono_ns: both clocks at the opening of the run: the anchor of logical time.
            sources: number to name; 1 is the engine and is added.
            first_seq: number of the first data record (a salvaged journal keeps its numbers).
            settings: see `Settings`.
        """
        if len(journal_id) != 16:
            raise ValueError(f"a journal_id has 16 bytes, not {len(journal_id)}")
        tuning = Tuning(**settings)
        with writing(directory):
            disk.make_dir(directory)
            disk.sync_dir(directory.parent)
            lock = WriterLock(disk, directory)
            try:
                writer = cls(directory, disk, background, tuning, lock)
                if writer.recovered.header is not None:
                    raise JournalExists(directory)
                writer.recovered.last_seq = first_seq - 1
                writer._start_run(journal_id, sources or {}, wall_ns, mono_ns)
            except BaseException:
                lock.release()
                raise
        return writer

    @classmethod
    def open(
        cls,
        directory: Path,
        disk: Disk,
        background: Background,
        *,
        wall_ns: int,
        mono_ns: int = 0,
        sources: dict[int, str] | None = None,
        complete: Complete | None = None,
        **settings: Unpack[Settings],
    ) -> "Writer":
        """
        Recover the journal in *directory* and go on behind it, in a new segment of a higher run epoch.

        When the highest segment lacks its final block, *complete* is asked for the derived records its last input still
        lacks (the reducer yields them); they are appended, and the segment is closed. Raises NotAJournal, Locked,
        RecoveryRefused (CORRUPT), WriterFailed.
        """
        tuning = Tuning(**settings)
        with writing(directory):
            if not disk.is_dir(directory):
                raise NotAJournal(directory, "no such folder")
            lock = WriterLock(disk, directory)
            try:
                writer = cls(directory, disk, background, tuning, lock)
                header = writer.recovered.header
                if header is None:
                    raise NotAJournal(directory, "the folder holds no segment")
                closed = writer._finish_tail(complete)
                writer._start_run(header.journal_id, sources or {}, wall_ns, mono_ns)
            except BaseException:
                lock.release()
                raise
        if closed:
            writer._tell_closed(closed, "recovery")
        return writer

    def _finish_tail(self, complete: Complete | None) -> int:
        """Complete and close the segment that a crash left open; returns its number, 0 if there is none."""
        recovered = self.recovered
        if recovered.tail is None:
            return 0
        assert recovered.header is not None
        segment = LiveSegment.resume(self._disk, self._directory, recovered.header, recovered.tail)
        try:
            if complete is not None and recovered.tail.block_records:
                for kind, schema, payload in complete(recovered):
                    segment.batch.derived(kind, schema, payload)
            segment.finish()
        finally:
            segment.file.close()
        recovered.last_seq = segment.batch.last_seq
        recovered.head = segment.chain
        return segment.header.segment_no

    def _start_run(self, journal_id: bytes, sources: dict[int, str], wall_ns: int, mono_ns: int) -> None:
        recovered = self.recovered
        for number, name in sources.items():
            self._declare(number, name)
        self.run_epoch = self._lock.advance(recovered.run_epoch)
        header = Header(
            journal_id,
            recovered.numbers[-1] + 1 if recovered.numbers else 1,
            recovered.last_seq + 1,
            max(wall_ns, recovered.last_recv_ns + 1),
            mono_ns,
            recovered.head,
            self._tuning.block_target,
            self._tuning.max_payload,
            self.run_epoch,
        )
        self._begin(header, recovered.last_recv_ns)
        self._mark = Watermark(self._background, self._tuning, self._segment)

    def _begin(self, header: Header, last_recv_ns: int) -> None:
        self._segment = LiveSegment.create(self._disk, self._directory, header, last_recv_ns, self.sources)
        self._batch = self._segment.batch
        self._batch.block_limit = min(header.block_target, self._tuning.segment_bytes)
        self._batch.turn_ns = NEVER_SET
        self.check_space()

    @property
    def durable_seq(self) -> int:
        """Records up to this number survive a power cut; an effect may start once it covers its group."""
        return self._mark.durable_seq

    @property
    def last_seq(self) -> int:
        """Number of the last data record appended, 0 if there is none."""
        return self._batch.last_seq

    @property
    def last_recv_ns(self) -> int:
        """Receive time of the last data record appended, 0 if there is none: no later one may lie before it."""
        return self._batch.last_recv_ns

    @property
    def segment_no(self) -> int:
        """Number of the segment being written."""
        return self._segment.header.segment_no

    @property
    def unsynced_bytes(self) -> int:
        """Bytes appended that no sync has covered yet."""
        return self._segment.length - self._mark.durable_off

    def logical_ns(self, mono_ns: int) -> int:
        """Logical time of a live input: the run's anchor, and the monotonic clock from there."""
        header = self._segment.header
        return header.anchor_wall_ns + mono_ns - header.anchor_mono_ns

    def append_input(
        self,
        kind: int,
        schema: int,
        source: int,
        recv_ns: int,
        src_ns: int,
        payload: bytes,
        cause: int = 0,
        flags: int = 0,
    ) -> int:
        """
        Append an input and start its group; returns its sequence number. A due block end or rotation comes first.

        Raises RecordRefused (nothing appended: *recv_ns* lies before `last_recv_ns`, the source is undeclared, a field
        is out of range) and WriterFailed.
        """
        if source in self.sources:
            seq = self._batch.input_unless_due(kind, schema, source, recv_ns, src_ns, payload, cause, flags)
            if seq:
                return seq
            self._turn(recv_ns)
            return self._batch.input(kind, schema, source, recv_ns, src_ns, payload, cause, flags)
        self._check()
        raise RecordRefused(f"source {source} was not declared")

    def append_derived(self, kind: int, schema: int, payload: bytes) -> int:
        """Append an output of the current input; returns its sequence number. Raises RecordRefused, WriterFailed."""
        if self.failure is not None:
            raise self.failure
        return self._batch.derived(kind, schema, payload)

    def declare_source(self, number: int, name: str) -> None:
        """Name a source before its first record; again with the same name is harmless. Raises RecordRefused."""
        self._check()
        if self._declare(number, name):
            self._batch.control(SOURCES, 0, encode_sources(self.sources))
            self._mark.declared()

    def _declare(self, number: int, name: str) -> bool:
        known = self.sources.get(number)
        if known == name:
            return False
        if known is not None or not 0 < number <= 0xFFFF:
            raise RecordRefused(f"source {number} cannot become {name!r}: it is {known or 'out of range'}")
        self.sources[number] = name
        return True

    def flush(self) -> None:
        """Hand everything appended to the operating system; durable it becomes by a sync only. Raises WriterFailed."""
        self._check()
        try:
            self._segment.flush()
            if self._segment.written - self._space_checked >= SPACE_CHECK_BYTES:
                self.check_space()
        except OSError as error:
            self._fail(error)

    def sync(self) -> int:
        """Flush, and return `durable_seq` once it covers everything appended so far. Raises WriterFailed."""
        self.flush()
        self._harvest(wait=True)
        try:
            synced = self._mark.sync_now()
        except OSError as error:
            self._fail(error)
        if synced:
            self._commit()
        return self.durable_seq

    def poll(self, mono_ns: int, effect_waiting: bool = False) -> int:
        """
        To be called when the reducer is idle: writes, takes note of a finished sync, starts a due one.

        A sync is due 5 ms after the first unsynced record was seen here, at 1 MiB, or at once when an effect waits.
        Returns `durable_seq`. Raises WriterFailed.
        """
        self.flush()
        self._harvest(wait=False)
        if self._mark.is_due(mono_ns, effect_waiting):
            self._mark.start()
        return self.durable_seq

    def check_space(self) -> int:
        """Look at the free space: SPACE_OK, SPACE_REDUCE_ONLY (below 2 segments) or SPACE_KILL (below 1)."""
        self._space_checked = self._segment.written
        return self.space.look()

    def close(self, stop_reason: str = "shutdown") -> None:
        """End the run: final block, sync, lock freed. After a failure nothing more is written. Raises WriterFailed."""
        if self._closed:
            return
        self._closed = True
        try:
            if self.failure is None:
                self._finish()
                self.failure = WriterFailed("JRN_CLOSED", self._directory, "the writer was closed")
                self._tell_closed(self.segment_no, stop_reason)
        finally:
            self._batch.block_limit = -1
            try:
                self._mark.leave()
            finally:
                self._segment.file.close()
                self._lock.release()

    def _turn(self, recv_ns: int) -> None:
        """Between two groups: rotate or close the block, whichever is due."""
        self._check()
        segment, batch, tuning = self._segment, self._batch, self._tuning
        if batch.turn_ns == NEVER_SET:
            batch.turn_ns = recv_ns + tuning.segment_ns
        if segment.length >= tuning.segment_bytes:
            self._rotate("size", recv_ns)
        elif recv_ns >= batch.turn_ns:
            self._rotate("time", recv_ns)
        elif batch.block_len >= batch.block_limit:
            segment.close_block(False)
            batch.block_limit = min(tuning.block_target, tuning.segment_bytes - segment.raw)
            if segment.waiting >= WRITE_BYTES:
                self.flush()
                self._harvest(wait=False)
                if self._mark.is_full():
                    self._mark.start()

    def _rotate(self, reason: str, recv_ns: int) -> None:
        old = self._segment
        self._finish()
        header = Header(
            old.header.journal_id,
            old.header.segment_no + 1,
            self.last_seq + 1,
            old.header.anchor_wall_ns,
            old.header.anchor_mono_ns,
            old.chain,
            old.header.block_target,
            old.header.max_payload,
            old.header.run_epoch,
        )
        try:
            self._begin(header, self.last_recv_ns)
        except OSError as error:
            self._fail(error)
        self._mark.attach(self._segment)
        self._batch.turn_ns = recv_ns + self._tuning.segment_ns
        self._tell_closed(old.header.segment_no, reason)

    def _finish(self) -> None:
        self._harvest(wait=True)
        try:
            self._segment.finish()
        except OSError as error:
            self._fail(error)
        self._mark.finished()

    def _tell_closed(self, number: int, reason: str) -> None:
        if self._tuning.on_closed is not None:
            self._tuning.on_closed(number, reason)

    def _harvest(self, wait: bool) -> None:
        try:
            ended = self._mark.harvest(wait)
        except OSError as error:
            self._fail(error)
        if ended:
            self._commit()

    def _commit(self) -> None:
        """A sync succeeded: say so in the journal, at once."""
        self._batch.control(COMMIT, 0, encode_commit(self._mark.durable_seq, self._mark.durable_off))
        self.flush()

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _fail(self, error: OSError) -> NoReturn:
        self.failure = writer_failure(self._segment.path, error)
        self._batch.block_limit = -1
        raise self.failure from error
