"""Reading a journal in whatever form it lies."""

import errno
import random
from pathlib import Path

import pytest
from journal_maker import ROOT, VENUE, WALL, create, fields, group, read, three_segments
from simulated_disk import SimulatedDisk

from engine.kernel.record import CONTROL, NONE
from journal import reader
from journal.background import Inline, Stepped, Threads
from journal.errors import Damaged, NotAJournal, SequenceGap, Unreadable
from journal.reader import open_journal
from journal.seal import seal
from journal.segment import manifest_path, wal_path, zst_path


@pytest.mark.parametrize("background", [Inline, Stepped, lambda: Threads("r")])
@pytest.mark.parametrize("sealed", [0, 2, 3])
def test_sealed_or_not_the_records_are_the_same(background, sealed):
    expected = read(three_segments())
    disk = three_segments(sealed)
    with open_journal(ROOT, disk, background()) as journal:
        found = [fields(record) for record in journal.records()]

        assert expected == found
        assert [r[0] for r in found] == list(range(journal.first_seq, journal.last_seq + 1))
        assert [True] * sealed + [False] * (3 - sealed) == [segment.sealed for segment in journal.segments]
        assert journal.sources == {1: "engine", 2: "venue/2"}
        assert journal.journal_id == bytes(range(16))
        assert journal.damage is None


@pytest.mark.parametrize("sealed", [0, 3])
def test_any_range_of_numbers_gives_just_these_records(sealed):
    disk = three_segments(sealed)
    everything = read(disk)
    rng = random.Random(1)
    for _ in range(60):
        first = rng.randrange(1, len(everything) + 3)
        last = rng.randrange(1, len(everything) + 3)
        with open_journal(ROOT, disk, Inline()) as journal:
            found = [fields(record) for record in journal.records(first, last)]

            assert everything[first - 1 : last] == found
            for block in journal.blocks(first, last, verify_chain=False):
                assert block.last_seq >= first
                assert block.first_seq <= last


@pytest.mark.parametrize("sealed", [0, 3])
def test_a_time_leads_to_the_first_record_not_before_it(sealed):
    disk = three_segments(sealed)
    everything = read(disk)
    with open_journal(ROOT, disk, Inline()) as journal:
        for time_ns in sorted({t + d for _, t, *_ in everything for d in (-1, 0, 1)}):
            expected = next((seq for seq, recv_ns, *_ in everything if recv_ns >= time_ns), None)
            assert expected == journal.seq_at(time_ns)


def test_an_open_block_is_read_up_to_its_last_whole_record():
    disk = SimulatedDisk()
    writer = create(disk)
    group(writer, 1)
    writer.flush()
    whole = disk.get(wal_path(ROOT, 1))
    disk.put(wal_path(ROOT, 1), whole + b"half a record")
    with open_journal(ROOT, disk, Inline()) as journal:
        (block,) = journal.blocks()

        assert (block.complete, block.block_no, block.first_seq, block.last_seq) == (False, 0, 1, 2)
        assert (block.start, block.end, block.raw_offset) == (128, len(whole), 0)
        assert whole == block.data
        assert journal.seq_at(WALL + 1000) == 1
        assert journal.seq_at(WALL + 1001) is None


def test_a_journal_without_records_reads_as_empty():
    disk = SimulatedDisk()
    writer = create(disk)
    with open_journal(ROOT, disk, Inline()) as journal:
        assert (journal.first_seq, journal.last_seq, list(journal.records()), journal.sources) == (1, 0, [], {})
        assert journal.head == bytes(32)
    writer.close()
    seal(disk, ROOT, 1, sealed_ns=0)
    with open_journal(ROOT, disk, Inline()) as journal:
        assert (journal.last_seq, list(journal.records())) == (0, [])
        assert [record.flags for record in journal.records(control=True)] == [CONTROL]
        assert journal.sources == {1: "engine", 2: "venue/2"}
        assert journal.seq_at(0) is None


def test_one_file_alone_is_a_journal_of_one_segment():
    disk = three_segments(sealed=2)
    everything = read(disk)
    parts = [read(disk, zst_path(ROOT, 1)), read(disk, zst_path(ROOT, 2)), read(disk, wal_path(ROOT, 3))]

    assert everything == [record for part in parts for record in part]
    assert all(parts)


