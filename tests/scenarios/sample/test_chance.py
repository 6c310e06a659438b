"""Chance: the same everywhere, and of the shape it promises."""

from hypothesis import given
from hypothesis import strategies as st

from scenarios.sample.chance import Chance


def test_the_first_numbers_of_a_stream_never_change() -> None:
    chance = Chance(7, "venue")

    assert [chance.word() for _ in range(3)] == [3957618205, 3412677245, 3432715974]


def test_streams_of_other_names_and_seeds_have_nothing_in_common() -> None:
    streams = [Chance(seed, name) for seed in (1, 2) for name in ("a", "b")]
    words = [[chance.word() for _ in range(200)] for chance in streams]

    assert len({word for stream in words for word in stream}) == 800


@given(st.integers(0, 2**64), st.integers(1, 10_000))
def test_a_number_below_an_end_stays_below_it(seed: int, end: int) -> None:
    chance = Chance(seed, "test")

    assert all(0 <= chance.below(end) < end for _ in range(50))


@given(st.integers(-50, 50), st.integers(0, 100))
def test_a_number_between_two_may_be_either_of_them(least: int, width: int) -> None:
    chance = Chance(3, "test")
    drawn = {chance.between(least, least + width) for _ in range(40 * (width + 1))}

    assert {least, least + width} <= drawn
    assert drawn <= set(range(least, least + width + 1))


def test_waiting_times_have_about_the_mean_they_were_asked_for_and_half_are_short() -> None:
    chance = Chance(11, "test")
    drawn = [chance.waiting(1000) for _ in range(20_000)]

    assert 950 < sum(drawn) / len(drawn) < 1100
    assert 9_700 < sum(1 for time in drawn if time < 693) < 10_300


def test_once_in_so_many_times_is_about_that() -> None:
    chance = Chance(5, "test")

    assert 900 < sum(chance.one_in(20) for _ in range(20_000)) < 1100


def test_a_shuffle_loses_nothing() -> None:
    assert list(range(30)) == sorted(Chance(1, "test").shuffled(range(30)))
