"""Averages that forget: the integers keep to what the real numbers say, by a model that keeps everything instead."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel.fading import MOST_HELD, ONE, Average, Fading, Share, clipped, part_of, times
from engine.kernel.pack import Packer, Unpacker

UNIT = 1 << 30


@given(st.integers(1, 2**32), st.integers(0, 2**62))
def test_a_weight_is_a_half_to_the_power_of_half_lives(half_steps: int, steps: int) -> None:
    true = 2.0 ** (-steps / half_steps)

    assert abs(Fading(half_steps).weight(steps) / UNIT - true) < 40 / UNIT  # the roundings of 40 products


@pytest.mark.parametrize(("steps", "left"), [(0, UNIT), (240, UNIT // 2), (480, UNIT // 4), (2**40, 0), (2**62, 0)])
def test_a_weight_halves_with_every_half_life(steps: int, left: int) -> None:
    assert abs(Fading(240).weight(steps) - left) <= 2


@given(st.integers(-(2**42), 2**42), st.integers(0, UNIT))
def test_a_product_is_at_most_two_below_the_true_one(value: int, weight: int) -> None:
    true = Fraction(value) * weight / UNIT

    assert 0 <= true - times(value, weight) < 2


held = st.lists(st.tuples(st.integers(-MOST_HELD, MOST_HELD), st.integers(0, 3000)), min_size=1, max_size=30)


@given(st.integers(4, 1000), held)
def test_an_average_is_the_sum_of_what_was_held_weighed_by_its_age(
    half_steps: int, seen: list[tuple[int, int]]
) -> None:
    fading, average = Fading(half_steps), Average()
    average.begin(seen[0][0])
    for value, steps in seen:
        average.hold(value, fading.weight(steps))

    age, expected = 0, 0.0
    for value, steps in reversed(seen):  # each value weighs what fades between its beginning and its end
        expected += value * (2 ** (-age / half_steps) - 2 ** (-(age + steps) / half_steps))
        age += steps
    expected += seen[0][0] * 2 ** (-age / half_steps)

    assert average.value() == pytest.approx(expected, abs=2 + 2 * MOST_HELD * 45 * len(seen) / UNIT + half_steps / 2048)


@given(st.integers(-MOST_HELD, MOST_HELD), st.integers(-MOST_HELD, MOST_HELD))
def test_an_average_reaches_what_holds_long_enough(first: int, then: int) -> None:
    fading, average = Fading(10), Average()
    average.begin(first)
    for _ in range(400):
        average.hold(then, fading.weight(1))

    assert abs(average.value() - then) <= 1


def test_an_average_takes_what_it_cannot_hold_for_the_most_that_it_can() -> None:
    average = Average()
    average.begin(2**50)

    assert average.value() == MOST_HELD
    assert (clipped(-(2**50)), clipped(-5), clipped(MOST_HELD)) == (-MOST_HELD, -5, MOST_HELD)


events = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, ONE), st.integers(1, 5)), max_size=40)


@given(st.integers(1, 2000), st.integers(1, 10), events)
def test_a_share_is_the_part_of_all_events_weighed_by_their_age(
    half_steps: int, least: int, seen: list[tuple[int, int, int]]
) -> None:
    fading, share = Fading(half_steps), Share()
    now, part, whole = sum(steps for steps, _, _ in seen), 0.0, 0.0
    at = 0
    for steps, one, count in seen:
        share.fade(fading.weight(steps))
        share.add(one, count)
        at += steps
        weight = count * 2.0 ** (-(now - at) / half_steps)
        part, whole = part + weight * one / ONE, whole + weight

    expected = 1000 * part / max(whole, least)
    assert share.thousandths(least) == pytest.approx(expected, abs=1.2)


def test_a_share_counts_no_more_than_it_can_hold_and_does_not_leave_its_range() -> None:
    share = Share()
    for _ in range(2000):
        share.add(ONE, 1000)

    assert share.thousandths(1) == 1000
    assert share.whole < 2**42
    share.fade(UNIT // 2)
    assert share.thousandths(1) == 1000


def test_a_share_of_few_events_weighs_in_proportion() -> None:
    share = Share()
    share.add(ONE)

    assert [share.thousandths(least) for least in (1, 2, 10)] == [1000, 500, 100]
    assert Share().thousandths(3) == 0


@given(st.integers(0, 2**60), st.integers(1, 2**60))
def test_a_part_of_a_whole_is_their_quotient_whatever_their_size(one: int, other: int) -> None:
    part, whole = min(one, other), max(one, other)

    assert part_of(part, whole) == pytest.approx(part * ONE / whole, abs=3)


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_a_share_is_packed_and_unpacked(part: int, whole: int) -> None:
    share, again, packer = Share(), Share(), Packer()
    share.part, share.whole = part, whole
    share.pack(packer)
    unpacker = Unpacker(packer.finish())
    again.unpack(unpacker)
    unpacker.done()

    assert (again.part, again.whole) == (part, whole)
