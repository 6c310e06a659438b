"""How long messages are on their way: constants, quantiles, and a lognormal laid down in them."""

from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.simulated.latency import MOST_NS, Delay, Latency, Quantiles, lognormal, normal_quantile
from engine.kernel.rng import Draws

MS = 1_000_000
DRAWS = Draws(7, "test")


def test_a_constant_delay_is_the_same_for_every_draw() -> None:
    delay = Delay(5 * MS)

    assert {delay.ns(key, index, now) for key in (1, 2) for index in (0, 9) for now in (0, 10**18)} == {5 * MS}
    assert delay.most_ns == 5 * MS


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    inner = sorted(draw(st.lists(st.integers(1, 999_999), max_size=6, unique=True)))
    ppm = [0, *inner, 1_000_000]
    ns = sorted(draw(st.lists(st.integers(0, MOST_NS), min_size=len(ppm), max_size=len(ppm))))
    return ppm, ns


@given(tables(), st.integers(0, 2**62), st.integers(0, 2**31))
def test_a_draw_lies_between_the_outermost_quantiles_and_depends_on_its_name_alone(
    table: tuple[list[int], list[int]], key: int, index: int
) -> None:
    delay = Quantiles(*table, Draws(7, "a"))
    drawn = delay.ns(key, index, 0)

    assert table[1][0] <= drawn <= table[1][-1] == delay.most_ns
    assert drawn == Quantiles(*table, Draws(7, "a")).ns(key, index, 99)


@given(tables())
def test_quantiles_hold_at_their_knots_and_rise_between_them(table: tuple[list[int], list[int]]) -> None:
    delay = Quantiles(*table, DRAWS)

    assert [delay.at(ppm) for ppm in table[0]] == table[1]
    steps = [delay.at(ppm) for ppm in range(0, 1_000_001, 50_000)]
    assert steps == sorted(steps)


def test_draws_come_as_often_as_the_quantiles_say() -> None:
    delay = Quantiles([0, 250_000, 1_000_000], [0, 10 * MS, 100 * MS], DRAWS)
    drawn = [delay.ns(key, 0, 0) for key in range(4000)]

    assert 0.22 < sum(ns < 10 * MS for ns in drawn) / 4000 < 0.28
    assert 0.47 < sum(ns < 40 * MS for ns in drawn) / 4000 < 0.53


@pytest.mark.parametrize("p", [1e-6, 1e-3, 0.0242, 0.0243, 0.3, 0.5, 0.7, 0.9757, 0.9758, 0.999999])
def test_the_normal_quantile_is_good_to_nine_figures(p: float) -> None:
    assert normal_quantile(p) == pytest.approx(NormalDist().inv_cdf(p), rel=1.15e-9, abs=1e-15)


@given(st.floats(0, 3), st.integers(0, 50), st.integers(0, 200))
def test_a_lognormal_delay_has_its_least_its_median_and_its_most(sigma: float, least: int, above: int) -> None:
    delay = lognormal(least * MS, (least + above) * MS, sigma, 1000 * MS, DRAWS)

    assert delay.at(0) == least * MS
    assert abs(int(delay.at(500_000)) - (least + above) * MS) <= 1
    assert delay.at(1_000_000) == 1000 * MS
    assert [delay.at(ppm) for ppm in (10, 10_000, 900_000)] == sorted(delay.at(ppm) for ppm in (10, 10_000, 900_000))


def test_a_lognormal_delay_has_the_quantiles_of_the_lognormal() -> None:
    delay = lognormal(10 * MS, 30 * MS, 0.5, 10_000 * MS, DRAWS)
    for ppm in (1000, 50_000, 840_000, 999_000):
        expected = 10 + 20 * 2.718281828459045 ** (0.5 * NormalDist().inv_cdf(ppm / 1e6))
        assert delay.at(ppm) / MS == pytest.approx(expected, rel=1e-6)


@given(st.floats(0, 10), st.integers(0, MOST_NS))
def test_a_wild_lognormal_is_cut_at_its_most(sigma: float, most: int) -> None:
    delay = lognormal(0, most, sigma, most, DRAWS)

    assert all(0 <= delay.at(ppm) <= most for ppm in (0, 1, 500_000, 999_999, 1_000_000))


def test_a_round_trip_takes_the_slower_of_order_and_cancel() -> None:
    assert Latency(Delay(5), Delay(9), Delay(3)).most_round_trip_ns() == 12
    assert Latency(Delay(9), Quantiles([0, 1_000_000], [1, 8], DRAWS), Delay(3)).most_round_trip_ns() == 12
