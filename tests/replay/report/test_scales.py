"""Axes are round, and fewer points are still the same picture."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.report.scales import (
    SECOND_NS,
    Point,
    short,
    thinned,
    tick_texts,
    time_scale,
    time_texts,
    value_scale,
    without_repeats,
)

finite = st.floats(-1e12, 1e12, allow_nan=False)


@given(st.lists(finite, max_size=8), st.booleans())
def test_every_value_lies_within_its_scale(values: list[float], zero: bool) -> None:
    scale = value_scale(values, 100.0, 0.0, zero=zero)

    assert scale.low < scale.high
    room = (scale.high - scale.low) * 1e-6
    assert all(scale.low - room <= value <= scale.high + room for value in values)
    assert all(0 <= scale.at(value) <= 100 for value in values)
    assert not zero or scale.low <= 0 <= scale.high
    assert 2 <= len(scale.ticks) <= 9


@given(st.lists(finite, min_size=1, max_size=8))
def test_no_two_ticks_are_called_the_same(values: list[float]) -> None:
    ticks = value_scale(values, 0.0, 1.0).ticks
    if ticks[1] - ticks[0] > max(map(abs, ticks)) * 1e-3:
        assert len(set(tick_texts(ticks))) == len(ticks)


def test_ticks_are_called_by_as_many_digits_as_tell_them_apart() -> None:
    assert tick_texts(value_scale([0.47, 0.52], 0, 1).ticks) == ["0.47", "0.48", "0.49", "0.50", "0.51", "0.52"]
    assert tick_texts(value_scale([-3, 12], 0, 1).ticks) == ["-5", "0", "5", "10", "15"]


@given(st.integers(0, 2**62), st.integers(0, 10**17))
def test_times_have_a_few_ticks_and_all_within(first_ns: int, long_ns: int) -> None:
    scale = time_scale(first_ns, first_ns + long_ns, 0.0, 700.0)

    assert len(scale.ticks) <= 11
    assert all(scale.low <= tick <= scale.high for tick in scale.ticks)
    assert len(time_texts(scale.ticks)) == len(scale.ticks)


def test_times_are_round_in_utc() -> None:
    first_ns = 1_723_161_255 * SECOND_NS  # 2024-08-08T23:54:15

    assert time_texts(time_scale(first_ns, first_ns + 300 * SECOND_NS, 0, 1).ticks)[:2] == ["23:55", "23:56"]
    assert time_texts(time_scale(first_ns, first_ns + 9 * 86_400 * SECOND_NS, 0, 1).ticks)[0] == "2024-08-09"
    assert time_texts(time_scale(first_ns, first_ns + SECOND_NS // 10, 0, 1).ticks)[1] == "54:15.020"


@given(st.lists(st.one_of(st.none(), st.integers(-100, 100)), max_size=300), st.integers(8, 40))
def test_fewer_points_keep_the_ends_and_the_extremes(values: list[int | None], most: int) -> None:
    points = [Point(at + 1, at * at * 1000, value) for at, value in enumerate(values)]
    found = thinned(points, most)
    known = [value for value in values if value is not None]

    assert len(found) <= most + 8 or len(found) <= len(points) <= most
    assert all(one in points for one in found)
    assert all(one.seq < other.seq for one, other in pairwise(found))
    if known:
        kept = [one.value for one in found if one.value is not None]
        assert (min(kept), max(kept)) == (min(known), max(known))
        assert found[0] == points[0]
        assert values[-1] is None or found[-1] == points[-1]


def test_what_says_the_same_as_before_is_left_out_but_for_the_end() -> None:
    points = [Point(at, at, value) for at, value in enumerate([1, 1, 2, 2, 2, 1, 1])]

    assert [one.seq for one in without_repeats(points)] == [0, 2, 5, 6]


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (0.4, "0.4"), (-1.4, "-1.4"), (12.345678, "12.35"), (1234.56, "1,234.6"), (98765.4, "98,765"),
     (1e-9, "1.00e-09"), (100, "100"), (float("nan"), "-"), (float("inf"), "-")],
)  # fmt: skip
def test_values_are_said_shortly(value: float, said: str) -> None:
    assert short(value) == said
