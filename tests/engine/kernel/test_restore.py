"""Restore-anywhere equals replay-from-start: the state is all there is, and a checkpoint holds all of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from generators import recordings
from hypothesis import given, settings
from hypothesis import strategies as st
from resimulations import JOINING, NERVOUS, Setting, resimulate
from resimulations import write_recording as write
from run_maker import RUN, concluded_by, start_input, stop_input
from simulated_disk import SimulatedDisk

from engine.kernel.kinds import RUN_START, SPAN
from engine.kernel.record import DERIVED
from engine.kernel.step import Kernel
from journal.background import Inline
from journal.disk import RealDisk
from journal.importer.run import Catalogue, import_recordings
from journal.importer.sniff import Recording
from journal.reader import Journal, Record, open_journal
from replay.overlay import span_fields
from replay.rebuild import kernel_of
from replay.run import RunStart, read_run_start
from replay.strict import is_kept
from scenarios.sample.recording import Input

TESTS = Path(__file__).resolve().parents[2]

WATCHING = Setting(parameters={"ppm": 400_000}, heuristics=NERVOUS)

Step = tuple[int, int, int, int, bytes]
"""seq, recv_ns, kind, source, payload: what the kernel is given."""
Answer = tuple[list[tuple[int, int, bytes]], int]


def take(kernel: Kernel, step: Step) -> Answer:
    """Step once; what was derived, and the rolling digest behind it."""
    seq, recv_ns, kind, source, payload = step
    kernel.step(seq, recv_ns, kind, source, payload, 0, len(payload))
    return concluded_by(kernel), int(kernel.digest.value)


def assert_restores(run: RunStart, steps: list[Step], cut: int) -> None:
    """A kernel restored behind step *cut* goes on exactly as one that came all the way."""
    through, plain = kernel_of(run), kernel_of(run)
    for step in steps[:cut]:
        assert take(plain, step) == take(through, step)
    state = through.checkpoint()
    digest = through.state_digest()
    resumed = kernel_of(run)
    resumed.restore(state)

    assert resumed.checkpoint() == state
    assert resumed.state_digest() == digest
    for number, step in enumerate(steps[cut:]):
        expected = take(through, step)
        assert take(resumed, step) == expected
        assert take(plain, step) == expected
        if number % 64 == 0:
            assert resumed.checkpoint() == through.checkpoint()
    assert resumed.checkpoint() == through.checkpoint() == plain.checkpoint()
    assert resumed.state_digest() == through.state_digest() == plain.state_digest()


def numbered(inputs: list[Input]) -> list[Step]:
    return [(seq, recv_ns, kind, source, payload) for seq, (kind, source, recv_ns, _, payload) in enumerate(inputs, 1)]


def spoilt(inputs: list[Input], places: list[int]) -> list[Input]:
    """Some frames cut short, so that they cannot be read and their books' gates close."""
    found = list(inputs)
    for place in places:
        kind, source, recv_ns, src_ns, payload = found[place % len(found)]
        found[place % len(found)] = (kind, source, recv_ns, src_ns, payload[: max(0, len(payload) - 7)])
    return [one for one in found if one[0] >= 0x100 or one[4].endswith(b"}")]


@settings(max_examples=40)
@given(recordings(max_frames=150), st.lists(st.integers(0, 10_000), max_size=3), st.integers(0, 10_000))
def test_a_checkpoint_taken_anywhere_in_a_recording_changes_nothing(
    inputs: list[Input], broken: list[int], place: int
) -> None:
    steps = numbered([start_input(RUN), *spoilt(inputs, broken), stop_input(inputs[-1][2])])
    assert_restores(RUN, steps, place % (len(steps) + 1))


def steps_of(overlay: Journal, base: Journal) -> Iterator[Step]:
    """What the kernel was given in a resimulation: the base's records under their spans' numbers, and the run's own."""
    for record in overlay.records():
        if record.flags & DERIVED:
            continue
        if record.kind != SPAN:
            yield given_as(record, record.seq)
            continue
        first, last = span_fields(record.payload)
        for kept in base.records(first, last):
            if not kept.flags & DERIVED and is_kept(kept.kind):
                yield given_as(kept, record.seq)


def given_as(record: Record, seq: int) -> Step:
    return seq, record.recv_ns, record.kind, record.source, record.payload


def run_steps(inputs: list[Input], setting: Setting) -> tuple[RunStart, list[Step]]:
    """A resimulation of *setting* on a recording of *inputs*: its run, and every step of its kernel."""
    disk = SimulatedDisk()
    base, out = Path("/base"), Path("/run")
    write(base, inputs, disk)
    resimulate(base, setting, out, disk)
    with open_journal(out, disk, Inline()) as overlay, open_journal(base, disk, Inline()) as recorded:
        steps = list(steps_of(overlay, recorded))
    assert steps[0][2] == RUN_START
    return read_run_start(1, steps[0][4]), steps


@settings(max_examples=25)
@given(
    recordings(min_frames=20, max_frames=120),
    st.sampled_from([Setting(), Setting(parameters={"ppm": 600_000, "raises": True}), JOINING, WATCHING]),
    st.integers(0, 2**32),
    st.integers(0, 10_000),
)
def test_a_checkpoint_taken_anywhere_in_a_trading_run_changes_nothing(
    inputs: list[Input], setting: Setting, seed: int, place: int
) -> None:
    chosen = evolve(setting, seed=seed)
    run, steps = run_steps(inputs, chosen)
    assert_restores(run, steps, place % (len(steps) + 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["usdm_btcusdt", "spot_btcusdt"])
def test_a_checkpoint_taken_anywhere_in_recorded_frames_changes_nothing(
    name: str, shared: Path, tmp_path: Path
) -> None:
    catalogue = TESTS / "adapters" / "binance" / f"catalogue_2024-08-08_{name[:4]}.json"
    recorded = Recording(shared / "binance" / "hftbacktest" / f"{name}_20240808.gz")
    import_recordings(
        [recorded], tmp_path / "j", RealDisk(), Inline(), catalogues=[Catalogue(catalogue)], sealed_ns=None
    )
    with open_journal(tmp_path / "j", background=Inline()) as journal:
        given = [given_as(record, record.seq + 1) for record in journal.records(1, 2500)]
    start = RUN.payload()
    steps: list[Step] = [(1, 0, int(RUN_START), 1, start), *given]
    for cut in (3, 700, 1500, 2400):  # before the snapshot, while change sets are held for it, and behind it
        assert_restores(RUN, steps, cut)
