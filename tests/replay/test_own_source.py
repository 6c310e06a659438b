"""What a run records of a strategy handed in as an object: its text, wherever it was written, and its parameters."""

import dataclasses
import linecache
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

from engine.strategies.join_touch import JoinTouch
from replay.own_source import source_of_instance
from replay.run import StrategySource
from replay.strategies import BadStrategy, make

_cells = iter(range(1_000_000))


def recorded(strategy: object) -> StrategySource:
    """What is recorded of it."""
    return source_of_instance(strategy, "mine", "market_making", ())


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a text as a notebook runs a cell: in one namespace called `__main__`, its lines known to linecache."""
    main = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)

    def run(text: str, known: bool = True) -> dict[str, Any]:
        name = f"<cell {next(_cells)}>"
        if known:
            linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), vars(main))
        return vars(main)

    return run


def module(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of its own file."""
    name = f"strategy_file_{next(_cells)}"
    (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return __import__(name)


# -- text --------------------------------------------------------------------------------------------------------------


def test_a_strategy_of_a_module_is_recorded_with_the_whole_file() -> None:
    found = recorded(JoinTouch(size_lots=5, max_position_lots=10))

    assert found.source == Path(sys.modules["engine.strategies.join_touch"].__file__ or "").read_text()
    assert found.class_name == "JoinTouch"
    assert found.parameters == {
        "size_lots": 5,
        "max_position_lots": 10,
        "min_spread_ticks": 2,
        "patience_ticks": 1,
    }
    assert attrs.asdict(make(found)) == found.parameters


CELL = '''
from attrs import frozen
import math as maths, json
from engine.kernel.strategy import BUY, Cancel, Place as Wish

STEP = 3
TABLE = {"a": (1, 2)}

def helper(x):
    return maths.floor(x) + STEP

class Base:
    def size(self):
        return helper(1.5) + TABLE["a"][0]

@frozen
class Mine(Base):
    """Text with a name: json."""

    spread: int = 2

    def decide(self, view, wake):
        market = self.size()
        yield Wish("x", BUY, market, self.spread)
'''


def test_a_strategy_of_a_cell_is_recorded_with_what_it_needs_and_nothing_else(cell: Any) -> None:
    names = cell(CELL)
    names["market"] = object()  # of the same name as a variable of the method
    found = recorded(names["Mine"](spread=7))

    assert found.source == (
        "from attrs import frozen\n"
        "from engine.kernel.strategy import BUY\n"
        "from engine.kernel.strategy import Place as Wish\n"
        "import math as maths\n"
        "\n"
        "STEP = 3\n"
        "TABLE = {'a': (1, 2)}\n"
        "\n\n"
        "def helper(x):\n"
        "    return maths.floor(x) + STEP\n"
        "\n\n"
        "class Base:\n"
        "    def size(self):\n"
        '        return helper(1.5) + TABLE["a"][0]\n'
        "\n\n"
        "@frozen\n" + CELL[CELL.index("class Mine") :]
    )
    built = make(found)
    intents = list(built.decide(None, None))
    assert built.spread == 7
    assert (intents[0].price_ticks, intents[0].lots) == (5, 7)


def test_what_other_cells_imported_is_found_by_what_it_is(cell: Any) -> None:
    cell(
        "import math\nfrom math import floor as down\nfrom typing import Any\n"
        "from engine.kernel.strategy import BUY, Place"
    )
    names = cell(
        "class Mine:\n    def decide(self, view: Any, wake) -> Any:\n"
        "        yield Place('x', BUY, down(math.sqrt(9.5)), 5)\n"
    )
    found = recorded(names["Mine"]())

    assert "from engine.kernel.strategy import Place\n" in found.source
    assert "import math\n" in found.source
    assert "from math import floor as down\n" in found.source
    assert "from typing import Any\n" in found.source
    assert "BUY = 0\n" in found.source
    assert next(iter(make(found).decide(None, None))).price_ticks == 3


def test_a_cell_that_was_run_again_is_recorded_as_it_is_now(cell: Any) -> None:
    text = "class Mine:\n    def decide(self, view, wake):\n        return ({},)\n"
    cell(text.format(1))
    names = cell(text.format(2))

    assert make(recorded(names["Mine"]())).decide(None, None) == (2,)


@pytest.mark.parametrize(
    ("top", "uses", "reason"),
    [
        ("handle = object()", "handle", "it uses handle, a object object, which cannot be recorded"),
        ("items = [object()]", "items", "it uses items, a list object"),
        ("", "self", None),
    ],
)
def test_what_cannot_be_recorded_is_named(top: str, uses: str, reason: str | None, cell: Any) -> None:
    names = cell(f"{top}\nclass Mine:\n    def decide(self, view, wake):\n        return ({uses},)\n")
    if reason is None:
        assert recorded(names["Mine"]()).class_name == "Mine"
    else:
        with pytest.raises(BadStrategy, match=reason):
            recorded(names["Mine"]())


def test_a_text_that_nobody_kept_is_an_error_that_says_what_to_do(cell: Any) -> None:
    names = cell("class Mine:\n    def decide(self, view, wake):\n        return ()\n", known=False)
    with pytest.raises(BadStrategy, match="the text of Mine cannot be found; define it in a file"):
        recorded(names["Mine"]())


def test_a_class_within_a_function_is_refused() -> None:
    class Inner:
        def decide(self, view: object, wake: object) -> tuple[object, ...]:
            return ()

    with pytest.raises(BadStrategy, match="is defined within a function or class"):
        recorded(Inner())


def test_a_class_in_place_of_an_instance_is_refused() -> None:
    with pytest.raises(BadStrategy, match=r"hand in an instance, JoinTouch\(\.\.\.\)"):
        recorded(JoinTouch)


def test_an_object_without_decide_is_refused() -> None:
    with pytest.raises(BadStrategy, match="the class int has no method"):
        recorded(5)


# -- parameters --------------------------------------------------------------------------------------------------------

PLAIN = """
from attrs import field, frozen
from dataclasses import dataclass

@frozen
class Leg:
    key: str
    weight: float = 0.5

@frozen
class Attrs:
    legs: tuple[Leg, ...]
    limits: dict[str, int]
    _hidden: int = 3
    made: int = field(init=False, default=9)
    def decide(self, view, wake):
        return ()

@dataclass
class Data:
    size: int
    name: str = "x"
    def decide(self, view, wake):
        return ()

class Kept:
    def __init__(self, size, *, name="x"):
        self.size, self.name, self.more = size, name, object()
    def decide(self, view, wake):
        return ()

class Lost:
    def __init__(self, size):
        self.lots = size
    def decide(self, view, wake):
        return ()

class Changed:
    def __init__(self, size):
        self.size = size + 1
    def decide(self, view, wake):
        return ()

class Many:
    def __init__(self, *sizes):
        self.sizes = sizes
    def decide(self, view, wake):
        return ()

class Bare:
    def decide(self, view, wake):
        return ()
"""


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of classes with all kinds of parameters."""
    return module(tmp_path, PLAIN, monkeypatch)


def test_parameters_are_recorded_as_plain_values_and_make_an_equal_strategy(plain: Any) -> None:
    given = plain.Attrs(legs=(plain.Leg("a"), plain.Leg("b", 2.0)), limits={"a": 1}, hidden=4)
    found = recorded(given)

    assert found.parameters == {
        "legs": [{"key": "a", "weight": 0.5}, {"key": "b", "weight": 2.0}],
        "limits": {"a": 1},
        "_hidden": 4,
    }
    assert attrs.asdict(make(found)) == attrs.asdict(given)
    assert recorded(plain.Data(5)).parameters == {"size": 5, "name": "x"}
    assert dataclasses.asdict(make(recorded(plain.Data(5)))) == {"size": 5, "name": "x"}
    assert recorded(plain.Kept(5, name="y")).parameters == {"size": 5, "name": "y"}
    assert recorded(plain.Bare()).parameters == {}


@pytest.mark.parametrize(
    ("make_it", "reason"),
    [
        (lambda m: m.Lost(5), "does not keep its argument 'size' as an attribute"),
        (lambda m: m.Changed(5), r"its parameters \{'size': 6\} make one with \{'size': 7\}"),
        (lambda m: m.Many(5), "has no name to record"),
        (lambda m: m.Data(object()), "its parameter size is <object object"),
        (lambda m: m.Data(2**70), "its parameter size is beyond 64 bits"),
        (lambda m: m.Data(float("nan")), "its parameter size is nan"),
        (lambda m: m.Data({5: 6}), "its parameter size is {5: 6}"),
        (lambda m: m.Attrs((m.Leg(b"a"),), {}), r"its parameter legs\[0\].key is b'a'"),
        (lambda m: m.Attrs(5, {}), "legs"),
    ],
)
def test_parameters_that_cannot_be_recorded_are_named(make_it: Any, reason: str, plain: Any) -> None:
    with pytest.raises(BadStrategy, match=reason):
        recorded(make_it(plain))
