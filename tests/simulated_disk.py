"""
A disk in memory that forgets what real ones may forget, for tests and simulations.

Content becomes durable by `File.sync`, names by `sync_dir`; until then `crash` keeps any subset of the written 512-byte
sectors and of the changed names. The k-th call can fail, a write may be short first, space may be limited.
"""

import errno
from collections.abc import Callable
from pathlib import Path

SECTOR = 512


class Crash(BaseException):
    """The machine stops here. Not an Exception, so that nothing under test can swallow it."""


class Inode:
    """Content as programs see it, and as the platter has it."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self.kept = bytearray(data)
        self.dirty: set[int] = set()
        self.locked_by: object | None = None

    def touch(self, start: int, end: int) -> None:
        self.dirty.update(range(start // SECTOR, (end + SECTOR - 1) // SECTOR))

    def is_dirty(self) -> bool:
        return bool(self.dirty) or len(self.data) != len(self.kept)

    def after_crash(self, choose: Callable[[int], int]) -> "Inode":
        """The file with some of its dirty sectors, and a length somewhere between the kept and the current one."""
        if not self.is_dirty():
            return Inode(bytes(self.kept))
        sectors = sorted(self.dirty)
        mask = choose(1 << len(sectors))
        old, new = len(self.kept), len(self.data)
        size = (new, old, old + choose(max(new - old, 0) + 1))[choose(3)]  # a truncation happens whole or not at all
        content = bytearray(self.kept[:size].ljust(size, b"\0"))
        for bit, sector in enumerate(sectors):
            if mask >> bit & 1:
                start, end = sector * SECTOR, min((sector + 1) * SECTOR, size, new)
                if start < end:
                    content[start:end] = self.data[start:end]
        return Inode(bytes(content))


class SimulatedFile:
    def __init__(self, disk: "SimulatedDisk", inode: Inode, path: Path) -> None:
        self._disk = disk
        self._inode = inode
        self._path = path
        self._open = True

    def write(self, data: bytes) -> int:
        inode = self._inode
        short = self._disk.step("write", self._path)
        room = len(data) if self._disk.space is None else min(len(data), self._disk.free_bytes())
        if data and not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        if short:
            room //= 2
        start = len(inode.data)
        inode.data += data[:room]
        inode.touch(start, start + room)
        return room

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self._inode.data[offset : offset + size])

    def size(self) -> int:
        return len(self._inode.data)

    def sync(self) -> None:
        try:
            self._disk.step("sync", self._path)
        except OSError:
            # The kernel marks the pages clean all the same: the next sync will find nothing to do, and succeed.
            self._inode.dirty.clear()
            raise
        if not self._disk.lying:
            inode = self._inode
            for sector in inode.dirty:
                start, end = sector * SECTOR, min((sector + 1) * SECTOR, len(inode.data))
                if len(inode.kept) < end:
                    inode.kept += bytes(end - len(inode.kept))
                inode.kept[start:end] = inode.data[start:end]
            del inode.kept[len(inode.data) :]
            inode.kept += bytes(len(inode.data) - len(inode.kept))
            inode.dirty.clear()

    def truncate(self, size: int) -> None:
        self._disk.step("truncate", self._path)
        del self._inode.data[size:]
        self._inode.dirty = {sector for sector in self._inode.dirty if sector * SECTOR < size}

    def replace(self, data: bytes) -> None:
        self._disk.step("replace", self._path)
        self._inode.data[:] = data
        self._inode.touch(0, len(data))

    def lock(self) -> bool:
        if self._inode.locked_by not in (None, self):
            return False
        self._inode.locked_by = self
        return True

    def allocate(self, size: int) -> None:
        self._disk.step("allocate", self._path)
        if self._disk.space is not None and self._disk.free_bytes() < size:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._inode.data[:] = bytes(size)
        self._inode.touch(0, size)

    def drop_cache(self) -> None:
        inode = self._inode
        for at in range(0, len(inode.data), SECTOR):
            if at // SECTOR not in inode.dirty:
                end = min(at + SECTOR, len(inode.data))
                inode.data[at:end] = bytes(inode.kept[at:end]).ljust(end - at, b"\0")

    def close(self) -> None:
        if self._inode.locked_by is self:
            self._inode.locked_by = None
        self._open = False


class SimulatedDisk:
    """
    Attributes:
        space: bytes in all, or None for no limit.
        hook: called with (operation, path) before every call that changes something; it may raise.
        lying: syncs return without keeping anything.
        calls: how many changing calls were made.
    """

    def __init__(self) -> None:
        self.names_now: dict[Path, Inode] = {}
        self.names_kept: dict[Path, Inode] = {}
        self.pending: list[tuple[str, Path, Path | None, Inode]] = []
        self.folders: set[Path] = {Path("/")}
        self.space: int | None = None
        self.hook: Callable[[str, Path], None] | None = None
        self.lying = False
        self.calls = 0
        self.fail_at: int | None = None
        self.fail_errno = 0
        self.fail_short = False

    def fail(self, at: int, code: int, short: bool = False) -> None:
        """Let changing call number *at* (from 0) fail with errno *code*; a write is short first when asked."""
        self.calls = 0
        self.fail_at, self.fail_errno, self.fail_short = at, code, short

    def step(self, operation: str, path: Path) -> bool:
        """Count a changing call, and let it fail if its turn has come; True asks a write to be short."""
        if self.hook is not None:
            self.hook(operation, path)
        number = self.calls
        self.calls += 1
        if self.fail_at is None or number < self.fail_at:
            return False
        if number == self.fail_at and self.fail_short and operation == "write":
            self.fail_at += 1  # the next call fails in earnest
            return True
        stays_full = self.fail_errno == errno.ENOSPC and operation in ("write", "create", "allocate")
        if number == self.fail_at or stays_full:
            raise OSError(self.fail_errno, "injected", str(path))
        return False

    def free_bytes(self) -> int:
        assert self.space is not None
        files = {id(inode): inode for inode in self.names_now.values()}
        return max(0, self.space - sum(len(inode.data) for inode in files.values()))

    def _find(self, path: Path) -> Inode:
        if path not in self.names_now:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))
        return self.names_now[path]

    def open_read(self, path: Path) -> SimulatedFile:
        return SimulatedFile(self, self._find(path), path)

    def open_append(self, path: Path) -> SimulatedFile:
        return SimulatedFile(self, self._find(path), path)

    def create(self, path: Path) -> SimulatedFile:
        self.step("create", path)
        if path in self.names_now:
            raise FileExistsError(errno.EEXIST, "File exists", str(path))
        inode = Inode()
        self.names_now[path] = inode
        self.pending.append(("link", path, None, inode))
        return SimulatedFile(self, inode, path)

    def open_lock(self, path: Path) -> SimulatedFile:
        return self.open_read(path) if path in self.names_now else self.create(path)

    def make_dir(self, path: Path) -> None:
        self.folders.add(path)

    def remove_dir(self, path: Path) -> None:
        assert not self.names(path), "only an empty folder can be removed"
        self.folders.remove(path)

    def rename(self, source: Path, target: Path) -> None:
        self.step("rename", target)
        if source in self.folders:
            self._rename_folder(source, target)
            return
        inode = self._find(source)
        del self.names_now[source]
        self.names_now[target] = inode
        self.pending.append(("rename", source, target, inode))

    def _rename_folder(self, source: Path, target: Path) -> None:
        """At once durable: what a crash makes of a folder's name is no question of the journal's format."""

        def moved(path: Path) -> Path:
            return target / path.name if path.parent == source else path

        self.folders = {target if path == source else path for path in self.folders}
        self.names_now = {moved(path): inode for path, inode in self.names_now.items()}
        self.names_kept = {moved(path): inode for path, inode in self.names_kept.items()}
        self.pending = [
            (kind, moved(path), None if to is None else moved(to), inode) for kind, path, to, inode in self.pending
        ]

    def unlink(self, path: Path) -> None:
        self.step("unlink", path)
        self.pending.append(("unlink", path, None, self._find(path)))
        del self.names_now[path]

    def sync_dir(self, path: Path) -> None:
        self.step("sync_dir", path)
        if not self.lying:
            for change in [change for change in self.pending if change[1].parent == path]:
                self._apply(self.names_kept, change)
                self.pending.remove(change)

    @staticmethod
    def _apply(names: dict[Path, Inode], change: tuple[str, Path, Path | None, Inode]) -> None:
        kind, path, target, inode = change
        if kind == "link":
            names[path] = inode
        elif names.get(path) is inode or kind == "rename":
            names.pop(path, None)
            if target is not None:
                names[target] = inode

    def free_space(self, path: Path) -> int:
        return 1 << 60 if self.space is None else self.free_bytes()

    def names(self, path: Path) -> list[str]:
        return sorted(found.name for found in self.names_now if found.parent == path)

    def is_dir(self, path: Path) -> bool:
        return path in self.folders

    def exists(self, path: Path) -> bool:
        return path in self.names_now or path in self.folders

    def crash(self, choose: Callable[[int], int]) -> "SimulatedDisk":
        """
        The disk as the next start finds it. *choose(n)* picks a number from 0 to n - 1, for each thing left to chance.
        """
        names = dict(self.names_kept)
        if self.pending:
            mask = choose(1 << len(self.pending))
            for bit, change in enumerate(self.pending):
                if mask >> bit & 1:
                    self._apply(names, change)
        after = SimulatedDisk()
        after.folders = set(self.folders)
        copies = {id(inode): inode.after_crash(choose) for inode in names.values()}
        after.names_now = {path: copies[id(inode)] for path, inode in names.items()}
        after.names_kept = dict(after.names_now)
        return after

    def copy(self) -> "SimulatedDisk":
        """The disk as it is now, everything durable."""
        after = SimulatedDisk()
        after.folders = set(self.folders)
        after.names_now = {path: Inode(bytes(inode.data)) for path, inode in self.names_now.items()}
        after.names_kept = dict(after.names_now)
        return after

    def put(self, path: Path, data: bytes) -> None:
        """A durable file, as if it had always been there."""
        self.folders.add(path.parent)
        self.names_now[path] = self.names_kept[path] = Inode(data)

    def get(self, path: Path) -> bytes:
        return bytes(self.names_now[path].data)
