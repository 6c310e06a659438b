"""
Power cuts. At every call that changes the disk any subset of what was not yet durable is lost; the next start looks.

What must hold in each state: the verdict is CLEAN or TORN, every record that was reported durable is there, and what is
there is byte for byte a prefix of what the writer appended.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from journal_maker import ROOT, WALL, create, group, read, reopen, three_segments
from simulated_disk import Crash, SimulatedDisk

from journal.background import Inline, Stepped
from journal.codec import Cursor
from journal.recovery import CLEAN, CORRUPT, TORN, recover
from journal.seal import seal
from journal.segment import HEADER_SIZE, torn_path, wal_path
from journal.writer import Writer

STATES = 8_000
"""Crash states of each of the four scenarios below; nightly, thirty times as many."""


class Truth:
    """The raw bytes of each segment as the writer meant them, and where their records end."""

    def __init__(self, disk: SimulatedDisk) -> None:
        self.raw = {int(path.stem): disk.get(path) for path in disk.names_now if path.suffix == ".wal"}
        self.ends: dict[int, dict[int, int]] = {}
        for number, raw in self.raw.items():
            cursor = Cursor(raw, HEADER_SIZE, len(raw))
            ends = {HEADER_SIZE: 0}
            while cursor.next():
                ends[cursor.next_offset] = cursor.seq
            self.ends[number] = ends

    def check(self, disk: SimulatedDisk, acknowledged: int) -> str:
        """Recover *disk* and hold the result against the truth; returns the verdict."""
        found = recover(disk, ROOT)

        assert found.verdict in (CLEAN, TORN), found.reason
        assert found.last_seq >= acknowledged
        for path, inode in disk.names_now.items():
            if path.suffix == ".wal":
                number, length = int(path.stem), len(inode.data)
                assert inode.data == self.raw[number][:length]
                assert length in self.ends[number]
                assert self.ends[number][length] <= found.last_seq
        if found.evidence is not None:
            assert found.torn_bytes <= len(disk.get(found.evidence))
        return found.verdict


def quiet_days(disk: SimulatedDisk) -> Writer:
    """Small records, a sync after each few."""
    writer = create(disk, block_target=700)
    for number in range(14):
        group(writer, number, outputs=number % 3)
        writer.poll(number * 1_000_000, number % 4 == 3)
    writer.close()
    return writer


def busy_days(disk: SimulatedDisk) -> Writer:
    """A sync is under way while the next batches are written."""
    background = Stepped()
    writer = create(disk, block_target=1500, background=background)
    for number in range(16):
        group(writer, number, outputs=number % 4, size=50 * number)
        writer.poll(number * 3_000_000, number % 5 == 0)
        if number % 3 == 0:
            background.step()
    background.close()
    writer.close()
    return writer


def many_rotations(disk: SimulatedDisk) -> Writer:
    """Segments of a few groups, names that must become durable, sources that appear."""
    writer = create(disk, segment_bytes=1200, block_target=500)
    for number in range(16):
        if number % 6 == 5:
            writer.declare_source(number, f"venue/{number}")
        group(writer, number, outputs=1, size=30)
        writer.poll(number * 2_000_000)
    writer.close()
    return writer


def big_frames(disk: SimulatedDisk) -> Writer:
    """Records of many sectors."""
    writer = create(disk, block_target=4000)
    for number in range(8):
        group(writer, number, outputs=1, size=700 * number)
        writer.poll(number * 6_000_000)
    writer.close()
    return writer


SCENARIOS = [quiet_days, busy_days, many_rotations, big_frames]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_power_cut_loses_a_durable_record_or_invents_one(
    scenario: Callable[[SimulatedDisk], Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_power_everywhere(scenario, STATES, scenario.__name__, monkeypatch)


@pytest.mark.nightly
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_power_cut_out_of_a_million_does_either(
    scenario: Callable[[SimulatedDisk], Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_power_everywhere(scenario, 31 * STATES, f"nightly {scenario.__name__}", monkeypatch)


def cut_power_everywhere(
    scenario: Callable[[SimulatedDisk], Writer], states: int, seed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut the power *states* times, as often before each call as before any other."""
    complete = SimulatedDisk()
    writer = scenario(complete)
    truth = Truth(complete)
    each = states // (complete.calls + 1) + 1
    rng = random.Random(seed)
    verdicts = {CLEAN: 0, TORN: 0}
    writers: list[Writer] = []
    original = Writer._start_run
    monkeypatch.setattr(Writer, "_start_run", lambda self, *args: writers.append(self) or original(self, *args))

    def cut(_: str, __: Path) -> None:
        acknowledged = writers[0].durable_seq if writers and hasattr(writers[0], "_mark") else 0
        for _number in range(each):
            verdicts[truth.check(disk.crash(rng.randrange), acknowledged)] += 1

    disk = SimulatedDisk()
    disk.hook = cut
    scenario(disk)
    cut("end", ROOT)

    assert Truth(disk).raw == truth.raw
    assert sum(verdicts.values()) >= states
    assert min(verdicts.values()) > states // 20
    assert writer.durable_seq == writer.last_seq


