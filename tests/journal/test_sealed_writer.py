"""A journal that is sealed while it is written: the same files as one written first and sealed then."""

import errno
from pathlib import Path
from typing import Any

import pytest
from journal_maker import ID, ROOT, VENUE, WALL, group, read
from simulated_disk import SimulatedDisk

from journal.background import Inline
from journal.disk import RealDisk
from journal.errors import JournalExists, Locked, RecordRefused, WriterFailed
from journal.lock import WriterLock
from journal.manifest import read_manifest
from journal.seal import seal
from journal.sealed_writer import SealedWriter
from journal.segment import Files
from journal.verify import CLEAN, verify
from journal.writer import Writer

NEVER = 1 << 40


def sealing(disk: Any, directory: Path = ROOT, **settings: Any) -> SealedWriter:
    """A new journal like `create`'s, but for the anchor's monotonic time."""
    return SealedWriter(directory, disk, journal_id=ID, wall_ns=WALL, sources={2: "venue/2"}, **settings)


def sealed_later(groups: int, step: int = 1, **settings: Any) -> SimulatedDisk:
    """What a writer and a sealing make of the same records."""
    disk = SimulatedDisk()
    settings = {"sync_bytes": NEVER, **settings}
    writer = Writer.create(ROOT, disk, Inline(), journal_id=ID, wall_ns=WALL, sources={2: "venue/2"}, **settings)
    for number in range(groups):
        group(writer, number * step, outputs=number % 4)
    writer.close()
    for number in Files(disk, ROOT).wal:
        seal(disk, ROOT, number, sealed_ns=writer.last_recv_ns)
    return disk


def sealed_at_once(groups: int, step: int = 1, **settings: Any) -> SimulatedDisk:
    disk = SimulatedDisk()
    writer = sealing(disk, **settings)
    for number in range(groups):
        group(writer, number * step, outputs=number % 4)  # type: ignore[arg-type]
    writer.close()
    return disk


def files(disk: SimulatedDisk) -> dict[str, bytes]:
    return {name: disk.get(ROOT / name) for name in disk.names(ROOT)}


@pytest.mark.parametrize(
    ("groups", "step", "settings"),
    [
        (0, 1, {}),
        (1, 1, {}),
        (300, 1, {"block_target": 600}),
        (300, 1, {"block_target": 3000, "segment_ns": 100_000}),
        (300, 1, {"block_target": 100_000, "segment_ns": 1000}),
        (40, 5_000_000, {"segment_ns": 20_000_000_000}),
    ],
)
def test_the_files_are_those_of_a_journal_that_was_sealed_behind_its_writer(
    groups: int, step: int, settings: dict[str, Any]
) -> None:
    later, at_once = sealed_later(groups, step, **settings), sealed_at_once(groups, step, **settings)

    assert files(later) == files(at_once)
    assert read(later) == read(at_once)
    assert verify(at_once, ROOT).verdict == CLEAN


def test_a_segment_ends_at_its_size() -> None:
    disk = sealed_at_once(300, segment_bytes=4000, block_target=900)
    numbers = Files(disk, ROOT).segments
    reasons = [read_manifest(disk, ROOT, number)["stop_reason"] for number in numbers]

    assert len(numbers) > 5
    assert reasons == ["size"] * (len(numbers) - 1) + ["shutdown"]
    assert read(sealed_later(300, segment_bytes=4000, block_target=900)) == read(disk)
    assert verify(disk, ROOT).verdict == CLEAN


def test_it_refuses_what_a_writer_refuses() -> None:
    disk = SimulatedDisk()
    writer = sealing(disk)
    with pytest.raises(RecordRefused, match="source 3 was not declared"):
        writer.append_input(VENUE, 1, 3, WALL, 0, b"")
    with pytest.raises(RecordRefused, match="needs an input before it"):
        writer.append_derived(0x2000, 1, b"")
    with WriterLockHeld(disk), pytest.raises(Locked):
        sealing(disk, Path("/other"))
    writer.close()
    writer.abandon()
    with pytest.raises(JournalExists):
        sealing(disk)
    with pytest.raises(JournalExists):
        sealing(disk)  # the refusal freed the lock


class WriterLockHeld:
    """Another process is at work in /other."""

    def __init__(self, disk: SimulatedDisk) -> None:
        disk.make_dir(Path("/other"))
        self.lock = WriterLock(disk, Path("/other"))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *why: object) -> None:
        self.lock.release()


def test_before_it_is_closed_it_is_no_journal() -> None:
    disk = SimulatedDisk()
    writer = sealing(disk, block_target=600, segment_bytes=2000)
    for number in range(100):
        group(writer, number)  # type: ignore[arg-type]
    writer.abandon()

    assert Files(disk, ROOT).manifest == []
    WriterLock(disk, ROOT).release()


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize(("code", "name"), [(errno.ENOSPC, "JRN_DISK_FULL"), (errno.EIO, "JRN_SYNC_FAILED")])
def test_whatever_the_disk_refuses_is_said_and_leaves_the_lock_free(code: int, name: str, short: bool) -> None:
    at = 0
    while True:
        disk = SimulatedDisk()
        disk.fail(at, code, short)
        failure, writer = None, None
        try:
            writer = sealing(disk, block_target=600, segment_bytes=2000)
            for number in range(100):
                group(writer, number)  # type: ignore[arg-type]
            writer.close()
        except WriterFailed as error:
            failure = error
        else:
            break
        disk.fail_at = None
        if writer is not None:
            writer.abandon()
        if disk.is_dir(ROOT):
            WriterLock(disk, ROOT).release()
        assert short or failure.code == name  # some bytes taken, then none: no reason is given for that
        at += 1
    assert at > 30
    assert verify(disk, ROOT).verdict == CLEAN


def test_on_a_real_disk(tmp_path: Path) -> None:
    writer = sealing(RealDisk(), tmp_path / "run", block_target=600)
    for number in range(50):
        group(writer, number)  # type: ignore[arg-type]
    writer.close()

    assert len(read(RealDisk(), tmp_path / "run")) == 100
    assert verify(RealDisk(), tmp_path / "run").verdict == CLEAN
