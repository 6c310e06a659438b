"""`engine replay` where it resimulates: which options mean what, and what a person reads."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from resimulations import JOINER, NOISY, POLICY, names, records, sample_recording

from engine.kernel import kinds
from engine.runtime.cli import engine
from engine.runtime.exits import Exit
from replay.defaults import POLICY as POLICY_OF_SIMULATIONS
from replay.run import RunStart, read_run_start

CONFIG = """
seed: 5
policy: policy.yaml
strategies:
  - name: one
    code: one.py:Noisy
    parameters: {ppm: 200000}
venue: {order_latency_ms: 40, report_latency_ms: 30}
"""


def command(*words: object, code: int = 0) -> Result:
    """`engine replay WORDS`, which has to end with *code*."""
    found = CliRunner().invoke(engine, ["replay", *map(str, words)])

    assert found.exit_code == code, found.output
    return found


def document(*words: object) -> dict:  # type: ignore[type-arg]
    """Its JSON document."""
    return json.loads(command(*words, "--json").stdout)  # type: ignore[no-any-return]


def run_start(overlay: Path) -> RunStart:
    """What an overlay's RUN_START says."""
    first = records(overlay)[0]
    assert first.kind == kinds.RUN_START
    return read_run_start(first.seq, first.payload)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording, a configuration and what it names, and a run under seed 5."""
    folder = tmp_path_factory.mktemp("resimulation")
    sample_recording(folder / "recording", frames=200)
    (folder / "one.py").write_text(NOISY)
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "config.yaml").write_text(CONFIG)
    command(folder / "recording", "--config", folder / "config.yaml", "--out", folder / "run")
    return folder


# -- seeds -------------------------------------------------------------------------------------------------------------


def test_without_a_seed_the_configurations_holds(place: Path) -> None:
    said = command(place / "recording", "--config", place / "config.yaml").stdout

    assert said.startswith("resimulation, seed 5 (no seed recorded)\n")
    assert run_start(place / "run").seed == 5


def test_the_recorded_seed_alone_means_a_strict_replay(place: Path) -> None:
    assert document(place / "run")["mode"] == "strict"
    assert document(place / "run", "--seed", 5)["mode"] == "strict"
    assert document(place / "run", "--seed", 5)["identical"] is True


def test_another_seed_means_a_resimulation_that_says_so_in_its_first_line(place: Path, tmp_path: Path) -> None:
    said = command(place / "run", "--seed", 6, "--out", tmp_path / "other").stdout

    assert said.startswith("resimulation, seed 6 (recorded 5)\n")
    assert run_start(tmp_path / "other").seed == 6
    assert names(records(tmp_path / "other")) != names(records(place / "run"))
    assert document(tmp_path / "other")["identical"] is True


def test_the_recorded_seed_resimulated_gives_the_recorded_bytes(place: Path, tmp_path: Path) -> None:
    command(place / "run", "--resimulate", "--out", tmp_path / "again")

    assert sorted(path.name for path in (place / "run").iterdir()) == [
        "00000001.manifest.json",
        "00000001.zst",
        "base.json",
        "journal.lock",
    ]
    for path in (place / "run").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_a_seed_of_the_configuration_is_set_like_any_value(place: Path, tmp_path: Path) -> None:
    said = command(place / "run", "--set", "seed=9", "--out", tmp_path / "nine").stdout

    assert said.startswith("resimulation, seed 9 (recorded 5)\n")
    assert run_start(tmp_path / "nine").seed == 9
    assert command(place / "run", "--set", "seed=9", "--seed", 3).stdout.startswith("resimulation, seed 3")


@pytest.mark.parametrize(
    ("words", "says", "advice"),
    [
        (["recording", "--seed", "7"], "holds no run", "--seed 7 --strategy FILE.py:CLASS, or"),
        (["recording", "--out", "x"], "holds no run", "--config CONFIG.yaml --out DIR"),
        (["run", "--strict", "--seed", "6"], "has seed 5", "Next:  type: engine replay"),
        (["run", "--strict", "--set", "seed=1"], "--strict takes", "engine replay"),
        (["run", "--strict", "--resimulate"], "exclude one another", "Next:  leave one of them out"),
        (["run", "--out", "x"], "this is a strict replay", "--resimulate --out DIR"),
        (["run", "--seed", "6", "--until", "9"], "--until is for a strict replay", "leave it out"),
        (["run", "--seed", "6", "--from", "2", "--jobs", "2"], "--from and --jobs are for", "leave them out"),
        (["run", "--resimulate", "--no-checkpoints"], "--checkpoints is for", "leave it out"),
    ],
)
def test_a_contradiction_is_answered_with_what_to_type(words: list[str], says: str, advice: str, place: Path) -> None:
    found = command(place / words[0], *words[1:], code=Exit.USAGE)

    assert says in found.stderr
    assert advice in found.stderr


# -- changes -----------------------------------------------------------------------------------------------------------


def test_a_run_needs_none_of_the_files_it_was_made_from(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one.py", "policy.yaml"):
        (place / name).rename(place / f"{name}.away")
    monkeypatch.chdir(tmp_path)
    try:
        same = document(place / "run", "--resimulate")
        changed = document(place / "run", "--set", "strategies.one.parameters.ppm=1000000")
    finally:
        for name in ("one.py", "policy.yaml"):
            (place / f"{name}.away").rename(place / name)

    assert same["state_digest"] == document(place / "run")["state_digest"]
    assert changed["orders"] > same["orders"]


def test_a_changed_value_is_recorded_and_replays(place: Path, tmp_path: Path) -> None:
    command(place / "run", "--set", "venue.order_latency_ms=200", "--out", tmp_path / "slow")
    run = run_start(tmp_path / "slow")

    assert "order_latency_ms: 200" in run.config
    assert run.run_id != run_start(place / "run").run_id
    assert document(tmp_path / "slow")["identical"] is True


def test_a_strategy_from_any_folder_takes_the_place_of_the_recorded_ones(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one whose class is named like a recorded one; and the new run is what a resimulation of it repeats."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    (empty / "mine.py").write_text(JOINER.replace("class JoinTouch", "class one"))
    given = {"size_lots": 20_000_000, "max_position_lots": 100_000_000}
    sets = [word for name, lots in given.items() for word in ("--set", f"strategies.one.parameters.{name}={lots}")]
    lacking = command(place / "run", "--strategy", "mine.py:one", *sets[:2], code=Exit.USAGE)
    command(place / "run", "--strategy", "mine.py:one", *sets, "--out", "new")
    run = run_start(empty / "new")
    (empty / "mine.py").unlink()
    again = document("new", "--resimulate")

    assert [(one.name, one.class_name) for one in run.strategies] == [("one", "one")]
    assert "class one" in run.strategies[0].source
    assert run.strategies[0].parameters == given
    assert "max_position_lots" in lacking.stderr
    assert "--set strategies.one.parameters.NAME=VALUE" in lacking.stderr
    assert "mine.py:one" in run.config
    assert str(tmp_path) not in run.config
    assert document("new")["identical"] is True
    assert again["state_digest"] == document("new")["state_digest"]


def test_changed_code_of_a_recorded_strategy_is_read_from_its_file(place: Path, tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text("class Idle:\n    def decide(self, view, wake):\n        return ()\n")
    code = f"strategies.one.code={tmp_path / 'two.py'}:Idle"
    found = document(place / "run", "--set", code, "--set", "strategies.one.parameters={}")

    assert found["orders"] == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--set", "venue.order_latency_ms=-1"], "expected milliseconds from 0"),
        (["--set", "venue.speed=1"], "speed"),
        (["--set", "nothing"], "path=value"),
        (["--set", "strategies.one.parameters.ppm=[]", "--set", "strategies.one.parameters.colour=1"], "colour"),
        (["--strategy", "missing.py:Mine"], "missing.py"),
        (["--strategy", "nonsense"], "name it as"),
        (["--set", "strategies.one.tier=magic"], "no tier"),
    ],
)
def test_what_is_wrong_with_a_configuration_is_an_error_of_usage_and_makes_nothing(
    words: list[str], says: str, place: Path, tmp_path: Path
) -> None:
    found = command(place / "run", *words, "--out", tmp_path / "new", code=Exit.USAGE)

    assert says in found.stderr
    assert "Traceback" not in found.output
    assert not (tmp_path / "new").exists()


def test_another_policy_is_read_from_the_file_that_an_override_names(place: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(POLICY.replace("version: ", "version: other-"))
    command(place / "run", "--set", f"policy={other}", "--out", tmp_path / "run")
    other.unlink()

    assert run_start(tmp_path / "run").policy == POLICY.replace("version: ", "version: other-")
    assert document(tmp_path / "run", "--seed", 6)["mode"] == "resimulation"
    assert document(place / "run", "--set", "policy=''")["orders"] == 0
    assert "missing.yaml" in command(place / "run", "--set", "policy=missing.yaml", code=Exit.USAGE).stderr


def test_a_policy_that_cannot_be_read_is_an_error_of_usage(place: Path, tmp_path: Path) -> None:
    for policy, says in (("missing.yaml", "missing.yaml"), ("bad.yaml", "policy")):
        (tmp_path / "bad.yaml").write_text("version: 1\n")
        (tmp_path / "config.yaml").write_text(
            CONFIG.replace("policy.yaml", policy).replace("one.py", f"{place}/one.py")
        )
        found = command(place / "recording", "--config", tmp_path / "config.yaml", code=Exit.USAGE)
        assert says in found.stderr


# -- what is said ------------------------------------------------------------------------------------------------------


def test_a_folder_that_holds_something_is_not_written_into(place: Path, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    found = command(place / "run", "--seed", 8, "--out", tmp_path, code=Exit.USAGE)

    assert "the folder is not empty" in found.stderr
    assert found.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_the_document_tells_what_came_of_it(place: Path) -> None:
    found = document(place / "recording", "--config", place / "config.yaml")

    assert found["schema"] == "refold.replay/1"
    assert (found["mode"], found["verified"], found["identical"]) == ("resimulation", "nothing", None)
    assert found["orders"] == run_orders(place / "run")
    assert set(found["pnl"]) == {"pUSD"}
    assert found["state_digest"] == document(place / "run")["state_digest"]


def test_the_verdicts_say_what_became_of_the_intents(place: Path) -> None:
    found = document(place / "recording", "--config", place / "config.yaml")

    assert sum(found["verdicts"].values()) == found["derived_by_kind"]["VERDICT"] == found["derived_by_kind"]["INTENT"]
    assert found["verdicts"]["OK"] >= found["orders"]
    assert len(found["verdicts"]) > 1


def test_a_configuration_without_a_policy_is_told_that_nothing_is_admitted(place: Path, tmp_path: Path) -> None:
    config = tmp_path / "bare.yaml"
    config.write_text(CONFIG.replace("policy: policy.yaml\n", "").replace("one.py", f"{place}/one.py"))
    found = command(place / "recording", "--config", config)

    assert "note: the configuration names no policy, and without one no order is admitted" in found.stderr
    assert "\nverdicts: " in found.stdout
    assert "names no policy" not in command(place / "run", "--seed", 6).stderr


def run_orders(overlay: Path) -> int:
    """How many orders a run placed: a capsule stands beside each."""
    return names(records(overlay))["CAPSULE"]


def test_an_exception_of_a_strategy_is_told_on_stderr_with_its_lines(place: Path, tmp_path: Path) -> None:
    found = command(place / "run", "--set", "strategies.one.parameters.raises=true", "--out", tmp_path / "run")

    assert "strategy 'one' raised ValueError: call 40 of" in found.stderr
    assert 'one.py, line 18: raise ValueError(f"call {calls}' in found.stderr
    assert "Traceback" not in found.stderr
    assert "ValueError" not in found.stdout
    assert not any(b"ValueError: call" in record.payload for record in records(tmp_path / "run"))


def test_the_document_tells_mistakes_with_a_first_example(place: Path) -> None:
    found = document(place / "run", "--seed", 6, "--set", "strategies.one.parameters.raises=true")
    refusals = {one["code"]: one for one in found["refusals"]}

    assert [(one["strategy"], one["file"], one["line"]) for one in found["faults"]] == [("one", "one.py", 18)]
    assert "Traceback" in found["faults"][0]["traceback"]
    assert {code: one["count"] for code, one in refusals.items()} == {
        code: count for code, count in found["verdicts"].items() if code != "OK"
    }
    (nowhere,) = [at for at, line in enumerate(NOISY.splitlines(), 1) if "polymarket:nowhere" in line]
    assert refusals["UNKNOWN_INSTRUMENT"]["line"] == nowhere
    assert all(one["seq"] > 1 and one["why"] and one["instead"] for one in refusals.values())


def test_with_the_guard_a_clock_is_a_fault_and_an_honest_run_the_same(place: Path, tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(
        "import time\n\n\nclass Late:\n    def decide(self, view, wake):\n        yield from [time.time()][:0]\n"
    )
    words = (place / "recording", "--strategy", f"{tmp_path / 'late.py'}:Late", "--seed", 3)

    assert document(*words)["faults"] == []
    (fault,) = document(*words, "--guard")["faults"]
    assert (fault["file"], fault["line"]) == ("late.py", 6)
    assert fault["error"].startswith("Forbidden: time.time() reads a clock (CLOCK): view.now_ns")
    honest = [document(place / "run", "--seed", 6, *guard)["state_digest"] for guard in ([], ["--guard"])]
    assert honest[0] == honest[1]


def test_a_strategy_alone_runs_on_a_recording_under_the_built_in_configuration(place: Path, tmp_path: Path) -> None:
    """From an empty folder: no configuration, no policy, nothing but the file."""
    (tmp_path / "mine.py").write_text(JOINER.replace("JoinTouch", "Mine"))
    words = (place / "recording", "--seed", 7, "--strategy", f"{tmp_path / 'mine.py'}:Mine")
    sizes = ["--set", "strategies.Mine.parameters.size_lots=20000000"]
    sizes += ["--set", "strategies.Mine.parameters.max_position_lots=100000000"]
    found = command(*words, *sizes, "--out", tmp_path / "run")
    run = run_start(tmp_path / "run")

    assert "built-in configuration: policy simulation, orders take 50" in found.stdout
    assert "verdicts: OK" in found.stdout
    assert run.policy == POLICY_OF_SIMULATIONS
    assert document(tmp_path / "run")["identical"] is True
    assert document(*words, *sizes, "--set", "venue.order_latency_ms=400")["orders"] > 0
    assert "size_lots" in command(*words, code=Exit.USAGE).stderr


# -- the base ----------------------------------------------------------------------------------------------------------


def journal(*words: object, code: int = 0) -> Result:
    """`engine journal WORDS`, which has to end with *code*."""
    found = CliRunner().invoke(engine, ["journal", *map(str, words)])

    assert found.exit_code == code, found.output
    return found


@pytest.mark.parametrize(
    ("decide", "says"),
    [
        ("        sys.exit(0)", "a strategy called sys.exit"),
        ("        self.memory['seen'] = {1, 2}", "strategy Bad, at input "),
        ("        return self.decide(view, wake)", "RecursionError raised by the strategy Bad, called for input "),
    ],
)
def test_what_no_strategy_may_do_ends_the_run_as_its_fault_and_keeps_nothing(
    decide: str, says: str, place: Path, tmp_path: Path
) -> None:
    source = "import sys\n\nclass Bad:\n    def __init__(self):\n        self.memory = {}\n"
    (tmp_path / "bad.py").write_text(f"{source}    def decide(self, view, wake):\n{decide}\n        return ()\n")
    found = command(
        place / "run", "--strategy", f"{tmp_path / 'bad.py'}:Bad", "--out", tmp_path / "out", code=Exit.USAGE
    )

    assert says in found.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.py"]


def test_what_was_saved_of_a_run_stands_on_the_same_base(place: Path, tmp_path: Path) -> None:
    journal("materialise", place / "run", "-o", tmp_path / "whole")
    for number, run in enumerate((place / "run", tmp_path / "whole")):
        saved = tmp_path / f"saved{number}"
        journal("export", run, "--format", "journal", "-o", saved)

        assert document(saved)["identical"] is True
        assert document(saved)["compared"] == document(run)["compared"]


def test_a_run_is_saved_though_nobody_knows_where_its_base_lies(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "run", tmp_path / "run")
    (tmp_path / "run" / "base.json").write_text("{")
    found = journal("export", tmp_path / "run", "--format", "journal", "-o", tmp_path / "saved")

    assert "base.json cannot be read; replay what was saved with --base" in found.stderr
    assert document(tmp_path / "saved", "--base", place / "recording")["identical"] is True


def test_an_overlay_without_its_base_asks_for_the_base(place: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.zst"
    alone.write_bytes((place / "run" / "00000001.zst").read_bytes())
    grown = sample_recording(tmp_path / "grown", frames=250)
    for words, advice in (
        ((), "say with --base where the journal is that the run was made on"),
        (("--base", place / "run"), "give with --base the journal that the run was made on: its id is 000102"),
        (("--base", grown), "changed, after the run was made: give with --base a copy of it from then"),
    ):
        found = command(alone, *words, code=Exit.DAMAGED)

        assert advice in found.stderr.partition("Next:  ")[2]
    assert document(alone, "--base", place / "recording")["identical"] is True


def test_a_resimulation_tells_of_bytes_of_its_base_that_are_no_records(place: Path, tmp_path: Path) -> None:
    base = tmp_path / "00000001.wal"
    base.write_bytes((place / "recording" / "00000001.wal").read_bytes()[:-50])
    found = command(base, "--config", place / "config.yaml")

    assert "note: the last 78 bytes are no records" in found.stderr


def test_a_base_that_is_marked_invalid_is_refused_like_the_journal_itself(place: Path, tmp_path: Path) -> None:
    journal("materialise", place / "run", "-o", tmp_path / "whole")
    marked = tmp_path / "whole" / "base" / "00000001.wal"
    journal("label", marked, "--invalid", "--reason", "the clock was off")
    for words in ((), ("--seed", 9)):
        found = command(tmp_path / "whole", *words, code=Exit.DAMAGED)

        assert "segment 1 is marked invalid (the clock was off)" in found.stderr
        assert "Next:  say --include-invalid" in found.stderr
        command(tmp_path / "whole", *words, "--include-invalid")


def test_what_was_taken_of_the_clocks_is_told(place: Path) -> None:
    words = (place / "recording", "--config", place / "config.yaml")
    told = document(*words)["clock_offsets_ms"]["polymarket-market"]
    how = "behind" if told < 0 else "ahead of"

    line = f"clock of polymarket-market: {abs(told):,.1f} ms {how} ours"
    assert f"{line} (auto, fastest input 1 ms)\n" in command(*words).stdout
    late = place / "late.yaml"
    late.write_text(CONFIG.replace("30}", "30, clock: {offset_ms: 3000}}"))
    said = command(place / "recording", "--config", late).stdout
    assert "clock of polymarket-market: 3,000.0 ms ahead of ours (as configured)\n" in said
    assert "inputs older than 2 s when heard of, and taken as 2 s old at the venue\n" in said
