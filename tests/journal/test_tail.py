"""Following a journal while it is written."""

import pytest
from journal_maker import ROOT, VENUE, WALL, create, group, read, reopen, three_segments
from simulated_disk import SimulatedDisk

from engine.kernel.record import CONTROL, NONE
from journal.errors import NotAJournal, SequenceGap
from journal.seal import seal
from journal.segment import wal_path
from journal.tail import Tail


def seqs(tail: Tail) -> list[int]:
    """Numbers of the data records that became readable."""
    found = []
    for piece in tail.poll():
        cursor = piece.cursor()
        while cursor.next():
            assert cursor.check_crc()
            if not cursor.flags & CONTROL:
                found.append(cursor.seq)
    return found


def test_records_show_once_a_commit_covers_them_and_once_only():
    disk = SimulatedDisk()
    writer = create(disk)
    tail = Tail(disk, ROOT)
    group(writer, 1)
    writer.flush()
    assert seqs(tail) == []
    writer.sync()
    assert seqs(tail) == [1, 2]
    assert seqs(tail) == []
    group(writer, 2, size=3 << 20)
    group(writer, 3)
    writer.sync()
    group(writer, 4)
    writer.flush()
    assert seqs(tail) == [3, 4, 5, 6]
    tail.close()


def test_a_half_written_record_is_looked_at_again():
    disk = SimulatedDisk()
    writer = create(disk)
    tail = Tail(disk, ROOT)
    group(writer, 1)
    writer.sync()
    whole = disk.get(wal_path(ROOT, 1))
    file = disk.names_now[wal_path(ROOT, 1)]
    for cut in (150, 200, len(whole) - 16):
        file.data[:] = whole[:cut] + bytes(len(whole) - cut)
        assert seqs(tail) == []
        file.data[:] = whole[:cut]
        assert seqs(tail) == []
    file.data[:] = whole
    assert seqs(tail) == [1, 2]


@pytest.mark.parametrize("sealed", [[], [1], [1, 2]])
def test_rotation_is_followed_even_when_segments_are_sealed_meanwhile(sealed):
    disk = SimulatedDisk()
    writer = create(disk, segment_bytes=1500)
    tail = Tail(disk, ROOT)
    group(writer, 0)
    writer.sync()
    found = seqs(tail)
    for number in range(1, 30):
        group(writer, number)
    writer.sync()
    for number in sealed:
        seal(disk, ROOT, number, sealed_ns=0)
    found += seqs(tail)

    assert found == list(range(1, writer.last_seq + 1))
    assert writer.segment_no > 2


def test_the_next_run_is_followed_too():
    disk = SimulatedDisk()
    writer = create(disk)
    tail = Tail(disk, ROOT)
    group(writer, 1)
    writer.close()
    assert seqs(tail) == []  # written, but nobody said it is durable
    disk.put(wal_path(ROOT, 2), b"JRN")
    assert seqs(tail) == []
    del disk.names_now[wal_path(ROOT, 2)]
    writer = reopen(disk)
    group(writer, 2)
    writer.sync()
    assert seqs(tail) == [1, 2, 3, 4]
    tail.close()
    assert seqs(tail) == [3, 4]  # from the start of the segment it stands in


def test_a_tail_starts_where_it_is_told():
    disk = three_segments(sealed=1)
    last = read(disk)[-1][0]
    third = read(disk, wal_path(ROOT, 3))[0][0]

    assert seqs(Tail(disk, ROOT)) == list(range(third, last + 1))
    assert seqs(Tail(disk, ROOT, 1)) == list(range(1, last + 1))
    assert seqs(Tail(disk, ROOT, 9)) == []
    with pytest.raises(NotAJournal):
        Tail(SimulatedDisk(), ROOT)


def test_a_segment_that_does_not_continue_is_a_gap():
    disk = SimulatedDisk()
    writer = create(disk)
    writer.append_input(VENUE, 1, 2, WALL, NONE, b"")
    writer.close()
    other = SimulatedDisk()
    create(other).close()
    disk.put(wal_path(ROOT, 2), other.get(wal_path(ROOT, 1)))
    tail = Tail(disk, ROOT, 1)
    with pytest.raises(SequenceGap, match="record 1 follows 1"):
        seqs(tail)


def test_a_tail_waits_for_the_header_of_the_segment_it_starts_at():
    disk = SimulatedDisk()
    disk.put(wal_path(ROOT, 1), b"JRNLSEG1")
    tail = Tail(disk, ROOT)
    assert seqs(tail) == []
    del disk.names_now[wal_path(ROOT, 1)]
    assert seqs(tail) == []
    writer = create(disk)
    group(writer, 1)
    writer.sync()
    assert seqs(tail) == [1, 2]
    tail.close()
    tail.close()
