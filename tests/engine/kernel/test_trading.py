"""The facade: who is woken, in which order intents are taken up, and what a failing strategy costs."""

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from trading_room import Room, S, Says, a_policy, binary, contract

from engine.kernel import codes, kinds
from engine.kernel.events import ORDER_ACKED, ORDER_CANCELLED, ORDER_FILLED
from engine.kernel.market import WAKE_BOOK, WAKE_ORDER, WAKE_STATUS, WAKE_TOUCH, WAKE_TRADE
from engine.kernel.memory import UnfitMemory
from engine.kernel.modes import ACTIVE, KILL, REDUCE_ONLY, STRATEGY
from engine.kernel.record import NONE
from engine.kernel.strategy import (
    BOX_ARBITRAGE,
    BUY,
    DIRECTIONAL,
    MARKET_MAKING,
    SELL,
    Cancel,
    CancelAll,
    CancelTimer,
    CompiledStrategy,
    Flatten,
    Place,
    SetTimer,
    Wake,
)
from engine.strategies.steady_maker import SteadyMaker

YES, NO = "polymarket:YES-M", "polymarket:NO-M"


def bid(price=50, lots=1000, **changes):
    return Place(YES, BUY, price, lots, **changes)


def a_room(*strategies, listings=(), policy=None):
    room = Room(*(listings or (binary(),)), policy=policy, strategies=strategies)
    room.touch(50, 52)
    return room


def names(room):
    return [codes.name(verdict["code"]) for verdict in room.verdicts()]


def fire(room, wait_ns=0):
    """The next timer, when it is due."""
    room.input(wait_ns)
    room.now = max(room.now, room.trading.next_due())
    code = room.trading.on_timer(room.seq, room.now, room.trading.next_timer(), room.trading.next_due())
    room.trading.decide(room.seq, room.now, [])
    return code


# -- waking ------------------------------------------------------------------------------------------------------------


def test_a_strategy_is_woken_for_what_it_listens_to_with_the_union_of_reasons():
    all_of_it, one, picky = Says(), Says(), Says()
    picky.wants = WAKE_TRADE
    room = Room(binary("A"), binary("B"))
    room.trading.add_strategy("all", all_of_it, MARKET_MAKING, ())
    room.trading.add_strategy("one", one, MARKET_MAKING, ("polymarket:NO-B",))
    room.trading.add_strategy("picky", picky, MARKET_MAKING, ())
    room.decide(0, 1, bits=WAKE_TOUCH | WAKE_BOOK)
    room.decide(0, bits=WAKE_TRADE)

    assert [wake.instruments for wake in all_of_it.wakes] == [
        ("polymarket:YES-A", "polymarket:NO-A", "polymarket:YES-B", "polymarket:NO-B"),
        ("polymarket:YES-A", "polymarket:NO-A"),
    ]
    assert [wake.instruments for wake in one.wakes] == [("polymarket:YES-B", "polymarket:NO-B")]
    assert [wake.reasons("polymarket:NO-A") for wake in picky.wakes] == [WAKE_TRADE]
    first = all_of_it.wakes[0]
    assert first.reasons("polymarket:NO-B") == WAKE_TOUCH | WAKE_BOOK
    assert all_of_it.wakes[1].reasons("polymarket:NO-B") == 0
    assert first.reasons("polymarket:unheard") == 0
    assert first.seq == 1


def test_a_listener_to_a_later_listing_is_woken_for_it():
    strategy = Says()
    room = Room()
    room.trading.add_strategy("late", strategy, MARKET_MAKING, ("polymarket:YES-B",))
    room.add(binary("A"))
    room.add(binary("B"))
    room.decide(0)
    room.decide(1)

    assert [wake.instruments[0] for wake in strategy.wakes] == ["polymarket:YES-B"]


def test_only_the_owner_hears_of_an_order_and_is_told_the_market_too():
    maker, other = Says(), Says()
    room = a_room(maker, other)
    maker.next = [bid()]
    room.decide(0)
    number = room.trading.requests[0].number
    room.facts((ORDER_ACKED, number, "v"))

    assert [change.order.number for change in maker.wakes[-1].changes] == [number]
    assert maker.wakes[-1].reasons(YES) == WAKE_ORDER
    assert maker.wakes[-1].instruments == (YES, NO)
    assert len(other.wakes) == 1


