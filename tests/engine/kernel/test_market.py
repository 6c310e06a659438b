"""Markets and instruments: two outcomes on one book, and what a catalogue may change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from row_room import binary, contract

from engine.kernel.listings import Listings
from engine.kernel.market import Instrument, Market, power_of_ten
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID

levels = st.lists(st.tuples(st.sampled_from([BID, ASK]), st.integers(0, 100), st.integers(1, 9)), max_size=12)


def instruments(*listed: Market) -> list[Instrument]:
    listings = Listings()
    for market in listed:
        listings.adopt(market)
    return listings.instruments


@given(levels)
def test_the_second_outcome_s_book_is_the_mirror_image_of_the_first_s(given_levels: list[tuple[int, int, int]]) -> None:
    market = Market(0, binary())
    yes, no = instruments(market)
    for side, tick, lots in given_levels:
        market.book.set_level(side, tick, lots)

    for side, other in ((BID, ASK), (ASK, BID)):
        mirrored = [(100 - tick, lots) for tick, lots in yes.levels(side, 99)]

        assert no.levels(other, 99) == mirrored
        assert no.levels(other, 2) == mirrored[:2]
        assert all(no.lots_at(other, 100 - tick) == yes.lots_at(side, tick) for tick in range(101))
    assert no.best_bid() == (NONE if yes.best_ask() == NONE else 100 - yes.best_ask())
    assert no.best_ask() == (NONE if yes.best_bid() == NONE else 100 - yes.best_bid())


def test_instruments_are_numbered_in_order_of_listing_and_know_their_complement() -> None:
    found = instruments(Market(0, binary("A")), Market(1, contract()), Market(2, binary("B")))

    assert [one.number for one in found] == [0, 1, 2, 3, 4]
    assert [one.other for one in found] == [1, 0, NONE, 4, 3]
    assert [one.key for one in found][:3] == ["polymarket:YES-A", "polymarket:NO-A", "binance-usdm:BTCUSDT"]
    assert [one.outcome for one in found] == ["Yes", "No", "", "Yes", "No"]
    assert [one.complement for one in found] == [False, True, False, False, True]


@pytest.mark.parametrize(
    ("valid", "suspect", "crossed_ns"), [(True, 0, NONE), (False, 0, NONE), (True, 2, NONE), (True, 0, 5)]
)
def test_a_book_is_ready_only_when_valid_uncontradicted_and_uncrossed(
    valid: bool, suspect: int, crossed_ns: int
) -> None:
    market = Market(0, binary())
    market.valid, market.suspect, market.crossed_ns = valid, suspect, crossed_ns

    assert market.ready() is (valid and suspect == 0 and crossed_ns == NONE)


@pytest.mark.parametrize(
    "changes",
    [
        {"lot": 2},
        {"tick": 0},
        {"price_exponent": 3},
        {"size_exponent": 5},
        {"kind": 1},
        {"symbols": ("YES-M", "MAYBE-M")},
        {"settlement": "other"},
    ],
)
def test_a_market_may_not_be_listed_again_in_other_units_or_with_other_symbols(changes: dict[str, object]) -> None:
    market = Market(0, binary())

    assert market.is_like(binary(min_size=1, tick=10, event="E"))
    assert not market.is_like(binary(**changes))


@pytest.mark.parametrize(
    ("changes", "otherwise"),
    [
        ({"event": "E"}, True),
        ({"neg_risk": True}, True),
        ({"multiplier": 5}, True),
        ({"inverse": True}, True),
        ({"min_size": 1, "tick": 10, "fee_ppm": 3}, False),
    ],
)
def test_other_limits_follow_from_another_event_or_other_money(changes: dict[str, object], otherwise: bool) -> None:
    assert Market(0, binary()).is_limited_otherwise(binary(**changes)) is otherwise


def test_a_market_listed_again_takes_the_new_least_size_for_its_hash() -> None:
    market = Market(0, binary())
    market.hash_proven = True
    market.relist(binary(min_size=15_000_000))

    assert market.min_size_text == "15"
    assert not market.hash_proven


def test_a_new_grid_begins_with_an_empty_invalid_book() -> None:
    market = Market(0, binary())
    market.book.set_level(BID, 5, 5)
    market.valid = market.hash_proven = True
    market.odd = {1: (1, 1)}
    market.off_grid = {1: 1}
    market.regrid(10)

    assert (market.tick, market.tick_text) == (10, "0.001")
    assert market.book.highest_tick == 1000
    assert market.book.levels(BID) == []
    assert (market.valid, market.hash_proven, market.odd, market.off_grid) == (False, False, {}, {})


def test_a_grid_too_fine_to_be_dense_has_a_window() -> None:
    assert Market(0, binary(tick=1)).book.highest_tick == 10_000
    assert Market(0, binary(tick=1, price_exponent=5)).book.highest_tick == 0
    assert Market(0, contract()).book.highest_tick == 0


def test_the_last_price_is_kept_as_the_venue_spells_it() -> None:
    market = Market(0, binary())
    texts = [market.last_price_text]
    for price, spelling in ((6_000, 0), (6_000, 8), (int(NONE), 0)):
        market.set_last_price(price, spelling)
        texts.append(market.last_price_text)

    assert texts == ["", "0.6", "0.600", ""]


def test_powers_of_ten_are_those() -> None:
    assert [power_of_ten(exponent) for exponent in range(19)] == [10**exponent for exponent in range(19)]
    with pytest.raises(AssertionError):
        power_of_ten(19)
