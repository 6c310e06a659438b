"""The documents that commands print are as described, and the examples of the documentation run."""

import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from docs_pages import DOCS, FIRST_STRATEGY, REFERENCE, ROOT, TUTORIAL, fences, rows, section, typed

from engine.runtime.exits import Exit
from journal.disk import RealDisk
from replay.config import read_config
from replay.policy import read_policy

# -- documents -----------------------------------------------------------------------------------------------------


def say(*words: str, cwd: Path, code: int = 0) -> bytes:
    """What a command prints, run as a person would; it must end with *code*."""
    program = "from engine.runtime.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {program}", *words],
        cwd=cwd,
        capture_output=True,
        check=False,
    )

    assert done.returncode == code, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small recording in `sample`, a policy, and the tutorial's configuration."""
    folder = tmp_path_factory.mktemp("first")
    say("sample", "-o", "sample", "--markets", "2", "--frames", "1500", "--seed", "1", cwd=folder)
    (folder / "policy.yaml").write_bytes((ROOT / "config" / "trading_policy.yaml").read_bytes())
    (folder / "demo.yaml").write_text(fences(TUTORIAL, "yaml")[0], encoding="utf-8")
    return folder


def test_every_json_document_is_on_its_page_and_no_page_is_of_none() -> None:
    sources = [*(ROOT / "engine" / "runtime").rglob("*.py")]
    used = sorted({found for path in sources for found in re.findall(r'"(refold\.[a-z.]+/\d+)"', path.read_text())})
    told = re.findall(r"^## (refold\S+)$", (REFERENCE / "json_documents.md").read_text("utf-8"), re.MULTILINE)

    assert used == sorted(told)


def members_told(schema: str, column: int | None = None) -> list[str]:
    """The members that the page lists for *schema*; of a table of several columns, those filled in *column*."""
    found: list[str] = []
    for cells in rows(section(REFERENCE / "json_documents.md", f"## {schema}"))[1:]:
        if column is None or cells[column]:
            found.extend(re.findall(r"`(\w+)`", cells[0]))
    return sorted(found)


def test_the_documents_have_the_members_their_pages_list(sample: Path, tmp_path: Path) -> None:
    (sample / "follow.py").write_text(fences(TUTORIAL, "python")[0], encoding="utf-8")
    (tmp_path / "frames.jsonl").write_bytes(b'{"recv_ms":1790267379153,"payload":"[]"}\n')
    run = str(tmp_path / "run")
    asked: list[tuple[str, int | None, list[str], int]] = [
        ("refold.error/1", None, ["journal", "info", "nowhere"], 2),
        ("refold.sample/1", None, ["sample", "-o", str(tmp_path / "s"), "--markets", "1", "--frames", "20"], 0),
        (
            "refold.journal.import/1",
            None,
            ["journal", "import", str(tmp_path / "frames.jsonl"), "--venue", "polymarket", "-o", str(tmp_path / "i")],
            0,
        ),
        ("refold.journal.info/1", None, ["journal", "info", "sample"], 0),
        ("refold.journal.verify/1", None, ["journal", "verify", "sample"], 0),
        ("refold.journal.index/1", None, ["journal", "index", "sample"], 0),
        ("refold.journal.seal/1", None, ["journal", "seal", "sample"], 0),
        ("refold.journal.decode/1", None, ["journal", "decode", "sample"], 0),
        ("refold.journal.bundle/1", None, ["journal", "bundle", "sample", "-o", str(tmp_path / "b.zst")], 0),
        ("refold.journal.export/1", 1, ["journal", "export", "sample", "-o", str(tmp_path / "e.jsonl")], 0),
        (
            "refold.journal.salvage/1",
            None,
            ["journal", "export", "sample", "--format", "journal", "-o", str(tmp_path / "saved")],
            0,
        ),
        (
            "refold.journal.label/1",
            None,
            ["journal", "label", str(tmp_path / "s" / "00000001.zst"), "--invalid", "--reason", "x"],
            0,
        ),
        ("refold.replay/1", 2, ["replay", "sample", "--config", "demo.yaml", "--out", run], 0),
        ("refold.replay/1", 1, ["replay", run], 0),
        ("refold.learned/1", None, ["profile", "learn", run], 0),
        ("refold.lint/1", None, ["lint", "follow.py"], 0),
        ("refold.profiles/1", None, ["profile", "list"], 0),
        ("refold.profile/1", None, ["profile", "show", "calm"], 0),
        ("refold.journal.materialise/1", None, ["journal", "materialise", run, "-o", str(tmp_path / "alone")], 0),
    ]
    for schema, column, words, code in asked:
        document = orjson.loads(say(*words, "--json", cwd=sample, code=code))

        assert document["schema"] == schema
        assert sorted(document) == members_told(schema, column), " ".join(words)


# -- examples ------------------------------------------------------------------------------------------------------


def test_the_tutorial_does_what_it_says(sample: Path) -> None:
    followed, hasty = fences(TUTORIAL, "python")
    code = sample / "follow.py"

    assert len(followed.splitlines()) < 30
    code.write_text(followed, encoding="utf-8")
    say("replay", "sample", "--config", "demo.yaml", "--out", "run", cwd=sample)
    code.write_text(hasty, encoding="utf-8")
    said = say("replay", "run", cwd=sample).decode()
    assert "replay identical" in said
    say("replay", "sample", "--config", "demo.yaml", "--out", "hasty", cwd=sample)
    said = say("replay", "hasty", cwd=sample, code=int(Exit.DIVERGED)).decode()
    assert "replay DIVERGED at seq" in said


