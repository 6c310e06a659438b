"""Setting levels: the loop over a frame's rows does what setting each one by itself would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.vecs import vec
from mypy_extensions import i64
from row_room import binary, contract

from engine.kernel.checkpoint import pack_market
from engine.kernel.digest import Digest
from engine.kernel.events import LEVEL_SET, STRIDE, TRADED, Listing
from engine.kernel.levels import levels_of, set_level, set_levels
from engine.kernel.market import Market
from engine.kernel.units import ASK, BID

Row = tuple[int, ...]


def rows_of(rows: list[Row]) -> "vec[i64]":
    return vec[i64]([field for row in rows for field in row])


def level(side: int, price: int, size: int, price_spelling: int = 0, size_spelling: int = 0) -> Row:
    return (int(LEVEL_SET), 0, side, price, size, price_spelling, size_spelling, 0)


def level_rows(most_price: int, unit: int, lot: int) -> st.SearchStrategy[list[Row]]:
    """Levels on the grid and off it, of whole lots and of pieces, spelt in the usual way and in others."""
    usual = st.integers(0, most_price // unit).map(lambda ticks: ticks * unit)
    price = st.one_of(usual, usual, usual, st.integers(-2, most_price + 2 * unit))
    size = st.one_of(st.just(0), st.integers(1, 20).map(lambda lots: lots * lot), st.integers(0, 20 * lot))
    spelling = st.sampled_from([0, 0, 0, 0, 0, 1, 4, 9])
    return st.lists(st.builds(level, st.sampled_from([BID, ASK]), price, size, spelling, spelling), max_size=25)


def one_by_one(market: Market, complement: bool, digest: Digest, rows: list[Row]) -> int:
    """Set them as the loop should; returns where it stops, in fields."""
    for number, row in enumerate(rows):
        if row[0] != LEVEL_SET or not set_level(market, complement, digest, *row[2:7]):
            return number * STRIDE
    return len(rows) * STRIDE


def assert_same(listing: Listing, complement: bool, rows: list[Row]) -> None:
    market, expected = Market(0, listing), Market(0, listing)
    digest, expected_digest = Digest(), Digest()
    stopped = set_levels(market, complement, digest, rows_of(rows), 0, len(rows) * STRIDE)

    assert stopped == one_by_one(expected, complement, expected_digest, rows)
    assert pack_market(market) == pack_market(expected)
    assert digest.value == expected_digest.value


@given(level_rows(10_000, 100, 5), st.booleans())
def test_levels_of_a_prediction_market_are_set_as_one_by_one(rows: list[Row], complement: bool) -> None:
    assert_same(binary(lot=5), complement, rows)


@given(level_rows(1_000_000, 10, 100))
def test_levels_of_a_contract_are_set_as_one_by_one(rows: list[Row]) -> None:
    assert_same(contract(), False, rows)


@given(level_rows(10_000, 100, 1), st.integers(0, 25))
def test_the_loop_stops_at_a_row_of_another_kind(rows: list[Row], place: int) -> None:
    at = min(place, len(rows))
    traded: Row = (int(TRADED), 0, 5_000, 1, 0, 0, 0, 0)

    assert_same(binary(), False, [*rows[:at], traded, *rows[at:]])


def test_a_level_of_the_second_outcome_is_one_of_the_first_seen_from_the_other_side() -> None:
    market, digest = Market(0, binary()), Digest()

    assert set_level(market, True, digest, BID, 3_000, 7, 0, 0)
    assert levels_of(market) == [(70, 7)]
    assert market.book.lots_at(ASK, 70) == 7


def test_a_size_below_one_lot_counts_as_one() -> None:
    market, digest = Market(0, contract()), Digest()

    assert set_level(market, False, digest, BID, 1_000, 99, 0, 0)
    assert set_level(market, False, digest, BID, 1_010, 250, 0, 0)
    assert set_level(market, False, digest, BID, 1_020, 300, 0, 0)
    assert levels_of(market) == [(102, 3), (101, 2), (100, 1)]
    assert market.off_lot == 2


@pytest.mark.parametrize(("price", "stands"), [(-100, False), (0, True), (10_000, True), (10_100, False), (150, False)])
def test_a_level_outside_the_price_range_or_between_ticks_cannot_stand(price: int, stands: bool) -> None:
    market, digest = Market(0, binary()), Digest()

    assert set_level(market, False, digest, BID, price, 5, 0, 0) is stands
    assert bool(levels_of(market)) is stands


def test_a_contract_s_level_between_ticks_is_kept_beside_the_ladder_until_it_is_gone() -> None:
    market, digest = Market(0, contract()), Digest()
    set_level(market, False, digest, ASK, 1_003, 500, 0, 0)
    kept = dict(market.off_grid)
    before = digest.value
    set_level(market, False, digest, ASK, 1_003, 0, 0, 0)
    set_level(market, False, digest, BID, 1_007, 0, 0, 0)  # removing an unknown one is normal

    assert kept == {(1_003 << 1) | ASK: 500}
    assert market.off_grid == {}
    assert levels_of(market) == []
    assert digest.value != before


def test_how_a_level_is_spelt_is_forgotten_with_it() -> None:
    market, digest = Market(0, binary()), Digest()
    set_level(market, False, digest, BID, 5_000, 7, 1, 4)
    spelt = dict(market.odd)
    set_level(market, False, digest, BID, 5_000, 8, 0, 0)
    shortest = dict(market.odd)
    set_level(market, False, digest, BID, 5_000, 9, 0, 4)
    set_level(market, False, digest, BID, 5_000, 0, 1, 0)

    assert spelt == {(50 << 1) | BID: (1, 4)}
    assert shortest == {}
    assert market.odd == {}
