"""The rewards maker on the kernel's own view: what it wants, what it lets wait, and what it remembers."""

import re
from typing import Any

import pytest
from attrs import NOTHING, fields
from attrs.exceptions import FrozenAttributeError
from hypothesis import given, settings
from hypothesis import strategies as st
from maker_room import M, Pick, random
from trading_room import Room, Says, a_policy, binary

from engine import ROOT
from engine.kernel import codes
from engine.kernel.derived import MERGE
from engine.kernel.events import (
    FILL_MAKER,
    ORDER_ACKED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_UNKNOWN,
    STATUS_HALTED,
)
from engine.kernel.heuristics import COMPRESSION, CROWDING, TOXICITY
from engine.kernel.market import WAKE_TOUCH, WAKE_TRADE
from engine.kernel.memory import decode_memory, encode_memory
from engine.kernel.modes import ACCOUNT, MARKET, REDUCE_ONLY
from engine.kernel.order import Order
from engine.kernel.policy import Rule
from engine.kernel.record import NONE
from engine.kernel.strategy import BOX_ARBITRAGE, BUY, DIRECTIONAL, Place
from engine.kernel.units import ASK, BID, SELL
from engine.strategies.maker_parameters import MakerParameters
from engine.strategies.order_manager import MINUTE_NS
from engine.strategies.rewards_maker import RewardsMaker
from engine.strategies.verification import FOR_EVER, least_pay, new_entry, scores, verified
from replay.heuristics_config import HeuristicsConfig, settings_of

MS = 1_000_000
KEY = "polymarket:YES-M"


ALLOWED = {int(codes.OK), int(codes.NOT_OWNER), int(codes.GATE_CLOSED)}
"""What the view does not show: whose market it is, and a gate that an order of unknown fate closed."""


def maker(**changes: Any) -> RewardsMaker:
    return RewardsMaker(**{"size_lots": 60 * M, "max_position_lots": 200 * M, "review_ms": 1_000, **changes})


