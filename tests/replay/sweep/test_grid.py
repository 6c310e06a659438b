"""What a sweep varies, as typed: what every form means, and what is refused with advice on how to type it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.sweep.grid import BadGrid, Point, read_axis, read_points, read_seeds, short_names, spelled_out


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("x=1..5", ("1", "2", "3", "4", "5")),
        ("x=1..10..4", ("1", "5", "9")),
        ("x=-2..2..2", ("-2", "0", "2")),
        ("x=0.1..0.5..0.1", ("0.1", "0.2", "0.3", "0.4", "0.5")),
        ("x=1..2..0.5", ("1", "1.5", "2")),
        ("x=10_000..30_000..10_000", ("10000", "20000", "30000")),
        ("x=7", ("7",)),
        ("x=conservative, power", ("conservative", "power")),
        ("x=1..3,10", ("1", "2", "3", "10")),
        ("x=[a,b],[c]", ("[a,b]", "[c]")),
        ("x={least_ms: 1, most_ms: 2},5", ("{least_ms: 1, most_ms: 2}", "5")),
        ("x=a=b", ("a=b",)),
    ],
)
def test_a_grid_means_what_it_looks_like(typed: str, values: tuple[str, ...]) -> None:
    assert read_axis(typed, ["one"]).values == values


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("x", "nothing to vary"),
        ("=1..5", "nothing to vary"),
        ("x= ", "nothing to vary"),
        ("x=5..1", "does not rise"),
        ("x=1..5..0", "does not rise"),
        ("x=a..b", "is no range of numbers"),
        ("x=1..", "is no range of numbers"),
        ("x=1,,2", "a value is missing"),
        ("x=1..3,2", "2 stands there twice"),
        ("x=1..1_000_000", "has 1,000,000 values"),
        ("seed=1..5", "a seed is no parameter"),
    ],
)
def test_what_is_no_grid_is_refused_in_one_sentence(typed: str, said: str) -> None:
    with pytest.raises(BadGrid, match=said) as raised:
        read_axis(typed, ["one"])

    assert str(raised.value).startswith(f"--grid {typed}")
    assert raised.value.advice


def test_strategy_is_short_for_the_only_strategys_parameters() -> None:
    assert read_axis("strategy.spread=1", ["maker"]).path == "strategies.maker.parameters.spread"
    assert read_axis("strategies.maker.parameters.x=1", ["maker", "box"]).path == "strategies.maker.parameters.x"
    assert spelled_out("strategy.spread=3", ["maker"]) == "strategies.maker.parameters.spread=3"
    assert spelled_out("venue.queue=power", []) == "venue.queue=power"


@pytest.mark.parametrize("strategies", [[], ["maker", "box"]])
def test_of_several_strategies_the_short_form_names_none(strategies: list[str]) -> None:
    with pytest.raises(BadGrid, match="short for the only strategy") as raised:
        read_axis("strategy.spread=1..5", strategies)

    assert raised.value.advice == "write strategies.NAME.parameters.spread"


def test_grids_multiply_and_the_last_varies_fastest() -> None:
    points = read_points([read_axis("a.b=1,2", []), read_axis("c=x,y", [])])

    assert [point.values for point in points] == [("1", "x"), ("1", "y"), ("2", "x"), ("2", "y")]
    assert points[1].overrides == ("a.b=1", "c=y")
    assert points[1].label == "b=1 c=y"
    assert read_points([]) == (Point((), (), ()),)


def test_one_value_is_not_varied_twice_and_not_over_too_many_points() -> None:
    short, spelled = read_axis("strategy.x=1", ["m"]), read_axis("strategies.m.parameters.x=2", ["m"])
    with pytest.raises(BadGrid, match="varied twice"):
        read_points([short, spelled])
    with pytest.raises(BadGrid, match="more than 100,000 points"):
        read_points([read_axis("a=1..400", []), read_axis("b=1..400", [])])


def test_a_table_calls_axes_by_their_last_words_unless_two_are_alike() -> None:
    spread, latency = read_axis("strategy.spread=1", ["m"]), read_axis("venue.order_latency_ms=1", [])

    assert short_names([spread, latency]) == ["spread", "order_latency_ms"]
    assert short_names([spread, read_axis("a.spread=1", [])]) == ["strategy.spread", "a.spread"]


def test_seeds_are_ranges_and_lists() -> None:
    assert read_seeds("1..4") == (1, 2, 3, 4)
    assert read_seeds("7") == (7,)
    assert read_seeds("1..3,9, 0") == (1, 2, 3, 9, 0)
    assert read_seeds(str(2**63 - 1)) == (2**63 - 1,)


@pytest.mark.parametrize("typed", ["", "x", "-1", "1.5", "1..2..0.5", str(2**63), "1,01", "3..1", "²", "_.._"])
def test_what_is_no_seed_is_refused(typed: str) -> None:
    with pytest.raises(BadGrid, match=r"--seeds"):
        read_seeds(typed)


@given(
    st.decimals(-1000, 1000, places=3),
    st.decimals("0.001", 50, places=3),
    st.integers(0, 60),
)
def test_a_range_holds_exactly_the_multiples_of_its_step_up_to_its_end(
    first: Decimal, step: Decimal, count: int
) -> None:
    last = first + step * count
    values = [Decimal(value) for value in read_axis(f"x={first:f}..{last:f}..{step:f}", []).values]

    assert values == [first + step * number for number in range(count + 1)]
    assert all("E" not in value for value in read_axis(f"x={first:f}..{last:f}..{step:f}", []).values)
