"""The figures as a table that a person can read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.measure import Figure
from benchmarks.memory import LIMIT_MB, Growth

HEAD = (
    "what",
    "median",
    "unit",
    "best",
    "processor",
    "noise",
    "interpreted",
    "ratio",
    "to the bound",
    "budget",
    "verdict",
)
RIGHT = frozenset({1, 3, 4, 5, 6, 7})


def rows(figures: Sequence[Figure], interpreted: Mapping[str, Figure]) -> list[tuple[str, ...]]:
    """One row a figure, the heading first."""
    return [HEAD, *(row(figure, interpreted.get(figure.name)) for figure in figures)]


def row(figure: Figure, slow: Figure | None) -> tuple[str, ...]:
    """The cells of one figure."""
    bound, ratio = next(iter(figure.ratios.items()), ("", None))
    return (
        figure.what,
        number(figure.value),
        figure.unit,
        number(figure.best),
        number(figure.processor),
        f"{100 * figure.noise:.0f} %",
        "" if slow is None else number(slow.value),
        "" if ratio is None else f"{ratio:.2f}",
        bound,
        budget(figure),
        figure.verdict,
    )


def number(value: float) -> str:
    """*value* with three or four digits that say something."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def budget(figure: Figure) -> str:
    """What must hold, in words."""
    stated = figure.budget
    if stated is None:
        return ""
    if stated.of == "bound":
        return f"ratio <= {number(stated.must)}"
    sign = ">=" if figure.unit.endswith("/s") else "<="
    aim = "" if stated.aim is None else f", aim {number(stated.aim)}"
    return f"{sign} {number(stated.must)}{aim}"


def lines(table: Sequence[Sequence[str]], right: frozenset[int] = RIGHT) -> Iterable[str]:
    """*table* in columns, those numbered in *right* aligned right."""
    widths = [max(len(cells[column]) for cells in table) for column in range(len(table[0]))]
    for cells in table:
        padded = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        yield "  ".join(padded).rstrip()


def memory_line(grown: Growth) -> str:
    """What became of memory, in one sentence."""
    kept = "ok" if grown.grown_mb < LIMIT_MB else "missed"
    return (
        f"memory: {grown.warm_mb:.1f} MB resident after the warm-up, at most {grown.most_mb:.1f} MB over "
        f"{grown.frames:,} frames folded behind it: {grown.grown_mb:+.1f} MB (budget < {LIMIT_MB:.0f} MB): {kept}"
    )


def stage_lines(report: Mapping[str, Any]) -> Iterable[str]:
    """Where the time goes, as text."""
    for name, found in report.items():
        yield ""
        yield name
        for stage, ns in found["ns_a_frame"].items():
            yield f"  {ns:8.0f} ns/frame  {stage}"
        for thread, seconds in found.get("seconds", {}).items():
            yield f"  {seconds:8.3f} s         {thread}"
