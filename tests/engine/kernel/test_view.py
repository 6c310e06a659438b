"""What a strategy sees, from both sides of a binary market."""

import pytest
from trading_room import Room, Says, binary, contract

from engine.kernel import kinds
from engine.kernel.events import FILL_PROVISIONAL, ORDER_ACKED, ORDER_CANCELLED, ORDER_FILLED
from engine.kernel.intents import FIELD_PRICE
from engine.kernel.modes import ACCOUNT, MARKET, REDUCE_ONLY, STRATEGY
from engine.kernel.record import NONE
from engine.kernel.step import Kernel
from engine.kernel.strategy import BUY, SELL, Cancel, Place, SetTimer
from engine.kernel.units import ASK, BID

YES, NO = "polymarket:YES-M", "polymarket:NO-M"
LOT = 10_000


@pytest.fixture
def seen():
    strategy = Says()
    room = Room(binary(), contract(), strategies=(strategy,))
    room.touch(50, 53, lots=700)
    room.decide(0)
    return room, strategy


def test_both_outcomes_see_one_book_from_their_side(seen):
    room, strategy = seen
    yes, no = strategy.view.market(YES), strategy.view.market(1)
    room.markets[0].book.set_level(ASK, 55, 20)

    assert (yes.best_bid, yes.best_ask, yes.bid_lots, yes.ask_lots) == (50, 53, 700, 700)
    assert (no.best_bid, no.best_ask, no.bid_lots, no.ask_lots) == (47, 50, 700, 700)
    assert (yes.touch(BUY), yes.touch(SELL), no.touch(BUY), no.touch(SELL)) == (50, 53, 47, 50)
    assert yes.levels(SELL, 5) == [(53, 700), (55, 20)]
    assert no.levels(BUY, 5) == [(47, 700), (45, 20)]
    assert (yes.lots_at(SELL, 55), no.lots_at(BUY, 45)) == (20, 20)
    assert (yes.tick, yes.lot, yes.whole_ticks, yes.valid, yes.status) == (100, LOT, 100, True, 1)
    assert (yes.key, yes.number, no.key, no.number) == (YES, 0, NO, 1)


def test_what_is_not_there_is_none(seen):
    _, strategy = seen
    market = strategy.view.market("binance-usdm:BTC")

    assert (market.best_bid, market.best_ask, market.bid_lots, market.ask_lots) == (None, None, 0, 0)
    assert market.touch(BUY) == market.touch(SELL) == NONE
    assert (market.last_trade, market.ticker, market.mark, market.funding, market.venue_ns) == (None,) * 5
    assert (market.own_orders, market.position_lots, market.net_lots, market.unrealised) == ((), 0, 0, 0)


def test_the_terms_of_an_order_are_in_the_instruments_own_grid(seen):
    room, strategy = seen
    room.add(binary("F", fee_ppm=40_000, fee_exponent=1, min_size=5_005_000))
    room.add(binary("U", fee_ppm=NONE))
    room.decide(0)
    yes, btc = strategy.view.market("polymarket:YES-F"), strategy.view.market("binance-usdm:BTC")

    assert (yes.complement, strategy.view.market("polymarket:NO-F").complement) == (
        "polymarket:NO-F",
        "polymarket:YES-F",
    )
    assert btc.complement is None
    assert (yes.least_lots, btc.least_lots) == (501, 1)  # whole lots, no fewer than the venue asks for
    # 20 shares at 0.30: 20 * 0.04 * 0.3 * 0.7 = 0.168, counted in 1e-10.
    assert yes.taker_fee(30, 2000) == 1_680_000_000
    assert strategy.view.market("polymarket:YES-U").taker_fee(30, 2000) is None


def test_what_the_venue_publishes_is_passed_on(seen):
    room, strategy = seen
    market, view = room.markets[1], strategy.view.market("binance-usdm:BTC")
    market.mark, market.funding, market.venue_ns = 77, 5, 99
    market.ticker_bid, market.ticker_bid_lots, market.ticker_ask, market.ticker_ask_lots = 10, 1, 12, 2
    room.markets[0].trade_price, room.markets[0].trade_size = 5_100, 30 * LOT

    assert (view.mark, view.funding, view.venue_ns, view.ticker) == (77, 5, 99, (10, 1, 12, 2))
    assert strategy.view.market(YES).last_trade == (5_100, 30)
    assert strategy.view.market(NO).last_trade == (4_900, 30)


