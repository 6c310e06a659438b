"""A disk that refuses: the k-th call fails, for every k, in every phase of a journal's life."""

import errno
from collections.abc import Callable

import pytest
from journal_maker import ROOT, VENUE, WALL, create, group, read, reopen, three_segments
from simulated_disk import SimulatedDisk

from journal.background import Stepped
from journal.errors import JournalError, RecordRefused, WriterFailed
from journal.recovery import CLEAN, CORRUPT, recover
from journal.seal import seal
from journal.segment import wal_path
from journal.writer import Writer

CODES = [(errno.ENOSPC, "JRN_DISK_FULL"), (errno.EDQUOT, "JRN_DISK_FULL"), (errno.EIO, "JRN_SYNC_FAILED")]


def a_day(disk: SimulatedDisk, background: Stepped | None = None) -> tuple[Writer | None, int, WriterFailed | None]:
    """Create, append, sync, rotate, close; returns the writer, what it last called durable, and its failure."""
    writer = None
    durable = 0
    try:
        writer = create(disk, segment_bytes=1500, block_target=500, background=background)
        for number in range(14):
            group(writer, number, outputs=number % 3)
            durable = writer.poll(number * 3_000_000, number % 4 == 3)
            if background is not None and number % 2:
                background.step()
        durable = writer.sync()
        writer.close()
    except WriterFailed as failure:
        if background is not None:
            background.close()
        return writer, max(durable, writer.durable_seq if writer else 0), failure
    return writer, durable, None


@pytest.mark.parametrize(("code", "name"), CODES)
@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("background", [None, Stepped])
def test_whichever_call_fails_the_writer_ends_and_the_durable_prefix_stays(
    code: int, name: str, short: bool, background: Callable[[], Stepped] | None
) -> None:
    whole = SimulatedDisk()
    a_day(whole)
    everything = read(whole)
    for at in range(whole.calls):
        disk = SimulatedDisk()
        disk.fail(at, code, short)
        writer, durable, failure = a_day(disk, background() if background else None)
        if failure is None:  # only a short write at the last moment may go unasked for its reason
            assert disk.fail_at is not None
            assert disk.calls <= disk.fail_at + 1
            continue

        assert failure.code == name or (short and failure.code == "JRN_SYNC_FAILED")
        if writer is not None:
            assert_over(writer, disk)
        disk.fail_at = None
        found = recover(disk, ROOT) if disk.is_dir(ROOT) else None

        assert found is None or found.verdict != CORRUPT
        assert durable <= (found.last_seq if found else 0)
        records = read(disk) if found and found.numbers else []
        assert records == everything[: len(records)]


def assert_over(writer: Writer, disk: SimulatedDisk) -> None:
    """Nothing is appended, written or tried again after a failure."""
    before = disk.calls
    durable = writer.durable_seq
    for again in (
        lambda: group(writer, 99),
        lambda: writer.append_input(VENUE, 1, 2, writer.last_recv_ns, 0, b""),
        lambda: writer.append_derived(0x2000, 1, b""),
        lambda: writer.poll(10**12, True),
        writer.sync,
        writer.flush,
        lambda: writer.declare_source(77, "venue/77"),
    ):
        with pytest.raises(WriterFailed):
            again()
    writer.close()
    writer.close()

    assert (before, durable) == (disk.calls, writer.durable_seq)
    disk.open_lock(ROOT / "journal.lock").lock()


def test_a_failed_sync_is_not_retried_though_the_next_would_succeed():
    disk = SimulatedDisk()
    background = Stepped()
    writer = create(disk, background=background)
    group(writer, 1)
    durable = writer.poll(0, True)
    disk.fail(0, errno.EIO)
    background.step()
    with pytest.raises(WriterFailed, match="JRN_SYNC_FAILED"):
        writer.poll(1)

    assert durable == writer.durable_seq == 0
    assert_over(writer, disk)


def test_after_a_failed_sync_the_next_start_reads_the_disk_and_not_the_cache():
    disk = SimulatedDisk()
    writer = create(disk)
    group(writer, 1)
    writer.sync()
    kept = read(disk)
    group(writer, 2, size=2000)
    writer.flush()
    disk.fail(0, errno.EIO)
    with pytest.raises(WriterFailed):
        writer.sync()
    shown = read(disk)
    disk.fail_at = None
    recover(disk, ROOT)

    assert len(shown) > len(kept)
    assert kept == read(disk)


