"""Checkpoints beside a journal: used where they fit, passed over with a note where not, written where wanted."""

import shutil
from collections.abc import Callable
from pathlib import Path

import attrs
import orjson
import pytest
from resimulations import Setting, resimulate, write_recording
from run_maker import long_inputs, run_of, write_run

from engine.kernel.kinds import DIGEST
from engine.kernel.step import DIGEST_EVERY
from journal.background import Inline
from journal.checkpoint import Head, checkpoint_path, folder_of, list_checkpoints, read_checkpoint, write_checkpoint
from journal.disk import RealDisk
from journal.reader import Journal, open_journal
from journal.seal import seal
from replay.overlay import open_base
from replay.resume import Checkpoints, Unusable
from replay.run import StrategySource
from replay.verify import StrictReplay, replay_strictly, this_build

DISK = RealDisk()
BUILD = this_build()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three DIGESTs and a half, in segments of many blocks, with a checkpoint at each but the last."""
    folder = tmp_path_factory.mktemp("resume") / "run"
    inputs = long_inputs(3 * DIGEST_EVERY + 1000, disconnect_every=90)
    write_run(folder, inputs, block_target=8192, segment_bytes=300_000)
    replay(folder, writing=True)
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to spoil."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def store(journal: Journal, notes: list[str] | None = None, writing: bool = False, build: str = BUILD) -> Checkpoints:
    said = [] if notes is None else notes
    return Checkpoints(DISK, journal, build, writing, DIGEST_EVERY, said.append)


def replay(
    folder: Path,
    from_seq: int = 1,
    notes: list[str] | None = None,
    writing: bool = False,
    build: str = BUILD,
    until_seq: int | None = None,
) -> StrictReplay:
    with open_journal(folder, background=Inline()) as journal:
        kept = store(journal, notes, writing, build)
        return replay_strictly(journal, from_seq=from_seq, until_seq=until_seq, checkpoints=kept)


def state(found: StrictReplay) -> bytes:
    assert found.kernel is not None
    return found.kernel.checkpoint()


def heads(folder: Path) -> list[Head]:
    with open_journal(folder, background=Inline()) as journal:
        return list(store(journal).heads())


def test_one_is_written_behind_every_digest_asked_for_and_states_what_the_journal_does(made: Path) -> None:
    found = heads(made)

    assert [head.inputs for head in found] == [DIGEST_EVERY, 2 * DIGEST_EVERY, 3 * DIGEST_EVERY]
    assert all(head.digest_seq > head.input_seq for head in found)
    assert {head.run_seq for head in found} == {1}
    assert len(list_checkpoints(DISK, folder_of(DISK, made))) == 3


def test_a_replay_from_any_place_ends_in_the_same_state_and_compares_what_is_left(made: Path) -> None:
    whole = replay(made)
    for head in heads(made)[1:]:
        for from_seq, begins in ((head.digest_seq, False), (head.digest_seq + 1, True)):
            found = replay(made, from_seq)

            assert found.identical
            assert (found.start_seq == head.digest_seq + 1) is begins
            assert state(found) == state(whole)
            assert found.last_seq == whole.last_seq
            if begins:
                assert found.from_checkpoint
                assert found.inputs == whole.inputs - head.inputs
                assert found.runs == whole.runs


def test_a_replay_may_end_anywhere_behind_its_checkpoint(made: Path) -> None:
    head = heads(made)[1]
    for until in (head.digest_seq + 1, head.digest_seq + 700):
        here, there = replay(made, until_seq=until), replay(made, from_seq=until, until_seq=until)

        assert there.start_seq == head.digest_seq + 1
        assert state(here) == state(there)


def test_a_place_before_the_first_checkpoint_is_reached_from_the_start(made: Path) -> None:
    found = replay(made, from_seq=100)

    assert not found.from_checkpoint
    assert found.start_seq == 1


def test_a_second_replay_leaves_the_files_as_they_are(run: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in (run / "checkpoints").iterdir()}
    with open_journal(run, background=Inline()) as journal:
        kept = store(journal, writing=True)
        replay_strictly(journal, checkpoints=kept)

    assert kept.written == 0
    assert {path.name: path.stat().st_mtime_ns for path in (run / "checkpoints").iterdir()} == before


def test_a_difference_before_the_place_asked_for_is_found_all_the_same(tmp_path: Path) -> None:
    seen: list[int] = []

    def lie(seq: int, kernel, concluded):  # type: ignore[no-untyped-def]
        if seq > DIGEST_EVERY + 50 and concluded and not seen:
            seen.append(seq)
            return [(kind, schema, payload[:-1] + bytes([payload[-1] ^ 1])) for kind, schema, payload in concluded]
        return concluded

    write_run(tmp_path, long_inputs(2 * DIGEST_EVERY, disconnect_every=50), change=lie)
    replay(tmp_path, writing=True)
    found = replay(tmp_path, from_seq=2 * DIGEST_EVERY - 100)

    assert found.from_checkpoint
    assert found.divergence is not None
    assert found.divergence.cause == seen[0]


# -- what does not fit -------------------------------------------------------------------------------------------------


def rewrite(
    folder: Path, head: Head, spoilt: bytes | None = None, more: bytes | None = None, **changes: object
) -> None:
    """Replace one checkpoint by another that says something else, its digests in order."""
    path = checkpoint_path(folder / "checkpoints", head.input_seq)
    _, kept, beside = read_checkpoint(DISK, path)
    path.unlink()
    state = kept if spoilt is None else spoilt
    write_checkpoint(
        DISK, folder / "checkpoints", attrs.evolve(head, **changes), state, beside if more is None else more
    )


OTHER = "ab" * 16


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"journal_id": OTHER}, f"it belongs to journal {OTHER}"),
        ({"build": "other"}, "build other wrote it"),
        ({"digest_seq": -1}, "is not the DIGEST it was taken behind"),
        ({"digest_seq": 10**9}, "it lies outside the journal"),
        ({"run_seq": 10**9}, "it lies outside the journal"),
        ({"run_seq": 2}, "starts no run"),
        ({"recv_ns": 5}, "is not the DIGEST it was taken behind"),
        ({"inputs": 5}, "states another state"),
        ({"rolling": "0" * 16}, "states another state"),
        ({"state": "00" * 32}, "the state it holds is not the one it states"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_passed_over_and_the_one_before_it_serves(
    changes: dict[str, object], reason: str, run: Path
) -> None:
    last = heads(run)[-1]
    if changes.get("digest_seq") == -1:
        changes = {"digest_seq": last.digest_seq + 1}
    rewrite(run, last, **changes)
    notes: list[str] = []
    found = replay(run, from_seq=last.digest_seq + 100, notes=notes)

    assert found.identical
    assert found.start_seq == heads(run)[1].digest_seq + 1
    assert len(notes) == 1
    assert reason in notes[0]
    assert f"{last.input_seq:019d}.checkpoint is not used: " in notes[0]


def damaged(how: str) -> Callable[[Path, Head], None]:
    def damage(folder: Path, head: Head) -> None:
        path = checkpoint_path(folder / "checkpoints", head.input_seq)
        if how == "cut":
            path.write_bytes(path.read_bytes()[:-9])
        elif how == "empty":
            path.write_bytes(b"")
        elif how == "a folder":
            path.unlink()
            path.mkdir()
        elif how == "renamed":
            path.rename(checkpoint_path(folder / "checkpoints", head.input_seq + 1))
        elif how == "no state":
            rewrite(folder, head, spoilt=b"nonsense")
        elif how == "no symbols":
            rewrite(folder, head, more=b'{"polymarket":[7]}')
        elif how == "symbols that are no texts":
            tables = orjson.loads(read_checkpoint(DISK, path)[2])
            rewrite(folder, head, more=orjson.dumps({venue: [7] for venue in tables}))
        else:
            whole = read_checkpoint(DISK, path)[1]
            at = whole.index(b"polymarket") + 3
            rewrite(folder, head, spoilt=whole[:at] + b"\xff" + whole[at + 1 :])

    return damage


@pytest.mark.parametrize(
    "how", ["cut", "empty", "a folder", "renamed", "no state", "no text", "no symbols", "symbols that are no texts"]
)
def test_a_damaged_checkpoint_is_passed_over(how: str, run: Path) -> None:
    last = heads(run)[-1]
    damaged(how)(run, last)
    notes: list[str] = []
    found = replay(run, from_seq=last.digest_seq + 100, notes=notes)

    assert found.identical
    assert found.start_seq < last.digest_seq
    assert len(notes) == 1


def test_checkpoints_of_another_build_are_passed_over_with_one_note(run: Path) -> None:
    notes: list[str] = []
    found = replay(run, from_seq=3 * DIGEST_EVERY, notes=notes, build="newer")

    assert not found.from_checkpoint
    assert notes == [f"3 checkpoints are not used: build {BUILD} wrote it, this is newer"]


def test_what_cannot_be_used_is_removed_when_new_ones_may_be_written(run: Path) -> None:
    last = heads(run)[-1]
    rewrite(run, last, state="00" * 32)
    (run / "checkpoints" / f"{7:019d}.checkpoint").write_bytes(b"x")
    (run / "checkpoints" / f"{8:019d}.checkpoint").mkdir()
    notes: list[str] = []
    replay(run, from_seq=last.digest_seq + 100, notes=notes, writing=True)

    assert [head.inputs for head in heads(run)] == [DIGEST_EVERY, 2 * DIGEST_EVERY, 3 * DIGEST_EVERY]
    assert not (run / "checkpoints" / f"{7:019d}.checkpoint").exists()
    assert any("cannot be removed" in note for note in notes)


def test_a_broken_file_where_a_new_one_belongs_is_replaced(run: Path) -> None:
    last = heads(run)[-1]
    checkpoint_path(run / "checkpoints", last.input_seq).write_bytes(b"x")
    with open_journal(run, background=Inline()) as journal:
        kept = store(journal, writing=True)
        replay_strictly(journal, checkpoints=kept)

    assert kept.written == 1
    assert heads(run)[-1] == last


def test_a_folder_that_cannot_be_written_costs_a_note_and_nothing_else(run: Path) -> None:
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").write_bytes(b"in the way")
    notes: list[str] = []
    found = replay(run, notes=notes, writing=True)

    assert found.identical
    assert len(notes) == 1
    assert notes[0].startswith("no checkpoints are kept: ")


FORGETFUL = """
class Forgetful:
    def __init__(self):
        self.memory = {}

    def decide(self, view, wake):
        self.memory["seen"] = {1, 2}
        return ()
