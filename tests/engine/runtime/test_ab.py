"""`engine ab`, as typed: pairs, an interval, and a verdict only where there can be one."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sweeps import CONFIG, place_at

from engine.runtime.cli import engine
from engine.runtime.exits import Exit


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = place_at(tmp_path_factory.mktemp("ab"))
    (folder / "wide.yaml").write_text(CONFIG.replace("min_spread_ticks: 1", "min_spread_ticks: 4"))
    (folder / "failing.yaml").write_text(CONFIG.replace("joiner.py:JoinTouch", "failing.py:Failing"))
    told = CONFIG[CONFIG.index("{size_lots") : CONFIG.index("}") + 1]
    raising = CONFIG.replace("joiner.py:JoinTouch", "failing.py:Failing").replace(told, "{how: raise, at: 9}")
    (folder / "failing.yaml").write_text(raising)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "ab-cache"))


def command(place: Path, *words: object, code: int = 0) -> Result:
    typed = [str(place / word) if (place / str(word)).exists() else str(word) for word in words]
    found = CliRunner().invoke(engine, ["ab", *typed, "--jobs", "1"])

    assert found.exit_code == code, found.output
    return found


def document(place: Path, *words: object) -> Any:
    return json.loads(command(place, *words, "--json").stdout)


BOTH = ("--a", "config.yaml", "--b", "wide.yaml", "--seeds", "1..6")


def test_runs_are_compared_pair_by_pair(place: Path) -> None:
    told = document(place, "one", *BOTH)
    by_run = {(run["point"], run["seed"]): run["figures"]["fills"] for run in told["runs"]}
    fills = told["metrics"]["fills"]

    assert (told["pairs"], told["distinct_pairs"], told["failed_pairs"]) == (6, 6, 0)
    assert [float(one) for one in fills["differences"]] == [by_run[1, seed] - by_run[0, seed] for seed in range(1, 7)]
    assert fills["over_seeds"]["low"] <= fills["mean_difference"] <= fills["over_seeds"]["high"]
    assert fills["over_journals"] is None
    assert fills["better"] == "A"  # a spread of four ticks is rare


def test_the_verdict_says_what_it_is_about(place: Path) -> None:
    lines = command(place, "one", *BOTH, "--metric", "fills").stdout.splitlines()

    assert lines[0].split()[:3] == ["metric", "mean", "A"]
    assert lines[1].startswith("fills ")
    assert any(
        line.startswith("A is better by fills on this journal; B is better in 0 of 6 pairs (0 %)") for line in lines
    )
    assert lines[-1].startswith("note: the interval is about this journal: another day may say otherwise")


def test_with_several_journals_pairs_are_of_one_journal(place: Path) -> None:
    told = document(place, "one", "two", *BOTH)

    assert told["pairs"] == 12
    assert told["metrics"]["fills"]["over_seeds"]["values"] == 12
    assert told["metrics"]["fills"]["over_journals"] is None
    assert "on these journals" in command(place, "one", "two", *BOTH, "--metric", "fills").stdout


def test_few_pairs_tell_nothing(place: Path) -> None:
    found = command(place, "one", *BOTH[:4], "--seeds", "1..4", "--metric", "fills")

    assert "cannot be told apart by fills: 4 pairs that differ, at least 5 are needed" in found.stdout


def test_pairs_that_the_seed_does_not_change_count_once(place: Path) -> None:
    words = ("one", *BOTH, "--set", "venue.order_latency_ms=40")
    told = document(place, *words)

    assert (told["pairs"], told["distinct_pairs"], told["better"]) == (6, 1, None)
    assert "the seed changes nothing on some journal: 6 pairs are 1 that differ" in command(place, *words).stdout


def test_pairs_of_which_one_failed_are_left_out_and_told(place: Path) -> None:
    found = command(place, "one", "--a", "config.yaml", "--b", "failing.yaml", "--seeds", "1..2")

    assert found.stdout.startswith("nothing to compare: no pair of runs came to an end with that figure\n")
    assert "failed: B, seed 1 and 1 more: strategy 'one' raised ValueError: no way out" in found.stdout
    assert "note: 2 pairs left out, since one of the two runs failed" in found.stdout


def test_a_sweep_and_a_comparison_share_what_they_computed(place: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    swept = ["sweep", str(place / "one"), "--config", str(place / "config.yaml"), "--seeds", "1..3", "--jobs", "1"]
    assert CliRunner().invoke(engine, [*swept, *map(str, out)]).exit_code == 0
    found = command(place, "one", *BOTH, *out)

    assert found.stderr.startswith("12 runs: 3 known, 9 to compute\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("one", "--a", "config.yaml", "--b", "config.yaml"), "say the same"),
        (("--a", "config.yaml", "--b", "wide.yaml"), "there is no journal to run on"),
        (("one", "--a", "config.yaml", "--b", "wide.yaml", "--metric", "luck"), "no run has that figure"),
        (("one", "--a", "config.yaml"), "Missing option '--b'"),
    ],
)
def test_what_cannot_be_followed_is_refused(place: Path, words: tuple[str, ...], said: str) -> None:
    assert said in command(place, *words, code=Exit.USAGE).stderr
