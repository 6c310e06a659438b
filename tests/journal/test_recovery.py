"""What recovery says and does, case by case; `test_crash_states` and `test_damage` cover the multitude."""

import pytest
from journal_maker import ROOT, VENUE, WALL, create, group, read, reopen, three_segments
from simulated_disk import SimulatedDisk

from engine.kernel.record import CONTROL, LAST, NONE
from journal import recovery
from journal.check import Checker, find_commit, find_record
from journal.codec import encode
from journal.errors import RecoveryRefused
from journal.payloads import BlockEnd, encode_commit
from journal.recovery import CLEAN, CORRUPT, TORN, examine, recover
from journal.seal import seal
from journal.segment import Header, manifest_path, new_chain, torn_path, wal_path, zst_path

WAL = wal_path(ROOT, 1)


def test_an_empty_folder_is_clean_and_holds_nothing():
    disk = SimulatedDisk()
    disk.make_dir(ROOT)
    found = recover(disk, ROOT)
    found.refuse_corrupt()

    assert (found.verdict, found.numbers, found.header, found.tail) == (CLEAN, [], None, None)


@pytest.mark.parametrize("start", [b"", b"JRNL", b"JRNLSEG1" + bytes(120), bytes(500)])
def test_a_segment_that_never_got_its_header_is_removed_and_made_anew(start):
    for disk, number in ((SimulatedDisk(), 1), (three_segments(sealed=1), 4)):
        path = wal_path(ROOT, number)
        disk.put(path, start)
        before = read(disk) if number > 1 else []
        found = recover(disk, ROOT)

        assert (found.verdict, found.torn_bytes) == (TORN, len(start))
        assert not disk.exists(path)
        assert disk.exists(torn_path(ROOT, number, 0)) == bool(start)
        writer = reopen(disk) if number > 1 else create(disk)
        assert writer.segment_no == number
        assert before == read(disk)


def test_a_header_damaged_in_front_of_records_is_corrupt_even_without_a_commit():
    disk = SimulatedDisk()
    writer = create(disk)
    group(writer, 1)
    writer.flush()
    raw = disk.get(WAL)
    disk.put(WAL, b"?" + raw[1:])
    found = recover(disk, ROOT)

    assert found.verdict == CORRUPT
    assert b"?" + raw[1:] == disk.get(WAL)


def test_a_segment_of_a_later_version_is_refused_and_not_removed():
    from zlib import crc32

    disk = SimulatedDisk()
    data = bytearray(Header(bytes(16), 1, 1, 0, 0).encode())
    data[8] = 2
    data[124:] = crc32(data[:124]).to_bytes(4, "little")
    disk.put(WAL, bytes(data))
    found = recover(disk, ROOT)

    assert found.verdict == CORRUPT
    assert "format version 2" in found.reason
    assert disk.exists(WAL)
    with pytest.raises(RecoveryRefused):
        reopen(disk)


