"""Splits and merges of complete sets: who may, what is reserved, and what the venue's answer moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trading_room import Room, Says, a_policy, binary, contract

from engine.kernel import codes, kinds
from engine.kernel.derived import MERGE, SPLIT, decode
from engine.kernel.events import (
    CREDIT_REBATE,
    CREDITED,
    FILL_PROVISIONAL,
    ORDER_FILLED,
    SETS_CONVERTED,
    SETS_REFUSED,
    STATUS_CLOSED,
    STATUS_HALTED,
)
from engine.kernel.executions import OUTCOME_ACKED, OUTCOME_REFUSED, OUTCOME_UNKNOWN
from engine.kernel.modes import MARKET, REDUCE_ONLY, STRATEGY
from engine.kernel.pack import Packer
from engine.kernel.policy import Rule
from engine.kernel.record import NONE
from engine.kernel.request import decode_request
from engine.kernel.sets import OwnSets
from engine.kernel.strategy import BUY, GTC, SELL, Merge, Place, Split

LOT = 10_000
YES, NO = "polymarket:YES-M", "polymarket:NO-M"
CASH = "polymarket:pUSD@10"


def a_room(*more, cash=None, **changes):
    room = Room(binary(), contract(), policy=a_policy(**changes), strategies=(Says(), *more))
    if cash is not None:
        purse = room.desk.portfolio.purse_by_key[CASH]
        purse.opening = purse.settled = cash
    room.touch(40, 42)
    return room


def ask(room, *intents, seat=0):
    """The strategy wants *intents*; the verdicts' codes."""
    room.desk.seats[seat].strategy.next = list(intents)
    room.decide(0)
    return [codes.name(verdict["code"]) for verdict in room.verdicts()]


def answer(room, kind=SETS_CONVERTED, number=None):
    number = room.trading._sets.pending[-1].number if number is None else number
    rest = (9,) if kind == SETS_CONVERTED else (codes.RATE_LIMIT, 9)
    return room.facts((kind, number, *rest))


def hold(room, lots, price=5_000):
    """Buy *lots* of both outcomes, settled, by fills of orders of ours."""
    for key in (YES, NO):
        assert ask(room, Place(key, BUY, 30, lots)) == ["OK"]
        order = room.trading.requests[-1].number
        room.facts((ORDER_FILLED, order, -1, price, lots * LOT, 0, 0, -1))


def sizes(room):
    return [(holding.size, holding.settled) for holding in room.desk.portfolio.holdings[:2]]


def identity(room):
    """Cash moved = realised - cost - fees + income, to the last unit."""
    holdings = room.desk.portfolio.holdings[:2]
    purse = holdings[0].purse
    made = sum(one.realised - one.cost - one.fees + one.income for one in holdings)
    return purse.cash() - purse.opening == made


def test_a_split_brings_both_outcomes_for_one_each_when_the_venue_has_answered():
    room = a_room(cash=10**14)
    assert ask(room, Split(NO, 300, why="stock up")) == ["OK"]
    (number, request), = [(room.seq + 1 + at, record) for at, record in enumerate(room.out.records)
                          if record.kind == kinds.REQUEST]  # fmt: skip
    sent = decode_request(number, request.schema, request.payload)

    assert [name for name, _ in room.records()] == ["INTENT", "VERDICT", "REQUEST"]
    assert (sent.what, sent.symbol, sent.size, sent.price, sent.target_venue_id) == (
        SPLIT,
        "NO-M",
        300 * LOT,
        10**4,
        "M",
    )
    assert sizes(room) == [(0, 0), (0, 0)]
    answer(room)
    assert sizes(room) == [(300 * LOT, 300 * LOT)] * 2
    assert room.desk.portfolio.purse_by_key[CASH].settled == 10**14 - 300 * LOT * 10**4
    assert identity(room)


def test_a_merge_gives_both_outcomes_back_and_realises_what_the_sets_cost_less():
    room = a_room()
    hold(room, 500, price=4_500)
    before = room.desk.portfolio.purse_by_key[CASH].settled
    assert ask(room, Merge(YES, 500)) == ["OK"]
    assert room.trading.requests[-1].what == MERGE
    answer(room)

    assert sizes(room) == [(0, 0), (0, 0)]
    assert room.desk.portfolio.purse_by_key[CASH].settled == before + 500 * LOT * 10**4
    assert sum(holding.realised for holding in room.desk.portfolio.holdings) == 500 * LOT * 1_000
    assert identity(room)