def test_a_strategy_that_does_not_want_its_orders_news_is_not_woken_by_it():
    quiet = Says()
    quiet.wants = WAKE_TOUCH
    room = a_room(quiet)
    quiet.next = [bid()]
    room.decide(0)
    room.facts((ORDER_ACKED, room.trading.requests[0].number, "v"))
    room.decide(0)

    assert [(wake.reasons(YES), wake.changes) for wake in quiet.wakes] == [(WAKE_TOUCH, ())] * 2
    assert room.trading.desk.orders.open_count == 1


def test_a_moved_market_with_an_own_order_in_it_gives_both_reasons():
    maker = Says()
    room = a_room(maker)
    maker.next = [bid()]
    room.decide(0)
    room.facts((ORDER_ACKED, room.trading.requests[0].number, "v"), decide=False)
    room.markets[0].wake = WAKE_TOUCH
    room.trading.decide(room.seq, room.now, room.markets[:1])

    assert maker.wakes[-1].reasons(YES) == WAKE_TOUCH | WAKE_ORDER


def test_orders_wake_and_are_told_of_only_where_that_is_wanted():
    deaf = Says()
    deaf.wants = WAKE_TOUCH
    room = a_room(deaf)
    deaf.next = [bid(), SetTimer("soon", after_ns=5)]
    room.decide(0)
    number = room.trading.requests[0].number
    room.facts((ORDER_ACKED, number, "v"), (ORDER_FILLED, number, "v", 5_000, 1000 * 10_000, NONE, 0, "t"))
    fire(room)
    room.decide(0, bits=WAKE_TRADE)

    assert [(wake.timers, wake.changes) for wake in deaf.wakes] == [((), ()), (("soon",), ())]
    assert deaf.view.market(YES).position_lots == 1000


def test_who_wants_to_know_is_known_before_anyone_is_asked():
    picky = Says()
    picky.wants = WAKE_TRADE
    room = a_room(picky)
    room.markets[0].wake = WAKE_TOUCH
    unwanted = room.trading.wanted(room.markets)
    room.desk.unwinding = True
    while_unwinding = room.trading.wanted(room.markets)
    room.desk.unwinding = False
    room.markets[0].wake = WAKE_TRADE

    assert (unwanted, while_unwinding, room.trading.wanted(room.markets)) == (False, True, True)
    assert not a_room().trading.wanted(room.markets)


def test_two_timers_of_one_input_are_handed_over_together():
    one = Says()
    room = a_room(one)
    one.next = [SetTimer("a", after_ns=5), SetTimer("b", after_ns=5)]
    room.decide(0)
    room.input()
    room.now = room.trading.next_due()
    for _ in range(2):
        room.trading.on_timer(room.seq, room.now, room.trading.next_timer(), room.trading.next_due())
    room.trading.decide(room.seq, room.now, [])

    assert one.wakes[-1].timers == ("a", "b")


def test_what_stands_beside_a_group_is_taken_up_in_its_place():
    maker = Says()
    room = a_room(maker)
    maker.next = [bid(), bid(49), bid(48)]
    room.decide(0)
    numbers = [request.number for request in room.trading.requests]
    room.facts(*((ORDER_ACKED, number, f"v{number}") for number in numbers), decide=False)
    maker.next = [
        Cancel(numbers[1]),
        bid(40, group="pair", leg=0, legs=2),
        bid(47),
        Place(NO, BUY, 30, 1000, group="pair", leg=1, legs=2),
    ]
    room.decide(0)
    requests = room.trading.requests
    room.facts((ORDER_CANCELLED, numbers[1], f"v{numbers[1]}", 0, 0, 0))

    assert [(one.what, one.price) for one in requests] == [(2, 4_900), (1, 4_000), (1, 3_000), (1, 4_700)]
    assert [order.price_ticks for order in maker.view.market(YES).own_bids] == [50, 48, 40, 47]


