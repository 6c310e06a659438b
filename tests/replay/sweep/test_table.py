"""Worst, quartiles and best: as the method says, whatever the order in which runs were done."""

import statistics
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sweeps import figures, plan_of_points

from replay.sweep.plan import Plan, Task
from replay.sweep.store import Result
from replay.sweep.table import (
    OPTIMISTIC,
    best_of,
    cells,
    drawn,
    ordered_by,
    quantile,
    remarks,
    rows_of,
    seeds_change_nothing,
    spread_of,
)

amounts = st.decimals(-1000, 1000, places=4)


def found_with(values: list[list[Any]]) -> dict[Task, Result]:
    """Results of the variants: PnL by seed; a text is a failure."""
    found = {}
    for variant, row in enumerate(values):
        for seed, value in enumerate(row):
            task = Task(variant, 0, seed, f"{variant}-{seed}")
            failed = isinstance(value, str)
            found[task] = Result({} if failed else figures(pnl=value), value if failed else "")
    return found


@given(st.lists(amounts, min_size=2, max_size=60))
def test_quartiles_are_those_of_type_7(values: list[Decimal]) -> None:
    ordered = sorted(values)
    expected = statistics.quantiles(ordered, n=4, method="inclusive")

    assert [quantile(ordered, quarters) for quarters in (1, 2, 3)] == expected
    assert quantile(ordered[:1], 2) == ordered[0]


@given(st.lists(amounts, min_size=1, max_size=30))
def test_from_the_worst_to_the_best_nothing_gets_worse(values: list[Decimal]) -> None:
    more, less = spread_of(values, "pnl"), spread_of(values, "fees")

    assert (more.worst, more.best) == (min(values), max(values))
    assert (less.worst, less.best) == (max(values), min(values))
    assert more.worst <= more.lower <= more.median <= more.upper <= more.best
    assert less.worst >= less.lower >= less.median >= less.upper >= less.best
    assert more.median == less.median


@given(st.lists(st.lists(amounts, min_size=1, max_size=5), min_size=1, max_size=4), st.randoms())
def test_the_table_does_not_depend_on_the_order_in_which_runs_were_done(
    values: list[list[Decimal]], chance: Any
) -> None:
    plan = plan_of_points(len(values))
    found = found_with(values)
    shuffled = list(found.items())
    chance.shuffle(shuffled)
    one = rows_of(plan, found, ("pnl", "fills"), "pnl")
    other = rows_of(plan, dict(shuffled), ("pnl", "fills"), "pnl")
    points = [(str(number),) for number in range(len(values))]

    assert cells(["x"], points, one, "pnl") == cells(["x"], points, other, "pnl")
    assert remarks(plan, found, one) == remarks(plan, dict(shuffled), other)


def rows_with(values: list[list[Any]], metric: str = "pnl") -> Any:
    return rows_of(plan_of_points(len(values)), found_with(values), ("pnl", "fees", "fills"), metric)


def test_failed_runs_are_counted_and_in_no_quartile() -> None:
    rows = rows_with([[1, "it raised", 3], ["it raised", "it raised"]])
    table, _ = cells(["x"], [("1",), ("2",)], rows, "pnl")

    assert (rows[0].runs, rows[0].failed, rows[0].spreads["pnl"].median) == (3, 1, 2)
    assert table[0][1:4] == ["runs", "failed", "worst"]
    assert table[1][1:4] == ["3", "1", "1.0000"]
    assert table[2][1:9] == ["2", "2", *["-"] * 6]


def test_runs_that_lack_a_metric_are_in_no_quartile_of_it() -> None:
    found = found_with([[1, 2, 3], [1, 2]])
    for task, result in found.items():
        known = None if task.variant or not task.seed else task.seed / 8
        result.figures["purses"] = {"venue:pUSD": {"sharpe": known}}
    rows = rows_of(plan_of_points(2), found, ("pnl", "sharpe", "fills"), "sharpe")
    table, _ = cells(["x"], [("1",), ("2",)], rows, "sharpe")

    assert rows[0].spreads["sharpe"].median == Decimal("0.1875")
    assert "sharpe" not in rows[1].spreads
    assert rows[0].values == (Decimal("0.125"), Decimal("0.25"))
    assert table[1][2:7] == ["0.1250", "0.1562", "0.1875", "0.2188", "0.2500"]
    assert table[2][2:7] == ["-"] * 5
    assert [row.variant for row in ordered_by(rows, "sharpe")] == [0, 1]
    assert best_of(rows, "sharpe") == 0


def test_the_best_median_is_starred_wherever_it_stands() -> None:
    rows = rows_with([[1], [5], [3], ["it raised"]])
    points = [("a",), ("b",), ("c",), ("d",)]

    assert best_of(rows, "pnl") == 1
    assert [line[-2] for line in cells(["x"], points, rows, "pnl")[0]] == ["", "", "*", "", ""]
    assert [row.variant for row in ordered_by(rows, "pnl")] == [1, 2, 0, 3]
    assert [line[-2] for line in cells(["x"], points, ordered_by(rows, "pnl"), "pnl")[0]] == ["", "*", "", "", ""]
    assert best_of(rows_with([[1]]), "pnl") is None
    assert best_of(rows_with([["it raised"], ["it raised"]]), "pnl") is None


def test_a_distribution_is_drawn_on_the_scale_of_all_rows() -> None:
    rows = rows_with([[0, 0, 0], [0, 5, 10, 15, 29], [29, 29]])

    assert drawn(rows[0], rows, "pnl") == "█"
    assert drawn(rows[1], rows, "pnl") == "├────▒▒▒▒▒█▒▒▒▒▒─────────────┤"
    assert drawn(rows[2], rows, "pnl") == " " * 29 + "█"


def test_that_the_seed_changes_nothing_is_said() -> None:
    alike, unlike = found_with([[1, 1, 1], [2, 2, 2]]), found_with([[1, 1, 1], [2, 2, 3]])

    assert seeds_change_nothing(alike)
    assert not seeds_change_nothing(unlike)
    assert not seeds_change_nothing(found_with([[1], [2]]))
    assert any("the seed changes nothing" in text for text in remarks(plan_of_points(2), alike, rows_with([[1], [2]])))


def test_that_the_best_of_many_is_optimistic_is_said_where_there_are_many() -> None:
    assert OPTIMISTIC in remarks(plan_of_points(2), found_with([[1], [2]]), rows_with([[1], [2]]))
    assert remarks(plan_of_points(1), found_with([[1, 2]]), rows_with([[1, 2]])) == []


def test_runs_that_end_with_positions_without_value_are_counted() -> None:
    found = found_with([[1, 2]])
    one = next(iter(found))
    found[one] = Result(figures(pnl=1, unmarked=2))

    assert remarks(plan_of_points(1), found, rows_with([[1, 2]])) == [
        "1 of 2 runs end with positions that nothing values; they are in no PnL"
    ]


def test_a_plan_of_points_is_one() -> None:
    assert isinstance(plan_of_points(2), Plan)
    assert plan_of_points(2).markets[0].path == Path("journal")
