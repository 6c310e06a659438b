"""What the simulated venue charges: the catalogue's formula, or stated rates."""

from hypothesis import given
from hypothesis import strategies as st
from trading_room import binary, contract

from adapters.simulated.fees import Fees, Rates
from engine.kernel.events import FILL_MAKER
from engine.kernel.fees import fee, fee_at, stated_fee, taker_fee
from engine.kernel.record import NONE

PRICES = st.integers(1, 9_999)
SIZES = st.integers(1, 10**12)


@given(PRICES, SIZES, st.booleans(), st.integers(0, 100_000))
def test_where_no_rates_are_given_the_kernel_s_own_fee_is_charged_and_none_is_stated(price, size, maker, ppm):
    fees = Fees({"binance": Rates(100, 200)})
    listing = binary(fee_ppm=ppm)

    assert fees.stated(listing, price, size, maker) == NONE
    assert fees.charged(listing, price, size, maker) == fee(listing, price, size, FILL_MAKER if maker else 0)
    assert fees.of_the_other(listing, price, size, maker) == fees.charged(listing, price, size, not maker)
    assert fees.equivalent(listing, price, size) == taker_fee(listing, price, size)


@given(PRICES, SIZES, st.booleans(), st.integers(-1_000_000, 1_000_000), st.integers(-1_000_000, 1_000_000))
def test_given_rates_are_charged_as_they_are_stated(price, size, maker, for_making, for_taking):
    fees = Fees({"binance-usdm": Rates(for_making, for_taking), "polymarket": Rates(for_making, for_taking)})
    for listing in (contract(), binary(fee_ppm=NONE)):
        charged = fees.charged(listing, price, size, maker)

        assert charged == fee_at(listing, price, size, for_making if maker else for_taking)
        assert charged == stated_fee(listing, fees.stated(listing, price, size, maker))
        assert fees.equivalent(listing, price, size) == fee_at(listing, price, size, for_taking)


def test_ten_basis_points_of_a_notional_of_500_are_a_half():
    fees = Fees({"binance-usdm": Rates(-100, 1_000)})
    price, size = 50_000 * 10**8, 10**6  # 0.01 at 50,000

    assert fees.stated(contract(), price, size, False) == 10**8 // 2
    assert fees.stated(contract(), price, size, True) == -(10**8) // 20
    assert fees.charged(contract(), price, size, False) == 10**16 // 2


def test_an_unknown_rate_charges_nothing_and_stands_for_no_rebate():
    assert Fees({}).charged(binary(fee_ppm=NONE), 5_000, 10**8, False) == 0
    assert Fees({}).equivalent(binary(fee_ppm=NONE), 5_000, 10**8) == 0
