"""What a level of the heuristics does: its record, its gate, its buffer, its word to strategies; and that it passes."""

import json
from typing import Any

import pytest
from trading_room import MS, Room, S, Says, binary, some_heuristics

from engine.kernel import codes
from engine.kernel.events import FILL_MAKER, ORDER_ACKED, ORDER_CANCELLED, ORDER_FILLED
from engine.kernel.heuristics import CALM, COMPRESSION, CROWDING, HIGH, RAISED, TOXICITY, Gauge
from engine.kernel.modes import ACCOUNT, MARKET, REDUCE_ONLY
from engine.kernel.regimes import code_of
from engine.kernel.strategy import BUY, SELL, Place
from engine.kernel.strategy import FAK as FILL_AND_KILL

YES = "polymarket:YES-M"
NEVER = 3
GATED = Gauge(500, 750, 100, 1, 3, HIGH, HIGH)


def a_room(**changes: Any) -> tuple[Room, Says]:
    """A market at 50 to 52, watched, with a strategy."""
    strategy = Says()
    room = Room(strategies=(strategy,))
    room.trading.watch_others(
        some_heuristics(**{"crowding": GATED, "compression": GATED, "toxicity": GATED, **changes})
    )
    room.add(binary())
    room.touch(50, 52)
    look(room)
    return room, strategy


def look(room: Room, wait_ns: int = 100 * MS) -> list[tuple[str, dict[str, Any]]]:
    """One input that moved the market, looked at; the records it led to."""
    room.input(wait_ns)
    assert room.trading.regimes is not None
    room.trading.regimes.look(room.markets, room.now)
    return room.records()


def places(room: Room, strategy: Says, *intents: Place) -> list[dict[str, Any]]:
    """The verdicts on *intents*."""
    strategy.next = list(intents)
    room.decide(0)
    return room.verdicts()


def takes(room: Room, strategy: Says, count: int, filled: int = 0) -> None:
    """*count* takers that each filled *filled* of a thousand lots, and a look at what that means."""
    for at in range(count):
        [verdict] = places(room, strategy, Place(YES, BUY, 52, 1000, tif=FILL_AND_KILL))
        assert verdict["code"] == codes.OK
        number = max(room.desk.orders.by_number)
        rows: list[tuple[Any, ...]] = [(ORDER_ACKED, number, f"o{number}", 0)]
        if filled:
            rows.append((ORDER_FILLED, number, f"o{number}", 5200, filled * 10_000, -(2**63), 0, f"t{number}"))
        if filled < 1000:
            rows.append((ORDER_CANCELLED, number, f"o{number}", filled * 10_000, 0, 0))
        room.facts(*rows, decide=at < count - 1)


def level(room: Room, heuristic: int = int(CROWDING)) -> int:
    assert room.desk.watch is not None
    return int(room.desk.watch.markets[0].level(heuristic))


def crowded(room: Room, strategy: Says) -> list[tuple[str, dict[str, Any]]]:
    """Takers come too late until the market is crowded; the records of that."""
    takes(room, strategy, 3)
    assert level(room) == CALM
    return look(room, 0)


# -- what it does ------------------------------------------------------------------------------------------------------


def test_takers_that_find_nothing_raise_crowding_with_a_record_of_what_was_measured() -> None:
    room, strategy = a_room()
    found = crowded(room, strategy)

    assert [kind for kind, _ in found] == ["REGIME", "GATE"]
    assert found[0][1] == {
        "market": 0,
        "heuristic": CROWDING,
        "old": CALM,
        "new": HIGH,
        "score": 1000,
        "edge": 0,
        "depth": 0,
        "partial": 1000,
        "tight": 0,
        "unfilled": 0,
        "adverse": 0,
        "imbalance": 0,
    }
    assert found[1][1] == {"code": codes.CROWDED, "scope": MARKET, "number": 0, "closed": 1, "safety": 0}


def test_takers_that_are_filled_raise_nothing() -> None:
    room, strategy = a_room()
    takes(room, strategy, 5, filled=1000)

    assert look(room) == []
    assert level(room) == CALM


def test_half_filled_takers_raise_it_one_level() -> None:
    room, strategy = a_room()
    takes(room, strategy, 4, filled=400)
    look(room, 0)

    assert level(room) == RAISED


def test_a_level_widens_buffers_and_pulls_quotes_where_strategies_see_it() -> None:
    room, strategy = a_room()
    places(room, strategy)
    market = strategy.view.market(YES)
    calm = (market.crowding, market.compression, market.toxicity, market.edge_buffer_ticks, market.pull_quotes)
    crowded(room, strategy)

    assert calm == (0, 0, 0, 0, False)
    assert (market.crowding, market.edge_buffer_ticks, market.pull_quotes) == (HIGH, 3, True)
    assert strategy.view.market("polymarket:NO-M").crowding == HIGH
    assert (market.compression, market.toxicity) == (CALM, CALM)