"""


def test_a_memory_that_cannot_be_encoded_costs_a_note_and_nothing_else(tmp_path: Path) -> None:
    strategy = StrategySource("one", "Forgetful", FORGETFUL, "market_making")
    write_run(tmp_path, long_inputs(DIGEST_EVERY + 10), run=run_of([strategy]), stop=False)
    notes: list[str] = []
    found = replay(tmp_path, notes=notes, writing=True)

    assert found.identical
    assert len(notes) == 1
    assert notes[0].startswith("no checkpoints are kept: ")
    assert "a strategy's memory holds a set" in notes[0]


def test_a_folder_that_cannot_be_listed_costs_a_note_and_nothing_else(run: Path) -> None:
    class Unlistable(RealDisk):
        def names(self, path: Path) -> list[str]:
            if path.name == "checkpoints":
                raise PermissionError(13, "Permission denied", str(path))
            return super().names(path)

    notes: list[str] = []
    with open_journal(run, background=Inline()) as journal:
        kept = Checkpoints(Unlistable(), journal, BUILD, note=notes.append)

        assert kept.before(10**9) is None
    assert len(notes) == 1
    assert "cannot be listed" in notes[0]


def test_a_checkpoint_not_asked_to_write_writes_nothing(tmp_path: Path) -> None:
    write_run(tmp_path, long_inputs(DIGEST_EVERY + 10))
    replay(tmp_path)

    assert not (tmp_path / "checkpoints").exists()


def test_a_damaged_digest_record_makes_its_checkpoint_useless(run: Path) -> None:
    for number in (1, 2, 3, 4, 5):
        if (run / f"{number:08d}.wal").exists():
            seal(DISK, run, number, sealed_ns=1)
    last = heads(run)[-1]
    with open_journal(run, background=Inline()) as journal:
        segment = next(one for one in reversed(journal.segments) if one.first_seq <= last.digest_seq)
        entry = next(one for one in segment.entries if one.last_seq >= last.digest_seq)
        path, place = segment.path, entry.file_off + entry.comp_len // 2
    whole = bytearray(path.read_bytes())
    whole[place] ^= 0xFF
    path.write_bytes(whole)
    notes: list[str] = []
    with open_journal(run, background=Inline()) as journal:
        found = store(journal, notes).before(last.digest_seq + 1)

    assert found is not None
    assert found.head.inputs == 2 * DIGEST_EVERY
    assert "cannot be read" in notes[0]


def test_a_digest_record_that_cannot_be_read_makes_its_checkpoint_useless(tmp_path: Path) -> None:
    def garble(seq: int, kernel, concluded):  # type: ignore[no-untyped-def]
        return [(kind, schema, b"short" if kind == DIGEST else payload) for kind, schema, payload in concluded]

    inputs = long_inputs(DIGEST_EVERY + 10)
    write_run(tmp_path / "honest", inputs)
    replay(tmp_path / "honest", writing=True)
    write_run(tmp_path / "garbled", inputs, change=garble)
    shutil.copytree(tmp_path / "honest" / "checkpoints", tmp_path / "garbled" / "checkpoints")
    notes: list[str] = []
    found = replay(tmp_path / "garbled", from_seq=DIGEST_EVERY + 12, notes=notes)

    assert "cannot be read" in notes[0]
    assert not found.from_checkpoint
    assert found.divergence is not None


def test_a_single_file_s_checkpoints_lie_beside_it(tmp_path: Path) -> None:
    write_run(tmp_path / "run", long_inputs(DIGEST_EVERY + 10), sealed=True)
    file = tmp_path / "run" / "00000001.zst"
    replay(file, writing=True)

    assert len(list_checkpoints(DISK, tmp_path / "run" / "00000001.zst.checkpoints")) == 1
    assert replay(file, from_seq=DIGEST_EVERY + 5).from_checkpoint


def test_a_recording_without_a_run_has_no_checkpoints(tmp_path: Path) -> None:
    write_recording(tmp_path / "recording", long_inputs(DIGEST_EVERY + 10))
    found = replay(tmp_path / "recording", from_seq=DIGEST_EVERY, writing=True)

    assert not found.from_checkpoint
    assert not (tmp_path / "recording" / "checkpoints").exists()


def test_a_state_that_cannot_be_read_is_unusable_in_so_many_words(run: Path) -> None:
    last = heads(run)[-1]
    (run / "checkpoints" / f"{last.input_seq:019d}.checkpoint").unlink()
    with open_journal(run, background=Inline()) as journal, pytest.raises(Unusable, match="No such file"):
        store(journal).resume(last)


# -- overlays ----------------------------------------------------------------------------------------------------------


def test_an_overlay_resumes_in_the_middle_of_its_base(tmp_path: Path) -> None:
    base, run = tmp_path / "base", tmp_path / "run"
    write_recording(base, long_inputs(DIGEST_EVERY + 900, 500, disconnect_every=150, kept=True), block_target=20_000)
    resimulate(base, Setting(parameters={"ppm": 60_000}), run)

    def strictly(from_seq: int) -> StrictReplay:
        with open_journal(run, background=Inline()) as journal:
            kept = store(journal, writing=True)
            return replay_strictly(
                journal, from_seq=from_seq, checkpoints=kept, base=lambda start: open_base(DISK, run, start, None)
            )

    whole = strictly(1)
    (head,) = heads(run)
    resumed = strictly(head.digest_seq + 1)

    assert head.base_next > 1
    assert whole.identical
    assert resumed.identical
    assert resumed.from_checkpoint
    assert resumed.inputs == whole.inputs - head.inputs
    assert state(resumed) == state(whole)
