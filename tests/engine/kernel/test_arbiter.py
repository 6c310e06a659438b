"""Who may place in a market, and what happens when it changes hands."""

import ast
from pathlib import Path

import pytest
from trading_room import Room, S, Says, a_policy, binary, contract

from engine.kernel import codes
from engine.kernel.derived import CANCEL, PLACE
from engine.kernel.events import (
    FILL_PROVISIONAL,
    ORDER_ACKED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_UNKNOWN,
    SETS_CONVERTED,
    TRADE_FAILED,
    TRADE_STATUS,
)
from engine.kernel.modes import KILL, MARKET, REDUCE_ONLY, STRATEGY
from engine.kernel.order import CANCEL_QUEUED
from engine.kernel.stakes import Stakes
from engine.kernel.strategy import (
    BOX_ARBITRAGE,
    BUY,
    DIRECTIONAL,
    MARKET_MAKING,
    SELL,
    Cancel,
    CancelAll,
    Flatten,
    Merge,
    Place,
    Split,
)

YES, NO = "polymarket:YES-M", "polymarket:NO-M"
OTHER = "polymarket:YES-N"
LOT = 10_000
KERNEL = Path(__file__).resolve().parents[3] / "engine" / "kernel"


def a_room(*tiers, policy=None):
    """Two binary markets and a contract, and a strategy of each of these tiers."""
    strategies = []
    for tier in tiers:
        strategies.append(Says())
        strategies[-1].tier = tier
    room = Room(binary(), binary("N"), contract(), policy=policy, strategies=tuple(strategies))
    for market in range(2):
        room.touch(50, 52, market=market)
    room.touch(1000, 1002, market=2)
    return room, *strategies


def bid(price=50, instrument=YES, lots=1000, **more):
    return Place(instrument, BUY, price, lots, **more)


def ask(room, strategy, *intents, wait_ns=0):
    """The names of the verdicts of this input."""
    strategy.next = list(intents)
    room.decide(0, 1, 2, wait_ns=wait_ns)
    return [codes.name(fields["code"]) for fields in room.verdicts()]


def sent(room, what=PLACE):
    return [request for request in room.trading.requests if request.what == what]


def fill(room, request, size=None, flags=0):
    size = request.size if size is None else size
    trade = f"t{room.seq}-{request.number}"
    return room.facts((ORDER_FILLED, request.number, f"v{request.number}", request.price, size, 0, flags, trade))


def end(room, request, filled=0):
    return room.facts((ORDER_CANCELLED, request.number, f"v{request.number}", filled))


def owner(room, market=0):
    return int(room.desk.risk.markets[market].owner)


def kept_out(room, strategy, **order):
    """Who keeps the strategy from placing, None if it may."""
    names = ask(room, strategy, bid(**order))
    return room.verdicts()[0]["detail"] if names == ["NOT_OWNER"] else None


def hand_overs(records):
    return [fields for kind, fields in records if kind == "OWNER"]


# -- taking over -------------------------------------------------------------------------------------------------------


def test_a_hand_over_is_a_record_of_its_own_behind_the_order_that_took_the_market():
    room, low, high = a_room(DIRECTIONAL, MARKET_MAKING)
    first = ask(room, low, bid(49))
    taken = room.records()
    room.facts((ORDER_ACKED, sent(room)[0].number, "v"))
    ask(room, high, bid(40))
    names = [kind for kind, _ in room.records()]

    assert (first, hand_overs(taken)) == (["OK"], [])
    assert names == ["INTENT", "VERDICT", "CAPSULE", "REQUEST", "OWNER", "REQUEST"]
    assert hand_overs(room.records()) == [{"market": 0, "old": 1, "new": 2}]


def test_a_silent_kernel_counts_the_record_of_a_hand_over_too():
    rooms = [a_room(DIRECTIONAL, MARKET_MAKING) for _ in range(2)]
    rooms[1][0].trading.be_silent(True)
    for room, low, high in rooms:
        for strategy in (low, high):
            strategy.next = [bid(40)]
            room.input()
            room.markets[0].wake = 1
            room.trading.decide(room.seq, room.now, room.markets[:1])

    assert [record.kind for record in rooms[0][0].out.records] == [record.kind for record in rooms[1][0].out.records]
    assert rooms[0][0].digest.value == rooms[1][0].digest.value