def test_the_strategy_hears_of_the_answer_as_a_change_to_its_sets():
    room = a_room()
    says = room.desk.seats[0].strategy
    ask(room, Split(NO, 7))
    number = room.trading.requests[-1].number
    answer(room)
    (change,) = says.wakes[-1].changes

    assert (change.what, change.lots, change.price_ticks) == (SETS_CONVERTED, 7, 0)
    assert isinstance(change.order, OwnSets)
    assert (change.order.number, change.order.instrument) == (number, NO)
    assert (change.order.merges, change.order.lots) == (False, 7)
    ask(room, Merge(NO, 7))
    answer(room, SETS_REFUSED)
    assert [(one.what, one.order.merges) for one in says.wakes[-1].changes] == [(SETS_REFUSED, True)]
    assert sizes(room) == [(7 * LOT, 7 * LOT)] * 2


def test_tokens_that_are_being_merged_are_not_offered_and_come_back_when_it_is_refused():
    room = a_room()
    hold(room, 1_500)
    assert ask(room, Merge(YES, 1_000)) == ["OK"]

    assert ask(room, Place(YES, SELL, 60, 600)) == ["OK"]
    assert (room.trading.requests[-1].symbol, room.trading.requests[-1].side) == ("NO-M", BUY)
    answer(room, SETS_REFUSED)
    assert ask(room, Place(YES, SELL, 61, 600)) == ["OK"]
    assert (room.trading.requests[-1].symbol, room.trading.requests[-1].side) == ("YES-M", SELL)


def test_a_merge_needs_confirmed_tokens_of_both_outcomes_that_no_offer_counts_on():
    room = a_room()
    hold(room, 1_500)
    assert ask(room, Place(NO, SELL, 70, 600)) == ["OK"]
    assert ask(room, Merge(YES, 901)) == ["NOT_COVERED"]
    verdict = room.verdicts()[0]
    assert (verdict["check"], verdict["margin"]) == (20, -LOT)
    assert ask(room, Merge(YES, 900)) == ["OK"]
    answer(room)

    for key in (YES, NO):
        assert ask(room, Place(key, BUY, 20, 1_000)) == ["OK"]
        room.facts((ORDER_FILLED, room.trading.requests[-1].number, -1, 2_000, 1_000 * LOT, 0, FILL_PROVISIONAL, key))
    assert ask(room, Merge(YES, 1)) == ["NOT_COVERED"]


def test_a_split_needs_the_cash_that_no_bid_and_no_other_split_counts_on():
    room = a_room(cash=1_000 * LOT * 10**4)
    room.add(binary("N"))
    assert ask(room, Place(YES, BUY, 30, 1_000)) == ["OK"]
    assert ask(room, Place(YES, SELL, 60, 500)) == ["OK"]  # a bid of 0.40 for the complement
    assert ask(room, Place("binance-usdm:BTC", BUY, 600, 5)) == ["OK"]  # of another purse
    assert ask(room, Split("polymarket:YES-N", 400)) == ["OK"]
    assert ask(room, Split(YES, 101)) == ["NOT_COVERED"]
    assert room.verdicts()[0]["margin"] == -LOT * 10**4
    assert ask(room, Split(YES, 100)) == ["OK"]


def test_a_merge_under_way_has_not_brought_its_cash_yet():
    room = a_room(cash=1_000 * LOT * 10**4)
    room.add(binary("N"))
    ask(room, Split(YES, 600))
    answer(room)
    assert ask(room, Merge(YES, 600)) == ["OK"]

    assert ask(room, Split("polymarket:YES-N", 401)) == ["NOT_COVERED"]
    answer(room)
    assert ask(room, Split("polymarket:YES-N", 1_000)) == ["OK"]


def test_cash_that_may_still_come_covers_nothing_and_cash_that_may_still_go_is_gone():
    room = a_room(cash=1_000 * LOT * 10**4)
    purse = room.desk.portfolio.purse_by_key[CASH]
    purse.provisional = 10**15
    assert ask(room, Split(YES, 1_001)) == ["NOT_COVERED"]
    purse.provisional = -LOT * 10**4
    assert ask(room, Split(YES, 1_000)) == ["NOT_COVERED"]
    assert ask(room, Split(YES, 999)) == ["OK"]


