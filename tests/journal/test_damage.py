"""Damage to a journal at rest: cut off, flipped, swapped, doubled. Never is a wrong record accepted."""

import random

import pytest
from journal_maker import ROOT, create, group, read, three_segments
from simulated_disk import SimulatedDisk

from journal.codec import Cursor
from journal.errors import JournalError
from journal.recovery import CLEAN, CORRUPT, TORN, examine, recover
from journal.segment import HEADER_SIZE, wal_path, zst_path

WAL = wal_path(ROOT, 1)


def live(synced: int = 6, unsynced: int = 3) -> tuple[SimulatedDisk, int]:
    """One live segment: groups covered by a COMMIT, the COMMIT, groups behind it; and the durable_off it states."""
    disk = SimulatedDisk()
    writer = create(disk, block_target=700)
    for number in range(synced):
        group(writer, number)
    writer.sync()
    for number in range(synced, synced + unsynced):
        group(writer, number)
    writer.flush()
    return disk.copy(), writer._mark.durable_off


def record_bounds(raw: bytes) -> list[tuple[int, int]]:
    """(start, end) of each record."""
    cursor = Cursor(raw, HEADER_SIZE, len(raw))
    bounds = []
    while cursor.next():
        bounds.append((cursor.offset, cursor.next_offset))
    return bounds


def test_cut_at_any_length_a_live_segment_keeps_exactly_its_whole_records():
    disk, durable = live()
    raw = disk.get(WAL)
    bounds = record_bounds(raw)
    everything = read(disk)
    for length in range(len(raw)):
        disk.put(WAL, raw[:length])
        found = recover(disk, ROOT)
        kept = [end for _, end in bounds if end <= length]
        if length < HEADER_SIZE:
            assert (found.verdict, found.numbers) == (TORN, [])
            continue
        end = kept[-1] if kept else HEADER_SIZE

        assert found.verdict == (CLEAN if end == length else TORN)
        assert raw[:end] == disk.get(WAL)
        records = read(disk)
        assert records == everything[: len(records)]
        assert len(records) == found.last_seq
    assert durable < len(raw)


def test_a_flipped_bit_in_the_durable_part_is_corrupt_and_never_cut_off():
    disk, durable = live()
    raw = disk.get(WAL)
    rng = random.Random(3)
    for bit in [*range(HEADER_SIZE * 8), *rng.sample(range(HEADER_SIZE * 8, durable * 8), 3000)]:
        damaged = bytearray(raw)
        damaged[bit // 8] ^= 1 << bit % 8
        disk.put(WAL, bytes(damaged))
        found = recover(disk, ROOT)

        assert found.verdict == CORRUPT, bit
        assert found.offset <= bit // 8
        assert damaged == disk.get(WAL)
        with pytest.raises(JournalError, match="corrupt at byte"):
            found.refuse_corrupt()


def test_a_flipped_bit_behind_the_durable_part_is_noticed_and_only_what_stands_before_it_is_kept():
    disk, durable = live()
    raw = disk.get(WAL)
    everything = read(disk)
    for bit in random.Random(4).sample(range(durable * 8, len(raw) * 8), 1500):
        damaged = bytearray(raw)
        damaged[bit // 8] ^= 1 << bit % 8
        disk.put(WAL, bytes(damaged))
        found = recover(disk, ROOT)

        assert found.verdict == TORN
        assert durable <= found.offset <= bit // 8
        records = read(disk)
        assert records == everything[: len(records)]


def test_several_flipped_bits_never_let_a_wrong_record_pass():
    disk, _ = live()
    raw = disk.get(WAL)
    everything = read(disk)
    rng = random.Random(5)
    for _ in range(1500):
        damaged = bytearray(raw)
        for _ in range(rng.randrange(2, 30)):
            damaged[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        disk.put(WAL, bytes(damaged))
        recover(disk, ROOT)
        try:
            records = read(disk)
        except JournalError:
            continue

        assert records == everything[: len(records)]


def test_swapped_doubled_and_dropped_records_are_noticed():
    disk, _ = live()
    raw = disk.get(WAL)
    everything = read(disk)
    bounds = record_bounds(raw)
    for number, (start, end) in enumerate(bounds[:-1]):
        follows = bounds[number + 1][1]
        swapped = raw[:start] + raw[end:follows] + raw[start:end] + raw[follows:]
        doubled = raw[:end] + raw[start:end] + raw[end:]
        dropped = raw[:start] + raw[end:]
        for damaged in (swapped, doubled, dropped):
            disk.put(WAL, damaged)
            found = examine(disk, ROOT)
            records = read(disk)

            assert records == everything[: len(records)]
            # A COMMIT or SOURCES record may be missing or doubled at the unsynced end without any harm.
            assert found.verdict in (TORN, CORRUPT) or records == everything or damaged is dropped


@pytest.mark.parametrize("sealed", [0, 1, 3])
def test_a_missing_segment_below_the_highest_is_corrupt(sealed):
    disk = three_segments(sealed)
    for path in (zst_path(ROOT, 2), wal_path(ROOT, 2)):
        disk.names_now.pop(path, None)
    found = recover(disk, ROOT)

    assert found.verdict == CORRUPT
    assert "segment 3 follows 1, expected 2" in found.reason or "the segment is missing" in found.reason


def test_damage_in_a_lower_wal_is_corrupt_wherever_it_is():
    disk = three_segments()
    raw = disk.get(wal_path(ROOT, 2))
    for bit in random.Random(6).sample(range(len(raw) * 8), 400):
        damaged = bytearray(raw)
        damaged[bit // 8] ^= 1 << bit % 8
        disk.put(wal_path(ROOT, 2), bytes(damaged))

        assert recover(disk, ROOT).verdict == CORRUPT
    for length in range(0, len(raw), 7):
        disk.put(wal_path(ROOT, 2), raw[:length])

        assert recover(disk, ROOT).verdict == CORRUPT


def test_no_flip_in_a_sealed_segment_changes_a_record_that_is_read():
    disk = three_segments(sealed=3)
    everything = read(disk)
    stored = disk.get(zst_path(ROOT, 2))
    noticed = 0
    for bit in random.Random(8).sample(range(len(stored) * 8), 800):
        damaged = bytearray(stored)
        damaged[bit // 8] ^= 1 << bit % 8
        disk.put(zst_path(ROOT, 2), bytes(damaged))
        records = read(disk)
        noticed += records != everything

        assert records == everything[: len(records)]
    assert noticed > 200
    for length in range(0, len(stored), 11):
        disk.put(zst_path(ROOT, 2), stored[:length])
        records = read(disk)

        assert records == everything[: len(records)]


def test_a_segment_of_another_journal_or_run_does_not_join():
    disk = three_segments()
    other = SimulatedDisk()
    writer = create(other, segment_bytes=2000, block_target=600)
    for number in range(60):
        group(writer, number + 500)
    writer.close()
    disk.put(wal_path(ROOT, 3), other.get(wal_path(ROOT, 3)))

    assert examine(disk, ROOT).verdict == CORRUPT
    disk.put(wal_path(ROOT, 3), disk.get(wal_path(ROOT, 1)))
    assert "the name says 3" in examine(disk, ROOT).reason
