"""The file header and the names of files."""

import struct
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_disk import SimulatedDisk

from journal.errors import NotAJournal
from journal.segment import Files, Header, decode_header, header_stands

U63 = st.integers(1, 2**63 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)
HEADERS = st.builds(
    Header,
    st.binary(min_size=16, max_size=16),
    U63,
    U63,
    I64,
    I64,
    st.binary(min_size=32, max_size=32),
    st.integers(0, 2**32 - 1),
    st.integers(1, 16 << 20),
    st.integers(0, 2**64 - 1),
)


@given(HEADERS)
def test_a_header_reads_back(header):
    found = decode_header(header.encode() + b"more", "x")

    assert len(header.encode()) == 128
    assert [getattr(header, name) for name in Header.__slots__] == [getattr(found, name) for name in Header.__slots__]


@given(HEADERS, st.integers(0, 128 * 8 - 1))
def test_a_flipped_bit_in_a_header_is_noticed(header, bit):
    data = bytearray(header.encode())
    data[bit // 8] ^= 1 << bit % 8

    assert not header_stands(bytes(data))
    with pytest.raises(NotAJournal):
        decode_header(bytes(data), "x")


def changed(offset: int, value: bytes) -> bytes:
    """A header with other bytes and a checksum that fits them."""
    data = bytearray(Header(bytes(16), 1, 1, 0, 0).encode())
    data[offset : offset + len(value)] = value
    data[124:] = struct.pack("<I", crc32(data[:124]))
    return bytes(data)


def test_another_minor_version_is_read():
    assert decode_header(changed(10, b"\x07\x00"), "x").segment_no == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 bytes, fewer"),
        (b"NOTJRNL!" + bytes(120), "it starts with b'NOTJRNL!'"),
        (changed(8, b"\x02\x00"), "format version 2, this program reads version 1"),
        (changed(12, struct.pack("<I", 256)), "header size 256"),
        (changed(32, bytes(8)), "segment 0"),
        (changed(40, bytes(8)), "sequence 0"),
        (changed(40, b"\xff" * 8), "out of range"),
        (changed(100, bytes(4)), "payload limit 0"),
        (changed(100, b"\xff" * 4), "payload limit 4294967295"),
    ],
)
def test_what_this_version_cannot_read_is_refused_in_one_sentence(data, reason):
    with pytest.raises(NotAJournal, match=reason):
        decode_header(data, "x.wal")


def test_files_of_a_folder_are_told_apart_and_strangers_left_alone():
    disk = SimulatedDisk()
    folder = Path("/j")
    for name in (
        "00000001.zst",
        "00000001.manifest.json",
        "00000002.wal",
        "00000002.zst",
        "00000003.wal",
        "00000003.zst.tmp",
        "00000003.torn-64",
        "00000003.torn-64.tmp",
        "00000004.zst",
        "00000005.manifest.json",
        "journal.lock",
        "ballast",
        "notes.txt",
        "1.wal",
        "000000001.wal",
    ):
        disk.put(folder / name, b"")
    files = Files(disk, folder)

    assert files.segments == [1, 2, 3, 4, 5]
    assert [files.is_sealed(number) for number in files.segments] == [True, False, False, True, False]
    assert [files.stands(number) for number in files.segments] == [True, True, True, True, False]
    assert [folder / "00000003.torn-64.tmp", folder / "00000003.zst.tmp"] == sorted(files.temporary)
    assert [(3, folder / "00000003.torn-64")] == files.torn