def changed(text: str, difference: str) -> str:
    """*text* with the lines that *difference* marks with - replaced by those it marks with +."""
    lines = difference.splitlines()
    before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    after = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))

    assert text.count(before) == 1, difference
    return text.replace(before, after)


def test_the_first_strategy_does_what_its_page_says(tmp_path: Path) -> None:
    strategy, notebook = fences(FIRST_STRATEGY, "python")
    half, *late = fences(FIRST_STRATEGY, "diff")
    code = tmp_path / "mine.py"
    code.write_text(strategy, encoding="utf-8")
    run = ["replay", "sample", "--strategy", "mine.py:Mine", "--seed", "7"]

    assert len(strategy.splitlines()) < 30
    said = say("sample", "-o", "sample", "--markets", "3", "--frames", "5000", "--seed", "1", cwd=tmp_path).decode()
    assert said in FIRST_STRATEGY.read_text("utf-8")
    said = say(*run, "--guard", "--out", "run", cwd=tmp_path).decode()
    assert "built-in configuration: policy simulation, orders take 50.0 ms" in said
    assert "verdicts: OK" in said
    assert "replay identical" in say("replay", "run", cwd=tmp_path).decode()
    notebook += "assert run.stats.fills == len(run.fills) == table.num_rows > 0\n"
    subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {notebook}"], cwd=tmp_path, check=True
    )
    code.write_text(changed(strategy, half), encoding="utf-8")
    document = orjson.loads(say(*run, "--json", cwd=tmp_path))
    (refusal,) = document["refusals"]
    assert (refusal["code"], refusal["line"]) == ("INTENT_MALFORMED", 22)
    assert f"{refusal['why']}; {refusal['instead']}" in FIRST_STRATEGY.read_text("utf-8")
    linted = say("lint", "mine.py", cwd=tmp_path, code=int(Exit.PREFLIGHT_REFUSED)).decode()
    assert linted in FIRST_STRATEGY.read_text("utf-8")
    for difference in late:
        strategy = changed(strategy, difference)
    code.write_text(strategy, encoding="utf-8")
    linted = say("lint", "mine.py", cwd=tmp_path, code=int(Exit.PREFLIGHT_REFUSED)).decode()
    assert linted in FIRST_STRATEGY.read_text("utf-8")
    (fault,) = orjson.loads(say(*run, "--guard", "--json", cwd=tmp_path))["faults"]
    assert f"strategy 'Mine' raised {fault['error']}" in FIRST_STRATEGY.read_text("utf-8")
    assert f"  mine.py, line {fault['line']}: {fault['code']}\n" in FIRST_STRATEGY.read_text("utf-8")


@pytest.mark.parametrize("number", range(3))
def test_the_strategies_of_the_how_to_run_and_replay(sample: Path, tmp_path: Path, number: int) -> None:
    text = fences(DOCS / "how-to" / "write-a-strategy.md", "python")[number]
    name = re.findall(r"^class (\w+)", text, re.MULTILINE)[0]
    parameters = {}
    if "size_lots: int" in text:
        parameters["size_lots"] = 20_000_000
    if "instrument: str" in text:
        states = orjson.loads(say("journal", "cat", "sample", "--limit", "1", "--json", cwd=sample))
        parameters["instrument"] = "polymarket:" + orjson.loads(states["payload"]["frame"][0]["clobTokenIds"])[0]
    (tmp_path / "example.py").write_text(text, encoding="utf-8")
    (tmp_path / "policy.yaml").write_bytes((sample / "policy.yaml").read_bytes())
    given = orjson.dumps(parameters).decode()
    (tmp_path / "example.yaml").write_text(
        f"policy: policy.yaml\nstrategies: [{{name: one, code: 'example.py:{name}', parameters: {given}}}]\n"
        "venue: {order_latency_ms: 1, report_latency_ms: 1}\n",
        encoding="utf-8",
    )
    run = tmp_path / "run"
    words = ["replay", "sample", "--config", str(tmp_path / "example.yaml"), "--guard", "--out", str(run), "--json"]
    document = orjson.loads(say(*words, cwd=sample))
    again = orjson.loads(say("replay", str(run), "--json", cwd=sample))

    assert document["faults"] == []
    assert document["derived_by_kind"].get("INTENT", 0) >= 1
    assert again["identical"] is True
    assert again["state_digest"] == document["state_digest"]


def test_the_example_files_can_be_read() -> None:
    text = (ROOT / "config" / "demo.yaml").read_text("utf-8")
    config, said = read_config(text, "demo.yaml")

    assert said == text
    assert RealDisk().exists(ROOT / "config" / config.policy)
    assert read_policy((ROOT / "config" / config.policy).read_text("utf-8")).version


def test_the_readme_shows_what_make_demo_runs() -> None:
    shown = [line for line in typed(ROOT / "README.md", "console") if line.startswith("engine ")]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    run = re.findall(r"^\t@\$\(RUN\)/(engine (?:sample|replay) .*)$", makefile, re.MULTILINE)

    assert shown == run