def test_orders_still_on_their_way_are_cancelled_as_soon_as_the_venue_shows_them():
    room, low, high = a_room(DIRECTIONAL, MARKET_MAKING)
    ask(room, low, bid(49), bid(48))
    pending, unknown = sent(room)
    room.facts((ORDER_UNKNOWN, unknown.number, 0))
    ask(room, high, bid(40))
    queued = [room.desk.orders.get(request.number).cancel for request in (pending, unknown)]
    assert (queued, sent(room, CANCEL)) == ([CANCEL_QUEUED] * 2, [])

    for request in (pending, unknown):
        room.facts((ORDER_ACKED, request.number, f"v{request.number}"))
        assert [cancel.target for cancel in sent(room, CANCEL)] == [request.number]


def test_a_former_owner_still_counts_where_orders_would_meet():
    room, low, high = a_room(DIRECTIONAL, MARKET_MAKING)
    ask(room, low, bid(49))
    assert ask(room, high, bid(51, NO)) == ["SELF_CROSS"]
    assert owner(room) == 1

    assert ask(room, high, CancelAll(YES)) == ["OK"]
    (request,) = room.desk.orders.all_open()
    room.facts((ORDER_ACKED, request.number, "v"), (ORDER_CANCELLED, request.number, "v", 0))
    assert ask(room, high, bid(51, NO)) == ["OK"]


@pytest.mark.parametrize(
    ("first", "second", "meet"),
    [
        (bid(50), Place(YES, SELL, 50, 1000), True),
        (bid(50), Place(YES, SELL, 51, 1000), False),
        (bid(50), bid(50, NO), True),
        (bid(50), bid(49, NO), False),
        (Place(YES, SELL, 52, 1000), bid(52), True),
        (Place(NO, SELL, 48, 1000), Place(YES, SELL, 52, 1000), True),
    ],
)
@pytest.mark.parametrize("stock", [False, True])
def test_two_strategies_of_ours_cannot_trade_with_one_another(first, second, meet, stock):
    room, low, high = a_room(DIRECTIONAL, MARKET_MAKING)
    if stock:
        for key in (YES, NO):
            ask(room, low, bid(30, key, 2000))
            fill(room, sent(room)[0])
    assert ask(room, low, first) == ["OK"]

    assert ask(room, high, second)[0] == ("SELF_CROSS" if meet else "OK")


# -- letting go --------------------------------------------------------------------------------------------------------


def test_a_lower_tier_waits_until_nothing_is_left_of_the_higher_one_and_not_longer():
    room, low, high = a_room(DIRECTIONAL, BOX_ARBITRAGE)
    ask(room, high, bid())
    (request,) = sent(room)
    open_order = kept_out(room, low, price=49)
    fill(room, request)
    position = kept_out(room, low, price=49)
    later = kept_out(room, low, price=49) if room.decide(0, wait_ns=3600 * S) is not None else None
    assert ask(room, high, Place(YES, SELL, 50, 1000)) == ["OK"]
    fill(room, sent(room)[0])

    assert (open_order, position, later) == (2, 2, 2)
    assert kept_out(room, low, price=49) is None
    assert hand_overs(room.records()) == [{"market": 0, "old": 2, "new": 1}]


def test_a_strategy_can_see_whether_it_is_kept_out():
    room, low, high = a_room(MARKET_MAKING, BOX_ARBITRAGE)
    ask(room, low)
    before = low.view.may_place(NO)
    ask(room, high, bid())

    assert (before, low.view.may_place(NO), low.view.may_place(OTHER)) == (True, False, True)
    assert high.view.may_place(YES)


def test_in_a_market_of_nobody_an_unwinding_displaces_nothing():
    room, maker, _other = a_room(MARKET_MAKING, MARKET_MAKING)
    ask(room, maker, bid())
    fill(room, sent(room)[0])
    ask(room, maker, bid(40))
    (quote,) = sent(room)
    room.facts((ORDER_ACKED, quote.number, "q"))
    room.desk.risk.own(0, 0)
    room.input()
    room.trading._unwinder.start(room.instruments[0], SELL, 1000 * LOT, 1, 9, 0)

    assert [request.side for request in sent(room)] == [SELL]
    assert (owner(room), sent(room, CANCEL)) == (0, [])


