"""Appending, cutting into blocks and segments, and the durable watermark."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_maker import ID, ROOT, VENUE, WALL, create, group, read, reopen
from simulated_disk import SimulatedDisk

from engine.kernel.kinds import COMMIT, SOURCES
from engine.kernel.record import NONE, REDACTED
from journal.background import Inline, Stepped, Threads
from journal.errors import JournalExists, Locked, NotAJournal, RecordRefused, RecoveryRefused, WriterFailed
from journal.payloads import decode_commit, decode_sources
from journal.reader import open_journal
from journal.recovery import CLEAN, examine
from journal.segment import wal_path
from journal.settings import Tuning
from journal.writer import Writer

GROUPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 900)), max_size=30)


@given(GROUPS, st.integers(1, 2000), st.integers(1, 4000))
def test_however_it_is_cut_what_was_appended_is_read_and_no_group_is_split(groups, block_target, segment_bytes):
    disk = SimulatedDisk()
    writer = create(disk, block_target=block_target, segment_bytes=segment_bytes)
    expected = []
    for number, (outputs, size) in enumerate(groups):
        before = writer.last_seq
        group(writer, number, outputs, size)
        now = WALL + number * 1000
        expected.append((before + 1, now, now - 5, 0, VENUE, 2, 0, bytes([number]) * size))
        for output in range(outputs):
            text = b"output %d of %d" % (output, number)
            expected.append((before + 2 + output, now, NONE, before + 1, 0x2000, 1, 2, text))
    writer.close()

    assert expected == read(disk)
    assert examine(disk, ROOT).verdict == CLEAN
    with open_journal(ROOT, disk, Inline()) as journal:
        for segment in journal.segments:
            assert segment.checker.fault == ""
            assert segment.complete


def test_the_same_inputs_give_the_same_bytes():
    def files() -> dict[str, bytes]:
        disk = SimulatedDisk()
        writer = create(disk, segment_bytes=3000)
        for number in range(40):
            group(writer, number)
            if number % 7 == 0:
                writer.sync()
        writer.close()
        return {path.name: disk.get(path) for path in disk.names_now}

    assert files() == files()


def test_an_undeclared_source_turns_nothing_and_a_closed_writer_says_that_it_is_closed():
    disk = SimulatedDisk()
    writer = create(disk, segment_bytes=400)
    group(writer, 1, outputs=3)
    for _ in range(2):
        with pytest.raises(RecordRefused, match="source 9 was not declared"):
            writer.append_input(VENUE, 1, 9, WALL + 5000, NONE, b"")
    assert (writer.segment_no, writer.last_seq) == (1, 4)
    writer.close()
    for source in (2, 9):
        with pytest.raises(WriterFailed, match="JRN_CLOSED"):
            writer.append_input(VENUE, 1, source, WALL + 5000, NONE, b"")


def test_a_segment_rotates_by_size_and_by_time_and_is_told_about():
    closed: list[tuple[int, str]] = []
    writer = create(
        SimulatedDisk(), segment_bytes=1000, segment_ns=50, on_closed=lambda number, why: closed.append((number, why))
    )
    for at in (0, 10, 49, 50, 60, 100):
        writer.append_input(VENUE, 1, 2, WALL + at, NONE, b"")
    writer.append_input(VENUE, 1, 2, WALL + 101, NONE, bytes(1000))
    writer.append_input(VENUE, 1, 2, WALL + 102, NONE, b"")
    writer.close()

    assert closed == [(1, "time"), (2, "time"), (3, "size"), (4, "shutdown")]
    assert writer.recovered.last_seq == 0


def test_each_segment_and_each_new_source_states_the_names():
    disk = SimulatedDisk()
    writer = create(disk, segment_bytes=800)
    group(writer, 1)
    writer.declare_source(9, "venue/9")
    writer.declare_source(9, "venue/9")
    assert writer.sync() == 2
    for number in range(2, 9):
        group(writer, number)
    writer.close()
    with open_journal(ROOT, disk, Inline()) as journal:
        stated = [record for record in journal.records(control=True) if record.kind == SOURCES]
        named = [(record.segment_no, sorted(decode_sources(record.payload))) for record in stated]

    assert named[:3] == [(1, [1, 2]), (1, [1, 2, 9]), (2, [1, 2, 9])]
    with pytest.raises(WriterFailed, match="closed"):
        writer.declare_source(10, "x")


def test_a_source_is_declared_before_use_and_never_renamed():
    writer = create(SimulatedDisk())
    with pytest.raises(RecordRefused, match="was not declared"):
        writer.append_input(VENUE, 1, 3, WALL, NONE, b"")
    for number, name in ((2, "other"), (0, "zero"), (65536, "far")):
        with pytest.raises(RecordRefused, match="cannot become"):
            writer.declare_source(number, name)
    assert writer.last_seq == 0
    assert writer.append_input(VENUE, 1, 2, WALL, NONE, b"", 0, REDACTED) == 1
    with pytest.raises(RecordRefused, match="lies before"):
        writer.append_input(VENUE, 1, 2, WALL - 1, NONE, b"")
    assert (writer.last_seq, writer.last_recv_ns) == (1, WALL)


def test_a_sync_is_due_after_five_milliseconds_or_a_batch_or_at_once_for_an_effect():
    background = Stepped()
    writer = create(SimulatedDisk(), background=background, sync_bytes=5000)
    group(writer, 1)

    assert writer.poll(1_000_000) == 0
    assert not background.step()
    assert writer.poll(5_999_999) == 0
    assert not background.step()
    assert writer.poll(6_000_000) == 0
    assert background.step()
    assert writer.poll(6_000_001) == 2
    assert not background.step()  # the COMMIT alone wants no sync
    group(writer, 2)
    assert writer.poll(6_000_002, effect_waiting=True) == 2
    group(writer, 3)
    assert writer.poll(6_000_003, effect_waiting=True) == 2  # one sync at a time
    assert background.step()
    assert not background.step()
    assert writer.poll(6_000_004, effect_waiting=True) == 4
    assert background.step()
    assert writer.poll(6_000_005) == 6
    group(writer, 4, size=6000)
    assert writer.poll(6_000_006) == 6
    assert background.step()
    assert writer.sync() == 8
    assert writer.unsynced_bytes == 64  # its COMMIT


def test_a_full_batch_is_written_and_synced_without_anybody_polling():
    background = Stepped()
    disk = SimulatedDisk()
    writer = create(disk, background=background, block_target=1 << 18)
    for number in range(12):
        group(writer, number, size=1 << 18)

    assert len(disk.get(wal_path(ROOT, 1))) >= 1 << 20
    assert background.step()
    for number in range(12, 24):
        group(writer, number, size=1 << 18)
    assert writer.durable_seq > 0
    writer.close()


def test_a_commit_follows_each_sync_and_says_what_is_durable():
    disk = SimulatedDisk()
    writer = create(disk)
    marks = []
    for number in range(3):
        group(writer, number)
        writer.flush()
        length = len(disk.get(wal_path(ROOT, 1)))
        marks.append((writer.sync(), length))
    with open_journal(ROOT, disk, Inline()) as journal:
        commits = [decode_commit(r.payload) for r in journal.records(control=True) if r.kind == COMMIT]

    assert marks == commits


def test_threads_sync_behind_the_callers_back(tmp_path):
    from journal.disk import RealDisk

    woken = []
    background = Threads("sync")
    writer = create(RealDisk(), tmp_path / "j", background=background, wake=lambda: woken.append(1))
    group(writer, 1)
    at = 0
    while writer.poll(at, effect_waiting=True) < 2:
        at += 1
    writer.close()
    background.close()

    assert woken
    assert len(read(RealDisk(), tmp_path / "j")) == 2


class Interrupted(Stepped):
    """While the first function runs whoever waits for it is interrupted, as often as *times* says."""

    def __init__(self, times=1):
        super().__init__()
        self._times = times

    def run(self, function, then=None):
        future = super().run(function, then)

        def waiting(wait):
            def waited(timeout=None):
                if self._times:
                    self._times -= 1
                    raise KeyboardInterrupt
                return wait(timeout)

            return waited

        future.result, future.exception = waiting(future.result), waiting(future.exception)
        return future


def test_a_sync_that_was_waited_for_in_vain_ends_before_its_file_is_closed():
    background = Interrupted()
    disk = SimulatedDisk()
    writer = create(disk, background=background)
    group(writer, 1)
    writer.poll(0, effect_waiting=True)
    disk.fail(0, errno.EIO)
    with pytest.raises(KeyboardInterrupt):
        writer.sync()
    with pytest.raises(WriterFailed, match="JRN_SYNC_FAILED"):
        writer.close()

    assert not background.step()
    assert writer.durable_seq == 0


def test_a_writer_that_is_interrupted_until_its_end_frees_the_lock_all_the_same():
    background = Interrupted(times=2)
    disk = SimulatedDisk()
    writer = create(disk, background=background)
    group(writer, 1)
    writer.poll(0, effect_waiting=True)
    with pytest.raises(KeyboardInterrupt):
        writer.close()
    again = reopen(disk)
    again.close()

    assert again.last_seq == 2


def test_logical_time_runs_from_the_anchor_and_never_before_the_last_record():
    disk = SimulatedDisk()
    writer = create(disk)
    assert writer.logical_ns(1_000_000_007) == WALL + 7
    writer.append_input(VENUE, 1, 2, WALL + 10**12, NONE, b"")
    writer.close()
    writer = Writer.open(ROOT, disk, Inline(), wall_ns=WALL, mono_ns=500)

    assert writer.logical_ns(500) == WALL + 10**12 + 1
    assert (writer.run_epoch, writer.segment_no) == (2, 2)


def test_the_next_run_completes_the_last_group_and_goes_on_in_a_new_segment():
    disk = SimulatedDisk()
    writer = create(disk)
    group(writer, 1, outputs=2)
    writer.append_input(VENUE, 1, 2, WALL + 5000, NONE, b"in")
    writer.append_derived(0x2000, 1, b"first")
    writer.flush()
    asked = []
    closed = []

    def complete(found):
        asked.append((found.tail.input_seq, found.tail.last_seq, found.last_recv_ns))
        return [(0x2001, 1, b"second"), (0x2002, 1, b"third")]

    after = disk.copy()
    with pytest.raises(Locked):
        reopen(disk)
    writer = reopen(after, complete=complete, on_closed=lambda *told: closed.append(told), sources={5: "venue/5"})
    writer.close()

    assert asked == [(4, 5, WALL + 5000)]
    assert closed == [(1, "recovery"), (2, "shutdown")]
    assert [(r[0], r[3], r[7]) for r in read(after)[5:]] == [(6, 4, b"second"), (7, 4, b"third")]
    assert writer.sources == {1: "engine", 2: "venue/2", 5: "venue/5"}


def test_nobody_is_asked_to_complete_a_block_that_was_closed():
    disk = SimulatedDisk()
    writer = create(disk, block_target=100)
    group(writer, 1)
    writer._segment.close_block(False)
    writer.flush()
    writer = reopen(disk.copy(), complete=lambda found: pytest.fail("the group was over"))

    assert writer.last_seq == 2


def test_a_journal_is_created_once_and_opened_only_where_it_is():
    disk = SimulatedDisk()
    create(disk).close()
    with pytest.raises(JournalExists):
        create(disk)
    with pytest.raises(NotAJournal, match="no such folder"):
        reopen(SimulatedDisk())
    empty = SimulatedDisk()
    empty.make_dir(ROOT)
    with pytest.raises(NotAJournal, match="holds no segment"):
        reopen(empty)
    create(empty).close()
    with pytest.raises(ValueError, match="16 bytes"):
        Writer.create(ROOT / "x", disk, Inline(), journal_id=ID[:5], wall_ns=0)


def test_a_corrupt_journal_is_refused_and_its_lock_freed():
    disk = SimulatedDisk()
    writer = create(disk)
    group(writer, 1)
    writer.sync()
    disk = disk.copy()
    raw = bytearray(disk.get(wal_path(ROOT, 1)))
    raw[200] ^= 1
    disk.put(wal_path(ROOT, 1), bytes(raw))
    for _ in range(2):
        with pytest.raises(RecoveryRefused, match="export the readable records"):
            reopen(disk)


def test_an_unreadable_epoch_counts_as_none_and_the_headers_still_fence():
    disk = SimulatedDisk()
    create(disk).close()
    reopen(disk).close()
    disk.put(ROOT / "journal.lock", b"what?")
    writer = reopen(disk)

    assert writer.run_epoch == 3
    assert disk.get(ROOT / "journal.lock") == b"3\n"


@pytest.mark.parametrize(
    "wrong",
    [{"block_target": 0}, {"max_payload": 1 << 25}, {"segment_bytes": 1 << 30}, {"segment_ns": 0}, {"sync_bytes": 0}],
)
def test_a_setting_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Tuning(**wrong)


def test_a_sync_with_nothing_but_a_new_name_keeps_it():
    disk = SimulatedDisk()
    writer = create(disk)
    group(writer, 1)
    writer.sync()
    writer.declare_source(9, "venue/9")
    assert writer.sync() == 2
    after = disk.crash(lambda n: 0)

    assert reopen(after).sources[9] == "venue/9"
