"""
The decoded sidecar: a sealed segment's market data as event rows, so that replaying it again needs no parsing.

It stands beside the segment and is keyed by the segment's head hash, the decoders' names and this build, which is what
"the decoder's version" comes down to. One that does not fit, or is damaged, is passed over: the segment's own frames
say the same. A strict replay never looks at it.

Layout, integers little-endian: 8 bytes `JRNLEVT1`, zstd frames of packed inputs (`replay.decoded`), the head (JSON),
its BLAKE2b-256, u32 length of the head, u32 version, 8 bytes `JRNLEVT1`.
"""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import Any, Final, final

import orjson
from attrs import asdict, frozen
from cattrs import BaseValidationError
from cattrs.preconf.orjson import make_converter

from engine.kernel import kinds
from engine.kernel.events import Translator
from journal.disk import Disk, File, write_all
from journal.errors import Damaged
from journal.frames import Compressor, Decompressor
from journal.reader import Journal
from journal.segment import MAX_BLOCK, with_suffix
from journal.stored import Segment
from replay.decoded import Piece
from replay.decoders import translators
from replay.packed import SPARE
from replay.packing import InputPacker

MAGIC: Final = b"JRNLEVT1"
VERSION: Final = 2
LEVEL: Final = 1
PIECE: Final = 512 << 10
"""Bytes of packed inputs after which a frame is closed."""
MOST_HEAD: Final = 64 << 20

_END: Final = Struct("<II8s")
_DIGEST: Final = 32
_converter: Final = make_converter(forbid_extra_keys=True)


class NoSidecar(Exception):
    """There is no sidecar that can be used; the text says why."""


@frozen
class Part:
    """
    One frame: where it lies, what it holds raw, and the records it covers, those passed over included.

    *covered* is what these records take in the segment. *lags* has, for each source with stamps, its number and the
    least and the most of recv_ns - src_ns; the most is None where only snapshots bear stamps.
    """

    offset: int
    stored: int
    raw: int
    first_seq: int
    last_seq: int
    covered: int
    lags: list[tuple[int, int, int | None]]


@frozen
class Contents:
    """The head. *symbols* lists each venue's texts by number; *decoders* names the decoder of each kind."""

    journal_id: str
    segment_no: int
    head_hash: str
    build: str
    decoders: dict[str, str]
    symbols: dict[str, list[str]]
    parts: list[Part]


def sidecar_path(segment: Segment) -> Path:
    """Where the sidecar of *segment* lies: `NNNNNNNN.events` beside it, or beside the bundle it is in."""
    name = f"{segment.number:08d}.events"
    if segment.path.name.startswith(f"{segment.number:08d}."):
        return segment.path.with_name(name)
    return with_suffix(segment.path, f".{name}")


def write_sidecar(
    disk: Disk, journal: Journal, segment: Segment, versions: Mapping[str, str] | None, build: str
) -> Path:
    """
    Write the sidecar of a sealed *segment* of *journal*, in one step; an older one is replaced.

    Args:
        versions: kind name to decoder name, as RUN_START records it; None for this build's newest.
        build: this build's digest.
    Raises:
        NoDecoder, JournalError: the segment cannot be decoded or read.
        OSError: the file cannot be written.
    """
    assert segment.sealed
    found = translators(versions)
    path = sidecar_path(segment)
    temporary = with_suffix(path, ".tmp")
    if disk.exists(temporary):
        disk.unlink(temporary)
    file = disk.create(temporary)
    try:
        write_all(file, MAGIC)
        parts = _write_parts(file, journal, segment, found)
        contents = Contents(
            journal_id=segment.header.journal_id.hex(),
            segment_no=segment.number,
            head_hash=segment.head.hex(),
            build=build,
            decoders=names_of(found),
            symbols={translator.symbols.venue: translator.symbols.texts for translator in found.values()},
            parts=parts,
        )
        head = orjson.dumps(asdict(contents), option=orjson.OPT_SORT_KEYS)
        digest = blake2b(head, digest_size=_DIGEST).digest()
        write_all(file, head + digest + _END.pack(len(head), VERSION, MAGIC))
        file.sync()
    finally:
        file.close()
    disk.rename(temporary, path)
    return path


def names_of(found: Mapping[int, Translator]) -> dict[str, str]:
    """Kind name to decoder name."""
    return {kinds.name(kind): translator.name for kind, translator in found.items()}


