"""What an observer keeps stays within its bound, and is what a grid of the same step would have had from the start."""

from hypothesis import given
from hypothesis import strategies as st

from replay.observe.grid import FINEST_NS, First, Sampler, Thinned, step_for


@given(st.integers(2, 40), st.integers(0, 2_000), st.integers(0, 10**6))
def test_a_sampler_keeps_at_most_so_many_and_those_that_a_coarser_grid_has(most: int, looks: int, start: int) -> None:
    sampler = Sampler(most, 10)
    now = sampler.next_ns(start)
    for _ in range(looks):
        row = {"now": now, **({"late": now} if now > start + 900 else {})}
        sampler.add(now, now + 1, now + 2, row)
        now = sampler.next_ns(now)
    grid = sampler.grid()

    assert len(grid) <= most
    assert all(at % grid.step_ns == 0 for at in grid.time_ns)
    assert all(b - a == grid.step_ns for a, b in zip(grid.time_ns, grid.time_ns[1:], strict=False))
    assert sampler.values("now") == grid.time_ns
    assert sampler.values("late") == tuple(at if at > start + 900 else None for at in grid.time_ns)
    assert sampler.values("never") == (None,) * len(grid)
    assert grid.seq == tuple(at + 1 for at in grid.time_ns)


@given(st.integers(1, 30), st.integers(0, 500))
def test_a_thinned_list_keeps_each_so_manieth_from_the_first_on(most: int, count: int) -> None:
    thinned: Thinned[int] = Thinned(most)
    for one in range(count):
        thinned.add(one)

    assert thinned.found == list(range(0, count, thinned.every))
    assert len(thinned.found) <= most
    assert thinned.told == count


def test_of_a_list_of_firsts_the_others_are_counted() -> None:
    first: First[int] = First(3)
    for one in range(5):
        first.add(one)

    assert (first.found, first.more) == ([0, 1, 2], 2)


@given(st.integers(0, 10**16))
def test_a_grid_that_knows_its_end_begins_with_the_step_it_would_come_to(span_ns: int) -> None:
    step_ns = step_for(span_ns)

    assert span_ns // step_ns < 2_000
    assert step_ns == FINEST_NS or span_ns // (step_ns // 2) >= 2_000


def test_the_instant_of_the_end_takes_the_place_of_one_that_is_not_before_it() -> None:
    sampler = Sampler(10, 10)
    for now in (10, 20, 30):
        sampler.add(now, now, now, {"a": now})
    sampler.end(30, 31, 31, {"a": 5})

    assert sampler.grid().seq == (10, 20, 31)
    assert sampler.values("a") == (10, 20, 5)
    full = Sampler(2, 10)
    for now in (10, 20):
        full.add(now, now, now, {})
    full.end(27, 28, 28, {"b": 1})
    assert full.grid().time_ns == (20, 27)
    assert full.values("b") == (None, 1)