def test_of_equals_that_all_hold_something_whoever_asks_goes_on_where_none_is_the_owner():
    room, *makers, box = a_room(MARKET_MAKING, MARKET_MAKING, MARKET_MAKING, BOX_ARBITRAGE)
    ask(room, box, bid(40))
    end(room, sent(room)[0])
    for seat in (1, 2):
        room.desk.stakes[0].traded(seat, 10)
    third = kept_out(room, makers[2])
    room.desk.stakes[0].traded(3, 10)

    assert (owner(room), third) == (4, 1)
    assert kept_out(room, makers[2]) is None
    assert kept_out(room, makers[0]) == 3


def test_complete_sets_hold_no_market():
    room, low, high = a_room(MARKET_MAKING, BOX_ARBITRAGE)
    pair = [
        bid(50, group="box", leg=0, legs=2, tif="FAK"),
        bid(45, NO, group="box", leg=1, legs=2, tif="FAK"),
    ]
    ask(room, high, *pair)
    yes, no = sent(room)
    fill(room, yes)
    half = kept_out(room, low, price=40)
    fill(room, no)

    assert half == 2
    assert kept_out(room, low, price=40) is None
    assert [holding.size for holding in room.desk.portfolio.holdings[:2]] == [1000 * LOT] * 2


def test_a_set_that_loses_a_token_again_holds_its_market_once_more():
    room, low, high = a_room(MARKET_MAKING, BOX_ARBITRAGE)
    ask(room, high, bid(50), bid(45, NO))
    yes, no = sent(room)
    fill(room, yes)
    room.facts((ORDER_FILLED, no.number, "n", no.price, no.size, 0, FILL_PROVISIONAL, "p"))
    assert kept_out(room, low, price=40) is None
    room.facts((TRADE_STATUS, no.number, "n", "p", TRADE_FAILED))

    assert room.desk.stakes[0].sizes() == [(2, 1000 * LOT)]


def test_who_was_taken_over_goes_on_with_its_own_position_when_the_higher_tier_is_done():
    room, maker, other, box = a_room(MARKET_MAKING, MARKET_MAKING, BOX_ARBITRAGE)
    ask(room, maker, bid(50))
    fill(room, sent(room)[0])
    ask(room, box, bid(50), bid(45, NO))
    yes, no = sent(room)
    busy = kept_out(room, maker, price=40)
    fill(room, yes)
    fill(room, no)
    equal = kept_out(room, other, price=40)

    assert (busy, equal) == (3, 1)
    assert ask(room, maker, Place(YES, SELL, 60, 1000)) == ["OK"]
    assert owner(room) == 1


def test_a_group_under_way_holds_the_markets_of_all_its_legs():
    room, one, other = a_room(MARKET_MAKING, MARKET_MAKING)
    legs = [bid(52, group="g", leg=0, legs=2, tif="FAK"), bid(40, OTHER, group="g", leg=1, legs=2)]
    ask(room, one, *legs)
    first, second = sent(room)
    fill(room, first)
    room.markets[1].book.clear()
    end(room, second)  # no touch, no rescue: what filled is unwound
    unwinding = kept_out(room, other, price=40, instrument=OTHER)
    (sell,) = room.desk.orders.all_open()
    room.facts((ORDER_FILLED, sell.number, "v", sell.price, sell.size, 0, 0, "t"))

    assert unwinding == 1
    room.touch(50, 52, market=1)
    assert kept_out(room, other, price=40, instrument=OTHER) is None


def test_a_split_takes_its_market_and_holds_it_until_the_tokens_are_there():
    room, low, equal, high = a_room(DIRECTIONAL, MARKET_MAKING, MARKET_MAKING)
    ask(room, low, bid(40))
    (request,) = sent(room)
    room.facts((ORDER_ACKED, request.number, "v"))
    ask(room, high, Split(YES, 1000))
    records = room.records()
    cancelled = [cancel.target for cancel in sent(room, CANCEL)]
    end(room, request)
    busy = kept_out(room, equal, price=40)
    room.facts((SETS_CONVERTED, room.trading._sets.pending[0].number, 9))

    assert (hand_overs(records), cancelled, busy) == ([{"market": 0, "old": 1, "new": 3}], [request.number], 3)
    assert kept_out(room, equal, price=40) is None


