"""Groups: admitted all or none, and carried to an end that leaves no half behind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trading_room import TIFS, Room, S, Says, a_policy, binary, contract

from engine.kernel import codes, groups
from engine.kernel.events import (
    ORDER_ACKED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REFUSED,
    ORDER_REJECTED,
    ORDER_UNKNOWN,
)
from engine.kernel.modes import ACTIVE, REDUCE_ONLY, STRATEGY
from engine.kernel.policy import Rule
from engine.kernel.strategy import BUY, SELL, CancelAll, Flatten, Place

YES_A, YES_B = "polymarket:YES-A", "polymarket:YES-B"
LOT = 10_000
SIZE = 1000 * LOT


def legs(count=2, label="arb", **changes):
    names = [YES_A, YES_B, "polymarket:YES-C"]
    return [
        Place(names[leg], BUY, 52, 1000, tif="FAK", group=label, leg=leg, legs=count, **changes) for leg in range(count)
    ]


def a_room(*intents, policy=None, markets="AB"):
    strategy = Says()
    room = Room(*[binary(name) for name in markets], policy=policy, strategies=(strategy,))
    for number in range(len(markets)):
        room.touch(50, 52, market=number)
    strategy.next = list(intents) or legs()
    room.decide(0)
    return room, strategy, list(room.trading.requests)


def states(records):
    return [(groups.STATE_NAMES[fields["state"]], fields["leg"]) for kind, fields in records if kind == "GROUP"]


def filled(request, size=None, trade="t"):
    return (ORDER_FILLED, request.number, f"v{request.number}", request.price, size or request.size, 0, 0, trade)


def ended(request, at=0):
    return (ORDER_CANCELLED, request.number, f"v{request.number}", at)


def test_a_group_that_fills_whole_is_done():
    room, _, requests = a_room()
    opened = states(room.records())
    first = states(room.facts(filled(requests[0])))
    second = states(room.facts(filled(requests[1])))

    assert (opened, first, second) == ([("WORKING", -1)], [], [("FILLED", -1)])


def test_all_intents_come_first_then_what_became_of_each_leg():
    room, _, _ = a_room()

    assert [kind for kind, _ in room.records()] == [
        "INTENT",
        "INTENT",
        "VERDICT",
        "CAPSULE",
        "REQUEST",
        "VERDICT",
        "CAPSULE",
        "REQUEST",
        "GROUP",
    ]


def test_one_leg_refused_refuses_all_and_frees_what_was_reserved():
    policy = a_policy(max_market_notional=6_000_000, rules=(Rule("*", 1500, 0, 10**6, TIFS),))
    wide = legs(3)
    wide[1] = Place(YES_B, BUY, 52, 1600, tif="FAK", group="arb", leg=1, legs=3)
    room, _, requests = a_room(*wide, policy=policy, markets="ABC")

    assert requests == []
    assert [codes.name(verdict["code"]) for verdict in room.verdicts()] == [
        "GROUP_FAILED",
        "RISK_LIMIT",
        "GROUP_FAILED",
    ]
    assert room.verdicts()[0]["detail"] == 1
    assert room.desk.orders.open_count == 0
    assert room.desk.risk.accounts == [0]
    assert [one.owner for one in room.desk.risk.markets] == [0, 0, 0]


def test_the_legs_are_judged_one_upon_the_other():
    policy = a_policy(max_account_notional=6_000_000)
    room, _, requests = a_room(policy=policy)

    # Each leg risks 5.20 of the 6 allowed: the second does not fit beside the first.
    assert requests == []
    assert [codes.name(verdict["code"]) for verdict in room.verdicts()] == ["GROUP_FAILED", "RISK_LIMIT"]


@pytest.mark.parametrize(
    "intents",
    [
        legs()[:1],
        [legs()[0], legs()[0]],
        [legs(2)[0], legs(3)[1]],
    ],
)
def test_an_incomplete_group_is_refused(intents):
    room, _, requests = a_room(*intents)

    assert requests == []
    assert {codes.name(verdict["code"]) for verdict in room.verdicts()} == {"GROUP_FAILED"}


def test_a_group_with_an_unreadable_leg_is_refused_whole():
    bad = Place(YES_B, BUY, 52, "many", tif="FAK", group="arb", leg=1, legs=2)
    room, _, requests = a_room(legs()[0], bad)

    assert requests == []
    assert [codes.name(verdict["code"]) for verdict in room.verdicts()] == ["GROUP_FAILED", "INTENT_MALFORMED"]


def test_a_label_in_use_is_refused_until_its_group_is_over():
    room, strategy, requests = a_room()
    strategy.next = legs()
    room.decide(0)
    twice = room.verdicts()
    room.facts(*[filled(request) for request in requests])
    strategy.next = legs()
    room.decide(0)

    assert [codes.name(verdict["code"]) for verdict in twice] == ["GROUP_FAILED", "GROUP_FAILED"]
    assert [codes.name(verdict["code"]) for verdict in room.verdicts()] == ["OK", "OK"]


def test_legs_may_come_in_any_order():
    _, _, requests = a_room(*reversed(legs()))

    assert [request.symbol for request in requests] == ["YES-A", "YES-B"]


def test_a_first_fail_with_nothing_filled_cancels_the_rest():
    room, _, requests = a_room()
    room.facts((ORDER_ACKED, requests[1].number, "w"))
    failing = room.facts((ORDER_REJECTED, requests[0].number, "v", 0))
    (cancel,) = room.trading.requests
    closing = room.facts(ended(requests[1]))

    assert states(failing) == [("CANCELLING", 0)]
    assert cancel.target == requests[1].number
    assert states(closing) == [("UNWINDING", -1), ("FAILED", -1)]


def test_a_failed_leg_is_rescued_at_the_touch():
    room, _, requests = a_room()
    room.facts(filled(requests[0]))
    room.touch(50, 55, market=1)
    rescuing = room.facts(ended(requests[1]))
    (rescue,) = room.trading.requests
    done = room.facts(filled(rescue))

    assert states(rescuing) == [("WORKING", 1)]
    # Two ticks through the offer at 55, for all that is missing.
    assert (rescue.symbol, rescue.side, rescue.price, rescue.size) == ("YES-B", BUY, 5_700, SIZE)
    assert states(done) == [("FILLED", -1)]


def test_after_two_rescues_what_filled_is_unwound():
    room, _, requests = a_room()
    room.facts(filled(requests[0], 600 * LOT))
    waiting = room.facts(ended(requests[1]))
    room.facts(ended(requests[0], 600 * LOT))
    first = room.trading.requests
    room.facts(ended(first[0]))
    second = room.trading.requests
    failing = room.facts(ended(second[0]))
    (back,) = room.trading.requests
    done = room.facts(filled(back))

    assert waiting == []  # the other leg may still fill
    assert [(request.symbol, request.size) for request in first + second] == [("YES-B", 600 * LOT)] * 2
    assert states(failing) == [("CANCELLING", 1), ("UNWINDING", -1)]
    assert (back.symbol, back.side, back.size) == ("YES-A", SELL, 600 * LOT)
    assert back.price == 4_500  # five ticks below the bid at 50
    assert states(done) == [("FAILED", -1)]
    assert room.desk.portfolio.holdings[0].size == 0


def resting(prices=(50, 48)):
    """A box by resting: a bid for each outcome of one market, together below one; its fee is none."""
    return [
        Place(key, BUY, price, 1000, tif="GTD", ttl_ns=10 * S, post_only=True, group="box", leg=leg, legs=2)
        for leg, (key, price) in enumerate(zip((YES_A, "polymarket:NO-A"), prices, strict=True))
    ]


def test_legs_that_rest_and_end_alike_are_done_without_a_rescue():
    room, _, requests = a_room(*resting())
    room.facts(*[filled(request, 600 * LOT) for request in requests])
    first = room.facts(ended(requests[0], 600 * LOT))
    (cancel,) = room.trading.requests
    second = room.facts(ended(requests[1], 600 * LOT))

    assert (states(first), cancel.target) == ([], requests[1].number)
    assert (states(second), room.trading.requests) == ([("FILLED", -1)], [])


def test_a_leg_that_rested_is_brought_up_to_the_other_when_that_rests_no_more():
    room, _, requests = a_room(*resting())
    room.facts(filled(requests[0], 600 * LOT))
    waiting = room.facts(ended(requests[1]))
    (cancel,) = room.trading.requests
    rescuing = room.facts(ended(requests[0], 600 * LOT))
    (rescue,) = room.trading.requests
    done = room.facts(filled(rescue))

    # A bid for NO at its touch would trade with our own bid for YES: it has to be gone first.
    assert (states(waiting), cancel.target) == ([], requests[0].number)
    assert states(rescuing) == [("WORKING", 1)]
    assert (rescue.symbol, rescue.size) == ("NO-A", 600 * LOT)
    assert states(done) == [("FILLED", -1)]
    assert [holding.size for holding in room.desk.portfolio.holdings[:2]] == [600 * LOT, 600 * LOT]


def test_what_is_too_little_to_be_traded_is_neither_rescued_nor_unwound():
    room, _, requests = a_room(*resting())
    room.facts(filled(requests[0]))
    room.facts(filled(requests[1], 700 * LOT))
    records = room.facts(ended(requests[1], 700 * LOT))

    # The venue takes no order below 500 lots: 700 pairs stay, and 300 lots with nothing to their name.
    assert states(records) == [("CANCELLING", 1), ("UNWINDING", -1), ("FAILED", -1)]
    assert ("DUST", {"request": 0, "size": 300 * LOT}) in records
    assert room.trading.requests == []


def test_an_unwinding_keeps_what_all_legs_have_alike():
    room, _, requests = a_room()
    room.facts(filled(requests[0]))
    room.facts(filled(requests[1], 400 * LOT))
    room.facts(ended(requests[1], 400 * LOT))
    for _ in range(2):
        room.facts(ended(room.trading.requests[0]))
    (back,) = room.trading.requests

    assert (back.symbol, back.side, back.size) == ("YES-A", SELL, 600 * LOT)


def test_legs_of_unlike_sizes_are_alike_in_parts():
    unlike = [
        Place(key, BUY, 52, lots, tif="FAK", group="arb", leg=leg, legs=2)
        for leg, (key, lots) in enumerate(((YES_A, 1000), (YES_B, 3000)))
    ]
    room, _, requests = a_room(*unlike)
    room.facts(filled(requests[0], 500 * LOT))
    room.facts(ended(requests[0], 500 * LOT))
    room.facts(ended(requests[1]))
    (rescue,) = room.trading.requests

    assert (rescue.symbol, rescue.size) == ("YES-B", 1500 * LOT)


def test_a_rescue_that_rests_is_waited_for():
    policy = a_policy(rules=(Rule("*", 10**9, 0, 10**6, ("GTC",)),))
    plain = [Place(key, BUY, 52, 1000, group="arb", leg=leg, legs=2) for leg, key in enumerate((YES_A, YES_B))]
    room, strategy, requests = a_room(*plain, policy=policy)
    room.facts(filled(requests[0], 600 * LOT))
    room.facts(ended(requests[1]))
    room.facts(ended(requests[0], 600 * LOT))
    (rescue,) = room.trading.requests
    room.facts((ORDER_ACKED, rescue.number, "r"))
    strategy.next = [Place(YES_A, BUY, 40, 1000)]
    room.decide(0)
    (another,) = room.trading.requests
    room.facts((ORDER_REJECTED, another.number, "v", 0))  # every group is looked at, and this one's rescue left alone
    meanwhile = list(room.trading.requests)
    done = room.facts(filled(rescue, 600 * LOT))

    assert (meanwhile, states(done)) == ([], [("FILLED", -1)])


def test_a_rescue_that_is_refused_counts_as_one():
    room, _, requests = a_room()
    room.facts(filled(requests[0]))
    room.markets[1].valid = False
    records = room.facts(ended(requests[1]))

    assert states(records) == [("WORKING", 1), ("WORKING", 1), ("CANCELLING", 1), ("UNWINDING", -1)]
    assert [fields["code"] for kind, fields in records if kind == "VERDICT"][:2] == [codes.BOOK_INVALID] * 2


def test_without_a_touch_there_is_no_rescue():
    room, _, requests = a_room()
    room.facts(filled(requests[0]))
    room.markets[1].book.clear()
    records = room.facts(ended(requests[1]))
    (back,) = room.trading.requests
    twin = Room(binary("A"), binary("B"), strategies=(Says(),))
    twin.trading.restore(room.trading.parts())
    done = room.facts(filled(back))

    assert states(records) == [("WORKING", 1), ("WORKING", 1), ("CANCELLING", 1), ("UNWINDING", -1)]
    assert twin.trading.opening_payload().startswith(b'{"broken_groups":["s1"],')
    assert states(done) == [("FAILED", -1)]


def test_an_unknown_leg_makes_its_group_wait():
    room, _, requests = a_room()
    room.facts((ORDER_UNKNOWN, requests[0].number, 0, 1))
    waiting = room.facts((ORDER_REJECTED, requests[1].number, "v", 0))
    proven = room.facts((ORDER_REFUSED, requests[0].number, 6, 0, 2))

    # The other leg's failure is seen at once; the unknown one cannot be cancelled before it is found.
    assert states(waiting) == [("CANCELLING", 1)]
    assert states(proven) == [("UNWINDING", -1), ("FAILED", -1)]


def test_provisional_tokens_are_unwound_through_the_complement():
    room, _, requests = a_room()
    room.facts((ORDER_FILLED, requests[0].number, "v", 5_200, SIZE, 0, 2, "t"))
    for _ in range(2):
        room.facts(ended(requests[1] if not room.trading.requests else room.trading.requests[0]))
    room.facts(ended(room.trading.requests[0]))

    assert [request.symbol for request in room.trading.requests] == ["NO-A"]


def test_an_unwinding_that_gets_nowhere_gives_up_and_says_so():
    room, _, requests = a_room()
    room.facts(filled(requests[0]))
    room.facts(ended(requests[1]))
    room.facts(ended(room.trading.requests[0]))
    room.facts(ended(room.trading.requests[0]))
    sent, records = 0, []
    for _ in range(20):
        if room.trading.requests:
            sent += 1
            room.facts(ended(room.trading.requests[0]))
        if room.trading.next_due() < 0:
            break
        room.input(S)
        room.trading.on_timer(room.seq, room.now, room.trading.next_timer(), room.trading.next_due())
        room.trading.decide(room.seq, room.now, [])
        records = room.records()
        if any(kind == "LEG_RISK" for kind, _ in records):
            break

    assert sent == 8
    assert ("LEG_RISK", {"group": 1, "seat": 1, "leg": 0, "size": SIZE}) in records
    assert room.desk.modes.mode(STRATEGY, 1) == REDUCE_ONLY
    assert states(records) == [("FAILED", -1)]


def test_a_venue_without_fill_and_kill_is_rescued_with_an_order_that_rests():
    policy = a_policy(rules=(Rule("*", 10**9, 0, 10**6, ("GTC",)),))
    plain = [Place(key, BUY, 52, 1000, group="arb", leg=leg, legs=2) for leg, key in enumerate((YES_A, YES_B))]
    room, _, requests = a_room(*plain, policy=policy)
    room.facts(filled(requests[0]))
    room.facts(ended(requests[1]))

    assert room.trading.requests[0].tif == 1


def test_a_short_leg_is_rescued_and_unwound_on_the_other_side():
    strategy = Says()
    room = Room(contract("BTC"), contract("ETH"), strategies=(strategy,))
    room.touch(1000, 1002)
    room.touch(1000, 1002, market=1)
    strategy.next = [
        Place("binance-usdm:BTC", SELL, 1000, 10, tif="FAK", group="g", leg=0, legs=2),
        Place("binance-usdm:ETH", SELL, 1000, 10, tif="FAK", group="g", leg=1, legs=2),
    ]
    room.decide(0)
    requests = room.trading.requests
    room.facts(filled(requests[0]))
    room.facts(ended(requests[1]))
    rescue = room.trading.requests[0]
    room.facts(ended(rescue))
    room.facts(ended(room.trading.requests[0]))
    back = room.trading.requests[0]

    assert (rescue.side, rescue.price) == (SELL, 998 * 10**7)
    assert (back.symbol, back.side, back.price) == ("BTC", BUY, 1007 * 10**7)


def test_a_flatten_cancels_everything_and_trades_the_position_away_but_keeps_sets():
    room, strategy, requests = a_room(Place(YES_A, BUY, 50, 1000), Place("polymarket:NO-A", BUY, 40, 500))
    room.facts(filled(requests[0]), filled(requests[1]))
    strategy.next = [Place(YES_A, BUY, 49, 1000)]
    room.decide(0)
    (resting,) = room.trading.requests
    room.facts((ORDER_ACKED, resting.number, "r"))
    strategy.next = [Flatten(YES_A)]
    room.decide(0)
    (cancel,) = room.trading.requests
    strategy.next = [Flatten(YES_A)]
    room.decide(0)
    again = list(room.trading.requests)
    room.facts(ended(resting))
    (sell,) = room.trading.requests

    assert cancel.target == resting.number
    assert (sell.symbol, sell.side, sell.size) == ("YES-A", SELL, 500 * LOT)
    assert again == []
    room.facts(filled(sell))
    assert [holding.size for holding in room.desk.portfolio.holdings[:2]] == [500 * LOT, 500 * LOT]
    assert room.trading.next_due() == room.now + S  # the last retry, which will find nothing to do


def test_a_short_position_is_bought_back():
    strategy = Says()
    room = Room(contract(), strategies=(strategy,))
    room.touch(1000, 1002)
    strategy.next = [Place("binance-usdm:BTC", SELL, 1000, 10)]
    room.decide(0)
    room.facts(filled(room.trading.requests[0]))
    strategy.next = [Flatten("binance-usdm:BTC")]
    room.decide(0)
    (request,) = room.trading.requests

    assert (request.side, request.price, request.size) == (BUY, 1007 * 10**7, 10**6)


def test_an_unwinding_order_that_would_meet_our_own_cancels_that_first():
    room, strategy, requests = a_room(Place(YES_A, BUY, 50, 1000))
    room.facts(filled(requests[0]))
    strategy.next = [Place(YES_A, BUY, 50, 1000)]
    room.decide(0)
    (resting,) = room.trading.requests
    strategy.next = [Flatten(YES_A)]
    room.decide(0)
    blocked = room.verdicts()[-1]["code"]
    room.facts((ORDER_ACKED, resting.number, "r"))
    (cancel,) = room.trading.requests
    room.decide(0)
    waiting = room.records()
    room.facts(ended(resting))

    assert waiting == []
    assert blocked == codes.SELF_CROSS
    assert cancel.target == resting.number
    assert room.trading.requests[0].side == SELL


def test_an_unwinding_leaves_dust_and_stops_when_the_market_resolves():
    room, strategy, requests = a_room(Place(YES_A, BUY, 50, 1000))
    room.facts(filled(requests[0]))
    strategy.next = [Flatten(YES_A)]
    room.decide(0)
    (sell,) = room.trading.requests
    room.facts((ORDER_FILLED, sell.number, "s", sell.price, SIZE - 3 * LOT, 0, 0, "x"))
    records = room.facts(ended(sell, SIZE - 3 * LOT))

    assert ("DUST", {"request": 0, "size": 3 * LOT}) in records
    assert room.desk.modes.mode(STRATEGY, 1) == ACTIVE


def test_an_operators_flatten_of_a_resolved_market_gives_up_without_blame():
    room, _, requests = a_room(Place(YES_A, BUY, 50, 1000))
    room.facts(filled(requests[0]))
    room.markets[0].winner = 0
    room.command(b'{"command":"flatten","instrument":"polymarket:YES-A"}')

    assert ("LEG_RISK", {"group": 0, "seat": 0, "leg": 0, "size": SIZE}) in room.records()
    assert room.desk.modes.lowered() == []


def test_without_a_touch_an_unwinding_waits():
    room, strategy, requests = a_room(Place(YES_A, BUY, 50, 1000))
    room.facts(filled(requests[0]))
    room.markets[0].book.clear()
    strategy.next = [Flatten(YES_A)]
    room.decide(0)

    assert room.trading.requests == []
    assert room.trading.next_due() == room.now + S


def test_cancel_all_of_an_instrument_ends_a_group_by_its_rules():
    room, strategy, requests = a_room()
    room.facts((ORDER_ACKED, requests[0].number, "v"), (ORDER_ACKED, requests[1].number, "w"))
    strategy.next = [CancelAll(YES_A)]
    room.decide(0)

    assert [request.target for request in room.trading.requests] == [requests[0].number]


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["ack", "fill", "end", "reject", "unknown", "absent", "time"]),
        st.integers(0, 3),
        st.integers(1, 1000),
    ),
    max_size=40,
)


@given(MOVES)
def test_whatever_happens_a_group_ends_and_a_checkpoint_changes_nothing(moves):
    room, _, requests = a_room()
    known = list(requests)
    twin = None
    for at, (what, which, lots) in enumerate(moves):
        request = known[which % len(known)]
        order = room.desk.orders.by_number[request.number]
        size = min(lots * LOT, order.rest())
        row = {
            "ack": (ORDER_ACKED, request.number, f"v{request.number}"),
            "fill": (ORDER_FILLED, request.number, f"v{request.number}", request.price, size, 0, 0, f"t{at}"),
            "end": ended(request, order.filled),
            "reject": (ORDER_REJECTED, request.number, f"v{request.number}", 0),
            "unknown": (ORDER_UNKNOWN, request.number, 0, 1),
            "absent": (ORDER_REFUSED, request.number, 6, 0, 1),
        }.get(what)
        for one in [room] if twin is None else [room, twin]:
            if row is None:
                one.decide(wait_ns=S)
            elif what != "fill" or size > 0:
                one.facts(row)
        known.extend(one for one in room.trading.requests if one.what == 1 and one not in known)
        if twin is None and at == len(moves) // 2:
            twin = Room(binary("A"), binary("B"), strategies=(Says(),))
            for number in (0, 1):
                twin.touch(50, 52, market=number)
            twin.trading.restore(room.trading.parts())
            twin.seq, twin.now = room.seq, room.now
            twin.out.records.extend(room.out.records)
        if twin is not None:
            assert twin.trading.parts() == room.trading.parts()
    # Nothing is left to happen: the venue ends whatever is open, and time passes.
    for _ in range(60):
        rows = [
            ended(request, room.desk.orders.by_number[request.number].filled)
            for request in known
            if room.desk.orders.by_number[request.number].open()
        ]
        if rows:
            room.facts(*rows)
        else:
            room.decide(wait_ns=S)
        known.extend(one for one in room.trading.requests if one.what == 1 and one not in known)

    assert room.trading.opening_payload().startswith(b'{"broken_groups":[],')
    assert room.desk.orders.open_count == 0


def test_a_leg_of_an_unknown_instrument_refuses_its_group():
    bad = Place("polymarket:none", BUY, 52, 1000, tif="FAK", group="arb", leg=1, legs=2)
    room, _, _ = a_room(legs()[0], bad)

    assert [codes.name(verdict["code"]) for verdict in room.verdicts()] == ["GROUP_FAILED", "UNKNOWN_INSTRUMENT"]


def test_a_leg_whose_fills_are_announced_but_not_told_has_not_ended():
    room, _, requests = a_room()
    room.facts(ended(requests[0], 400 * LOT))
    waiting = room.facts((ORDER_REJECTED, requests[1].number, "v", 0))
    told = room.facts(filled(requests[0], 400 * LOT))

    assert states(waiting) == [("CANCELLING", 1)]
    assert states(told)[0] == ("UNWINDING", -1)


def test_an_unwinding_stopped_by_a_gate_tries_again_each_second_and_survives_a_checkpoint():
    room, strategy, requests = a_room(Place(YES_A, BUY, 50, 1000))
    room.facts(filled(requests[0]))
    room.trading.gate(codes.META_CHANGED, 2, 0, True, room.now)
    strategy.next = [Flatten(YES_A)]
    room.decide(0)
    refused = room.verdicts()[-1]["code"]
    twin = Room(binary("A"), binary("B"), strategies=(Says(),))
    twin.touch(50, 52)
    twin.trading.restore(room.trading.parts())
    twin.seq, twin.now = room.seq, room.now
    twin.out.records.extend(room.out.records)
    sent = []
    for one in (room, twin):
        one.input(S)
        one.trading.gate(codes.META_CHANGED, 2, 0, False, one.now)
        one.trading.decide(one.seq, one.now, [])
        sent += one.trading.requests
        one.input(S)
        one.trading.decide(one.seq, one.now, [])

    assert refused == codes.GATE_CLOSED
    assert [(request.side, request.number) for request in sent] == [(SELL, sent[0].number)] * 2
    assert room.trading.parts() == twin.trading.parts()
    late = Room(binary("A"), binary("B"), strategies=(Says(),))
    late.trading.restore(room.trading.parts())
    assert late.desk.orders.by_number[sent[0].number].pinned
    assert late.trading.parts() == room.trading.parts()