def test_a_change_says_nothing_of_other_markets():
    maker = Says()
    room = a_room(maker, listings=(binary(), contract()))
    maker.next = [bid()]
    room.decide(0)
    room.facts((ORDER_ACKED, room.trading.requests[0].number, "v"))
    room.facts((ORDER_ACKED, 4711, "w"), (ORDER_FILLED, 0, "v", 5_000, 10_000, NONE, 0, "t"), decide=False)
    room.markets[0].wake = room.markets[1].wake = WAKE_TOUCH
    room.trading.decide(room.seq, room.now, room.markets)

    assert [wake.reasons("binance-usdm:BTC") for wake in maker.wakes] == [0, 0, WAKE_TOUCH]
    assert maker.wakes[-1].instruments == (YES, NO, "binance-usdm:BTC")
    assert maker.wakes[-1].reasons("binance:none") == 0


def test_a_strategy_compiled_with_the_kernel_is_called_like_any_other():
    maker = SteadyMaker(YES, 1000, first_ns=1_700_000_001 * S)
    room = a_room(maker)
    room.decide(0, bits=WAKE_STATUS)
    fire(room)

    assert CompiledStrategy().decide(None, Wake(1, [], [], (), (), [], {})) == []
    assert [(one.side, one.price) for one in room.trading.requests] == [(BUY, 4_800), (BUY, 4_600)]
    assert room.trading.next_due() == 1_700_000_001 * S + 100_000_000


def test_two_changes_of_one_input_are_told_in_their_order():
    maker, deaf = Says(), Says()
    deaf.wants = WAKE_TOUCH
    room = a_room(maker, deaf)
    maker.next = [bid()]
    room.decide(0)
    number = room.trading.requests[0].number
    room.facts((ORDER_ACKED, number, "v"), (ORDER_CANCELLED, number, "v", 0, 0, 0))
    room.desk.seats[1].told(maker.wakes[-1].changes[0])

    assert [change.what for change in maker.wakes[-1].changes] == [ORDER_ACKED, ORDER_CANCELLED]
    assert room.desk.seats[1].changes == ()


def test_nothing_to_do_is_not_pending():
    room = a_room(Says())
    before = room.trading.pending
    room.decide(0)

    assert (before, room.trading.pending) == (False, False)


# -- timers ------------------------------------------------------------------------------------------------------------


def test_timers_wake_their_strategy_alone_with_their_tag():
    one, other = Says(), Says()
    room = a_room(one, other)
    one.next = [SetTimer("soon", after_ns=5), SetTimer("beat", at_ns=room.now + 7, every_ns=10)]
    room.decide(0)
    for _ in range(3):
        fire(room)

    assert [wake.timers for wake in one.wakes] == [(), ("soon",), ("beat",), ("beat",)]
    assert len(other.wakes) == 1


def test_a_timer_that_is_unknown_or_early_is_refused():
    room = a_room(Says())

    assert room.trading.on_timer(1, room.now, 5, room.now) == codes.OP_REFUSED
    assert not room.trading.pending


def test_a_timer_is_cancelled_by_its_tag_and_there_are_not_too_many():
    strategy = Says()
    room = a_room(strategy)
    strategy.next = [SetTimer("a", after_ns=5), CancelTimer("a"), CancelTimer("a")]
    room.decide(0)
    cancelled = names(room), room.trading.next_due()
    strategy.next = [SetTimer(f"t{n}", after_ns=5) for n in range(65)]
    room.decide(0)

    assert cancelled == (["OK", "OK", "NO_SUCH_ORDER"], NONE)
    assert names(room) == ["OK"] * 64 + ["QUEUE_FULL"]


# -- taking up ---------------------------------------------------------------------------------------------------------


def test_a_higher_tier_goes_first_and_owns_the_market():
    low, high = Says(), Says()
    low.tier, high.tier = DIRECTIONAL, BOX_ARBITRAGE
    room = a_room(low, high)
    low.next, high.next = [bid(49)], [bid(48)]
    room.decide(0)

    assert [fields["seat"] for kind, fields in room.records() if kind == "INTENT"] == [2, 1]
    assert names(room) == ["OK", "NOT_OWNER"]
    assert room.verdicts()[1]["detail"] == 2


def test_among_equals_the_owner_stays_until_it_has_left():
    one, other = Says(), Says()
    room = a_room(one, other)
    one.next = [bid()]
    room.decide(0)
    number = room.trading.requests[0].number
    other.next = [bid(49)]
    room.decide(0)
    early = names(room)
    room.facts((ORDER_ACKED, number, "v"), (ORDER_CANCELLED, number, "v", 0))
    other.next = [bid(49)]
    room.decide(0)

    assert (early, names(room)) == (["NOT_OWNER"], ["OK"])


