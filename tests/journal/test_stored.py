"""One segment on disk, and how it joins the one before."""

from threading import Thread

import pytest
from journal_maker import ROOT, VENUE, create, group, read, reopen, three_segments
from simulated_disk import SimulatedDisk, SimulatedFile

from engine.kernel.record import CONTROL, LAST, NONE
from journal.background import Inline
from journal.bundle import bundle
from journal.codec import encode
from journal.errors import Damaged, JournalError, SequenceGap
from journal.frames import Compressor
from journal.index import Index, encode_tables
from journal.payloads import BlockEnd
from journal.reader import open_journal
from journal.recovery import recover
from journal.segment import Entry, Header, new_chain, wal_path, zst_path
from journal.stored import join, open_sealed, open_wal, sources_of, walk_sealed


def two_blocks(*, early_last: bool = False, second_seq: int = 2) -> SimulatedDisk:
    """A sealed segment of two blocks with one record each; fitting hashes, whatever else is wrong."""
    header = Header(bytes(16), 1, 1, 0, 0).encode()
    chain = bytes(32)
    body, entries, raw_off = b"", [], 0
    for number, seq in enumerate((1, second_seq)):
        raw = (b"" if number else header) + encode(seq, 5, NONE, 0, VENUE, 1, 2, 0, b"x")
        hasher = new_chain(chain)
        hasher.update(raw)
        chain = hasher.digest()
        end = BlockEnd(number, 1, seq, seq, len(raw), chain, 5, 5)
        raw += encode(seq, 5, NONE, 0, 1, 1, 0, CONTROL | (LAST if number or early_last else 0), end.encode())
        frame = Compressor().frame(raw)
        entries.append(Entry(raw_off, len(body), seq, seq, 5, 5, len(raw), len(frame), 1))
        body += frame
        raw_off += len(raw)
    disk = SimulatedDisk()
    disk.put(zst_path(ROOT, 1), body + encode_tables(Index(chain, raw_off, entries)))
    return disk


def test_a_sound_segment_of_two_blocks_walks_through():
    (segment,) = open_sealed(two_blocks(), zst_path(ROOT, 1))
    checker = walk_sealed(segment)

    assert (checker.last_seq, checker.complete) == (2, True)
    assert sources_of(segment) == {}


def test_names_in_a_sealed_segment_are_looked_for_once(monkeypatch):
    (segment,) = open_sealed(two_blocks(), zst_path(ROOT, 1))
    loaded, raw = [], segment.raw
    monkeypatch.setattr(segment, "raw", lambda number: (loaded.append(number), raw(number))[1])
    sources_of(segment)[9] = "a caller's own"

    assert (sources_of(segment), loaded) == ({}, [1, 0])


def test_a_segment_that_another_thread_closes_while_it_is_read_is_read_all_the_same(monkeypatch):
    disk = two_blocks()
    (segment,) = open_sealed(disk, zst_path(ROOT, 1))
    expected = segment.raw(0)
    closing = Thread(target=segment.close)

    class Slow(SimulatedFile):
        def read(self, offset: int, size: int) -> bytes:
            closing.start()
            closing.join()
            assert self._open
            return super().read(offset, size)

    segment.close()
    monkeypatch.setattr("simulated_disk.SimulatedFile", Slow)
    assert segment.raw(0) == expected
    monkeypatch.undo()

    assert segment.raw(0) == expected


def test_a_last_block_in_the_middle_is_refused():
    (segment,) = open_sealed(two_blocks(early_last=True), zst_path(ROOT, 1))
    with pytest.raises(Damaged, match="not where the segment ends"):
        segment.check(0, segment.raw(0), None)
    with pytest.raises(Damaged, match="not where the segment ends"):
        walk_sealed(segment)


def test_a_gap_inside_a_sealed_segment_is_found_by_walking_it():
    (segment,) = open_sealed(two_blocks(second_seq=3), zst_path(ROOT, 1))
    with pytest.raises(Damaged, match="record 3 follows 1"):
        walk_sealed(segment)


def test_a_file_cut_while_it_is_open_is_damage():
    disk = three_segments(sealed=1)
    (segment,) = open_sealed(disk, zst_path(ROOT, 1))
    assert len(segment.raw(0)) == segment.entries[0].raw_len
    del disk.names_now[zst_path(ROOT, 1)].data[20:]
    with pytest.raises(Damaged, match="20 bytes are left"):
        segment.raw(0)


