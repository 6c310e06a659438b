"""What one run hands to the next."""

import json

import pytest
from trading_room import Room, Says, binary, contract

from engine.kernel import codes
from engine.kernel.events import (
    FILL_PROVISIONAL,
    ORDER_ACKED,
    ORDER_FILLED,
    ORDER_UNKNOWN,
    SETS_CONVERTED,
    TRADE_FAILED,
    TRADE_STATUS,
)
from engine.kernel.modes import ACCOUNT, MARKET, REDUCE_ONLY, STRATEGY, VENUE
from engine.kernel.pack import Malformed
from engine.kernel.record import NONE
from engine.kernel.strategy import BUY, SELL, Merge, Place, SetTimer, Split

YES = "polymarket:YES-M"
LOT = 10_000


class Remembers(Says):
    """Keeps a number."""

    def __init__(self):
        super().__init__()
        self.memory = [0]


def a_run():
    """A room with positions, orders in every open state, lowered modes, a timer and a memory."""
    strategy = Remembers()
    room = Room(binary(), contract(), strategies=(strategy, Says()))
    room.touch(50, 52)
    room.touch(50, 52, market=1)
    strategy.next = [
        Place(YES, BUY, 50, 1000),
        Place(YES, SELL, 55, 600),
        Place("binance-usdm:BTC", BUY, 49, 10),
        Place("binance-usdm:BTC", BUY, 48, 10),
        SetTimer("beat", after_ns=10, every_ns=5),
    ]
    room.decide(0, 1)
    numbers = [request.number for request in room.trading.requests]
    room.facts(
        (ORDER_ACKED, numbers[0], "a"),
        (ORDER_FILLED, numbers[0], "a", 5_000, 400 * LOT, NONE, FILL_PROVISIONAL, "t"),
        (ORDER_UNKNOWN, numbers[2], codes.VENUE_ERROR, 1),
    )
    room.desk.modes.lower(MARKET, 1, REDUCE_ONLY)
    room.desk.modes.lower(VENUE, 0, REDUCE_ONLY)
    room.desk.modes.lower(STRATEGY, 2, REDUCE_ONLY)
    room.desk.seats[1].muted = True
    strategy.memory = [7]
    return room, numbers


def the_next(payload, *listings, before=()):
    """A room that took *payload* after listing *before*, and then listed *listings*."""
    room = Room(*before, strategies=(Remembers(), Says()))
    room.trading.restore_opening(payload)
    for listing in listings:
        room.add(listing)
    return room


def test_a_run_takes_over_what_the_last_one_had():
    first, numbers = a_run()
    payload = first.trading.opening_payload()
    second = the_next(payload, binary(), contract())
    orders = {number: second.desk.orders.by_number[number] for number in numbers}

    assert [orders[number].state for number in numbers] == [3, 4, 4, 4]  # PENDING is UNKNOWN to a new run
    assert orders[numbers[0]].venue_id == "a"
    assert orders[numbers[1]].mirrored()
    handed, taken = json.loads(payload), json.loads(second.trading.opening_payload())
    assert (handed["positions"], handed["cash"]) == (taken["positions"], taken["cash"])
    assert second.desk.modes.lowered() == first.desk.modes.lowered()
    assert [seat.muted for seat in second.desk.seats] == [False, True]
    assert second.desk.seats[0].strategy.memory == [7]
    assert second.trading.next_due() == first.trading.next_due()
    assert [one.worst for one in second.desk.risk.markets] == [one.worst for one in first.desk.risk.markets]
    assert [one.owner for one in second.desk.risk.markets] == [1, 1]


def test_an_opening_taken_again_says_the_same():
    first, _ = a_run()
    payload = first.trading.opening_payload()
    second = the_next(payload, binary(), contract()).trading.opening_payload()
    third = the_next(second, binary(), contract()).trading.opening_payload()

    assert json.loads(second)["positions"] == json.loads(payload)["positions"]
    assert second == third


def test_it_does_not_matter_whether_the_catalogue_came_before():
    first, _ = a_run()
    payload = first.trading.opening_payload()
    after = the_next(payload, binary(), contract())
    between = the_next(payload, contract(), before=(binary(),))
    before = the_next(payload, before=(binary(), contract()))

    assert after.trading.opening_payload() == before.trading.opening_payload() == between.trading.opening_payload()
    assert after.desk.risk.accounts[::-1] == before.desk.risk.accounts


def test_what_waits_for_a_listing_is_kept_by_checkpoints_and_by_the_next_opening():
    first, _ = a_run()
    payload = first.trading.opening_payload()
    waiting = the_next(payload, contract())
    again = Room(contract(), strategies=(Remembers(), Says()))
    again.trading.restore(waiting.trading.parts())
    again.add(binary())
    waiting.add(binary())

    assert again.trading.parts() == waiting.trading.parts()
    handed = json.loads(the_next(payload).trading.opening_payload())
    assert handed["positions"] == json.loads(payload)["positions"]
    assert len(handed["orders"]) == 4
    assert handed["owners"] == json.loads(payload)["owners"]
    assert handed["modes"] == {
        "market:binance-usdm:BTC": "REDUCE_ONLY",
        "strategy:s2": "REDUCE_ONLY",
        "venue:polymarket": "REDUCE_ONLY",
    }


