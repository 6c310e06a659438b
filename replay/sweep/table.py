"""
What a sweep came to, point by point: worst, quartiles and best of a metric over all seeds and journals.

Quartiles are Hyndman and Fan's type 7, linear between order statistics, which is what R and numpy do unless told
otherwise (Hyndman, Fan, 1996: "Sample quantiles in statistical packages", The American Statistician 50(4)). They are
exact here: amounts are decimals, and the weights are quarters.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from attrs import frozen

from replay.sweep.figures import COUNTS, is_better, is_count, is_less_better, metric, unmarked
from replay.sweep.plan import Plan, Task
from replay.sweep.store import Result

WIDTH: Final = 30
"""Characters of a distribution drawn as text."""

OPTIMISTIC: Final = (
    "the best of several points looks better than it is: some of it is luck with these seeds and journals. "
    "Run what you choose on a journal that this sweep has not seen."
)


@frozen
class Spread:
    """How one metric is spread over the runs of a point that did not fail."""

    worst: Decimal
    lower: Decimal
    median: Decimal
    upper: Decimal
    best: Decimal


@frozen
class Row:
    """One point: its runs, those of them that failed, and the spread of each metric that any of them has."""

    variant: int
    runs: int
    failed: int
    spreads: Mapping[str, Spread]
    values: tuple[Decimal, ...]
    """Of the chosen metric, in order of journals and seeds."""


def quantile(ordered: Sequence[Decimal], quarters: int) -> Decimal:
    """So many *quarters* of the way through *ordered*, at least one value, by type 7."""
    at, rest = divmod((len(ordered) - 1) * quarters, 4)
    if rest == 0:
        return ordered[at]
    return (ordered[at] * (4 - rest) + ordered[at + 1] * rest) / 4


def spread_of(values: Sequence[Decimal], name: str) -> Spread:
    """The spread of the metric *name* over at least one value."""
    ordered = sorted(values, reverse=is_less_better(name))
    lower, median, upper = (quantile(ordered, quarters) for quarters in (1, 2, 3))
    return Spread(ordered[0], lower, median, upper, ordered[-1])


def rows_of(plan: Plan, found: Mapping[Task, Result], names: Sequence[str], chosen: str) -> list[Row]:
    """A row for each variant of *plan*, in order; *names* are the metrics, *chosen* the one whose values are kept."""
    rows: list[Row] = []
    ordered = sorted(found, key=lambda task: (task.variant, task.market, task.seed))
    by_variant: dict[int, list[Result]] = {}
    for task in ordered:
        by_variant.setdefault(task.variant, []).append(found[task])
    for variant in range(len(plan.variants)):
        results = by_variant.get(variant, [])
        good = [result.figures for result in results if not result.failure]
        spreads: dict[str, Spread] = {}
        for name in names:
            known = known_values(good, name)
            if known:
                spreads[name] = spread_of(known, name)
        values = tuple(known_values(good, chosen))
        rows.append(Row(variant, len(results), len(results) - len(good), spreads, values))
    return rows


def known_values(found: Sequence[Mapping[str, Any]], name: str) -> list[Decimal]:
    """The metric *name* of the runs that have it."""
    values = [metric(figures, name) for figures in found]
    return [value for value in values if value is not None]


def best_of(rows: Sequence[Row], name: str) -> int | None:
    """The variant with the best median, the first of equals; None where no run ended, or there is only one row."""
    ended = sorted((row for row in rows if name in row.spreads), key=lambda row: row.variant)
    if not ended or len(rows) == 1:
        return None
    found = ended[0]
    for row in ended[1:]:
        if is_better(row.spreads[name].median, found.spreads[name].median, name):
            found = row
    return found.variant


def ordered_by(rows: Sequence[Row], name: str) -> list[Row]:
    """*rows* with the best median first; those without any come last."""
    ended = [row for row in rows if name in row.spreads]
    ended.sort(key=lambda row: row.spreads[name].median, reverse=not is_less_better(name))
    return [*ended, *(row for row in rows if name not in row.spreads)]


def spread_fields(spread: Spread) -> dict[str, str]:
    """A spread as a document has it: exact decimals, as text."""
    return {
        "worst": format(spread.worst, "f"),
        "lower_quartile": format(spread.lower, "f"),
        "median": format(spread.median, "f"),
        "upper_quartile": format(spread.upper, "f"),
        "best": format(spread.best, "f"),
    }


def number(value: Decimal, name: str) -> str:
    """*value* of the metric *name* as people read it."""
    if is_count(name):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{value:,.4f}"


def cells(
    axes: Sequence[str], points: Sequence[Sequence[str]], rows: Sequence[Row], name: str, unit: str = ""
) -> tuple[list[list[str]], frozenset[int]]:
    """The table of the metric *name* (in *unit*) as text, heading first, and which columns align right."""
    has_failed = any(row.failed for row in rows)
    heading = [
        *axes,
        "runs",
        *(["failed"] if has_failed else []),
        "worst",
        "quartile",
        "median",
        "quartile",
        "best",
        "",
    ]
    if name != "fills":
        heading.insert(-1, "fills")
    heading.append(f"{name}{unit}, {_reach(rows, name)}")
    best = best_of(rows, name)
    table = [heading]
    for row, point in zip(rows, points, strict=True):
        line = [*point, f"{row.runs:,}", *([f"{row.failed:,}"] if has_failed else [])]
        if name in row.spreads:
            one = row.spreads[name]
            line += [number(value, name) for value in (one.worst, one.lower, one.median, one.upper, one.best)]
            line += [number(row.spreads["fills"].median, "fills")] if name != "fills" else []
        else:
            line += ["-"] * (5 + (name != "fills"))
        line += ["*" if best == row.variant else "", drawn(row, rows, name)]
        table.append(line)
    right = frozenset(range(len(axes), len(heading) - 2))
    return table, right | {number for number in range(len(axes)) if all(_is_number(point[number]) for point in points)}


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def reach(rows: Sequence[Row], name: str) -> tuple[Decimal, Decimal] | None:
    """The least and the greatest value of all runs; None without any."""
    ended = [row.spreads[name] for row in rows if name in row.spreads]
    found = [value for one in ended for value in (one.worst, one.best)]
    return (min(found), max(found)) if found else None


def _reach(rows: Sequence[Row], name: str) -> str:
    found = reach(rows, name)
    return "no run has it" if found is None else f"{number(found[0], name)} to {number(found[1], name)}"


def drawn(row: Row, rows: Sequence[Row], name: str) -> str:
    """A row's distribution as text, on the scale of all rows: `├──▒▒█▒▒▒────┤`; the block is the median."""
    found = reach(rows, name)
    if found is None or name not in row.spreads:
        return ""
    least, most = found
    one = row.spreads[name]

    def at(value: Decimal) -> int:
        return 0 if most == least else int((value - least) * (WIDTH - 1) / (most - least) + Decimal("0.5"))

    first, last = sorted((at(one.worst), at(one.best)))
    lower, upper = sorted((at(one.lower), at(one.upper)))
    text = [" "] * WIDTH
    text[first : last + 1] = "─" * (last - first + 1)
    text[first], text[last] = "├", "┤"
    text[lower : upper + 1] = "▒" * (upper - lower + 1)
    text[at(one.median)] = "█"
    return "".join(text).rstrip()