def test_a_position_keeps_a_market_too():
    one, other = Says(), Says()
    room = a_room(one, other)
    one.next = [bid()]
    room.decide(0)
    request = room.trading.requests[0]
    room.facts((ORDER_FILLED, request.number, "v", request.price, request.size, 0, 0, "t"))
    other.next = [bid(49)]
    room.decide(0)

    assert names(room) == ["NOT_OWNER"]


def test_a_higher_tier_takes_a_market_over_and_the_former_owners_orders_are_cancelled():
    low, high = Says(), Says()
    low.tier, high.tier = DIRECTIONAL, BOX_ARBITRAGE
    room = a_room(low, high)
    low.next = [bid(49), bid(48)]
    room.decide(0)
    first, second = room.trading.requests
    room.facts((ORDER_ACKED, first.number, "a"), (ORDER_ACKED, second.number, "b"))
    high.next = [bid(50)]
    room.decide(0)

    assert [request.target for request in room.trading.requests] == [0, first.number, second.number]
    assert room.desk.risk.markets[0].owner == 2


def test_anyone_may_cancel_and_flatten():
    maker, other = Says(), Says()
    room = a_room(maker, other)
    maker.next = [bid(), bid(49)]
    room.decide(0)
    first, second = room.trading.requests
    room.facts((ORDER_ACKED, first.number, "a"), (ORDER_ACKED, second.number, "b"))
    other.next = [Cancel(first.number)]
    room.decide(0)
    cancelled = [request.target for request in room.trading.requests]
    other.next = [Flatten(YES)]
    room.decide(0)

    assert cancelled == [first.number]
    assert [request.target for request in room.trading.requests] == [second.number]


def test_cancel_all_means_its_own_orders_or_a_markets():
    maker, other = Says(), Says()
    room = a_room(maker, other, listings=(binary(), contract()))
    room.touch(50, 52, market=1)
    maker.next, other.next = [bid(), Place(YES, SELL, 60, 1000)], [Place("binance-usdm:BTC", BUY, 40, 5)]
    room.decide(0, 1)
    one, two, three = [request.number for request in room.trading.requests]
    room.facts(*[(ORDER_ACKED, number, f"v{number}") for number in (one, two, three)])
    maker.next = [CancelAll()]
    room.decide(0)
    own = [request.target for request in room.trading.requests]
    other.next = [CancelAll("binance-usdm:BTC")]
    room.decide(0)

    assert own == [one, two]
    assert [request.target for request in room.trading.requests] == [three]


def test_a_cancel_on_its_way_is_not_repeated_within_a_second():
    maker = Says()
    room = a_room(maker)
    maker.next = [bid()]
    room.decide(0)
    number = room.trading.requests[0].number
    room.facts((ORDER_ACKED, number, "v"))
    found = []
    for wait in (0, 1, S):
        (order,) = maker.view.market(YES).own_bids
        maker.next = [Cancel(order)]
        room.decide(0, wait_ns=wait)
        found += names(room)
    maker.next = [Cancel(12345)]
    room.decide(0)

    assert found + names(room) == ["OK", "DUP_BLOCKED", "OK", "NO_SUCH_ORDER"]
    second = room.desk.orders.by_number[number].cancel_number
    assert list(room.desk.orders.by_cancel) == [second]


def test_what_is_decided_wakes_nobody_in_the_same_group():
    class Chain:
        def __init__(self):
            self.calls = 0

        def decide(self, view, wake):
            self.calls += 1
            yield bid(40)
            assert view.market(YES).own_bids == ()

    chain = Chain()
    room = a_room(chain)
    room.decide(0)

    assert chain.calls == 1
    assert names(room) == ["OK"]


