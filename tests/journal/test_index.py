"""The tables at the end of a sealed file."""

import struct
from pathlib import Path
from zlib import crc32

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from journal_maker import ROOT, three_segments
from simulated_disk import SimulatedDisk

from journal.errors import Damaged
from journal.frames import Compressor, Decompressor
from journal.index import Index, decode_index, encode_tables, read_index, rebuild_index
from journal.segment import Entry, zst_path

PATH = Path("/x/00000001.zst")
SIZES = st.lists(st.tuples(st.integers(1, 1 << 26), st.integers(1, 1 << 30), st.integers(0, 2**32 - 1)), max_size=8)


def index_of(sizes: list[tuple[int, int, int]]) -> Index:
    entries = []
    raw = stored = 0
    for raw_len, comp_len, records in sizes:
        entries.append(Entry(raw, stored, 5, 9, -(2**63), 7, raw_len, comp_len, records))
        raw += raw_len
        stored += comp_len
    return Index(bytes(range(32)), raw, entries)


def listed(index: Index) -> list[list[int]]:
    return [[getattr(entry, name) for name in Entry.__slots__] for entry in index.entries]


@given(SIZES)
def test_an_index_reads_back(sizes):
    index = index_of(sizes)
    tables = encode_tables(index)
    length = int.from_bytes(tables[4:8], "little")
    found = decode_index(tables[8 : 8 + length], "x", 0)

    assert (index.head, index.raw_len, listed(index)) == (found.head, found.raw_len, listed(found))


def test_entries_a_later_version_made_longer_are_read():
    payload = encode_tables(index_of([(10, 5, 1), (20, 6, 2)]))[8 : 8 + 56 + 128]
    longer = bytearray(payload[:12] + struct.pack("<I", 72) + payload[16:56])
    for number in range(2):
        longer += payload[56 + 64 * number : 120 + 64 * number] + b"moreinfo"
    longer += struct.pack("<II", crc32(longer), 0)

    assert [entry.raw_len for entry in decode_index(bytes(longer), "x", 0).entries] == [10, 20]


def with_crc(payload: bytes) -> bytes:
    return payload + struct.pack("<II", crc32(payload), 0)


GOOD = encode_tables(index_of([(10, 5, 1), (20, 6, 2)]))[8 : 8 + 56 + 128]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "no block index"),
        (b"JRNLIDX2" + GOOD[8:] + bytes(8), "no block index"),
        (GOOD + bytes(8), "checksum"),
        (with_crc(GOOD[:8] + struct.pack("<I", 3) + GOOD[12:]), "cannot hold 3 entries"),
        (with_crc(GOOD[:12] + struct.pack("<I", 32) + GOOD[16:]), "cannot hold"),
        (with_crc(GOOD[:48] + struct.pack("<Q", 31) + GOOD[56:]), "add up to 30"),
        (with_crc(GOOD[:120] + struct.pack("<Q", 11) + GOOD[128:]), "entry 1"),
        (with_crc(GOOD[:128] + struct.pack("<Q", 4) + GOOD[136:]), "entry 1"),
        (with_crc(GOOD[:104] + struct.pack("<I", 1 << 27) + GOOD[108:]), "entry 0"),
        (with_crc(GOOD[:108] + struct.pack("<I", 0) + GOOD[112:]), "entry 0"),
    ],
)
def test_an_index_that_cannot_be_right_is_refused(payload, reason):
    with pytest.raises(Damaged, match=reason):
        decode_index(payload, "x", 0)


def test_an_index_made_anew_equals_the_one_written():
    disk = three_segments(sealed=3)
    for number in (1, 2, 3):
        file = disk.open_read(zst_path(ROOT, number))
        written, anew = read_index(file, "x"), rebuild_index(file, "x")

        assert (written.head, written.raw_len, listed(written)) == (anew.head, anew.raw_len, listed(anew))


def opened(data: bytes):
    disk = SimulatedDisk()
    disk.put(PATH, data)
    return disk.open_read(PATH)


SEALED = three_segments(sealed=1).get(zst_path(ROOT, 1))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "too few"),
        (SEALED[:-1] + b"?", "no seek table"),
        (SEALED[:-5] + b"\1" + SEALED[-4:], "no seek table"),
        (SEALED[:-9] + struct.pack("<I", 0) + SEALED[-5:], "no seek table"),
        (SEALED[:-9] + struct.pack("<I", 1 << 25) + SEALED[-5:], "no seek table"),
        (SEALED[:-9] + struct.pack("<I", 2) + SEALED[-5:], "not framed"),
        (SEALED[:-17] + struct.pack("<I", 1 << 31) + SEALED[-13:], "no index frame"),
        (SEALED[:-13] + struct.pack("<I", 1) + SEALED[-9:], "no index frame"),
        (SEALED[:-17] + struct.pack("<I", 100) + SEALED[-13:], "not framed"),
        (SEALED[:-18] + b"\x07" + SEALED[-17:], "disagree"),
        (SEALED[3:], "disagree"),
    ],
)
def test_a_seek_table_that_cannot_be_right_is_refused(data, reason):
    with pytest.raises(Damaged, match=reason):
        read_index(opened(data), PATH)


def test_a_file_of_foreign_frames_has_no_index():
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    for data, reason in (
        (compressor.compress(b"short"), "ends in no BLOCK_END"),
        (SEALED[:-200][:50], "cut off or broken"),
        (b"\x50\x2a\x4d\x18\x04\0\0\0abcd", "holds no block"),
        (b"", "holds no block"),
    ):
        with pytest.raises(Damaged, match=reason):
            rebuild_index(opened(data), PATH)


@given(st.integers(0, 5000), st.sampled_from([b"\0", b"ab", bytes(range(256))]), st.integers(1, 5))
def test_the_length_of_any_frame_is_found(size, pattern, level):
    """Raw, run-length and compressed zstd blocks, with every width of the content size field."""
    raw = (pattern * (size * 40 // len(pattern) + 1))[: size * 40]
    frames = [Compressor(level).frame(raw), Compressor(level).frame(raw[:77])]
    from journal.index import data_frames

    found = list(data_frames(opened(b"".join(frames)), PATH))
    assert [(0, frames[0]), (len(frames[0]), frames[1])] == found


def test_a_windowed_frame_is_measured_too():
    raw = bytes(300_000)
    parameters = zstandard.ZstdCompressionParameters.from_level(
        1, window_log=10, source_size=len(raw), write_checksum=True, write_content_size=True
    )
    frame = zstandard.ZstdCompressor(compression_params=parameters).compress(raw)
    from journal.index import data_frames

    assert [(0, frame)] == list(data_frames(opened(frame), PATH))
    assert raw == Decompressor().block(frame, len(raw), PATH, 0)
