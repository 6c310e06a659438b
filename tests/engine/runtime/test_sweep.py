"""`engine sweep`, as typed: its table, what it keeps, and how it goes on after it was stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from interrupting import heed, waiting_at
from sweeps import CONFIG, place_at

from engine.runtime.cli import engine
from engine.runtime.exits import Exit

ROOT = Path(__file__).resolve().parents[3]
SPREAD = "strategy.min_spread_ticks"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return place_at(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "refold" / "runs"


def command(place: Path, *words: object, code: int = 0) -> Result:
    """`engine sweep WORDS` in *place*, which has to end with *code*."""
    typed = [str(place / word) if (place / str(word)).exists() else str(word) for word in words]
    found = CliRunner().invoke(engine, ["sweep", *typed])

    assert found.exit_code == code, found.output
    return found


def document(place: Path, *words: object) -> Any:
    return json.loads(command(place, *words, "--json").stdout)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.json")}


# -- the table ---------------------------------------------------------------------------------------------------------


def test_a_row_for_each_point_and_a_star_at_the_best(place: Path) -> None:
    found = command(place, "one", "--config", "config.yaml", "--grid", f"{SPREAD}=1..3", "--seeds", "1..3", "--jobs", 1)
    lines = found.stdout.splitlines()

    assert lines[0].split()[:7] == ["min_spread_ticks", "runs", "worst", "quartile", "median", "quartile", "best"]
    assert [line.split()[:2] for line in lines[1:4]] == [["1", "3"], ["2", "3"], ["3", "3"]]
    assert sum(" *  " in line for line in lines[1:4]) == 1
    assert lines[4].startswith("note: the best of several points looks better than it is")
    assert found.stderr.startswith("9 runs: 0 known, 9 to compute\n")


def test_the_document_has_every_run_and_the_quartiles_of_each_metric(place: Path) -> None:
    told = document(place, "one", "two", "--config", "config.yaml", "--grid", f"{SPREAD}=1,2", "--seeds", "1..2")

    assert told["schema"] == "refold.sweep/1"
    assert told["axes"] == [
        {"name": SPREAD, "path": "strategies.one.parameters.min_spread_ticks", "values": ["1", "2"]}
    ]
    assert [(point["values"], point["runs"]) for point in told["points"]] == [({SPREAD: "1"}, 4), ({SPREAD: "2"}, 4)]
    assert len(told["runs"]) == len({run["key"] for run in told["runs"]}) == 8
    for point in told["points"]:
        fills = [run["figures"]["fills"] for run in told["runs"] if run["point"] == point["point"]]
        assert float(point["metrics"]["fills"]["best"]) == max(fills)
        assert float(point["metrics"]["fills"]["worst"]) == min(fills)


@pytest.mark.parametrize("jobs", [2, 3])
def test_the_table_is_the_same_with_any_number_of_processes(place: Path, tmp_path: Path, jobs: int) -> None:
    words = ("one", "two", "--config", "config.yaml", "--grid", f"{SPREAD}=1..3", "--seeds", "1..2")
    alone = command(place, *words, "--jobs", 1, "--out", tmp_path / "alone")
    several = command(place, *words, "--jobs", jobs, "--out", tmp_path / "several")

    assert several.stdout == alone.stdout
    assert files(tmp_path / "several") == files(tmp_path / "alone")
    assert (tmp_path / "several/results.parquet").read_bytes() == (tmp_path / "alone/results.parquet").read_bytes()
    assert (tmp_path / "several/sweep.html").read_bytes() == (tmp_path / "alone/sweep.html").read_bytes()


def test_another_metric_is_judged_and_the_best_median_comes_first_when_asked(place: Path) -> None:
    words = ("one", "--config", "config.yaml", "--grid", f"{SPREAD}=1..3", "--seeds", "1..2", "--jobs", 1)
    lines = command(place, *words, "--metric", "cancels", "--sort", "metric").stdout.splitlines()
    medians = [float(line.split()[4].replace(",", "")) for line in lines[1:4]]

    assert medians == sorted(medians)  # fewer cancels are better
    assert " *  " in lines[1]
    assert "fills" not in command(place, *words, "--metric", "fills").stdout.splitlines()[0].split()[:-4]


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_nothing_is_computed_twice(place: Path, cache: Path) -> None:
    words = ("one", "--config", "config.yaml", "--grid", f"{SPREAD}=1..2", "--seeds", "1..2", "--jobs", 1)
    first = command(place, *words)
    before = files(cache)
    again = command(place, *words)
    more = command(place, *words[:-4], "--seeds", "1..3", "--jobs", 1)

    assert again.stdout == first.stdout
    assert again.stderr.startswith("4 runs: 4 known, 0 to compute\n")
    assert more.stderr.startswith("6 runs: 4 known, 2 to compute\n")
    assert before.items() <= files(cache).items()
    assert (len(before), len(files(cache))) == (4, 6)


def test_a_changed_strategy_is_computed_anew_and_a_renamed_file_is_not(place: Path, tmp_path: Path) -> None:
    (place / "edited.py").write_text((place / "joiner.py").read_text() + "\nEDITED = True\n")
    (place / "copied.py").write_text((place / "joiner.py").read_text())
    for name in ("edited", "copied"):
        (place / f"{name}.yaml").write_text(CONFIG.replace("joiner.py", f"{name}.py"))
    out = ("--jobs", 1, "--out", tmp_path / "out")
    command(place, "one", "--config", "config.yaml", *out)

    assert command(place, "one", "--config", "edited.yaml", *out).stderr.startswith("1 run: 0 known, 1 to compute")
    assert command(place, "one", "--config", "copied.yaml", *out).stderr.startswith("1 run: 1 known, 0 to compute")


def test_a_damaged_result_is_computed_again(place: Path, tmp_path: Path) -> None:
    words = ("one", "--config", "config.yaml", "--seeds", "1..2", "--jobs", 1, "--out", tmp_path / "out")
    whole = command(place, *words).stdout
    kept = files(tmp_path / "out")
    next((tmp_path / "out" / "runs").rglob("*.json")).write_bytes(b"")
    again = command(place, *words)

    assert again.stderr.startswith("2 runs: 1 known, 1 to compute\n")
    assert again.stdout == whole
    assert files(tmp_path / "out") == kept


def started(place: Path, out: Path, *words: str, until: int = 0) -> "subprocess.Popen[bytes]":
    """
    `engine sweep` of forty runs in two real processes, in the background.

    With *until* so many results are kept when this returns, and it waits with the next one in its hands.
    """
    typed = ["sweep", "one", "--config", "config.yaml", "--grid", f"{SPREAD}=1..4", "--seeds", "1..10", "--jobs", "2"]
    program = waiting_at("replay.sweep.store:Store.put", until + 1 if until else 0)
    process = subprocess.Popen(
        [sys.executable, "-c", program, *typed, "--out", str(out), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heed,
        start_new_session=True,
    )
    if until:
        assert process.stderr is not None
        assert b"here\n" in iter(process.stderr.readline, b"")
    return process


def children_of(process: "subprocess.Popen[bytes]") -> list[int]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in listed.read_text().split()] if listed.exists() else []


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_killed_half_way_it_goes_on_and_makes_only_what_is_missing(place: Path, tmp_path: Path) -> None:
    whole, _ = started(place, tmp_path / "whole").communicate(timeout=300)
    process = started(place, tmp_path / "out", until=8)
    workers = children_of(process)
    fresh = [pid for pid in workers if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    process.kill()
    process.communicate(timeout=60)
    kept = files(tmp_path / "out")
    patience = time.monotonic() + 60
    while not all(is_gone(pid) for pid in workers) and time.monotonic() < patience:
        time.sleep(0.01)
    again, said = started(place, tmp_path / "out").communicate(timeout=300)

    assert fresh == []  # on Linux they are copies, which share the market data
    assert all(is_gone(pid) for pid in workers)  # nobody goes on working for a process that is no more
    assert len(kept) == 8
    assert said.decode().startswith("40 runs: 8 known, 32 to compute\n")
    assert kept.items() <= files(tmp_path / "out").items()
    assert again == whole
    assert len(files(tmp_path / "out")) == 40


def test_interrupted_it_keeps_what_is_finished_and_ends_as_interrupted(place: Path, tmp_path: Path) -> None:
    process = started(place, tmp_path / "out", "--json", until=3)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=60)

    assert process.returncode == Exit.INTERRUPTED
    assert "3 of 40 runs are kept in" in said.decode()
    assert "Traceback" not in said.decode()
    assert json.loads(out)["schema"] == "refold.error/1"
    assert len(files(tmp_path / "out")) == 3


# -- failures ----------------------------------------------------------------------------------------------------------


def failing(place: Path, name: str, parameters: str) -> Path:
    text = CONFIG.replace("joiner.py:JoinTouch", "failing.py:Failing")
    told = text[text.index("{size_lots") : text.index("}") + 1]
    (place / name).write_text(text.replace(told, parameters))
    return place / name


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failed_run_is_told_in_its_row_and_stops_no_other(place: Path, tmp_path: Path, jobs: int) -> None:
    config = failing(place, "failing.yaml", "{at: 9}")
    words = ("one", "--config", config, "--grid", "strategy.how=nothing,raise,exit", "--seeds", "1..2", "--jobs", jobs)
    found = command(place, *words, "--out", tmp_path / "out")
    told = json.loads(command(place, *words, "--out", tmp_path / "out", "--json").stdout)
    lines = found.stdout.splitlines()

    assert [line.split()[:3] for line in lines[1:4]] == [["nothing", "2", "0"], ["raise", "2", "2"], ["exit", "2", "2"]]
    assert "failed: how=raise, seed 1 and 1 more: strategy 'one' raised ValueError: no way out" in found.stdout
    assert "failed: how=exit, seed 1 and 1 more: a strategy called sys.exit; let it return" in found.stdout
    assert [point["failed"] for point in told["points"]] == [0, 2, 2]
    assert "6 runs: 6 known" in command(place, *words, "--out", tmp_path / "out").stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--config", "config.yaml"), "there is no journal to run on"),
        (("one",), "holds no run, so a strategy or a configuration has to say what to run"),
        (("one", "two"), "with several journals a strategy or a configuration has to say what to run"),
        (("one", "one", "--config", "config.yaml"), "is given twice"),
        (("one", "--config", "config.yaml", "--grid", "strategy.spread=1..2"), "strategy 'one': extra fields found"),
        (("one", "--config", "config.yaml", "--grid", "x=1..2"), "extra fields found"),
        (("one", "--config", "config.yaml", "--grid", f"{SPREAD}=2..1"), "2..1 does not rise"),
        (("one", "--config", "config.yaml", "--seeds", "one"), "a seed is a whole number"),
        (("one", "--config", "config.yaml", "--profile", "nowhere"), "there is none of this name"),
        (("one", "--config", "config.yaml", "--metric", "sharpness"), "no run has that figure"),
    ],
)
def test_what_cannot_be_followed_is_refused(place: Path, words: tuple[str, ...], said: str) -> None:
    found = command(place, *words, "--jobs", 1, code=Exit.USAGE)

    assert said in found.stderr
    assert "Next:" in found.stderr
    assert found.stdout == ""


def test_a_bad_point_is_refused_before_any_run_is_made(place: Path, cache: Path) -> None:
    words = ("one", "--config", "config.yaml", "--grid", f"{SPREAD}=1,wide", "--seeds", "1..3")
    found = command(place, *words, code=Exit.USAGE)

    assert "strategy 'one'" in found.stderr
    assert not cache.exists()


# -- what is swept -----------------------------------------------------------------------------------------------------


def test_a_configuration_may_name_its_journals(place: Path) -> None:
    (place / "named.yaml").write_text(CONFIG + "journals: [one, two]\n")
    told = document(place, "--config", "named.yaml", "--jobs", 1)

    assert [Path(one["journal"]).name for one in told["journals"]] == ["one", "two"]
    assert [run["seed"] for run in told["runs"]] == [5, 5]
    assert len(document(place, "one", "--config", "named.yaml", "--jobs", 1)["journals"]) == 1
    (place / "lost.yaml").write_text(CONFIG + "journals: [nowhere]\n")
    assert "there is no such journal" in command(place, "--config", "lost.yaml", code=Exit.USAGE).stderr


def test_of_a_recorded_run_its_own_configuration_is_swept(place: Path) -> None:
    made = CliRunner().invoke(
        engine,
        ["replay", str(place / "one"), "--config", str(place / "config.yaml"), "--out", str(place / "run")],
    )
    assert made.exit_code == 0, made.output
    by_run = document(place, "run", "--grid", f"{SPREAD}=1..2", "--jobs", 1)
    by_file = document(place, "one", "--config", "config.yaml", "--grid", f"{SPREAD}=1..2", "--jobs", 1)

    assert [run["seed"] for run in by_run["runs"]] == [5, 5]
    assert [run["figures"] for run in by_run["runs"]] == [run["figures"] for run in by_file["runs"]]
    assert [run["key"] for run in by_run["runs"]] == [run["key"] for run in by_file["runs"]]
    twice = command(place, "run", "one", "--config", "config.yaml", code=Exit.USAGE)
    assert "are the same market data" in twice.stderr


def test_a_strategys_file_and_a_profile_are_enough(place: Path) -> None:
    words = ("one", "--strategy", f"{place / 'joiner.py'}:JoinTouch", "--profile", "jittery-network", "--seeds", "1..3")
    given = ("--set", "strategy.size_lots=20_000_000", "--set", "strategy.max_position_lots=100_000_000")
    told = document(place, *words, *given, "--grid", f"{SPREAD}=1", "--jobs", 1)

    assert [run["failure"] for run in told["runs"]] == [None] * 3
    assert len({run["figures"]["state_digest"] for run in told["runs"]}) == 3
    assert told["best"] is None


def test_where_the_seed_changes_nothing_that_is_said(place: Path) -> None:
    words = ("one", "--config", "config.yaml", "--set", "venue.order_latency_ms=40", "--seeds", "1..3", "--jobs", 1)

    assert "note: the seed changes nothing here" in command(place, *words).stdout
    assert "the seed changes nothing" not in command(place, *words[:3], *words[5:]).stdout
