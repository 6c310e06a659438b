"""`engine replay --report`: where a page is written, of which runs, and what is said of it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from resimulations import JOINER, POLICY, rewritten, sample_recording

from engine.kernel import kinds
from engine.runtime.cli import engine
from engine.runtime.exits import Exit
from journal.reader import Record

CONFIG = """
seed: 5
policy: policy.yaml
strategies:
  - name: one
    code: one.py:JoinTouch
    parameters: {size_lots: 20000000, max_position_lots: 100000000}
venue: {order_latency_ms: 40, report_latency_ms: 30}
"""


def command(*words: object, code: int = 0) -> Result:
    """`engine replay WORDS`, which has to end with *code*."""
    found = CliRunner().invoke(engine, ["replay", *map(str, words)])

    assert found.exit_code == code, found.output
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording, a configuration, a run of it and its report."""
    folder = tmp_path_factory.mktemp("reports")
    sample_recording(folder / "recording", frames=900, losses=10**9)
    (folder / "one.py").write_text(JOINER)
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "config.yaml").write_text(CONFIG)
    words = ("--config", folder / "config.yaml", "--out", folder / "run", "--report", folder / "run.html")
    said = command(folder / "recording", *words).stdout
    size = (folder / "run.html").stat().st_size

    assert f"report {folder / 'run.html'}, {size:,} bytes" in said.splitlines()
    return folder


def without_name(page: Path, journal: Path) -> str:
    """A page without what it calls its journal."""
    return page.read_text("utf-8").replace(str(journal), "X").replace(f"one on {journal.name}<", "one on X<")


def test_a_kept_run_is_proven_and_then_reported_on_as_when_it_was_made(place: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.html"
    said = command(place / "run", "--report", later).stdout

    assert said.index("replay identical") < said.index(f"report {later}")
    assert without_name(later, place / "run") == without_name(place / "run.html", place / "recording")


def test_a_run_kept_as_its_digests_is_reported_on_too(place: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    command(place / "recording", "--config", place / "config.yaml", "--out", kept, "--sink", "digests")
    document = json.loads(command(kept, "--report", tmp_path / "r.html", "--json").stdout)

    assert document["identical"] is True
    assert document["report"]["bytes"] == (tmp_path / "r.html").stat().st_size
    assert document["figures"]["orders"] > 0


def test_the_document_has_the_figures_with_and_without_a_page(place: Path, tmp_path: Path) -> None:
    words = (place / "recording", "--config", place / "config.yaml", "--json")
    without = json.loads(command(*words).stdout)
    with_page = json.loads(command(*words, "--report", tmp_path / "r.html").stdout)
    strict = json.loads(command(place / "run", "--json").stdout)
    reported = json.loads(command(place / "run", "--json", "--report", tmp_path / "s.html").stdout)

    assert without["report"] is None
    assert with_page["report"] == {
        "path": str(tmp_path / "r.html"),
        "bytes": (tmp_path / "r.html").stat().st_size,
    }
    assert without["figures"] == with_page["figures"] == reported["figures"]
    assert without["figures"]["orders"] == without["orders"] > 0
    assert (strict["report"], strict["figures"]) == (None, None)


def test_observing_changes_no_run(place: Path) -> None:
    document = json.loads(command(place / "recording", "--config", place / "config.yaml", "--json").stdout)

    assert document["state_digest"] in command(place / "run").stdout


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("run.html", "it exists already, and nothing is written over"),
        ("run", "it exists already, and nothing is written over"),
        ("nowhere/r.html", "there is no folder"),
    ],
)
@pytest.mark.parametrize("journal", ["recording", "run"])
def test_where_no_page_can_stand_is_said_before_the_run_is_played(
    place: Path, journal: str, target: str, words: str
) -> None:
    config = ("--config", place / "config.yaml") if journal == "recording" else ()
    found = command(place / journal, *config, "--report", place / target, code=Exit.USAGE)

    assert words in found.stderr
    assert found.stdout == ""


def test_a_recording_without_a_run_has_nothing_to_report(place: Path, tmp_path: Path) -> None:
    found = command(place / "recording", "--report", tmp_path / "r.html", code=Exit.USAGE)

    assert "is a recording without one" in found.stderr
    assert f"type: engine replay {place / 'recording'} --config CONFIG.yaml --report FILE" in found.stderr
    assert not list(tmp_path.iterdir())


def test_a_part_of_a_run_is_not_reported_on(place: Path, tmp_path: Path) -> None:
    found = command(place / "run", "--until", 50, "--report", tmp_path / "r.html", code=Exit.USAGE)

    assert "a report tells of a whole run" in found.stderr


def test_a_run_that_differs_is_not_reported_on(place: Path, tmp_path: Path) -> None:
    def other(record: Record) -> list[bytes]:
        return [record.payload[:-1] + b"\x07" if record.kind == kinds.REQUEST else record.payload]

    changed = rewritten(place / "run", tmp_path / "changed", other)
    found = command(changed, "--report", tmp_path / "r.html", code=Exit.DIVERGED)

    assert "replay DIVERGED" in found.stdout
    assert "no report was written" in found.stderr
    assert f"engine replay {changed} --resimulate --report FILE" in found.stderr
    assert not (tmp_path / "r.html").exists()