def test_a_fill_of_the_last_run_still_counts_once_and_can_still_fail():
    first, numbers = a_run()
    second = the_next(first.trading.opening_payload(), binary(), contract())
    repeated = second.facts((ORDER_FILLED, numbers[0], "a", 5_000, 400 * LOT, NONE, FILL_PROVISIONAL, "t"))
    second.facts((TRADE_STATUS, numbers[0], "a", "t", TRADE_FAILED))

    assert repeated[0][0] == "DEDUP"
    assert second.desk.portfolio.holdings[0].size == 0
    assert second.desk.portfolio.purses[0].cash() == 0


def test_a_group_under_way_leaves_its_strategy_to_an_operator():
    strategy = Remembers()
    room = Room(binary("A"), binary("B"), strategies=(strategy,))
    for market in (0, 1):
        room.touch(50, 52, market=market)
    strategy.next = [
        Place(f"polymarket:YES-{name}", BUY, 52, 1000, tif="FAK", group="g", leg=leg, legs=2)
        for leg, name in enumerate("AB")
    ]
    room.decide(0)
    second = the_next(room.trading.opening_payload(), binary("A"), binary("B"))

    assert second.desk.modes.lowered() == [(STRATEGY, 1, REDUCE_ONLY)]
    assert [order.group for order in second.desk.orders.all_open()] == [0, 0]


def test_a_strategy_that_is_gone_leaves_its_orders_to_nobody():
    first, numbers = a_run()
    second = Room(strategies=(Says(),))
    second.desk.seats.clear()
    second.trading.restore_opening(first.trading.opening_payload())
    second.add(binary())

    order = second.desk.orders.by_number[numbers[0]]
    assert order.seat == 0
    assert second.trading.next_due() == NONE

    second.facts((ORDER_FILLED, order.number, "a", 5_000, 100 * LOT, NONE, FILL_PROVISIONAL, "u"), decide=False)
    assert order.filled == 500 * LOT, "whoever it was of, it is the account's"


def test_an_empty_opening_is_flat_and_active():
    room = the_next(b"{}", binary())

    assert room.desk.modes.mode(ACCOUNT, 0) == 0
    assert json.loads(room.trading.opening_payload())["positions"] == {}


def test_a_mode_of_active_lowers_nothing():
    room = the_next(b'{"modes":{"account":"ACTIVE"}}')

    assert room.desk.modes.lowered() == []


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"cash":{"x":{}}}', b'{"cash":5}', b'{"memories":{"s1":"zz"}}'])
def test_an_opening_that_cannot_be_read_is_an_error(payload):
    with pytest.raises(Malformed):
        the_next(payload)


def test_two_fills_two_strategies_and_a_market_nobody_owns_are_handed_over():
    one, two = Remembers(), Says()
    room = Room(binary(), contract(), strategies=(one, two))
    room.touch(50, 52)
    room.touch(50, 52, market=1)
    one.next, two.next = [SetTimer("x", after_ns=5)], [Place(YES, BUY, 50, 1000)]
    room.decide(0)
    number = room.trading.requests[0].number
    for trade in "tu":
        room.facts((ORDER_FILLED, number, "v", 5_000, 100 * LOT, NONE, 0, trade))
    second = the_next(room.trading.opening_payload(), contract(), binary())

    assert list(second.desk.orders.by_number[number].fills) == ["t", "u"]
    assert second.desk.orders.by_number[number].seat == 2
    assert [one.owner for one in second.desk.risk.markets] == [0, 2]


def test_a_conversion_under_way_is_answered_in_the_next_run_and_reserves_there_what_it_takes():
    strategy = Says()
    room = Room(binary(), binary("N"), strategies=(strategy, Says()))
    strategy.next = [Split(YES, 500), Split("polymarket:NO-N", 700)]
    room.decide(0)
    first, other = (request.number for request in room.trading.requests)
    room.facts((SETS_CONVERTED, other, 1))
    strategy.next = [Merge("polymarket:NO-N", 600)]
    room.decide(0)
    second = the_next(room.trading.opening_payload(), binary())

    assert json.loads(second.trading.opening_payload())["conversions"] == [
        {"instrument": YES, "merges": False, "number": first, "size": 500 * LOT, "strategy": "s1"},
        {
            "instrument": "polymarket:NO-N",
            "merges": True,
            "number": room.trading.requests[0].number,
            "size": 600 * LOT,
            "strategy": "s1",
        },
    ]
    second.add(binary("N"))
    second.facts((SETS_CONVERTED, first, 1))
    assert [holding.size for holding in second.desk.portfolio.holdings] == [500 * LOT] * 2 + [700 * LOT] * 2
    assert [working.merging for working in second.desk.orders.working] == [0, 0, 600 * LOT, 600 * LOT]
