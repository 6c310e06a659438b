"""What the venue says of our orders, in any order and number of times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trading_room import Room, Says, a_policy, binary, contract

from engine.kernel import codes
from engine.kernel.events import (
    CANCEL_REFUSED,
    FILL_MAKER,
    FILL_PROVISIONAL,
    ORDER_ACKED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REFUSED,
    ORDER_REJECTED,
    ORDER_UNKNOWN,
    TRADE_CONFIRMED,
    TRADE_FAILED,
    TRADE_MATCHED,
    TRADE_MINED,
    TRADE_RETRYING,
    TRADE_STATUS,
)
from engine.kernel.executions import MOST_HELD
from engine.kernel.modes import ACCOUNT, INSTRUMENT, MARKET, REDUCE_ONLY
from engine.kernel.order import CANCELLED, FILLED, PARTIAL, PENDING, RELEASED, STATE_NAMES
from engine.kernel.orders import RETAIN_NS
from engine.kernel.record import NONE
from engine.kernel.strategy import BUY, SELL, Cancel, Place

KEY = "polymarket:YES-M"
LOT = 10_000
SIZE = 1000 * LOT


def a_room(*intents, **options):
    """A room whose strategy has just sent *intents* (one bid for 1000 lots at 50 without any), and their orders."""
    strategy = Says()
    room = Room(binary(**options), strategies=(strategy,))
    room.touch(50, 52)
    strategy.next = list(intents) or [Place(KEY, BUY, 50, 1000)]
    room.decide(0)
    return room, strategy, [room.desk.orders.by_number[request.number] for request in room.trading.requests]


def fill(number, size, trade="t", price=5_000, flags=FILL_PROVISIONAL | FILL_MAKER, venue_id="v", fee=NONE):
    return (ORDER_FILLED, number, venue_id, price, size, fee, flags, trade)


def gates(room):
    return [(codes.name(gate.code), gate.scope) for gate in room.desk.modes.all_closed()]


def check(room):
    """Every invariant that holds after every fact."""
    desk = room.desk
    for working, holding in zip(desk.orders.working, desk.portfolio.holdings, strict=True):
        number = holding.instrument.number
        mine = [order for order in desk.orders.by_number.values() if order.instrument.number == number]
        for side, size, money in (
            (BUY, working.buy_size, working.buy_money),
            (SELL, working.sell_size, working.sell_money),
        ):
            assert sum(order.reserved for order in mine if order.side == side) == size
            assert sum(order.reserved * order.price for order in mine if order.side == side) == money
        assert [order for order in mine if order.open()] == sorted(working.orders, key=lambda order: order.number)
        counted = 0
        for order in mine:
            fills = [] if order.fills is None else order.fills.values()
            alive = sum(fill.size for fill in fills if fill.status != TRADE_FAILED)
            assert alive == order.filled
            assert 0 <= order.filled <= order.size
            assert 0 <= order.reserved <= order.rest()
            assert not order.open() or order.reserved == order.rest()
            counted += alive if order.side == BUY else -alive
        assert counted == holding.size
        assert holding.purse.cash() == sum(
            other.realised - other.cost - other.fees
            for other in desk.portfolio.holdings
            if other.purse is holding.purse
        )
    kept = [(one.first, one.second, one.worst) for one in desk.risk.markets], list(desk.risk.accounts)
    desk.risk.rebuild()
    assert kept == ([(one.first, one.second, one.worst) for one in desk.risk.markets], list(desk.risk.accounts))


FACTS = st.one_of(
    st.just(("ack",)),
    st.tuples(
        st.just("fill"),
        st.sampled_from("abcd"),
        st.integers(1, 600),
        st.sampled_from([0, FILL_PROVISIONAL, FILL_PROVISIONAL | FILL_MAKER]),
    ),
    st.tuples(st.just("status"), st.sampled_from("abcd"), st.integers(TRADE_MATCHED, TRADE_FAILED)),
    st.tuples(st.just("cancelled"), st.sampled_from([NONE, 0, 300 * LOT, SIZE, 2 * SIZE])),
    st.tuples(st.just("outcome"), st.integers(2, 7)),
    st.tuples(st.just("rejected")),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("cancel refused")),
    st.tuples(st.just("release")),
)


@given(st.lists(FACTS, max_size=25), st.sampled_from([BUY, SELL]))
def test_any_order_of_facts_counts_each_trade_once_and_keeps_every_sum(facts, side):
    room, strategy, (order,) = a_room(Place(KEY, side, 52 if side == SELL else 50, 1000), fee_ppm=70_000)
    number = order.number
    for what, *rest in facts:
        if what == "ack":
            room.facts((ORDER_ACKED, number, "v"))
        elif what == "fill":
            room.facts(fill(number, rest[1] * LOT, rest[0], 4_900, rest[2]))
        elif what == "status":
            room.facts((TRADE_STATUS, number, "v", rest[0], rest[1]))
        elif what == "cancelled":
            room.facts((ORDER_CANCELLED, number, "v", rest[0]))
        elif what == "outcome":
            room.facts((ORDER_REFUSED, number, rest[0], codes.QUEUE_FULL, 1))
        elif what == "rejected":
            room.facts((ORDER_REJECTED, number, "v", codes.BAD_NUMBER))
        elif what == "cancel":
            strategy.next = [Cancel(number)]
            room.decide(0, wait_ns=2_000_000_000)
        elif what == "cancel refused":
            room.facts((CANCEL_REFUSED, number, "v", 0))
        else:
            room.command(b'{"command":"release","request":%d}' % number)
        check(room)
    parts = room.trading.parts()
    again = Room(binary(fee_ppm=70_000), strategies=(Says(),))
    again.trading.restore(parts)

    assert parts == again.trading.parts()
    check(again)


def test_an_order_goes_from_pending_over_live_and_partial_to_filled():
    room, strategy, (order,) = a_room()
    states = [order.state]
    for row in (
        (ORDER_ACKED, order.number, "v"),
        fill(order.number, 400 * LOT, "a"),
        fill(order.number, 600 * LOT, "b"),
    ):
        room.facts(row)
        states.append(order.state)

    assert [STATE_NAMES[state] for state in states] == ["PENDING", "LIVE", "PARTIAL", "FILLED"]
    assert [(change.what, change.price_ticks, change.lots) for wake in strategy.wakes for change in wake.changes] == [
        (ORDER_ACKED, 0, 0),
        (ORDER_FILLED, 50, 400),
        (ORDER_FILLED, 50, 600),
    ]


def test_a_fill_before_its_ack_is_held_until_the_venues_id_is_known():
    room, _, (order,) = a_room()
    room.facts(fill(0, 400 * LOT, "a", venue_id="v"), (TRADE_STATUS, 0, "v", "a", TRADE_CONFIRMED), decide=False)
    held = order.filled
    parts = room.trading.parts()
    room.facts((ORDER_ACKED, order.number, "v"))

    assert held == 0
    assert order.filled == 400 * LOT
    assert room.desk.portfolio.holdings[0].settled == 400 * LOT
    again = Room(binary(), strategies=(Says(),))
    again.trading.restore(parts)
    again.facts((ORDER_ACKED, order.number, "v"))
    assert again.trading.parts() == room.trading.parts()


def test_an_acknowledgement_and_an_end_wait_for_the_orders_name_as_well():
    room, _, (order,) = a_room()
    room.facts((ORDER_ACKED, 0, "v"), (ORDER_CANCELLED, 0, "v", 0, 0, codes.OK), decide=False)
    held = order.state
    room.facts((ORDER_ACKED, order.number, "v"))

    assert (held, order.state) == (PENDING, CANCELLED)


def test_too_many_facts_of_unknown_orders_mean_somebody_else_trades_here():
    room, _, _ = a_room()
    for n in range(MOST_HELD + 1):
        room.facts(fill(0, LOT, "a", venue_id=f"other-{n}"))

    assert gates(room) == [("RECON_MISMATCH", ACCOUNT)]


def test_a_fact_without_any_name_is_passed_over():
    room, _, _ = a_room()
    room.facts((ORDER_FILLED, 0, -1, 5_000, LOT, NONE, 0, -1), (ORDER_REFUSED, 999, 3, 0), (TRADE_STATUS, 0, -1, -1, 3))

    assert gates(room) == []


def test_a_repeated_fill_is_noted_and_changes_nothing():
    room, _, (order,) = a_room()
    room.facts(fill(order.number, 400 * LOT, "a"))
    records = room.facts(fill(order.number, 400 * LOT, "a"))

    assert order.filled == 400 * LOT
    assert records == [("DEDUP", {"request": order.number, "trade": "a"})]


def test_a_source_without_trade_ids_says_each_fill_once():
    room, _, (order,) = a_room()
    for _ in range(2):
        room.facts((ORDER_FILLED, order.number, -1, 5_000, 100 * LOT, NONE, FILL_MAKER, -1))

    assert order.filled == 200 * LOT
    assert order.fills is None


def test_more_filled_than_asked_for_is_not_invented():
    room, _, (order,) = a_room()
    records = room.facts(fill(order.number, SIZE + LOT, "a"))

    assert order.filled == 0
    assert records[0][0] == "ALERT"
    assert gates(room) == [("RECON_MISMATCH", INSTRUMENT)]


def test_a_late_fill_after_the_cancel_is_applied():
    room, _, (order,) = a_room()
    room.facts((ORDER_ACKED, order.number, "v"), (ORDER_CANCELLED, order.number, "v", 300 * LOT))
    reserved = order.reserved
    records = room.facts(fill(order.number, 300 * LOT, "a"))
    room.facts(fill(order.number, 700 * LOT, "b"))

    assert reserved == 300 * LOT  # the venue has filled it, and not told us yet
    assert ("ALERT", {"code": codes.LATE_FILL, "text": f"request {order.number}"}) in records
    assert room.desk.portfolio.holdings[0].size == SIZE
    assert order.state == FILLED
    assert order.reserved == 0


def test_a_residue_below_the_least_size_is_dust():
    room, _, (order,) = a_room()
    room.facts(fill(order.number, 999 * LOT, "a"))
    records = room.facts((ORDER_CANCELLED, order.number, "v", 999 * LOT))

    assert ("DUST", {"request": order.number, "size": LOT}) in records


def test_unknown_keeps_its_reservation_until_it_is_proven():
    room, _, (order,) = a_room()
    records = room.facts((ORDER_UNKNOWN, order.number, codes.VENUE_ERROR, 1))
    reserved = order.reserved
    room.facts((ORDER_REFUSED, order.number, 6, 0, 2))

    assert ("UNKNOWN", {"request": order.number, "code": codes.VENUE_ERROR}) in records
    assert reserved == SIZE
    assert room.desk.orders.unknown_count == 0
    assert STATE_NAMES[order.state] == "ABSENT"
    assert order.reserved == 0


def test_an_order_proven_absent_that_is_there_after_all_counts_again():
    room, _, (order,) = a_room()
    room.facts((ORDER_REFUSED, order.number, 6, 0, 2))
    room.facts((ORDER_ACKED, order.number, "v"))

    assert order.reserved == SIZE
    assert gates(room) == [("RECON_MISMATCH", INSTRUMENT)]


def test_a_fill_of_an_order_held_rejected_brings_it_back():
    room, _, (order,) = a_room()
    room.facts((ORDER_REJECTED, order.number, "v", 0))
    room.facts(fill(order.number, 100 * LOT))

    assert order.state == PARTIAL
    assert order.reserved == 900 * LOT


def test_never_arrived_is_not_believed_of_an_order_the_venue_has_shown():
    room, _, (order,) = a_room()
    room.facts((ORDER_ACKED, order.number, "v"))
    room.facts((ORDER_REFUSED, order.number, 6, 0, 2))

    assert order.reserved == SIZE
    assert gates(room) == [("RECON_MISMATCH", INSTRUMENT)]


def test_a_cancel_before_the_ack_is_queued_and_sent_with_it():
    room, strategy, (order,) = a_room()
    strategy.next = [Cancel(order.number)]
    room.decide(0)
    queued = list(room.trading.requests)
    strategy.next = [Cancel(order.number)]
    room.decide(0)
    again = room.verdicts()
    room.facts((ORDER_ACKED, order.number, "v"))

    assert queued == []
    assert [verdict["code"] for verdict in again] == [codes.DUP_BLOCKED]
    (request,) = room.trading.requests
    assert (request.target, request.target_venue_id) == (order.number, "v")


def test_a_queued_cancel_of_an_order_that_is_filled_by_then_is_dropped():
    room, strategy, (order,) = a_room()
    strategy.next = [Cancel(order.number)]
    room.decide(0)
    room.facts((ORDER_ACKED, order.number, "v"), fill(order.number, SIZE))

    assert room.trading.requests == []


def test_a_cancel_refused_three_times_lowers_the_mode():
    room, strategy, (order,) = a_room()
    room.facts((ORDER_ACKED, order.number, "v"))
    for _ in range(3):
        strategy.next = [Cancel(order.number)]
        room.decide(0, wait_ns=1)
        request = room.trading.requests[0]
        refused = request.number
        room.facts((CANCEL_REFUSED, refused, -1, 0))

    assert room.desk.modes.mode(ACCOUNT, 0) == REDUCE_ONLY
    assert order.open()


def test_the_outcome_of_a_cancel_is_not_the_orders():
    room, strategy, (order,) = a_room()
    room.facts((ORDER_ACKED, order.number, "v"))
    strategy.next = [Cancel(order.number)]
    room.decide(0)
    (request,) = room.trading.requests
    payload = request.number.to_bytes(8, "little") + bytes(8)

    def outcome(code):
        room.input()
        return room.trading.on_outcome(room.seq, room.now, payload + code.to_bytes(8, "little"), 0, 24)

    assert [outcome(1), outcome(7), order.cancel_refusals] == [codes.OK, codes.OK, 0]
    assert [outcome(2), order.cancel_refusals] == [codes.OK, 1]
    assert order.open()


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (1, "LIVE"),
        (2, "REJECTED"),
        (3, "REFUSED"),
        (4, "EXPIRED_UNSENT"),
        (5, "NEVER_SENT"),
        (6, "ABSENT"),
        (7, "UNKNOWN"),
    ],
)
def test_every_outcome_has_its_state(outcome, state):
    room, _, (order,) = a_room()
    room.input()
    payload = b"xx" + order.number.to_bytes(8, "little") + bytes(8) + (outcome | 19 << 16).to_bytes(8, "little") + b"{}"

    assert room.trading.on_outcome(room.seq, room.now, payload, 2, len(payload)) == codes.OK
    assert STATE_NAMES[order.state] == state
    assert order.code == (0 if outcome == 1 else 19)


def test_an_outcome_that_cannot_be_read_or_names_nothing_changes_nothing():
    room, _, (order,) = a_room()
    room.input()
    number = order.number.to_bytes(8, "little") + bytes(8)

    def outcome(data):
        return room.trading.on_outcome(room.seq, room.now, data, 0, len(data))

    assert outcome(bytes(23)) == codes.BAD_FRAME
    assert outcome(bytes(24)) == codes.OK  # the executor acted by itself
    assert outcome((999).to_bytes(8, "little") + bytes(16)) == codes.NO_SUCH_ORDER
    assert outcome(number + (9).to_bytes(8, "little")) == codes.BAD_FRAME
    assert order.state == PENDING


def test_a_failed_trade_is_taken_back_and_closes_its_instrument():
    room, _, (order,) = a_room()
    room.facts(fill(order.number, 400 * LOT, "a", fee=25))
    room.facts((TRADE_STATUS, order.number, "v", "a", TRADE_MINED))
    room.facts((TRADE_STATUS, order.number, "v", "a", TRADE_RETRYING))
    waiting = gates(room)
    records = room.facts((TRADE_STATUS, order.number, "v", "a", TRADE_FAILED))

    assert waiting == [("SETTLE_PENDING", INSTRUMENT)]
    reversal = {"request": order.number, "trade": "a", "price": 5_000, "size": 400 * LOT, "fee": 250_000}
    assert ("REVERSAL", reversal) in records
    assert gates(room) == [("FILL_REVERSED", INSTRUMENT)]
    assert room.desk.portfolio.purses[0].cash() == 0
    assert order.reserved == SIZE


def test_a_trade_that_was_settled_cannot_fail_any_more():
    room, _, (order,) = a_room()
    room.facts(fill(order.number, 400 * LOT, "a"), (TRADE_STATUS, order.number, "v", "a", TRADE_CONFIRMED))
    records = room.facts((TRADE_STATUS, order.number, "v", "a", TRADE_FAILED))

    assert records[0][1]["code"] == codes.RECON_MISMATCH
    assert room.desk.portfolio.holdings[0].settled == 400 * LOT


def test_a_reversal_after_the_market_resolved_takes_its_payout_back():
    room, _, (order,) = a_room()
    room.facts(fill(order.number, 400 * LOT, "a"))
    room.markets[0].winner = 0
    room.trading.resolved(room.markets[0])
    paid = room.desk.portfolio.purses[0].cash()
    room.facts((TRADE_STATUS, order.number, "v", "a", TRADE_FAILED))

    assert paid == 400 * LOT * 5_000
    assert room.desk.portfolio.purses[0].cash() == 0
    assert room.desk.portfolio.holdings[0].size == 0


def test_a_fill_after_the_market_resolved_is_paid_out_at_once():
    room, _, (order,) = a_room()
    room.markets[0].winner = 1
    room.facts(fill(order.number, 400 * LOT, "a"))

    assert room.desk.portfolio.holdings[0].size == 0
    assert room.desk.portfolio.purses[0].cash() == -400 * LOT * 5_000


def test_an_unknown_order_is_released_by_an_operator_only():
    room, _, (order,) = a_room()
    release = b'{"command":"release","request":%d}' % order.number

    assert room.command(release) == codes.OP_REFUSED
    room.facts((ORDER_UNKNOWN, order.number, 0, 1))
    assert room.command(release) == codes.OK
    assert order.state == RELEASED
    assert ("ABSENT", {"request": order.number, "code": codes.OP_RELEASE}) in room.records()


def test_finished_orders_are_forgotten_after_an_hour_unless_a_fill_is_unsettled():
    strategy = Says()
    room = Room(contract(), strategies=(strategy,))
    room.touch(500_000, 500_001)
    numbers = []
    for n in range(3):
        strategy.next = [Place("binance-usdm:BTC", BUY, 499_990, 10)]
        room.decide(0)
        number = room.trading.requests[0].number
        numbers.append(number)
        if n == 1:
            room.facts((ORDER_FILLED, number, "x", 499_990 * 10**7, 10**6, NONE, FILL_PROVISIONAL, "t"))
        else:
            room.facts((ORDER_ACKED, number, f"v{n}"), (ORDER_CANCELLED, number, f"v{n}", 0))
        room.now += RETAIN_NS

    assert sorted(room.desk.orders.by_number) == numbers[1:]
    assert list(room.desk.orders.by_venue_id) == ["v2"]


def test_a_venue_that_renames_an_order_is_followed():
    room, _, (order,) = a_room()
    room.facts((ORDER_ACKED, order.number, "v"), (ORDER_ACKED, order.number, "w"))

    assert room.desk.orders.find(0, "v") is None
    assert room.desk.orders.find(0, "w") is order


def test_a_held_fact_of_another_order_keeps_waiting():
    room, _, (order,) = a_room()
    room.facts(fill(0, LOT, "a", venue_id="other"))
    room.facts((ORDER_ACKED, order.number, "v"))

    assert order.filled == 0


def test_a_settled_trade_ignores_steps_back():
    room, _, (order,) = a_room()
    room.facts(fill(order.number, 400 * LOT, "a"), (TRADE_STATUS, order.number, "v", "a", TRADE_CONFIRMED))
    records = room.facts((TRADE_STATUS, order.number, "v", "a", TRADE_RETRYING))

    assert records == []
    assert gates(room) == []


def test_what_a_group_or_a_fill_still_waits_for_is_not_forgotten_and_the_line_stays_short():
    room, strategy, _ = a_room()
    orders = room.desk.orders
    kept = None
    for n in range(2500):
        strategy.next = [Place(KEY, BUY, 50, 500)]
        room.decide(0, wait_ns=1_000_000_000)
        number = room.trading.requests[0].number
        order = orders.by_number[number]
        strategy.next = [Cancel(number)]
        room.facts((ORDER_ACKED, number, f"v{n}"))
        room.decide(0)
        room.facts((ORDER_CANCELLED, number, f"v{n}", 300 * LOT if n == 0 else 0))
        kept = kept or order
        room.now += RETAIN_NS // 10

    assert kept.reserved == 300 * LOT  # announced by the venue, never told
    assert orders.by_number[kept.number] is kept
    assert len(orders.by_number) < 20
    assert len(orders.by_cancel) < 20
    assert len(orders._closed) < 2100
    room.facts((ORDER_FILLED, kept.number, "v0", 5_000, 300 * LOT, NONE, 0, "late"))
    assert kept.reserved == 0
    again = Room(binary(), strategies=(Says(),))
    again.trading.restore(room.trading.parts())
    assert again.trading.parts() == room.trading.parts()


def test_an_order_found_again_leaves_the_line_of_the_forgotten():
    room, strategy, (order,) = a_room()
    room.facts((ORDER_CANCELLED, order.number, "v", 300 * LOT))
    for _ in range(3):
        room.now += RETAIN_NS
        strategy.next = [Place(KEY, BUY, 50, 500)]
        room.decide(0)
        room.facts((ORDER_REFUSED, room.trading.requests[0].number, 6, 0, 1))
    absent = list(room.desk.orders.by_number.values())[-1]
    room.facts((ORDER_ACKED, absent.number, "found"))

    assert absent in room.desk.orders.working[0].orders
    check(room)
    again = Room(binary(), strategies=(Says(),))
    again.trading.restore(room.trading.parts())
    assert again.trading.parts() == room.trading.parts()


@pytest.mark.parametrize("row", [(ORDER_REFUSED, 3, 0, 1), (ORDER_REJECTED, -1, 0)])
def test_a_refused_cancel_is_not_a_refused_order(row):
    room, strategy, (order,) = a_room()
    room.facts((ORDER_ACKED, order.number, "v"))
    strategy.next = [Cancel(order.number)]
    room.decide(0)
    kind, *fields = row
    room.facts((kind, room.trading.requests[0].number, *fields))

    assert order.cancel_refusals == 1
    assert order.reserved == SIZE
    assert gates(room) == []


def test_a_late_fill_beyond_a_limit_lowers_the_mode_of_what_it_broke():
    strategy = Says()
    policy = a_policy(max_market_notional=5_000_000, max_account_notional=9_000_000)
    room = Room(binary(), binary("N"), policy=policy, strategies=(strategy,))
    late = []
    for market, key in enumerate((KEY, "polymarket:YES-N")):
        room.touch(50, 52, market=market)
        for _ in range(2):
            strategy.next = [Place(key, BUY, 50, 1000)]
            room.decide(market)
            number = room.trading.requests[0].number
            room.facts((ORDER_ACKED, number, f"v{number}"), (ORDER_CANCELLED, number, f"v{number}", 0))
            late.append(number)
    lowered = []
    for number in late:
        room.facts(fill(number, SIZE, "late", venue_id=f"v{number}"))
        lowered.append(room.desk.modes.lowered())

    # 5 of 5 in the first market, then 10; the second market's 5 bring the account to 15 of 9.
    assert lowered == [[], [(ACCOUNT, 0, 1), (MARKET, 0, 1)], [(ACCOUNT, 0, 1), (MARKET, 0, 1)], lowered[3]]
    assert lowered[3] == [(ACCOUNT, 0, 1), (MARKET, 0, 1), (MARKET, 1, 1)]


def test_a_fill_where_the_policy_allows_nothing_breaks_no_limit():
    room, _, (order,) = a_room()
    room.desk.terms[0].code = codes.NOT_PERMITTED
    room.facts(fill(order.number, SIZE))

    assert room.desk.modes.lowered() == []