class Market:
    """One rewarded market, its maker, and a venue that does as it is told."""

    def __init__(
        self,
        strategy: RewardsMaker | None = None,
        heuristics: bool = False,
        other_tier: int = BOX_ARBITRAGE,
        **listing: Any,
    ) -> None:
        self.maker = maker() if strategy is None else strategy
        self.other = Says()
        self.other.tier = other_tier  # type: ignore[attr-defined]
        policy = a_policy(rules=(Rule("*", 10**18, 0, 10**13, ("GTC",)),))
        self.room = Room(policy=policy, strategies=(self.maker, self.other))
        if heuristics:
            self.room.trading.watch_others(settings_of(HeuristicsConfig()))
        rewards = {"lot": 1, "reward_spread": 450, "reward_min_size": 50 * M, "reward_rate": 100 * M}
        self.room.add(binary(**{**rewards, **listing}))
        self.trades = 0

    @property
    def book(self) -> Any:
        return self.room.markets[0].book

    @property
    def known(self) -> dict[str, Any]:
        found: dict[str, Any] = self.maker.memory["markets"][KEY]
        return found

    def open(self) -> list[Order]:
        return list(self.room.desk.orders.all_open())

    def quotes(self) -> list[tuple[str, int, int]]:
        """(side, ticks, shares) of each open order that is not being cancelled, as asked."""
        views = [one for one in self.maker_view().own_orders if not one.cancelling]
        return [("bid" if one.side == BID else "ask", one.price_ticks, one.rest_lots // M) for one in views]

    def maker_view(self) -> Any:
        return self.room.trading._strategies._views[0]

    def sees(self, bid: int, ask: int, wait_ms: int = 0, lots: int = 300 * M, bits: int = WAKE_TOUCH) -> list[str]:
        """The touch moved; what was wanted, in words."""
        self.room.touch(bid, ask, lots)
        return said(self.room.decide(0, wait_ns=wait_ms * MS, bits=bits))

    def acks(self) -> list[str]:
        """The venue has all orders."""
        pending = [one for one in self.open() if one.state == 1]
        return said(self.room.facts(*[(ORDER_ACKED, one.number, f"v{one.number}") for one in pending]))

    def cancelled(self) -> list[str]:
        """The venue has cancelled what was to be cancelled."""
        gone = [one for one in self.open() if one.cancel]
        return said(self.room.facts(*[(ORDER_CANCELLED, one.number, "", one.filled) for one in gone]))

    def fills(self, side: str, shares: int) -> list[str]:
        """Someone trades with our order of that side."""
        self.trades += 1
        order = next(one for one in self.open() if one.mirrored() == (side == "ask"))
        fill = (ORDER_FILLED, order.number, "", order.price, shares * M, NONE, FILL_MAKER, f"t{self.trades}")
        return said(self.room.facts(fill))

    def review(self) -> list[str]:
        """The timer falls due."""
        room, trading = self.room, self.room.trading
        due = trading.next_due()
        room.input(max(0, int(due) - room.now))
        assert trading.on_timer(room.seq, room.now, trading.next_timer(), due) == codes.OK
        trading.decide(room.seq, room.now, [])
        return said(room.records())


def said(records: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Why each order was placed or cancelled; nothing may have been refused that could have been known."""
    assert {fields["code"] for kind, fields in records if kind == "VERDICT"} <= ALLOWED
    return [str(fields["why"]) for kind, fields in records if kind == "INTENT" and fields["what"] in (1, 2)]


def test_both_sides_of_the_first_outcome_are_quoted_and_the_second_is_the_same_book() -> None:
    market = Market()

    assert market.sees(48, 52) == ["quote", "quote"]
    assert market.quotes() == [("bid", 48, 60), ("ask", 52, 60)]
    # The offer was sent as a bid for the other outcome: there is no stock.
    assert [(one.instrument.number, one.side) for one in market.open()] == [(0, BID), (1, BID)]
    assert market.maker.memory["markets"]["polymarket:NO-M"] == {}


def test_nothing_is_done_while_nothing_moves_and_while_the_midpoint_moves_a_little() -> None:
    market = Market()
    market.sees(49, 51)
    market.acks()

    assert market.sees(49, 51, wait_ms=5_000) == []
    assert market.sees(49, 52, wait_ms=5_000) == []  # the ideal bid went from 48.5 to 49
    assert market.quotes() == [("bid", 48, 60), ("ask", 52, 60)]


def test_a_quote_moves_when_it_has_rested_and_not_before() -> None:
    market = Market(maker(max_position_lots=100 * M))
    market.sees(49, 51)
    market.acks()

    assert market.sees(46, 48, wait_ms=400) == []  # the bid stands at the offer, and has to wait all the same
    assert market.known["waits"]
    assert market.review() == ["moved", "moved"]
    assert market.quotes() == []
    market.cancelled()
    assert market.quotes() == [("bid", 45, 60), ("ask", 49, 60)]


def test_the_old_quote_counts_against_the_bounds_until_it_is_gone() -> None:
    market = Market(maker(max_position_lots=100 * M))
    market.sees(49, 51)
    market.acks()

    assert market.sees(46, 48, wait_ms=5_000) == ["moved", "moved"]  # 60 and 60 would be 120
    assert market.cancelled() == ["quote", "quote"]
    assert Market(maker(max_position_lots=120 * M)).sees(49, 51) == ["quote", "quote"]


def test_where_there_is_room_for_both_the_new_quote_does_not_wait_for_the_old() -> None:
    market = Market(maker(max_position_lots=120 * M))
    market.sees(49, 51)
    market.acks()

    assert market.sees(44, 46, wait_ms=5_000) == ["moved", "moved", "quote"]  # the new offer would meet the old bid
    assert market.cancelled() == ["quote"]


@pytest.mark.parametrize(
    "happens",
    [
        lambda market: setattr(market.room.markets[0], "status", STATUS_HALTED),
        lambda market: market.room.trading._control.lower(ACCOUNT, 0, REDUCE_ONLY, codes.STRAT_FAULT),
        lambda market: market.room.trading._control.lower(MARKET, 0, REDUCE_ONLY, codes.STRAT_FAULT),
    ],
)
def test_quotes_are_pulled_at_once_where_it_is_not_safe(happens: Any) -> None:
    market = Market()
    market.sees(48, 52)
    happens(market)

    assert market.sees(48, 52, wait_ms=1) == ["not safe", "not safe"]
    assert market.sees(48, 52, wait_ms=5_000) == []


@pytest.mark.parametrize(
    "happens", [lambda market: setattr(market.room.markets[0], "valid", False), lambda market: market.book.clear()]
)
def test_a_book_that_is_unfit_for_a_moment_moves_nothing_and_for_longer_pulls_the_quotes(happens: Any) -> None:
    market = Market()
    market.sees(48, 52)
    market.acks()
    happens(market)
    assert said(market.room.decide(0)) == []
    assert said(market.room.decide(0, wait_ns=240 * MS)) == []
    market.room.markets[0].valid = True
    assert market.sees(48, 52) == []
    happens(market)

    assert said(market.room.decide(0, wait_ns=240 * MS)) == []
    assert market.review() == ["not safe", "not safe"]


def test_a_market_that_is_as_good_as_decided_is_left_and_orders_rest_as_long_as_they_have_to() -> None:
    market = Market()
    market.sees(12, 14)
    market.acks()

    assert market.sees(6, 8, wait_ms=400) == []
    assert market.sees(6, 8, wait_ms=600) == ["no quote", "no quote"]
    assert market.sees(93, 95, wait_ms=9_000) == []


def level(market: Market, heuristic: int, high: bool = False) -> None:
    """Have that heuristic reach its threshold."""
    watch = market.room.desk.watch
    assert watch is not None
    gauge = watch.markets[0].settings.gauges[heuristic - 1]
    watch.markets[0].judge(heuristic, gauge.high if high else gauge.raised, market.room.now)


def test_toxicity_widens_the_quotes_and_then_pulls_them() -> None:
    market = Market(maker(toxicity_mills=15), heuristics=True)
    market.sees(49, 51)
    market.acks()
    assert market.quotes() == [("bid", 48, 60), ("ask", 52, 60)]

    level(market, TOXICITY)
    assert market.sees(49, 51, wait_ms=5_000) == ["moved", "moved", "quote", "quote"]
    assert market.quotes() == [("bid", 47, 60), ("ask", 53, 60)]
    market.cancelled()
    market.acks()
    level(market, TOXICITY, high=True)
    assert market.sees(49, 51, wait_ms=5_000) == ["no quote", "no quote"]


@pytest.mark.parametrize(("heuristic", "parameter"), [(CROWDING, "crowding_mills"), (COMPRESSION, "compression_mills")])
def test_crowding_and_compression_widen_by_their_own_parameter(heuristic: int, parameter: str) -> None:
    quotes = []
    for mills in (0, 15):
        market = Market(maker(**{parameter: mills}), heuristics=True)
        level(market, heuristic)
        market.sees(49, 51)
        quotes.append([price for _, price, _ in market.quotes()])

    assert quotes == [[48, 52], [47, 53]]


def test_a_fill_leans_the_quotes_and_stays_within_the_bounds() -> None:
    market = Market(maker(max_position_lots=100 * M, skew_mills=30))
    market.sees(49, 51)
    market.acks()
    market.fills("bid", 60)

    assert market.maker_view().market(KEY).net_lots == 60 * M
    assert market.quotes() == [("ask", 52, 60)]  # 60 more would be 120
    market.sees(49, 51, wait_ms=5_000)
    assert market.quotes() == [("ask", 51, 60)]
    assert [one.price_ticks for one in market.maker_view().own_orders if one.cancelling] == [52]


def test_a_rest_too_small_to_score_is_replaced() -> None:
    market = Market()
    market.sees(49, 51)
    market.acks()
    market.fills("ask", 5)
    assert market.sees(49, 51, wait_ms=5_000) == []

    assert market.fills("ask", 10) == ["moved", "quote"]


def test_a_cancel_is_always_within_the_budget_and_orders_wait_for_it() -> None:
    market = Market(maker(call_burst=3, calls_per_minute=1))
    assert market.sees(49, 51) == ["quote"]  # two calls are left, one of them to cancel with
    market.acks()
    assert market.known["waits"]
    market.room.markets[0].status = STATUS_HALTED

    assert market.sees(49, 51) == ["not safe"]


def test_a_refused_order_is_not_asked_for_again_at_once() -> None:
    market = Market()
    market.sees(48, 52)
    for order in market.open():
        market.room.facts((ORDER_REJECTED, order.number, "", int(codes.VENUE_ERROR)))
    assert market.open() == []

    assert market.sees(48, 52, wait_ms=1_900) == []
    assert market.sees(48, 52, wait_ms=100) == ["quote", "quote"]  # twice a second, as it came to nothing
    for order in market.open():
        market.room.facts((ORDER_REJECTED, order.number, "", int(codes.VENUE_ERROR)))
    assert market.sees(48, 52, wait_ms=3_900) == []
    assert market.sees(48, 52, wait_ms=100) == ["quote", "quote"]
    market.acks()
    assert market.known["refused"] == [0, 0]


def test_a_market_that_another_strategy_takes_is_left_to_it_and_its_orders_stay() -> None:
    market = Market()
    market.sees(48, 52)
    market.acks()
    market.other.next = [Place(KEY, BUY, 40, 20 * M)]
    market.sees(48, 52, wait_ms=5_000)  # the kernel cancels the maker's orders there
    market.cancelled()
    market.acks()
    assert [(one.seat, one.price) for one in market.open()] == [(2, 4_000)]

    for wait_ms in (2_000, 20_000, 200_000):
        assert market.sees(49, 53, wait_ms=wait_ms) == []
    assert [(one.seat, one.cancel) for one in market.open()] == [(2, 0)]
    assert market.known["misses"] == 0


def test_a_market_of_a_weaker_strategy_is_taken_over_and_the_kernel_ends_its_orders() -> None:
    market = Market(other_tier=DIRECTIONAL)
    market.other.next = [Place(KEY, BUY, 40, 20 * M)]
    market.room.decide(0)
    assert [one.seat for one in market.open()] == [2]

    assert market.sees(48, 52, wait_ms=5_000) == ["quote", "quote"]
    assert [(one.seat, one.cancel > 0) for one in market.open()] == [(2, True), (1, False), (1, False)]


def test_trades_move_the_fair_price_and_are_forgotten() -> None:
    market = Market(maker(trade_percent=100))
    traded = market.room.markets[0]
    traded.trade_price, traded.trade_size = 4_900, 1_000 * M
    market.sees(49, 53, bits=WAKE_TOUCH | WAKE_TRADE)
    assert market.quotes() == [("bid", 48, 60), ("ask", 53, 60)]
    market.acks()

    assert market.sees(49, 53, wait_ms=6_000) == ["moved", "quote"]
    assert market.quotes() == [("ask", 53, 60), ("bid", 49, 60)]


def test_the_midpoint_of_the_rewards_passes_over_small_levels() -> None:
    market = Market()
    market.book.set_level(BID, 46, 300 * M)
    market.book.set_level(BID, 50, 10 * M)
    market.book.set_level(ASK, 52, 300 * M)
    said(market.room.decide(0))

    # It is 49: offers score most of all up to 52.6. Around 51, the ideal price of 52.03 would have become 53.
    assert [price for _, price, _ in market.quotes()] == [49, 52]


def test_an_order_says_what_its_pair_is_paid_for_a_minute() -> None:
    market = Market()
    market.room.touch(48, 52, 60 * M)
    records = market.room.decide(0)
    first = next(fields for kind, fields in records if kind == "INTENT" and fields["what"] == 1)

    # They score as much as the only others: a half of 100 a day, in 1,440 samples, at 1e-10 of the currency.
    assert first["tags"] == ("share 500000 ppm",)
    assert first["expected_value"] == 100 * 10**10 // 2 // 1440


def test_unrewarded_markets_are_quoted_only_where_that_is_wanted() -> None:
    assert Market(reward_rate=0).sees(48, 52) == []
    assert Market(maker(rewarded_only=False), reward_rate=0).sees(48, 52) == ["quote", "quote"]
    assert Market(maker(rewarded_only=False), reward_spread=0).sees(44, 54) == ["quote", "quote"]


# -- verification ------------------------------------------------------------------------------------------------------


def unscored(**changes: Any) -> Market:
    """A market whose resting quotes stop to score, because the book they rest in thinned out."""
    market = Market(maker(**{"verify_ms": 1_000, "patience": 2, **changes}))
    market.sees(49, 51)
    market.acks()
    return market


def checks(market: Market, times: int) -> list[str]:
    """So many reviews."""
    return [why for _ in range(times) for why in market.review()]


def test_quotes_that_score_stay() -> None:
    market = unscored()

    assert checks(market, 5) == []
    assert (market.known["hits"], market.known["misses"]) == (5, 0)


def test_quotes_that_do_not_score_enough_move_nearer_and_then_the_market_is_left() -> None:
    market = unscored(least_share_ppm=900_000, most_adjustments=1, leave_ms=10_000)

    assert checks(market, 1) == []
    assert checks(market, 1) == ["moved", "moved", "quote", "quote"]
    assert market.quotes() == [("bid", 49, 60), ("ask", 51, 60)]
    market.cancelled()
    market.acks()
    assert checks(market, 3) == ["no quote", "no quote"]
    market.cancelled()
    assert market.sees(49, 51) == []
    assert checks(market, 8) == []
    assert checks(market, 1) == ["quote", "quote"]  # back after its time away
    assert market.known["nearer"] == 0


def test_a_market_is_left_at_once_where_that_is_wanted_and_for_good() -> None:
    market = unscored(least_share_ppm=900_000, on_not_scoring="leave", leave_ms=0)

    assert checks(market, 2) == ["no quote", "no quote"]
    market.cancelled()
    assert market.known["left_until_ns"] == FOR_EVER
    assert market.sees(49, 51, wait_ms=86_400_000) == []


def test_quotes_may_stay_whether_they_score_or_not() -> None:
    market = unscored(least_share_ppm=900_000, on_not_scoring="keep")

    assert checks(market, 8) == []


def test_what_was_adjusted_is_taken_back_when_it_scores_again() -> None:
    rules = MakerParameters(1, 1, patience=2)
    entry = new_entry()
    done = [verified(entry, scoring, 0, rules) for scoring in (False, False, True, True, True, False)]

    assert done == ["", "adjust", "", "ease", "", ""]
    assert (entry["nearer"], entry["misses"], entry["renew"]) == (0, 1, True)


def test_quotes_are_first_judged_when_they_are_old_enough_to_score() -> None:
    market = Market(maker(verify_ms=1_000, patience=1, on_not_scoring="leave"), reward_age_ns=3_500 * MS)
    market.sees(49, 51)
    market.acks()

    assert [len(market.review()) for _ in range(6)] == [0] * 6
    assert market.known["hits"] == 3


def test_quotes_that_move_too_often_to_score_are_found_out() -> None:
    market = Market(maker(verify_ms=1_000, patience=1, on_not_scoring="leave"), reward_age_ns=3_500 * MS)
    market.sees(49, 51)
    market.acks()
    for bid in (46, 49, 46):
        assert market.sees(bid, bid + 2, wait_ms=1_100) == ["moved", "moved", "quote", "quote"]
        market.cancelled()
        market.acks()
    for _ in range(4):
        market.review()

    assert market.known["left_until_ns"] > 0


def test_a_share_is_enough_from_the_least_that_was_asked_for() -> None:
    assert [scores(low, MakerParameters(1, 1, least_share_ppm=2)) for low in (0, 2 * 10**12 - 1, 2 * 10**12)] == [
        False,
        False,
        True,
    ]
    assert [scores(low, MakerParameters(1, 1, least_share_ppm=0)) for low in (0, 1)] == [False, True]
    assert least_pay(10**18, NONE, 10_000) == 0


# -- complete sets -----------------------------------------------------------------------------------------------------


def holding(market: Market, held: int, other: int) -> None:
    """So many shares are held of both outcomes, confirmed."""
    for holding, shares in zip(market.room.desk.portfolio.holdings, (held, other), strict=True):
        holding.size = holding.settled = shares * M


def merged(market: Market) -> list[int]:
    """Shares of each merge that the review asks for, all of which must be admitted."""
    market.review()
    requests = [one for one in market.room.trading.requests if one.what == MERGE]
    return [int(one.size) // M for one in requests]


def test_sets_that_lie_idle_are_merged_and_those_that_an_offer_counts_on_are_not() -> None:
    market = Market(maker(merge_lots=50 * M))
    holding(market, 150, 130)
    market.sees(48, 52)
    market.acks()
    offers = [one for one in market.open() if one.side == SELL]

    assert [int(one.size) // M for one in offers] == [60]
    assert merged(market) == [90]  # of the first outcome, 60 are offered


def test_few_sets_are_kept_and_all_of_them_where_none_are_to_be_merged() -> None:
    for least, held in ((50 * M, 40), (0, 150)):
        market = Market(maker(merge_lots=least))
        holding(market, held, held)
        market.sees(48, 52)
        assert merged(market) == []


def test_tokens_that_are_not_confirmed_are_not_merged() -> None:
    market = Market(maker(merge_lots=50 * M))
    holding(market, 150, 150)
    market.room.desk.portfolio.holdings[1].settled = 20 * M
    market.sees(48, 52)

    assert merged(market) == []


def test_one_look_for_sets_follows_another_after_ten_seconds() -> None:
    market = Market(maker(merge_lots=10 * M))
    holding(market, 0, 0)
    market.sees(48, 52)
    market.acks()
    assert merged(market) == []
    holding(market, 150, 150)

    found = [merged(market) for _ in range(10)]
    assert found[:9] == [[]] * 9
    assert found[9] == [90]


# -- memory ------------------------------------------------------------------------------------------------------------


def test_what_it_remembers_survives_a_checkpoint_and_its_parameters_cannot_change() -> None:
    market = Market()
    market.sees(49, 51)
    market.acks()
    remembered = encode_memory(market.maker.memory)
    market.maker.memory = decode_memory(remembered, {})

    assert encode_memory(market.maker.memory) == remembered
    assert market.sees(49, 51, wait_ms=5_000) == []
    with pytest.raises(FrozenAttributeError):
        market.maker.size_lots = 1


def test_its_page_names_every_parameter_with_its_default() -> None:
    page = (ROOT / "docs" / "explanation" / "rewards-maker.md").read_text("utf-8")
    rows = [row.split(" | ") for row in re.findall(r"^\| (`.*) \|$", page.partition("## Parameters")[2], re.MULTILINE)]
    told = {}
    for names, defaults, _ in rows:
        values = defaults.replace("`", "").split(", ")
        told |= dict(zip(re.findall(r"`(\w+)`", names), values, strict=True))

    assert told == {one.name: default_text(one.default) for one in fields(MakerParameters)}


def default_text(default: object) -> str:
    """A default as a page says it."""
    if default is NOTHING:
        return "required"
    return str(default).lower() if isinstance(default, bool | str) else f"{default:,}"


# -- whatever happens --------------------------------------------------------------------------------------------------


def happen(market: Market, pick: Pick) -> None:
    """Anything that a venue, a market or its clock may do next."""
    room = market.room
    orders = market.open()
    order = orders[pick(0, len(orders) - 1)] if orders else None
    what = pick(0, 11)
    if what <= 4 or order is None:
        bid = pick(8, 90)
        room.touch(bid, bid + pick(1, 4), pick(1, 400) * M)
        room.decide(0, wait_ns=pick(0, 3_000) * MS, bits=WAKE_TOUCH | WAKE_TRADE * pick(0, 1))
    elif what == 5:
        room.facts((ORDER_ACKED, order.number, f"v{order.number}"))
    elif what == 6:
        room.facts((ORDER_REJECTED, order.number, "", int(codes.VENUE_ERROR)))
    elif what == 7:
        market.cancelled()
    elif what == 8:
        room.facts((ORDER_UNKNOWN, order.number, int(codes.VENUE_ERROR), 1))
    elif what <= 10:
        market.trades += 1
        size = min(int(order.rest()), pick(1, 60) * M)
        fill = (ORDER_FILLED, order.number, "", order.price, size, NONE, FILL_MAKER, f"t{market.trades}")
        room.facts(fill)
    else:
        market.review()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**64))
def test_whatever_happens_positions_stay_in_bounds_quotes_legal_and_calls_within_the_budget(seed: int) -> None:
    pick = random(seed)
    burst, a_minute, most = pick(3, 12), pick(1, 60), pick(60, 200) * M
    market = Market(maker(call_burst=burst, calls_per_minute=a_minute, max_position_lots=most, edit_ms=pick(0, 1_500)))
    calls: list[int] = []
    for _ in range(60):
        happen(market, pick)
        found = market.room.records()
        calls += [market.room.now for kind, fields in found if kind == "INTENT" and fields["what"] in (1, 2)]
        seen = market.maker_view().market(KEY)

        assert seen.net_lots + sum([one.rest_lots for one in seen.own_bids]) <= most
        assert seen.net_lots - sum([one.rest_lots for one in seen.own_asks]) >= -most
        assert all(10 <= one.price_ticks <= 90 for one in seen.own_orders)
        assert {fields["code"] for kind, fields in found if kind == "VERDICT"} <= ALLOWED
        minute = [at for at in calls if at > calls[-1] - MINUTE_NS] if calls else []
        assert len(minute) <= burst + a_minute
