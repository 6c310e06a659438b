"""
Checkpoint files: the state as of one input, kept beside a journal so that a replay need not begin at its start.

A cache and nothing more. A file says which journal, run and build it belongs to and what the journal's DIGEST record
there states; who reads it holds that against the journal, and ignores what does not fit.

Layout, integers little-endian: 8 bytes `JRNLCKP1`, u32 version, u32 length of the head, the head (canonical JSON),
BLAKE2b-256 of all before, then one zstd frame with the canonical state bytes, and behind them what is no state but
saves work or keeps counts alike.
"""

import re
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import Any, Final

import attrs
import orjson

from journal.disk import Disk, write_all
from journal.errors import Damaged, JournalError
from journal.frames import Compressor, Decompressor
from journal.segment import MAX_BLOCK, with_suffix

MAGIC: Final = b"JRNLCKP1"
VERSION: Final = 2
MOST_HEAD: Final = 64 << 10
MOST_STATE: Final = MAX_BLOCK
"""A state above 64 MiB is not kept: a frame of a journal is never larger, and its reader takes no more."""
FOLDER: Final = "checkpoints"

_START: Final = Struct("<8sII")
_DIGEST: Final = 32
_NAME: Final = re.compile(r"(\d{19})\.checkpoint")
_HEX: Final = {"journal_id": 32, "rolling": 16, "state": 64, "state_bytes": 64, "build": None}


