"""Files made to harm: one sentence each, and bounded memory."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from journal_maker import ROOT, three_segments
from simulated_disk import SimulatedDisk

from journal.background import Inline
from journal.disk import RealDisk
from journal.errors import JournalError, NotAJournal, Unreadable
from journal.frames import Decompressor, stated_size
from journal.index import Index, encode_tables
from journal.reader import open_journal
from journal.segment import Entry, Header, zst_path

PATH = Path("/x/journal.zst")


def frame(raw: bytes, **options: object) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(
        1, source_size=len(raw), **{"write_checksum": True, "write_content_size": True, **options}
    )
    return zstandard.ZstdCompressor(compression_params=parameters).compress(raw)


SIZED = frame(bytes(1000))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no zstd frame"),
        (b"JRNLSEG1" * 4, "no zstd frame"),
        (frame(bytes(1000), write_content_size=False), "does not state its content size"),
        (frame(bytes(65 << 20), window_log=20), "above the limit"),
        (frame(bytes(17 << 20), window_log=24), "needs a window of 16777216"),
        (frame(bytes(1000), write_checksum=False), "carries no checksum"),
        (b"\x28\xb5\x2f\xfd\x25\x07\x05" + bytes(20), "dictionary 7"),
        (b"\x28\xb5\x2f\xfd\xe4" + b"\xf0" * 8 + bytes(20), "above the limit"),
    ],
)
def test_a_frame_outside_the_limits_is_refused_by_its_header(data, reason):
    with pytest.raises(JournalError, match=reason):
        stated_size(data[:18], PATH, 0)


@pytest.mark.parametrize(
    ("data", "raw_len", "reason"),
    [
        (SIZED, 999, "states 1000 bytes, expected 999"),
        (SIZED[:-3], 1000, "does not decompress"),
        (SIZED[:-1] + b"?", 1000, "does not decompress"),
        (SIZED + b"more", 1000, "does not decompress"),
        (SIZED[:5] + struct.pack("<H", 1001 - 256) + SIZED[7:], 1001, "does not decompress"),
    ],
)
def test_a_frame_that_holds_other_than_it_states_is_refused(data, raw_len, reason):
    with pytest.raises(JournalError, match=reason):
        Decompressor().block(data, raw_len, PATH, 0)


def forged(entries: list[Entry], body: bytes, head: bytes = bytes(32)) -> SimulatedDisk:
    disk = SimulatedDisk()
    disk.put(PATH, body + encode_tables(Index(head, sum(e.raw_len for e in entries), entries)))
    return disk


def test_a_forged_index_leads_nowhere():
    bomb = frame(bytes(64 << 20), window_log=20)
    assert len(bomb) < 10_000
    entry = Entry(0, 0, 1, 1, 0, 0, 64 << 20, len(bomb), 1)
    with pytest.raises(JournalError, match="ends in no BLOCK_END"):
        open_journal(PATH, forged([entry], bomb), Inline())
    with pytest.raises(JournalError, match="no block"):
        open_journal(PATH, forged([], b""), Inline())
    lying = Entry(0, 0, 1, 1, 0, 0, 1000, 1 << 30, 1)
    with pytest.raises(JournalError):
        open_journal(PATH, forged([lying], SIZED), Inline())


def test_an_index_whose_head_or_blocks_are_not_the_streams_is_refused():
    disk = three_segments(sealed=1)
    sealed = disk.get(zst_path(ROOT, 1))
    from journal.index import read_index

    index = read_index(disk.open_read(zst_path(ROOT, 1)), PATH)
    body = sealed[: index.entries[-1].file_off + index.entries[-1].comp_len]
    with pytest.raises(JournalError, match="does not end where a segment ends"):
        open_journal(PATH, forged(index.entries, body), Inline())
    first, last = index.entries[0], index.entries[-1]
    cut = Entry(0, 0, last.first_seq, last.last_seq, 0, last.last_recv_ns, last.raw_len, last.comp_len, 1)
    with pytest.raises(JournalError, match="does not end where a segment ends"):
        open_journal(PATH, forged([cut], body[last.file_off :], index.head), Inline())
    first.last_seq += 1
    with (
        open_journal(PATH, forged(index.entries, body, index.head), Inline()) as journal,
        pytest.raises(JournalError, match="disagree"),
    ):
        list(journal.records())


def test_a_wal_of_absurd_lengths_reads_as_empty():
    disk = SimulatedDisk()
    header = Header(bytes(16), 1, 1, 0, 0, max_payload=1000).encode()
    for length in (1001, 2**32 - 1, 1000):
        disk.put(Path("/x/a.wal"), header + struct.pack("<II", 0, length) + bytes(200))
        with open_journal(Path("/x/a.wal"), disk, Inline()) as journal:
            assert list(journal.records()) == []


def test_links_pipes_and_folders_are_not_followed(tmp_path):
    (tmp_path / "link.zst").symlink_to("/etc/passwd")
    (tmp_path / "dangling.wal").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.wal")
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "00000001.wal").symlink_to("/etc/passwd")
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "00000001.zst").mkdir()
    for name in ("link.zst", "dangling.wal", "pipe.wal", "j", "k"):
        with pytest.raises(Unreadable, match="cannot be read"):
            open_journal(tmp_path / name, RealDisk(), Inline())
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises((Unreadable, NotAJournal)):
        open_journal(tmp_path / "loop", RealDisk(), Inline())


BOUNDED = """
import resource, sys
from pathlib import Path
from journal.errors import JournalError
from journal.reader import open_journal
if sys.platform == "linux":  # elsewhere no such limit is kept
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
try:
    with open_journal(Path(sys.argv[1])) as journal:
        for record in journal.records():
            pass
except JournalError as error:
    print(error)
    sys.exit(3)
"""


@pytest.mark.parametrize("kind", ["bomb", "many", "unsized"])
def test_a_bomb_costs_one_sentence_and_little_memory(tmp_path, kind):
    path = tmp_path / "bomb.zst"
    if kind == "bomb":  # 64 MiB a frame, a thousand frames
        bomb = frame(bytes(64 << 20), window_log=20)
        path.write_bytes(bomb * 1000)
    elif kind == "many":  # an index of millions of entries, none of them there
        path.write_bytes(SIZED + struct.pack("<IBI", 1 << 24, 0, 0x8F92EAB1))
    else:  # no content size, window of 128 MiB, expands for ever
        path.write_bytes(b"\x28\xb5\x2f\xfd\x04\x88" + b"\x02\x00\x10a" * 100_000)
    root = Path(__file__).resolve().parent.parent.parent
    ended = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(path), str(512 << 20)],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "REFOLD_PURE": "1", "REFOLD_REQUIRE": "", "PYTHONPATH": str(root)},
        check=False,
    )

    assert ended.returncode == 3, ended.stderr
    assert len(ended.stdout.splitlines()) == 1
    assert ended.stderr == ""