def test_a_gate_refuses_new_risk_lets_reductions_pass_and_opens_when_the_level_falls() -> None:
    room, strategy = a_room()
    takes(room, strategy, 1, filled=1000)
    crowded(room, strategy)
    bid = Place(YES, BUY, 50, 1000)
    refused, reduced = places(room, strategy, bid, Place(YES, SELL, 51, 500))

    assert (refused["code"], refused["detail"]) == (codes.GATE_CLOSED, codes.CROWDED)
    assert reduced["code"] == codes.OK

    found = [records for _ in range(40) if (records := look(room, S))]
    changes = [[(kind, one.get("new"), one.get("closed")) for kind, one in records] for records in found]
    assert changes == [[("REGIME", RAISED, None), ("GATE", None, 0)], [("REGIME", CALM, None)]]
    assert places(room, strategy, bid)[0]["code"] == codes.OK


def test_a_level_stands_for_the_dwell_however_calm_the_market_is() -> None:
    room, strategy = a_room(recent_ns=100 * MS)
    crowded(room, strategy)
    for _ in range(49):
        look(room)
    assert level(room) == HIGH

    look(room)
    assert level(room) == RAISED


def test_what_pulls_and_what_gates_is_each_for_itself() -> None:
    room, strategy = a_room(crowding=Gauge(500, 750, 100, 0, 0, RAISED, NEVER))
    found = crowded(room, strategy)
    market = strategy.view.market(YES)

    assert [kind for kind, _ in found] == ["REGIME"]
    assert (market.pull_quotes, market.edge_buffer_ticks) == (True, 0)
    assert places(room, strategy, Place(YES, BUY, 50, 1000))[0]["code"] == codes.OK


def quotes(room: Room, strategy: Says, count: int, adverse: bool) -> None:
    """*count* bids that are filled, before the market falls or not; all looked at."""
    for _ in range(count):
        room.touch(50, 51)
        [verdict] = places(room, strategy, Place(YES, BUY, 50, 500, post_only=True))
        assert verdict["code"] == codes.OK
        number = max(room.desk.orders.by_number)
        fill = (ORDER_FILLED, number, f"o{number}", 5000, 5_000_000, -(2**63), FILL_MAKER, f"t{number}")
        room.facts((ORDER_ACKED, number, f"o{number}", 0), fill)
        if adverse:
            room.touch(47, 48)
        look(room, 1100 * MS)


def test_fills_just_before_the_market_falls_are_toxic_and_gate() -> None:
    room, strategy = a_room()
    quotes(room, strategy, 2, adverse=True)

    assert level(room, int(TOXICITY)) == HIGH
    refused = places(room, strategy, Place(YES, BUY, 45, 1000))[0]
    assert (refused["code"], refused["detail"]) == (codes.GATE_CLOSED, codes.TOXIC_FLOW)


def test_fills_that_the_market_leaves_alone_are_not_toxic() -> None:
    room, strategy = a_room(sample_ns=50 * MS)
    quotes(room, strategy, 6, adverse=False)
    look(room)

    assert level(room, int(TOXICITY)) == CALM


def test_a_side_that_has_suddenly_gone_is_toxic() -> None:
    room, _ = a_room()
    for _ in range(100):
        look(room)
    room.markets[0].book.set_level(0, 50, 1)
    changes = [(at, record["new"]) for at in range(100) for kind, record in look(room) if kind == "REGIME"]

    assert level(room, int(TOXICITY)) == RAISED
    assert [new for _, new in changes] == [RAISED]
    assert 20 <= changes[0][0] <= 30  # half of it in a half-life, and the long average follows


@pytest.mark.parametrize(("spread", "expected"), [(1, HIGH), (2, CALM)])
def test_quotes_without_fills_are_compression_only_where_the_spread_is_a_tick(spread: int, expected: int) -> None:
    room, strategy = a_room()
    room.touch(50, 50 + spread)
    for _ in range(200):
        look(room)
    for _ in range(4):
        [verdict] = places(room, strategy, Place(YES, BUY, 50, 1000, post_only=True))
        number = max(room.desk.orders.by_number)
        room.facts((ORDER_ACKED, number, f"o{number}", 0), (ORDER_CANCELLED, number, f"o{number}", 0, 0, 0))
    look(room, 0)

    assert verdict["code"] == codes.OK
    assert level(room, int(COMPRESSION)) == expected


