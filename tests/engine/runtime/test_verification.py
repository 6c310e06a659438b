"""`engine replay` strictly: from where, in how many processes, with which checkpoints, and what is said about it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from interrupting import heed, waiting_at
from resimulations import JOINING, resimulate, write_recording
from run_maker import Derived, long_inputs, write_run

from engine.kernel.step import DIGEST_EVERY, Kernel
from engine.runtime.cli import engine
from engine.runtime.commands import workers
from engine.runtime.commands.workers import Workers
from engine.runtime.exits import Exit
from journal.background import Inline
from journal.disk import RealDisk
from journal.reader import open_journal
from journal.seal import seal
from journal.show import utc
from replay import resume
from replay.ranges import Piece, PieceAnswer, joined, replay_piece
from replay.resume import Checkpoints
from replay.verify import replay_strictly, this_build

ROOT = Path(__file__).resolve().parents[3]


def run(*words: object) -> Result:
    return CliRunner().invoke(engine, ["replay", *[str(word) for word in words]])


def document(*words: object) -> dict:  # type: ignore[type-arg]
    found = run(*words, "--json")

    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two checkpoints."""
    folder = tmp_path_factory.mktemp("verification") / "run"
    write_run(folder, long_inputs(2 * DIGEST_EVERY + 900, 500, disconnect_every=90), block_target=8192)
    with open_journal(folder, background=Inline()) as journal:
        kept = Checkpoints(RealDisk(), journal, this_build(), True, DIGEST_EVERY)
        replay_strictly(journal, checkpoints=kept)

        assert kept.written == 2
    return folder