def test_a_wal_cut_while_it_is_walked_ends_the_walk(monkeypatch):
    disk = three_segments()
    file = disk.open_read(wal_path(ROOT, 1))
    monkeypatch.setattr(type(file), "size", lambda self: 1 << 30)
    segment = open_wal(disk, wal_path(ROOT, 1))

    assert segment.complete


def segments_of(disk: SimulatedDisk):
    return [open_wal(disk, wal_path(ROOT, number)) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("change", "error", "reason"),
    [
        ({"segment_no": 5}, Damaged, "states segment 5"),
        ({"journal_id": b"x" * 16}, Damaged, "another journal"),
        ({"first_seq": 9999}, SequenceGap, "record 9999"),
        ({"prev_hash": bytes(32)}, Damaged, "not the head"),
        ({"run_epoch": 0}, Damaged, "run epoch 0"),
    ],
)
def test_a_segment_that_does_not_continue_the_one_before_is_named(change, error, reason):
    first, second, third = segments_of(three_segments())
    join(first, None, 1)
    join(second, first, 2)
    with pytest.raises(SequenceGap, match="segment 3 follows 1"):
        join(third, first, 3)
    for name, value in change.items():
        setattr(second.header, name, value)
    with pytest.raises(error, match=reason):
        join(second, first, 2)


def test_names_are_told_by_an_earlier_segment_when_the_newest_lost_its_own():
    names = {1: "engine", 2: "venue/2", 9: "venue/9"}
    disk = SimulatedDisk()
    writer = create(disk)
    writer.declare_source(9, "venue/9")
    group(writer, 1)
    writer.close()
    writer = reopen(disk)
    disk = disk.copy()  # the second segment holds nothing but its header

    assert len(disk.get(wal_path(ROOT, 2))) == 128
    assert names == recover(disk, ROOT).sources
    with open_journal(ROOT, disk, Inline()) as journal:
        assert names == journal.sources
    again = reopen(disk)
    assert names == again.sources
    again.close()
    assert len(read(disk)) == 2


def test_blocks_that_do_not_belong_together_are_refused_in_a_bundle():
    disk = three_segments(sealed=3)
    with open_journal(ROOT, disk, Inline()) as journal:
        first, _, third = journal.segments
        body, entries, raw_off = b"", [], 0
        for segment in (first, third):
            for number, e in enumerate(segment.entries):
                frame = Compressor().frame(segment.raw(number))
                fields = (
                    e.first_seq,
                    e.last_seq,
                    e.first_recv_ns,
                    e.last_recv_ns,
                    e.raw_len,
                    len(frame),
                    e.data_records,
                )
                entries.append(Entry(raw_off, len(body), *fields))
                body += frame
                raw_off += e.raw_len
        path = ROOT.parent / "journal.zst"
        disk.put(path, body + encode_tables(Index(third.head, raw_off, entries)))
    with pytest.raises(JournalError, match="does not end where a segment ends"):
        open_journal(path, disk, Inline())


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: data, None),
        (lambda data: data[:-3] + b"?" + data[-2:], "the index was made anew from the blocks: no seek table ends"),
        (lambda data: data + b"more", "the last 4 bytes belong to no block and no index, and were ignored"),
        (lambda data: data[:-40], "the index was made anew from the blocks: no seek table ends the file"),
    ],
)
def test_what_a_reader_had_to_do_without_is_told_once(spoil, says):
    disk = three_segments(sealed=2)
    path = zst_path(ROOT, 2)
    before = read(disk)
    disk.put(path, spoil(disk.get(path)))
    with open_journal(ROOT, disk, Inline()) as journal:
        assert len(journal.remarks) == (says is not None)
        assert all(remark.startswith(f"{path}: {says}") for remark in journal.remarks)
    assert read(disk) == before


def test_what_all_segments_of_a_bundle_do_without_is_told_once():
    disk = three_segments(sealed=3)
    target = ROOT / "all.zst"
    with open_journal(ROOT, disk, Inline()) as journal:
        bundle(disk, journal.segments, target)
    disk.put(target, disk.get(target) + bytes(7))
    with open_journal(target, disk, Inline()) as journal:
        assert len(journal.segments) == 3
        assert len(journal.remarks) == 1