def _write_parts(file: File, journal: Journal, segment: Segment, found: dict[int, Translator]) -> list[Part]:
    packer, compressor = InputPacker(found, segment.first_seq - 1), Compressor(LEVEL)
    parts: list[Part] = []
    offset = len(MAGIC)

    def close() -> None:
        nonlocal offset
        piece = packer.take()
        stored = compressor.frame(piece.data)
        write_all(file, stored)
        lags = [(source, least, piece.most_lag_ns.get(source)) for source, least in piece.least_lag_ns.items()]
        parts.append(Part(offset, len(stored), len(piece.data), piece.first_seq, piece.last_seq, piece.raw_bytes, lags))
        offset += len(stored)

    for block in journal.blocks(segment.first_seq, segment.last_seq):
        at = block.start
        while at < block.end:
            at = packer.add(block.data, at, block.end, PIECE)
            if packer.size >= PIECE:
                close()
    if not parts or parts[-1].last_seq < segment.last_seq:
        close()
    return parts


@final
class Sidecar:
    """An open sidecar; a context manager. `contents` is its head."""

    def __init__(self, file: File, path: Path, contents: Contents) -> None:
        self._file = file
        self._context = Decompressor()
        self.path = path
        self.contents = contents

    def piece(self, number: int) -> Piece:
        """The packed inputs of part *number*. Raises Damaged."""
        part = self.contents.parts[number]
        stored = self._file.read(part.offset, part.stored)
        raw = self._context.block(stored, part.raw, self.path, part.offset)
        if raw[-SPARE:] != bytes(SPARE):
            raise Damaged(self.path, part.offset, "the packed inputs do not end as they should")
        least = {source: least for source, least, _ in part.lags}
        most = {source: most for source, _, most in part.lags if most is not None}
        return Piece(raw, self.contents.symbols, part.first_seq, part.last_seq, part.covered, least, most, True)

    def least_lags(self) -> dict[int, int]:
        """The least recv_ns - src_ns of each source that has stamps."""
        found: dict[int, int] = {}
        for part in self.contents.parts:
            for source, least, _ in part.lags:
                found[source] = min(least, found.get(source, least))
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "Sidecar":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def open_sidecar(disk: Disk, segment: Segment, decoders: Mapping[str, str], build: str) -> Sidecar:
    """
    The sidecar of *segment*, if it is this build's and made with *decoders* (kind name to decoder name).

    Raises:
        NoSidecar: there is none, it is damaged, or it was made from something else.
    """
    path = sidecar_path(segment)
    if not disk.exists(path):
        raise NoSidecar(f"{path.name} does not exist")
    try:
        file = disk.open_read(path)
    except OSError as error:
        raise NoSidecar(f"{path.name} cannot be read: {error.strerror}") from error
    try:
        contents = _contents(file, path)
        if (contents.journal_id, contents.head_hash) != (segment.header.journal_id.hex(), segment.head.hex()):
            raise NoSidecar(f"{path.name} was made from another segment")
        if contents.build != build:
            raise NoSidecar(f"{path.name} was made by build {contents.build}, this is {build}")
        if contents.decoders != dict(decoders):
            raise NoSidecar(f"{path.name} was made with other decoders")
        _check_parts(contents, segment, path)
    except BaseException:
        file.close()
        raise
    return Sidecar(file, path, contents)


def _contents(file: File, path: Path) -> Contents:
    size = file.size()
    end = file.read(max(0, size - _END.size), _END.size)
    if len(end) < _END.size or file.read(0, len(MAGIC)) != MAGIC:
        raise NoSidecar(f"{path.name} is no sidecar")
    length, version, magic = _END.unpack(end)
    start = size - _END.size - _DIGEST - length
    if magic != MAGIC or version != VERSION or length > MOST_HEAD or start < len(MAGIC):
        raise NoSidecar(f"{path.name} does not end as a sidecar of version {VERSION}")
    head = file.read(start, length + _DIGEST)
    if blake2b(head[:length], digest_size=_DIGEST).digest() != head[length:]:
        raise NoSidecar(f"{path.name} is damaged: the digest of its head does not fit")
    try:
        fields = orjson.loads(head[:length])
        if not isinstance(fields, dict):  # the converter takes that for granted
            raise ValueError("no object")
        return _converter.structure(fields, Contents)
    except (ValueError, BaseValidationError) as error:
        raise NoSidecar(f"{path.name} is damaged: its head cannot be read") from error


def _check_parts(contents: Contents, segment: Segment, path: Path) -> None:
    offset, seq = len(MAGIC), segment.first_seq
    for part in contents.parts:
        follows = (part.offset, part.first_seq) == (offset, seq) and part.first_seq <= part.last_seq
        if not follows or not 0 < part.stored <= MAX_BLOCK or not SPARE <= part.raw <= MAX_BLOCK:
            raise NoSidecar(f"{path.name} is damaged: its parts do not follow one another")
        offset, seq = offset + part.stored, part.last_seq + 1
    if seq != segment.last_seq + 1:
        raise NoSidecar(f"{path.name} is damaged: it ends at record {seq - 1}, its segment at {segment.last_seq}")
