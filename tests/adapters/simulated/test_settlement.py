"""The life of a trade after its match."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.simulated.latency import Delay, Quantiles
from adapters.simulated.resting import Fill
from adapters.simulated.settlement import Settlement
from engine.kernel.events import TRADE_CONFIRMED, TRADE_FAILED, TRADE_MINED, TRADE_RETRYING
from engine.kernel.record import NONE
from engine.kernel.rng import Draws

S = 10**9
LIVES = {
    (TRADE_MINED, TRADE_CONFIRMED),
    (TRADE_RETRYING, TRADE_MINED, TRADE_CONFIRMED),
    (TRADE_RETRYING, TRADE_FAILED),
}


def a_fill(number, at_ns=0):
    return Fill(number, 100 + number, 0, 0, 0, 5_000, 10**6, True, at_ns)


def a_settlement(retry_ppm=0, failure_ppm=0, mined=None, seed=7):
    return Settlement(
        Delay(2 * S) if mined is None else mined, Delay(3 * S), Delay(10 * S), retry_ppm, failure_ppm,
        Draws(seed, "settlement"),
    )  # fmt: skip


def lives(settlement):
    """Every trade's statuses, and every step's (time, trade), in order."""
    found, steps = {}, []
    while settlement.next_ns() != NONE:
        due = settlement.next_ns()
        trade = settlement.step()
        assert trade.at_ns == due
        found.setdefault(int(trade.fill.number), []).append(int(trade.status))
        steps.append((int(trade.at_ns), int(trade.fill.number)))
    return found, steps


def test_a_trade_is_mined_then_confirmed():
    settlement = a_settlement()
    settlement.matched(a_fill(1, 5 * S), NONE)
    assert settlement.count() == 1

    assert lives(settlement) == ({1: [TRADE_MINED, TRADE_CONFIRMED]}, [(7 * S, 1), (10 * S, 1)])
    assert settlement.count() == 0


def test_a_trade_that_has_to_be_tried_again_is_mined_later():
    settlement = a_settlement(retry_ppm=1_000_000)
    settlement.matched(a_fill(1), NONE)

    found, steps = lives(settlement)
    assert found == {1: [TRADE_RETRYING, TRADE_MINED, TRADE_CONFIRMED]}
    assert [at for at, _ in steps] == [2 * S, 12 * S, 15 * S]


def test_a_trade_that_fails_is_tried_again_first():
    settlement = a_settlement(failure_ppm=1_000_000)
    settlement.matched(a_fill(1), NONE)

    assert lives(settlement) == ({1: [TRADE_RETRYING, TRADE_FAILED]}, [(2 * S, 1), (12 * S, 1)])


@given(
    st.integers(0, 500_000), st.integers(0, 500_000), st.lists(st.integers(0, 100 * S), max_size=30), st.integers(0, 9)
)
def test_every_trade_lives_one_of_three_lives_and_steps_come_in_order_of_time_then_number(retry, failure, times, seed):
    draws = Draws(seed, "mined")
    settlement = a_settlement(retry, failure, Quantiles([0, 1_000_000], [0, 5 * S], draws), seed)
    for number, at_ns in enumerate(sorted(times), 1):
        settlement.matched(a_fill(number, at_ns), NONE)
    found, steps = lives(settlement)

    assert len(found) == len(times)
    assert {tuple(life) for life in found.values()} <= LIVES
    assert steps == sorted(steps)


@given(st.permutations(range(1, 9)))
def test_a_trade_s_fate_does_not_depend_on_others(order):
    alone = {}
    for number in order:
        settlement = a_settlement(300_000, 300_000)
        settlement.matched(a_fill(number), NONE)
        alone.update(lives(settlement)[0])
    together = a_settlement(300_000, 300_000)
    for number in order:
        together.matched(a_fill(number), NONE)

    assert lives(together)[0] == alone


def test_of_many_trades_as_many_fail_as_the_configuration_says():
    settlement = a_settlement(200_000, 100_000)
    for number in range(1, 2_001):
        settlement.matched(a_fill(number), NONE)
    found = [tuple(life) for life in lives(settlement)[0].values()]

    assert 150 < found.count((TRADE_RETRYING, TRADE_FAILED)) < 250
    assert 330 < found.count((TRADE_RETRYING, TRADE_MINED, TRADE_CONFIRMED)) < 470