def remarks(plan: Plan, found: Mapping[Task, Result], rows: Sequence[Row]) -> list[str]:
    """What a person has to know to read the table rightly."""
    told: list[str] = []
    ended = [result.figures for result in found.values() if not result.failure]
    without = sum(1 for figures in ended if unmarked(figures))
    if without:
        told.append(f"{without:,} of {len(ended):,} runs end with positions that nothing values; they are in no PnL")
    if seeds_change_nothing(found):
        told.append(
            "the seed changes nothing here: every run of a point on a journal came out the same, so its spread over "
            "seeds says nothing. Latency distributions, partial settlement or a --profile draw from the seed."
        )
    if len(rows) > 1:
        told.append(OPTIMISTIC)
    return told


def seeds_change_nothing(found: Mapping[Task, Result]) -> bool:
    """Whether each point had several seeds on a journal, and all of them came to the same there."""
    groups: dict[tuple[int, int], list[Result]] = {}
    for task, result in found.items():
        groups.setdefault((task.variant, task.market), []).append(result)
    return bool(groups) and all(len(group) > 1 and all_alike(group) for group in groups.values())


def all_alike(results: Sequence[Result]) -> bool:
    """Whether runs came to the same in all that is compared."""
    first = _compared(results[0])
    return all(_compared(result) == first for result in results)


def _compared(result: Result) -> list[Any]:
    """What metrics are made of. The rest (what is not paid yet, for one) may differ, and shows in no table."""
    return [result.figures.get(name) for name in ("pnl", *COUNTS)]
