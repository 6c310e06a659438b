"""The documentation holds: its links lead somewhere, its commands exist, its examples run, its tables are complete."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson
import pytest
from docs_commands import PAGE, leaves, page

from engine.kernel import codes, kinds
from engine.kernel.derived import LAYOUTS
from engine.kernel.inputs import FIXED
from engine.kernel.order import OwnOrder
from engine.kernel.strategy import Place, Wake
from engine.kernel.view import InstrumentView, View
from engine.runtime.cli import engine
from engine.runtime.exits import Exit
from journal.disk import RealDisk
from replay.config import read_config
from replay.policy import read_policy
from replay.run import RunStart

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
TUTORIAL = DOCS / "tutorial" / "first-divergence.md"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md"), *(ROOT / "adapters").rglob("*.md")])

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def named(paths: list[Path]) -> list[Any]:
    return [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in paths]


def without_fences(text: str) -> str:
    return _FENCE.sub("", text)


def fences(path: Path, *languages: str) -> list[str]:
    return [body for language, body in _FENCE.findall(path.read_text("utf-8")) if language in languages]


def anchors(path: Path) -> list[str]:
    """The anchors of a page's headings, as they are made on the web."""
    found = re.findall(r"^#+ (.+)$", without_fences(path.read_text("utf-8")), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, without headings' rulers."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|--")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def section(path: Path, heading: str) -> str:
    """What stands below *heading*, up to the next one."""
    text = path.read_text("utf-8")
    start = text.index(f"\n{heading}\n") + len(heading) + 2
    following = re.compile(r"^#", re.MULTILINE).search(text, start)
    return text[start : following.start() if following else len(text)]


# -- links and words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", named(PAGES))
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for target in _LINK.findall(without_fences(path.read_text("utf-8"))):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path

        assert there.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in anchors(there), f"{target}: there is no such heading"


def test_every_page_is_reachable_from_the_readme() -> None:
    reached: dict[Path, bool] = {}
    waiting = [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached[path] = True
        for target in _LINK.findall(without_fences(path.read_text("utf-8"))):
            if "://" not in target and not target.startswith("#"):
                there = (path.parent / target.partition("#")[0]).resolve()
                page_there = there / "README.md" if there.is_dir() else there
                waiting.extend([page_there] if page_there.exists() else [])

    assert [path.name for path in PAGES if path not in reached] == []


# -- commands ------------------------------------------------------------------------------------------------------


def test_the_commands_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text("utf-8") == page(engine), "run: python tests/docs_commands.py"


def typed(path: Path, *languages: str) -> Iterator[str]:
    """The command lines of a page: those behind a prompt, and in blocks without prompt all that begin as ours do."""
    for text in fences(path, *languages):
        for line in text.splitlines():
            prompted = line.startswith("$ ")
            line = line.removeprefix("$ ").strip()
            if line.startswith(("engine ", "make ")) and prompted == ("\n$ " in f"\n{text}"):
                yield re.split(r"\s{3,}| \| | > |; ", line)[0]


def command_lines() -> list[Any]:
    found: dict[str, str] = {}
    for path in PAGES:
        for line in typed(path, "console", "bash", "text"):
            found.setdefault(line, path.relative_to(ROOT).as_posix())
    return [pytest.param(line, id=f"{where}: {line}") for line, where in found.items()]


@pytest.mark.parametrize("line", command_lines())
def test_every_command_of_the_documentation_exists_with_its_options(line: str) -> None:
    words = shlex.split(line)
    if words[0] == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)

        assert [word for word in words[1:] if word not in targets] == []
        return
    if "[OPTIONS]" in words or "-->" in words:
        return
    command: click.Command = engine
    place = 1
    while isinstance(command, click.Group) and place < len(words) and not words[place].startswith("-"):
        found = command.get_command(click.Context(command), words[place])
        assert found is not None, f"there is no command {words[place]}"
        command = found
        place += 1
    options = {name: one for one in command.params for name in (*one.opts, *one.secondary_opts)}
    given = [word for word in words[place:] if word.startswith("-")]

    assert [word for word in given if word.partition("=")[0] not in {**options, "--help": None}] == []


def test_every_command_is_named_in_the_changelog_or_is_a_group() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    names = [path[-1] for path, command in leaves(engine) if not isinstance(command, click.Group)]

    assert [name for name in names if name != "completion" and f"{name}`" not in changelog] == []


# -- tables --------------------------------------------------------------------------------------------------------


def test_every_exit_code_is_documented() -> None:
    listed = [(cells[0], cells[1]) for cells in rows((REFERENCE / "exit_codes.md").read_text("utf-8"))[1:]]

    assert listed == [(str(int(code)), code.name) for code in Exit]


def test_every_reason_code_is_documented_under_its_number() -> None:
    listed = {
        cells[1].strip("`"): cells[0] for cells in rows((REFERENCE / "reason_codes.md").read_text("utf-8")) if cells[0]
    }
    listed.pop("code")

    assert listed == {name: str(number) for number, name in codes.NAMES.items() if number}


def test_the_lowering_conditions_of_the_page_are_those_of_the_code() -> None:
    from engine.kernel.modes import LOWERS, MODE_NAMES, SAFETY

    for cells in rows((REFERENCE / "reason_codes.md").read_text("utf-8")):
        if len(cells) != 5 or cells[0] == "number":
            continue
        number = int(cells[0])
        lowered = MODE_NAMES[LOWERS[number]] if number in LOWERS else ""

        assert lowered in cells[3], cells[1]
        assert ("**Safety**" in cells[2]) == (number in SAFETY), cells[1]
        if not lowered:
            assert "Lowers to" not in cells[3], cells[1]


def test_the_checks_of_the_page_are_those_that_admission_makes() -> None:
    listed: dict[str, list[int]] = {}
    for cells in rows(section(REFERENCE / "reason_codes.md", "## Refusals of an intent"))[1:]:
        listed[cells[1].strip("`")] = [int(number) for number in re.findall(r"\d+", cells[2])]
    source = (ROOT / "engine" / "kernel" / "admit.py").read_text("utf-8")
    made = re.findall(r"^ +(\d+)  .*?  +(?:\(\*\)  )?([A-Z_*]+(?:, [A-Z_*]+)*)", source, re.MULTILINE)

    assert len(made) == 19
    for number, names in made:
        for name in names.split(", "):
            if name in listed:
                assert int(number) in listed[name], name


def test_every_kind_is_documented_under_its_number() -> None:
    listed = [(cells[0], cells[1].strip("`")) for cells in rows(section(REFERENCE / "record_kinds.md", "## Registry"))]

    assert listed[1:] == [(f"0x{number:04X}", name) for number, name in kinds.NAMES.items()]


@pytest.mark.parametrize(("kind", "schema"), list(LAYOUTS), ids=lambda value: str(value))
def test_every_derived_payload_is_documented_field_for_field(kind: int, schema: int) -> None:
    heading = f"### {kinds.name(kind)}, schema {schema}"
    listed = rows(section(REFERENCE / "record_kinds.md", heading))[1:]

    assert [(cells[0].strip("`"), cells[1].strip("`")) for cells in listed] == list(LAYOUTS[(kind, schema)])


def test_every_input_of_fixed_width_and_every_member_of_run_start_is_documented() -> None:
    text = (REFERENCE / "record_kinds.md").read_text("utf-8")
    listed = {cells[0].strip("`"): tuple(re.findall(r"`(\w+)`", cells[1])) for cells in rows(text) if len(cells) == 2}

    assert {kinds.name(kind): names for kind, names in FIXED.items()}.items() <= listed.items()
    members = [field.name for field in RunStart.__attrs_attrs__]
    assert [name for name in members if f"`{name}`" not in text] == []


def public(kind: type) -> list[str]:
    """What anyone may use of a class: its methods, properties and the attributes its `__init__` sets."""
    source = ROOT.joinpath(*kind.__module__.split(".")).with_suffix(".py").read_text("utf-8")
    tree = next(
        node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    )
    found = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
            found.append(node.target.attr)
    return [name for name in found if not name.startswith("_")]


@pytest.mark.parametrize("kind", [View, InstrumentView, OwnOrder, Wake, Place])
def test_all_that_a_strategy_may_touch_is_documented(kind: type) -> None:
    text = (REFERENCE / "strategy_contract.md").read_text("utf-8")
    words = re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", text)))

    assert [name for name in public(kind) if name not in words] == []


def leaf_names(values: Any, path: str = "") -> Iterator[str]:
    """The paths of all fields of a configuration, with entries of mappings by currency as CURRENCY."""
    if isinstance(values, dict):
        for name, value in values.items():
            inner = "CURRENCY" if path == "settlements" else name
            free = path.endswith("parameters")
            yield from [] if free else leaf_names(value, f"{path}.{inner}" if path else inner)
    elif isinstance(values, list) and values and isinstance(values[0], dict):
        for value in values:
            yield from leaf_names(value, f"{path}[]")
    else:
        yield path


@pytest.mark.parametrize("name", ["demo.yaml", "trading_policy.yaml"])
def test_every_field_of_the_examples_is_documented(name: str) -> None:
    import yaml

    text = (REFERENCE / "configuration.md").read_text("utf-8")
    values = yaml.safe_load((ROOT / "config" / name).read_text("utf-8"))

    assert [path for path in leaf_names(values) if f"`{path}`" not in text] == []


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
        ("refold.journal.bundle/1", None, ["journal", "bundle", "sample", "-o", str(tmp_path / "b.zst")], 0),
        ("refold.journal.export/1", None, ["journal", "export", "sample", "-o", str(tmp_path / "e.jsonl")], 0),
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


@pytest.mark.parametrize("number", range(2))
def test_the_strategies_of_the_how_to_run_and_replay(sample: Path, tmp_path: Path, number: int) -> None:
    text = fences(DOCS / "how-to" / "write-a-strategy.md", "python")[number]
    name = re.findall(r"^class (\w+)", text, re.MULTILINE)[0]
    with_parameters = "size_lots: int" in text
    key = ""
    if with_parameters:
        states = orjson.loads(say("journal", "cat", "sample", "--limit", "1", "--json", cwd=sample))
        key = "polymarket:" + orjson.loads(states["frame"][0]["clobTokenIds"])[0]
    (tmp_path / "example.py").write_text(text, encoding="utf-8")
    (tmp_path / "policy.yaml").write_bytes((sample / "policy.yaml").read_bytes())
    parameters = f'{{instrument: "{key}", size_lots: 20000000}}' if with_parameters else "{}"
    (tmp_path / "example.yaml").write_text(
        f"policy: policy.yaml\nstrategies: [{{name: one, code: 'example.py:{name}', parameters: {parameters}}}]\n"
        "venue: {order_latency_ms: 1, report_latency_ms: 1}\n",
        encoding="utf-8",
    )
    run = tmp_path / "run"
    words = ["replay", "sample", "--config", str(tmp_path / "example.yaml"), "--out", str(run), "--json"]
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
