"""How far the live segment is durable, and the one sync that may be under way."""

from concurrent.futures import Future

from journal.background import Background
from journal.live import LiveSegment
from journal.settings import Tuning


class Watermark:
    """
    Starts syncs and takes note of their end. An OSError from here ends the writer: a failed sync is never retried.

    Attributes:
        durable_seq: data records up to this number survive a power cut.
        durable_off: raw bytes of the live segment that do.
    """

    def __init__(self, background: Background, tuning: Tuning, segment: LiveSegment) -> None:
        """*segment* has just been created: its header is durable, and so is every record of the segments before."""
        self._background = background
        self._tuning = tuning
        self._syncing: Future[None] | None = None
        self.attach(segment)

    def attach(self, segment: LiveSegment) -> None:
        """Go on with a new segment, created behind a finished one; no sync may be under way."""
        assert self._syncing is None
        self._segment = segment
        self.durable_seq: int = segment.written_seq
        self.durable_off = segment.written
        self._target = (self.durable_seq, self.durable_off)
        self._since: int | None = None
        self._declared = False

    def declared(self) -> None:
        """A SOURCES record was appended, which wants a sync as a data record does."""
        self._declared = True

    def _is_dirty(self) -> bool:
        """Whether more is written than a sync covered, the COMMIT of the last sync apart."""
        return self._segment.written_seq > self._target[0] or self._declared

    def is_due(self, mono_ns: int, effect_waiting: bool) -> bool:
        """Whether a sync should start now; the first call that sees something to sync starts its clock."""
        if self._syncing is not None or not self._is_dirty():
            return False
        if self._since is None:
            self._since = mono_ns
        return effect_waiting or mono_ns - self._since >= self._tuning.sync_ns or self.is_full()

    def is_full(self) -> bool:
        """Whether so much is written that a sync should start whatever the time, and none is under way."""
        return self._syncing is None and self._segment.written - self.durable_off >= self._tuning.sync_bytes

    def _aim(self) -> None:
        self._target = (self._segment.written_seq, self._segment.written)
        self._declared = False
        self._since = None

    def start(self) -> None:
        """Start a sync of all that is written, in the background."""
        self._aim()
        self._syncing = self._background.run(self._segment.file.sync, self._tuning.wake)

    def sync_now(self) -> bool:
        """Sync what is dirty and wait for it; whether there was anything."""
        if not self._is_dirty():
            return False
        self._aim()
        self._segment.file.sync()
        self.durable_seq, self.durable_off = self._target
        return True

    def harvest(self, wait: bool) -> bool:
        """Take note of the sync under way if it has ended, or, with *wait*, when it has; whether one did."""
        if self._syncing is None or not (wait or self._syncing.done()):
            return False
        self._syncing.result()  # interrupted while it waits, it leaves the sync to whoever closes the file
        self._syncing = None
        self.durable_seq, self.durable_off = self._target
        return True

    def finished(self) -> None:
        """The segment is finished: all of it is durable."""
        self.durable_seq, self.durable_off = self._segment.batch.last_seq, self._segment.written
        self._target = (self.durable_seq, self.durable_off)

    def leave(self) -> None:
        """Wait until the helper thread is done with the file, however its sync ends."""
        if self._syncing is not None:
            self._syncing.exception()
            self._syncing = None
