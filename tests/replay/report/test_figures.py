"""What a run's equity says about it: known answers, and what has none."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.report.figures import (
    DAY_NS,
    LEAST_INTERVALS,
    Changes,
    a_day,
    by_capital,
    changes_of,
    drawdown,
    share,
    sharpe,
    sortino,
)
from replay.report.scales import SECOND_NS, Point

START_NS = 1_700_000_000 * SECOND_NS


def series(*values: float | None, every_s: int = 1) -> list[Point]:
    return [Point(at + 1, START_NS + at * every_s * SECOND_NS, value) for at, value in enumerate(values)]


def changes(*values: float) -> Changes:
    return Changes(values, SECOND_NS, "1 s")


# -- changes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("long_s", "name"), [(45, "1 s"), (400, "10 s"), (2_000, "1 minute"), (120_000, "1 hour"), (31 * 86_400, "1 day")]
)
def test_changes_are_taken_over_the_longest_interval_of_which_there_are_enough(long_s: int, name: str) -> None:
    first_ns = START_NS - START_NS % DAY_NS

    assert changes_of(series(0.0, 1.0), first_ns, first_ns + long_s * SECOND_NS).name == name


def test_a_change_is_what_equity_moved_by_within_its_interval() -> None:
    found = changes_of(series(*range(41)), START_NS, START_NS + 40 * SECOND_NS)

    assert found.values == (1.0,) * 40


def test_equity_holds_between_its_points() -> None:
    found = changes_of(series(0.0, 7.0, every_s=20), START_NS, START_NS + 40 * SECOND_NS)

    assert [at for at, value in enumerate(found.values) if value] == [19]
    assert sum(found.values) == 7.0


def test_a_run_without_whole_intervals_has_no_changes() -> None:
    assert changes_of(series(0.0), START_NS + 1, START_NS + 2).values == ()


@given(st.lists(st.floats(-1e6, 1e6), min_size=60, max_size=80))
def test_changes_add_up_to_the_whole_change_between_the_first_and_the_last_boundary(values: list[float]) -> None:
    last_ns = START_NS + (len(values) - 1) * SECOND_NS

    assert sum(changes_of(series(*values), START_NS, last_ns).values) == pytest.approx(values[-1] - values[0], abs=1e-3)


# -- ratios --------------------------------------------------------------------------------------------------------


def test_the_sharpe_ratio_is_mean_by_deviation_in_a_year() -> None:
    found = sharpe(changes(*[3.0, -1.0] * 20))
    deviation = sqrt(sum((value - 1) ** 2 for value in [3.0, -1.0] * 20) / 39)

    assert found.value == pytest.approx(1 / deviation * sqrt(365 * 86_400))


def test_the_error_of_a_sharpe_ratio_of_nothing_is_one_by_the_root_of_the_sample() -> None:
    found = sharpe(changes(*[1.0, -1.0] * 50))

    assert found.value == 0
    assert found.error == pytest.approx(sqrt(365 * 86_400) / 10)


def test_the_sortino_ratio_counts_only_falls() -> None:
    found = sortino(changes(*[3.0, -1.0] * 20))

    assert found.value == pytest.approx(1 / sqrt(0.5) * sqrt(365 * 86_400))


@pytest.mark.parametrize("ratio", [sharpe, sortino])
@pytest.mark.parametrize("values", [[], [1.0], [1.0, -2.0] * 14, [0.0] * 50, [0.1] * 50])
def test_a_ratio_that_nothing_supports_is_none_and_says_why(ratio: object, values: list[float]) -> None:
    assert callable(ratio)
    found = ratio(changes(*values))

    assert found.value is None
    assert found.why


@given(st.lists(st.integers(-1000, 1000), min_size=LEAST_INTERVALS, max_size=60), st.integers(1, 10**9))
def test_the_ratios_do_not_depend_on_the_unit_of_money(values: list[int], unit: int) -> None:
    for ratio in (sharpe, sortino):
        plain, scaled = ratio(changes(*values)), ratio(changes(*[value * unit for value in values]))
        assert (plain.value is None) == (scaled.value is None)
        if plain.value is not None:
            assert scaled.value == pytest.approx(plain.value)


# -- drawdown ------------------------------------------------------------------------------------------------------


def test_the_drawdown_is_the_deepest_fall_and_not_the_lowest_value() -> None:
    found = drawdown(series(0, -2, 10, 4, 9, 3.5, 20, 15))

    assert found is not None
    assert (found.amount, found.peak.seq, found.trough.seq) == (6.5, 3, 6)


def test_equity_that_only_rises_has_a_drawdown_of_nothing() -> None:
    found = drawdown(series(1, 2, 3))

    assert found is not None
    assert found.amount == 0


def test_nothing_known_of_equity_is_no_drawdown() -> None:
    assert drawdown([]) is None
    assert drawdown(series(None, None)) is None


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=40))
def test_no_fall_from_an_earlier_value_is_deeper_than_the_drawdown(values: list[int]) -> None:
    found = drawdown(series(*values))
    deepest = max(values[i] - values[j] for i in range(len(values)) for j in range(i, len(values)))

    assert found is not None
    assert found.amount == deepest
    assert found.peak.value is not None
    assert found.trough.value is not None
    assert found.peak.value - found.trough.value == deepest
    assert found.peak.seq <= found.trough.seq


# -- parts and rates -----------------------------------------------------------------------------------------------


def test_parts_and_rates_without_a_whole_say_why() -> None:
    assert (by_capital(5.0, 100.0).value, by_capital(5.0, 0.0).value) == (0.05, None)
    assert by_capital(5.0, 0.0).why
    assert (a_day(3, DAY_NS // 2).value, a_day(3, 0).value) == (6.0, None)
    assert (share(1, 4, "no orders").value, share(0, 0, "no orders").why) == (0.25, "no orders")