@pytest.mark.parametrize(
    ("intent", "code", "field"),
    [
        ("buy", "INTENT_MALFORMED", "kind"),
        (None, "INTENT_MALFORMED", "kind"),
        (Place("polymarket:none", BUY, 50, 1000), "UNKNOWN_INSTRUMENT", "instrument"),
        (Place(7, BUY, 50, 1000), "UNKNOWN_INSTRUMENT", "instrument"),
        (Place(-1, BUY, 50, 1000), "UNKNOWN_INSTRUMENT", "instrument"),
        (Place(True, BUY, 50, 1000), "UNKNOWN_INSTRUMENT", "instrument"),
        (Place(None, BUY, 50, 1000), "UNKNOWN_INSTRUMENT", "instrument"),
        (Place(YES, "BUY", 50, 1000), "INTENT_MALFORMED", "side"),
        (Place(YES, 2, 50, 1000), "INTENT_MALFORMED", "side"),
        (Place(YES, BUY, 50.0, 1000), "INTENT_MALFORMED", "price_ticks"),
        (Place(YES, BUY, 2**70, 1000), "INTENT_MALFORMED", "price_ticks"),
        (Place(YES, BUY, True, 1000), "INTENT_MALFORMED", "price_ticks"),
        (Place(YES, BUY, 50, 0), "INTENT_MALFORMED", "lots"),
        (Place(YES, BUY, 50, -(2**80)), "INTENT_MALFORMED", "lots"),
        (bid(tif="DAY"), "INTENT_MALFORMED", "tif"),
        (bid(tif=3), "INTENT_MALFORMED", "tif"),
        (bid(post_only=1), "INTENT_MALFORMED", "post_only"),
        (bid(reduce_only=None), "INTENT_MALFORMED", "reduce_only"),
        (bid(ttl_ns="5"), "INTENT_MALFORMED", "ttl_ns"),
        (bid(ttl_ns=0), "INTENT_MALFORMED", "ttl_ns"),
        (bid(group=5), "INTENT_MALFORMED", "group"),
        (bid(group="x" * 129), "INTENT_MALFORMED", "group"),
        (bid(leg=1), "INTENT_MALFORMED", "leg"),
        (bid(legs=17), "INTENT_MALFORMED", "legs"),
        (bid(expected_value=0.5), "INTENT_MALFORMED", "expected_value"),
        (bid(expected_value=2**200), "INTENT_MALFORMED", "expected_value"),
        (bid(confidence=1_000_001), "INTENT_MALFORMED", "confidence"),
        (bid(risk_cost=None), "INTENT_MALFORMED", "risk_cost"),
        (bid(tags=["a"]), "INTENT_MALFORMED", "tags"),
        (bid(tags=(1,)), "INTENT_MALFORMED", "tags"),
        (bid(tags=("a",) * 17), "INTENT_MALFORMED", "tags"),
        (bid(why="\ud800"), "INTENT_MALFORMED", "why"),
        (bid(why="x" * 1025), "INTENT_MALFORMED", "why"),
        (Cancel("first"), "INTENT_MALFORMED", "order"),
        (Cancel(0), "INTENT_MALFORMED", "order"),
        (CancelAll("polymarket:none"), "UNKNOWN_INSTRUMENT", "instrument"),
        (Flatten(3.5), "UNKNOWN_INSTRUMENT", "instrument"),
        (SetTimer(5, after_ns=1), "INTENT_MALFORMED", "tag"),
        (SetTimer("t"), "INTENT_MALFORMED", "due"),
        (SetTimer("t", at_ns=5, after_ns=5), "INTENT_MALFORMED", "due"),
        (SetTimer("t", after_ns=-1), "INTENT_MALFORMED", "due"),
        (SetTimer("t", at_ns=2**62 + 1), "INTENT_MALFORMED", "due"),
        (SetTimer("t", after_ns=1, every_ns=-1), "INTENT_MALFORMED", "every_ns"),
        (CancelTimer(None), "INTENT_MALFORMED", "tag"),
    ],
)
def test_an_intent_that_cannot_be_read_is_refused_by_the_name_of_its_field(intent, code, field):
    from engine.kernel.intents import FIELD_NAMES

    strategy = Says()
    room = a_room(strategy)
    strategy.next = [intent]
    room.decide(0)
    (verdict,) = room.verdicts()

    assert (codes.name(verdict["code"]), FIELD_NAMES[verdict["detail"]]) == (code, field)
    assert room.trading.requests == []


def test_a_timer_may_be_due_as_late_as_time_goes():
    strategy = Says()
    room = a_room(strategy)
    strategy.next = [SetTimer("late", at_ns=2**62), SetTimer("sooner", at_ns=2**61)]
    room.decide(0)

    assert strategy.view.timers == {"sooner": 2**61, "late": 2**62}