def test_orders_and_positions_are_ours_as_asked(seen):
    room, strategy = seen
    strategy.next = [
        Place(YES, BUY, 50, 1000),
        Place(YES, SELL, 54, 600),
        Place(NO, BUY, 40, 700),
        Place("binance-usdm:BTC", BUY, 3, 5),
    ]
    room.touch(2, 4, market=1)
    room.decide(0)
    numbers = [request.number for request in room.trading.requests]
    yes, no = strategy.view.market(YES), strategy.view.market(NO)
    before = yes.own_orders

    assert [order.number for order in yes.own_orders] == numbers[:2]
    assert [order.number for order in yes.own_bids] == numbers[:1]
    assert [(order.side, order.price_ticks, order.instrument) for order in yes.own_asks] == [(SELL, 54, YES)]
    assert [order.number for order in no.own_orders] == numbers[2:3]
    assert [order.number for order in strategy.view.own_orders] == numbers
    room.facts(
        (ORDER_ACKED, numbers[0], "a"),
        (ORDER_FILLED, numbers[0], "a", 4_900, 400 * LOT, 2_000, FILL_PROVISIONAL, "t"),
        (ORDER_FILLED, numbers[2], "c", 4_000, 100 * LOT, 0, 0, "u"),
    )
    order = yes.own_bids[0]

    assert order == before[0]
    assert order != before[1]
    assert order != "an order"
    assert {order: 1}[before[0]] == 1
    assert (order.lots, order.filled_lots, order.rest_lots, order.state) == (1000, 400, 600, "PARTIAL")
    assert (order.live, order.open, order.cancelling, order.leg) == (True, True, False, 0)
    assert (yes.position_lots, yes.settled_lots, yes.net_lots) == (400, 0, 300)
    assert (no.position_lots, no.settled_lots, no.net_lots) == (100, 100, -300)
    assert (yes.cost, yes.realised, yes.fees) == (400 * LOT * 4_900, 0, 20_000_000)
    # The mid is 51.5: 400 lots bought at 49 are worth 2.5 ticks a lot more.
    assert yes.unrealised == 400 * LOT * 250
    # 4 shares at 0.49, their fee of 0.002, and 1 share at 0.40: in millionths.
    assert strategy.view.cash("pUSD") == -2_362_000
    assert strategy.view.cash("EUR") == 0
    room.markets[0].valid = False
    assert yes.unrealised is None


@pytest.mark.parametrize(("key", "prices"), [("binance-usdm:BTC", (3, 2, 5, 6)), (YES, (40, 39, 60, 61))])
def test_own_bids_and_offers_follow_every_order_that_comes_or_goes(seen, key, prices):
    room, strategy = seen
    room.touch(4, 5, market=1)
    market = strategy.view.market(key)
    empty = (market.own_bids, market.own_asks)
    numbers = []
    shown = []
    for price, side in zip(prices, (BUY, BUY, SELL, SELL), strict=True):
        strategy.next = [Place(key, side, price, 600)]
        room.decide(0)
        numbers.append(room.trading.requests[0].number)
        shown.append(([one.number for one in market.own_bids], [one.number for one in market.own_asks]))
    a, b, c, d = numbers
    again = market.own_bids
    for number in (a, d, b, c):
        room.facts((ORDER_CANCELLED, number, "v", 0, 0, 0))
        shown.append(([one.number for one in market.own_bids], [one.number for one in market.own_asks]))

    assert empty == ((), ())
    assert shown == [
        ([a], []),
        ([a, b], []),
        ([a, b], [c]),
        ([a, b], [c, d]),
        ([b], [c, d]),
        ([b], [c]),
        ([], [c]),
        ([], []),
    ]
    assert [order.open for order in again] == [False, False]


@pytest.mark.parametrize("key", ["binance-usdm:BTC", YES])
def test_a_quote_is_what_differs_from_one_order_a_side(seen, key):
    room, strategy = seen
    room.touch(40, 60, market=1)
    market = strategy.view.market(key)

    def said(*given):
        found = market.quote(*given)
        strategy.next = found
        room.decide(0)
        return [
            ("cancel", one.order.price_ticks, one.why)
            if isinstance(one, Cancel)
            else ("place", one.instrument, one.side, one.price_ticks, one.lots, one.post_only, one.why)
            for one in found
        ]

    assert said(None, None, 600) == []
    assert said(30, 70, 600, "to begin") == [
        ("place", key, BUY, 30, 600, True, "to begin"),
        ("place", key, SELL, 70, 600, True, "to begin"),
    ]
    assert said(30, 70, 900) == []
    assert said(31, 70, 600) == [("cancel", 30, ""), ("place", key, BUY, 31, 600, True, "")]
    assert said(31, None, 600) == [("cancel", 70, "")]
    assert said(None, None, 600) == [("cancel", 31, "")]
    assert said(31, 70, 600)[1] == ("place", key, SELL, 70, 600, True, "")  # a cancel of the other is on its way
    strategy.next = [Place(key, BUY, 31, 600)]
    room.decide(0)
    assert said(31, 70, 600) == [("cancel", 31, "")]  # one of two is enough


