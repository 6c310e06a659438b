"""`engine profile`, as typed: what it shows, what it learns, and how it ends where there is nothing to."""

import json
from pathlib import Path

import yaml
from click.testing import CliRunner, Result
from resimulations import Setting, resimulate, sample_recording

from engine.runtime.cli import engine
from engine.runtime.exits import Exit
from journal.disk import RealDisk
from replay.config import read_config
from replay.profiles import FOLDER, profile_names


def run(*words: object) -> Result:
    return CliRunner().invoke(engine, ["profile", *(str(word) for word in words)])


def test_every_profile_is_named_with_its_sentence() -> None:
    told = json.loads(run("list", "--json").stdout)["profiles"]
    shown = run("list").stdout

    assert [one["name"] for one in told] == profile_names(RealDisk())
    assert all(one["name"] in shown and one["about"] in shown for one in told)


def test_a_profile_is_shown_with_its_comments() -> None:
    assert run("show", "thin-books").stdout == (FOLDER / "thin-books.yaml").read_text("utf-8")
    assert run("show", "nowhere").exit_code == Exit.USAGE


def test_what_is_learned_of_a_run_is_a_venues_latencies(tmp_path: Path) -> None:
    base = sample_recording(tmp_path / "base", frames=300)
    resimulate(base, Setting(order_ms=40, report_ms=30), tmp_path / "run")
    printed, told = run("learn", tmp_path / "run"), json.loads(run("learn", tmp_path / "run", "--json").stdout)
    venue = yaml.safe_load(printed.stdout)
    config = read_config(yaml.safe_dump({"strategies": [], "venue": venue}), "learned")[0]

    assert printed.exit_code == Exit.OK
    assert config.venue.order_latency_ms.quantiles_ms[500_000] == 40  # type: ignore[union-attr]
    for name, one in venue.items():
        assert {int(ppm): ms for ppm, ms in told["venue"][name]["quantiles_ms"].items()} == one["quantiles_ms"]
    assert told["orders"] + told["cancels"] > 10


def test_a_recording_teaches_nothing_and_says_so(tmp_path: Path) -> None:
    result = run("learn", sample_recording(tmp_path / "base", frames=50))

    assert result.exit_code == Exit.USAGE
    assert "0 answered orders" in result.stderr
    assert "give the journal of a run" in result.stderr
