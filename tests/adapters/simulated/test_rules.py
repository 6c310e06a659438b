"""The venue's own rules: buckets, rules of single markets, self-trades, held takers, reduce-only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import LOT, MS, TICK, Said, Stage
from trading_room import Room, binary, contract

from adapters.simulated.clearing import Clearing
from adapters.simulated.fills import Fills, Partial, Slippage
from adapters.simulated.latency import Delay, Latency
from adapters.simulated.models import Models
from adapters.simulated.queue import Queue
from adapters.simulated.rules import SELF_NAMES, Bucket, MarketRule, Rules
from engine.kernel import codes
from engine.kernel.events import SIDE_UNKNOWN, STATUS_CLOSED, Listing
from engine.kernel.units import ASK, BID, BUY, SELL

S = 1_000_000_000


def staged(rules: Rules | None = None, fills: Fills | None = None, listing: Listing | None = None) -> Stage:
    """A stage with the usual delays under *rules*."""
    latency = Latency(Delay(40 * MS), Delay(40 * MS), Delay(30 * MS))
    rules = Rules() if rules is None else rules
    models = Models(latency, Queue(), Fills() if fills is None else fills, Slippage(), rules, Clearing())
    return Stage(40, 30, models, listing)


def kinds(found: list[Said]) -> list[str]:
    return [said.kind for said in found]


# -- buckets ----------------------------------------------------------------------------------------------------------


def test_a_bucket_gives_its_burst_at_once_and_its_rate_from_then_on() -> None:
    bucket = Bucket(10, 3)

    assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(at * S // 10) for at in (1, 1, 2)] == [True, False, True]
    assert not bucket.take(3 * S // 10 - 1)
    assert bucket.take(3 * S // 10)
    assert [bucket.take(10**18) for _ in range(4)] == [True, True, True, False]


def test_a_bucket_without_a_rate_refuses_nothing() -> None:
    bucket = Bucket(0, 0)

    assert all(bucket.take(0) for _ in range(1000))


@given(st.integers(1, 50), st.integers(1, 5), st.lists(st.integers(0, S), max_size=60))
def test_no_second_sees_more_than_the_burst_and_the_rate(rate: int, burst: int, waits: list[int]) -> None:
    bucket = Bucket(rate, burst)
    taken: list[int] = []
    now = 0
    for wait in waits:
        now += wait
        if bucket.take(now):
            taken.append(now)

    for at in taken:
        assert sum(at <= other < at + S for other in taken) <= burst + rate


def test_what_goes_beyond_the_rate_is_refused_and_cancels_have_a_bucket_of_their_own() -> None:
    stage = staged(Rules(orders=Bucket(1, 2), cancels=Bucket(1, 1)))
    orders = [stage.place(BUY, 39, 10) for _ in range(3)]
    stage.wait(100 * MS)
    for number in orders[:2]:
        stage.cancel(number)
    stage.settle()

    assert [kinds(stage.of(number)) for number in orders] == [
        ["ACKED", "CANCELLED"],
        ["ACKED", "CANCEL_REFUSED"],
        ["REJECTED"],
    ]
    assert stage.of(orders[1])[-1].value == stage.of(orders[2])[-1].value == codes.RATE_LIMIT
    assert stage.venue.rejected == 1


# -- rules of single markets ------------------------------------------------------------------------------------------


def test_the_first_rule_that_fits_a_market_holds_there() -> None:
    first, second = MarketRule("polymarket:M*", 1, 0), MarketRule("*", 2, 0)
    rules = Rules(markets=(MarketRule("binance:M", 3, 0), first, second))
    room = Room(binary("M"), binary("N"), contract("M"))

    assert [rules.place(market) for market in room.markets] == [1, 2, 2]
    assert Rules(markets=(first,)).place(room.markets[1]) == -1
    assert MarketRule("polymarket:M", 1, 0).fits(room.markets[0])


def test_a_taker_is_held_back_and_meets_the_market_as_it_is_then() -> None:
    stage = staged(Rules(markets=(MarketRule("*", 250 * MS, 0),)))
    late, early = stage.place(BUY, 42, 10), stage.place(BUY, 42, 10, tif="FAK")
    resting = stage.place(BUY, 39, 10)
    stage.to(100 * MS)
    stage.snapshot({40: 5}, {41: 5, 45: 5})
    stage.settle()

    assert stage.of(resting)[0].venue_ns == 40 * MS
    assert [(said.kind, said.venue_ns, said.price // TICK) for said in stage.of(late)] == [
        ("ACKED", 290 * MS, 0),
        ("FILLED", 290 * MS, 41),
    ]
    assert kinds(stage.of(early)) == ["ACKED", "CANCELLED"]


def test_a_taker_that_waits_cannot_be_taken_back() -> None:
    stage = staged(Rules(markets=(MarketRule("*", 250 * MS, 0),)))
    number = stage.place(BUY, 42, 10)
    stage.cancel(number)
    stage.wait(200 * MS)
    assert [(said.kind, said.value) for said in stage.of(number)] == [("CANCEL_REFUSED", codes.CANCEL_FAILED)]
    stage.settle()

    assert kinds(stage.of(number)) == ["CANCEL_REFUSED", "ACKED", "FILLED"]


def test_a_taker_whose_market_closes_while_it_waits_is_refused() -> None:
    stage = staged(Rules(markets=(MarketRule("*", 250 * MS, 0),)))
    number = stage.place(BUY, 42, 10)
    stage.wait(100 * MS)
    stage.market.status = STATUS_CLOSED
    stage.settle()

    assert [(said.kind, said.value) for said in stage.of(number)] == [("REJECTED", codes.MARKET_CLOSED)]


def test_takers_are_let_in_by_when_they_have_waited_long_enough_and_before_requests_of_that_instant() -> None:
    stage = staged(Rules(markets=(MarketRule("*", 40 * MS, 0),)))
    first = stage.place(BUY, 42, 10)
    stage.wait(40 * MS)
    second = stage.place(BUY, 42, 10)
    at_once = stage.place(BUY, 39, 10)
    stage.settle()

    assert [said.request for said in stage.heard if said.kind == "ACKED"] == [first, at_once, second]


def test_a_small_buy_that_would_take_is_refused_and_one_that_rests_is_not() -> None:
    """Five shares at 0.42 are worth 2.10."""
    stage = staged(Rules(markets=(MarketRule("*", 0, 2_200_000),)))
    small, passive, sale = stage.place(BUY, 42, 500), stage.place(BUY, 39, 500), stage.place(SELL, 40, 500)
    large = stage.place(BUY, 42, 524)
    stage.settle()

    assert [(said.kind, said.value) for said in stage.of(small)] == [("REJECTED", codes.SIZE_BELOW_MIN)]
    assert kinds(stage.of(passive)) == ["ACKED"]
    assert kinds(stage.of(sale)) == kinds(stage.of(large)) == ["ACKED", "FILLED"]


# -- GTD --------------------------------------------------------------------------------------------------------------


def test_a_gtd_order_ends_at_the_last_whole_step_of_its_venue() -> None:
    stage = staged(Rules(gtd_step_ns=S))
    number, short = (
        stage.place(BUY, 39, 10, tif="GTD", ttl_ns=2900 * MS),
        stage.place(BUY, 39, 10, tif="GTD", ttl_ns=900 * MS),
    )
    stage.wait(3 * S)

    assert [(said.kind, said.venue_ns) for said in stage.of(number)] == [("ACKED", 40 * MS), ("EXPIRED", 2 * S)]
    assert [(said.kind, said.value) for said in stage.of(short)] == [("REJECTED", codes.TTL_INVALID)]


# -- our own orders meeting ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "resting", "taking"),
    [
        ("none", [], [("FILLED", 42, 5)]),
        ("trade", [("FILLED", 41, 10)], [("FILLED", 41, 10), ("FILLED", 42, 5)]),
        ("cancel_newest", [], [("CANCELLED", 0, 0)]),
        ("cancel_oldest", [("CANCELLED", 0, 0)], [("FILLED", 42, 5)]),
        ("cancel_both", [("CANCELLED", 0, 0)], [("CANCELLED", 0, 0)]),
    ],
)
@pytest.mark.parametrize("outcome", [0, 1])
def test_what_becomes_of_an_order_that_meets_ours(
    rule: str, resting: list[tuple[str, int, int]], taking: list[tuple[str, int, int]], outcome: int
) -> None:
    """An offer of 10 at 41 rests before the market's 5 at 42; a bid for the rest comes to both."""
    stage = staged(Rules(self_trade=SELF_NAMES.index(rule)))
    stage.levels({30: 5}, {42: 5})
    if outcome == 0:
        offer = stage.place(SELL, 41, 10)
    else:
        offer = stage.place(BUY, 59, 10, outcome=1)  # a bid for No at 0.59 is an offer of Yes at 0.41
    stage.wait(100 * MS)
    lots = 15 if rule == "trade" else 5
    bid = stage.place(BUY, 42, lots, tif="FAK")
    stage.settle()

    def said(number: int, complement: bool) -> list[tuple[str, int, int]]:
        told = stage.of(number)[1:]
        return [
            (
                one.kind,
                (100 - one.price // TICK if complement else one.price // TICK) if one.price else 0,
                one.value // LOT,
            )
            for one in told
        ]

    assert said(offer, outcome == 1) == resting
    assert said(bid, False) == taking


@pytest.mark.parametrize(("ahead", "taken"), [(0, [41]), (3, [41, 41])])
def test_at_one_price_what_stood_before_ours_trades_first(ahead: int, taken: list[int]) -> None:
    stage = staged(Rules(self_trade=SELF_NAMES.index("trade")))
    stage.levels({30: 500}, {41: ahead, 42: 500})
    offer = stage.place(SELL, 41, 10)
    stage.wait(100 * MS)
    stage.level(ASK, 41, ahead + 4)
    bid = stage.place(BUY, 41, 10, tif="FAK")
    stage.settle()
    fills = [(said.price // TICK, said.value // LOT) for said in stage.of(bid) if said.kind == "FILLED"]

    assert fills == ([(41, 10)] if ahead == 0 else [(41, 3), (41, 7)])
    assert [said.value // LOT for said in stage.of(offer)[1:]] == [10 if ahead == 0 else 7]


@pytest.mark.parametrize("rule", ["trade", "cancel_newest", "cancel_oldest", "cancel_both"])
def test_a_post_only_order_that_would_meet_ours_crosses(rule: str) -> None:
    stage = staged(Rules(self_trade=SELF_NAMES.index(rule)))
    stage.place(SELL, 41, 10)
    stage.wait(100 * MS)
    number = stage.place(BUY, 41, 10, post_only=True)
    stage.settle()

    assert [(said.kind, said.value) for said in stage.of(number)] == [("REJECTED", codes.WOULD_CROSS)]


@pytest.mark.parametrize(
    ("rule", "filled"),
    [("none", False), ("trade", True), ("cancel_newest", False), ("cancel_oldest", False), ("cancel_both", False)],
)
def test_all_or_nothing_counts_ours_only_where_it_would_trade(rule: str, filled: bool) -> None:
    stage = staged(Rules(self_trade=SELF_NAMES.index(rule)))
    stage.levels({30: 5}, {42: 5})
    stage.place(SELL, 41, 10)
    stage.wait(100 * MS)
    number = stage.place(BUY, 42, 15, tif="FOK")
    stage.settle()

    assert ("FILLED" in kinds(stage.of(number))) == filled


# -- reduce-only ------------------------------------------------------------------------------------------------------


def perpetual(position: int) -> Stage:
    """A perpetual at 40 to 42 ticks, of which *position* lots are held from before."""
    stage = staged(listing=contract())
    stage.venue.hold(0, position * stage.lot)
    return stage


def filled_lots(stage: Stage, number: int) -> list[int]:
    return [said.value // stage.lot for said in stage.of(number) if said.kind == "FILLED"]


@pytest.mark.parametrize(("position", "side"), [(0, SELL), (5, BUY), (-5, SELL)])
def test_an_order_that_only_reduces_is_refused_where_nothing_is_to_be_reduced(position: int, side: int) -> None:
    stage = perpetual(position)
    number = stage.place(side, 41, 3, reduce_only=True)
    stage.settle()

    assert [(said.kind, said.value) for said in stage.of(number)] == [("REJECTED", codes.NOT_REDUCING)]


@pytest.mark.parametrize(("position", "side"), [(5, SELL), (-5, BUY)])
def test_an_order_that_only_reduces_takes_no_more_than_is_held(position: int, side: int) -> None:
    stage = perpetual(position)
    number = stage.place(side, 41 + (1 if side == BUY else -1), 9, reduce_only=True)
    whole = stage.place(side, 41 + (1 if side == BUY else -1), 9, tif="FOK", reduce_only=True)
    stage.settle()

    assert filled_lots(stage, number) == [5]
    assert kinds(stage.of(number)) == ["ACKED", "FILLED", "CANCELLED"]
    assert kinds(stage.of(whole)) == ["REJECTED"], "nothing was left by then"


def test_all_or_nothing_of_more_than_is_held_is_nothing() -> None:
    stage = perpetual(5)
    number = stage.place(SELL, 40, 9, tif="FOK", reduce_only=True)
    stage.settle()

    assert kinds(stage.of(number)) == ["ACKED", "CANCELLED"]


def test_resting_orders_that_only_reduce_share_what_is_held_and_end_with_it() -> None:
    stage = perpetual(5)
    first, second, plain = (stage.place(SELL, 45, lots, reduce_only=lots < 9) for lots in (3, 4, 9))
    stage.wait(100 * MS)
    stage.frame(200 * MS, traded=46)
    stage.settle()

    assert [filled_lots(stage, number) for number in (first, second, plain)] == [[3], [2], [9]]
    assert kinds(stage.of(second)) == ["ACKED", "FILLED", "CANCELLED"]


def test_an_order_of_ours_that_has_nothing_left_to_reduce_ends_when_we_meet_it() -> None:
    stage = staged(Rules(self_trade=SELF_NAMES.index("trade")), listing=contract())
    stage.venue.hold(0, 3 * stage.lot)
    spent, open_ = stage.place(SELL, 41, 3, reduce_only=True), stage.place(SELL, 40, 3)
    stage.wait(100 * MS)
    bid = stage.place(BUY, 41, 5, tif="FAK")
    stage.settle()

    assert kinds(stage.of(open_)) == ["ACKED", "FILLED"], "it crossed, and sold what was held"
    assert kinds(stage.of(spent)) == ["ACKED", "CANCELLED"]
    assert kinds(stage.of(bid)) == ["ACKED", "CANCELLED"]


def test_tokens_are_not_judged_by_a_flag_of_contracts() -> None:
    stage = staged()
    number = stage.place(SELL, 45, 10, reduce_only=True)
    stage.settle()

    assert kinds(stage.of(number)) == ["ACKED"]


# -- partial fills ----------------------------------------------------------------------------------------------------


def test_a_trade_fills_no_more_than_came_past_the_queue_and_is_shared_by_our_orders() -> None:
    stage = staged(fills=Partial())
    stage.levels({40: 20}, {42: 20})
    first, second = stage.place(BUY, 40, 10), stage.place(BUY, 40, 10)
    stage.wait(100 * MS)
    stage.frame(200 * MS, traded=40, traded_lots=24, taker=SELL)
    stage.frame(300 * MS, traded=40, traded_lots=8, taker=SELL)
    stage.settle()

    assert [filled_lots(stage, number) for number in (first, second)] == [[4, 6], [2]]


def test_a_trade_beyond_our_price_fills_no_more_than_it_was() -> None:
    stage = staged(fills=Partial())
    first, second = stage.place(BUY, 39, 10), stage.place(BUY, 38, 10)
    stage.wait(100 * MS)
    stage.frame(200 * MS, traded=37, traded_lots=14, taker=SIDE_UNKNOWN)
    stage.settle()

    assert [filled_lots(stage, number) for number in (first, second)] == [[10], [4]]


def test_a_level_that_reaches_us_fills_what_it_holds_and_is_gone_for_takers_until_it_is_stated_again() -> None:
    stage = staged(fills=Partial())
    resting = stage.place(BUY, 39, 10)
    stage.wait(100 * MS)
    stage.to(200 * MS)
    stage.levels({30: 5}, {39: 4, 45: 50})
    stage.level(ASK, 39, 4)
    taker = stage.place(BUY, 39, 5, tif="FAK")
    stage.wait(250 * MS)
    stage.level(ASK, 39, 7)
    again = stage.place(BUY, 39, 5, tif="FAK")
    stage.settle()

    assert filled_lots(stage, resting) == [4, 6]
    assert filled_lots(stage, taker) == []
    assert filled_lots(stage, again) == [1], "6 of the 7 were ours"


# -- what our takers took ----------------------------------------------------------------------------------------------


def test_what_was_taken_of_a_level_is_gone_until_the_level_is_stated_again() -> None:
    stage = staged()
    stage.levels({30: 5}, {42: 10, 43: 10})
    first, second = stage.place(BUY, 43, 6, tif="FAK"), stage.place(BUY, 43, 6, tif="FAK")
    stage.wait(100 * MS)
    watch = stage.venue.watch(0)
    assert (watch.count, stage.venue.resting, watch.ask_low, watch.ask_high) == (1, 1, 42 * TICK, 43 * TICK)
    stage.level(ASK, 42, 3)
    third = stage.place(BUY, 43, 12, tif="FAK")
    stage.settle()

    def fills(number: int) -> list[tuple[int, int]]:
        return [(said.price // TICK, said.value // LOT) for said in stage.of(number) if said.kind == "FILLED"]

    assert [fills(number) for number in (first, second, third)] == [
        [(42, 6)],
        [(42, 4), (43, 2)],
        [(42, 3), (43, 8)],
    ]


def test_nothing_is_watched_once_all_that_was_taken_is_stated_again() -> None:
    stage = staged()
    stage.place(BUY, 42, 6, tif="FAK")
    stage.settle()
    assert stage.venue.resting == 1
    stage.level(BID, 42, 1)
    assert stage.venue.resting == 1, "another side's level"
    stage.level(ASK, 42, 9)

    assert stage.venue.resting == stage.venue.watch(0).count == 0