def test_a_purse_nobody_counted_is_bounded_by_the_policy_s_largest_order_alone():
    room = a_room(max_order_notional=3_000_000)

    assert ask(room, Split(YES, 301)) == ["SIZE_ABOVE_MAX"]
    assert (room.verdicts()[0]["check"], room.verdicts()[0]["margin"]) == (17, -LOT * 10**4)
    assert ask(room, Split(YES, 300)) == ["OK"]


def test_one_conversion_of_a_market_is_under_way_at_a_time():
    room = a_room()
    room.add(binary("N"))

    assert ask(room, Split(YES, 1), Split(NO, 1), Split("polymarket:NO-N", 1)) == ["OK", "QUEUE_FULL", "OK"]
    answer(room, number=room.trading._sets.pending[0].number)
    assert ask(room, Split(YES, 1), Split("polymarket:NO-N", 1)) == ["OK", "QUEUE_FULL"]


@pytest.mark.parametrize(
    ("intent", "code", "detail"),
    [
        (Split("nobody", 1), "UNKNOWN_INSTRUMENT", 2),
        (Split(YES, 0), "INTENT_MALFORMED", 5),
        (Merge(YES, 1.5), "INTENT_MALFORMED", 5),
        (Merge(YES, 1, why=7), "INTENT_MALFORMED", 17),
        (Split("binance-usdm:BTC", 1), "NOT_PERMITTED", 2),
        (Split(YES, 1 << 59), "SIZE_ABOVE_MAX", 0),
    ],
)
def test_what_cannot_be_meant_is_refused(intent, code, detail):
    room = a_room()

    assert ask(room, intent) == [code]
    assert room.verdicts()[0]["detail"] == detail


def test_a_market_of_which_the_policy_names_one_outcome_alone_is_not_permitted():
    rules = (Rule(YES, 10**9, 0, 10**13, (GTC,)),)
    room = a_room(rules=rules)

    assert ask(room, Split(YES, 1), Split(NO, 1)) == ["NOT_PERMITTED", "NOT_PERMITTED"]


def test_only_the_owner_of_a_market_converts_there():
    room = a_room(Says())
    assert ask(room, Place(YES, BUY, 30, 1_000)) == ["OK"]

    assert ask(room, Split(YES, 1), seat=1) == ["NOT_OWNER"]
    assert room.verdicts()[0]["detail"] == 1


def test_a_lowered_mode_allows_a_merge_and_a_kill_nothing():
    room = a_room()
    hold(room, 500)
    room.desk.modes.lower(MARKET, 0, REDUCE_ONLY)
    assert ask(room, Split(YES, 1)) == ["MODE_FORBIDS"]
    assert ask(room, Merge(YES, 1)) == ["OK"]
    answer(room)
    room.desk.modes.lower(MARKET, 0, 2)

    assert ask(room, Merge(YES, 1)) == ["MODE_FORBIDS"]
    assert room.desk.modes.mode(STRATEGY, 1) == 0


def test_a_gate_that_stops_new_risk_stops_a_split():
    room = a_room()
    room.trading.gate(codes.DATA_SUSPECT, MARKET, 0, True, room.now)

    assert ask(room, Split(YES, 1)) == ["GATE_CLOSED"]
    assert room.verdicts()[0]["detail"] == codes.DATA_SUSPECT


def test_a_closed_market_can_be_merged_in_and_a_resolved_one_pays_out_instead():
    room = a_room()
    hold(room, 500)
    market = room.markets[0]
    market.status = STATUS_HALTED
    assert ask(room, Split(YES, 1)) == ["OK"]
    answer(room)
    market.status = STATUS_CLOSED
    assert ask(room, Split(YES, 1)) == ["MARKET_CLOSED"]
    assert ask(room, Merge(YES, 1)) == ["OK"]
    market.winner = 0
    room.trading.resolved(market)

    answer(room)  # the venue merged before it paid out: the sets it took are no longer paid
    assert sizes(room) == [(0, 0), (0, 0)]
    assert identity(room)
    assert ask(room, Merge(YES, 1)) == ["MARKET_CLOSED"]


