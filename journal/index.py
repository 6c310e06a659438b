"""
The tables behind the data frames of a sealed segment: our block index, and the seek table of the zstd seekable format.

The index is a cache. What it states is checked against the blocks when they are read, and a broken one is rebuilt.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final
from zlib import crc32

from engine.kernel.kinds import BLOCK_END
from engine.kernel.record import CONTROL, HEAD_SIZE, LAST
from journal.codec import BLOCK_END_RECORD, Cursor
from journal.disk import File
from journal.errors import Damaged
from journal.frames import MOST_HEADER, SKIPPABLE_HIGH, SKIPPABLE_LOW, Decompressor, stated_size
from journal.payloads import BLOCK_END_SIZE, BlockEnd, decode_block_end
from journal.segment import MAX_BLOCK, Entry

INDEX_MAGIC: Final = b"JRNLIDX1"
INDEX_FRAME: Final = 0x184D2A5A
SEEK_FRAME: Final = 0x184D2A5E
SEEK_MAGIC: Final = 0x8F92EAB1
ENTRY_SIZE: Final = 64
FOOTER_SIZE: Final = 9
SKIP_HEADER: Final = 8
MOST_ENTRIES: Final = 1 << 24

_HEAD: Final = Struct("<8sII32sQ")
_ENTRY: Final = Struct("<QQQQqqIIII")
_SEEK: Final = Struct("<II")
_FOOTER: Final = Struct("<IBI")


class Index:
    """The blocks of a file in order, the *head* hash of its last segment (32 bytes), and its length in raw bytes."""

    __slots__ = ("entries", "head", "raw_len")

    def __init__(self, head: bytes, raw_len: int, entries: list[Entry]) -> None:
        self.head = head
        self.raw_len = raw_len
        self.entries = entries


def encode_tables(index: Index) -> bytes:
    """Both skippable frames, as they end a sealed file."""
    body = bytearray(_HEAD.pack(INDEX_MAGIC, len(index.entries), ENTRY_SIZE, index.head, index.raw_len))
    for e in index.entries:
        body += _ENTRY.pack(
            e.raw_off,
            e.file_off,
            e.first_seq,
            e.last_seq,
            e.first_recv_ns,
            e.last_recv_ns,
            e.raw_len,
            e.comp_len,
            e.data_records,
            0,
        )
    body += _SEEK.pack(crc32(body), 0)
    frame = _SEEK.pack(INDEX_FRAME, len(body)) + body
    table = bytearray()
    for e in index.entries:
        table += _SEEK.pack(e.comp_len, e.raw_len)
    table += _SEEK.pack(len(frame), 0) + _FOOTER.pack(len(index.entries) + 1, 0, SEEK_MAGIC)
    return frame + _SEEK.pack(SEEK_FRAME, len(table)) + bytes(table)


def decode_index(payload: bytes, path: object, offset: int) -> Index:
    """The index of an index frame's *payload*; *path* and *offset* are for the sentence. Raises Damaged."""
    if len(payload) < _HEAD.size + 8 or payload[:8] != INDEX_MAGIC:
        raise Damaged(str(path), offset, "no block index stands here")
    if crc32(payload[:-8]) != int.from_bytes(payload[-8:-4], "little"):
        raise Damaged(str(path), offset, "the checksum of the block index does not fit")
    _, count, size, head, raw_len = _HEAD.unpack_from(payload)
    # A later minor version may append fields to an entry: the stated size is the stride.
    if size < ENTRY_SIZE or _HEAD.size + count * size + 8 != len(payload):
        raise Damaged(str(path), offset, f"a block index of {len(payload)} bytes cannot hold {count} entries of {size}")
    entries = []
    raw_off = file_off = 0
    for number in range(count):
        fields = _ENTRY.unpack_from(payload, _HEAD.size + number * size)
        entry = Entry(*fields[:9])
        if entry.raw_off != raw_off or entry.file_off != file_off or entry.raw_len > MAX_BLOCK or not entry.comp_len:
            raise Damaged(str(path), offset, f"entry {number} of the block index does not continue the one before it")
        raw_off += entry.raw_len
        file_off += entry.comp_len
        entries.append(entry)
    if raw_off != raw_len:
        raise Damaged(str(path), offset, f"the blocks add up to {raw_off} raw bytes, the block index states {raw_len}")
    return Index(head, raw_len, entries)


