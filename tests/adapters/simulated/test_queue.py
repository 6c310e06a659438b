"""Where an order stands in its level's queue, by each model."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trading_room import Room, binary

from adapters.simulated.queue import PowerLaw, Queue, RiskAverse, share_ahead
from adapters.simulated.resting import Resting
from engine.kernel.derived import PLACE
from engine.kernel.record import NONE
from engine.kernel.request import Request
from engine.kernel.units import BUY

INSTRUMENT = Room(binary()).instruments[0]


def power_law() -> Queue:
    """The model with its usual exponent."""
    return PowerLaw(3000)


MODELS: list[Callable[[], Queue]] = [Queue, RiskAverse, power_law]


def order(queue: Queue, level: int) -> Resting:
    """An order that joined *level* others."""
    request = Request(1, PLACE, b"", 0, "v", "YES-M", 0, BUY, 4000, 4, 10**6, 6, 1, 0, 0, NONE)
    resting = Resting(request, INSTRUMENT, 0, 1, 0)
    queue.joined(resting, level)
    return resting


@pytest.mark.parametrize("queue", [model() for model in MODELS])
def test_trades_use_up_what_stands_ahead_and_what_comes_past_it_is_ours(queue: Queue) -> None:
    resting = order(queue, 100)

    assert [queue.trade(resting, size) for size in (60, 40, 7, 5)] == [0, 0, 7, 5]
    assert resting.ahead == 0


@pytest.mark.parametrize(
    ("queue", "expected"),
    [(Queue(), [100, 60, 60, 0]), (RiskAverse(), [100, 100, 100, 0]), (PowerLaw(3000), [100, 60, 60, 0])],
)
def test_a_level_that_shrinks_leaves_room_for_as_much_ahead_as_it_holds(queue: Queue, expected: list[int]) -> None:
    """Nobody joined behind us, so whoever left stood ahead, if the model lets them leave at all."""
    resting = order(queue, 100)
    found = []
    for level in (100, 60, 500, 0):
        queue.set(resting, level)
        found.append(resting.ahead)

    assert found == expected


@pytest.mark.parametrize("exponent", [1000, 2000, 3000])
def test_with_as_much_ahead_as_behind_half_of_who_leaves_stood_ahead(exponent: int) -> None:
    queue = PowerLaw(exponent)
    resting = order(queue, 100)
    queue.set(resting, 200)
    queue.set(resting, 180)

    assert resting.ahead == 90


@pytest.mark.parametrize(("exponent", "ahead"), [(1000, 75), (2000, 90), (3000, 97)])
def test_the_greater_the_exponent_the_more_leaves_from_the_longer_part(exponent: int, ahead: int) -> None:
    """100 ahead and 300 behind, 100 leave: of them 1 in 4, 1 in 10, 1 in 28 stood ahead, rounded against us."""
    queue = PowerLaw(exponent)
    resting = order(queue, 100)
    queue.set(resting, 400)
    queue.set(resting, 300)

    assert resting.ahead == ahead


def test_a_decrease_that_trades_explain_is_not_counted_twice() -> None:
    queue = PowerLaw(3000)
    resting = order(queue, 100)
    queue.set(resting, 150)
    queue.trade(resting, 30)
    queue.set(resting, 120)

    assert resting.ahead == 70


def test_what_the_part_behind_cannot_give_comes_from_ahead() -> None:
    queue = PowerLaw(100)
    resting = order(queue, 100)
    queue.set(resting, 101)
    queue.set(resting, 41)

    assert resting.ahead == 41


@given(st.floats(1, 1e15), st.floats(1, 1e15), st.floats(0.1, 10))
def test_shares_are_probabilities_that_grow_with_what_stands_there(
    ahead: float, behind: float, exponent: float
) -> None:
    share = share_ahead(ahead, behind, exponent)

    assert 0.0 <= share <= 1.0
    assert (share >= 0.5) == (ahead >= behind) or share == pytest.approx(0.5)


steps = st.lists(st.tuples(st.booleans(), st.integers(0, 500)), max_size=30)


@pytest.mark.parametrize("model", MODELS)
@given(st.integers(0, 500), steps)
def test_nobody_joins_ahead_and_never_more_stands_there_than_the_level_holds(
    model: Callable[[], Queue], level: int, script: list[tuple[bool, int]]
) -> None:
    queue = model()
    resting = order(queue, level)
    for trades, size in script:
        before = resting.ahead
        if trades:
            beyond = queue.trade(resting, size)
            assert beyond == max(0, size - before)
        else:
            queue.set(resting, size)
            assert isinstance(queue, RiskAverse) or resting.ahead <= size
        assert 0 <= resting.ahead <= before


@given(st.integers(0, 500), steps)
def test_the_conservative_queue_is_the_lesser_of_what_was_ahead_and_the_level(
    level: int, script: list[tuple[bool, int]]
) -> None:
    """The rule as it is published, beside the model."""
    queue = Queue()
    resting = order(queue, level)
    ahead = level
    for trades, size in script:
        if trades:
            ahead -= size
            assert (queue.trade(resting, size) > 0) == (ahead < 0)
            ahead = max(ahead, 0)
        else:
            queue.set(resting, size)
            ahead = min(ahead, size)
        assert resting.ahead == ahead