def torn_states(count: int) -> list[SimulatedDisk]:
    """Disks after a power cut, most with a torn tail."""
    rng = random.Random(7)
    disk = SimulatedDisk()
    writer = create(disk, segment_bytes=3000, block_target=800)
    for number in range(20):
        group(writer, number, outputs=number % 3)
        writer.poll(number * 1_000_000, number == 12)
    return [disk.crash(rng.randrange) for _ in range(count)]


def interrupted(disk: SimulatedDisk, work: Callable[[SimulatedDisk], object], at: int, rng: random.Random) -> bool:
    """Do *work* on a *disk* whose power is cut before changing call *at*; whether it got that far."""

    def stop(_: str, __: Path) -> None:
        if disk.calls == at:
            raise Crash

    disk.calls = 0
    disk.hook = stop
    try:
        work(disk)
    except Crash:
        return True
    finally:
        disk.hook = None
    return False


def test_recovery_may_be_interrupted_at_every_step_and_run_again():
    rng = random.Random(11)
    for start in torn_states(60):
        alone = start.copy()
        expected = recover(alone, ROOT)
        at = 0
        while True:
            disk = start.copy()
            if not interrupted(disk, lambda d: recover(d, ROOT), at, rng):
                break
            for _ in range(3):
                after = disk.crash(rng.randrange)
                found = recover(after, ROOT)

                assert found.verdict != CORRUPT
                assert (found.last_seq, found.head) == (expected.last_seq, expected.head)
                assert read(alone) == read(after)
                if expected.evidence is not None:
                    assert alone.get(expected.evidence) == after.get(expected.evidence)
            at += 1


def test_opening_for_the_next_run_may_be_interrupted_at_every_step():
    rng = random.Random(12)

    def open_and_complete(disk: SimulatedDisk) -> Writer:
        return reopen(disk, complete=lambda found: [(0x2000, 1, b"what the reducer yields")])

    for start in torn_states(25):
        alone = start.copy()
        expected = recover(alone, ROOT)
        before = read(alone)
        at = 0
        while True:
            disk = start.copy()
            if not interrupted(disk, open_and_complete, at, rng):
                break
            for _ in range(3):
                after = disk.crash(rng.randrange)
                writer = open_and_complete(after)
                writer.close()

                assert before == read(after)[: len(before)]
                assert writer.last_seq - expected.last_seq in (0, 1, 2)
            at += 1


def test_sealing_may_be_interrupted_at_every_step_and_the_data_is_always_there():
    rng = random.Random(13)
    start = three_segments()
    records = read(start)
    at = 0
    while True:
        disk = start.copy()
        if not interrupted(disk, lambda d: seal(d, ROOT, 2, sealed_ns=WALL), at, rng):
            break
        for _ in range(30):
            after = disk.crash(rng.randrange)
            found = recover(after, ROOT)

            assert found.verdict == CLEAN
            assert records == read(after)
            manifest = seal(after, ROOT, 2, sealed_ns=WALL)
            assert manifest["segment_no"] == 2
            assert records == read(after)
            assert not after.exists(wal_path(ROOT, 2))
        at += 1
    assert at >= 12


def test_a_disk_that_lies_about_a_sync_is_caught_or_loses_whole_groups_from_the_end_only():
    rng = random.Random(14)
    disk = SimulatedDisk()
    writer = create(disk)
    for number in range(12):
        disk.lying = number >= 6
        group(writer, number)
        writer.poll(number * 10_000_000, True)
    appended = read(disk)
    for _ in range(500):
        after = disk.crash(rng.randrange)
        found = recover(after, ROOT)
        records = read(after)

        assert records == appended[: len(records)]
        assert found.verdict in (CLEAN, TORN, CORRUPT)


def test_evidence_of_an_earlier_crash_at_the_same_place_is_kept():
    disk = SimulatedDisk()
    writer = create(disk)
    group(writer, 1)
    writer.sync()
    start = disk.copy()
    length = len(start.get(wal_path(ROOT, 1)))
    evidence = torn_path(ROOT, 1, length)
    for tail in (b"first tail", b"another tail, longer", b"another tail, longer"):
        start.put(wal_path(ROOT, 1), start.get(wal_path(ROOT, 1)) + tail)
        found = recover(start, ROOT)

        assert (found.verdict, found.torn_bytes, found.evidence) == (TORN, len(tail), evidence)
    assert start.get(evidence) == b"first tailanother tail, longer"


def test_a_writer_under_an_inline_background_needs_no_thread():
    assert Inline().run(lambda: 5).result() == 5
