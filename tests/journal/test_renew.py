"""Indexes and manifests made anew from the blocks: what was broken holds again, and the blocks stay as they are."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from journal_maker import ROOT, WALL, create, group, read, reopen, three_segments
from simulated_disk import Crash, SimulatedDisk, SimulatedFile

from journal.background import Inline
from journal.bundle import bundle
from journal.disk import Disk
from journal.errors import Damaged, Locked
from journal.lock import WriterLock
from journal.manifest import MANIFEST_RENEWED, SALVAGED, Manifest, read_manifest, write_manifest
from journal.reader import open_journal
from journal.recovery import CLEAN
from journal.renew import BAD, Renewed, renew
from journal.seal import seal
from journal.segment import manifest_path, wal_path, with_suffix, zst_path
from journal.summary import summarise
from journal.verify import verify

INDEX, MANIFEST = zst_path(ROOT, 2), manifest_path(ROOT, 2)


def verdict(disk: Disk) -> tuple[str, list[str]]:
    found = verify(disk, ROOT)
    return found.verdict, [one.file for one in found.beside]


def spoil(disk: SimulatedDisk, path: Path, change: Callable[[bytes], bytes]) -> bytes:
    """Change the content of *path*; returns what it was."""
    before = disk.get(path)
    disk.put(path, change(before))
    return before


def with_fields(**fields: object) -> Callable[[bytes], bytes]:
    return lambda data: json.dumps({**json.loads(data), **fields}).encode()


@pytest.mark.parametrize(
    "change",
    [lambda data: data[:-3] + b"?" + data[-2:], lambda data: data + b"more", lambda data: data[:-50]],
    ids=["seek table", "bytes behind", "cut"],
)
def test_an_index_is_made_anew_to_the_byte_and_what_stood_there_is_kept(change: Callable[[bytes], bytes]) -> None:
    disk = three_segments(sealed=3)
    records = read(disk)
    before = spoil(disk, INDEX, change)
    broken = disk.get(INDEX)

    assert renew(disk, ROOT, sealed_ns=9) == [Renewed(2, index=True, manifest=False)]
    assert before == disk.get(INDEX)
    assert broken.endswith(disk.get(with_suffix(INDEX, BAD)))
    assert verdict(disk) == (CLEAN, [])
    assert read(disk) == records
    assert renew(disk, ROOT, sealed_ns=9) == []


@pytest.mark.parametrize(
    "change",
    [lambda data: data[:100], lambda data: b"[]", with_fields(records=7), with_fields(level="high", status="GOOD")],
    ids=["cut", "no manifest", "another fact", "nonsense beside the facts"],
)
def test_a_manifest_is_made_anew_and_says_so(change: Callable[[bytes], bytes]) -> None:
    disk = three_segments(sealed=3)
    whole = read_manifest(disk, ROOT, 2)
    spoil(disk, MANIFEST, change)
    bad = disk.get(MANIFEST)
    made = renew(disk, ROOT, sealed_ns=9)
    if b"GOOD" in bad:
        assert made == []
        return

    assert made == [Renewed(2, index=False, manifest=True)]
    renewed = read_manifest(disk, ROOT, 2)
    known = {"status": MANIFEST_RENEWED, "sealed_ns": 9}
    assert renewed == {**whole, **known, "level": renewed["level"], "stop_reason": "time"}
    assert renewed["level"] == (whole["level"] if b'"records": 7' in bad else 0)
    assert bad == disk.get(with_suffix(MANIFEST, BAD))
    assert verdict(disk) == (CLEAN, [])


def test_a_missing_manifest_is_written() -> None:
    disk = three_segments(sealed=3)
    disk.unlink(manifest_path(ROOT, 3))
    disk.put(INDEX, disk.get(INDEX))

    assert renew(disk, ROOT, sealed_ns=9) == [Renewed(3, index=False, manifest=True)]
    assert read_manifest(disk, ROOT, 3)["stop_reason"] == "shutdown"
    assert not disk.exists(with_suffix(manifest_path(ROOT, 3), BAD))


def test_what_was_saved_once_says_so_for_ever() -> None:
    disk = three_segments(sealed=3)
    manifest: Manifest = read_manifest(disk, ROOT, 2)
    write_manifest(disk, ROOT, {**manifest, "status": SALVAGED, "blocks": 99, "stop_reason": "size"})
    renew(disk, ROOT, sealed_ns=9)

    again = read_manifest(disk, ROOT, 2)
    assert (again["status"], again["stop_reason"], again["blocks"]) == (SALVAGED, "size", manifest["blocks"])


def test_how_a_segment_ended_is_told_by_the_one_behind_it() -> None:
    disk = SimulatedDisk()
    for run in range(2):
        writer = reopen(disk, segment_bytes=500) if run else create(disk, segment_bytes=500)
        for number in range(20):
            group(writer, number)
        writer.close()
    last = writer.segment_no
    for number in range(1, last + 1):
        seal(disk, ROOT, number, sealed_ns=WALL)
        disk.unlink(manifest_path(ROOT, number))
    broken = zst_path(ROOT, last)
    disk.put(broken, b"\x28\xb5\x2f\xfd")
    with pytest.raises(Damaged):
        renew(disk, ROOT, sealed_ns=9)

    reasons = [read_manifest(disk, ROOT, number)["stop_reason"] for number in range(1, last)]
    epochs = [read_manifest(disk, ROOT, number)["run_epoch"] for number in range(1, last)]
    expected = ["time" if one == two else "shutdown" for one, two in pairwise(epochs)]
    assert [*expected, "shutdown"] == reasons  # of the last nobody can say: what follows cannot be read
    assert len(set(epochs)) == 2


def test_damaged_blocks_are_left_alone() -> None:
    disk = three_segments(sealed=3)
    spoil(disk, INDEX, lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:])
    spoil(disk, MANIFEST, lambda data: b"")
    before = {name: disk.get(ROOT / name) for name in disk.names(ROOT)}
    with pytest.raises(Damaged):
        renew(disk, ROOT, sealed_ns=9)

    assert before == {name: disk.get(ROOT / name) for name in disk.names(ROOT)}


def test_a_disk_that_gives_back_other_bytes_than_it_took_replaces_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = three_segments(sealed=3)
    spoil(disk, INDEX, lambda data: data[:-5])
    before = disk.get(INDEX)
    monkeypatch.setattr(SimulatedFile, "drop_cache", lambda file: file._inode.data.__setitem__(20, 0))
    with pytest.raises(Damaged, match="its copy reads back differently"):
        renew(disk, ROOT, sealed_ns=9)

    assert before == disk.get(INDEX)


def test_figures_are_counted_where_a_manifest_cannot_be_read() -> None:
    disk = three_segments(sealed=3)
    whole = summarise(disk, ROOT)
    spoil(disk, MANIFEST, lambda data: b"{")
    found = summarise(disk, ROOT)

    assert (found.by_kind, found.records) == (whole.by_kind, whole.records)
    assert [note.partition(":")[0] for note in found.notes] == ["counted from the records"]
    assert [one.status for one in found.segments] == ["SEALED_OK", None, "SEALED_OK"]


def test_another_segment_or_several_under_a_segments_name_are_left_alone() -> None:
    disk = three_segments(sealed=3)
    everything = ROOT / "all.zst"
    with open_journal(ROOT, disk, Inline()) as journal:
        bundle(disk, journal.segments, everything)
    for content in (disk.get(everything), disk.get(zst_path(ROOT, 1)) + disk.get(INDEX), disk.get(zst_path(ROOT, 3))):
        spoilt = disk.copy()
        spoilt.put(INDEX, content)
        with pytest.raises(Damaged, match=r"it holds 3 segments|the name says 2"):
            renew(spoilt, ROOT, sealed_ns=9)


def test_a_segment_whose_wal_stands_is_left_to_be_sealed() -> None:
    disk = three_segments(sealed=0)
    wal = disk.get(wal_path(ROOT, 2))
    seal(disk, ROOT, 2, sealed_ns=WALL)
    disk.put(wal_path(ROOT, 2), wal)
    disk.put(MANIFEST, b"{}")

    assert renew(disk, ROOT, sealed_ns=9) == []
    assert seal(disk, ROOT, 2, sealed_ns=WALL)["status"] == "SEALED_OK"


def test_a_writer_at_work_is_not_disturbed() -> None:
    disk = three_segments(sealed=3)
    lock = WriterLock(disk, ROOT)
    with pytest.raises(Locked):
        renew(disk, ROOT, sealed_ns=9)
    lock.release()


@pytest.mark.parametrize("seed", range(3))
def test_a_crash_anywhere_leaves_every_record_and_is_made_good_by_the_next_try(seed: int) -> None:
    records = read(three_segments(sealed=3))
    chance = Random(seed)
    for step in range(100):
        disk = three_segments(sealed=3)
        disk.put(INDEX, disk.get(INDEX)[:-5])
        disk.put(MANIFEST, b"{")
        disk.put(with_suffix(INDEX, ".tmp"), b"half")
        disk.put(with_suffix(INDEX, BAD), b"older")
        ended = crashed(disk, step)
        after = disk.crash(chance.randrange)

        assert read(after) == records
        renew(after, ROOT, sealed_ns=9)
        assert verdict(after) == (CLEAN, [])
        if ended:
            assert step > 10
            return
    pytest.fail("it never ends")


def crashed(disk: SimulatedDisk, step: int) -> bool:
    """Renew, and stop at the changing call *step*; whether it ended before."""

    def stop(operation: str, path: Path) -> None:
        if disk.calls == step:
            raise Crash

    disk.calls, disk.hook = 0, stop
    try:
        renew(disk, ROOT, sealed_ns=9)
    except Crash:
        return False
    return True
