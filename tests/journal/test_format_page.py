"""docs/reference/journal_format.md says enough: a reader written from the page alone, and its own example."""

import re
import struct
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

import zstandard
from journal_maker import ROOT, fields, three_segments

from engine.kernel import kinds
from journal.background import Inline
from journal.reader import open_journal
from journal.segment import zst_path

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "reference" / "journal_format.md"


def read_by_the_page(raw: bytes) -> list[tuple]:
    """Section 14 of the page, word for word; no code of ours."""
    assert raw[:8] == b"JRNLSEG1"
    assert crc32(raw[:124]) == struct.unpack_from("<I", raw, 124)[0]
    chain = raw[64:96]
    found = []
    start, off = 0, 128
    while off + 48 <= len(raw):
        crc, size = struct.unpack_from("<II", raw, off)
        following = off + 48 + ((size + 7) & ~7)
        if following > len(raw) or crc32(raw[off + 4 : following]) != crc:
            break
        seq, recv_ns, src_ns, cause, kind, _, source, flags = struct.unpack_from("<QqqQHHHH", raw, off + 8)
        payload = raw[off + 48 : off + 48 + size]
        if not flags & 1:
            found.append((seq, recv_ns, src_ns, cause, kind, source, flags, payload))
        elif kind == 1:
            chain = blake2b(chain + raw[start:off], digest_size=32, person=b"jrnl-block-v1").digest()
            assert chain == payload[32:64]
            start = following
        off = following
    return found


def test_a_reader_written_from_the_page_alone_reads_our_files():
    disk = three_segments(sealed=3)
    found = []
    for number in (1, 2, 3):
        reader = zstandard.ZstdDecompressor().stream_reader(disk.get(zst_path(ROOT, number)), read_across_frames=True)
        found += read_by_the_page(reader.read())
    with open_journal(ROOT, disk, Inline()) as journal:
        assert [fields(record) for record in journal.records()] == found
    assert len(found) > 40


def test_the_example_on_the_page_is_a_segment_of_two_records():
    rows = re.findall(
        r"^    [0-9a-f]{6}  ((?:[0-9a-f]{2} ){15}[0-9a-f]{2})", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    raw = bytes.fromhex("".join(rows))

    assert len(raw) == 448
    assert blake2b(raw, digest_size=32).hexdigest() in PAGE.read_text(encoding="utf-8")
    assert [record[-1] for record in read_by_the_page(raw)] == [b'{"mid":"0.52"}', b"BUY 0.51 100"]
    assert kinds.BLOCK_END == 1