@pytest.fixture
def journal(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to spoil."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def test_from_a_number_or_a_time_begins_at_the_nearest_checkpoint_and_says_so(made: Path) -> None:
    whole = document(made)
    with open_journal(made, background=Inline()) as opened:
        place = next(record for record in opened.records(2 * DIGEST_EVERY + 500))
        first = next(record for record in opened.records() if record.recv_ns == place.recv_ns)
    by_number, by_time = document(made, "--from", first.seq), document(made, "--from", utc(first.recv_ns))

    assert {name: by_time[name] for name in by_time if name not in ("elapsed_s", "frames_per_s")} == {
        name: by_number[name] for name in by_number if name not in ("elapsed_s", "frames_per_s")
    }
    assert by_number["from_checkpoint"] is True
    assert 1 < by_number["start_seq"] <= first.seq
    assert by_number["state_digest"] == whole["state_digest"]
    assert by_number["notes"] == [
        f"verified from record {by_number['start_seq']:,} on, the state before it taken from a checkpoint"
    ]
    text = run(made, "--from", first.seq)
    assert f"note: {by_number['notes'][0]}" in text.stderr


@pytest.mark.parametrize(
    ("words", "at_end"),
    [
        (("--from", "2100-01-01"), True),
        (("--from", 10**6), True),
        (("--from", "9" * 5000), True),
        (("--from", "2100-01-01", "--until", "2101-01-01"), True),
        (("--from", "2100-01-01", "--jobs", 2), True),
        (("--until", 0), False),
        (("--until", "2020-01-01"), False),
        (("--from", "2019-01-01", "--until", "2020-01-01"), False),
    ],
    ids=lambda value: "",
)
def test_where_no_record_was_asked_for_nothing_was_compared_and_nothing_is_identical(
    made: Path, words: tuple[object, ...], at_end: bool
) -> None:
    whole, found, said = document(made), document(made, *words), run(made, *words)

    assert (found["verified"], found["identical"], found["compared"]) == ("nothing", None, 0)
    assert (found["state_digest"] == whole["state_digest"]) is at_end
    assert f"nothing compared: the journal holds records 1 to {whole['last_seq']:,}, and none was" in said.stdout
    assert "identical" not in said.output
    assert "--from" not in said.output


def test_a_stretch_of_time_without_a_record_is_nothing_to_compare(made: Path) -> None:
    with open_journal(made, background=Inline()) as opened:
        records = list(opened.records(1, 3000))
    before, after = next((a, b) for a, b in pairwise(records) if b.recv_ns > a.recv_ns + 2000)
    found = document(made, "--from", utc(before.recv_ns + 1000), "--until", utc(after.recv_ns - 1000))

    assert (found["verified"], found["last_seq"]) == ("nothing", before.seq)


def test_a_difference_that_was_not_asked_for_is_none(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "run"
    spoil(path)

    assert run(path).exit_code == Exit.DIVERGED
    assert document(path, "--from", 10**6)["identical"] is None


def spoil(folder: Path) -> None:
    """A run that nobody would conclude again: its last derived record says something else."""
    left = [150]

    def lie(seq: int, kernel: Kernel, concluded: list[Derived]) -> list[Derived]:
        if left and seq >= left[0] and concluded:
            left.pop()
            return [(kind, schema, payload[:-1] + bytes([payload[-1] ^ 1])) for kind, schema, payload in concluded]
        return concluded

    write_run(folder, long_inputs(300, 200, disconnect_every=50), change=lie)


def test_the_first_input_alone_is_no_recording_without_a_kernel(made: Path) -> None:
    said = run(made, "--until", 1)

    assert "nothing compared: no derived record stands in what was replayed up to record 1" in said.stdout


def test_from_and_until_may_not_contradict(made: Path) -> None:
    for first, last in ((500, 499), ("2026-01-02", "2026-01-01")):
        found = run(made, "--from", first, "--until", last)

        assert found.exit_code == Exit.USAGE
        assert f"{last} lies before --from {first}" in found.stderr
    for option in ("--from", "--until"):
        assert run(made, option, "yesterday").exit_code == Exit.USAGE


def test_a_digit_that_is_no_number_is_no_place(made: Path) -> None:
    for option in ("--from", "--until"):
        found = run(made, option, "²")
        assert found.exit_code == Exit.USAGE
        assert "no time: '²'" in found.stderr


def test_a_recording_is_folded_from_its_start_whatever_is_asked(tmp_path: Path) -> None:
    write_recording(tmp_path, long_inputs(200))
    found = document(tmp_path, "--from", 150, "--jobs", 2)

    assert found["verified"] == "nothing"
    assert found["start_seq"] == 1
    assert found["notes"] == [
        "verified in one job: there are no checkpoints to cut the journal at",
        "folded from record 1 on: a recording without a run has no checkpoints",
    ]


def test_without_checkpoints_neither_reads_nor_writes_any(journal: Path) -> None:
    found = document(journal, "--no-checkpoints", "--from", 2 * DIGEST_EVERY)

    assert found["start_seq"] == 1
    assert found["notes"] == ["folded from record 1 on: no usable checkpoint stands before"]
    assert document(journal, "--no-checkpoints", "--jobs", 2)["notes"] == [
        "verified in one job: several would begin at checkpoints, and --no-checkpoints uses none"
    ]
    shutil.rmtree(journal / "checkpoints")
    document(journal, "--no-checkpoints")
    assert not (journal / "checkpoints").exists()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Journals of this file are long."""
    monkeypatch.setattr(resume, "EVERY", DIGEST_EVERY)
    monkeypatch.setattr(resume, "LEAST_EVERY", DIGEST_EVERY)


@pytest.mark.parametrize(
    ("options", "kept"),
    [([], 2), (["--checkpoints"], 2), (["--checkpoints", "--jobs", "3"], 2), (["--no-checkpoints"], 0)],
)
@pytest.mark.usefixtures("short")
def test_checkpoints_are_kept_for_a_folder_long_enough_to_profit(options: list[str], kept: int, journal: Path) -> None:
    shutil.rmtree(journal / "checkpoints")
    found = document(journal, *options)
    folder = journal / "checkpoints"

    assert (len(list(folder.iterdir())) if folder.exists() else 0) == kept
    assert any(f"{kept} checkpoints written to" in note for note in found["notes"]) is bool(kept)


def test_a_journal_too_short_to_profit_gets_no_checkpoints(journal: Path) -> None:
    shutil.rmtree(journal / "checkpoints")
    document(journal)
    document(journal, "--checkpoints")

    assert not (journal / "checkpoints").exists()


@pytest.mark.usefixtures("short")
def test_an_overlay_is_as_long_as_what_it_folds_of_its_base(tmp_path: Path) -> None:
    base, path = tmp_path / "base", tmp_path / "run"
    write_recording(base, long_inputs(DIGEST_EVERY + 500, 300, disconnect_every=150, kept=True))
    resimulate(base, JOINING, path)
    with open_journal(path, background=Inline()) as opened:
        assert opened.last_seq < DIGEST_EVERY

    assert "1 checkpoint written to" in document(path)["notes"][0]


@pytest.mark.parametrize(
    ("inputs", "every"), [(1000, 1 << 14), (200_000, 1 << 14), (1 << 20, 1 << 16), (1 << 30, 1 << 17)]
)
def test_a_shorter_journal_has_its_checkpoints_closer_together(inputs: int, every: int) -> None:
    assert resume.spacing(inputs) == every


@pytest.mark.usefixtures("short")
def test_a_single_file_gets_checkpoints_only_when_asked(tmp_path: Path) -> None:
    write_run(tmp_path / "run", long_inputs(DIGEST_EVERY + 10), sealed=True)
    file = tmp_path / "run" / "00000001.zst"
    document(file)

    assert not list(file.parent.glob("*.checkpoints"))
    document(file, "--checkpoints")
    assert len(list((file.parent / "00000001.zst.checkpoints").iterdir())) == 1


# -- processes ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are started however little there is to do."""
    monkeypatch.setattr(workers, "PATIENCE_S", 0.0)
    monkeypatch.setattr(workers, "PAYS_S", 0.0)


@pytest.mark.usefixtures("at_once")
def test_two_processes_give_the_answer_of_one(made: Path) -> None:
    one, two = document(made), document(made, "--jobs", 2)
    for told in (one, two):
        for name in ("elapsed_s", "frames_per_s"):
            del told[name]

    assert one == two
    assert one["identical"] is True


@pytest.mark.usefixtures("at_once")
def test_a_difference_is_reported_alike_by_two_processes(made: Path, tmp_path: Path) -> None:
    left = [DIGEST_EVERY + 700]

    def lie(seq: int, kernel: Kernel, concluded: list[Derived]) -> list[Derived]:
        if left and seq >= left[0] and concluded:
            left.pop()
            return [(kind, schema, payload[:-1] + bytes([payload[-1] ^ 1])) for kind, schema, payload in concluded]
        return concluded

    inputs = long_inputs(2 * DIGEST_EVERY + 900, 500, disconnect_every=90)
    write_run(tmp_path, inputs, change=lie, block_target=8192)
    shutil.copytree(made / "checkpoints", tmp_path / "checkpoints")
    one, two = run(tmp_path, "--json"), run(tmp_path, "--jobs", 2, "--json")

    assert one.exit_code == two.exit_code == Exit.DIVERGED
    assert json.loads(one.stdout)["divergence"] == json.loads(two.stdout)["divergence"]
    assert json.loads(one.stdout)["compared"] == json.loads(two.stdout)["compared"]


@pytest.mark.usefixtures("at_once")
def test_damage_is_raised_alike_by_two_processes(journal: Path) -> None:
    seal(RealDisk(), journal, 1, sealed_ns=1)
    path = journal / "00000001.zst"
    whole = bytearray(path.read_bytes())
    whole[len(whole) * 6 // 10] ^= 1
    path.write_bytes(whole)
    one, two = run(journal), run(journal, "--jobs", 2)

    assert one.exit_code == two.exit_code == Exit.DAMAGED
    assert one.stderr.splitlines()[-2:] == two.stderr.splitlines()[-2:]


def pieces_at(folder: Path) -> list[Piece]:
    """The journal in three pieces."""
    with open_journal(folder, background=Inline()) as opened:
        heads = Checkpoints(RealDisk(), opened, this_build()).heads()
    starts, ends = [None, *heads], [*heads, None]
    return [Piece(folder, None, start, end, None) for start, end in zip(starts, ends, strict=True)]


def answers_of(pieces: list[Piece]) -> list[PieceAnswer]:
    return [replay_piece(piece, lambda done: None) for piece in pieces]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("jobs", [2, 3])
def test_every_piece_is_done_once_whoever_does_it(made: Path, jobs: int) -> None:
    pieces, told = pieces_at(made), [0]
    with Workers(jobs, told.append, 1) as pool:
        found = list(pool(pieces))
        raw_bytes = sum(told)
        again = list(pool(pieces))

        assert len(pool._workers) == jobs - 1
    assert found == again == list(zip(pieces, answers_of(pieces), strict=True))
    assert sum(told) == 2 * raw_bytes > 0


def test_alone_it_does_its_share_and_then_the_rest_in_one_go(made: Path) -> None:
    pieces = pieces_at(made)
    with Workers(2, lambda done: None, 1) as pool:
        pool._clock = StandingClock()
        found = list(pool(pieces))

        assert pool._workers == []
    expected = [pieces[0], joined(pieces[1:])]
    assert found == list(zip(expected, answers_of(expected), strict=True))


@pytest.mark.usefixtures("at_once")
def test_a_piece_whose_worker_was_killed_is_replayed_here(made: Path) -> None:
    pieces = pieces_at(made)
    with Workers(3, lambda done: None, 1) as pool:
        answers = pool(pieces)
        found = [next(answers)]
        for worker in pool._workers:
            os.kill(worker.process.pid or 0, signal.SIGKILL)
        found += answers
        later = list(pool(pieces))

    for said in (found, later):
        assert [piece.end for piece, _ in said][-1] is None
        assert [answer for _, answer in said] == answers_of([piece for piece, _ in said])
        assert sum(answer.inputs for _, answer in said) == sum(answer.inputs for answer in answers_of(pieces))


@pytest.mark.usefixtures("at_once")
def test_what_a_worker_still_does_for_an_earlier_call_is_not_mistaken_for_its_next_answer(made: Path) -> None:
    pieces = pieces_at(made)
    with Workers(2, lambda done: None, 1) as pool:
        while not any(worker.task is not None for worker in pool._workers):
            next(pool(pieces))
        found = list(pool(pieces[1:]))

    assert [answer for _, answer in found] == answers_of([piece for piece, _ in found])
    assert (found[0][0].start, found[-1][0].end) == (pieces[1].start, None)


class StandingClock:
    """Nothing takes any time."""

    def wall_ns(self) -> int:
        return 0

    def mono_ns(self) -> int:
        return 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the workers are looked up in /proc")
def test_an_interrupt_ends_the_workers_and_the_command_with_130(made: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "REFOLD_PURE": "1", "REFOLD_REQUIRE": ""}
    at_once = "from engine.runtime.commands import workers; workers.PATIENCE_S = workers.PAYS_S = 0.0\n"
    program = at_once + waiting_at("engine.runtime.commands.workers:Workers._look", 2)  # they were started in the first
    command = [sys.executable, "-c", program, "replay", str(made), "--jobs", "2"]
    process = subprocess.Popen(
        command,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=heed,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "here\n"
    children = workers_of(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process of the group
    out, err = process.communicate(timeout=60)

    assert len(children) == 2  # a worker, and who looks after what they share
    assert process.returncode == Exit.INTERRUPTED
    assert out == ""
    assert err.strip() == "Error: interrupted."
    patience = time.monotonic() + 60
    while (left := [pid for pid in children if alive(pid)]) and time.monotonic() < patience:
        time.sleep(0.02)
    assert not left


def workers_of(pid: int) -> list[int]:
    """The processes that *pid* started, and these."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
