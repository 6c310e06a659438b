"""The strict replay of whole journals: what is counted, what is proven, and where it stops."""

from pathlib import Path

import pytest
from generators import recordings
from hypothesis import given, settings
from hypothesis import strategies as st
from resimulations import write_recording
from run_maker import RUN, append, long_inputs, run_of, sample_inputs, start_input, stop_input, write_run
from simulated_disk import SimulatedDisk

from engine.kernel import kinds
from engine.kernel.pack import Malformed
from engine.kernel.record import DERIVED, NONE
from engine.kernel.step import UnknownKind
from journal.background import Inline
from journal.disk import RealDisk
from journal.errors import Damaged
from journal.reader import open_journal
from journal.writer import Writer
from replay.overlay import span_payload
from replay.rebuild import kernel_of
from replay.run import BadRunStart
from replay.verify import StrictReplay, behind, replay_strictly
from scenarios.sample.recording import NAMES, START_NS, Input


def replayed(path: Path, disk: SimulatedDisk | None = None, until_seq: int | None = None) -> StrictReplay:
    with open_journal(path, disk, Inline()) as journal:
        return replay_strictly(journal, until_seq=until_seq)


def created(folder: Path) -> Writer:
    """An empty journal."""
    return Writer.create(
        folder, RealDisk(), Inline(), journal_id=bytes(16), wall_ns=START_NS, sources=NAMES, block_target=1 << 20
    )


def seqs(path: Path, *, derived: bool) -> list[int]:
    with open_journal(path, background=Inline()) as journal:
        return [record.seq for record in journal.records() if bool(record.flags & DERIVED) is derived]


@settings(max_examples=25)
@given(recordings(max_frames=120), st.sampled_from([600, 5_000, 200_000]), st.booleans())
def test_any_run_replays_to_the_state_it_ended_in(inputs: list[Input], block_target: int, sealed: bool) -> None:
    disk, folder = SimulatedDisk(), Path("/run")
    kernel = write_run(folder, inputs, disk=disk, block_target=block_target, segment_bytes=80_000, sealed=sealed)
    found = replayed(folder, disk)

    assert found.identical
    assert found.verified == "derived"
    assert found.inputs == len(inputs) + 2
    assert found.compared == found.derived == found.last_seq - found.inputs
    assert (found.start_seq, found.from_checkpoint, found.unfinished) == (1, False, 0)
    assert found.fast + found.slow == sum(kernel.path_counts())
    assert found.kernel is not None
    assert found.kernel.checkpoint() == kernel.checkpoint()


def test_a_recording_without_a_run_has_nothing_to_compare_and_still_a_state(tmp_path: Path) -> None:
    write_recording(tmp_path, sample_inputs(30))
    found = replayed(tmp_path)

    assert (found.verified, found.identical, found.compared) == ("nothing", None, 0)
    assert found.runs == []
    assert not found.other_build
    assert found.kernel is not None
    assert len(found.kernel.data.listings.markets) == 2


def test_a_replay_stops_behind_the_record_asked_for_and_owes_nothing_to_a_group_cut_in_two(tmp_path: Path) -> None:
    write_run(tmp_path, sample_inputs(60, disconnect_every=20), block_target=2_000)
    derived = seqs(tmp_path, derived=True)
    for until in (1, derived[0] - 1, derived[0], derived[1], derived[-1] - 1, derived[-1]):
        found = replayed(tmp_path, until_seq=until)

        assert found.last_seq == until
        assert found.divergence is None
        assert found.unfinished == 0
        assert found.compared == sum(seq <= until for seq in derived)


def test_a_live_end_that_lacks_derived_records_is_unfinished_and_no_difference(tmp_path: Path) -> None:
    writer = created(tmp_path)
    kernel = kernel_of(RUN)
    inputs = [start_input(RUN), *sample_inputs(5)]
    for item in inputs:
        append(writer, kernel, item)
    append(writer, kernel, stop_input(inputs[-1][2]), lambda seq, kernel, concluded: [])
    writer.sync()
    found = replayed(tmp_path)

    assert found.divergence is None
    assert found.unfinished == 1
    writer.close()
    assert replayed(tmp_path).divergence is not None  # a closed block says that nothing follows


