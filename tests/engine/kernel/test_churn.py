"""Limits against churn: messages against fills, and how long an order has to rest."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trading_room import Room, S, Says, a_policy, binary

from engine.kernel import checks, codes
from engine.kernel.churn import Churn, Tally
from engine.kernel.events import ORDER_ACKED, ORDER_CANCELLED, ORDER_FILLED, ORDER_UNKNOWN, STATUS_HALTED
from engine.kernel.modes import ACCOUNT, INSTRUMENT, MARKET, REDUCE_ONLY, STRATEGY
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.strategy import BUY, SELL, Cancel, CancelAll, Flatten, Place

YES, NO = "polymarket:YES-M", "polymarket:NO-M"
MS = 1_000_000


def bid(price=50, instrument=YES, **more):
    return Place(instrument, BUY, price, 1000, **more)


def a_room(*strategies, **policy):
    room = Room(binary(), binary("N"), policy=a_policy(**policy), strategies=strategies)
    room.touch(50, 52)
    room.touch(50, 52, market=1)
    return room


def said(room):
    return [codes.name(fields["code"]) for fields in room.verdicts()]


def ask(room, strategy, *intents, **options):
    """The names of the verdicts of these intents."""
    strategy.next = list(intents)
    room.decide(0, **options)
    return said(room)


def acked(room, *requests):
    room.facts(*[(ORDER_ACKED, request.number, f"v{request.number}") for request in requests])


# -- messages against fills --------------------------------------------------------------------------------------------


def a_ratio(*strategies, free=3, per_fill=2, window=1600 * MS, **policy):
    return a_room(*strategies, message_window_ns=window, free_messages=free, messages_per_fill=per_fill, **policy)


def test_beyond_the_free_messages_an_order_wants_fills():
    maker = Says()
    room = a_ratio(maker)
    assert ask(room, maker, bid(40), bid(41), bid(42), bid(43)) == ["OK", "OK", "OK", "ORDER_TO_TRADE"]
    last = room.verdicts()[-1]
    assert (last["check"], last["detail"], last["margin"]) == (checks.CHECK_RATE, 0, -1)

    first = room.trading.requests[0]
    room.facts((ORDER_FILLED, first.number, "v", first.price, first.size // 2, 0, 0, "t"))
    assert ask(room, maker, bid(43), bid(44), bid(45)) == ["OK", "OK", "ORDER_TO_TRADE"]


def test_cancels_count_and_are_never_refused_for_it():
    maker = Says()
    room = a_ratio(maker, free=2)
    ask(room, maker, bid(40))
    (request,) = room.trading.requests
    acked(room, request)

    assert ask(room, maker, Cancel(request.number)) == ["OK"]
    assert ask(room, maker, bid(41)) == ["ORDER_TO_TRADE"]
    assert ask(room, maker, Cancel(request.number), wait_ns=S) == ["OK"]
    assert ask(room, maker, bid(41)) == ["ORDER_TO_TRADE"]
    assert room.verdicts()[0]["margin"] == -2


def test_messages_are_counted_by_strategy_and_by_market():
    one, other = Says(), Says()
    room = a_ratio(one, other, free=1)
    assert ask(room, one, bid(40), bid(41)) == ["OK", "ORDER_TO_TRADE"]
    assert ask(room, one, bid(40, "polymarket:YES-N")) == ["OK"]
    (request,) = [order for order in room.desk.orders.all_open() if order.instrument.market.number == 0]
    room.facts((ORDER_CANCELLED, request.number, "v", 0))

    assert ask(room, other, bid(40)) == ["OK"]


def test_the_legs_of_a_group_are_counted_one_upon_the_other_and_not_at_all_if_one_is_refused():
    maker = Says()
    room = a_ratio(maker)
    four = [bid(40 + leg, group="g", leg=leg, legs=4) for leg in range(4)]
    three = [bid(40 + leg, group="g", leg=leg, legs=3) for leg in range(3)]

    assert ask(room, maker, *four) == ["GROUP_FAILED", "GROUP_FAILED", "GROUP_FAILED", "ORDER_TO_TRADE"]
    assert ask(room, maker, *three) == ["OK", "OK", "OK"]


def test_the_legs_of_a_group_count_for_the_orders_of_a_minute_one_upon_the_other():
    maker = Says()
    room = a_room(maker, max_orders_per_minute=2)
    three = [bid(40 + leg, group="g", leg=leg, legs=3) for leg in range(3)]

    assert ask(room, maker, *three) == ["GROUP_FAILED", "GROUP_FAILED", "ORDER_RATE"]
    assert ask(room, maker, *[bid(40 + leg, group="g", leg=leg, legs=2) for leg in range(2)]) == ["OK", "OK"]


def test_a_reduction_passes_where_new_orders_do_not():
    maker = Says()
    room = a_ratio(maker, free=1, per_fill=0)
    ask(room, maker, bid(40))
    (request,) = room.trading.requests
    room.facts((ORDER_FILLED, request.number, "v", request.price, request.size, 0, 0, "t"))

    assert ask(room, maker, bid(41), Place(YES, SELL, 60, 500)) == ["ORDER_TO_TRADE", "OK"]
    assert ask(room, maker, Flatten(YES)) == ["OK", "OK"]


def test_an_unwinding_through_the_complement_is_not_counted_out():
    maker = Says()
    room = a_ratio(maker, free=1, per_fill=0)
    ask(room, maker, bid(40))
    (request,) = room.trading.requests
    room.facts((ORDER_FILLED, request.number, "v", request.price, request.size, 0, 2, "t"))  # provisional: no stock
    ask(room, maker, Flatten(YES))

    (unwinding,) = room.trading.requests
    assert room.instruments[unwinding.instrument].key == NO
    assert said(room) == ["OK", "OK"]


def test_what_was_counted_is_let_go_when_the_window_has_passed():
    maker = Says()
    room = a_ratio(maker, free=1)
    room.now -= room.now % (1600 * MS)
    assert ask(room, maker, bid(40)) == ["OK"]
    assert ask(room, maker, bid(41), wait_ns=1600 * MS) == ["ORDER_TO_TRADE"]
    assert ask(room, maker, bid(41), wait_ns=100 * MS) == ["OK"]


def test_a_ratio_of_nothing_allows_nothing():
    maker = Says()
    room = a_ratio(maker, free=0, per_fill=0)

    assert ask(room, maker, bid(40)) == ["ORDER_TO_TRADE"]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(-1, 3), st.integers(0, 2)), max_size=30))
def test_a_tally_holds_the_last_seventeen_slots_whatever_was_counted_and_survives_a_checkpoint(steps):
    tally = Tally()
    messages: Counter[int] = Counter()
    fills: Counter[int] = Counter()
    slot = 5
    for wait, sent, filled in steps:
        slot += wait
        tally.count(slot, sent, filled)
        messages[slot] += sent
        fills[slot] += filled
        packer = Packer()
        tally.pack(packer)
        again = Tally()
        unpacker = Unpacker(packer.finish())
        again.unpack(unpacker)
        unpacker.done()
        for one in (tally, again):
            assert one.messages == sum(count for at, count in messages.items() if at > slot - 17)
            assert one.fills == sum(count for at, count in fills.items() if at > slot - 17)
        tally = again


def test_time_that_stands_still_or_steps_back_loses_nothing():
    tally = Tally()
    tally.count(50, 1, 0)
    tally.count(49, 1, 1)

    assert (tally.messages, tally.fills) == (2, 1)


def test_counts_come_back_with_a_checkpoint():
    maker, again = Says(), Says()
    room = a_ratio(maker, free=1)
    ask(room, maker, bid(40))
    other = a_ratio(again, free=1)
    other.trading.restore(room.trading.parts())
    other.seq, other.now = room.seq + 10, room.now

    assert other.trading.parts() == room.trading.parts()
    assert ask(other, again, bid(41)) == ["ORDER_TO_TRADE"]


def test_without_a_policy_nothing_is_counted():
    churn = Churn(None)
    churn.sent(1, 0, 1, 0)
    churn.filled(1, 0, 0)
    packer = Packer()
    churn.pack(packer)

    assert (churn.counts, churn.rests) == (False, False)
    assert packer.finish() == bytes(8)


# -- resting -----------------------------------------------------------------------------------------------------------


def resting(strategy=None, *others, price=50):
    """A room in which the first strategy's bid was acknowledged 60 ms ago, of the 100 that it has to rest."""
    maker = Says() if strategy is None else strategy
    room = a_room(maker, *others, min_resting_ns=100 * MS)
    ask(room, maker, bid(price))
    (request,) = room.trading.requests
    room.now += 40 * MS
    acked(room, request)
    room.now += 60 * MS
    return room, maker, request


