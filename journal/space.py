"""Free space: how much is left for the journal, and the ballast that is given up when it runs out."""

from pathlib import Path
from typing import Final

from journal.disk import Disk
from journal.segment import BALLAST_NAME
from journal.settings import Tuning

SPACE_OK: Final = 0
SPACE_REDUCE_ONLY: Final = 1
SPACE_KILL: Final = 2


class Space:
    """
    Watches the file system of *directory*; `level` is as of the last look.

    Below two segments of free space the mode must become REDUCE_ONLY, below one KILL: the listener makes it an input.
    """

    def __init__(self, disk: Disk, directory: Path, tuning: Tuning) -> None:
        self._disk = disk
        self._directory = directory
        self._tuning = tuning
        self.level = SPACE_OK

    def look(self) -> int:
        """The level now, told to the listener when it changed. Raises OSError."""
        free = self._disk.free_space(self._directory)
        segment = self._tuning.segment_bytes
        level = SPACE_OK if free >= 2 * segment else SPACE_REDUCE_ONLY if free >= segment else SPACE_KILL
        if level != self.level:
            self.level = level
            if self._tuning.on_space is not None:
                self._tuning.on_space(level)
        return level

    def free_ballast(self) -> bool:
        """Give the ballast up if less than one segment is free; whether it was given up. Raises OSError."""
        ballast = self._directory / BALLAST_NAME
        free = self._disk.free_space(self._directory)
        if free >= self._tuning.segment_bytes or not self._disk.exists(ballast):
            return False
        self._disk.unlink(ballast)
        self._disk.sync_dir(self._directory)
        return True

    def restore_ballast(self) -> bool:
        """Reserve the ballast where it is missing and two segments fit beside it; whether it stands. Raises OSError."""
        ballast = self._directory / BALLAST_NAME
        size = self._tuning.ballast_bytes
        if self._disk.exists(ballast):
            return True
        if size == 0 or self._disk.free_space(self._directory) < size + 2 * self._tuning.segment_bytes:
            return False
        file = self._disk.create(ballast)
        try:
            file.allocate(size)
            file.sync()
        except OSError:
            self._disk.unlink(ballast)
            raise
        finally:
            file.close()
        self._disk.sync_dir(self._directory)
        return True
