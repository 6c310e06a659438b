"""The one chokepoint: every check refuses with its code, its number and its margin, in one fixed order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trading_room import TIFS, Room, S, Says, a_policy, binary, contract

from engine.kernel import checks, codes
from engine.kernel.events import (
    KIND_SPOT,
    ORDER_ACKED,
    ORDER_FILLED,
    STATUS_CANCEL_ONLY,
    STATUS_CLOSED,
    STATUS_HALTED,
    STATUS_POST_ONLY,
)
from engine.kernel.modes import ACCOUNT, INSTRUMENT, KILL, LATCH_NS, MARKET, REDUCE_ONLY, STRATEGY, VENUE, is_safety
from engine.kernel.policy import Rule
from engine.kernel.record import NONE
from engine.kernel.strategy import BUY, SELL, Place

YES, NO = "polymarket:YES-M", "polymarket:NO-M"
BTC = "binance-usdm:BTC"
LOT = 10_000
ONE = 10**10  # a unit of pUSD as money


def a_room(*listings, policy=None):
    strategy = Says()
    room = Room(*(listings or (binary(),)), policy=policy, strategies=(strategy,))
    room.touch(50, 52)
    return room, strategy


def verdict(room, strategy, *intents, **options):
    """The verdict of the last of *intents*, as (code name, check, detail, margin)."""
    strategy.next = list(intents)
    room.decide(0, **options)
    last = room.verdicts()[-1]
    return codes.name(last["code"]), last["check"], last["detail"], last["margin"]


def hold(room, strategy, key, lots, price, settled=True):
    """Buy and fill: a position to reduce."""
    strategy.next = [Place(key, BUY, price, lots)]
    room.decide(0)
    (request,) = room.trading.requests
    assert request.side == BUY
    flags = 0 if settled else 2
    room.facts((ORDER_FILLED, request.number, "h", request.price, request.size, 0, flags, f"hold-{request.number}"))


def bid(**changes):
    fields = {"instrument": YES, "side": BUY, "price_ticks": 50, "lots": 1000}
    return Place(**{**fields, **changes})


def test_an_order_within_all_limits_is_admitted_with_its_tightest_margin():
    room, strategy = a_room(policy=a_policy(max_event_notional=3_000_000, max_market_notional=8_000_000))

    # 1000 lots are 10 shares at 0.50: 5 of the 8 allowed in the market; there is no event.
    assert verdict(room, strategy, bid()) == ("OK", checks.CHECK_RISK, checks.LIMIT_MARKET, 3 * ONE)


@pytest.mark.parametrize(
    ("policy", "intent", "expected"),
    [
        ({"rules": ()}, {}, ("NOT_PERMITTED", checks.CHECK_PERMITTED, 0, 0)),
        ({"settlements": {}}, {}, ("NOT_PERMITTED", checks.CHECK_PERMITTED, 0, 0)),
        ({"rules": (Rule("*", 9, 0, 1, ("GTC",)),)}, {"tif": "FAK"}, ("NOT_PERMITTED", checks.CHECK_PERMITTED, 6, 0)),
        ({}, {"price_ticks": 0}, ("OUT_OF_BAND", checks.CHECK_GRID, 0, -1)),
        ({}, {"price_ticks": -5}, ("OUT_OF_BAND", checks.CHECK_GRID, 0, -6)),
        ({}, {"price_ticks": 100}, ("OUT_OF_BAND", checks.CHECK_GRID, 0, -1)),
        ({}, {"lots": 2**60 // LOT + 1}, ("SIZE_ABOVE_MAX", checks.CHECK_GRID, 0, -1)),
        ({}, {"reduce_only": True}, ("NOT_REDUCING", checks.CHECK_REDUCES, 0, 0)),
        ({}, {"side": SELL, "reduce_only": True}, ("NOT_REDUCING", checks.CHECK_REDUCES, 0, 0)),
        ({}, {"tif": "FOK", "post_only": True}, ("NOT_PERMITTED", checks.CHECK_PERMITTED, 6, 0)),
        ({}, {"tif": "GTD"}, ("TTL_INVALID", checks.CHECK_TTL, 0, 0)),
        ({}, {"ttl_ns": 5}, ("TTL_INVALID", checks.CHECK_TTL, 0, 0)),
        ({"max_ttl_ns": 90}, {"tif": "GTD", "ttl_ns": 100}, ("TTL_INVALID", checks.CHECK_TTL, 0, -10)),
        ({}, {"lots": 499}, ("SIZE_BELOW_MIN", checks.CHECK_LEAST, 0, -LOT)),
        ({"rules": (Rule("*", 10**9, 510_000, 10**6, TIFS),)}, {}, ("OUT_OF_BAND", checks.CHECK_BAND, 0, -100)),
        ({"rules": (Rule("*", 10**9, 0, 490_000, TIFS),)}, {}, ("OUT_OF_BAND", checks.CHECK_BAND, 0, -100)),
        ({}, {"price_ticks": 53, "post_only": True}, ("WOULD_CROSS", checks.CHECK_POST_ONLY, 0, -1)),
        ({}, {"price_ticks": 52, "post_only": True}, ("WOULD_CROSS", checks.CHECK_POST_ONLY, 0, 0)),
        ({"max_order_notional": 4_000_000}, {}, ("SIZE_ABOVE_MAX", checks.CHECK_ORDER, 0, -ONE)),
        ({"max_open_orders": 0}, {}, ("ORDER_RATE", checks.CHECK_RATE, 0, -1)),
        ({"max_orders_per_minute": 0}, {}, ("ORDER_RATE", checks.CHECK_RATE, 1, -1)),
        (
            {"rules": (Rule("*", 999, 0, 10**6, TIFS),)},
            {},
            ("RISK_LIMIT", checks.CHECK_RISK, checks.LIMIT_LOTS, -1),
        ),
        ({"max_market_notional": 4_000_000}, {}, ("RISK_LIMIT", checks.CHECK_RISK, checks.LIMIT_MARKET, -ONE)),
        ({"max_strategy_notional": 4_000_000}, {}, ("RISK_LIMIT", checks.CHECK_RISK, checks.LIMIT_STRATEGY, -ONE)),
        ({"max_account_notional": 4_000_000}, {}, ("RISK_LIMIT", checks.CHECK_RISK, checks.LIMIT_ACCOUNT, -ONE)),
    ],
)
def test_each_check_refuses_with_its_code_number_and_margin(policy, intent, expected):
    room, strategy = a_room(policy=a_policy(**policy))

    assert verdict(room, strategy, bid(**intent)) == expected
    assert room.desk.orders.open_count == 0
    assert room.desk.risk.accounts == [0]
    assert room.desk.risk.markets[0].owner == 0


def test_an_event_is_limited_by_its_worst_outcome():
    listings = [binary(name, event="E", neg_risk=True) for name in "AB"]
    room, strategy = a_room(*listings, policy=a_policy(max_event_notional=8_000_000))
    room.touch(50, 52, market=1)
    first = verdict(room, strategy, bid(instrument="polymarket:YES-A"))
    second = verdict(room, strategy, bid(instrument="polymarket:YES-B"))
    third = verdict(room, strategy, bid(instrument="polymarket:YES-B", lots=600))

    assert first[0] == "OK"
    assert second == ("RISK_LIMIT", checks.CHECK_RISK, checks.LIMIT_EVENT, -2 * ONE)
    assert third == ("OK", checks.CHECK_RISK, checks.LIMIT_EVENT, 0)


def test_a_limit_exceeded_already_does_not_stop_what_does_not_raise_it():
    room, strategy = a_room(policy=a_policy(max_market_notional=6_000_000))
    hold(room, strategy, YES, 1000, 50)
    room.desk.portfolio.holdings[0].cost += 4 * ONE
    room.desk.risk.refresh(0)

    # 9 of 6 are at risk if NO wins. A bid for NO loses only if YES wins.
    assert verdict(room, strategy, bid(instrument=NO, price_ticks=40))[0] == "OK"
    assert verdict(room, strategy, bid(price_ticks=40))[0] == "RISK_LIMIT"


@pytest.mark.parametrize(
    ("status", "post_only", "name"),
    [
        (STATUS_HALTED, True, "MARKET_CLOSED"),
        (STATUS_CLOSED, True, "MARKET_CLOSED"),
        (STATUS_CANCEL_ONLY, True, "VENUE_MAINT"),
        (STATUS_POST_ONLY, False, "VENUE_MAINT"),
        (STATUS_POST_ONLY, True, "OK"),
    ],
)
def test_only_what_the_venue_takes_now_is_sent(status, post_only, name):
    room, strategy = a_room()
    room.markets[0].status = status

    assert verdict(room, strategy, bid(post_only=post_only))[0] == name


def test_new_risk_wants_a_valid_and_fresh_book():
    room, strategy = a_room(policy=a_policy(max_data_age_ns=S))
    room.markets[0].valid = False
    invalid = verdict(room, strategy, bid())
    room.markets[0].valid = True
    room.markets[0].venue_ns = room.now - S - 7

    assert invalid[0] == "BOOK_INVALID"
    assert verdict(room, strategy, bid()) == ("STALE_DATA", checks.CHECK_BOOK, 0, -7)
    room.markets[0].venue_ns = room.now - S
    assert verdict(room, strategy, bid())[0] == "OK"


def test_without_a_fee_schedule_only_makers_open():
    room, strategy = a_room(binary(fee_ppm=NONE))

    assert verdict(room, strategy, bid(price_ticks=52)) == ("FEE_STALE", checks.CHECK_FEE, 0, 0)
    assert verdict(room, strategy, bid(post_only=True))[0] == "OK"


def test_a_coarser_grid_above_a_price_is_kept():
    room, strategy = a_room(contract(tick_steps=((500 * 10**8, 10**8),)))
    room.touch(4_000, 8_000)
    below = Place(BTC, BUY, 4_999, 10)

    assert verdict(room, strategy, below)[0] == "OK"
    assert verdict(room, strategy, Place(BTC, BUY, 5_001, 10)) == ("OFF_GRID", checks.CHECK_GRID, 0, 0)
    assert verdict(room, strategy, Place(BTC, BUY, 5_010, 10))[0] == "OK"


def test_the_venues_least_notional_is_kept():
    room, strategy = a_room(contract(min_notional=5 * 10**8))
    room.touch(40, 80)

    assert verdict(room, strategy, Place(BTC, BUY, 40, 1249))[:3] == ("SIZE_BELOW_MIN", checks.CHECK_LEAST, 1)
    assert verdict(room, strategy, Place(BTC, BUY, 40, 1250))[0] == "OK"


@pytest.mark.parametrize(
    ("resting", "other", "crosses"),
    [
        (bid(price_ticks=50), bid(side=SELL, price_ticks=50), True),
        (bid(price_ticks=50), bid(side=SELL, price_ticks=51), False),
        (bid(price_ticks=50), bid(instrument=NO, price_ticks=50), True),
        (bid(price_ticks=50), bid(instrument=NO, price_ticks=49), False),
    ],
)
def test_an_order_that_would_meet_our_own_is_not_sent(resting, other, crosses):
    room, strategy = a_room()
    found = verdict(room, strategy, resting, other)

    assert (found[0] == "SELF_CROSS") == crosses


def test_offers_that_would_merge_with_our_own_are_not_sent():
    room, strategy = a_room()
    hold(room, strategy, YES, 1000, 52)
    hold(room, strategy, NO, 1000, 40)

    assert verdict(room, strategy, bid(side=SELL, price_ticks=60))[0] == "OK"
    assert verdict(room, strategy, bid(instrument=NO, side=SELL, price_ticks=40))[0] == "SELF_CROSS"
    assert verdict(room, strategy, bid(instrument=NO, side=SELL, price_ticks=41))[0] == "OK"


def test_own_offers_stop_own_bids_of_a_contract():
    room, strategy = a_room(contract())

    assert verdict(room, strategy, Place(BTC, SELL, 52, 10), Place(BTC, BUY, 52, 10))[0] == "SELF_CROSS"


def test_own_orders_may_meet_where_the_policy_leaves_that_to_the_venue():
    room, strategy = a_room(contract(), policy=a_policy(self_cross_refused=False))
    post_only = Place(BTC, BUY, 52, 10, post_only=True)

    assert verdict(room, strategy, Place(BTC, SELL, 52, 10), Place(BTC, BUY, 52, 10))[0] == "OK"
    assert verdict(room, strategy, post_only)[0] == "WOULD_CROSS"


def test_an_offer_without_inventory_is_a_bid_for_the_complement():
    room, strategy = a_room()
    verdict(room, strategy, bid(side=SELL, price_ticks=53))
    (request,) = room.trading.requests

    assert (request.symbol, request.side, request.price) == ("NO-M", BUY, 4_700)
    (asked,) = strategy.view.market(YES).own_asks
    assert (asked.instrument, asked.side, asked.price_ticks) == (YES, SELL, 53)


def test_an_offer_of_confirmed_tokens_is_sent_as_one():
    room, strategy = a_room()
    hold(room, strategy, YES, 1500, 52)
    verdict(room, strategy, bid(side=SELL, price_ticks=53))
    first = room.trading.requests[0].symbol, room.trading.requests[0].side
    verdict(room, strategy, bid(side=SELL, price_ticks=54))

    assert first == ("YES-M", SELL)
    # 500 lots are left in stock, the next 1000 are not.
    assert room.trading.requests[0].symbol == "NO-M"


def test_provisional_tokens_are_no_inventory():
    room, strategy = a_room()
    hold(room, strategy, YES, 1000, 52, settled=False)
    verdict(room, strategy, bid(side=SELL, price_ticks=53))

    assert room.trading.requests[0].symbol == "NO-M"


def test_tokens_sold_but_not_yet_confirmed_are_not_offered_twice():
    room, strategy = a_room()
    hold(room, strategy, YES, 1000, 52)
    verdict(room, strategy, bid(side=SELL, price_ticks=53))
    (offer,) = room.trading.requests
    room.facts((ORDER_FILLED, offer.number, "h", offer.price, offer.size, 0, 2, "provisional"))
    holding = room.trading.desk.portfolio.holdings[0]
    assert (holding.size, holding.settled) == (0, offer.size)
    verdict(room, strategy, bid(side=SELL, price_ticks=54))

    assert (offer.symbol, offer.side) == ("YES-M", SELL)
    assert (room.trading.requests[0].symbol, room.trading.requests[0].side) == ("NO-M", BUY)


def test_the_rate_is_a_window_that_slides():
    room, strategy = a_room(policy=a_policy(max_orders_per_minute=2))
    found = [verdict(room, strategy, bid(), wait_ns=20 * S)[0] for _ in range(6)]

    # At 20, 40, (60, 80), 80 ... seconds: the first leaves the window a minute after it was sent.
    assert found == ["OK", "OK", "ORDER_RATE", "OK", "OK", "ORDER_RATE"]


def test_the_same_input_is_not_decided_on_twice():
    room, strategy = a_room()
    verdict(room, strategy, bid())
    strategy.next = [bid()]
    room.out.clear()
    room.trading.decide(room.seq, room.now, room.markets[:1])
    room.markets[0].wake = 1
    room.trading.decide(room.seq, room.now, room.markets[:1])

    assert room.verdicts()[-1]["code"] == codes.DUPLICATE_INTENT


# -- what reduces ------------------------------------------------------------------------------------------------------

POLICY_GATES = [code for code in codes.NAMES if code and code < 80 and not is_safety(code)]


def test_a_place_says_what_it_was_given_and_of_a_group_and_reasons_nothing_where_nothing_was():
    said = ("group", "leg", "legs", "expected_value", "confidence", "risk_cost", "tags", "why")
    given_all = ("g", 1, 2, 30, 4, 5, ("t",), "because")
    plain, full = Place(S, BUY, 50, 1), Place(S, BUY, 50, 1, **dict(zip(said, given_all, strict=True)))

    assert tuple(getattr(plain, name) for name in said) == ("", 0, 1, 0, 0, 0, (), "")
    assert tuple(getattr(full, name) for name in said) == given_all
    assert Place(S, BUY, 50, 1, why="because").why == "because"


@given(
    st.sampled_from(POLICY_GATES),
    st.sampled_from([ACCOUNT, VENUE, MARKET, INSTRUMENT, STRATEGY]),
    st.sampled_from([None, ACCOUNT, MARKET, STRATEGY]),
    st.integers(500, 1000),
    st.booleans(),
)
def test_a_reduction_passes_every_policy_gate_and_reduce_only(code, scope, lowered, lots, tight):
    policy = a_policy(max_open_orders=1, max_orders_per_minute=1) if tight else None
    room, strategy = a_room(policy=policy)
    hold(room, strategy, YES, 1000, 52)
    number = 1 if scope == STRATEGY else 0
    room.trading.gate(code, scope, number, True, room.now)
    if lowered is not None:
        room.desk.modes.lower(lowered, 1 if lowered == STRATEGY else 0, REDUCE_ONLY)
    room.markets[0].valid = False

    opening = verdict(room, strategy, bid(side=BUY))
    closing = verdict(room, strategy, bid(side=SELL, price_ticks=49, lots=lots))

    assert opening[0] in ("GATE_CLOSED", "MODE_FORBIDS")
    assert closing[0] == "OK"
    assert room.trading.requests[0].symbol == "YES-M"


@pytest.mark.parametrize("code", [code for code in codes.NAMES if is_safety(code)])
def test_a_safety_gate_stops_reductions_too_and_says_so(code):
    room, strategy = a_room()
    hold(room, strategy, YES, 1000, 52)
    room.trading.gate(codes.CONN_LOST, ACCOUNT, 0, True, room.now)
    room.trading.gate(code, INSTRUMENT, 0, True, room.now)

    assert verdict(room, strategy, bid(side=SELL, price_ticks=49)) == ("GATE_CLOSED", checks.CHECK_GATE, code, 0)


@given(
    st.integers(0, 2000),
    st.integers(0, 2000),
    st.lists(st.tuples(st.booleans(), st.integers(500, 1500)), max_size=4),
    st.integers(500, 2500),
)
def test_what_is_called_a_reduction_raises_no_side_even_executed_twice(yes, no, sells, lots):
    """On a binary market the venue bounds an offer by the tokens held, so twice is at most all of them."""
    room, _ = a_room()
    desk = room.desk
    for number, held in ((0, yes), (1, no)):
        holding = desk.portfolio.holdings[number]
        holding.size = holding.settled = held * LOT
        open_lots = sum(size for first, size in sells if first == (number == 0))
        desk.orders.working[number].sell_size = min(open_lots, held) * LOT
    reduces = checks.reduces(desk, room.instruments[0], SELL, lots * LOT, 0)
    working = desk.orders.working
    toward_no = (no - yes) * LOT + working[0].sell_size
    after = toward_no + lots * LOT
    in_stock = lots * LOT <= yes * LOT - working[0].sell_size

    assert reduces == (in_stock and max(0, after) <= max(0, toward_no))


@pytest.mark.parametrize(
    ("kind", "position", "side", "lots", "reduce_only", "reduces"),
    [
        (2, 100, SELL, 50, False, True),  # twice 50 is all
        (2, 100, SELL, 51, False, False),
        (2, 100, SELL, 100, True, True),  # the venue bounds it
        (2, 100, SELL, 101, True, False),
        (2, 100, BUY, 1, True, False),
        (2, -100, BUY, 50, False, True),
        (2, -100, BUY, 51, False, False),
        (2, -100, BUY, 100, True, True),
        (2, -100, SELL, 1, True, False),
        (KIND_SPOT, 100, SELL, 100, False, True),  # coins held bound it
        (KIND_SPOT, 100, SELL, 101, False, False),
        (KIND_SPOT, -100, BUY, 51, True, False),  # spot knows no reduce-only flag
        (KIND_SPOT, -100, BUY, 50, True, True),
    ],
)
def test_a_contract_order_reduces_if_even_twice_it_stays_on_its_side(kind, position, side, lots, reduce_only, reduces):
    room, _ = a_room(contract(kind=kind))
    holding = room.desk.portfolio.holdings[0]
    holding.size = holding.settled = position * 100_000
    flags = 2 if reduce_only else 0

    assert checks.reduces(room.desk, room.instruments[0], side, lots * 100_000, flags) == reduces


def test_only_confirmed_contracts_can_be_reduced():
    room, _ = a_room(contract())
    holding = room.desk.portfolio.holdings[0]
    holding.size, holding.settled = 100, 40
    assert checks.reduces(room.desk, room.instruments[0], SELL, 20, 0)
    assert not checks.reduces(room.desk, room.instruments[0], SELL, 21, 0)
    holding.size, holding.settled = -100, -40
    assert checks.reduces(room.desk, room.instruments[0], BUY, 20, 0)
    assert not checks.reduces(room.desk, room.instruments[0], BUY, 21, 0)


def test_a_bid_reduces_nothing_on_a_binary_market():
    room, _ = a_room()

    assert not checks.reduces(room.desk, room.instruments[0], BUY, 1, 0)


def test_kill_lets_nothing_of_a_strategy_pass():
    room, strategy = a_room()
    hold(room, strategy, YES, 1000, 52)
    room.desk.modes.lower(MARKET, 0, KILL)

    assert verdict(room, strategy, bid(side=SELL, price_ticks=49)) == ("MODE_FORBIDS", checks.CHECK_MODE, KILL, 0)


def test_a_rule_for_one_token_only_does_not_let_its_complement_be_sent():
    rules = (Rule(YES, 10**9, 0, 10**6, TIFS),)
    room, strategy = a_room(policy=a_policy(rules=rules))

    assert verdict(room, strategy, bid(side=SELL, price_ticks=53)) == (
        "NOT_PERMITTED",
        checks.CHECK_PERMITTED,
        2,
        0,
    )


def test_a_verdict_a_capsule_and_a_request_follow_each_admitted_intent():
    room, strategy = a_room()
    strategy.next = [bid(), bid(price_ticks=0), bid(price_ticks=49)]
    records = room.decide(0)

    assert [kind for kind, _ in records] == [
        "INTENT",
        "VERDICT",
        "CAPSULE",
        "REQUEST",
        "INTENT",
        "VERDICT",
        "INTENT",
        "VERDICT",
        "CAPSULE",
        "REQUEST",
    ]
    assert [fields["id"] for _, fields in records[:4]] == [records[0][1]["id"]] * 4
    assert [request.number for request in room.trading.requests] == [room.seq + 4, room.seq + 10]
    capsule = records[2][1]
    assert (capsule["bids"], capsule["asks"], capsule["policy"]) == ([(50, 1000)], [(52, 1000)], "test-1")
    assert capsule["trigger"] == room.seq


def test_latch_times_are_written_for_codes_that_exist():
    assert all(code in codes.NAMES for code in LATCH_NS)


def test_an_acknowledged_order_keeps_counting():
    room, strategy = a_room(policy=a_policy(max_open_orders=1))
    verdict(room, strategy, bid())
    room.facts((ORDER_ACKED, room.trading.requests[0].number, "v"))

    assert verdict(room, strategy, bid(price_ticks=49)) == ("ORDER_RATE", checks.CHECK_RATE, 0, -1)


def test_the_crossing_of_a_touch_is_judged_only_where_there_is_one():
    room, strategy = a_room()
    room.markets[0].book.set_level(1, 52, 0)

    assert verdict(room, strategy, bid(price_ticks=98, post_only=True))[0] == "OK"


def test_a_reduction_passes_a_rate_of_none():
    room, strategy = a_room(policy=a_policy(max_orders_per_minute=0))
    holding = room.desk.portfolio.holdings[0]
    holding.size = holding.settled = 1000 * LOT

    assert verdict(room, strategy, bid(side=SELL, price_ticks=49))[0] == "OK"


def test_instruments_are_named_by_number_too():
    room, strategy = a_room()

    assert verdict(room, strategy, bid(instrument=0))[0] == "OK"


def test_the_first_bad_field_is_the_one_named():
    room, strategy = a_room()

    assert verdict(room, strategy, bid(side=7, lots="x", why=5))[2] == 3


def test_a_market_listed_again_is_judged_by_its_new_terms_and_its_new_event():
    room, strategy = a_room(binary("M"), binary("N"), policy=a_policy(max_event_notional=10_000_000))
    room.touch(50, 52, market=1)
    bids = [Place(key, BUY, 10, 60_000_000 // LOT) for key in (YES, "polymarket:YES-N")]
    assert verdict(room, strategy, *bids)[0] == "OK"

    for market in room.markets:
        market.relist(binary(market.listing.market, event="E"))
    room.trading.relisted(room.markets)

    assert verdict(room, strategy, Place(YES, BUY, 9, 10_000_000 // LOT))[:2] == ("RISK_LIMIT", checks.CHECK_RISK)
    assert [exposure.owner for exposure in room.desk.risk.markets] == [1, 1]


def test_a_contract_listed_again_with_a_multiplier_is_not_traded_any_more():
    room, strategy = a_room(contract())
    assert verdict(room, strategy, Place(BTC, BUY, 40, 10))[0] == "OK"

    room.markets[0].relist(contract(multiplier=5))
    room.trading.relisted(room.markets)

    assert verdict(room, strategy, Place(BTC, BUY, 40, 10))[0] == "NOT_PERMITTED"