def read_index(file: File, path: object) -> Index:
    """The index at the end of a sealed *file*, found through its seek table. Raises Damaged when either is broken."""
    size = file.size()
    footer = file.read(max(0, size - FOOTER_SIZE), FOOTER_SIZE)
    if len(footer) < FOOTER_SIZE:
        raise Damaged(str(path), 0, f"{size} bytes are too few for a sealed segment")
    count, descriptor, magic = _FOOTER.unpack(footer)
    table_len = count * _SEEK.size + FOOTER_SIZE
    start = size - table_len - SKIP_HEADER
    if magic != SEEK_MAGIC or descriptor != 0 or not 1 <= count <= MOST_ENTRIES or start < SKIP_HEADER:
        raise Damaged(str(path), max(0, size - FOOTER_SIZE), "no seek table ends the file")
    table = file.read(start, SKIP_HEADER + table_len)
    if _SEEK.unpack_from(table) != (SEEK_FRAME, table_len):
        raise Damaged(str(path), start, "the seek table is not framed as one")
    index_len, raw_len = _SEEK.unpack_from(table, SKIP_HEADER + (count - 1) * _SEEK.size)
    at = start - index_len
    if raw_len != 0 or index_len < SKIP_HEADER or at < 0 or index_len > SKIP_HEADER + 64 + MOST_ENTRIES * ENTRY_SIZE:
        raise Damaged(str(path), start, "the last entry of the seek table is no index frame")
    frame = file.read(at, index_len)
    if _SEEK.unpack_from(frame) != (INDEX_FRAME, index_len - SKIP_HEADER):
        raise Damaged(str(path), at, "the block index is not framed as one")
    index = decode_index(frame[SKIP_HEADER:], path, at)
    pairs = [_SEEK.unpack_from(table, SKIP_HEADER + number * _SEEK.size) for number in range(count - 1)]
    if pairs != [(e.comp_len, e.raw_len) for e in index.entries] or sum(pair[0] for pair in pairs) != at:
        raise Damaged(str(path), start, "seek table and block index disagree")
    return index


def rebuild_index(file: File, path: object) -> Index:
    """The index made anew from the data frames, a block in memory at a time. Raises Damaged at the first bad frame."""
    entries: list[Entry] = []
    head = b""
    raw_off = 0
    context = Decompressor()
    for offset, frame in data_frames(file, path):
        raw = context.block(frame, stated_size(frame, path, offset), path, offset)
        end, _ = block_end(raw, path, offset)
        entries.append(
            Entry(
                raw_off,
                offset,
                end.first_seq,
                end.last_seq,
                end.first_recv_ns,
                end.last_recv_ns,
                len(raw),
                len(frame),
                end.data_records,
            )
        )
        head = end.chain
        raw_off += len(raw)
    if not entries:
        raise Damaged(str(path), 0, "the file holds no block")
    return Index(head, raw_off, entries)


def bytes_behind(file: File, index: Index) -> int:
    """How many bytes of *file* follow whole tables that are those of *index*; 0 where its tables are damaged."""
    last = index.entries[-1]
    at = last.file_off + last.comp_len
    tables = encode_tables(index)
    return file.size() - at - len(tables) if file.read(at, len(tables)) == tables else 0


def block_end(raw: bytes, path: object, offset: int) -> tuple[BlockEnd, bool]:
    """The BLOCK_END that ends a block's *raw* bytes, and whether it carries LAST. Raises Damaged."""
    at = len(raw) - BLOCK_END_RECORD
    if at >= 0 and at % 8 == 0:
        cursor = Cursor(raw, at, len(raw))
        stands = int.from_bytes(raw[at + 4 : at + 8], "little") == BLOCK_END_SIZE and cursor.next()
        if stands and cursor.check_crc() and cursor.kind == BLOCK_END and cursor.flags & CONTROL:
            return decode_block_end(raw[at + HEAD_SIZE :]), bool(cursor.flags & LAST)
    raise Damaged(str(path), offset, f"a block of {len(raw)} raw bytes ends in no BLOCK_END")


def data_frames(file: File, path: object) -> Iterator[tuple[int, bytes]]:
    """(file offset, bytes) of each zstd data frame up to the first skippable one. Raises Damaged."""
    size = file.size()
    at = 0
    while at < size:
        start = file.read(at, MOST_HEADER)
        if len(start) >= 4 and SKIPPABLE_LOW <= int.from_bytes(start[:4], "little") <= SKIPPABLE_HIGH:
            return
        stated_size(start, path, at)
        length = _frame_length(file, at, size, path)
        yield at, file.read(at, length)
        at += length


def _frame_length(file: File, at: int, size: int, path: object) -> int:
    """Length of the frame at *at*, by its block headers (RFC 8878, 3.1.1): bounded by the stated content size."""
    descriptor = file.read(at + 4, 1)[0]
    single = descriptor & 0x20
    content = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    position = at + 5 + (0 if single else 1) + (0, 1, 2, 4)[descriptor & 3] + content
    while True:
        header = int.from_bytes(file.read(position, 3), "little")
        kind, length = (header >> 1) & 3, header >> 3
        position += 3 + (1 if kind == 1 else length)
        if position + 4 > size or kind == 3 or position - at > 2 * MAX_BLOCK:
            raise Damaged(str(path), at, "a zstd frame is cut off or broken")
        if header & 1:
            return position + 4 - at
