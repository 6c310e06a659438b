"""Gates that close and latch, modes that only people raise, and the commands and conditions that move them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trading_room import Room, S, Says, binary, contract

from engine.kernel import codes
from engine.kernel.commands import scope_text
from engine.kernel.events import ORDER_ACKED, ORDER_FILLED, ORDER_UNKNOWN
from engine.kernel.modes import (
    ACCOUNT,
    ACTIVE,
    INSTRUMENT,
    KILL,
    LOWERS,
    MARKET,
    REDUCE_ONLY,
    SAFETY,
    STRATEGY,
    VENUE,
    Modes,
)
from engine.kernel.record import NONE
from engine.kernel.strategy import BUY, Place

YES = "polymarket:YES-M"


def a_room():
    strategy = Says()
    room = Room(binary(), contract(), strategies=(strategy,))
    room.touch(50, 52)
    room.touch(50, 52, market=1)
    return room, strategy


def say(room, **what):
    return room.command(json.dumps(what).encode())


def health(room, **what):
    room.input()
    return room.trading.on_health(room.seq, room.now, json.dumps(what).encode())


def gate(room, code, closed, wait=0, scope=MARKET, number=0):
    room.input(wait)
    room.trading.gate(code, scope, number, closed, room.now)
    return room.records()


# -- gates -------------------------------------------------------------------------------------------------------------


def test_a_gate_says_when_it_closes_and_opens_and_nothing_in_between():
    room, _ = a_room()
    closed = gate(room, codes.SEQ_GAP, True)
    again = gate(room, codes.SEQ_GAP, True)
    opened = gate(room, codes.SEQ_GAP, False)

    said = {"code": codes.SEQ_GAP, "scope": MARKET, "number": 0, "safety": 0}
    assert closed == [("GATE", {**said, "closed": 1})]
    assert again == []
    assert opened == [("GATE", {**said, "closed": 0})]
    assert gate(room, codes.SEQ_GAP, False) == []
    assert room.trading.next_due() == NONE


def test_a_gate_closed_too_long_lowers_the_mode_of_its_scope():
    room, _ = a_room()
    gate(room, codes.SEQ_GAP, True)
    room.input()
    room.now = room.trading.next_due()
    room.trading.on_timer(room.seq, room.now, room.trading.next_timer(), room.now)

    assert ("MODE", {"scope": MARKET, "number": 0, "old": 0, "new": 1, "code": codes.GATE_LATCHED}) in room.records()
    assert room.desk.modes.mode(MARKET, 0) == REDUCE_ONLY
    assert room.desk.modes.mode(MARKET, 1) == ACTIVE


def test_a_gate_found_closed_too_long_when_it_opens_lowers_too():
    room, _ = a_room()
    gate(room, codes.SEQ_GAP, True)
    gate(room, codes.SEQ_GAP, False, wait=60 * S)

    assert room.desk.modes.mode(MARKET, 0) == REDUCE_ONLY


@pytest.mark.parametrize(("code", "seconds"), [(codes.CONN_LOST, 300), (codes.JRN_SLOW, 1), (codes.SEQ_GAP, 60)])
def test_some_gates_have_a_time_of_their_own(code, seconds):
    room, _ = a_room()
    gate(room, code, True)

    assert room.trading.next_due() == room.now + seconds * S


def test_without_a_policy_a_gate_latches_after_a_minute():
    from engine.kernel.digest import Digest
    from engine.kernel.outbox import Outbox
    from engine.kernel.trading import Trading

    trading = Trading([], [], None, Outbox(), Digest(), 0, 0)
    trading.gate(codes.SEQ_GAP, ACCOUNT, 0, True, 5)

    assert trading.next_due() == 5 + 60 * S


def test_a_sixth_closing_within_ten_minutes_latches():
    room, _ = a_room()
    for _ in range(5):
        gate(room, codes.CONN_FLAP, True, wait=100 * S)
        gate(room, codes.CONN_FLAP, False)
    before = room.desk.modes.mode(MARKET, 0)
    gate(room, codes.CONN_FLAP, True, wait=100 * S)

    # The first was 500 s ago, so this is the sixth within 600 s.
    assert (before, room.desk.modes.mode(MARKET, 0)) == (ACTIVE, REDUCE_ONLY)


def test_closings_more_than_ten_minutes_ago_are_forgotten():
    room, _ = a_room()
    for _ in range(20):
        gate(room, codes.CONN_FLAP, True, wait=121 * S)
        gate(room, codes.CONN_FLAP, False)

    assert room.desk.modes.mode(MARKET, 0) == ACTIVE


def test_a_safety_gate_is_named_before_any_policy_gate():
    modes = Modes()
    modes.close(modes.gate(codes.CONN_LOST, ACCOUNT, 0), 1)
    policy = modes.blocking(0, 0, 0, 1, False)
    modes.close(modes.gate(codes.META_CHANGED, INSTRUMENT, 0), 1)

    assert (policy, modes.blocking(0, 0, 0, 1, True)) == (codes.CONN_LOST, codes.META_CHANGED)
    assert modes.blocking(0, 0, 1, 1, True) == codes.OK
    assert len(modes.all_closed()) == 2


@given(
    st.lists(
        st.tuples(st.sampled_from([codes.CONN_LOST, codes.META_CHANGED]), st.integers(0, 4), st.integers(0, 3)),
        max_size=20,
    )
)
def test_modes_and_gates_come_back_from_their_bytes(moves):
    modes = Modes()
    for at, (code, scope, number) in enumerate(moves):
        found = modes.gate(code, scope, number)
        if found.closed():
            modes.reopen(found)
        else:
            modes.close(found, at)
        modes.lower(scope, number, at % 3)
    again = Modes()
    again.unpack(modes.pack())

    assert modes.pack() == again.pack()
    assert modes.closed_count == again.closed_count == len(again.all_closed())
    assert modes.lowered() == again.lowered()


# -- conditions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "kind", "number"),
    [
        ("account", ACCOUNT, 0),
        ("venue:binance-usdm", VENUE, 1),
        ("market:polymarket:M", MARKET, 0),
        ("instrument:polymarket:NO-M", INSTRUMENT, 1),
        ("strategy:s1", STRATEGY, 1),
    ],
)
def test_health_closes_and_opens_a_gate_of_any_scope(scope, kind, number):
    room, _ = a_room()

    assert health(room, code="STALE_DATA", state="bad", scope=scope) == codes.OK
    (closed,) = room.desk.modes.all_closed()
    assert (closed.scope, closed.number) == (kind, number)
    assert scope_text(room.desk, kind, number) == scope
    assert health(room, code="STALE_DATA", state="good", scope=scope) == codes.OK
    assert room.desk.modes.all_closed() == []


@pytest.mark.parametrize("code", sorted(LOWERS))
def test_some_conditions_lower_the_mode_at_once_and_recovery_does_not_raise_it(code):
    room, _ = a_room()
    health(room, code=codes.name(code), state="bad")
    health(room, code=codes.name(code), state="good")

    assert room.desk.modes.mode(ACCOUNT, 0) == LOWERS[code]
    assert code not in SAFETY or code == codes.UNIT_MISMATCH


@pytest.mark.parametrize(
    "what",
    [
        {"code": "NO_SUCH", "state": "bad"},
        {"code": "CONN_LOST", "state": "worse"},
        {"code": "CONN_LOST", "state": "bad", "scope": "venue:nowhere"},
        {"code": "CONN_LOST", "state": "bad", "scope": 5},
        {"code": ["CONN_LOST"], "state": "bad"},
        {},
    ],
)
def test_health_that_does_not_fit_is_refused(what):
    room, _ = a_room()

    assert health(room, **what) == codes.OP_REFUSED
    assert room.desk.modes.all_closed() == []


# -- commands ----------------------------------------------------------------------------------------------------------


def test_kill_cancels_everything_and_mutes():
    room, strategy = a_room()
    strategy.next = [Place(YES, BUY, 50, 1000), Place("binance-usdm:BTC", BUY, 50, 10)]
    room.decide(0, 1)
    one, two = [request.number for request in room.trading.requests]
    room.facts((ORDER_ACKED, one, "v"))
    assert say(room, command="kill", reason="test") == codes.OK

    # The second is not acknowledged yet: its cancel is queued.
    assert [request.target for request in room.trading.requests] == [one]
    room.facts((ORDER_ACKED, two, "w"))
    assert [request.target for request in room.trading.requests] == [two]
    calls = len(strategy.wakes)
    room.decide(0)
    assert len(strategy.wakes) == calls


def test_kill_of_a_market_leaves_the_others_alone():
    room, strategy = a_room()
    strategy.next = [Place(YES, BUY, 50, 1000), Place("binance-usdm:BTC", BUY, 50, 10)]
    room.decide(0, 1)
    one, two = [request.number for request in room.trading.requests]
    room.facts((ORDER_ACKED, one, "v"), (ORDER_ACKED, two, "w"))
    say(room, command="kill", scope="market:polymarket:M")

    assert [request.target for request in room.trading.requests] == [one]
    room.facts((ORDER_ACKED, two, "w"))
    assert len(strategy.wakes) > 1


def test_arming_goes_one_step_at_a_time_and_only_when_all_is_well():
    room, strategy = a_room()
    assert say(room, command="arm") == codes.OP_REFUSED  # ACTIVE already
    say(room, command="kill")
    gate(room, codes.CONN_LOST, True)
    while_gated = say(room, command="arm")
    gate(room, codes.CONN_LOST, False)
    first = say(room, command="arm"), room.desk.modes.mode(ACCOUNT, 0)
    records = room.records()
    strategy.next = []
    second = say(room, command="arm"), room.desk.modes.mode(ACCOUNT, 0)

    assert while_gated == codes.OP_REFUSED
    assert first == (codes.OK, REDUCE_ONLY)
    assert records == [("MODE", {"scope": 0, "number": 0, "old": KILL, "new": REDUCE_ONLY, "code": 0})]
    assert second == (codes.OK, ACTIVE)


def test_arming_waits_for_every_unknown_order():
    room, strategy = a_room()
    strategy.next = [Place(YES, BUY, 50, 1000)]
    room.decide(0)
    number = room.trading.requests[0].number
    room.facts((ORDER_UNKNOWN, number, 0, 1))
    say(room, command="reduce_only")

    assert say(room, command="arm") == codes.OP_REFUSED
    assert say(room, command="release", request=number) == codes.OK
    assert say(room, command="arm") == codes.OK


def test_an_operator_cancels_one_order_or_a_scope():
    room, strategy = a_room()
    strategy.next = [Place(YES, BUY, 50, 1000), Place("binance-usdm:BTC", BUY, 50, 10)]
    room.decide(0, 1)
    one, two = [request.number for request in room.trading.requests]
    room.facts((ORDER_ACKED, one, "v"), (ORDER_ACKED, two, "w"))
    found = []
    for scope in (
        "venue:polymarket",
        "market:binance-usdm:BTC",
        "instrument:polymarket:YES-M",
        "strategy:s1",
        "account",
    ):
        room.now += 2 * S
        say(room, command="cancel_all", scope=scope)
        found.append([request.target for request in room.trading.requests])
    room.now += 2 * S
    single = say(room, command="cancel", request=one), [request.target for request in room.trading.requests]

    assert found == [[one], [two], [one], [one, two], [one, two]]
    assert single == (codes.OK, [one])
    assert say(room, command="cancel", request=one) == codes.OP_REFUSED  # on its way


def test_an_operator_flattens():
    room, strategy = a_room()
    strategy.next = [Place(YES, BUY, 50, 1000)]
    room.decide(0)
    request = room.trading.requests[0]
    room.facts((ORDER_FILLED, request.number, "v", request.price, request.size, 0, 0, "t"))
    say(room, command="kill")
    assert say(room, command="flatten", instrument=YES) == codes.OK

    # An operator's reduction passes even KILL.
    assert [request.side for request in room.trading.requests] == [1]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"command":"dance"}',
        b'{"command":"kill","scope":"venue:"}',
        b'{"command":"cancel"}',
        b'{"command":"cancel","request":"1"}',
        b'{"command":"cancel","request":0}',
        b'{"command":"cancel","request":99999999999999999999999}',
        b'{"command":"release","request":12}',
        b'{"command":"flatten"}',
        b'{"command":"flatten","instrument":[1]}',
        b'{"command":"restart_strategy","strategy":"nobody"}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_a_command_that_does_not_fit_is_refused_and_changes_nothing(payload):
    room, _ = a_room()
    before = room.trading.parts()

    assert room.command(payload) == codes.OP_REFUSED
    assert room.trading.parts() == before


def test_one_gate_latching_leaves_the_others():
    room, _ = a_room()
    gate(room, codes.SEQ_GAP, True)
    gate(room, codes.CONN_LOST, True, number=1)
    room.input()
    room.now = room.trading.next_due()
    room.trading.on_timer(room.seq, room.now, room.trading.next_timer(), room.now)

    assert room.desk.modes.lowered() == [(MARKET, 0, REDUCE_ONLY)]
    gate(room, codes.SEQ_GAP, False)
    assert room.desk.modes.blocking(0, 0, 0, 1, False) == codes.OK
    gate(room, codes.CONN_LOST, False, number=1)
    assert say(room, command="arm", scope="market:polymarket:M") == codes.OK
    assert room.desk.modes.lowered() == []
    assert room.trading.next_due() == NONE


def test_two_policy_gates_are_named_by_the_wider():
    modes = Modes()
    modes.close(modes.gate(codes.STALE_DATA, MARKET, 0), 1)
    modes.close(modes.gate(codes.CONN_LOST, VENUE, 0), 1)

    assert modes.blocking(0, 0, 0, 1, False) == codes.CONN_LOST


def test_what_happens_to_an_operators_order_concerns_no_strategy():
    room, strategy = a_room()
    strategy.next = [Place(YES, BUY, 50, 1000)]
    room.decide(0)
    request = room.trading.requests[0]
    room.facts((ORDER_FILLED, request.number, "v", request.price, request.size, 0, 0, "t"))
    say(room, command="flatten", instrument=YES)
    calls = len(strategy.wakes)
    room.facts((ORDER_ACKED, room.trading.requests[0].number, "w"))

    assert len(strategy.wakes) == calls
