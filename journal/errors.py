"""What can be wrong with a journal: each error says in one sentence where, what was found, and what was expected."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath


class JournalError(Exception):
    """Base of every error of this package; its text is one sentence for a person."""


class Damaged(JournalError):
    """Bytes that cannot be what a writer wrote."""

    def __init__(self, path: "PurePath | str", offset: int, reason: str) -> None:
        where = f"{path}: " if str(path) else ""
        super().__init__(f"{where}damaged at byte {offset}: {reason}")
        self.path, self.offset, self.reason = path, offset, reason


class SequenceGap(JournalError):
    """A segment or record does not continue the one before it."""

    def __init__(self, path: "PurePath | str", last: int, found: int, what: str = "record") -> None:
        super().__init__(f"{path}: {what} {found} follows {last}, expected {last + 1}")
        self.path, self.last, self.found = path, last, found


class NotAJournal(JournalError):
    """A file or folder that holds no journal this version can read."""

    def __init__(self, path: "PurePath | str", reason: str) -> None:
        super().__init__(f"{path}: not a readable journal: {reason}")
        self.path, self.reason = path, reason


class Unreadable(JournalError):
    """The operating system refuses to hand out a file of the journal."""

    def __init__(self, path: "PurePath | str", reason: str) -> None:
        super().__init__(f"{path}: cannot be read: {reason}")
        self.path, self.reason = path, reason


class Taken(JournalError):
    """A new file or folder was to be made where something stands already."""

    def __init__(self, path: "PurePath | str", found: str = "it exists already") -> None:
        super().__init__(f"{path}: {found}, and nothing is written over")
        self.path = path


class JournalExists(Taken):
    """A new journal was to be created where one already stands."""

    def __init__(self, path: "PurePath | str") -> None:
        super().__init__(path, "it holds a journal already")


class Locked(JournalError):
    """Another process holds the lock."""

    def __init__(self, path: "PurePath | str") -> None:
        super().__init__(f"{path}: locked by another process; a journal has one writer at a time")
        self.path = path


class RecordRefused(JournalError):
    """A record that the format does not allow at this place; nothing was appended."""


class WriterFailed(JournalError):
    """
    The writer has failed for the rest of this run; what was durable stays intact.

    *code* is ``JRN_DISK_FULL`` (ENOSPC, EDQUOT, a short write on a full disk) or ``JRN_SYNC_FAILED`` (all else).
    """

    def __init__(self, code: str, path: "PurePath | str", reason: str) -> None:
        super().__init__(f"{path}: {code}: {reason}; nothing more is written in this run")
        self.code, self.path, self.reason = code, path, reason


class SealFailed(JournalError):
    """A segment could not be sealed; its WAL is untouched."""

    def __init__(self, path: "PurePath | str", reason: str) -> None:
        super().__init__(f"{path}: not sealed: {reason}")
        self.path, self.reason = path, reason


class RecoveryRefused(JournalError):
    """Data reported durable is damaged: no writer may open this journal; export what is readable instead."""

    def __init__(self, path: "PurePath | str", offset: int, reason: str) -> None:
        super().__init__(f"{path}: corrupt at byte {offset}: {reason}; export the readable records to a new journal")
        self.path, self.offset, self.reason = path, offset, reason


def writer_failure(path: "PurePath | str", error: OSError) -> WriterFailed:
    """What the disk refused a writer, in the journal's words."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return WriterFailed("JRN_DISK_FULL" if full else "JRN_SYNC_FAILED", path, error.strerror or str(error))


@contextmanager
def writing(path: "PurePath | str") -> Iterator[None]:
    """What the operating system refuses inside becomes a WriterFailed."""
    try:
        yield
    except OSError as error:
        raise writer_failure(path, error) from error


@contextmanager
def reading(path: "PurePath | str") -> Iterator[None]:
    """What the operating system refuses inside becomes an Unreadable, naming its own path if it has one."""
    try:
        yield
    except OSError as error:
        link = error.errno == errno.ELOOP
        reason = "it is a symbolic link, which is not followed" if link else error.strerror or str(error)
        raise Unreadable(error.filename or path, reason) from error