def test_damage_is_raised_where_it_stands_after_everything_before_it():
    disk = three_segments(sealed=1)
    everything = read(disk)
    raw = bytearray(disk.get(wal_path(ROOT, 2)))
    raw[len(raw) // 2] ^= 1
    disk.put(wal_path(ROOT, 2), bytes(raw))
    with open_journal(ROOT, disk, Inline()) as journal:
        assert isinstance(journal.damage, Damaged)
        found = []
        with pytest.raises(Damaged, match=r"00000002\.wal: damaged at byte \d+: checksum"):
            found.extend(fields(record) for record in journal.records())
        before = journal.last_seq

    assert everything[:before] == read(disk)
    assert 0 < before < len(everything)


def test_a_missing_segment_is_a_gap():
    disk = three_segments(sealed=1)
    del disk.names_now[wal_path(ROOT, 2)]
    with open_journal(ROOT, disk, Inline()) as journal, pytest.raises(SequenceGap, match="segment 3 follows 1"):
        list(journal.records())


def test_a_segment_without_its_final_block_cannot_have_a_successor():
    disk = three_segments()
    raw = disk.get(wal_path(ROOT, 2))
    disk.put(wal_path(ROOT, 2), raw[:-128])
    with open_journal(ROOT, disk, Inline()) as journal:
        assert "lacks its final block" in str(journal.damage)


def test_a_wrong_block_is_noticed_even_where_its_own_frame_is_sound():
    disk = three_segments(sealed=3)
    other = SimulatedDisk()
    writer = create(other, segment_bytes=2000, block_target=600)
    for number in range(60):
        group(writer, number + 1)
    writer.close()
    seal(other, ROOT, 2, sealed_ns=0)
    disk.put(zst_path(ROOT, 2), other.get(zst_path(ROOT, 2)))
    with open_journal(ROOT, disk, Inline()) as journal:
        assert len(journal.segments) == 1
        assert journal.damage is not None


def test_a_segment_sealed_while_the_folder_is_read_is_found_again(monkeypatch):
    disk = three_segments()
    everything = read(disk)
    original = reader.Files
    count = 0

    def listed(*arguments):
        nonlocal count
        found = original(*arguments)
        count += 1
        if count <= 2:
            seal(disk, ROOT, count, sealed_ns=0)
        return found

    monkeypatch.setattr(reader, "Files", listed)
    with open_journal(ROOT, disk, Inline()) as journal:
        assert everything == [fields(record) for record in journal.records()]
    assert count == 3


def test_a_file_that_vanishes_again_and_again_is_unreadable(monkeypatch):
    disk = three_segments()
    original = reader.open_wal

    def vanish(disk, path, last_recv_ns):
        if "00000002" in path.name:
            raise FileNotFoundError(errno.ENOENT, "No such file", str(path))
        return original(disk, path, last_recv_ns)

    monkeypatch.setattr(reader, "open_wal", vanish)
    with pytest.raises(Unreadable, match=r"00000002\.wal: cannot be read"):
        open_journal(ROOT, disk, Inline())


def test_what_is_no_journal_is_said_in_one_sentence():
    disk = SimulatedDisk()
    disk.make_dir(ROOT)
    disk.put(Path("/x/a.wal"), b"hello")
    disk.put(Path("/x/b.zst"), b"hello, this is no zstd file at all")
    disk.put(Path("/x/c.zst"), b"")
    disk.put(ROOT / "other" / "00000001.wal", b"JRNLSEG1" + bytes(200))
    for path in (ROOT, Path("/x/a.wal"), Path("/x/b.zst"), Path("/x/c.zst"), ROOT / "other"):
        with pytest.raises(NotAJournal):
            open_journal(path, disk, Inline())
    disk.put(Path("/x/b.zst"), b"\x28\xb5\x2f\xfd, this much of it is")
    with pytest.raises(Damaged):
        open_journal(Path("/x/b.zst"), disk, Inline())
    with pytest.raises(Unreadable, match="No such file"):
        open_journal(Path("/x/none.zst"), disk, Inline())


def test_a_manifest_without_its_segment_is_damage():
    disk = three_segments(sealed=3)
    del disk.names_now[zst_path(ROOT, 3)]
    with open_journal(ROOT, disk, Inline()) as journal:
        assert len(journal.segments) == 2
        assert "segment is missing" in str(journal.damage)
    assert disk.exists(manifest_path(ROOT, 3))


def test_a_wrong_checksum_inside_a_block_with_a_fitting_chain_is_found_by_records():
    from engine.kernel.record import LAST
    from journal.codec import encode
    from journal.payloads import BlockEnd
    from journal.segment import Header, new_chain

    data = Header(bytes(16), 1, 1, 0, 0).encode()
    record = bytearray(encode(1, 5, NONE, 0, VENUE, 1, 2, 0, b"x"))
    record[0] ^= 1
    data += record
    chain = new_chain(bytes(32))
    chain.update(data)
    end = BlockEnd(0, 1, 1, 1, len(data), chain.digest(), 5, 5)
    data += encode(1, 5, NONE, 0, 1, 1, 0, CONTROL | LAST, end.encode())
    from journal.frames import Compressor
    from journal.index import Index, encode_tables
    from journal.segment import Entry

    frame = Compressor().frame(data)
    entry = Entry(0, 0, 1, 1, 5, 5, len(data), len(frame), 1)
    disk = SimulatedDisk()
    disk.put(zst_path(ROOT, 1), frame + encode_tables(Index(chain.digest(), len(data), [entry])))
    with open_journal(ROOT, disk, Inline()) as journal, pytest.raises(Damaged, match="byte 128: the checksum"):
        list(journal.records())


def test_a_segment_is_let_go_behind_its_last_block_also_where_reading_begins_there():
    with open_journal(ROOT, three_segments(sealed=3), Inline()) as journal:
        for segment in journal.segments:
            list(journal.blocks(segment.last_seq, segment.last_seq))

        assert [segment._file for segment in journal.segments] == [None] * 3


def test_a_reader_that_stops_early_leaves_nothing_running():
    disk = three_segments(sealed=3)
    background = Stepped()
    with open_journal(ROOT, disk, background) as journal:
        blocks = journal.blocks()
        assert next(blocks).block_no == 0
        blocks.close()
        assert not any(background.step() and False for _ in range(3))
        records = journal.records(2, 3)
        assert [record.seq for record in records] == [2, 3]