@pytest.mark.parametrize(("code", "name"), CODES)
def test_whichever_call_fails_while_opening_the_next_start_still_works(code: int, name: str) -> None:
    start = SimulatedDisk()
    writer = create(start)
    group(writer, 1)
    writer.sync()
    group(writer, 2)
    writer.flush()
    start = start.copy()
    start.put(wal_path(ROOT, 1), start.get(wal_path(ROOT, 1)) + b"torn")
    before = read(start)
    at = 0
    while True:
        disk = start.copy()
        disk.fail(at, code)
        try:
            reopen(disk, complete=lambda found: [(0x2000, 1, b"yield")]).close()
        except WriterFailed as error:
            failure = error
        else:
            break
        disk.fail_at = None
        assert name == failure.code
        writer = reopen(disk, complete=lambda found: [(0x2000, 1, b"yield")])
        writer.close()

        assert before == read(disk)[: len(before)]
        at += 1
    assert at > 10


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_whichever_call_fails_while_sealing_the_segment_can_be_sealed_later(code: int, short: bool) -> None:
    start = three_segments()
    records = read(start)
    at = 0
    while True:
        disk = start.copy()
        disk.fail(at, code, short)
        try:
            seal(disk, ROOT, 1, sealed_ns=WALL)
        except OSError:
            pass
        else:
            break
        disk.fail_at = None

        assert records == read(disk)
        assert recover(disk.copy(), ROOT).verdict == CLEAN
        assert seal(disk, ROOT, 1, sealed_ns=WALL)["status"] == "SEALED_OK"
        assert records == read(disk)
        at += 1
    assert at > 8


def test_a_full_disk_ends_the_run_and_the_freed_ballast_lets_the_next_one_recover_and_seal():
    disk = SimulatedDisk()
    disk.space = 21_000
    settings = {"segment_bytes": 4000, "ballast_bytes": 8000, "block_target": 500}
    levels: list[int] = []
    writer = create(disk, on_space=levels.append, **settings)

    assert writer.space.restore_ballast()
    assert writer.space.restore_ballast()

    def fill() -> None:
        for number in range(1000):
            group(writer, number)
            writer.poll(number * 10_000_000)
            writer.check_space()

    with pytest.raises(WriterFailed, match="JRN_DISK_FULL"):
        fill()
    durable = writer.durable_seq
    writer.close()

    assert levels == [1, 2]
    writer = reopen(disk, **settings)
    assert writer.freed_ballast
    assert not writer.space.restore_ballast()
    assert writer.last_seq >= durable
    records = read(disk)
    for segment in writer.recovered.unsealed:
        seal(disk, ROOT, segment, sealed_ns=WALL, status="SEALED_AFTER_DISK_FULL")
    assert records == read(disk)[: len(records)]
    disk.space = 40_000
    assert writer.space.restore_ballast()
    assert writer.check_space() == 0
    writer.close()


def test_a_ballast_that_does_not_fit_leaves_no_half_of_itself():
    disk = SimulatedDisk()
    writer = create(disk, segment_bytes=1000, ballast_bytes=500)
    disk.fail(1, errno.ENOSPC)
    with pytest.raises(OSError, match="injected"):
        writer.space.restore_ballast()

    assert not disk.exists(ROOT / "ballast")
    disk.fail_at = None
    assert not create(disk, ROOT / "other").space.restore_ballast()
    writer.close()


def test_a_space_query_that_fails_ends_the_run_like_a_write():
    class Blind(SimulatedDisk):
        blind = False

        def free_space(self, path: object) -> int:
            if self.blind:
                raise OSError(errno.EIO, "no answer")
            return 1 << 60

    disk = Blind()
    writer = create(disk, block_target=32 << 20, sync_bytes=1 << 30)
    disk.blind = True
    for _ in range(15):
        group(writer, 1, size=1 << 20)
        writer.flush()
    group(writer, 1, size=1 << 20)
    group(writer, 1, size=1 << 20)
    with pytest.raises(WriterFailed, match="no answer"):
        writer.flush()
    writer.close()


def test_errors_are_sentences_of_one_base():
    assert issubclass(WriterFailed, JournalError)
    assert issubclass(RecordRefused, JournalError)
