"""Sealing, its manifest, and what other tools make of a sealed file."""

import json
import subprocess
from hashlib import blake2b
from pathlib import Path
from shutil import which

import pytest
from journal_maker import ROOT, WALL, create, group, read, reopen, three_segments
from simulated_disk import SimulatedDisk

from journal import sealer
from journal.disk import RealDisk
from journal.errors import Damaged, Locked, SealFailed
from journal.frames import Compressor, stated_size
from journal.manifest import FIELDS, read_manifest
from journal.recovery import CLEAN, recover
from journal.seal import seal, settle_leftovers
from journal.segment import manifest_path, wal_path, zst_path


def on_disk(folder: Path, blocks: int = 12) -> bytes:
    """One complete, real segment; returns its raw bytes."""
    writer = create(RealDisk(), folder, block_target=3000)
    for number in range(blocks * 10):
        group(writer, number, size=200)
    writer.close()
    return wal_path(folder, 1).read_bytes()


def test_the_manifest_repeats_the_facts_of_the_stream():
    disk = SimulatedDisk()
    writer = create(disk)
    for number in range(5):
        group(writer, number, outputs=2)
    writer.close()
    raw = disk.get(wal_path(ROOT, 1))
    manifest = seal(disk, ROOT, 1, sealed_ns=77)

    assert manifest == read_manifest(disk, ROOT, 1)
    assert tuple(sorted(manifest)) == FIELDS
    assert disk.get(manifest_path(ROOT, 1)) == (json.dumps(manifest, sort_keys=True, indent=2) + "\n").encode()
    names = ("segment_no", "first_seq", "last_seq", "records", "run_epoch")
    assert tuple(manifest[name] for name in names) == (1, 1, 15, 15, 1)
    assert manifest["records_by_kind"] == {"256": 5, "8192": 10}
    assert manifest["records_by_source"] == {"1": 10, "2": 5}
    assert blake2b(raw, digest_size=32).hexdigest() == manifest["raw_blake2b"]
    assert blake2b(disk.get(zst_path(ROOT, 1)), digest_size=32).hexdigest() == manifest["zst_blake2b"]
    assert (len(raw), 77, 0) == (manifest["raw_bytes"], manifest["sealed_ns"], manifest["torn_bytes"])
    assert (manifest["stop_reason"], manifest["status"]) == ("shutdown", "SEALED_OK")
    assert manifest == seal(disk, ROOT, 1, sealed_ns=99)


def test_why_a_segment_ended_is_told_from_what_follows_it():
    disk = three_segments()
    assert seal(disk, ROOT, 1, sealed_ns=0)["stop_reason"] == "time"
    assert seal(disk, ROOT, 2, sealed_ns=0, stop_reason="size")["stop_reason"] == "size"
    reopen(disk).close()
    assert seal(disk, ROOT, 3, sealed_ns=0)["stop_reason"] == "shutdown"
    assert seal(disk, ROOT, 4, sealed_ns=0)["records"] == 0


def test_a_segment_that_a_recovery_cut_says_so():
    disk = SimulatedDisk()
    writer = create(disk)
    group(writer, 1)
    writer.flush()
    disk = disk.copy()
    disk.put(wal_path(ROOT, 1), disk.get(wal_path(ROOT, 1)) + b"torn tail")
    reopen(disk).close()
    manifest = seal(disk, ROOT, 1, sealed_ns=0)

    assert (manifest["torn_bytes"], manifest["status"]) == (9, "SEALED_AFTER_RECOVERY")
    status = "SEALED_AFTER_DISK_FULL"
    assert status == seal(disk, ROOT, 2, sealed_ns=0, stop_reason="recovery", status=status)["status"]


def test_only_a_complete_and_sound_segment_is_sealed():
    disk = SimulatedDisk()
    writer = create(disk)
    group(writer, 1)
    writer.flush()
    with pytest.raises(SealFailed, match="the final block is missing"):
        seal(disk, ROOT, 1, sealed_ns=0)
    writer.close()
    raw = disk.get(wal_path(ROOT, 1))
    disk.put(wal_path(ROOT, 1), raw[:200] + b"?" + raw[201:])
    with pytest.raises(SealFailed, match="at byte 128: checksum"):
        seal(disk, ROOT, 1, sealed_ns=0)
    disk.put(wal_path(ROOT, 1), b"nothing")
    with pytest.raises(SealFailed, match="not a readable journal"):
        seal(disk, ROOT, 1, sealed_ns=0)
    disk.put(wal_path(ROOT, 1), raw)
    guard = disk.open_append(wal_path(ROOT, 1))
    assert guard.lock()
    with pytest.raises(Locked):
        seal(disk, ROOT, 1, sealed_ns=0)
    guard.close()
    assert raw == disk.get(wal_path(ROOT, 1))


def test_a_copy_that_reads_back_differently_is_not_accepted(monkeypatch):
    disk = three_segments()
    before = read(disk)
    original = Compressor.frame
    for wrong in (
        lambda self, raw: original(self, bytes(len(raw))),
        lambda self, raw: original(self, raw)[:-1] + b"?",
    ):
        monkeypatch.setattr(Compressor, "frame", wrong)
        with pytest.raises(SealFailed):
            seal(disk, ROOT, 1, sealed_ns=0)
        assert before == read(disk)
    monkeypatch.undo()
    seal(disk, ROOT, 1, sealed_ns=0)
    assert before == read(disk)


def both(disk: SimulatedDisk) -> bytes:
    """Sealed, but the WAL still there: a crash right before it was removed. Returns the WAL."""
    raw = disk.get(wal_path(ROOT, 1))
    seal(disk, ROOT, 1, sealed_ns=0)
    disk.put(wal_path(ROOT, 1), raw)
    return raw


