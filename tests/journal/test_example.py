"""The worked example of docs/reference/journal_format.md, byte for byte."""

from hashlib import blake2b
from pathlib import Path

import zstandard
from simulated_disk import SimulatedDisk

from engine.kernel.record import CONTROL, DERIVED, LAST, NONE
from journal.background import Inline
from journal.codec import encode
from journal.payloads import BlockEnd, decode_block_end, encode_commit
from journal.reader import open_journal
from journal.seal import seal
from journal.segment import Header, decode_header, new_chain

EXAMPLE = bytes.fromhex(
    """
    4a 52 4e 4c 53 45 47 31 01 00 00 00 80 00 00 00
    00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f
    01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00
    00 00 e1 25 db 90 79 18 00 ca 9a 3b 00 00 00 00
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
    00 00 04 00 00 00 00 01 01 00 00 00 00 00 00 00
    00 00 00 00 00 00 00 00 00 00 00 00 b4 75 40 79
    2c 77 ac 57 0e 00 00 00 01 00 00 00 00 00 00 00
    60 e3 f7 25 db 90 79 18 40 42 f0 25 db 90 79 18
    00 00 00 00 00 00 00 00 01 80 01 00 02 00 00 00
    7b 22 6d 69 64 22 3a 22 30 2e 35 32 22 7d 00 00
    9c 1d d2 d8 0c 00 00 00 02 00 00 00 00 00 00 00
    60 e3 f7 25 db 90 79 18 00 00 00 00 00 00 00 80
    01 00 00 00 00 00 00 00 02 80 01 00 01 00 02 00
    42 55 59 20 30 2e 35 31 20 31 30 30 00 00 00 00
    b6 e5 85 e1 10 00 00 00 02 00 00 00 00 00 00 00
    60 e3 f7 25 db 90 79 18 00 00 00 00 00 00 00 80
    00 00 00 00 00 00 00 00 02 00 01 00 00 00 01 00
    02 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00
    e6 9a 89 4c 50 00 00 00 02 00 00 00 00 00 00 00
    60 e3 f7 25 db 90 79 18 00 00 00 00 00 00 00 80
    00 00 00 00 00 00 00 00 01 00 01 00 00 00 05 00
    00 00 00 00 02 00 00 00 01 00 00 00 00 00 00 00
    02 00 00 00 00 00 00 00 40 01 00 00 00 00 00 00
    8d bf f4 f3 7e 03 93 16 f3 25 b9 46 6a 39 87 cf
    dc b6 63 9a cf 86 6d ff fa 45 91 3a 29 57 0e 47
    60 e3 f7 25 db 90 79 18 60 e3 f7 25 db 90 79 18
    """
)
WALL = 1_763_600_000_000_000_000
RECV = WALL + 1_500_000
FOLDER = Path("/example")


def test_encoding_the_example_gives_its_bytes():
    header = Header(bytes(range(16)), 1, 1, WALL, 1_000_000_000)
    stream = header.encode()
    stream += encode(1, RECV, WALL + 1_000_000, 0, 0x8001, 1, 2, 0, b'{"mid":"0.52"}')
    stream += encode(2, RECV, NONE, 1, 0x8002, 1, 1, DERIVED, b"BUY 0.51 100")
    stream += encode(2, RECV, NONE, 0, 2, 1, 0, CONTROL, encode_commit(2, 256))
    chain = new_chain(bytes(32))
    chain.update(stream)
    end = BlockEnd(0, 2, 1, 2, len(stream), chain.digest(), RECV, RECV)
    stream += encode(2, RECV, NONE, 0, 1, 1, 0, CONTROL | LAST, end.encode())

    assert stream.hex(" ", 16) == EXAMPLE.hex(" ", 16)
    assert (
        blake2b(stream, digest_size=32).hexdigest()
        == "267aedf63250dcfefcf50712be8a17fd1966da0621f376dd03ab426adf22fe84"
    )


def test_the_example_reads_back_as_described():
    disk = SimulatedDisk()
    disk.put(FOLDER / "00000001.wal", EXAMPLE)
    header = decode_header(EXAMPLE, "example")
    end = decode_block_end(EXAMPLE[-80:])
    with open_journal(FOLDER, disk, Inline()) as journal:
        records = list(journal.records())
        chain = journal.head

    assert (
        header.segment_no,
        header.first_seq,
        header.anchor_wall_ns,
        header.anchor_mono_ns,
        header.block_target,
        header.max_payload,
        header.run_epoch,
    ) == (1, 1, WALL, 1_000_000_000, 262144, 16777216, 1)
    assert [(r.seq, r.offset, r.payload) for r in records] == [(1, 128, b'{"mid":"0.52"}'), (2, 192, b"BUY 0.51 100")]
    assert chain == end.chain == EXAMPLE[0x190:0x1B0]


def test_sealing_the_example_ends_in_the_seek_table_shown():
    disk = SimulatedDisk()
    disk.put(FOLDER / "00000001.wal", EXAMPLE)
    manifest = seal(disk, FOLDER, 1, sealed_ns=WALL)
    sealed = disk.get(FOLDER / "00000001.zst")
    compressed = len(sealed) - 0x88 - 8 - 25

    assert manifest["raw_blake2b"] == "267aedf63250dcfefcf50712be8a17fd1966da0621f376dd03ab426adf22fe84"
    assert zstandard.ZstdDecompressor().decompress(sealed[:compressed]) == EXAMPLE
    table = (
        "5e2a4d18 19000000" + compressed.to_bytes(4, "little").hex() + "c0010000 88000000 00000000 02000000 00 b1ea928f"
    )
    assert bytes.fromhex(table) == sealed[-33:]