def test_the_ends_of_sealed_segments_are_checked_and_whole_ones_without_a_manifest():
    disk = three_segments(sealed=2)
    assert recover(disk, ROOT).unsealed == [3]
    del disk.names_now[manifest_path(ROOT, 2)]
    assert recover(disk, ROOT).verdict == CLEAN
    stored = bytearray(disk.get(zst_path(ROOT, 2)))
    stored[len(stored) // 3] ^= 1
    disk.put(zst_path(ROOT, 2), bytes(stored))
    assert recover(disk, ROOT).verdict == CORRUPT


def test_a_sealed_file_of_several_segments_has_no_place_in_a_folder():
    from journal.index import Index, encode_tables, read_index
    from journal.segment import Entry

    disk = three_segments(sealed=2)
    body, entries, raw_off, file_off = b"", [], 0, 0
    for number in (1, 2):
        data = disk.get(zst_path(ROOT, number))
        index = read_index(disk.open_read(zst_path(ROOT, number)), "x")
        for e in index.entries:
            body += data[e.file_off : e.file_off + e.comp_len]
            entries.append(
                Entry(
                    raw_off,
                    file_off,
                    e.first_seq,
                    e.last_seq,
                    e.first_recv_ns,
                    e.last_recv_ns,
                    e.raw_len,
                    e.comp_len,
                    e.data_records,
                )
            )
            raw_off += e.raw_len
            file_off += e.comp_len
    bundle = body + encode_tables(Index(index.head, raw_off, entries))
    expected = read(disk)
    disk.put(ROOT.parent / "journal.zst", bundle)
    assert read(disk, ROOT.parent / "journal.zst") == expected[: len(read(disk, ROOT.parent / "journal.zst"))]
    assert len(read(disk, ROOT.parent / "journal.zst")) > 20
    disk.put(zst_path(ROOT, 2), bundle)

    assert "holds 2 segments" in examine(disk, ROOT).reason
    assert len(read(disk)) < len(expected)


def test_runs_with_a_lower_epoch_do_not_follow():
    disk = SimulatedDisk()
    create(disk).close()
    writer = reopen(disk)
    writer.close()
    header = Header(bytes(range(16)), 3, 1, WALL, 0, examine(disk, ROOT).head, run_epoch=1)
    disk.put(wal_path(ROOT, 3), header.encode())

    assert "run epoch 1 follows 2" in examine(disk, ROOT).reason


def test_the_sources_are_known_after_recovery_from_whatever_segment_says_them():
    disk = SimulatedDisk()
    writer = create(disk, block_target=300)
    writer.declare_source(7, "venue/7")
    for number in range(12):
        group(writer, number)
    writer.close()
    names = {1: "engine", 2: "venue/2", 7: "venue/7"}
    assert names == recover(disk, ROOT).sources
    seal(disk, ROOT, 1, sealed_ns=0)
    assert names == recover(disk, ROOT).sources
    disk.put(wal_path(ROOT, 2), b"half a header")
    assert names == recover(disk, ROOT).sources


def stream(*records: bytes, first_seq: int = 1) -> tuple[Checker, bytes]:
    """A checker for a made-up segment, and the bytes behind its header."""
    header = Header(bytes(16), 1, first_seq, 0, 0).encode()
    return Checker(header, first_seq, 0, bytes(32), 1000), b"".join(records)


def data(seq: int, recv_ns: int, *, cause: int = 0, flags: int = 0, src_ns: int = NONE) -> bytes:
    return encode(seq, recv_ns, src_ns, cause, VENUE, 1, 2, flags, b"x")


def control(kind: int, payload: bytes, seq: int = 0, recv_ns: int = 0, flags: int = 0) -> bytes:
    return encode(seq, recv_ns, NONE, 0, kind, 1, 0, CONTROL | flags, payload)


def end_of(records: bytes, *, last: bool = False, **changes: object) -> bytes:
    """A BLOCK_END for block 0 of one record (seq 1, at 5), with some of its statements changed."""
    header = Header(bytes(16), 1, 1, 0, 0).encode()
    chain = new_chain(bytes(32))
    chain.update(header + records)
    end = BlockEnd(0, 1, 1, 1, 128 + len(records), chain.digest(), 5, 5)
    for name, value in changes.items():
        setattr(end, name, value)
    return control(1, end.encode(), 1, 5, LAST if last else 0)


ONE = data(1, 5)


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([data(2, 5)], "record 2 follows 0"),
        ([ONE, data(1, 5)], "record 1 follows 1"),
        ([ONE, data(2, 4)], "receive time 4"),
        ([ONE, control(9, b"", seq=2)], "control record repeats record 2"),
        ([ONE, control(9, b"", recv_ns=4)], "control record repeats"),
        ([ONE, control(2, bytes(15))], "COMMIT of 15 bytes"),
        ([ONE, control(2, encode_commit(1, 5000))], "COMMIT reports byte 5000"),
        ([ONE, control(2, encode_commit(2, 128))], "COMMIT reports"),
        ([ONE, control(1, bytes(79))], "BLOCK_END of 79 bytes"),
        ([ONE, end_of(ONE, block_no=1)], "BLOCK_END states"),
        ([ONE, end_of(ONE, data_records=2)], "BLOCK_END states"),
        ([ONE, end_of(ONE, first_seq=2)], "BLOCK_END states"),
        ([ONE, end_of(ONE, last_seq=2)], "BLOCK_END states"),
        ([ONE, end_of(ONE, block_len=8)], "BLOCK_END states"),
        ([ONE, end_of(ONE, first_recv_ns=4)], "BLOCK_END states"),
        ([ONE, end_of(ONE, last_recv_ns=6)], "BLOCK_END states"),
        ([ONE, end_of(ONE, chain=bytes(32))], "the block hashes to"),
        ([ONE, end_of(ONE, last=True), control(9, b"", 1, 5)], "follows the end"),
        ([ONE, bytes(48)], "checksum"),
        ([ONE, b"\0\0\0\0\xe9\x03\0\0" + bytes(40)], "payload length of 1001"),
    ],
)
def test_each_rule_stops_the_walk_at_its_record(records, reason):
    checker, raw = stream(*records)
    consumed = checker.feed(raw, True)

    assert reason in checker.reason
    assert checker.offset == 128 + consumed == 128 + len(b"".join(records[:-1]))