def test_a_merge_moves_no_market_and_is_its_holders_alone():
    room, low, high = a_room(DIRECTIONAL, MARKET_MAKING)
    ask(room, low, bid(40), bid(45, NO))
    for request in sent(room):
        fill(room, request)
    ask(room, low, bid(40))
    assert ask(room, high, Merge(YES, 500)) == ["OK"]
    assert (owner(room), room.trading.requests[0].what != CANCEL, len(room.trading.requests)) == (1, True, 1)
    room.facts((SETS_CONVERTED, room.trading.requests[0].number, 9))

    ask(room, high, bid(41))
    assert ask(room, low, Merge(YES, 500)) == ["NOT_OWNER"]


@pytest.mark.parametrize("mode", [None, REDUCE_ONLY, KILL])
def test_an_owner_that_may_not_trade_still_holds_what_it_left_there(mode):
    room, one, other = a_room(MARKET_MAKING, MARKET_MAKING)
    ask(room, one, bid())
    fill(room, sent(room)[0])
    if mode is None:
        room.desk.seats[0].muted = True
    else:
        room.desk.modes.lower(STRATEGY, 1, mode)
    held = kept_out(room, other, price=40)
    ask(room, other, Flatten(YES))
    (sell,) = sent(room)
    fill(room, sell)

    assert (held, sell.side) == (1, SELL)
    assert kept_out(room, other, price=40) is None


def test_a_strategy_that_fails_leaves_no_quotes_behind():
    room, bad, good = a_room(MARKET_MAKING, MARKET_MAKING)
    ask(room, bad, bid(49), bid(48))
    ask(room, good, bid(49, OTHER))
    orders = room.desk.orders.all_open()
    room.facts(*[(ORDER_ACKED, order.number, f"v{order.number}") for order in orders], decide=False)
    bad.decide = lambda view, wake: 1 / 0
    room.decide(0)

    assert [cancel.target for cancel in sent(room, CANCEL)] == [orders[0].number, orders[1].number]
    assert [kind for kind, _ in room.records()][:2] == ["STRAT_FAULT", "MODE"]


def test_a_failing_strategys_unwinding_goes_on():
    room, bad = a_room(MARKET_MAKING)
    ask(room, bad, bid(49))
    fill(room, sent(room)[0])
    ask(room, bad, Flatten(YES))
    (sell,) = sent(room)
    room.facts((ORDER_ACKED, sell.number, "v"), decide=False)
    bad.decide = lambda view, wake: 1 / 0
    room.decide(0)

    assert room.desk.seats[0].muted
    assert room.trading.requests == []


# -- getting out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", [BOX_ARBITRAGE, MARKET_MAKING, DIRECTIONAL])
def test_whoever_flattens_trades_the_position_away_without_taking_the_market(tier):
    room, maker, other = a_room(MARKET_MAKING, tier)
    ask(room, maker, bid())
    fill(room, sent(room)[0])
    ask(room, maker, bid(40))
    (quote,) = sent(room)
    room.facts((ORDER_ACKED, quote.number, "q"))
    names = ask(room, other, Flatten(YES))
    (sell,), (cancel,) = sent(room), sent(room, CANCEL)
    records = room.records()
    fill(room, sell)

    assert (names, cancel.target, sell.side, sell.size) == (["OK", "OK"], quote.number, SELL, 1000 * LOT)
    assert (owner(room), hand_overs(records)) == (1, [])
    assert room.desk.portfolio.holdings[0].size == 0
    assert room.desk.stakes[0].sizes() == []


