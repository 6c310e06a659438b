"""What a segment is on disk: its file names, its header, and the hash that chains its blocks."""

import re
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import Final
from zlib import crc32

from journal.disk import Disk
from journal.errors import NotAJournal

MAGIC: Final = b"JRNLSEG1"
MAJOR: Final = 1
MINOR: Final = 0
HEADER_SIZE: Final = 128
NO_HASH: Final = bytes(32)
MAX_PAYLOAD: Final = 16 << 20
MAX_BLOCK: Final = 64 << 20
MAX_SEGMENT: Final = 1 << 30
BLOCK_TARGET: Final = 256 << 10
LOCK_NAME: Final = "journal.lock"
BALLAST_NAME: Final = "ballast"

_HEADER: Final = Struct("<8sHHI16sQQqq32sIIQI8s")
_NAME: Final = re.compile(r"(\d{8})\.(wal|zst|manifest\.json|zst\.tmp|manifest\.json\.tmp|torn-\d+\.tmp|torn-\d+)")


def new_chain(previous: bytes) -> blake2b:
    """The hash of a block, fed with the *previous* block's (32 bytes); feed it the block up to its BLOCK_END."""
    return blake2b(previous, digest_size=32, person=b"jrnl-block-v1")


class Header:
    """
    The first 128 bytes of a segment.

    *anchor_wall_ns* and *anchor_mono_ns* fix the run's logical time; *prev_hash* is the chain head of the segment
    before; *first_seq* the number its first data record has or will have; *run_epoch* rises with every writer start.
    """

    __slots__ = (
        "anchor_mono_ns",
        "anchor_wall_ns",
        "block_target",
        "first_seq",
        "journal_id",
        "max_payload",
        "prev_hash",
        "run_epoch",
        "segment_no",
    )

    def __init__(
        self,
        journal_id: bytes,
        segment_no: int,
        first_seq: int,
        anchor_wall_ns: int,
        anchor_mono_ns: int,
        prev_hash: bytes = NO_HASH,
        block_target: int = BLOCK_TARGET,
        max_payload: int = MAX_PAYLOAD,
        run_epoch: int = 1,
    ) -> None:
        self.journal_id = journal_id
        self.segment_no = segment_no
        self.first_seq = first_seq
        self.anchor_wall_ns = anchor_wall_ns
        self.anchor_mono_ns = anchor_mono_ns
        self.prev_hash = prev_hash
        self.block_target = block_target
        self.max_payload = max_payload
        self.run_epoch = run_epoch

    def encode(self) -> bytes:
        """The 128 bytes."""
        body = _HEADER.pack(
            MAGIC,
            MAJOR,
            MINOR,
            HEADER_SIZE,
            self.journal_id,
            self.segment_no,
            self.first_seq,
            self.anchor_wall_ns,
            self.anchor_mono_ns,
            self.prev_hash,
            self.block_target,
            self.max_payload,
            self.run_epoch,
            0,
            bytes(8),
        )
        return body + crc32(body).to_bytes(4, "little")


def header_stands(data: bytes) -> bool:
    """Whether *data* starts with a header that its checksum fits, of whatever version."""
    return (
        len(data) >= HEADER_SIZE and data[:8] == MAGIC and crc32(data[:124]) == int.from_bytes(data[124:128], "little")
    )