def test_each_heuristic_has_a_code_of_its_own() -> None:
    found = [code_of(one) for one in (CROWDING, COMPRESSION, TOXICITY)]

    assert found == [codes.CROWDED, codes.SPREAD_COMPRESSED, codes.TOXIC_FLOW]


# -- weather, not health -----------------------------------------------------------------------------------------------


def test_these_gates_never_latch_however_long_or_often_they_close() -> None:
    room, strategy = a_room(recent_ns=100 * MS)
    for _ in range(8):
        takes(room, strategy, 2)
        assert [kind for kind, _ in look(room, 0)] == ["REGIME", "GATE"]
        while level(room) != CALM:
            assert [one for one in look(room, 65 * S) if one[0] == "MODE"] == []

    assert room.desk.modes.mode(MARKET, 0) == 0


def test_an_operator_may_arm_while_one_is_closed_but_not_while_another_is() -> None:
    room, strategy = a_room()
    crowded(room, strategy)
    arm = json.dumps({"command": "arm", "scope": "account"}).encode()
    room.command(json.dumps({"command": "reduce_only", "scope": "account"}).encode())
    assert room.desk.modes.mode(ACCOUNT, 0) == REDUCE_ONLY
    room.trading.gate(codes.SEQ_GAP, MARKET, 0, True, room.now)
    assert room.command(arm) == codes.OP_REFUSED

    room.trading.gate(codes.SEQ_GAP, MARKET, 0, False, room.now)
    assert room.command(arm) == codes.OK


def test_a_market_of_which_nothing_is_heard_calms_down_by_a_timer() -> None:
    room, strategy = a_room()
    crowded(room, strategy)
    changes = []
    while (due := room.trading.next_due()) > 0:
        room.input()
        room.now = int(due)
        number = room.trading.next_timer()
        assert room.trading.on_timer(room.seq, room.now, number, due) == codes.OK
        room.trading.regimes.look([], room.now)  # type: ignore[union-attr]
        changes.append([(kind, one.get("new")) for kind, one in room.records()])

    assert level(room) == CALM
    assert [one for one in changes if one] == [[("REGIME", RAISED), ("GATE", None)], [("REGIME", CALM)]]


def test_a_market_that_falls_silent_just_before_its_timer_calms_down_all_the_same() -> None:
    room, strategy = a_room()
    room.input(30 * MS)
    crowded(room, strategy)
    due = int(room.trading.next_due())
    look(room, due - room.now - MS)
    assert room.now // (100 * MS) == due // (100 * MS)  # the step of time has been looked at
    assert level(room) == HIGH

    while (due := int(room.trading.next_due())) > 0:
        room.input()
        room.now = due
        assert room.trading.on_timer(room.seq, room.now, room.trading.next_timer(), due) == codes.OK
        room.trading.regimes.look([], room.now)  # type: ignore[union-attr]

    assert level(room) == CALM


def test_a_market_that_calmed_down_by_itself_has_no_timer_left() -> None:
    room, strategy = a_room()
    crowded(room, strategy)
    assert room.trading.next_due() > 0
    while level(room) != CALM:
        look(room, S)

    assert room.trading.next_due() < 0


def test_a_gate_that_latches_still_latches_beside_them() -> None:
    room, _ = a_room()
    room.trading.gate(codes.SEQ_GAP, MARKET, 0, True, room.now)
    due = room.trading.next_due()
    room.input()
    room.now = int(due)
    room.trading.on_timer(room.seq, room.now, room.trading.next_timer(), due)

    assert room.desk.modes.mode(MARKET, 0) == REDUCE_ONLY


# -- off ---------------------------------------------------------------------------------------------------------------


def test_off_there_is_no_state_of_them_and_strategies_see_calm() -> None:
    strategy = Says()
    room = Room(binary(), strategies=(strategy,))
    room.touch(50, 52)
    places(room, strategy)
    market = strategy.view.market(YES)

    assert room.trading.regimes is None
    assert "heuristics" not in dict(room.trading.parts())
    assert (market.crowding, market.compression, market.toxicity, market.edge_buffer_ticks) == (0, 0, 0, 0)
    assert market.pull_quotes is False


def test_they_can_only_be_turned_on_before_anything_is_listed() -> None:
    with pytest.raises(AssertionError):
        Room(binary()).trading.watch_others(some_heuristics())


def test_the_rolling_digest_moves_with_what_is_measured() -> None:
    rooms = [a_room()[0] for _ in range(2)]
    assert rooms[0].digest.value == rooms[1].digest.value
    rooms[1].touch(50, 51)
    for room in rooms * 2:
        look(room)

    assert rooms[0].digest.value != rooms[1].digest.value
