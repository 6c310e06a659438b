"""Fees against fractions."""

from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st
from trading_room import binary, contract

from engine.kernel.events import FILL_MAKER
from engine.kernel.fees import fee, fee_at, money_exponent, stated_fee, statement, taker_fee
from engine.kernel.record import NONE

PRICES = st.integers(0, 10_000)
SIZES = st.integers(0, 10**12)


@given(PRICES, SIZES, st.integers(0, 1_000_000), st.integers(1, 3))
def test_a_prediction_markets_fee_is_the_formula_to_five_decimals_toward_zero(price, size, ppm, exponent):
    p = Fraction(price, 10**4)
    exact = Fraction(size, 10**6) * Fraction(ppm, 10**6) * (p * (1 - p)) ** exponent
    listing = binary(fee_ppm=ppm, fee_exponent=exponent)

    assert Fraction(floor(exact * 10**5), 10**5) == Fraction(fee(listing, price, size, 0), 10**10)


def test_a_hundred_shares_at_a_half_cost_the_venues_example():
    # The venue's own example: 100 shares at 0.50 in crypto, 1.75.
    assert taker_fee(binary(fee_ppm=70_000), 5_000, 100_000_000) == 17_500_000_000


def test_a_coarse_currency_drops_what_it_cannot_count():
    listing = binary(price_exponent=2, size_exponent=1, fee_ppm=70_000, tick=1, lot=1)

    assert taker_fee(listing, 50, 1000) == 1750


@given(st.integers(1, 10**14), st.integers(1, 10**12), st.integers(1, 10_000))
def test_any_other_fee_is_a_share_of_the_notional_rounded_up_to_a_size_unit(price, size, ppm):
    listing = contract(fee_ppm=ppm)
    exact = Fraction(price * size * ppm, 10**6)
    found = fee(listing, price, size, 0)

    assert 0 <= found - exact < 10**8
    assert found % 10**8 == 0


def test_makers_pay_nothing_and_an_unknown_rate_takes_nothing():
    assert fee(binary(fee_ppm=70_000), 5_000, 10**8, FILL_MAKER) == 0
    assert fee(binary(fee_ppm=NONE), 5_000, 10**8, 0) == 0


def test_a_stated_fee_is_in_size_units_of_the_currency():
    assert stated_fee(binary(), 1_750_000) == 17_500_000_000
    assert statement(binary(), 17_500_000_000) == 1_750_000
    assert money_exponent(binary()) == 10


@given(PRICES, SIZES, st.integers(-1_000_000, -1))
def test_a_rate_below_nothing_pays_us_and_is_rounded_against_us(price, size, ppm):
    p = Fraction(price, 10**4)
    exact = Fraction(size, 10**6) * Fraction(ppm, 10**6) * p * (1 - p)
    found = Fraction(fee_at(binary(), price, size, ppm), 10**10)
    notional = Fraction(price * size * ppm, 10**6)

    assert 0 <= found - exact < Fraction(1, 10**5)
    assert 0 <= fee_at(contract(), price, size, ppm) - notional < 10**8
