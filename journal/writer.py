"""
The one writer of a journal: appends in memory, writes in batches, syncs in the background, rotates segments.

It has no clock and no thread of its own: the loop that drives it calls `poll` with monotonic time. A failed write or
sync is never retried: from then on every call that would append raises `WriterFailed`, and `durable_seq` stays.
"""

import errno
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn, Unpack

from engine.kernel.kinds import COMMIT, SOURCES
from engine.kernel.record import ENGINE_SOURCE
from journal.background import Background
from journal.disk import Disk
from journal.errors import JournalExists, NotAJournal, RecordRefused, WriterFailed
from journal.live import LiveSegment
from journal.lock import WriterLock
from journal.payloads import encode_commit, encode_sources
from journal.recovery import Recovery, recover
from journal.segment import BALLAST_NAME, Header
from journal.settings import Settings, Tuning

WRITE_BYTES: Final = 1 << 20
SPACE_CHECK_BYTES: Final = 16 << 20

SPACE_OK: Final = 0
SPACE_REDUCE_ONLY: Final = 1
SPACE_KILL: Final = 2

Complete = Callable[[Recovery], Iterable[tuple[int, int, bytes]]]
"""Given what recovery found, the (kind, schema, payload) of the derived records that the last input still lacks."""


class Writer:
    """
    Appends to one journal; made by `create` or `open`, ended by `close`.

    Attributes:
        durable_seq: records up to this number survive a power cut; an effect may start once it covers its group.
        sources: number to name, as declared; 1 is the engine.
        space: SPACE_OK, SPACE_REDUCE_ONLY (below 2 segments of free space) or SPACE_KILL (below 1), as last looked.
        failure: the error that ended this writer, or None.
        recovered: what was found when the journal was opened.
        run_epoch: of this run.
    """

    def __init__(self, directory: Path, disk: Disk, background: Background, lock: WriterLock, recovered: Recovery):
        """For `create` and `open`, which take the lock and recover first."""
        self._directory = directory
        self._disk = disk
        self._background = background
        self._lock = lock
        self._tuning = Tuning()
        self.recovered = recovered
        self.sources = {int(ENGINE_SOURCE): "engine"} | recovered.sources
        self.durable_seq = recovered.last_seq
        self.run_epoch = 0
        self.space = SPACE_OK
        self.failure: WriterFailed | None = None
        self._closed = False
        self._declared = False
        self._unsynced_since: int | None = None
        self._syncing: Future[None] | None = None
        self._target = (recovered.last_seq, 0)
        self._synced = 0
        self._space_checked = 0
        self._rotate_at = -1
        self._block_limit = -1

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
        Start a new journal in *directory*, which is made if absent.

        Args:
            journal_id: 16 bytes, constant for the life of the journal.
            wall_ns, mono_ns: both clocks at the opening of the run: the anchor of logical time.
            sources: number to name; 1 is the engine and is added.
            first_seq: number of the first data record (a salvaged journal keeps its numbers).
            settings: see `Settings`.
        Raises:
            JournalExists, Locked, RecoveryRefused, WriterFailed.
        """
        if len(journal_id) != 16:
            raise ValueError(f"a journal_id has 16 bytes, not {len(journal_id)}")
        tuning = Tuning(**settings)
        with _disk_errors(directory):
            disk.make_dir(directory)
            disk.sync_dir(directory.parent)
            lock = WriterLock(disk, directory)
            try:
                recovered = recover(disk, directory, tuning.segment_bytes)
                recovered.refuse_corrupt()
                if recovered.header is not None:
                    raise JournalExists(directory)
                recovered.last_seq = first_seq - 1
                writer = cls(directory, disk, background, lock, recovered)
                writer._start_run(tuning, journal_id, sources or {}, wall_ns, mono_ns)
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
        with _disk_errors(directory):
            if not disk.is_dir(directory):
                raise NotAJournal(directory, "no such folder")
            lock = WriterLock(disk, directory)
            try:
                recovered = recover(disk, directory, tuning.segment_bytes)
                recovered.refuse_corrupt()
                if recovered.header is None:
                    raise NotAJournal(directory, "the folder holds no segment")
                writer = cls(directory, disk, background, lock, recovered)
                closed = writer._finish_tail(complete)
                writer._start_run(tuning, recovered.header.journal_id, sources or {}, wall_ns, mono_ns)
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
        recovered.last_seq = self.durable_seq = segment.batch.last_seq
        recovered.head = segment.chain
        return segment.header.segment_no

    def _start_run(
        self, tuning: Tuning, journal_id: bytes, sources: dict[int, str], wall_ns: int, mono_ns: int
    ) -> None:
        recovered = self.recovered
        self._tuning = tuning
        for number, name in sources.items():
            self._declare(number, name)
        self.run_epoch = self._lock.advance(recovered.run_epoch)
        anchor = max(wall_ns, recovered.last_recv_ns + 1)
        number = recovered.numbers[-1] + 1 if recovered.numbers else 1
        self._begin(journal_id, number, recovered.last_seq, recovered.last_recv_ns, recovered.head, anchor, mono_ns)

    def _begin(
        self, journal_id: bytes, number: int, last_seq: int, last_recv_ns: int, head: bytes, wall_ns: int, mono_ns: int
    ) -> None:
        tuning = self._tuning
        header = Header(
            journal_id,
            number,
            last_seq + 1,
            wall_ns,
            mono_ns,
            head,
            tuning.block_target,
            tuning.max_payload,
            self.run_epoch,
        )
        self._segment = LiveSegment.create(self._disk, self._directory, header, last_recv_ns, self.sources)
        self._batch = self._segment.batch
        self._synced = self._segment.written
        self._target = (last_seq, self._synced)
        self._block_limit = min(tuning.block_target, tuning.segment_bytes)
        self._rotate_at = -1
        self._space_checked = 0
        self.check_space()

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
        return self._segment.length - self._synced

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
        if self._batch.block_len >= self._block_limit or recv_ns >= self._rotate_at:
            self._turn(recv_ns)
        if source not in self.sources:
            raise RecordRefused(f"source {source} was not declared")
        return self._batch.input(kind, schema, source, recv_ns, src_ns, payload, cause, flags)

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
            self._declared = True

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
        if self._is_dirty():
            self._aim()
            try:
                self._segment.file.sync()
            except OSError as error:
                self._fail(error)
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
        if self._syncing is None and self._is_dirty():
            if self._unsynced_since is None:
                self._unsynced_since = mono_ns
            if effect_waiting or mono_ns - self._unsynced_since >= self._tuning.sync_ns or self._is_full():
                self._start_sync()
        return self.durable_seq

    def check_space(self) -> int:
        """Look at the free space; returns SPACE_OK, SPACE_REDUCE_ONLY or SPACE_KILL, and tells when it changed."""
        self._space_checked = self._segment.written
        free = self._disk.free_space(self._directory)
        segment = self._tuning.segment_bytes
        level = SPACE_OK if free >= 2 * segment else SPACE_REDUCE_ONLY if free >= segment else SPACE_KILL
        if level != self.space:
            self.space = level
            if self._tuning.on_space is not None:
                self._tuning.on_space(level)
        return level

    def restore_ballast(self) -> bool:
        """Reserve the ballast anew where it is missing and two segments fit beside it; returns whether it stands."""
        path = self._directory / BALLAST_NAME
        size = self._tuning.ballast_bytes
        if self._disk.exists(path):
            return True
        if size == 0 or self._disk.free_space(self._directory) < size + 2 * self._tuning.segment_bytes:
            return False
        file = self._disk.create(path)
        try:
            file.allocate(size)
            file.sync()
        finally:
            file.close()
        self._disk.sync_dir(self._directory)
        return True

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
            self._block_limit = -1
            if self._syncing is not None:
                self._syncing.exception()  # the helper thread must be done with the descriptor
            self._segment.file.close()
            self._lock.release()

    def _turn(self, recv_ns: int) -> None:
        """Between two groups: rotate or close the block, whichever is due."""
        self._check()
        segment, tuning = self._segment, self._tuning
        if self._rotate_at < 0:
            self._rotate_at = recv_ns + tuning.segment_ns
        if segment.length >= tuning.segment_bytes:
            self._rotate("size", recv_ns)
        elif recv_ns >= self._rotate_at:
            self._rotate("time", recv_ns)
        elif self._batch.block_len >= self._block_limit:
            segment.close_block(False)
            self._block_limit = min(tuning.block_target, tuning.segment_bytes - segment.raw)
            if segment.waiting >= WRITE_BYTES:
                self.flush()
                self._harvest(wait=False)
                if self._syncing is None and self._is_full():
                    self._start_sync()

    def _rotate(self, reason: str, recv_ns: int) -> None:
        old, batch = self._segment, self._batch
        header = old.header
        self._finish()
        try:
            self._begin(
                header.journal_id,
                header.segment_no + 1,
                batch.last_seq,
                batch.last_recv_ns,
                old.chain,
                header.anchor_wall_ns,
                header.anchor_mono_ns,
            )
        except OSError as error:
            self._fail(error)
        self._rotate_at = recv_ns + self._tuning.segment_ns
        self._tell_closed(header.segment_no, reason)

    def _finish(self) -> None:
        self._harvest(wait=True)
        try:
            self._segment.finish()
        except OSError as error:
            self._fail(error)
        self.durable_seq = self._batch.last_seq

    def _tell_closed(self, number: int, reason: str) -> None:
        if self._tuning.on_closed is not None:
            self._tuning.on_closed(number, reason)

    def _is_dirty(self) -> bool:
        """Whether more waits for a sync than the COMMIT of the last one."""
        return self._segment.written_seq > self.durable_seq or self._declared

    def _is_full(self) -> bool:
        return self._segment.written - self._synced >= self._tuning.sync_bytes

    def _aim(self) -> None:
        self._target = (self._segment.written_seq, self._segment.written)
        self._declared = False
        self._unsynced_since = None

    def _start_sync(self) -> None:
        self._aim()
        self._syncing = self._background.run(self._segment.file.sync, self._tuning.wake)

    def _harvest(self, wait: bool) -> None:
        """Take note of the outstanding sync, once it is done or, with *wait*, when it will be."""
        if self._syncing is None or not (wait or self._syncing.done()):
            return
        syncing, self._syncing = self._syncing, None
        try:
            syncing.result()
        except OSError as error:
            self._fail(error)
        self._commit()

    def _commit(self) -> None:
        """A sync succeeded: move the watermark and say so in the journal, at once."""
        self.durable_seq, self._synced = self._target
        self._batch.control(COMMIT, 0, encode_commit(self.durable_seq, self._synced))
        self.flush()

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _fail(self, error: OSError) -> NoReturn:
        self.failure = _failed(self._segment.path, error)
        self._block_limit = -1
        raise self.failure from error


def _failed(path: Path, error: OSError) -> WriterFailed:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return WriterFailed("JRN_DISK_FULL" if full else "JRN_SYNC_FAILED", path, error.strerror or str(error))


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """While a run opens: what the disk refuses ends the run in the same words as later."""
    try:
        yield
    except OSError as error:
        raise _failed(path, error) from error
