"""The box as a strategy: what it asks for, when it lets go, and what it does with whole pairs."""

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trading_room import Room, S, a_policy, binary, some_heuristics

from engine.kernel import codes
from engine.kernel.derived import CANCEL, MERGE, PLACE
from engine.kernel.events import (
    FILL_PROVISIONAL,
    ORDER_ACKED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REJECTED,
    SETS_CONVERTED,
    SETS_REFUSED,
    TRADE_CONFIRMED,
    TRADE_STATUS,
)
from engine.kernel.modes import ACCOUNT, REDUCE_ONLY
from engine.kernel.order import FLAG_UNWIND
from engine.kernel.policy import Rule
from engine.kernel.request import Request
from engine.kernel.strategy import BUY, SELL, Place
from engine.strategies.box_arbitrage import BoxArbitrage

LOT = 10_000
SIZE = 1000 * LOT
A, B, NO_A = "polymarket:YES-A", "polymarket:YES-B", "polymarket:NO-A"


class Table:
    """A box strategy at a room's only seat, in a market for each of *names* with a book of 48 to 51."""

    def __init__(self, names: str = "A", policy: Any = None, **parameters: Any) -> None:
        given = {"lots": 1000, "most_lots": 3000, "buffer_bps": 200, **parameters}
        self.room = Room(policy=policy, strategies=(BoxArbitrage(**given),))
        self.room.trading.watch_others(some_heuristics())
        for number, name in enumerate(names):
            self.room.add(binary(name))
            self.room.touch(48, 51, market=number)

    def look(self, wait_ns: int = 0, market: int = 0) -> list[Request]:
        """The market moves; what was sent."""
        self.room.decide(market, wait_ns=wait_ns)
        return list(self.room.trading.requests)

    def placed(self, wait_ns: int = 0, market: int = 0) -> list[Request]:
        """The same, of new orders."""
        return [request for request in self.look(wait_ns, market) if request.what == PLACE]

    def facts(self, *rows: tuple[Any, ...]) -> list[Request]:
        """The venue says something; what was sent then."""
        self.room.facts(*rows)
        return list(self.room.trading.requests)

    def tick(self, wait_ns: int) -> list[Request]:
        """The next timer is due."""
        trading = self.room.trading
        self.room.input(wait_ns)
        assert 0 <= trading.next_due() <= self.room.now
        trading.on_timer(self.room.seq, self.room.now, trading.next_timer(), trading.next_due())
        trading.decide(self.room.seq, self.room.now, [])
        return list(trading.requests)

    def whole(self, wait_ns: int = 20 * S) -> None:
        """A pair is asked for, and fills whole."""
        self.facts(*[filled(request) for request in self.placed(wait_ns)])

    def others(self, wider_ticks: int, pulled: bool = False) -> None:
        """The heuristics ask for that in the first market."""
        watch = self.room.desk.watch
        assert watch is not None
        watch.markets[0].buffer_ticks, watch.markets[0].pulled = wider_ticks, pulled

    def held(self) -> list[int]:
        """Lots of each instrument."""
        return [holding.size // LOT for holding in self.room.desk.portfolio.holdings]


def acked(request: Request) -> tuple[Any, ...]:
    return (ORDER_ACKED, request.number, f"v{request.number}")


def filled(request: Request, size: int = 0, trade: str = "t") -> tuple[Any, ...]:
    return (ORDER_FILLED, request.number, f"v{request.number}", request.price, size or request.size, 0, 0, trade)


def ended(request: Request, at: int = 0) -> tuple[Any, ...]:
    return (ORDER_CANCELLED, request.number, f"v{request.number}", at)


def said(requests: list[Request]) -> list[tuple[str, int, int, int]]:
    return [(request.symbol, request.side, request.price // 100, request.size // LOT) for request in requests]


# -- what it asks for --------------------------------------------------------------------------------------------------


def test_it_bids_for_both_outcomes_as_one_group() -> None:
    table = Table()
    requests = table.look()

    assert said(requests) == [("YES-A", BUY, 48, 1000), ("NO-A", BUY, 49, 1000)]
    assert [(request.tif, request.flags & 1) for request in requests] == [(2, 1), (2, 1)]  # GTD, post-only
    assert "GROUP" in [kind for kind, _ in table.room.records()]
    intents = [fields for kind, fields in table.room.records() if kind == "INTENT"]
    # A thousand pairs of 0.97, each worth one: 30 cents to the ten shares, in money of 1e-10.
    assert [intent["expected_value"] for intent in intents] == [300 * SIZE] * 2


def test_a_market_has_one_group_at_a_time() -> None:
    table = Table()
    table.look()

    assert table.look(60 * S) == []


def test_a_pair_that_costs_too_much_is_left_alone() -> None:
    assert Table(buffer_bps=300).look() == []


@pytest.mark.parametrize("left", [2500, 2501])
def test_it_holds_no_more_of_a_leg_than_allowed(left: int) -> None:
    table = Table(most_lots=left, completed="hold")
    table.whole()
    table.whole()

    # 500 lots are the venue's least order: what room is left is used, down to that.
    assert said(table.placed(20 * S)) == [("YES-A", BUY, 48, left - 2000), ("NO-A", BUY, 49, left - 2000)]
    assert Table(most_lots=2499, completed="hold").placed()[0].size == SIZE


def test_it_stops_where_less_than_the_venues_least_order_has_room() -> None:
    table = Table(most_lots=1499, completed="hold")
    table.whole()

    assert table.look(60 * S) == []


def test_no_more_pairs_are_under_way_than_allowed() -> None:
    table = Table("ABC", most_groups=2)
    both = [table.look(market=market) for market in range(3)]

    assert [len(requests) for requests in both] == [2, 2, 0]


def test_also_those_asked_for_at_the_same_input_count() -> None:
    table = Table("ABC", most_groups=2)
    table.room.decide(0, 1, 2)

    assert len(table.room.trading.requests) == 4


@pytest.mark.parametrize(
    "spoil",
    [
        lambda room: setattr(room.markets[0], "suspect", 1),
        lambda room: setattr(room.markets[0], "valid", False),
        lambda room: setattr(room.markets[0], "status", 2),
        lambda room: room.desk.modes.lower(ACCOUNT, 0, REDUCE_ONLY),
    ],
)
def test_nothing_is_asked_for_where_no_risk_may_be_taken_and_nothing_is_left_to_rest(spoil: Any) -> None:
    fresh, resting = Table(), Table()
    spoil(fresh.room)
    requests = resting.look()
    resting.facts(*[acked(request) for request in requests])
    spoil(resting.room)

    assert fresh.look() == []
    assert [request.target for request in resting.look(S)] == [request.number for request in requests]


def test_a_market_that_another_of_its_tier_holds_is_left_to_it() -> None:
    first, second = (BoxArbitrage(lots=1000, most_lots=3000, buffer_bps=200) for _ in range(2))
    room = Room(binary("A"), strategies=(first, second))
    room.touch(48, 51)
    room.decide(0)
    at_once = [codes.name(verdict["code"]) for verdict in room.verdicts()]
    room.decide(0, wait_ns=60 * S)

    assert at_once == ["OK", "OK", "NOT_OWNER", "GROUP_FAILED"]
    assert room.verdicts() == []


def test_a_named_pair_is_bought_over_two_markets_and_its_markets_alone_are_not() -> None:
    table = Table("AB", pairs=((A, B),), styles=("take",))
    alone = table.look()
    table.room.touch(44, 46)
    both = table.look(S)

    assert alone == []
    assert said(both) == [("YES-A", BUY, 46, 1000), ("YES-B", BUY, 51, 1000)]
    assert [request.tif for request in both] == [3, 3]  # FOK


def test_a_pair_that_is_not_listed_yet_is_waited_for() -> None:
    table = Table("A", pairs=((A, B),), styles=("rest",), least_leg_bps=0)
    before = table.look()
    table.room.add(binary("B"))
    table.room.touch(48, 51, market=1)

    assert before == []
    assert said(table.look(S)) == [("YES-A", BUY, 48, 1000), ("YES-B", BUY, 48, 1000)]


# -- legs that rest ----------------------------------------------------------------------------------------------------


def test_a_pair_whose_touch_moved_is_called_back() -> None:
    table = Table(follow_ticks=1)
    requests = table.look()
    table.facts(*[acked(request) for request in requests])
    table.room.touch(49, 51)
    near = table.look(S)
    table.room.touch(50, 53)
    far = table.look(S)

    assert near == []
    assert [(request.what, request.target) for request in far] == [(CANCEL, one.number) for one in requests]


@pytest.mark.parametrize(("wider_ticks", "pulled"), [(1, False), (0, True)])
def test_where_others_have_found_the_edge_nothing_new_rests_and_what_rests_is_called_back(
    wider_ticks: int, pulled: bool
) -> None:
    fresh, resting = Table(), Table()
    requests = resting.look()
    resting.facts(*[acked(request) for request in requests])
    for table in (fresh, resting):
        table.others(wider_ticks, pulled)

    # 97 for a pair is below one by more than 2 ticks, and not by more than 3.
    assert fresh.look() == []
    assert [request.target for request in resting.look(S)] == [one.number for one in requests]


def test_quotes_that_are_pulled_are_no_reason_not_to_take() -> None:
    table = Table("AB", pairs=((A, B),), styles=("take", "rest"))
    table.room.touch(44, 46)
    table.others(0, pulled=True)

    assert [request.tif for request in table.look()] == [3, 3]


def test_legs_are_not_called_back_as_soon_as_they_are_sent() -> None:
    table = Table(rest_ms=250)
    requests = table.look()
    table.facts(*[acked(request) for request in requests])
    table.room.touch(52, 55)

    assert table.look(S // 5) == []
    assert len(table.look(S // 20)) == 2


def test_when_patience_ends_the_other_leg_is_cancelled_and_rescued_at_the_touch() -> None:
    table = Table(patience_ms=3000)
    yes, no = table.look()
    table.facts(acked(no), filled(yes))
    resting = table.look(2 * S)
    (cancel,) = table.tick(S)
    (rescue,) = table.facts(ended(no))
    table.facts(filled(rescue))

    assert (resting, cancel.target) == ([], no.number)
    # Two ticks through the offer at 52: the policy's way of taking.
    assert said([rescue]) == [("NO-A", BUY, 54, 1000)]
    assert table.held() == [1000, 1000]


def test_a_part_that_filled_is_no_reason_to_call_the_rest_back_before_patience_ends() -> None:
    table = Table(patience_ms=3000)
    yes, no = table.look()
    table.facts(acked(no), filled(yes, 600 * LOT))
    table.room.touch(30, 33)

    assert table.look(2 * S) == []
    assert [request.target for request in table.tick(S)] == [yes.number, no.number]


def test_a_clock_wound_for_one_pair_does_not_call_the_next_one_back() -> None:
    table = Table(patience_ms=3000, completed="hold")
    yes, no = table.look()
    table.facts(acked(no), filled(yes))
    table.facts(filled(no))
    requests = table.placed(2 * S)
    table.facts(*[acked(request) for request in requests])

    assert (len(requests), table.tick(S)) == (2, [])


def test_a_leg_that_nobody_rescues_is_traded_away_and_the_pair_left_alone_for_a_while() -> None:
    table = Table(cool_ms=10_000)
    yes, no = table.look()
    table.facts(filled(yes))
    (first,) = table.facts(ended(no))
    (second,) = table.facts(ended(first))
    (back,) = table.facts(ended(second))
    waiting = table.placed(S)
    table.facts(filled(back))

    assert (said([back]), waiting) == ([("YES-A", SELL, 43, 1000)], [])
    assert table.held() == [0, 0]
    assert table.look(8 * S) == []
    assert len(table.look(2 * S)) == 2


def test_a_half_that_is_left_over_keeps_its_pair_from_being_traded() -> None:
    table = Table(cool_ms=0)
    yes, no = table.look()
    table.facts(filled(yes))
    table.room.markets[0].book.clear()
    table.facts(ended(no))  # no touch to be rescued or unwound at
    table.room.touch(48, 51)

    assert table.placed(0) == []
    assert table.held() == [1000, 0]


@pytest.mark.parametrize(("style", "waits"), [("take", True), ("rest", False)])
def test_a_pair_that_did_not_fill_waits_only_where_it_should_have(style: str, waits: bool) -> None:
    table = Table("AB", pairs=((A, B),), styles=(style,), least_leg_bps=0, cool_ms=10_000)
    if style == "take":
        table.room.touch(44, 46)
    requests = table.look()
    table.facts(*[ended(request) for request in requests])

    assert (table.look(S) == []) == waits


def test_a_refused_order_makes_its_pair_wait() -> None:
    table = Table(cool_ms=10_000)
    yes, no = table.look()
    table.facts((ORDER_REJECTED, yes.number, "v", 0), acked(no))
    table.facts(ended(no))

    assert table.look(9 * S) == []
    assert len(table.look(S)) == 2


def test_what_is_refused_here_is_not_asked_for_at_every_touch() -> None:
    table = Table(policy=a_policy(rules=(Rule("*", 10, 0, 10**6, ("GTD",)),)), every_ms=1000)
    counts = []
    for wait_ns in (0, S // 2, S // 2):
        table.look(wait_ns)
        counts.append(len(table.room.verdicts()))

    assert counts == [2, 0, 2]


# -- whole pairs -------------------------------------------------------------------------------------------------------


def merges(table: Table) -> list[tuple[int, int]]:
    return [(request.what, request.size // LOT) for request in table.room.trading.requests if request.what == MERGE]


def test_a_whole_pair_is_merged_once() -> None:
    table = Table()
    table.whole()
    first = merges(table)
    table.look(S)
    again = merges(table)
    (conversion,) = table.room.trading._sets.pending
    table.facts((SETS_CONVERTED, conversion.number, 9))

    assert (first, again) == ([(MERGE, 1000)], [])
    assert table.held() == [0, 0]


class Offering:
    """A box that also says what a test puts into `next`, once."""

    def __init__(self) -> None:
        self.box, self.next = BoxArbitrage(lots=1000, most_lots=3000, buffer_bps=200), []

    def decide(self, view: Any, wake: Any) -> list[object]:
        said, self.next = self.next, []
        return [*said, *self.box.decide(view, wake)]


def test_what_is_on_offer_is_not_merged() -> None:
    strategy = Offering()
    room = Room(binary("A"), strategies=(strategy,))
    room.touch(48, 51)
    room.decide(0)
    yes, no = room.trading.requests
    strategy.next = [Place(A, SELL, 60, 500)]
    room.facts(filled(yes))
    room.facts(filled(no))
    merged = [request.size for request in room.trading.requests if request.what == MERGE]

    assert room.desk.orders.working[0].sell_size == 500 * LOT
    assert merged == [500 * LOT]


def test_a_merge_that_was_refused_is_asked_for_again_later() -> None:
    table = Table(merge_every_ms=5000)
    table.whole()
    (conversion,) = table.room.trading._sets.pending
    table.facts((SETS_REFUSED, conversion.number, codes.RATE_LIMIT, 9))
    soon = merges(table)
    table.look(4 * S)
    later = merges(table)
    table.look(S)

    assert (soon, later, merges(table)) == ([], [], [(MERGE, 1000)])


def test_pairs_that_are_to_be_held_are_not_merged() -> None:
    table = Table(completed="hold")
    table.whole()
    table.look(60 * S)

    assert (merges(table), table.held()[0]) == ([], 1000)


def test_a_leg_over_two_markets_that_was_unwound_through_its_complement_is_merged() -> None:
    table = Table("AB", pairs=((A, B),), styles=("rest",), least_leg_bps=0)
    one, two = table.look()
    table.facts((ORDER_FILLED, one.number, "v", one.price, SIZE, 0, FILL_PROVISIONAL, "t"))
    sent = table.facts(ended(two))
    for _ in range(2):
        sent = table.facts(ended(sent[0]))
    table.facts(filled(sent[0], trade="u"))
    unsettled = merges(table)
    table.facts((TRADE_STATUS, one.number, "v", "t", TRADE_CONFIRMED))

    assert said(sent) == [("NO-A", BUY, 57, 1000)]
    assert (table.held()[:2], unsettled, merges(table)) == ([1000, 1000], [], [(MERGE, 1000)])


# -- whatever the venue does -------------------------------------------------------------------------------------------

MOVES = st.lists(
    st.tuples(
        st.sampled_from(["touch", "touch", "whole", "ack", "fill", "end", "reject", "time", "convert"]),
        st.integers(0, 7),
        st.integers(1, 3000),
    ),
    min_size=20,
    max_size=60,
)


class Venue:
    """Does anything that a venue may do to the orders of a `Table`."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.known: list[Request] = []

    def open(self) -> list[Request]:
        """Requests of orders that may still trade."""
        self.known += [one for one in self.table.room.trading.requests if one.what == PLACE and one not in self.known]
        return [one for one in self.known if self.order(one).open()]

    def order(self, request: Request) -> Any:
        return self.table.room.desk.orders.by_number[request.number]

    def move(self, what: str, which: int, lots: int, at: int) -> None:
        table = self.table
        pending = table.room.trading._sets.pending
        if what == "touch":
            table.room.touch(44 + which, 44 + which + 1 + lots % 5)
            table.look(lots * S // 100)
        elif what == "time":
            due = table.room.trading.next_due()
            if due >= 0:
                table.tick(max(0, due - table.room.now))
        elif what == "convert" and pending:
            table.facts((SETS_CONVERTED, pending[0].number, 9))
        elif what == "whole":
            orders = [(request, self.order(request).rest()) for request in self.open()]
            table.facts(*[filled(request, size, f"t{at}") for request, size in orders])
        elif self.open():
            request = self.open()[which % len(self.open())]
            order = self.order(request)
            if what == "fill":
                size = min(order.rest(), lots * LOT)
                table.facts((ORDER_FILLED, request.number, f"v{request.number}", request.price, size, 0, 0, f"t{at}"))
            elif what == "end":
                table.facts(ended(request, order.filled))
            elif what == "reject" and order.filled == 0 and order.venue_id == "":
                table.facts((ORDER_REJECTED, request.number, "v", 0))
            elif what == "ack":
                table.facts(acked(request))
        self.open()

    def check(self) -> None:
        """What holds at every moment."""
        room = self.table.room
        assert not room.desk.seats[0].muted
        assert len(room.trading._groups.active) <= 1
        for number in (0, 1):
            bids = sum(self.order(one).rest() for one in self.open() if one.instrument == number and one.side == BUY)
            assert room.desk.portfolio.holdings[number].size + bids <= 1700 * LOT


@settings(max_examples=150)
@given(MOVES, st.sampled_from(("merge", "hold")))
def test_whatever_the_venue_does_limits_hold_and_no_half_is_left_unseen(
    moves: list[tuple[str, int, int]], completed: str
) -> None:
    table = Table(most_lots=1700, follow_ticks=1, rest_ms=0, cool_ms=1000, completed=completed)
    venue = Venue(table)
    for at, (what, which, lots) in enumerate(moves):
        venue.move(what, which, lots, at)
        venue.check()
    # Nothing new is asked for, and the venue ends whatever is open until every group has come to its end.
    table.room.touch(49, 50)
    for at in range(80):
        if venue.open():
            order = venue.order(venue.open()[0])
            kind = "fill" if order.flags & FLAG_UNWIND else "end"
            venue.move(kind, 0, 1000, 1000 + at)
        else:
            table.look(S)
        venue.check()
    yes, no = table.held()

    assert table.room.trading._groups.active == []
    assert abs(yes - no) < 500  # the venue's least order: dust is all that is left of a half


# -- parameters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lots", 0),
        ("most_lots", 0),
        ("buffer_bps", -1),
        ("buffer_bps", 10_001),
        ("styles", ("take", "rest", "wait")),
        ("styles", ()),
        ("completed", "burn"),
        ("most_groups", 33),
        ("patience_ms", 0),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        BoxArbitrage(**{"lots": 1, "most_lots": 1, name: value})


def test_every_parameter_stands_in_the_page_with_its_default(request: pytest.FixtureRequest) -> None:
    page = (request.config.rootpath / "docs" / "explanation" / "box-arbitrage.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    stated = {cells[1].strip(" `"): cells[2].strip(" `").replace(",", "") for cells in rows if len(cells) == 5}
    shown = {
        attrs.NOTHING: "required",
        (): "none",
        ("take", "mixed", "rest"): "[take mixed rest]",
    }
    fields = [one for one in attrs.fields(BoxArbitrage) if one.init]

    assert {one.name: shown.get(one.default, str(one.default)) for one in fields} == {
        name: default for name, default in stated.items() if name not in ("take", "mixed", "rest")
    }