def test_text_in_any_script_is_kept():
    strategy = Says()
    room = a_room(strategy)
    strategy.next = [bid(why="ξ ≥ 3", tags=("ставка", "x"), expected_value=-(2**100))]
    (_, intent), *_ = room.decide(0)

    assert (intent["why"], intent["tags"], intent["expected_value"]) == ("ξ ≥ 3", ("ставка", "x"), -(2**100))


def test_other_intents_are_refused_on_an_input_decided_before():
    strategy = Says()
    room = a_room(strategy)
    strategy.next = [CancelAll()]
    room.decide(0)
    room.out.clear()
    strategy.next = [CancelAll()]
    room.markets[0].wake = WAKE_TOUCH
    room.trading.decide(room.seq, room.now, room.markets[:1])

    assert names(room) == ["DUPLICATE_INTENT"]


# -- failing strategies ------------------------------------------------------------------------------------------------


class Fails:
    """Yields a bid, then raises what it was made with."""

    def __init__(self, error=None):
        self.error = error
        self.memory = {"calls": 0}

    def decide(self, view, wake):
        self.memory["calls"] += 1
        yield bid(45)
        if self.error is not None:
            raise self.error


def test_a_failing_strategy_is_muted_and_its_intents_refused_while_others_go_on():
    bad, good = Fails(ValueError("no luck")), Says()
    good.tier = BOX_ARBITRAGE
    room = a_room(bad, good)
    good.next = [bid(40)]
    records = room.decide(0)
    seq = room.seq
    room.decide(0)

    assert records[0] == ("STRAT_FAULT", {"seat": 1, "strategy": "s1", "wake": seq})
    assert [fields["price_ticks"] for kind, fields in records if kind == "INTENT"] == [40, 45]
    assert [codes.name(fields["code"]) for kind, fields in records if kind == "VERDICT"] == ["OK", "STRAT_FAULT"]
    assert "ValueError: no luck" in room.trading.last_fault
    assert room.trading.faults == [room.trading.last_fault]
    assert room.trading.last_fault.startswith(f"s1, called for input {seq}: Traceback")
    assert bad.memory == {"calls": 1}
    assert room.desk.modes.mode(STRATEGY, 1) == REDUCE_ONLY
    assert len(good.wakes) == 2


@pytest.mark.parametrize("answer", [None, 5])
def test_a_strategy_that_answers_nothing_iterable_has_failed(answer):
    class Silent:
        def decide(self, view, wake):
            return answer

    room = a_room(Silent())
    room.decide(0)

    assert room.desk.seats[0].muted


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), KeyboardInterrupt(), SystemExit()])
def test_what_threatens_the_process_ends_it_unrecorded(error):
    room = a_room(Fails(error))
    with pytest.raises(type(error)):
        room.decide(0)

    assert room.out.records == []


@pytest.mark.parametrize("error", [MemoryError(), RecursionError()])
def test_an_error_that_ends_the_process_names_the_strategy_that_raised_it(error):
    room = a_room(Fails(error))
    with pytest.raises(type(error)) as raised:
        room.decide(0)

    assert raised.value.__notes__ == [f"raised by the strategy s1, called for input {room.seq}"]


def test_every_fault_of_an_input_is_told():
    room = a_room(Fails(ValueError("one")), Fails(KeyError("two")), Says())
    none = room.trading.last_fault
    records = room.decide(0)
    told = list(room.trading.faults)
    last = room.trading.last_fault
    room.trading.faults.clear()

    assert none == ""
    assert [fields["strategy"] for kind, fields in records if kind == "STRAT_FAULT"] == ["s1", "s2"]
    assert [("ValueError: one" in text, "KeyError: 'two'" in text) for text in told] == [(True, False), (False, True)]
    assert [text.split(":")[0] for text in told] == [f"s{n}, called for input {room.seq}" for n in (1, 2)]
    assert last == told[1]
    assert room.trading.faults == []