def test_two_runs_in_one_journal_are_each_replayed_with_their_own_start(tmp_path: Path) -> None:
    first, second = RUN, run_of(seed=8)
    inputs = sample_inputs(20)
    stop = stop_input(inputs[-1][2])
    writer = created(tmp_path)
    kernels = []
    for run in (first, second):
        kernel = kernel_of(run)
        for item in (start_input(run), *inputs, stop):
            append(writer, kernel, (*item[:2], max(item[2], writer.last_recv_ns), *item[3:]))
        kernels.append(kernel)
    writer.close()
    found = replayed(tmp_path)

    assert found.identical
    assert [run.seed for run in found.runs] == [7, 8]
    assert found.inputs == 2 * (len(inputs) + 2)
    assert found.kernel is not None
    assert found.kernel.checkpoint() == kernels[1].checkpoint()


def test_what_was_recorded_before_a_run_is_folded_without_comparing(tmp_path: Path) -> None:
    inputs = sample_inputs(10)
    writer = created(tmp_path)
    for kind, source, recv_ns, src_ns, payload in inputs:
        writer.append_input(kind, 1, source, recv_ns, src_ns, payload)
    kernel = kernel_of(RUN)
    for item in (start_input(RUN), stop_input(inputs[-1][2])):
        append(writer, kernel, (*item[:2], inputs[-1][2], *item[3:]))
    writer.close()
    found = replayed(tmp_path)

    assert found.identical
    assert (found.inputs, found.compared) == (len(inputs) + 2, 1)


def write_inputs(folder: Path, *inputs: Input) -> Path:
    writer = created(folder)
    for kind, source, recv_ns, src_ns, payload in inputs:
        writer.append_input(kind, 1, source, recv_ns, src_ns, payload)
    writer.close()
    return folder


def test_a_span_in_a_run_without_a_base_is_malformed(tmp_path: Path) -> None:
    span = (int(kinds.SPAN), 1, START_NS, int(NONE), span_payload(1, 2))

    with pytest.raises(Malformed, match="record 2 is a span, but its run names no base"):
        replayed(write_inputs(tmp_path, start_input(RUN), span))


def test_a_run_that_cannot_be_rebuilt_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRunStart, match="record 1"):
        replayed(write_inputs(tmp_path, (int(kinds.RUN_START), 1, START_NS, int(NONE), b"{}")))


def test_a_kind_without_a_meaning_ends_the_replay(tmp_path: Path) -> None:
    with pytest.raises(UnknownKind, match="record 1"):
        replayed(write_inputs(tmp_path, (0x0777, 2, START_NS, int(NONE), b"")))


def test_damage_is_raised_where_it_stands(tmp_path: Path) -> None:
    write_run(tmp_path, long_inputs(600), block_target=4_000, segment_bytes=40_000, sealed=True)
    path = tmp_path / "00000002.zst"
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 3] ^= 1
    path.write_bytes(whole)

    with pytest.raises(Damaged, match=r"00000002\.zst"):
        replayed(tmp_path)


def test_progress_adds_up_to_the_bytes_of_the_journal(tmp_path: Path) -> None:
    write_run(tmp_path, sample_inputs(60), block_target=2_000)
    told: list[int] = []
    with open_journal(tmp_path, background=Inline()) as journal:
        replay_strictly(journal, progress=told.append)

        assert sum(told) == sum(entry.raw_len for segment in journal.segments for entry in segment.entries)


def test_the_place_behind_a_record_is_where_the_next_one_begins(tmp_path: Path) -> None:
    write_run(tmp_path, sample_inputs(60, disconnect_every=20), block_target=3_000)
    with open_journal(tmp_path, background=Inline()) as journal:
        starts = {record.seq: record.offset for record in journal.records()}
        for block in journal.blocks():
            if block.first_seq == 0:
                continue
            assert behind(block, block.first_seq - 1) == block.start
            for seq in range(block.first_seq, block.last_seq):
                assert block.raw_offset + behind(block, seq) == starts[seq + 1]
            assert behind(block, block.last_seq) == block.end
