"""The policy in an instrument's own units."""

import pytest
from trading_room import TIFS, a_policy, binary, contract

from engine.kernel.codes import NOT_PERMITTED, OK
from engine.kernel.events import KIND_OPTION
from engine.kernel.market import Instrument, Market
from engine.kernel.policy import TIF_FAK, TIF_NAMES, Rule, tif_number
from engine.kernel.terms import Terms, linear, scaled


def terms(listing, policy):
    return Terms(Instrument(0, Market(0, listing), 0), policy)


def test_the_first_rule_that_fits_holds():
    rules = (Rule("polymarket:YES-M", 1, 0, 1, ("FAK",)), Rule("polymarket:*", 2, 0, 1, TIFS))
    policy = a_policy(rules=rules)

    assert policy.rule_for("polymarket:YES-M") is rules[0]
    assert policy.rule_for("polymarket:NO-M") is rules[1]
    assert policy.rule_for("binance:BTC") is None
    assert rules[0].allows(TIF_FAK)
    assert not rules[0].allows(1)


def test_limits_become_money_and_are_rounded_to_the_stricter_side():
    policy = a_policy(rules=(Rule("*", 7, 333_333, 666_666, TIFS),), max_order_notional=1_500_000)
    found = terms(binary(), policy)

    assert found.code == OK
    assert found.caps.order == 15_000_000_000
    assert found.max_size == 70_000
    assert (found.min_price, found.max_price) == (3334, 6666)
    assert scaled(1_999_999, 0) == 1
    assert terms(binary(lot=2**57), policy).max_size == 7 * 2**57
    assert terms(binary(lot=2**58), policy).max_size == 2**60


def test_a_band_wider_than_any_price_is_cut_to_what_a_price_can_be():
    policy = a_policy(rules=(Rule("*", 7, 10**12 * 10**6, 10**12 * 10**6, TIFS),))
    found = terms(contract(), policy)

    assert (found.min_price, found.max_price) == (2**60, 2**60)
    assert terms(binary(), policy).max_price == 10**12 * 10**4


@pytest.mark.parametrize(
    "listing",
    [
        binary(settlement="EUR"),
        contract(inverse=True),
        contract(kind=KIND_OPTION),
        contract(multiplier=5),
        binary(symbols=("one",)),
    ],
)
def test_what_the_policy_or_the_kernel_cannot_count_may_not_be_traded(listing):
    assert terms(listing, a_policy()).code == NOT_PERMITTED


def test_without_a_policy_nothing_may_be_traded():
    assert terms(binary(), None).code == NOT_PERMITTED
    assert terms(binary(), a_policy(rules=())).code == NOT_PERMITTED


def test_a_multiplier_of_one_is_none():
    assert linear(contract(multiplier=10**8))


def test_times_in_force_have_numbers_and_names():
    assert [TIF_NAMES[tif_number(name)] for name in TIFS] == list(TIFS)
    assert tif_number("DAY") == 0


def test_policies_that_allow_the_same_have_the_same_bytes():
    assert a_policy().canonical() == a_policy().canonical()
    assert a_policy().canonical() != a_policy(max_open_orders=101).canonical()
    assert a_policy().canonical() != a_policy(self_cross_refused=False).canonical()
    for name in ("min_resting_ns", "message_window_ns", "free_messages", "messages_per_fill"):
        assert a_policy().canonical() != a_policy(**{name: 1}).canonical(), name
