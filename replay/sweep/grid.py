"""What a sweep varies, as people type it: `strategy.spread=1..5`, `venue.order_latency_ms=10,20,40`, `1..50`."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import product
from typing import Final

from attrs import frozen

from journal.errors import JournalError
from replay.config import MOST_SEED

MOST_POINTS: Final = 100_000
"""Of a grid, and of seeds: more is taken for a slip of the hand."""

SHORT: Final = "strategy"
"""How a parameter of the only strategy may begin, in place of `strategies.NAME.parameters`."""

_RANGE: Final = re.compile(r"(-?\d[\d_]*(?:\.\d+)?)\.\.(-?\d[\d_]*(?:\.\d+)?)(?:\.\.(-?\d[\d_]*(?:\.\d+)?))?", re.ASCII)


class BadGrid(JournalError):
    """What was typed describes no grid; *advice* is how to type it."""

    def __init__(self, typed: str, reason: str, advice: str = "write it as PATH=FIRST..LAST, or PATH=A,B,C") -> None:
        super().__init__(f"{typed}: {reason}")
        self.advice = advice


@frozen
class Axis:
    """One value of the configuration that varies: *name* as typed, *path* as `--set` takes it, values as YAML."""

    name: str
    path: str
    values: tuple[str, ...]


@frozen
class Point:
    """One point of a grid: a value of each axis."""

    names: tuple[str, ...]
    values: tuple[str, ...]
    overrides: tuple[str, ...]

    @property
    def label(self) -> str:
        """`spread=1 latency=20`, or nothing for the point of an empty grid."""
        return " ".join(
            f"{name.rpartition('.')[2]}={value}" for name, value in zip(self.names, self.values, strict=True)
        )


def read_axis(typed: str, strategies: Sequence[str]) -> Axis:
    """
    The axis that *typed* describes, for a configuration with these *strategies*.

    A value is a range `FIRST..LAST[..STEP]`, a word, a number, or a list of these with commas between.

    Raises:
        BadGrid: it cannot be understood.
    """
    name, equals, text = typed.partition("=")
    name = name.strip()
    if not equals or not name or not text.strip():
        raise BadGrid(f"--grid {typed}", "there is nothing to vary, or nothing to vary it over")
    path = full_path(name, strategies, f"--grid {typed}")
    if path == "seed":
        raise BadGrid(f"--grid {typed}", "a seed is no parameter", "give seeds with --seeds")
    values = tuple(value for part in _parts(text) for value in _values(part, f"--grid {typed}"))
    return Axis(name, path, _told_once(values, f"--grid {typed}"))


def full_path(name: str, strategies: Sequence[str], typed: str) -> str:
    """*name*, with `strategy.` at its beginning spelled out for the only one of *strategies*. Raises BadGrid."""
    first, dot, rest = name.partition(".")
    if first != SHORT or not dot:
        return name
    if len(strategies) != 1:
        found = ", ".join(strategies) or "none"
        advice = f"write strategies.NAME.parameters.{rest}"
        raise BadGrid(
            typed, f"strategy. is short for the only strategy, and there are {len(strategies)} ({found})", advice
        )
    return f"strategies.{strategies[0]}.parameters.{rest}"


def spelled_out(override: str, strategies: Sequence[str]) -> str:
    """The `--set` value *override* with its path spelled out. Raises BadGrid."""
    path, equals, value = override.partition("=")
    return f"{full_path(path, strategies, f'--set {override}')}{equals}{value}"


def read_points(axes: Sequence[Axis]) -> tuple[Point, ...]:
    """
    Every combination of values, the last axis varying fastest; one empty point without axes.

    Raises:
        BadGrid: two axes vary one value, or there are too many points.
    """
    count = 1
    for number, axis in enumerate(axes):
        if any(axis.path == other.path for other in axes[:number]):
            raise BadGrid(f"--grid {axis.name}", "this value is varied twice", "put all its values into one --grid")
        count *= len(axis.values)
        if count > MOST_POINTS:
            raise BadGrid("--grid", f"more than {MOST_POINTS:,} points", "vary less, or in coarser steps")
    names = tuple(axis.name for axis in axes)
    return tuple(
        Point(names, values, tuple(f"{axis.path}={value}" for axis, value in zip(axes, values, strict=True)))
        for values in product(*(axis.values for axis in axes))
    )


def short_names(axes: Sequence[Axis]) -> list[str]:
    """What a table calls *axes*: the last words of their paths, or as typed where two would be alike."""
    last = [axis.path.rpartition(".")[2] for axis in axes]
    return last if len(set(last)) == len(last) else [axis.name for axis in axes]


def read_seeds(typed: str) -> tuple[int, ...]:
    """
    The seeds of `1..50`, `7`, `1..5,9`, in that order.

    Raises:
        BadGrid: these are no seeds.
    """
    where, advice = f"--seeds {typed}", "write it as 1..50, or 1,2,3"
    found: list[str] = []
    for part in _parts(typed):
        found.extend(_values(part, where, advice))
    if any(not text.isascii() or not text.isdigit() or int(text) > MOST_SEED for text in found):
        raise BadGrid(where, "a seed is a whole number from 0 to 2**63 - 1", advice)
    return tuple(int(text) for text in _told_once(tuple(str(int(text)) for text in found), where))


def _told_once(values: tuple[str, ...], typed: str) -> tuple[str, ...]:
    """*values*, none of them twice: what is run twice would count twice."""
    known: dict[str, None] = {}
    for value in values:
        if value in known:
            raise BadGrid(typed, f"{value} stands there twice", "leave one of them out")
        known[value] = None
    return values


def _parts(text: str) -> Iterator[str]:
    """What stands between commas, those within brackets (a list as one value) left alone."""
    depth, start = 0, 0
    for at, character in enumerate(text):
        depth += (character in "[{") - (character in "]}")
        if character == "," and depth == 0:
            yield text[start:at].strip()
            start = at + 1
    yield text[start:].strip()


def _values(part: str, typed: str, advice: str = "write it as PATH=FIRST..LAST, or PATH=A,B,C") -> list[str]:
    """The values of one part: a range's, or itself."""
    if not part:
        raise BadGrid(typed, "a value is missing beside a comma", advice)
    found = _RANGE.fullmatch(part)
    if found is None:
        if ".." in part:
            raise BadGrid(typed, f"{part} is no range of numbers", advice)
        return [part]
    first, last = (Decimal(text.replace("_", "")) for text in found.group(1, 2))
    step = Decimal((found[3] or "1").replace("_", ""))
    if step <= 0 or first > last:
        raise BadGrid(typed, f"{part} does not rise", "write the smaller number first, and a step above 0")
    count = int((last - first) / step) + 1
    if count > MOST_POINTS:
        raise BadGrid(typed, f"{part} has {count:,} values", "take a coarser step")
    return [_plain(first + step * number) for number in range(count)]


def _plain(number: Decimal) -> str:
    """*number* without an exponent, and without a fraction where it has none: a parameter may want a whole number."""
    return str(int(number)) if number == number.to_integral_value() else format(number.normalize(), "f")