class BadCheckpoint(JournalError):
    """A file that cannot be what a checkpoint of this version is."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: not a readable checkpoint: {reason}")
        self.path, self.reason = path, reason


@attrs.frozen
class Head:
    """
    What a checkpoint says of itself.

    Attributes:
        journal_id, build, rolling, state, state_bytes: in hex; *rolling* is the rolling digest (16 digits), *state* the
            state digest, *state_bytes* the BLAKE2b-256 of the canonical state bytes and what stands behind them.
        input_seq: the input it was taken behind; digest_seq: that input's DIGEST record, the last of its group.
        run_seq: the RUN_START of its run.
        recv_ns: receive time of the input.
        inputs: counted since RUN_START.
        base_next: in an overlay, the next record of the base to fold; 0 elsewhere.
        size: of the canonical state bytes; beside: of what stands behind them.
    """

    journal_id: str
    build: str
    run_seq: int
    input_seq: int
    digest_seq: int
    recv_ns: int
    inputs: int
    rolling: str
    state: str
    base_next: int = 0
    state_bytes: str = ""
    size: int = 0
    beside: int = 0


_FIELDS: Final = tuple(sorted(field.name for field in attrs.fields(Head)))


def folder_of(disk: Disk, journal: Path) -> Path:
    """Where the checkpoints of the journal at *journal* (a folder, or one file) lie."""
    return journal / FOLDER if disk.is_dir(journal) else with_suffix(journal, f".{FOLDER}")


def checkpoint_path(folder: Path, input_seq: int) -> Path:
    """The file for the state behind input *input_seq*."""
    return folder / f"{input_seq:019d}.checkpoint"


def list_checkpoints(disk: Disk, folder: Path) -> list[int]:
    """The inputs that *folder* has files for, ascending; empty where there is no such folder."""
    if not disk.is_dir(folder):
        return []
    found = [_NAME.fullmatch(name) for name in disk.names(folder)]
    return sorted(int(match[1]) for match in found if match)


def write_checkpoint(disk: Disk, folder: Path, head: Head, state: bytes, beside: bytes = b"") -> Path:
    """
    Put *state* (canonical bytes), and *beside* behind it, in place in one step; an older file of that input goes.

    `state_bytes`, `size` and `beside` of *head* are filled in. Raises OSError, and ValueError for more bytes than
    MOST_STATE.
    """
    if len(state) + len(beside) > MOST_STATE:
        raise ValueError(f"a state of {len(state) + len(beside)} bytes is above the limit of {MOST_STATE}")
    body = state + beside
    stated = attrs.evolve(head, state_bytes=_digest(body), size=len(state), beside=len(beside))
    text = orjson.dumps(attrs.asdict(stated), option=orjson.OPT_SORT_KEYS)
    start = _START.pack(MAGIC, VERSION, len(text)) + text
    disk.make_dir(folder)
    path = checkpoint_path(folder, head.input_seq)
    temporary = with_suffix(path, ".tmp")
    if disk.exists(temporary):
        disk.unlink(temporary)
    file = disk.create(temporary)
    try:
        write_all(file, start + blake2b(start, digest_size=_DIGEST).digest() + Compressor().frame(body))
        file.sync()  # a rename may reach the disk before the content: an empty cache is no harm, but costs a note
    finally:
        file.close()
    disk.rename(temporary, path)
    return path


def read_head(disk: Disk, path: Path) -> Head:
    """What the checkpoint at *path* says of itself. Raises BadCheckpoint, OSError."""
    file = disk.open_read(path)
    try:
        return _head(file.read(0, _START.size + MOST_HEAD + _DIGEST), path)[0]
    finally:
        file.close()


def read_checkpoint(disk: Disk, path: Path) -> tuple[Head, bytes, bytes]:
    """The checkpoint at *path*, its state bytes and what stands beside them, checked. Raises BadCheckpoint, OSError."""
    file = disk.open_read(path)
    try:
        head, body_at = _head(file.read(0, _START.size + MOST_HEAD + _DIGEST), path)
        size = head.size + head.beside
        stored = file.read(body_at, size + (size >> 7) + 1024)  # zstd's worst case lies well below
        if body_at + len(stored) != file.size():
            raise BadCheckpoint(path, "more bytes follow than its state can need")
    finally:
        file.close()
    try:
        body = Decompressor().block(stored, size, path, body_at)
    except Damaged as damage:
        raise BadCheckpoint(path, damage.reason) from damage
    if _digest(body) != head.state_bytes:
        raise BadCheckpoint(path, "its digest does not fit its state")
    return head, body[: head.size], body[head.size :]


def _digest(state: bytes) -> str:
    return blake2b(state, digest_size=_DIGEST).hexdigest()


def _head(start: bytes, path: Path) -> tuple[Head, int]:
    """The head in a file's first bytes, and where its state begins."""
    if len(start) < _START.size:
        raise BadCheckpoint(path, f"{len(start)} bytes")
    magic, version, length = _START.unpack_from(start)
    if magic != MAGIC:
        raise BadCheckpoint(path, f"it starts with {magic!r}, expected {MAGIC!r}")
    if version != VERSION:
        raise BadCheckpoint(path, f"it has version {version}, this program reads version {VERSION}")
    end = _START.size + length
    if length > MOST_HEAD or end + _DIGEST > len(start):
        raise BadCheckpoint(path, f"a head of {length} bytes")
    if blake2b(start[:end], digest_size=_DIGEST).digest() != start[end : end + _DIGEST]:
        raise BadCheckpoint(path, "the digest of its head does not fit")
    try:
        fields = orjson.loads(start[_START.size : end])
    except orjson.JSONDecodeError as error:
        raise BadCheckpoint(path, f"its head is no JSON ({error})") from error
    if not isinstance(fields, dict) or tuple(sorted(fields)) != _FIELDS:
        raise BadCheckpoint(path, "its head does not have the fields of this version")
    wrong = [name for name, value in fields.items() if not _fits(name, value)]
    if wrong:
        raise BadCheckpoint(path, f"its head states no sensible {wrong[0]}")
    return Head(**fields), end + _DIGEST


def _fits(name: str, value: Any) -> bool:
    if name in _HEX:
        length = _HEX[name]
        return isinstance(value, str) and (length is None or re.fullmatch(f"[0-9a-f]{{{length}}}", value) is not None)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        return False
    return name not in ("size", "beside") or value <= MOST_STATE
