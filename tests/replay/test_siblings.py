"""Modules of engine.strategies that a strategy imports: recorded with it, and run as recorded."""

import ast
import sys
from pathlib import Path

import orjson
import pytest
from attrs import evolve

from engine.strategies import box, steady_maker
from journal.disk import RealDisk
from replay.config import BadConfig, RunConfig, StrategyConfig, sources
from replay.guard import Forbidden, guarding
from replay.lint import lint
from replay.run import RunStart, StrategySource, read_run_start
from replay.siblings import BadImport, gathered, imported_siblings, path_of, text_of
from replay.strategies import BadStrategy, make, module_of, siblings_of
from replay.venue_config import VenueConfig

OWN = """
from engine.strategies.one import double

class Mine:
    def decide(self, view, wake):
        return double(view)
"""
ONE = """
from engine.strategies.two import TWO

def double(value):
    return value * TWO
"""
TWO = "TWO = 2\n"


def recorded(**modules: str) -> StrategySource:
    named = {f"engine.strategies.{name}": text for name, text in modules.items()}
    return StrategySource("mine", "Mine", OWN, "directional", modules=named)


def configured(folder: Path, text: str) -> StrategySource:
    (folder / "mine.py").write_text(text)
    config = RunConfig((StrategyConfig("mine", "mine.py:Mine"),), VenueConfig(1, 1))
    return sources(RealDisk(), config, folder)[0]


def test_a_strategy_runs_on_the_recorded_texts_and_not_on_the_trees() -> None:
    plain = make(recorded(one=ONE, two=TWO))
    other = make(recorded(one=ONE, two="TWO = 3\n"))

    assert [plain.decide(7, None), other.decide(7, None)] == [14, 21]
    assert "engine.strategies.one" not in sys.modules


def test_modules_that_a_module_imports_are_recorded_too() -> None:
    texts = {"engine.strategies.one": ONE, "engine.strategies.two": TWO}

    assert gathered(OWN, texts.__getitem__) == texts
    assert gathered("import math\n", texts.__getitem__) == {}
    assert gathered("class", texts.__getitem__) == {}


@pytest.mark.parametrize(
    "text",
    [
        "import engine.strategies.one",
        "import engine.strategies",
        "from engine.strategies import one",
        "from engine import strategies",
    ],
)
def test_a_whole_module_is_neither_recorded_nor_passed_by_the_lint(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadImport, match=r"from engine\.strategies"):
        imported_siblings(ast.parse(text))
    with pytest.raises(BadConfig, match="strategy 'mine'"):
        configured(tmp_path, text)
    assert [one.code for one in lint(text, "mine.py").findings] == ["IMPORT"]


def test_the_lint_passes_names_of_a_module_at_the_top_and_not_in_a_function() -> None:
    assert lint(OWN, "mine.py").findings == ()
    inside = lint("def f():\n    from engine.strategies.one import double\n    return double\n", "mine.py")
    assert [(one.code, one.line) for one in inside.findings] == [("IMPORT", 2)]


def test_a_configured_strategy_brings_the_sources_of_what_it_imports(tmp_path: Path) -> None:
    name = "engine.strategies.box"
    found = configured(
        tmp_path, f"from {name} import BASIS\n\nclass Mine:\n    def decide(self, v, w):\n        return ()\n"
    )

    assert list(found.modules) == [name]
    assert found.modules[name] == text_of(name) == Path(path_of(name)).read_text()
    assert vars(module_of(found))["BASIS"] == box.BASIS
    assert [str(one.__file__).split()[0] for one in siblings_of(module_of(found))] == [f"<{name}"]


def test_a_compiled_module_is_part_of_the_build_and_imported_as_it_is(tmp_path: Path) -> None:
    text = "from engine.strategies.steady_maker import SteadyMaker as Mine\n"
    found = configured(tmp_path, text)

    assert found.modules == {}
    assert vars(module_of(found))["Mine"] is steady_maker.SteadyMaker


def test_a_module_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"there is no module engine\.strategies\.nowhere"):
        configured(tmp_path, "from engine.strategies.nowhere import x\n")


@pytest.mark.parametrize(
    ("modules", "says"),
    [
        ({"one": ONE}, "engine.strategies.two, whose text was not recorded"),
        ({"one": ONE, "two": "class"}, "SyntaxError"),
        ({"one": ONE, "two": "raise OSError('x')"}, "OSError"),
        ({"one": ONE, "two": "from engine.strategies.one import double\n"}, "circle"),
    ],
)
def test_texts_that_do_not_fit_together_make_no_strategy(modules: dict[str, str], says: str) -> None:
    before = list(sys.modules)
    with pytest.raises(BadStrategy, match=says):
        make(recorded(**modules))

    assert [key for key in sys.modules if key not in before and key.startswith("refold_strategy_")] == []


def test_a_clock_in_a_module_is_found_by_the_guard() -> None:
    source = recorded(one="from time import time_ns\n\ndef double(value):\n    return time_ns()\n")
    with guarding([source]), pytest.raises(Forbidden, match="time_ns"):
        make(source).decide(1, None)


def test_a_run_is_another_when_a_module_is_and_its_record_keeps_them() -> None:
    with_one = recorded(one=ONE, two=TWO)
    without = evolve(with_one, modules={})
    run = RunStart(
        "run", 1, "build", {}, (with_one, without), "", "", "", 7, "DEV", "simulated", "test", "base", hash_every=1
    )
    payload = run.payload()

    assert with_one.texts != without.texts == (OWN,)
    assert read_run_start(1, payload) == run
    assert ["modules" in one for one in orjson.loads(payload)["strategies"]] == [True, False]
