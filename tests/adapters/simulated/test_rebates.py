"""Maker rebates: a share of what takers paid on our fills, once a day."""

from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st
from trading_room import Room, binary

from adapters.simulated.rebates import DAY_NS, Payment, Rebates, payable
from engine.kernel.fees import taker_fee
from engine.kernel.record import NONE

UNIT = 10**6
FILLS = st.lists(
    st.tuples(st.integers(1, 9_999), st.integers(1, 10**10), st.integers(0, 10**12), st.integers(1, 9_999)), max_size=20
)


def a_room():
    return Room(binary("A", fee_ppm=70_000, rebate_ppm=200_000), binary("B", fee_ppm=70_000))


def paid(rebates, room):
    return [(int(one.instrument), int(one.amount)) for one in rebates.owed(room.instruments)]


def test_a_fifth_of_what_the_taker_paid_comes_back():
    room, rebates = a_room(), Rebates()
    fee = taker_fee(room.markets[0].listing, 5_000, 1_000 * UNIT)  # 17.50
    rebates.made(room.instruments[1], fee, 5)

    assert paid(rebates, room) == [(0, 3_500_000)]
    assert rebates.next_ns() == DAY_NS


@given(FILLS)
def test_dividing_the_market_s_pool_by_fee_equivalents_gives_a_maker_the_same(fills):
    # The venue's words: the pool is a share of all takers' fees, divided by what each maker's fills stood for.
    room, rebates = a_room(), Rebates()
    listing = room.markets[0].listing
    ours = everybody = 0
    for price, size, others_size, others_price in fills:
        fee = taker_fee(listing, price, size)
        rebates.made(room.instruments[0], fee, 0)
        ours += fee
        everybody += fee + taker_fee(listing, others_price, others_size)
    pool = Fraction(everybody) * Fraction(int(listing.rebate_ppm), 10**6)
    expected = pool * Fraction(ours, everybody) if everybody else Fraction(0)

    assert [amount for _, amount in paid(rebates, room)] == ([floor(expected / 10**4)] if ours else [])


def test_a_market_without_rebates_pays_none_and_a_day_without_fills_does_not_end():
    room, rebates = a_room(), Rebates()
    rebates.made(room.instruments[2], 10**12, 5)

    assert (paid(rebates, room), rebates.next_ns()) == ([], NONE)


def test_what_failed_the_same_day_is_taken_back_and_what_was_paid_stays_paid():
    room, rebates = a_room(), Rebates()
    first = rebates.made(room.instruments[0], 10**12, 5)
    rebates.made(room.instruments[0], 3 * 10**12, 6)
    rebates.unmade(room.instruments[0], 10**12, first)
    assert paid(rebates, room) == [(0, 3 * 10**12 // 5 // 10**4)]
    rebates.close()
    assert rebates.next_ns() == NONE
    second = rebates.made(room.instruments[0], 10**12, DAY_NS + 5)
    rebates.unmade(room.instruments[0], 10**12, first)

    assert (first, second) == (0, 1)
    assert paid(rebates, room) == [(0, 10**12 // 5 // 10**4)]
    assert rebates.next_ns() == 2 * DAY_NS
    rebates.unmade(room.instruments[2], 10**12, second)
    assert len(paid(rebates, room)) == 1


def test_a_fill_at_the_very_end_of_a_day_counts_on_the_day_that_is_about_to_be_paid():
    room, rebates = a_room(), Rebates()
    rebates.made(room.instruments[0], 10**12, DAY_NS - 1)

    assert rebates.made(room.instruments[0], 10**12, DAY_NS) == 0
    assert rebates.next_ns() == DAY_NS


def test_a_day_of_less_than_one_unit_in_all_is_not_paid():
    room = a_room()
    few = [Payment(0, 400_000), Payment(2, 599_999)]
    enough = [Payment(0, 400_000), Payment(2, 600_000), Payment(0, 0)]

    assert payable(few, room.instruments) == []
    assert [int(one.amount) for one in payable(enough, room.instruments)] == [400_000, 600_000]
