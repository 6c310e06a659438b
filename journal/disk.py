"""
Every file operation of the package, behind one small seam.

The real implementation follows no symbolic link in the last component of a path and opens regular files only, so a
hostile folder can neither redirect a write nor hang a reader. Errors are the operating system's own `OSError`.
"""

import errno
import fcntl
import os
import stat
import sys
from pathlib import Path
from typing import Final, Protocol


class File(Protocol):
    """An open file. Writes append; reads name their offset."""

    def write(self, data: bytes) -> int:
        """Append *data*; returns how many bytes were taken, which may be fewer."""

    def read(self, offset: int, size: int) -> bytes:
        """Up to *size* bytes at *offset*; fewer only at the end of the file."""

    def size(self) -> int:
        """Length in bytes, now."""

    def sync(self) -> None:
        """Return once all that was written, and the length, would survive a power cut."""

    def truncate(self, size: int) -> None:
        """Cut the file to *size* bytes."""

    def replace(self, data: bytes) -> None:
        """Make *data*, which is at most 512 bytes, the whole content (for the lock file, opened by `open_lock`)."""

    def lock(self) -> bool:
        """Take the exclusive advisory lock without waiting; False when another holds it. Closing frees it."""

    def allocate(self, size: int) -> None:
        """Reserve *size* bytes of real space; ENOSPC when there is less."""

    def drop_cache(self) -> None:
        """Have the next reads come from the disk: after a failed sync the cache may show what was never kept."""

    def close(self) -> None:
        """Close; harmless when closed already."""


class Disk(Protocol):
    """The file operations a journal needs. Names become durable by `sync_dir`, content by `File.sync`."""

    def open_read(self, path: Path) -> File:
        """Open an existing regular file for reading."""

    def open_append(self, path: Path) -> File:
        """Open an existing regular file for appending (and reading)."""

    def create(self, path: Path) -> File:
        """Create a file that must not exist, for appending (and reading)."""

    def open_lock(self, path: Path) -> File:
        """Open or create the small file that carries the writer's lock."""

    def make_dir(self, path: Path) -> None:
        """Create a folder and its parents; harmless when present."""

    def remove_dir(self, path: Path) -> None:
        """Remove an empty folder."""

    def rename(self, source: Path, target: Path) -> None:
        """Give *source* the name *target*, replacing it in one step."""

    def unlink(self, path: Path) -> None:
        """Remove a name."""

    def sync_dir(self, path: Path) -> None:
        """Return once the names in folder *path* would survive a power cut."""

    def free_space(self, path: Path) -> int:
        """Bytes an unprivileged writer may still use on the file system of *path*."""

    def names(self, path: Path) -> list[str]:
        """Names in a folder, sorted."""

    def is_dir(self, path: Path) -> bool:
        """Whether *path* is a folder."""

    def exists(self, path: Path) -> bool:
        """Whether the name is taken, be it by a dangling link."""


READ: Final = os.O_RDONLY | os.O_NONBLOCK
APPEND: Final = os.O_RDWR | os.O_APPEND | os.O_NONBLOCK
SAFE: Final = os.O_NOFOLLOW | os.O_CLOEXEC


class RealFile:
    """A descriptor of a regular file."""

    def __init__(self, path: Path, flags: int) -> None:
        self._fd = os.open(path, flags | SAFE, 0o600)
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            self.close()
            raise OSError(errno.EINVAL, "not a regular file", str(path))

    def write(self, data: bytes) -> int:
        return os.write(self._fd, data)

    def read(self, offset: int, size: int) -> bytes:
        data = os.pread(self._fd, size, offset)
        while len(data) < size:  # one call hands out at most 2 GiB, and may be cut by a signal
            more = os.pread(self._fd, size - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def sync(self) -> None:
        if sys.platform == "darwin":  # pragma: no cover - measured on Linux
            try:
                fcntl.fcntl(self._fd, fcntl.F_FULLFSYNC)  # fsync there leaves data in the drive's cache
            except OSError as error:
                if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                    raise
                os.fsync(self._fd)  # a file system that knows no more: of a network, of a stick
        else:
            os.fdatasync(self._fd)

    def truncate(self, size: int) -> None:
        os.ftruncate(self._fd, size)

    def replace(self, data: bytes) -> None:
        os.pwrite(self._fd, data, 0)
        os.ftruncate(self._fd, len(data))

    def lock(self) -> bool:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def allocate(self, size: int) -> None:
        if sys.platform == "linux":
            os.posix_fallocate(self._fd, 0, size)
        else:  # pragma: no cover - measured on Linux
            for _ in range(0, size, 1 << 20):
                write_all(self, b"\1" * (1 << 20))

    def drop_cache(self) -> None:
        if sys.platform == "linux":  # pragma: no branch - elsewhere the cache has to be trusted
            os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        fd, self._fd = self._fd, -1  # first: its number may be another file's as soon as it is closed
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            self.close()


class RealDisk:
    """The operating system's files."""

    def open_read(self, path: Path) -> File:
        return RealFile(path, READ)

    def open_append(self, path: Path) -> File:
        return RealFile(path, APPEND)

    def create(self, path: Path) -> File:
        return RealFile(path, APPEND | os.O_CREAT | os.O_EXCL)

    def open_lock(self, path: Path) -> File:
        return RealFile(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK)

    def make_dir(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)

    def remove_dir(self, path: Path) -> None:
        os.rmdir(path)

    def rename(self, source: Path, target: Path) -> None:
        os.replace(source, target)

    def unlink(self, path: Path) -> None:
        os.unlink(path)

    def sync_dir(self, path: Path) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def free_space(self, path: Path) -> int:
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize

    def names(self, path: Path) -> list[str]:
        return sorted(os.listdir(path))

    def is_dir(self, path: Path) -> bool:
        return path.is_dir()

    def exists(self, path: Path) -> bool:
        return os.path.lexists(path)


def write_all(file: File, data: bytes) -> None:
    """Append all of *data*, going on after short writes: for files that a crash may lose, never for a live segment."""
    view = memoryview(data)
    while view:
        taken = file.write(bytes(view))
        if taken <= 0:
            raise OSError(errno.EIO, "the disk takes no bytes and gives no reason")
        view = view[taken:]


def read_all(disk: Disk, path: Path, limit: int) -> bytes:
    """The whole content of a small file; EFBIG when it is longer than *limit* bytes."""
    file = disk.open_read(path)
    try:
        if file.size() > limit:
            raise OSError(errno.EFBIG, f"longer than {limit} bytes", str(path))
        return file.read(0, limit)
    finally:
        file.close()