def test_an_operator_restarts_a_strategy_with_fresh_memory_and_no_timers():
    bad = Fails(ValueError())
    room = a_room(bad)
    room.desk.timers.set(1, "left over", room.now + 5)
    room.decide(0)
    bad.error = None
    restarted = room.command(b'{"command":"restart_strategy","strategy":"s1"}')
    memory, due = dict(bad.memory), room.trading.next_due()
    room.decide(0)

    assert (restarted, memory, due) == (codes.OK, {"calls": 0}, NONE)
    # It may speak again; what it may do an operator raises apart.
    assert names(room) == ["MODE_FORBIDS"]


def test_a_killed_strategy_is_not_called():
    strategy = Says()
    room = a_room(strategy)
    room.desk.modes.lower(STRATEGY, 1, KILL)
    room.decide(0)

    assert strategy.wakes == []


def test_memory_that_cannot_be_kept_is_refused_at_the_door():
    class Hoards:
        def __init__(self):
            self.memory = {1, 2}

        def decide(self, view, wake):
            return ()

    with pytest.raises(UnfitMemory, match=r"^strategy s1: a strategy's memory holds a set"):
        a_room(Hoards())


def test_memory_that_became_unfit_names_its_strategy_and_the_input():
    class Becomes:
        memory = None

        def decide(self, view, wake):
            self.memory = {1, 2}
            return ()

    room = a_room(Becomes())
    room.decide(0)
    with pytest.raises(UnfitMemory, match=rf"^strategy s1, at input {room.seq}: a strategy's memory holds a set"):
        room.trading.parts()


@frozen
class Notes:
    """A memory of attrs."""

    count: int


class Counts:
    """Counts its calls in a frozen memory."""

    def __init__(self):
        self.memory = Notes(0)

    def decide(self, view, wake):
        self.memory = Notes(self.memory.count + 1)
        return [bid(40 + self.memory.count, 500)]


def test_memory_comes_back_with_a_checkpoint():
    room = a_room(Counts())
    room.decide(0)
    again = Room(binary(), strategies=(Counts(),))
    again.touch(50, 52)
    again.trading.restore(room.trading.parts())
    again.seq, again.now = room.seq, room.now
    again.out.records.extend(room.out.records)

    assert again.decide(0) == room.decide(0)
    assert again.trading.parts() == room.trading.parts()
    assert again.desk.seats[0].strategy.memory == Notes(2)


# -- determinism -------------------------------------------------------------------------------------------------------

PRICES = st.lists(st.tuples(st.integers(1, 98), st.integers(1, 98), st.integers(0, 3)), max_size=15)


class Quotes:
    """Keeps one bid and one offer at the touch."""

    def decide(self, view, wake):
        market = view.market(YES)
        for order in market.own_orders:
            if not order.cancelling and order.price_ticks not in (market.best_bid, market.best_ask):
                yield Cancel(order, why="moved")
        if not market.own_orders:
            yield Place(YES, BUY, market.best_bid, 600, post_only=True)
            yield Place(YES, SELL, market.best_ask, 600, post_only=True)


