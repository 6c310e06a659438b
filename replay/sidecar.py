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
from engine.kernel.events import EventBatch, Translator
from engine.kernel.step import Kernel, translate_payload
from journal.codec import Cursor
from journal.disk import Disk, File, write_all
from journal.errors import Damaged
from journal.frames import Compressor, Decompressor
from journal.reader import Journal
from journal.segment import MAX_BLOCK, with_suffix
from journal.stored import Segment
from replay.decoded import SPARE, DecodedCursor, Numbers, Packed
from replay.decoders import translators
from replay.strict import is_kept

MAGIC: Final = b"JRNLEVT1"
VERSION: Final = 1
LEVEL: Final = 1
PIECE: Final = 512 << 10
"""Bytes of packed inputs after which a frame is closed."""
MOST_HEAD: Final = 64 << 20

_END: Final = Struct("<II8s")
_DIGEST: Final = 32
_converter: Final = make_converter(forbid_extra_keys=True)
_INPUT: Final = 3  # CONTROL | DERIVED: neither is set on an input


class NoSidecar(Exception):
    """There is no sidecar that can be used; the text says why."""


@frozen
class Part:
    """One frame: where it lies, what it holds raw, and the records it covers; *last_seq* includes those passed over."""

    offset: int
    stored: int
    raw: int
    first_seq: int
    last_seq: int


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


def _write_parts(file: File, journal: Journal, segment: Segment, found: Mapping[int, Translator]) -> list[Part]:
    packed, batch, compressor = Packed(), EventBatch(), Compressor(LEVEL)
    parts: list[Part] = []
    offset = len(MAGIC)
    first_seq = segment.first_seq

    def close(last_seq: int) -> None:
        nonlocal offset, first_seq
        raw = packed.take()
        stored = compressor.frame(raw)
        write_all(file, stored)
        parts.append(Part(offset, len(stored), len(raw), first_seq, last_seq))
        offset += len(stored)
        first_seq = last_seq + 1

    for block in journal.blocks(segment.first_seq, segment.last_seq):
        cursor = block.cursor()
        while cursor.next():
            if cursor.flags & _INPUT == 0 and is_kept(cursor.kind):
                _pack(packed, batch, found.get(cursor.kind), cursor)
                if packed.size >= PIECE:
                    close(cursor.seq)
    if first_seq <= segment.last_seq:
        close(segment.last_seq)
    return parts


def _pack(packed: Packed, batch: EventBatch, translator: Translator | None, cursor: Cursor) -> None:
    payload = cursor.payload()
    if translator is not None:
        batch.clear()
        code = translate_payload(translator, cursor.kind, payload, 0, len(payload), batch)
        if code == 0 and packed.events(cursor.seq, cursor.recv_ns, cursor.kind, cursor.source, batch):
            return
    packed.raw(cursor.seq, cursor.recv_ns, cursor.kind, cursor.source, payload)


@final
class Sidecar:
    """An open sidecar; a context manager. `contents` is its head."""

    def __init__(self, file: File, path: Path, contents: Contents) -> None:
        self._file = file
        self._context = Decompressor()
        self.path = path
        self.contents = contents
        self._numbers: tuple[Kernel, dict[int, Numbers]] | None = None

    def cursor(self, kernel: Kernel, inputs: bytes) -> DecodedCursor:
        """A cursor over the packed *inputs* of one part, that moves *kernel*."""
        if self._numbers is None or self._numbers[0] is not kernel:
            self._numbers = kernel, self._numbers_for(kernel)
        return DecodedCursor(kernel, inputs, self._numbers[1])

    def _numbers_for(self, kernel: Kernel) -> dict[int, Numbers]:
        made: dict[str, Numbers] = {}
        found: dict[int, Numbers] = {}
        for kind in kinds.NAMES:
            translator = kernel.translator(kind) if 0x0100 <= kind < 0x1000 else None
            if translator is None:
                continue
            venue = translator.symbols.venue
            if venue not in made:
                made[venue] = Numbers(translator.symbols, self.contents.symbols.get(venue, []))
            found[kind] = made[venue]
        return found

    def part(self, number: int) -> bytes:
        """The packed inputs of part *number*. Raises Damaged."""
        part = self.contents.parts[number]
        stored = self._file.read(part.offset, part.stored)
        raw = self._context.block(stored, part.raw, self.path, part.offset)
        if raw[-SPARE:] != bytes(SPARE):
            raise Damaged(self.path, part.offset, "the packed inputs do not end as they should")
        return raw

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
