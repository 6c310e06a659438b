"""The real file system."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from journal_maker import create, group, read, reopen

from journal import disk as disk_module
from journal.background import Inline
from journal.disk import RealDisk, read_all, write_all
from journal.errors import Locked, WriterFailed
from journal.recovery import CLEAN, TORN, examine
from journal.seal import seal
from journal.segment import wal_path
from journal.writer import Writer

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def test_a_journal_lives_on_a_real_disk(tmp_path):
    folder = tmp_path / "a" / "journal"
    disk = RealDisk()
    writer = create(disk, folder, segment_bytes=3000, ballast_bytes=10_000)
    assert writer.space.restore_ballast()
    assert (folder / "ballast").stat().st_blocks * 512 >= 10_000
    for number in range(40):
        group(writer, number)
        writer.poll(number * 10_000_000)
    writer.close()
    before = read(disk, folder)
    for number in range(1, writer.segment_no):
        seal(disk, folder, number, sealed_ns=1)
    writer = reopen(disk, folder)
    assert (writer.run_epoch, writer.recovered.verdict) == (2, CLEAN)
    writer.close()

    assert before == read(disk, folder)
    assert (folder / "journal.lock").read_text() == "2\n"
    assert oct(wal_path(folder, writer.segment_no).stat().st_mode & 0o777) == "0o600"


def test_a_second_writer_is_locked_out_and_a_dead_one_is_not_in_the_way(tmp_path):
    code = (
        "import sys, os; from pathlib import Path; from journal.disk import RealDisk; from journal.background import *;"
        "from journal.writer import Writer;"
        "w = Writer.create(Path(sys.argv[1]), RealDisk(), Inline(), journal_id=bytes(16), wall_ns=0, sources={2: 'x'});"
        "w.append_input(0x100, 1, 2, 5, 5, b'in'); w.flush(); print('ready', flush=True); sys.stdin.read(); os._exit(1)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "j")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "REFOLD_PURE": "1", "REFOLD_REQUIRE": "", "PYTHONPATH": str(REPOSITORY)},
    )
    with process:
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(Locked, match="one writer at a time"):
            reopen(RealDisk(), tmp_path / "j")
        process.stdin.close()
    writer = reopen(RealDisk(), tmp_path / "j")
    writer.close()

    assert writer.last_seq == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_full_device_ends_the_writer_with_its_code(tmp_path):
    writer = create(RealDisk(), tmp_path / "j")
    group(writer, 1)
    fd = os.open("/dev/full", os.O_WRONLY)
    os.dup2(fd, writer._segment.file._fd)
    os.close(fd)
    with pytest.raises(WriterFailed, match="JRN_DISK_FULL"):
        writer.flush()
    writer.close()
    writer = reopen(RealDisk(), tmp_path / "j")

    assert writer.recovered.verdict == CLEAN
    writer.close()


LIMITED = """
import resource, sys
from pathlib import Path
from journal.background import Inline
from journal.disk import RealDisk
from journal.errors import WriterFailed
from journal.writer import Writer
writer = Writer.create(Path(sys.argv[1]), RealDisk(), Inline(), journal_id=bytes(16), wall_ns=0, sources={2: "x"})
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
durable = 0
try:
    for number in range(1000):
        writer.append_input(0x100, 1, 2, number, number, bytes(333))
        durable = writer.sync()
except WriterFailed as failure:
    print(durable, failure.code)
    writer.close()
"""


def test_a_file_size_limit_leaves_the_durable_prefix(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "j")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "REFOLD_PURE": "1", "REFOLD_REQUIRE": "", "PYTHONPATH": str(REPOSITORY)},
    )
    durable, code = ended.stdout.split()
    found = examine(RealDisk(), tmp_path / "j")

    assert code == "JRN_SYNC_FAILED"
    assert (found.verdict, found.last_seq >= int(durable) > 10) == (TORN, True)
    writer = reopen(RealDisk(), tmp_path / "j")
    writer.close()
    assert (tmp_path / "j" / f"00000001.torn-{found.offset}").stat().st_size == found.torn_bytes or found.offset


def test_files_are_opened_as_what_they_are(tmp_path):
    disk = RealDisk()
    with pytest.raises(OSError, match="not a regular file"):
        disk.open_read(tmp_path)
    (tmp_path / "file").write_bytes(b"x" * 10)
    assert read_all(disk, tmp_path / "file", 10) == b"x" * 10
    with pytest.raises(OSError, match="longer than 9"):
        read_all(disk, tmp_path / "file", 9)
    with pytest.raises(FileExistsError):
        disk.create(tmp_path / "file")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for opener in (disk.open_read, disk.open_append, disk.open_lock):
        with pytest.raises(OSError) as caught:
            opener(tmp_path / "link")
        assert caught.value.errno == errno.ELOOP
    file = disk.open_append(tmp_path / "file")
    file.drop_cache()
    file.truncate(3)
    write_all(file, b"yz")
    assert file.read(0, 99) == b"xxxyz"
    file.close()
    file.close()


def test_an_abandoned_file_is_closed(tmp_path, monkeypatch):
    file = RealDisk().create(tmp_path / "file")
    fd, close, closed = file._fd, os.close, []
    monkeypatch.setattr(disk_module.os, "close", lambda number: closed.append(number) or close(number))
    del file

    assert fd in closed


def test_short_writes_are_finished_and_endless_ones_given_up(tmp_path):
    class Slow:
        data = b""
        most = 3

        def write(self, data: bytes) -> int:
            self.data += data[: self.most]
            return len(data[: self.most])

    slow = Slow()
    write_all(slow, b"0123456789")
    assert slow.data == b"0123456789"
    slow.most = 0
    with pytest.raises(OSError, match="takes no bytes"):
        write_all(slow, b"x")


def test_a_short_read_is_finished(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(bytes(range(200)))
    original = os.pread
    monkeypatch.setattr(disk_module.os, "pread", lambda fd, size, at: original(fd, min(size, 60), at))
    file = RealDisk().open_read(tmp_path / "file")

    assert file.read(10, 150) == bytes(range(10, 160))
    assert file.read(150, 150) == bytes(range(150, 200))
    file.close()


def test_a_journal_whose_folder_cannot_be_made_fails_in_the_journals_words(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WriterFailed, match="JRN_SYNC_FAILED"):
        Writer.create(tmp_path / "file" / "j", RealDisk(), Inline(), journal_id=bytes(16), wall_ns=0)