def test_an_executor_that_refused_ends_it_and_one_that_handed_it_over_or_does_not_know_leaves_it_under_way():
    room = a_room()
    ask(room, Split(YES, 5))
    number = room.trading.requests[-1].number

    def outcome(request, what):
        packer = Packer()
        for word in (request, 0, what | codes.EXEC_DOWN << 16):
            packer.put(word)
        room.input()
        data = packer.finish()
        return room.trading.on_outcome(room.seq, room.now, data, 0, len(data))

    for word in (OUTCOME_ACKED, OUTCOME_UNKNOWN):
        assert outcome(number, word) == codes.OK
        assert len(room.trading._sets.pending) == 1
    assert outcome(number + 1, OUTCOME_REFUSED) == codes.NO_SUCH_ORDER
    assert outcome(number, OUTCOME_REFUSED) == codes.OK
    assert (room.trading._sets.pending, sizes(room)) == ([], [(0, 0), (0, 0)])
    assert outcome(number, OUTCOME_REFUSED) == codes.NO_SUCH_ORDER


def test_an_answer_to_nothing_moves_nothing():
    room = a_room()
    ask(room, Split(YES, 5))
    digest = room.desk.digest.value
    answer(room, number=77)

    assert room.desk.digest.value == digest
    assert len(room.trading._sets.pending) == 1


def test_an_answer_for_a_strategy_that_is_no_longer_there_is_counted_all_the_same():
    room = a_room()
    ask(room, Split(YES, 5))
    packed = room.trading._sets.pack()
    del room.desk.seats[0]
    room.trading._sets.unpack(packed)
    room.facts((SETS_CONVERTED, room.trading._sets.pending[0].number, 9), decide=False)

    assert sizes(room) == [(5 * LOT, 5 * LOT)] * 2


def test_a_credit_is_income_of_its_instrument_and_cash():
    room = a_room()
    room.facts((CREDITED, 0, 1, 2_500_000, CREDIT_REBATE, 9))
    holding = room.desk.portfolio.holdings[1]

    assert (holding.income, holding.purse.settled) == (2_500_000 * 10**4, 2_500_000 * 10**4)
    assert identity(room)
    for nobody in (-1, 99, NONE):
        before = room.desk.digest.value
        room.facts((CREDITED, 0, nobody, 1, CREDIT_REBATE, 9))
        assert room.desk.digest.value == before


def test_a_silent_kernel_asks_for_the_same():
    loud, silent = a_room(), a_room()
    silent.trading.be_silent(True)
    for room in (loud, silent):
        room.desk.seats[0].strategy.next = [Split(YES, 5)]
        room.input()
        room.markets[0].wake = 1
        room.trading.decide(room.seq, room.now, room.markets[:1])
        assert [record.kind for record in room.out.records] == [kinds.INTENT, kinds.VERDICT, kinds.REQUEST]

    assert {record.payload for record in silent.out.records} == {b""}
    assert silent.trading.requests[0].size == loud.trading.requests[0].size == 5 * LOT
    assert (silent.trading.requests[0].intent, silent.trading.requests[0].client_id) == (b"", "")
    assert silent.desk.digest.value == loud.desk.digest.value


@given(
    st.lists(
        st.tuples(st.sampled_from([Split, Merge]), st.integers(1, 900), st.sampled_from(["yes", "no", "restored"])),
        max_size=12,
    )
)
def test_sets_and_cash_add_up_whatever_is_converted_refused_or_restored_on_the_way(script):
    room = a_room(cash=1_000 * LOT * 10**4)
    worst = room.desk.risk.markets[0].worst
    for what, lots, then in script:
        ask(room, what(YES, lots))
        packed = room.trading._sets.pack()
        if then == "restored":
            for working in room.desk.orders.working:
                working.merging = 0
            room.trading._sets.unpack(packed)
        assert room.trading._sets.pack() == packed
        if room.trading._sets.pending:
            answer(room, SETS_REFUSED if then == "no" else SETS_CONVERTED)
        purse = room.desk.portfolio.purse_by_key[CASH]
        held = room.desk.portfolio.holdings[0].size

        assert sizes(room) == [(held, held)] * 2
        assert held >= 0
        assert purse.settled >= 0
        assert purse.settled + int(held) * 10**4 == purse.opening
        assert all(working.merging == 0 for working in room.desk.orders.working)
        assert identity(room)
        assert room.desk.risk.markets[0].worst == worst


def test_the_intent_record_names_what_is_wanted():
    room = a_room()
    ask(room, Merge(NO, 3, why="done"))
    (intent,) = [record for record in room.out.records if record.kind == kinds.INTENT]
    fields = decode(intent.kind, intent.schema, intent.payload)

    assert (fields["what"], fields["instrument"], fields["lots"], fields["why"]) == (MERGE, 1, 3, "done")
