"""Paired comparison: the interval is Student's, and what cannot be told is not told."""

from decimal import Decimal
from math import isclose, sqrt
from statistics import fmean, stdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sweeps import figures

from engine.kernel.rng import Draws
from replay.sweep.compare import LEAST_PAIRS, compare, distinct, over_journals, over_seeds, pairs_of, quantile, within
from replay.sweep.plan import Task
from replay.sweep.store import Result

# Two-sided 95 % points of Student's t, as tables print them.
TABLE = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 8: 2.306, 10: 2.228, 19: 2.093, 30: 2.042, 120: 1.980}


@pytest.mark.parametrize(("free", "t"), TABLE.items())
def test_students_t_is_the_one_of_the_tables(free: int, t: float) -> None:
    assert round(quantile(free), 3) == t
    assert isclose(within(quantile(free, 0.99), free), 0.99, rel_tol=1e-12)


def test_with_many_degrees_of_freedom_it_is_the_normal_one() -> None:
    assert isclose(quantile(100_000), 1.959988, abs_tol=1e-5)
    assert within(0.0, 7) == 0.0


def found_with(a: list[list[Any]], b: list[list[Any]]) -> dict[Task, Result]:
    """Results of A and B: for each journal the PnL by seed; a text is a failure."""
    found = {}
    for variant, journals in enumerate((a, b)):
        for market, values in enumerate(journals):
            for seed, value in enumerate(values):
                failed = isinstance(value, str)
                result = Result({} if failed else figures(pnl=value), value if failed else "")
                found[Task(variant, market, seed, f"{variant}-{market}-{seed}")] = result
    return found


def compared(a: list[list[Any]], b: list[list[Any]], metric: str = "pnl") -> Any:
    return compare(distinct(pairs_of(found_with(a, b))[0]), metric)


def test_the_interval_is_that_of_the_mean_of_paired_differences() -> None:
    a, b = [10, 12, 9, 14, 11, 13], [11, 15, 9, 18, 12, 15]
    one = compared([a], [b])
    differences = [float(y - x) for x, y in zip(a, b, strict=True)]
    half = 2.5705818 * stdev(differences) / sqrt(6)

    assert list(one.differences) == differences
    assert (one.better, one.worse, one.ties) == (5, 0, 1)
    assert one.over_journals is None
    assert isclose(one.over_seeds.low, fmean(differences) - half, rel_tol=1e-6)
    assert isclose(one.over_seeds.high, fmean(differences) + half, rel_tol=1e-6)
    assert one.verdict == "B"


def test_where_nought_lies_within_they_cannot_be_told_apart() -> None:
    one = compared([[1, 2, 3, 4, 5, 6]], [[2, 1, 4, 3, 6, 5.5]])

    assert one.over_seeds.low < 0 < one.over_seeds.high
    assert one.verdict == ""


def test_less_is_better_of_what_costs() -> None:
    one = compared([[1, 2, 3, 4, 5, 6]], [[2, 4, 4, 6, 6, 8]])
    turned = compare(pairs_of(found_with([[1, 2, 3, 4, 5, 6]], [[2, 4, 4, 6, 6, 8]]))[0], "orders")

    assert one.verdict == "B"
    assert (turned.better, turned.worse, turned.ties, turned.verdict) == (0, 0, 6, "")


@pytest.mark.parametrize("count", range(1, LEAST_PAIRS))
def test_of_few_pairs_nothing_is_told(count: int) -> None:
    one = compared([[0] * count], [list(range(1, count + 1))])

    assert one.told is None
    assert one.verdict == ""


def test_pairs_that_the_seed_does_not_change_are_one_pair() -> None:
    found = found_with([[1] * 20, [1, 2, 3]], [[2] * 20, [2, 3, 5]])
    pairs, failed = pairs_of(found)

    assert (len(pairs), failed) == (23, 0)
    assert [(task.market, task.seed) for task, _, _ in distinct(pairs)] == [(0, 0), (1, 0), (1, 1), (1, 2)]
    assert compared([[1] * 20], [[2] * 20]).told is None


def test_a_pair_of_which_one_failed_is_left_out() -> None:
    pairs, failed = pairs_of(found_with([["it raised", 2, 3]], [[1, "it raised", 4]]))

    assert failed == 2
    assert [task.seed for task, _, _ in pairs] == [2]


def test_over_journals_each_journal_is_one_value() -> None:
    a = [[0, 0.5], [0, 1], [0, 1], [0, 1], [0, 1]]
    b = [[1, 2], [2, 3], [3, 4.5], [1, 2], [3, 5]]
    one = compared(a, b)
    means = [1.25, 2.0, 3.25, 1.0, 3.5]
    half = quantile(4) * stdev(means) / sqrt(5)

    assert isclose(one.mean, fmean(means))
    assert isclose(one.over_journals.low, fmean(means) - half)
    assert one.over_journals.values == 5
    assert one.told is one.over_journals
    assert compared(a[:4], b[:4]).over_journals is None


def test_a_journal_with_a_single_difference_leaves_the_interval_over_seeds_open() -> None:
    assert over_seeds([[1.0, 2.0, 3.0, 2.0, 1.0], [4.0]]) is None
    assert over_seeds([[1.0, 2.0, 3.0, 2.0, 1.0], [4.0, 5.0]]) is not None
    assert over_journals([1.0, 2.0, 3.0, 4.0]) is None


@given(st.lists(st.tuples(*[st.decimals(-100, 100, places=2)] * 2), min_size=5, max_size=30), st.integers(-50, 50))
def test_exchanging_a_and_b_turns_the_answer_round_and_what_both_share_cancels(
    pairs: list[tuple[Decimal, Decimal]], shared: int
) -> None:
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    one, turned = compared([a], [b]), compared([b], [a])
    moved = compared([[x + shared for x in a]], [[y + shared for y in b]])

    assert (one.better, one.worse) == (turned.worse, turned.better)
    assert one.mean == -turned.mean
    assert {one.verdict: "A", turned.verdict: "A"}.keys() in ({""}, {"A", "B"})
    assert moved.differences == one.differences
    assert moved.over_seeds == one.over_seeds


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    draws, held, tries = Draws(7, "coverage"), 0, 1000
    for number in range(tries):
        # Sums of twelve uniform draws less six: very nearly normal, with mean 0 and variance 1.
        sample = [sum(draws.uniform(number, 12 * at + part) for part in range(12)) - 6 for at in range(8)]
        found = over_seeds([sample])
        assert found is not None
        held += found.low <= 0 <= found.high

    assert 930 <= held <= 970