def test_an_order_is_cancelled_when_it_has_rested_since_the_venue_showed_it_and_no_earlier():
    room, maker, request = resting()
    early = ask(room, maker, Cancel(request.number))
    verdict = room.verdicts()[0]
    late = ask(room, maker, Cancel(request.number), wait_ns=40 * MS)

    assert (early, late) == (["RESTING"], ["OK"])
    assert (verdict["check"], verdict["detail"], verdict["margin"]) == (checks.CHECK_REST, 0, -40 * MS)
    assert [request.what for request in room.trading.requests] == [2]


def test_an_order_on_its_way_is_too_young_and_one_of_unknown_fate_is_not():
    maker = Says()
    room = a_room(maker, min_resting_ns=100 * MS)
    ask(room, maker, bid())
    (request,) = room.trading.requests
    early = ask(room, maker, Cancel(request.number), wait_ns=S)
    margin = room.verdicts()[0]["margin"]
    room.facts((ORDER_UNKNOWN, request.number, 0))

    assert (early, margin) == (["RESTING"], -100 * MS)
    assert ask(room, maker, Cancel(request.number)) == ["OK"]


def test_an_order_of_an_opening_has_rested():
    room, maker, request = resting()
    room.desk.orders.get(request.number).live_ns = -1 << 63

    assert ask(room, maker, Cancel(request.number)) == ["OK"]


