"""The benchmark command runs and says what it promises to say. How fast anything is, no test asks."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run(*words: str) -> str:
    command = [sys.executable, "-m", "benchmarks", *words]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("benchmarks")
    nothing_recorded = str(folder / "absent")
    return json.loads(
        run("--size", "tiny", "--alone", "--json", "--stages", "--folder", str(folder), "--data", nothing_recorded)
    )


def test_every_case_is_measured_even_where_no_recorded_data_lies(measured: dict[str, Any]) -> None:
    named = [line.split()[0] for line in run("--list").splitlines()]

    assert measured["schema"] == "refold.benchmarks/1"
    assert measured["binance_frames"] == "generated"
    assert named == [figure["name"] for figure in measured["figures"]]
    assert len(named) == len(set(named))


def test_every_figure_has_its_unit_its_repetitions_and_ratios_to_its_bounds(measured: dict[str, Any]) -> None:
    for figure in measured["figures"]:
        assert figure["value"] > 0
        assert figure["unit"]
        assert figure["repetitions"] >= 1
        assert figure["noise"] >= 0
        assert figure["processor"] > 0
        assert all(ratio > 0 for ratio in figure["ratios"].values())
        assert bool(figure["verdict"]) == (figure["budget"] is not None)


def test_memory_and_stages_are_reported(measured: dict[str, Any]) -> None:
    assert measured["memory"]["frames"] >= 1000
    assert {"strict replay, Binance mix", "strict replay, Polymarket sample", "resimulate, Polymarket sample"} == set(
        measured["stages"]
    )


def test_the_table_has_a_row_for_each_case_asked_for(tmp_path: Path) -> None:
    words = ("translate", "--size", "tiny", "--alone", "--folder", str(tmp_path), "--data", str(tmp_path / "absent"))
    lines = run(*words).splitlines()

    assert lines[2].split()[:3] == ["what", "median", "unit"]
    assert len(lines) == 3 + 5