def test_a_wal_beside_its_manifest_goes_once_the_digests_fit():
    disk = three_segments()
    both(disk)
    settle_leftovers(disk, ROOT)

    assert not disk.exists(wal_path(ROOT, 1))
    assert disk.exists(zst_path(ROOT, 1))


@pytest.mark.parametrize("path", [zst_path(ROOT, 1), manifest_path(ROOT, 1), wal_path(ROOT, 1)])
@pytest.mark.parametrize("change", [lambda data: data[:-40] + b"x" + data[-39:], lambda data: b"{}", None])
def test_a_wal_beside_a_manifest_that_does_not_fit_is_kept_and_sealed_again(path, change):
    disk = three_segments()
    expected = read(disk)
    both(disk)
    if change is None and path != wal_path(ROOT, 1):
        del disk.names_now[path]
    elif change is not None and path != wal_path(ROOT, 1):
        disk.put(path, change(disk.get(path)))
    elif change is not None:
        disk.put(path, disk.get(path) + b"x")
    settle_leftovers(disk, ROOT)

    if path != wal_path(ROOT, 1):
        if disk.exists(wal_path(ROOT, 1)):
            seal(disk, ROOT, 1, sealed_ns=0)
        assert expected == read(disk)
        assert recover(disk, ROOT).verdict == CLEAN
    else:
        assert disk.exists(wal_path(ROOT, 1)) == (change is not None)


def test_half_written_files_go_unless_somebody_is_writing_them():
    disk = three_segments()
    temporary = ROOT / "00000002.zst.tmp"
    disk.put(temporary, b"half")
    disk.put(ROOT / "00000009.manifest.json.tmp", b"half")
    guard = disk.open_append(wal_path(ROOT, 2))
    guard.lock()
    settle_leftovers(disk, ROOT)
    assert disk.exists(temporary)
    assert not disk.exists(ROOT / "00000009.manifest.json.tmp")
    guard.close()
    settle_leftovers(disk, ROOT)
    assert not disk.exists(temporary)
    disk.put(temporary, b"half")
    disk.put(ROOT / "00000002.manifest.json.tmp", b"half")
    seal(disk, ROOT, 2, sealed_ns=0)
    assert not disk.exists(temporary)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"format":"journal/1.0"}', b"[" * 100_000, b"\xff"])
def test_a_manifest_that_is_none_is_damage(text):
    disk = SimulatedDisk()
    disk.put(manifest_path(ROOT, 1), text)
    with pytest.raises(Damaged, match="manifest"):
        read_manifest(disk, ROOT, 1)


@pytest.mark.skipif(which("zstd") is None, reason="the zstd command line is not installed")
def test_the_zstd_command_line_decompresses_and_lists_a_sealed_file(tmp_path):
    raw = on_disk(tmp_path / "j")
    seal(RealDisk(), tmp_path / "j", 1, sealed_ns=0)
    path = zst_path(tmp_path / "j", 1)
    subprocess.run(["zstd", "-q", "-d", str(path), "-o", str(tmp_path / "raw")], check=True)
    subprocess.run(["zstd", "-q", "-t", str(path)], check=True)
    listed = subprocess.run(["zstd", "-lv", str(path)], check=True, capture_output=True, text=True).stdout

    assert raw == (tmp_path / "raw").read_bytes()
    assert "Skippable Frames: 2" in listed.replace("# ", "")
    assert "XXH64" in listed


def test_an_independent_reader_of_seekable_files_jumps_to_any_block(tmp_path):
    pyzstd = pytest.importorskip("pyzstd", reason="pyzstd is the independent reader of seekable zstd files")
    raw = on_disk(tmp_path / "j")
    seal(RealDisk(), tmp_path / "j", 1, sealed_ns=0)
    path = zst_path(tmp_path / "j", 1)
    assert pyzstd.SeekableZstdFile.is_seekable_format_file(str(path))
    with pyzstd.SeekableZstdFile(str(path), "r") as file:
        for at in range(0, len(raw), 1777):
            file.seek(at)
            assert raw[at : at + 100] == file.read(100)
        assert file.seek(0, 2) == len(raw)


def test_a_big_block_keeps_a_small_window():
    raw = bytes(range(256)) * 4 * 10_000
    frame = Compressor().frame(raw)

    assert len(raw) == stated_size(frame, "x", 0) > 8 << 20


def test_the_sealing_process_seals_nicely_and_says_what_it_cannot(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "j"
    on_disk(folder, blocks=1)
    assert sealer.spawn(folder, 1, "size", "SEALED_AFTER_DISK_FULL").wait() == 0
    manifest = read_manifest(RealDisk(), folder, 1)
    assert (manifest["stop_reason"], manifest["status"]) == ("size", "SEALED_AFTER_DISK_FULL")
    monkeypatch.setattr(sealer.os, "nice", lambda by: by)
    assert sealer.main([str(folder), "1"]) == sealer.SEALED
    assert sealer.main([str(folder), "2"]) == sealer.FAILED
    assert "No such file" in capsys.readouterr().err
    on_disk(tmp_path / "k", blocks=1)
    guard = RealDisk().open_append(wal_path(tmp_path / "k", 1))
    assert guard.lock()
    assert sealer.main([str(tmp_path / "k"), "1"]) == sealer.BUSY
    guard.close()
    assert sealer.spawn(tmp_path / "k", 1).wait() == 0


def test_levels_change_the_bytes_and_not_the_content():
    for level in (1, 3, 19):
        disk = three_segments()
        expected = read(disk)
        assert seal(disk, ROOT, 1, sealed_ns=WALL, level=level)["level"] == level
        assert expected == read(disk)