def test_cancel_all_cancels_what_has_rested_and_says_what_stays():
    room, maker, first = resting()
    room.now += 40 * MS
    ask(room, maker, bid(49))
    (second,) = room.trading.requests
    acked(room, second)
    some = ask(room, maker, CancelAll())
    verdict = room.verdicts()[0]
    targets = [request.target for request in room.trading.requests]
    room.facts((ORDER_CANCELLED, first.number, "v", 0))
    none = ask(room, maker, CancelAll(YES), wait_ns=10 * MS)

    assert (some, targets) == (["OK"], [first.number])
    assert (verdict["check"], verdict["detail"], verdict["margin"]) == (checks.CHECK_REST, 1, -100 * MS)
    assert (none, room.verdicts()[0]["margin"], room.trading.requests) == (["RESTING"], -90 * MS, [])
    assert ask(room, maker, CancelAll(YES), wait_ns=90 * MS) == ["OK"]


def test_another_strategy_is_no_way_around_it():
    other = Says()
    room, _, request = resting(None, other)

    assert ask(room, other, Cancel(request.number)) == ["RESTING"]


@pytest.mark.parametrize(
    "trouble",
    [
        lambda room: setattr(room.markets[0], "status", STATUS_HALTED),
        lambda room: setattr(room.markets[0], "valid", False),
        lambda room: room.desk.modes.lower(ACCOUNT, 0, REDUCE_ONLY),
        lambda room: room.desk.modes.lower(STRATEGY, 1, REDUCE_ONLY),
        lambda room: room.trading.gate(codes.STALE_DATA, MARKET, 0, True, room.now),
        lambda room: room.trading.gate(codes.SELF_TRADE, INSTRUMENT, 0, True, room.now),
    ],
)
@pytest.mark.parametrize("intent", [Cancel, lambda number: CancelAll(YES)])
def test_in_trouble_nothing_has_to_rest(trouble, intent):
    room, maker, request = resting()
    trouble(room)

    assert ask(room, maker, intent(request.number)) == ["OK"]
    assert [request.target for request in room.trading.requests] == [request.number]


def test_trouble_elsewhere_is_none_here():
    room, maker, request = resting()
    room.trading.gate(codes.STALE_DATA, MARKET, 1, True, room.now)

    assert ask(room, maker, Cancel(request.number)) == ["RESTING"]


def test_who_wants_out_gets_out():
    room, maker, request = resting()
    ask(room, maker, Flatten(YES))
    flattened = [one.target for one in room.trading.requests]
    room, maker, operators = resting()
    assert room.command(b'{"command":"cancel","request":%d}' % operators.number) == codes.OK
    by_operator = [one.target for one in room.trading.requests]
    room, maker, killed = resting()
    room.command(b'{"command":"kill","scope":"account","reason":"test"}')

    assert (flattened, by_operator) == ([request.number], [operators.number])
    assert [one.target for one in room.trading.requests] == [killed.number]


def test_a_market_that_changes_hands_does_not_wait():
    low, high = Says(), Says()
    low.tier, high.tier = 3, 0
    room, _, request = resting(low, high)
    ask(room, high, bid(40))

    assert [one.target for one in room.trading.requests] == [0, request.number]
