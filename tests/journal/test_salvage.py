"""Saving what is readable of a damaged journal."""

from pathlib import Path

import pytest
from journal_maker import ROOT, VENUE, create, group, read, reopen, three_segments
from simulated_disk import SimulatedDisk

from engine.kernel.record import NONE
from journal.background import Inline
from journal.errors import Damaged, NotAJournal, Taken, WriterFailed
from journal.manifest import read_manifest
from journal.recovery import CLEAN, examine
from journal.salvage import salvage
from journal.segment import wal_path, zst_path

TARGET = Path("/saved")
NEW_ID = bytes(16)


def save(disk, source=ROOT, **settings):
    return salvage(disk, source, TARGET, journal_id=NEW_ID, wall_ns=5, background=Inline(), **settings)


@pytest.mark.parametrize("sealed", [0, 3])
def test_what_stands_before_the_damage_is_saved_with_its_numbers_and_sealed_as_salvaged(sealed):
    disk = three_segments(sealed)
    everything = read(disk)
    path = zst_path(ROOT, 2) if sealed else wal_path(ROOT, 2)
    damaged = bytearray(disk.get(path))
    damaged[len(damaged) // 2] ^= 1
    disk.put(path, bytes(damaged))
    saved = save(disk, segment_bytes=1000)

    assert isinstance(saved.damage, Damaged)
    assert (saved.first_seq, len(read(disk, TARGET))) == (1, saved.last_seq)
    assert 5 < saved.last_seq < len(everything)
    assert everything[: saved.last_seq] == read(disk, TARGET)
    assert len(saved.segments) > 1
    assert {"SALVAGED"} == {read_manifest(disk, TARGET, number)["status"] for number in saved.segments}
    assert examine(disk, TARGET).verdict == CLEAN
    assert disk.get(path) == damaged
    writer = reopen(disk, TARGET)
    assert writer.sources == {1: "engine", 2: "venue/2"}


def test_a_sound_journal_is_copied_whole_and_keeps_its_numbers_when_its_start_is_elsewhere():
    disk = three_segments(sealed=3)
    everything = read(disk)
    for path in [path for path in disk.names_now if path.name.startswith("00000001")]:
        del disk.names_now[path]
    saved = save(disk)

    assert saved.damage is None
    assert everything[saved.first_seq - 1 :] == read(disk, TARGET)
    with pytest.raises(Taken):
        save(disk)


def test_a_torn_end_is_what_ended_the_copy():
    disk = three_segments(sealed=0)
    path = wal_path(ROOT, 3)
    disk.put(path, disk.get(path)[:-20])
    saved = save(disk)

    assert isinstance(saved.damage, Damaged)
    assert str(path) in str(saved.damage)
    assert 0 < len(read(disk, TARGET)) == saved.last_seq


def test_where_nothing_is_readable_nothing_is_made():
    disk = SimulatedDisk()
    disk.put(ROOT / "00000001.wal", b"?" * 300)
    with pytest.raises(NotAJournal):
        save(disk)

    assert not disk.exists(TARGET)


def test_a_full_disk_ends_it_and_a_record_no_writer_makes_too():
    disk = three_segments()
    disk.space = sum(len(inode.data) for inode in disk.names_now.values()) + 500
    with pytest.raises(WriterFailed, match="JRN_DISK_FULL"):
        save(disk)

    assert {path.parent for path in disk.names_now} == {ROOT}
    assert not disk.exists(TARGET)
    disk = SimulatedDisk()
    writer = create(disk)
    writer.sources[3] = "never said"
    writer.append_input(VENUE, 1, 3, writer.logical_ns(1_000_000_000), NONE, b"")
    group(writer, 1)
    writer.close()
    from journal.errors import RecordRefused

    with pytest.raises(RecordRefused, match="source 3"):
        save(disk)
