"""Fair price and quotes, as pure functions: always legal, and what they are in situations that stand still."""

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from maker_room import RULES, SEEN, M, assert_legal, drawn, parameters, random, situation

from engine.strategies.quoting import NOTHING, PARTS, Quote, Quotes, desired_quotes, fair_price


@settings(max_examples=10_000, deadline=None)
@given(st.integers(0, 2**64))
def test_quotes_are_legal_for_tick_spread_size_and_band_whatever_the_book_and_the_rules(seed: int) -> None:
    seen, rules = situation(random(seed)), parameters(random(seed + 1))

    assert_legal(seen, rules, desired_quotes(seen, rules))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_quotes_are_legal_in_the_simplest_of_cases(data: st.DataObject) -> None:
    seen, rules = situation(drawn(data)), parameters(drawn(data))

    assert_legal(seen, rules, desired_quotes(seen, rules))


def test_most_random_situations_are_quoted_in() -> None:
    rules = [evolve(RULES, rewarded_only=False, max_position_lots=10**12) for _ in range(300)]
    found = [desired_quotes(situation(random(seed)), one) for seed, one in enumerate(rules)]

    assert sum([quotes != NOTHING for quotes in found]) > 100


@settings(max_examples=2000, deadline=None)
@given(st.integers(0, 2**64))
def test_the_fair_price_lies_within_the_touch_and_a_mirrored_book_has_the_mirrored_one(seed: int) -> None:
    seen, rules = situation(random(seed)), parameters(random(seed + 1))
    whole = seen.whole_ticks
    mirrored = seen._replace(
        bid=whole - seen.ask,
        bid_lots=seen.ask_lots,
        ask=whole - seen.bid,
        ask_lots=seen.bid_lots,
        trade=whole * PARTS - seen.trade,
    )
    fair = fair_price(seen, rules)

    assert seen.bid * PARTS <= fair <= seen.ask * PARTS
    assert abs(whole * PARTS - fair - fair_price(mirrored, rules)) <= 3  # each step rounds down on its own side


def prices(quotes: Quotes) -> tuple[int | None, int | None]:
    bid, ask = quotes
    return None if bid is None else bid.price_ticks, None if ask is None else ask.price_ticks


def sizes(quotes: Quotes) -> tuple[int, int]:
    bid, ask = quotes
    return 0 if bid is None else bid.lots // M, 0 if ask is None else ask.lots // M


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, (48, 52)),
        ({"bid": 49, "ask": 51}, (48, 52)),  # half a spread of 1.5 cents from 50
        ({"bid": 46, "ask": 54}, NOTHING),  # the reach is 3.6 cents, and the touch stands behind it
        ({"held": 200 * M}, (None, 52)),
        ({"held": -200 * M}, (48, None)),
        ({"held": 100 * M, "bid": 49, "ask": 51}, (47, 51)),  # leans down by 0.75 cents
        ({"bid": 44, "ask": 56}, NOTHING),  # wider than 10 cents
        ({"bid": 5, "ask": 7, "middle": 6_000}, NOTHING),  # as good as decided
        ({"reward_spread": 0, "reward_lots": 0}, NOTHING),
        ({"reward_lots": 250 * M}, NOTHING),  # too large for our bounds
        ({"widen": 3_500, "bid": 49, "ask": 51}, NOTHING),  # 4 cents from the fair price, beyond reach
        ({"widen": 1_000, "bid": 49, "ask": 51}, (47, 53)),
        ({"nearer": 1_000, "bid": 49, "ask": 51}, (49, 51)),
        ({"trade": 49_000, "trade_percent": 100, "bid": 49, "ask": 51}, (47, 51)),
    ],
)
def test_quotes_of_fixed_situations(changed: dict[str, int], expected: tuple[int | None, int | None]) -> None:
    assert prices(desired_quotes(SEEN._replace(**changed), RULES)) == expected


def test_a_quote_is_as_large_as_rewards_ask_and_as_small_as_the_bounds_demand() -> None:
    assert sizes(desired_quotes(SEEN, RULES)) == (60, 60)
    assert sizes(desired_quotes(SEEN, evolve(RULES, size_lots=20 * M))) == (50, 50)
    assert sizes(desired_quotes(SEEN._replace(held=145 * M), RULES)) == (55, 60)
    assert sizes(desired_quotes(SEEN._replace(held=155 * M), RULES)) == (0, 60)
    assert sizes(desired_quotes(SEEN, evolve(RULES, size_lots=60 * M + 9_999))) == (60, 60)


def test_the_microprice_leans_to_the_side_with_less_size() -> None:
    leaning = SEEN._replace(bid_lots=900 * M)

    assert fair_price(SEEN, RULES) == 50_000
    assert fair_price(leaning, evolve(RULES, lean_percent=100)) == 51_000  # the weighted mid
    assert fair_price(leaning, evolve(RULES, lean_percent=50)) == 50_500
    assert fair_price(leaning, evolve(RULES, lean_percent=0)) == 50_000


def test_trades_draw_the_fair_price_and_never_beyond_the_touch() -> None:
    assert fair_price(SEEN._replace(trade=49_000, trade_percent=20), RULES) == 49_800
    assert fair_price(SEEN._replace(trade=10_000, trade_percent=100), RULES) == 48_000


def test_a_resting_quote_may_stay_while_the_midpoint_moves_a_little() -> None:
    bid, ask = desired_quotes(SEEN._replace(bid=49, ask=51), RULES)
    assert isinstance(bid, Quote)
    assert isinstance(ask, Quote)
    # The ideal bid is 48.5: half a cent either way, it would be at 48 or 49.
    assert (bid.low_ticks, bid.price_ticks, bid.high_ticks) == (48, 48, 49)
    assert (ask.low_ticks, ask.price_ticks, ask.high_ticks) == (51, 52, 52)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"size_lots": 0}, "size_lots is 0, expected 1 to"),
        ({"reach_percent": 100}, "reach_percent is 100, expected 0 to 99"),
        ({"calls_per_minute": 0}, "calls_per_minute is 0"),
        ({"on_not_scoring": "hope"}, "on_not_scoring is 'hope', expected adjust, leave or keep"),
        ({"min_price_mills": 400, "max_price_mills": 400}, "max_price_mills is 400, not above 400"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        evolve(RULES, **changed)