def decode_header(data: bytes, path: "Path | str") -> Header:
    """The header at the start of *data*. Raises NotAJournal, saying what is wrong; *path* is for that sentence."""
    if len(data) < HEADER_SIZE:
        raise NotAJournal(path, f"{len(data)} bytes, fewer than a file header's {HEADER_SIZE}")
    if data[:8] != MAGIC:
        raise NotAJournal(path, f"it starts with {data[:8]!r}, expected {MAGIC!r}")
    found = int.from_bytes(data[124:128], "little")
    expected = crc32(data[:124])
    if found != expected:
        raise NotAJournal(path, f"the file header has checksum {found:08x}, expected {expected:08x}")
    _, major, _, size, journal_id, number, first_seq, wall, mono, previous, target, limit, epoch, _, _ = _HEADER.unpack(
        data[:124]
    )
    if major != MAJOR:
        raise NotAJournal(path, f"it has format version {major}, this program reads version {MAJOR}")
    if size != HEADER_SIZE or not 0 < limit <= MAX_PAYLOAD or not 0 < number < 1 << 63 or not 0 < first_seq < 1 << 63:
        raise NotAJournal(
            path, f"header size {size}, payload limit {limit}, segment {number} or sequence {first_seq} is out of range"
        )
    return Header(journal_id, number, first_seq, wall, mono, previous, target, limit, epoch)


class Entry:
    """
    A closed block as the block index lists it: where it lies, which records it holds.

    *raw_off* and *raw_len* count raw bytes, BLOCK_END included; *file_off* and *comp_len* say where its bytes lie in
    the file (the same two numbers in a WAL). A block without data records has first_seq 0 and first_recv_ns NONE.
    """

    __slots__ = (
        "comp_len",
        "data_records",
        "file_off",
        "first_recv_ns",
        "first_seq",
        "last_recv_ns",
        "last_seq",
        "raw_len",
        "raw_off",
    )

    def __init__(
        self,
        raw_off: int,
        file_off: int,
        first_seq: int,
        last_seq: int,
        first_recv_ns: int,
        last_recv_ns: int,
        raw_len: int,
        comp_len: int,
        data_records: int,
    ) -> None:
        self.raw_off = raw_off
        self.file_off = file_off
        self.first_seq = first_seq
        self.last_seq = last_seq
        self.first_recv_ns = first_recv_ns
        self.last_recv_ns = last_recv_ns
        self.raw_len = raw_len
        self.comp_len = comp_len
        self.data_records = data_records


def wal_path(directory: Path, number: int) -> Path:
    """The live or not yet sealed file of segment *number*."""
    return directory / f"{number:08d}.wal"


def zst_path(directory: Path, number: int) -> Path:
    """The sealed file of segment *number*."""
    return directory / f"{number:08d}.zst"


def manifest_path(directory: Path, number: int) -> Path:
    """The manifest of segment *number*: its presence commits the sealing."""
    return directory / f"{number:08d}.manifest.json"


def torn_path(directory: Path, number: int, offset: int) -> Path:
    """Where recovery keeps what it cut off segment *number* at *offset*."""
    return directory / f"{number:08d}.torn-{offset}"


def with_suffix(path: Path, suffix: str) -> Path:
    """*path* with *suffix* appended to its name."""
    return path.with_name(path.name + suffix)


class Files:
    """Which files of the journal a folder holds, by segment number."""

    def __init__(self, disk: Disk, directory: Path) -> None:
        self.wal: list[int] = []
        self.zst: list[int] = []
        self.manifest: list[int] = []
        self.temporary: list[Path] = []
        self.torn: list[tuple[int, Path]] = []
        for name in disk.names(directory):
            match = _NAME.fullmatch(name)
            if match is None:
                continue
            number, ending = int(match[1]), match[2]
            if ending.endswith(".tmp"):
                self.temporary.append(directory / name)
            elif ending.startswith("torn-"):
                self.torn.append((number, directory / name))
            else:
                {"wal": self.wal, "zst": self.zst, "manifest.json": self.manifest}[ending].append(number)
        self.segments = sorted({*self.wal, *self.zst, *self.manifest})

    def stands(self, number: int) -> bool:
        """Whether there is a file to read for segment *number*; a manifest alone tells of a lost one."""
        return number in self.wal or number in self.zst

    def is_sealed(self, number: int) -> bool:
        """Whether the sealed file is the one to read: its manifest stands, or the WAL is gone."""
        return number in self.zst and (number in self.manifest or number not in self.wal)
