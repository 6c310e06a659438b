"""Thresholds, hysteresis and dwell of a heuristic's level, and what its levels ask for."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel.heuristics import CALM, HIGH, RAISED, Gauge

scores = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1000)), max_size=60)


@st.composite
def gauges(draw: st.DrawFn) -> Gauge:
    raised = draw(st.integers(1, 1001))
    return Gauge(raised, draw(st.integers(raised, 1001)), draw(st.integers(0, 300)), 1, 3, 1, 2)


def levels_of(gauge: Gauge, dwell: int, seen: list[tuple[int, int]]) -> list[int]:
    """The levels after each (time since the one before, score)."""
    level, since, now, found = int(CALM), -10_000, 0, []
    for after, score in seen:
        now += after
        new = int(gauge.next_level(level, score, now - since >= dwell))
        if new != level:
            level, since = new, now
        found.append(level)
    return found


@given(gauges(), st.integers(0, 100), scores)
def test_a_level_rises_at_once_and_falls_by_one_when_it_has_stood_and_the_score_is_well_below(
    gauge: Gauge, dwell: int, seen: list[tuple[int, int]]
) -> None:
    levels = [0, *levels_of(gauge, dwell, seen)]
    times = [0]
    for after, _ in seen:
        times.append(times[-1] + after)
    for at in range(1, len(levels)):
        score, old, new = seen[at - 1][1], levels[at - 1], levels[at]
        reached = (score >= gauge.raised) + (score >= gauge.high)
        changes = [times[i] for i in range(1, at) if levels[i] != levels[i - 1]]
        has_stood = not changes or times[at] - changes[-1] >= dwell
        threshold = (0, gauge.raised, gauge.high)[old]

        if reached > old:
            assert new == reached
        elif old > 0 and has_stood and score < threshold - gauge.ease:
            assert new == old - 1
        else:
            assert new == old


@given(gauges(), st.lists(st.integers(0, 1000), min_size=2, max_size=40))
def test_a_score_that_trembles_within_the_ease_changes_a_level_at_most_once(gauge: Gauge, noise: list[int]) -> None:
    low, high = max(0, gauge.raised - gauge.ease), gauge.raised
    trembling = [(1, low + one % (high - low + 1)) for one in noise]
    levels = [0, *levels_of(gauge, 0, [one for one in trembling if one[1] < gauge.high])]

    assert sum(a != b for a, b in pairwise(levels)) <= 1


def test_the_ticks_are_those_of_the_level() -> None:
    gauge = Gauge(500, 750, 100, 2, 5, HIGH, HIGH)

    assert [gauge.ticks(level) for level in (CALM, RAISED, HIGH)] == [0, 2, 5]


@pytest.mark.parametrize(
    "bad", [(0, 5, 0, 0, 0, 1, 1), (6, 5, 0, 0, 0, 1, 1), (5, 6, 0, 0, 0, 0, 1), (5, 6, 0, 0, 0, 1, 0)]
)
def test_a_gauge_that_makes_no_sense_is_refused(bad: tuple[int, ...]) -> None:
    with pytest.raises(AssertionError):
        Gauge(*bad)
