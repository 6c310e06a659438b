"""The documentation holds: its links lead somewhere, its commands exist, its tables are complete."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from docs_commands import PAGE, leaves, page
from docs_pages import PAGES, REFERENCE, ROOT, anchors, links, rows, section, typed

from engine.kernel import codes, kinds
from engine.kernel.derived import LAYOUTS
from engine.kernel.inputs import FIXED
from engine.kernel.instrument_view import InstrumentView
from engine.kernel.order import OwnOrder
from engine.kernel.strategy import Place, Wake
from engine.kernel.view import View
from engine.runtime.cli import engine
from engine.runtime.exits import Exit
from replay.run import RunStart

GENERATED = {"nightly.md", "profile_spread.md"}
"""Pages that the nightly run writes: they need not be reached from others."""


def named(paths: list[Path]) -> list[Any]:
    return [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in paths]


# -- links and words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", named(PAGES))
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for target in links(path):
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
        for target in links(path):
            if not target.startswith("#"):
                there = (path.parent / target.partition("#")[0]).resolve()
                page_there = there / "README.md" if there.is_dir() else there
                waiting.extend([page_there] if page_there.exists() else [])

    assert [path.name for path in PAGES if path not in reached and path.name not in GENERATED] == []


# -- commands ------------------------------------------------------------------------------------------------------


def test_the_commands_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text("utf-8") == page(engine), "run: python tests/docs_commands.py"


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
    headings = [f"### {kinds.name(kind)}, schema {schema}"]
    if LAYOUTS.get((kind, 1)) == LAYOUTS.get((kind, 2)):
        headings = [f"### {kinds.name(kind)}, schemas 1 and 2"]
    listed = rows(section(REFERENCE / "record_kinds.md", headings[0]))[1:]

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