@pytest.mark.parametrize(
    "record", [control(9, b"of a later version"), control(9, b"", 1, 5), control(2, encode_commit(1, 128))]
)
def test_unknown_control_records_and_commits_do_not_stop_it(record):
    checker, raw = stream(ONE, record, data(2, 5))
    checker.feed(raw, True)

    assert (checker.reason, checker.last_seq) == ("", 2)


@pytest.mark.parametrize(
    ("records", "fault"),
    [
        ([data(1, 5, flags=2, cause=0)], "stands first in its block"),
        ([ONE, data(2, 5, flags=2, cause=2)], "names cause 2, expected 1"),
        ([ONE, data(2, 6, flags=2, cause=1)], "times other than"),
        ([ONE, data(2, 5, flags=2, cause=1, src_ns=5)], "times other than"),
        ([data(1, 5, cause=1)], "names a cause"),
        ([data(1, 5, cause=1), data(2, 5, cause=2)], "record 1 names a cause"),
    ],
)
def test_a_breach_of_the_rules_for_groups_is_noted_and_does_not_stop_the_walk(records, fault):
    checker, raw = stream(*records)
    checker.feed(raw, True)

    assert (checker.reason, checker.last_seq) == ("", len(records))
    assert fault in checker.fault


def test_a_walk_in_pieces_sees_what_a_walk_at_once_sees():
    disk = SimulatedDisk()
    writer = create(disk, block_target=500)
    for number in range(12):
        group(writer, number, outputs=2)
        writer.poll(number * 10_000_000)
    writer.close()
    raw = disk.get(WAL)
    whole = Checker(raw[:128], 1, 0, bytes(32), 1 << 24)
    whole.feed(raw[128:], True)
    assert (whole.complete, whole.fault, whole.reason) == (True, "", "")
    for step in (1, 7, 48, 100, 999):
        pieces = Checker(raw[:128], 1, 0, bytes(32), 1 << 24)
        rest = b""
        for at in range(128, len(raw), step):
            rest += raw[at : at + step]
            rest = rest[pieces.feed(rest, False) :]

        assert (rest, pieces.head, pieces.offset, pieces.complete) == (b"", whole.head, whole.offset, True)
        assert pieces.tally() == whole.tally() == {(VENUE, 2): 12, (0x2000, 1): 24}


def test_a_search_finds_commits_and_records_at_steps_of_eight_only():
    commit = control(2, encode_commit(5, 4096), 5, 7)
    assert find_commit(bytes(16) + commit, 4000) == 16
    assert find_commit(bytes(16) + commit, 4096) == -1
    assert find_commit(bytes(12) + commit + bytes(4), 0) == -1
    assert find_commit(bytes(8) + commit[:-1], 0) == -1
    assert find_commit(bytes(8) + commit[:50] + b"\1" + commit[51:], 0) == -1
    assert find_commit(bytes(8) + data(1, 2)[:48] + bytes(16), 0) == -1
    assert find_record(bytes(24) + ONE, 1000, 64) == 24
    assert find_record(bytes(24) + ONE, 1000, 24) == -1
    assert find_record(bytes(20) + ONE + bytes(4), 1000, 64) == -1
    assert find_record(bytes(24) + ONE, 0, 64) == -1


def test_evidence_half_written_by_an_interrupted_recovery_is_written_anew():
    disk = SimulatedDisk()
    writer = create(disk)
    group(writer, 1)
    writer.sync()
    disk = disk.copy()
    length = len(disk.get(WAL))
    disk.put(WAL, disk.get(WAL) + b"a torn tail")
    kept = torn_path(ROOT, 1, length)
    half = kept.with_name(kept.name + ".tmp")
    disk.put(half, b"a torn")
    guard = disk.open_append(WAL)
    assert guard.lock()  # somebody holds the segment: its half-written files are left alone until they are in the way
    found = recover(disk, ROOT)

    assert (found.verdict, disk.get(kept), disk.exists(half)) == (TORN, b"a torn tail", False)


@pytest.mark.parametrize("look", [examine, recover])
def test_a_sealing_process_of_the_last_run_may_end_meanwhile(look, monkeypatch):
    disk = three_segments()
    original = recovery.Files
    count = 0

    def listed(*arguments):
        nonlocal count
        found = original(*arguments)
        count += 1
        if count <= 2:
            seal(disk, ROOT, 4 - count, sealed_ns=0)
        return found

    monkeypatch.setattr(recovery, "Files", listed)
    found = look(disk, ROOT)

    assert (found.verdict, found.numbers, found.unsealed) == (CLEAN, [1, 2, 3], [1])


def test_a_file_that_vanishes_again_and_again_ends_the_opening(monkeypatch):
    disk = three_segments()
    monkeypatch.setattr(recovery, "open_wal", lambda *_: disk.open_read(ROOT / "gone"))
    with pytest.raises(FileNotFoundError):
        examine(disk, ROOT)
