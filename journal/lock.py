"""The lock of the one writer, and the epoch that fences a stale one."""

from pathlib import Path

from journal.disk import Disk, File
from journal.errors import Locked
from journal.segment import LOCK_NAME


class WriterLock:
    """`journal.lock`, held: nobody else may write or repair the journal until `release`."""

    def __init__(self, disk: Disk, directory: Path) -> None:
        """Take the lock. Raises Locked when another process holds it."""
        self._disk = disk
        self._directory = directory
        self._file: File = disk.open_lock(directory / LOCK_NAME)
        if not self._file.lock():
            self._file.close()
            raise Locked(directory / LOCK_NAME)

    def epoch(self) -> int:
        """The run epoch of the last writer, 0 when the file states none."""
        text = self._file.read(0, 32).strip()
        return int(text) if text.isdigit() else 0

    def advance(self, seen: int) -> int:
        """A new run epoch, above the file's and above *seen* (the journal's); durable when this returns."""
        epoch = max(self.epoch(), seen) + 1
        self._file.replace(f"{epoch}\n".encode())
        self._file.sync()
        self._disk.sync_dir(self._directory)
        return epoch

    def release(self) -> None:
        """Free the lock; harmless when freed already."""
        self._file.close()
