"""What a box costs: always less than it pays by the buffer and the fees, whatever the touches are."""

from fractions import Fraction
from math import prod

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kernel import fees
from engine.kernel.events import KIND_BINARY, Listing
from engine.kernel.record import NONE
from engine.strategies.box import BASIS, MIXED, REST, TAKE, Box, Leg, Limits, Side, box

SCALE = 10_000
LOT = 10_000
ORDERS = [(TAKE, MIXED, REST), (REST,), (TAKE,), (MIXED,), (REST, TAKE), (MIXED, REST)]
RATES = (0, 40_000, 70_000, NONE)


def listing(tick: int, rate: int) -> Listing:
    return Listing(
        "polymarket", "M", ("Y", "N"), ("Yes", "No"), KIND_BINARY, 4, 6, tick, LOT, 5_000_000, "pUSD", fee_ppm=rate
    )


LISTINGS = {(tick, rate): listing(tick, rate) for tick in (100, 10) for rate in RATES}


def side(bid: int | None, ask: int | None, ask_lots: int = 2000, tick: int = 100, rate: int = 0) -> Side:
    terms = LISTINGS[tick, rate]

    def fee(price_ticks: int, lots: int) -> int | None:
        return None if rate == NONE else fees.taker_fee(terms, price_ticks * tick, lots * LOT)

    return Side(bid, ask, ask_lots, tick, SCALE // tick, LOT, 500, fee)


def mirrored(bid: int, ask: int, tick: int = 100, rate: int = 0, lots: int = 2000) -> tuple[Side, Side]:
    whole = SCALE // tick
    return side(bid, ask, lots, tick, rate), side(whole - ask, whole - bid, lots, tick, rate)


def limits(buffer_bps: int = 100, styles: tuple[str, ...] = ORDERS[0], lots: int = 2000, **more: int) -> Limits:
    return Limits(lots, buffer_bps, styles, **more)


# -- whatever the touches are ------------------------------------------------------------------------------------------

RANGES = (2, 1004, 60, 4001, 1004, 60, 4001, len(RATES), len(ORDERS), 5000, 700, 4, 4, 3, 5)
CASES = st.integers(0, prod(RANGES) - 1)
"""A whole situation in one number, because ten thousand draws of fifteen numbers each would take half a minute."""


@frozen
class Case:
    """One situation."""

    tick: int
    sides: tuple[Side, Side]
    allowed: Limits
    wider: int


def case_of(number: int) -> Case:
    """The situation of that *number*: every touch, buffer, size and option that there is."""
    digits = []
    for size in RANGES:
        number, digit = divmod(number, size)
        digits.append(digit)
    tick = (100, 10)[digits[0]]
    rate = RATES[digits[7]]
    one, two = (touched(tick, (bid - 3, 1 + spread, lots), rate) for bid, spread, lots in (digits[1:4], digits[4:7]))
    improve, back, least, wider = digits[11:]
    allowed = Limits(1 + digits[9], digits[10], ORDERS[digits[8]], improve, back, (0, 300, 2000)[least])
    return Case(tick, (one, two), allowed, wider)


def touched(tick: int, touch: tuple[int, int, int], rate: int) -> Side:
    """A side of any touch: below 1 there is no bid, at one or beyond no offer."""
    bid, spread, lots = touch
    whole = SCALE // tick
    bid = bid * whole // 1000
    ask = max(bid, 0) + spread
    return side(bid if bid >= 1 else None, ask if ask < whole else None, lots, tick, rate)


def paid(sides: tuple[Side, Side], found: Box) -> int:
    """What the box costs where every leg trades at its limit, from the venue's own formula."""
    total = 0
    for one, leg in zip(sides, found.legs, strict=True):
        total += leg.price_ticks * one.tick * found.lots * LOT
        if leg.takes:
            fee = one.taker_fee(leg.price_ticks, found.lots)
            assert fee is not None
            total += fee
    return total


@settings(max_examples=10_000)
@given(CASES)
def test_a_box_costs_less_than_it_pays_and_obeys_grid_size_and_limits(number: int) -> None:
    case = case_of(number)
    sides, allowed = case.sides, case.allowed
    found = box(sides, allowed, case.wider)
    if found is None:
        return

    worth = SCALE * found.lots * LOT
    assert (found.cost, found.worth) == (paid(sides, found), worth)
    assert Fraction(found.cost, worth) < 1 - Fraction(allowed.buffer_bps, BASIS) - Fraction(
        case.wider * case.tick, SCALE
    )
    assert 500 <= found.lots <= allowed.lots
    assert found.style in allowed.styles
    for of, leg in zip(sides, found.legs, strict=True):
        assert max(1, of.whole_ticks * allowed.least_leg_bps / BASIS) <= leg.price_ticks < of.whole_ticks
        if leg.takes:
            assert leg.price_ticks == of.ask
            assert found.lots <= of.ask_lots
        else:
            assert of.bid is not None
            assert of.ask is None or leg.price_ticks < of.ask
            assert of.bid - allowed.step_back_ticks <= leg.price_ticks <= of.bid + allowed.improve_ticks
    assert [leg.takes for leg in found.legs].count(True) == {TAKE: 2, MIXED: 1, REST: 0}[found.style]


@settings(max_examples=2000)
@given(CASES)
def test_a_box_is_found_by_taking_exactly_where_both_offers_are_cheap_enough(number: int) -> None:
    case = case_of(number)
    sides, bps = case.sides, case.allowed.buffer_bps
    found = box(sides, Limits(case.allowed.lots, bps, (TAKE,)))
    size = min(case.allowed.lots, sides[0].ask_lots, sides[1].ask_lots)
    cheap = False
    if sides[0].ask is not None and sides[1].ask is not None and sides[0].taker_fee(1, 1) is not None and size >= 500:
        wanted = Box(TAKE, (Leg(sides[0].ask, True), Leg(sides[1].ask, True)), size, 0, 0)
        cheap = Fraction(paid(sides, wanted), size * LOT * SCALE) < 1 - Fraction(bps, BASIS)

    assert (found is not None) == cheap


@settings(max_examples=2000)
@given(CASES)
def test_the_first_style_that_allows_a_box_is_taken(number: int) -> None:
    case = case_of(number)
    alone = [box(case.sides, evolve(case.allowed, styles=(style,)), case.wider) for style in case.allowed.styles]

    assert box(case.sides, case.allowed, case.wider) == next((one for one in alone if one is not None), None)


@settings(max_examples=1000)
@given(st.sampled_from((100, 10)), st.integers(1, 998), st.integers(1, 40), st.sampled_from(RATES), st.integers(0, 3))
def test_on_one_mirrored_book_a_box_can_only_rest(tick: int, bid: int, spread: int, rate: int, more: int) -> None:
    whole = SCALE // tick
    bid = max(1, bid * whole // 1000)
    if bid + spread >= whole:
        return
    sides = mirrored(bid, bid + spread, tick, rate)

    assert box(sides, Limits(2000, 0, (TAKE, MIXED), more, more)) is None
    assert (box(sides, limits(0, (REST,))) is None) == (spread < 1)


# -- fixed situations --------------------------------------------------------------------------------------------------


def prices(found: Box | None) -> tuple[str, int, int, int] | None:
    return None if found is None else (found.style, found.legs[0].price_ticks, found.legs[1].price_ticks, found.lots)


@pytest.mark.parametrize(
    ("touch", "buffer_bps", "more", "expected"),
    [
        ((48, 51), 200, {}, (REST, 48, 49, 2000)),  # 97 for 100, below 98
        ((48, 51), 300, {}, None),  # 97 is not below 97
        ((48, 51), 300, {"step_back_ticks": 1}, (REST, 47, 49, 2000)),
        ((48, 51), 500, {"step_back_ticks": 1}, None),  # 47 + 48 is not below 95
        ((48, 51), 500, {"step_back_ticks": 2}, (REST, 46, 48, 2000)),
        ((48, 51), 100, {"improve_ticks": 1}, (REST, 48, 50, 2000)),  # 49 + 50 is not below 99: one step back
        ((49, 50), 100, {"improve_ticks": 3}, None),  # no step but the touch: 49 + 50
        ((97, 99), 100, {"least_leg_bps": 300}, None),  # the second leg would cost 0.01
        ((96, 97), 50, {"least_leg_bps": 300}, (REST, 96, 3, 2000)),
    ],
)
def test_two_bids_on_one_book(touch, buffer_bps, more, expected) -> None:
    assert prices(box(mirrored(*touch), limits(buffer_bps, (TAKE, MIXED, REST), **more))) == expected


@pytest.mark.parametrize(
    ("rate", "asks", "buffer_bps", "expected"),
    [
        (0, (48, 50), 199, (TAKE, 48, 50, 2000)),
        (0, (48, 50), 200, None),
        # Two fees of 0.04 * 0.48 * 0.52 and 0.04 * 0.50 * 0.50 a share: 0.019984.
        (40_000, (48, 50), 0, (TAKE, 48, 50, 2000)),
        (40_000, (48, 50), 1, None),
        (NONE, (40, 40), 0, None),  # what taking costs, nobody knows
    ],
)
def test_two_offers_on_two_books(rate, asks, buffer_bps, expected) -> None:
    sides = side(asks[0] - 3, asks[0], rate=rate), side(asks[1] - 3, asks[1], rate=rate)

    assert prices(box(sides, limits(buffer_bps, (TAKE,)))) == expected


def test_one_leg_is_taken_where_the_other_can_rest() -> None:
    sides = side(44, 50), side(46, 51, rate=40_000)

    # Resting both would be cheaper still, but stands behind in the order of styles; the cheaper leg to take has no fee.
    assert prices(box(sides, limits(100, (TAKE, MIXED, REST)))) == (MIXED, 50, 46, 2000)
    assert [leg.takes for leg in box(sides, limits(100, (MIXED,))).legs] == [True, False]  # type: ignore[union-attr]


@pytest.mark.parametrize(("offered", "lots"), [((700, 900), 700), ((5000, 5000), 2000), ((5000, 499), None)])
def test_what_is_taken_is_on_offer(offered, lots) -> None:
    found = box((side(40, 45, offered[0]), side(40, 45, offered[1])), limits(styles=(TAKE,)))

    assert (None if found is None else found.lots) == lots


@pytest.mark.parametrize("wider", [0, 1, 2])
def test_the_buffer_widens_by_ticks_of_the_coarser_grid(wider: int) -> None:
    sides = side(46, 48), side(495, 499, tick=10)

    assert (box(sides, limits(0, (TAKE,)), wider) is not None) == (wider < 3)
    assert (box(sides, limits(150, (TAKE,)), wider) is not None) == (wider == 0)


def test_what_does_not_add_up_to_one_is_no_pair() -> None:
    other = Side(40, 45, 2000, 10, SCALE // 10 - 1, LOT, 500, side(40, 45).taker_fee)

    assert box((side(40, 45), other), limits()) is None


@pytest.mark.parametrize("gone", [0, 1])
def test_without_a_touch_there_is_no_box(gone: int) -> None:
    sides = [side(40, 45), side(40, 45)]
    sides[gone] = side(None, None)

    assert box((sides[0], sides[1]), limits()) is None