def test_an_unwinding_goes_on_when_a_higher_tier_takes_the_market():
    room, low, high = a_room(DIRECTIONAL, BOX_ARBITRAGE)
    ask(room, low, bid())
    fill(room, sent(room)[0])
    ask(room, low, Flatten(YES))
    (sell,) = sent(room)
    room.facts((ORDER_ACKED, sell.number, "s"))
    ask(room, high, bid(40))
    displaced = sent(room, CANCEL)
    room.facts((ORDER_FILLED, sell.number, "s", sell.price, sell.size // 2, 0, 0, "half"))
    end(room, sell, sell.size // 2)
    ask(room, high, wait_ns=2 * S)
    (again,) = sent(room)

    assert displaced == []
    assert (again.side, again.size, owner(room)) == (SELL, sell.size // 2, 2)


def test_a_rescue_in_a_market_that_a_higher_tier_took_is_refused_and_what_filled_is_unwound():
    room, low, high = a_room(DIRECTIONAL, BOX_ARBITRAGE)
    legs = [bid(52, group="g", leg=0, legs=2, tif="FAK"), bid(40, OTHER, group="g", leg=1, legs=2)]
    ask(room, low, *legs)
    first, second = sent(room)
    room.facts((ORDER_ACKED, second.number, "v"))
    fill(room, first)
    ask(room, high, bid(41, OTHER))
    (cancel,) = sent(room, CANCEL)
    end(room, second)
    names = [codes.name(fields["code"]) for fields in room.verdicts()]
    (sell,) = sent(room)

    assert cancel.target == second.number
    assert names == ["NOT_OWNER", "NOT_OWNER", "OK"]
    assert (sell.instrument, sell.side) == (0, SELL)


def test_a_group_with_a_leg_in_a_market_of_another_is_refused_whole_and_takes_nothing():
    room, one, other = a_room(MARKET_MAKING, MARKET_MAKING)
    ask(room, other, bid(40, OTHER))
    legs = [bid(52, group="g", leg=0, legs=2), bid(40, OTHER, group="g", leg=1, legs=2)]

    assert ask(room, one, *legs) == ["GROUP_FAILED", "NOT_OWNER"]
    assert (owner(room), owner(room, 1), sent(room)) == (0, 2, [])


def test_a_group_that_takes_markets_over_says_so_for_each():
    room, low, high = a_room(DIRECTIONAL, BOX_ARBITRAGE)
    ask(room, low, bid(40), bid(40, OTHER))
    room.facts(*[(ORDER_ACKED, request.number, f"v{request.number}") for request in sent(room)])
    legs = [bid(41 + leg, key, group="g", leg=leg, legs=3) for leg, key in enumerate((YES, OTHER, YES))]
    ask(room, high, *legs)

    assert hand_overs(room.records()) == [{"market": market, "old": 1, "new": 2} for market in (0, 1)]
    assert len(sent(room, CANCEL)) == 2


# -- everyone may cancel -----------------------------------------------------------------------------------------------


def test_anyone_cancels_anything_in_any_mode_and_behind_any_gate():
    room, maker, other = a_room(MARKET_MAKING, DIRECTIONAL)
    ask(room, maker, bid(49), bid(48))
    one, two = sent(room)
    room.facts(*[(ORDER_ACKED, request.number, f"v{request.number}") for request in (one, two)])
    room.desk.modes.lower(STRATEGY, 2, REDUCE_ONLY)
    room.trading.gate(codes.META_CHANGED, MARKET, 0, True, room.now)

    assert ask(room, other, Cancel(one.number), CancelAll(YES)) == ["OK", "OK"]
    assert [cancel.target for cancel in sent(room, CANCEL)] == [one.number, two.number]


# -- stakes ------------------------------------------------------------------------------------------------------------


def test_what_is_traded_away_comes_off_the_asker_then_the_owner_then_the_others():
    stakes = Stakes()
    for seat, size in ((3, 40), (1, 50), (2, 60), (4, -5)):
        stakes.traded(seat, size)
    stakes.traded_away(2, 3, -70)
    after = stakes.sizes()
    stakes.traded_away(0, 0, -60)
    most = stakes.sizes()
    stakes.traded_away(2, 3, -25)
    beyond = stakes.sizes()
    stakes.traded_away(4, 0, 12)

    assert after == [(1, 50), (3, 30), (4, -5)]
    assert most == [(3, 20), (4, -5)]
    assert (beyond, stakes.sizes()) == ([(3, -5), (4, -5)], [(4, 2)])
    assert stakes.holds(4)
    assert not stakes.holds(5)


def test_an_unwinding_fill_that_is_taken_back_is_the_owners_again():
    room, maker, other = a_room(MARKET_MAKING, DIRECTIONAL)
    ask(room, maker, bid())
    fill(room, sent(room)[0])
    ask(room, other, Flatten(YES))
    (sell,) = sent(room)
    room.facts((ORDER_FILLED, sell.number, "s", sell.price, sell.size, 0, FILL_PROVISIONAL, "p"))
    assert room.desk.stakes[0].sizes() == []
    room.facts((TRADE_STATUS, sell.number, "s", "p", TRADE_FAILED))

    assert room.desk.stakes[0].sizes() == [(1, 1000 * LOT)]


def test_an_operators_flatten_taken_back_in_a_market_of_nobody_is_nobodys():
    room, maker = a_room(MARKET_MAKING)
    ask(room, maker, bid())
    fill(room, sent(room)[0])
    room.command(b'{"command":"flatten","instrument":"polymarket:YES-M"}')
    (sell,) = sent(room)
    room.desk.risk.own(0, 0)
    room.facts((ORDER_FILLED, sell.number, "s", sell.price, sell.size, 0, FILL_PROVISIONAL, "p"))
    room.facts((TRADE_STATUS, sell.number, "s", "p", TRADE_FAILED))

    assert room.desk.stakes[0].sizes() == []


def test_a_contracts_stake_is_its_signed_position():
    room, maker, other = a_room(MARKET_MAKING, MARKET_MAKING)
    ask(room, maker, Place("binance-usdm:BTC", SELL, 1000, 10))
    fill(room, sent(room)[0])
    short = room.desk.stakes[2].sizes()
    held = kept_out(room, other, price=900, instrument="binance-usdm:BTC", lots=10)
    ask(room, maker, Place("binance-usdm:BTC", BUY, 1002, 10))
    fill(room, sent(room)[0])

    assert (short, held) == ([(1, -10 * 100_000)], 1)
    assert kept_out(room, other, price=900, instrument="binance-usdm:BTC", lots=10) is None


def test_ownership_stakes_and_claims_survive_a_checkpoint_and_a_new_listing():
    room, low, high = a_room(DIRECTIONAL, BOX_ARBITRAGE)
    ask(room, low, bid())
    fill(room, sent(room)[0])
    ask(room, high, bid(40, OTHER, group="g", legs=2), bid(39, OTHER, group="g", leg=1, legs=2), bid(40))
    room.trading.relisted(room.markets[:1])
    again, *_ = a_room(DIRECTIONAL, BOX_ARBITRAGE)
    again.trading.restore(room.trading.parts())

    assert again.trading.parts() == room.trading.parts()
    assert [owner(again, market) for market in range(3)] == [2, 2, 0]
    assert again.desk.stakes[0].sizes() == [(1, 1000 * LOT)]
    assert again.desk.stakes[1].holds(2)


def test_the_next_run_begins_with_everyones_stakes():
    room, maker, box = a_room(MARKET_MAKING, BOX_ARBITRAGE)
    ask(room, maker, bid())
    fill(room, sent(room)[0])
    ask(room, box, bid(40, lots=600))
    fill(room, sent(room)[0])
    early = Room(strategies=(Says(), Says()))
    early.trading.restore_opening(room.trading.opening_payload())
    waiting = early.trading.parts()
    resumed = Room(strategies=(Says(), Says()))
    resumed.trading.restore(waiting)
    for listing in (binary(), binary("N"), contract()):
        resumed.add(listing)

    assert b'"stakes":{"polymarket:M":{"s1":10000000,"s2":6000000}}' in room.trading.opening_payload()
    assert early.trading.opening_payload().count(b'"stakes":{"polymarket:M"') == 1
    assert resumed.desk.stakes[0].sizes() == [(1, 1000 * LOT), (2, 600 * LOT)]
    assert owner(resumed) == 2


def test_an_opening_that_tells_no_stakes_gives_a_position_to_its_owner():
    room, maker = a_room(MARKET_MAKING)
    ask(room, maker, bid(40, NO))
    fill(room, sent(room)[0])
    payload = room.trading.opening_payload()
    stated = b',"stakes":{"polymarket:M":{"s1":-10000000}}'
    assert stated in payload
    again = Room(strategies=(Says(),))
    again.trading.restore_opening(payload.replace(stated, b""))
    again.add(binary())

    assert again.desk.stakes[0].sizes() == [(1, -1000 * LOT)]


# -- the veto ----------------------------------------------------------------------------------------------------------


def test_requests_are_built_only_where_admission_has_judged_or_something_is_cancelled():
    """The veto is absolute as long as these are all the places that make a request, and all the ways there."""
    made: list[tuple[str, str]] = []
    called: list[tuple[str, str]] = []
    for path in sorted(KERNEL.glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call):
                    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                    if name == "Request":
                        made.append((path.stem, function.name))
                    if name in ("_send", "_request"):
                        called.append((path.stem, function.name))

    assert made == [("request", "decode_request"), ("sender", "_request"), ("sets", "take_up")]
    assert called == [("sender", "place"), ("sender", "place_group"), ("sender", "_send"), ("sender", "cancel")]


def test_an_unwinding_is_refused_by_a_safety_gate_as_everything_is():
    room, maker = a_room(MARKET_MAKING, policy=a_policy())
    ask(room, maker, bid())
    fill(room, sent(room)[0])
    room.trading.gate(codes.META_CHANGED, MARKET, 0, True, room.now)
    names = ask(room, maker, Flatten(YES))

    assert (names, room.trading.requests) == (["OK", "GATE_CLOSED"], [])


def test_a_flatten_of_a_market_with_a_group_under_way_gets_out_once():
    room, maker, other = a_room(MARKET_MAKING, DIRECTIONAL)
    legs = [bid(52, group="g", leg=0, legs=2, tif="FAK"), bid(40, OTHER, group="g", leg=1, legs=2)]
    ask(room, maker, *legs)
    first, second = sent(room)
    room.facts((ORDER_ACKED, second.number, "v"))
    fill(room, first)
    ask(room, other, Flatten(YES), Flatten(OTHER))
    (sell,) = sent(room)
    fill(room, sell)
    end(room, second)

    assert sent(room) == []
    assert [holding.size for holding in room.desk.portfolio.holdings[:4]] == [0, 0, 0, 0]
    assert room.trading._groups.active == []


@pytest.mark.parametrize("operator", [False, True])
def test_a_group_that_loses_a_leg_to_a_flatten_is_unwound_and_not_completed(operator):
    room, maker = a_room(MARKET_MAKING)
    legs = [bid(52, group="g", leg=0, legs=2, tif="FAK"), bid(40, OTHER, group="g", leg=1, legs=2)]
    ask(room, maker, *legs)
    first, second = sent(room)
    room.facts((ORDER_ACKED, second.number, "v"))
    fill(room, first)
    fill(room, second, 600 * LOT)
    if operator:
        room.command(b'{"command":"flatten","instrument":"polymarket:YES-M"}')
    else:
        ask(room, maker, Flatten(YES))
    (sell,), (cancel,) = sent(room), sent(room, CANCEL)
    end(room, second, 600 * LOT)
    (other,) = sent(room)
    fill(room, other)
    fill(room, sell)

    assert (sell.instrument, sell.size, cancel.target) == (0, 1000 * LOT, second.number)
    assert (other.instrument, other.side, other.size) == (2, SELL, 600 * LOT)
    assert [holding.size for holding in room.desk.portfolio.holdings[:4]] == [0, 0, 0, 0]
    assert room.trading._groups.active == []


def test_two_unwindings_of_one_market_never_sell_more_than_there_is():
    room, maker = a_room(MARKET_MAKING)
    ask(room, maker, bid(lots=1500))
    fill(room, sent(room)[0])
    room.input()
    for leg in range(2):
        room.trading._unwinder.start(room.instruments[0], SELL, 1000 * LOT, 1, 9, leg)
    first = room.desk.orders.all_open()
    room.decide(0, wait_ns=2 * S)
    waiting = sent(room)
    room.facts((ORDER_FILLED, first[0].number, "v", first[0].price, first[0].size, 0, 0, "t"))
    (second,) = sent(room)
    fill(room, second)

    assert ([order.size for order in first], waiting, second.size) == ([1000 * LOT], [], 500 * LOT)
    assert room.trading._unwinder.jobs == []


def test_an_unwinding_of_what_others_have_left_too_small_ends_as_dust():
    room, maker = a_room(MARKET_MAKING)
    ask(room, maker, bid(lots=600))
    fill(room, sent(room)[0])
    room.desk.portfolio.holdings[1].size = 300 * LOT
    room.input()
    room.trading._unwinder.start(room.instruments[0], SELL, 600 * LOT, 1, 9, 0)

    assert [fields for kind, fields in room.records() if kind == "DUST"] == [{"request": 0, "size": 300 * LOT}]
    assert room.desk.orders.all_open() == []
