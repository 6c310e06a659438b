"""The determinism contract within one Python: other hash seeds and surroundings, compiled or not, one answer."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from matrix import FLOAT_SUM, Cell, every_pair, surroundings
from matrix_envs import RUNNING, VERSIONS, interpreter, requirements
from resimulations import Setting, raw_bytes, resimulate, sample_recording, strict

from engine.kernel.dense import DensePacker

ROOT = Path(__file__).resolve().parent.parent

ODD = {
    "plain": {},
    "another hash seed": {"PYTHONHASHSEED": "4711"},
    "ASCII in Samoa": {"LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "Pacific/Apia"},
    "interpreted": {"REFOLD_PURE": "1", "REFOLD_REQUIRE": ""},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording and a run of the noisy strategy on it."""
    folder = tmp_path_factory.mktemp("determinism")
    sample_recording(folder / "recording", frames=600)
    resimulate(folder / "recording", Setting(), folder / "run")
    return folder


def replayed(run: Path, variables: dict[str, str]) -> dict:  # type: ignore[type-arg]
    """What `engine replay --json` says in a process with these environment variables."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-m", "engine.runtime.cli", "replay", str(run), "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("surrounding", ODD)
def test_a_run_replays_identically_in_any_surroundings(surrounding: str, made: Path) -> None:
    here = strict(made / "run")
    there = replayed(made / "run", ODD[surrounding])

    assert here.identical
    assert here.kernel is not None
    assert there["identical"] is True
    assert there["state_digest"] == here.kernel.state_digest().hex()


def test_the_same_run_made_twice_has_the_same_bytes(made: Path) -> None:
    resimulate(made / "recording", Setting(), made / "again")

    assert (made / "run" / "00000001.zst").read_bytes() == (made / "again" / "00000001.zst").read_bytes()


def test_a_strategy_that_adds_floats_with_sum_decides_by_the_python_version(tmp_path: Path) -> None:
    sample_recording(tmp_path / "recording", frames=120)
    sure = {}
    for function in ("sum", "math.fsum"):
        source = "import math\n" + FLOAT_SUM.replace("{function}", function)
        resimulate(tmp_path / "recording", Setting(source, "Adds"), tmp_path / function)
        sure[function] = raw_bytes(tmp_path / function)
        assert strict(tmp_path / function).identical

    packer = DensePacker()
    packer.put(1_000_000)
    million = packer.take()
    assert million in sure["math.fsum"]
    assert (million in sure["sum"]) == (sys.version_info >= (3, 12))


def test_the_matrix_meets_every_pair_of_values_in_few_cells() -> None:
    axes = (tuple("abcde"), (1, 2), ("x", "y", "z"), (False, True), (0, 1))
    rows = list(every_pair(axes))

    for one, two in itertools.combinations(range(len(axes)), 2):
        assert {(row[one], row[two]) for row in rows} == set(itertools.product(axes[one], axes[two]))
    assert len(rows) <= 20
    assert rows == list(every_pair(axes))


def test_a_cell_says_all_its_values_and_sets_the_variables_that_mean_them() -> None:
    cell = Cell(("3.13", False), "12345", "C (ASCII)", "Pacific/Apia", 2, True)

    assert cell.row() == ["3.13", "interpreted", "12345", "C (ASCII)", "Pacific/Apia", "2", "checkpoint"]
    assert surroundings(cell)["LC_ALL"] == "C"
    assert surroundings(cell)["PYTHONHASHSEED"] == "12345"


def test_the_running_python_is_one_of_the_matrix_and_needs_no_search() -> None:
    assert RUNNING in VERSIONS
    assert interpreter(RUNNING) == sys.executable
    assert interpreter("3.4") is None
    assert any(one.startswith("librt") for one in requirements(compiling=False))
