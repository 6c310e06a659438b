"""The least edits from what rests to what is wanted, and never more calls than allowed."""

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from maker_room import M, orders, parameters, random, situation

from engine.strategies.order_manager import (
    MINUTE_NS,
    Live,
    after_call,
    calls_left,
    edits,
    has_room,
    interval_of,
    meets_own,
    serves,
)
from engine.strategies.quoting import Quote, desired_quotes

QUOTE = Quote(48, 60 * M, 47, 49, 50 * M, 200 * M)


def least(quote: Quote | None, live: list[Live]) -> int:
    """The fewest cancels and orders after which *quote*, or as good as it, and nothing else rests: by trying all."""
    if quote is None:
        return len(live)
    keeping = [len(live) - 1 for order in live if serves(quote, order)]
    return min([len(live) + 1, *keeping])


@settings(max_examples=10_000, deadline=None)
@given(st.integers(0, 2**64))
def test_edits_are_the_fewest_and_once_done_there_are_none(seed: int) -> None:
    pick = random(seed)
    bid, ask = desired_quotes(situation(pick), parameters(pick))
    quote = bid or ask or (QUOTE if seed % 2 else None)
    live = orders(pick, quote.price_ticks if quote else 50, quote.lots if quote else M)
    cancelled, placed = edits(quote, live)
    after = [order for order in live if not any(order is one for one in cancelled)]
    if placed:
        assert quote is not None
        after.append(Live(quote.price_ticks, quote.lots))

    assert len(cancelled) + placed == least(quote, live)
    assert edits(quote, after) == ([], False)
    assert len(after) == (quote is not None)


def test_the_oldest_order_that_serves_stays() -> None:
    live = [Live(45, 60 * M), Live(49, 55 * M), Live(48, 60 * M)]

    assert edits(QUOTE, live) == ([live[0], live[2]], False)
    assert edits(QUOTE, live[:1]) == (live[:1], True)
    assert edits(None, live) == (live, False)
    assert edits(QUOTE, []) == ([], True)


@pytest.mark.parametrize(
    ("order", "stays"),
    [
        (Live(47, 60 * M), True),
        (Live(46, 60 * M), False),
        (Live(50, 60 * M), False),
        (Live(48, 49 * M), False),
        (Live(48, 201 * M), False),
    ],
)
def test_an_order_stays_within_the_do_nothing_zone_and_no_longer_than_it_may_score(order: Live, stays: bool) -> None:
    assert edits(QUOTE, [order]) == (([], False) if stays else ([order], True))


def test_orders_that_are_being_cancelled_take_room_until_they_are_gone() -> None:
    quote = Quote(48, 60 * M, 47, 49, 50 * M, 100 * M)

    assert has_room(quote, [Live(40, 40 * M)])
    assert not has_room(quote, [Live(40, 41 * M)])
    assert not has_room(quote, [Live(40, 20 * M), Live(41, 21 * M)])


def test_an_order_that_would_meet_one_of_ours_is_seen() -> None:
    assert [meets_own(True, price, [Live(50, 1), Live(52, 1)]) for price in (49, 50, 51)] == [False, True, True]
    assert [meets_own(False, price, [Live(50, 1), Live(48, 1)]) for price in (51, 50, 49)] == [False, True, True]
    assert not meets_own(True, 99, [])


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 10_000),
    st.integers(2, 50),
    st.lists(st.integers(0, 2_000_000_000), min_size=1, max_size=80),
    st.integers(1, 100_000_000_000),
)
def test_in_no_stretch_of_time_are_there_more_calls_than_the_budget(
    a_minute: int, burst: int, gaps: list[int], stretch_ns: int
) -> None:
    full_ns, made = 0, []
    interval_ns = interval_of(a_minute)
    for now_ns in accumulate(gaps):
        for _ in range(burst // 3 + 1):  # as greedy as can be
            if calls_left(full_ns, now_ns, interval_ns, burst) > 0:
                full_ns = after_call(full_ns, now_ns, interval_ns)
                made.append(now_ns)
    most = max([sum([start <= one < start + stretch_ns for one in made]) for start in made])

    assert most <= burst + stretch_ns * a_minute // MINUTE_NS + 1
    assert 0 <= calls_left(full_ns, sum(gaps), interval_ns, burst) <= burst


def test_the_bucket_fills_again_one_call_at_a_time() -> None:
    interval_ns = interval_of(60)
    full_ns = 0
    for _ in range(5):
        full_ns = after_call(full_ns, 100, interval_ns)

    assert interval_ns == 1_000_000_000
    assert [calls_left(full_ns, 100 + at, interval_ns, 5) for at in (0, 999_999_999, 10**9, 5 * 10**9)] == [0, 0, 1, 5]
    assert interval_of(7) == 8_571_428_572