@pytest.mark.parametrize("price", [30.0, "30", 1 << 70, -(1 << 70), b""])
def test_a_quotes_price_is_judged_with_the_order(seen, price):
    room, strategy = seen
    market = strategy.view.market(YES)
    strategy.next = market.quote(30, None, 600)
    room.decide(0)
    strategy.next = found = market.quote(price, None, 600)
    verdicts = [fields for kind, fields in room.decide(0) if kind == "VERDICT"]

    assert [type(one) for one in found] == [Cancel, Place]
    assert found[1].price_ticks is price
    assert verdicts[1]["detail"] == FIELD_PRICE


def test_a_strategy_sees_its_own_timers_alone(seen):
    room, strategy = seen
    room.desk.timers.set(2, "another's", room.now + 1)
    strategy.next = [SetTimer("late", after_ns=9), SetTimer("soon", after_ns=3, every_ns=4)]
    room.decide(0)

    assert strategy.view.timers == {"soon": room.now + 3, "late": room.now + 9}
    assert list(strategy.view.timers) == ["soon", "late"]


def test_the_view_names_time_mode_and_what_is_listed(seen):
    room, strategy = seen
    view = strategy.view

    assert (view.now_ns, view.seq, view.mode) == (room.now, room.seq, "ACTIVE")
    assert view.instruments == (YES, NO, "binance-usdm:BTC")
    assert (view.listed(YES), view.listed("polymarket:none")) == (True, False)
    room.desk.modes.lower(STRATEGY, 1, REDUCE_ONLY)
    assert view.mode == "REDUCE_ONLY"
    room.desk.modes.lower(ACCOUNT, 0, REDUCE_ONLY)
    assert view.mode == "REDUCE_ONLY"
    assert view.market(YES).mode == "REDUCE_ONLY"


def test_a_markets_mode_is_the_least_of_its_scopes(seen):
    room, strategy = seen
    room.desk.modes.lower(MARKET, 0, REDUCE_ONLY)

    assert strategy.view.market(NO).mode == "REDUCE_ONLY"
    assert strategy.view.market("binance-usdm:BTC").mode == "ACTIVE"


@pytest.mark.parametrize("name", ["polymarket:none", 3, -1])
def test_an_unlisted_instrument_is_an_error(seen, name):
    with pytest.raises(KeyError):
        seen[1].view.market(name)


def test_draws_are_a_strategys_own(seen):
    view = seen[1].view

    assert view.draws("a").bits63(view.draw_key, 0) == view.draws("a").bits63(view.draw_key, 0)
    assert view.draws("a").bits63(view.draw_key, 0) != view.draws("b").bits63(view.draw_key, 0)


def test_a_short_position_is_negative_and_rounded_toward_zero(seen):
    room, strategy = seen
    room.desk.portfolio.holdings[2].size = -250_001

    assert strategy.view.market("binance-usdm:BTC").position_lots == -2


@pytest.mark.parametrize("name", ["best_bid", "position_lots", "mode"])
def test_a_view_cannot_be_written(seen, name):
    with pytest.raises((AttributeError, TypeError)):
        setattr(seen[1].view.market(YES), name, 1)
    assert BID == BUY
    assert NONE < 0


def test_every_input_has_a_draw_key_of_its_own_also_where_a_span_shares_a_number() -> None:
    kernel = Kernel({})
    keys = []
    for seq, base_seq in [(1, 0), (2, 0), (3, 1), (3, 2), (3, 3), (4, 0), (5, 4)]:
        payload = b'{"state":"up"}'
        kernel.step(seq, 10, kinds.CONNECTION, 2, payload, 0, len(payload), base_seq)
        keys.append(int(kernel.trading.desk.draw_key))

    assert len({*keys}) == len(keys)


def test_a_quote_s_rewards_are_those_of_the_formula_from_either_outcome():
    strategy = Says()
    room = Room(
        binary(reward_spread=300, reward_min_size=20_000_000, reward_rate=7), binary("N"), strategies=(strategy,)
    )
    room.touch(50, 52, lots=3_000)
    room.decide(0)
    yes, no, other = (strategy.view.market(number) for number in (0, 1, 2))
    found = yes.estimate_rewards([(BUY, 50, 3_000), (SELL, 52, 3_000)])

    assert (yes.rewards.spread, yes.rewards.min_size, yes.rewards.rate, yes.rewards.scale) == (
        300,
        20 * 10**6,
        7,
        10**4,
    )
    assert (found.low, found.high) == (5 * 10**17, 5 * 10**17 * 4 // 3 // 10**0) or found.low == 5 * 10**17
    assert found.points == no.estimate_rewards([(SELL, 50, 3_000), (BUY, 48, 3_000)]).points > 0
    assert other.rewards is None
    assert other.estimate_rewards([(BUY, 50, 3_000)]).points == 0
    assert yes.income == 0