def play(prices, silent):
    """A run's records by kind (`written`), its digest and its state."""
    room = a_room(Quotes(), policy=a_policy(max_open_orders=5, max_market_notional=10_000_000))
    room.trading.be_silent(silent)
    written = []
    for bid_ticks, spread, fills in prices:
        room.touch(bid_ticks, min(99, bid_ticks + spread))
        room.input(S)
        room.markets[0].wake = WAKE_TOUCH
        room.trading.decide(room.seq, room.now, room.markets[:1])
        written.append([record.kind for record in room.out.records])
        for request in list(room.trading.requests):
            room.input()
            if request.what == 2:
                room.trading.desk.now_ns = room.now
                room.trading._executions.cancelled(room.desk.orders.by_number[request.target], NONE, 0)
            elif fills:
                order = room.desk.orders.by_number[request.number]
                room.trading._executions.ack(order, f"v{request.number}")
                room.trading._fills.fill(order, order.price, order.size // fills, NONE, 0, f"t{request.number}")
    return written, room.digest.value, room.trading.parts()


@given(PRICES)
def test_a_silent_kernel_comes_to_the_same_state_by_the_same_records(prices):
    loud, silent = play(prices, False), play(prices, True)

    assert loud == silent
    assert loud == play(prices, False)


def test_a_silent_kernel_writes_no_payloads():
    strategy = Says()
    room = a_room(strategy)
    room.trading.be_silent(True)
    strategy.next = [bid()]
    room.input()
    room.markets[0].wake = WAKE_TOUCH
    room.trading.decide(room.seq, room.now, room.markets[:1])

    assert [record.payload for record in room.out.records] == [b""] * 4
    assert room.trading.requests[0].intent == b""


@pytest.mark.parametrize("silent", [False, True])
def test_what_the_kernel_does_by_itself_is_numbered_behind_the_intents_whether_it_is_silent_or_not(silent):
    one, two = Says(), Says()
    room = a_room(one, two)
    one.next = [bid(), bid(49)]
    room.decide(0)
    numbers = [request.number for request in room.trading.requests]
    room.facts(*((ORDER_ACKED, number, f"v{number}") for number in numbers), decide=False)
    one.next = [Cancel(numbers[0]), CancelAll(), bid(48)]
    two.next = [Flatten("polymarket:none"), Place(NO, BUY, 30, 700)]
    room.trading.be_silent(silent)
    room.input()
    room.markets[0].wake = WAKE_TOUCH
    room.trading.decide(room.seq, room.now, room.markets[:1])
    placed = [room.desk.orders.get(request.number) for request in room.trading.requests if request.what == 1]

    assert [(order.seat, order.ordinal) for order in placed] == [(1, 2)]
    assert room.desk.ordinal == 6  # three intents and a cancel, then two


def test_a_brief_outbox_counts_what_a_silent_kernel_does_not_write():
    strategy, fails = Says(), Fails(ValueError())
    room = a_room(strategy, fails)
    room.trading.be_silent(True)
    room.out.brief = True
    strategy.next = [bid(), bid(price=200)]
    room.input()
    room.markets[0].wake = WAKE_TOUCH
    room.trading.decide(room.seq, room.now, room.markets[:1])

    assert [kinds.name(record.kind) for record in room.out.records] == ["STRAT_FAULT", "MODE"]
    assert [record.at for record in room.out.records] == [0, 1]
    assert room.out.count == 10
    assert [room.trading.requests[0].number, room.desk.next_number()] == [room.seq + 6, room.seq + 11]
    assert [int(room.out.tally[kind]) for kind in (kinds.INTENT, kinds.VERDICT, kinds.REQUEST, kinds.MODE)] == [
        3,
        3,
        1,
        1,
    ]
    assert [int(room.out.verdicts[code]) for code in (codes.OK, codes.OUT_OF_BAND)] == [1, 1]


def test_the_parts_of_the_state_stand_in_a_fixed_order():
    room = a_room(Says())
    names = [name for name, _ in room.trading.parts()]

    assert names == ["orders", "portfolio", "timers", "modes", "groups", "sets", "arbiter", "memory/s1"]


def test_a_new_grid_moves_nothing_of_ours():
    strategy = Says()
    room = a_room(strategy)
    strategy.next = [bid()]
    room.decide(0)
    parts = room.trading.parts()
    room.markets[0].regrid(10)

    assert room.trading.parts() == parts
    assert [order.price_ticks for order in strategy.view.market(YES).own_bids] == [500]


def test_without_strategies_a_decision_does_nothing():
    room = a_room()
    room.decide(0)

    assert room.out.records == []
    assert room.desk.modes.mode(STRATEGY, 1) == ACTIVE


class Elsewhere:
    """A decide that is no plain function, as in a compiled strategy: its module is asked for the memory's classes."""

    class decide:  # noqa: N801
        def __new__(cls, *_):
            return ()

    def __init__(self):
        self.memory = Notes(3)


def test_a_compiled_strategys_classes_are_found_in_its_module(monkeypatch):
    import sys
    import types

    from engine.kernel.pack import Malformed

    module = types.ModuleType("some_strategies")
    module.Notes = Notes
    monkeypatch.setitem(sys.modules, "some_strategies", module)
    monkeypatch.setattr(Elsewhere, "__module__", "some_strategies")
    room = a_room(Elsewhere())
    again = Room(binary(), strategies=(Elsewhere(),))
    again.trading.restore(room.trading.parts())
    monkeypatch.setattr(Elsewhere, "__module__", "gone")

    assert again.desk.seats[0].strategy.memory == Notes(3)
    with pytest.raises(Malformed, match="Notes"):
        again.trading.restore(room.trading.parts())
