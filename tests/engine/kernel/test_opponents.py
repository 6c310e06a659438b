"""What is measured of the others, against a slow model that keeps all it saw and works in real numbers."""

from typing import Any

import pytest
from attrs import Factory, define
from hypothesis import given, settings
from hypothesis import strategies as st
from trading_room import MS, Room, binary, some_heuristics

from engine.kernel.events import FILL_MAKER
from engine.kernel.heuristics import HeuristicSettings
from engine.kernel.opponents import MOST_WAITING, Opponents
from engine.kernel.order import Order
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.record import NONE
from engine.kernel.units import BUY, SELL
from engine.kernel.watch import Watch

START = 1_700_000_000_000 * MS
TICK = 100
WHOLE = 100
NAMES = ("edge", "depth", "partial", "tight", "unfilled", "adverse", "imbalance")
GTC, FOK, FAK = 1, 3, 4


def an_order(room: Room, leg: int, side: int, price: int, tif: int = GTC, group: int = 0, size: int = 1000) -> Order:
    instrument = room.instruments[leg]
    return Order(7, 1, 1, 0, instrument, instrument, side, price, size, tif, 0, NONE, group, 0)


@define
class Slow:
    """The model: every event with its step, every look with what it saw."""

    settings: HeuristicSettings
    looks: list[tuple[int, float, float, float]] = Factory(list)  # step, tight, size, lean
    edges: list[tuple[int, float]] = Factory(list)
    takes: list[tuple[int, float]] = Factory(list)
    quotes: list[tuple[int, float]] = Factory(list)
    fills: list[tuple[int, float]] = Factory(list)
    waiting: list[tuple[int, int, float]] = Factory(list)  # time, side, price in ticks of the first outcome
    widest: tuple[int, int] | None = None  # spread, since
    passed: int = -1  # the last step that was begun
    looked: int = -1  # the last step that was looked at

    def step(self, now: int) -> int:
        """The step that *now* lies in; it has begun."""
        self.passed = now // (100 * MS)
        return self.passed

    def look(self, now: int, bids: list[tuple[int, int]], asks: list[tuple[int, int]], valid: bool) -> None:
        """What an input shows."""
        step = self.step(now)
        begins = self.looked != step
        self.looked = step
        if not valid:
            self.widest = None
            return
        if not bids:
            return
        bid, ask = bids[0][0], asks[0][0]
        self.edge(ask - bid, now, step)
        mid = (bid + ask) / 2
        for fill in list(self.waiting):
            at, side, price = fill
            lost = price - mid if side == BUY else mid - price
            if now - at >= 1000 * MS:
                self.fills.append((step, float(lost >= 0.5)))
                self.waiting.remove(fill)
        if begins:
            below, above = sum(lots for _, lots in bids[:5]), sum(lots for _, lots in asks[:5])
            self.looks.append((step, float(ask - bid <= 1), below + above, (below - above) / (below + above)))

    def edge(self, spread: int, now: int, step: int) -> None:
        """The life of one edge: from its widest, until half of what it has above a tick is gone."""
        if spread >= 3 and (self.widest is None or spread > self.widest[0]):
            self.widest = spread, now
        elif self.widest is not None and spread - 1 <= (self.widest[0] - 1) / 2:
            self.edges.append((step, 200 / (200 + (now - self.widest[1]) / MS)))
            self.widest = None

    def share(self, events: list[tuple[int, float]]) -> float:
        """Of events by their age."""
        weights = [2 ** (-(self.passed - step) / 30) for step, _ in events]
        part = sum(weight * one for weight, (_, one) in zip(weights, events, strict=True))
        return 1000 * part / max(sum(weights), 2)

    def average(self, column: int, half_steps: int) -> float:
        """Of what was seen, each weighed by the time it held."""
        if not self.looks:
            return 0.0
        found = float(self.looks[0][column]) * 2 ** (-(self.passed - self.looks[0][0]) / half_steps)
        ends = [look[0] for look in self.looks[1:]] + [self.passed]
        for look, end in zip(self.looks, ends, strict=True):
            born, died = self.passed - look[0], self.passed - end
            found += look[column] * (2 ** (-died / half_steps) - 2 ** (-born / half_steps))
        return found

    def measures(self) -> tuple[float, ...]:
        """All seven."""
        long = self.average(2, 200)
        missing = max(0.0, long - self.average(2, 20))
        return (
            self.share(self.edges),
            1000 * missing / long if long else 0.0,
            self.share(self.takes),
            1000 * self.average(1, 20),
            self.share(self.quotes),
            self.share(self.fills),
            1000 * min(1.0, abs(self.average(3, 20) - self.average(3, 200))),
        )


levels = st.lists(st.integers(1, 90_000), min_size=1, max_size=7)
actions = st.one_of(
    st.tuples(st.just("book"), st.integers(5, 60), st.integers(1, 12), levels, levels),
    st.tuples(st.just("end"), st.sampled_from([GTC, FOK, FAK]), st.booleans(), st.integers(0, 1000)),
    st.tuples(st.just("fill"), st.integers(0, 1), st.sampled_from([BUY, SELL]), st.integers(4, 75), st.booleans()),
    st.tuples(st.just("look")),
    st.tuples(st.just("lost"), st.booleans()),
)
scripts = st.lists(st.tuples(st.sampled_from([0, 7, 60, 100, 450, 3000]), actions), min_size=1, max_size=40)


def play(script: list[Any], room: Room, found: Opponents, slow: Slow) -> int:
    """Let both see the same; returns the time at the end."""
    now = START
    book = room.markets[0].book
    bids: list[tuple[int, int]] = []
    asks: list[tuple[int, int]] = []
    for after, (what, *fields) in script:
        now += after * MS
        if what == "book":
            bid, spread, below, above = fields
            book.clear()
            bids = [(bid - at, lots) for at, lots in enumerate(below) if bid > at]
            asks = [(bid + spread + at, lots) for at, lots in enumerate(above)]
            for side, there in ((0, bids), (1, asks)):
                for tick, lots in there:
                    book.set_level(side, tick, lots)
        elif what == "lost":
            room.markets[0].valid = not fields[0]
        elif what == "end":
            tif, grouped, unfilled = fields
            found.ended(an_order(room, 0, BUY, 50 * TICK, tif, int(grouped)), unfilled, now)
            (slow.takes if grouped or tif != GTC else slow.quotes).append((slow.step(now), unfilled / 1000))
        elif what == "fill":
            leg, side, tick, maker = fields
            found.filled(an_order(room, leg, side, tick * TICK), tick * TICK, FILL_MAKER if maker else 0, now)
            if maker:
                slow.step(now)
                slow.waiting.append((now, 1 - side if leg else side, float(WHOLE - tick if leg else tick)))
        found.look(now)
        slow.look(now, bids, asks, room.markets[0].valid)
    return now


@settings(max_examples=150)
@given(scripts)
def test_all_seven_measures_are_those_of_a_model_that_keeps_everything(script: list[Any]) -> None:
    room, chosen = Room(binary()), some_heuristics()
    found, slow = Opponents(room.markets[0], chosen), Slow(chosen)
    play(script, room, found, slow)

    for name, measured, true in zip(NAMES, found.measures(), slow.measures(), strict=True):
        assert 0 <= measured <= 1000
        assert measured == pytest.approx(true, abs=4), name


@settings(max_examples=50)
@given(scripts, scripts)
def test_what_was_packed_goes_on_as_what_was_not(script: list[Any], rest: list[Any]) -> None:
    room, chosen = Room(binary()), some_heuristics()
    found, packer = Opponents(room.markets[0], chosen), Packer()
    play(script, room, found, Slow(chosen))
    found.judge(1, 800, START)
    found.pack(packer)
    again, unpacker = Opponents(room.markets[0], chosen), Unpacker(packer.finish())
    again.unpack(unpacker)
    unpacker.done()

    assert (again.measures(), again.buffer_ticks, again.pulled) == (found.measures(), 3, True)
    room.markets[0].valid = True
    packed = []
    for one in (found, again):
        room.touch(40, 41)
        play(rest, room, one, Slow(chosen))
        room.markets[0].valid = True
        packer = Packer()
        one.pack(packer)
        packed.append(packer.finish())
    assert packed[0] == packed[1]


def a_market(**changes: Any) -> tuple[Room, Opponents]:
    """A market at 40 to 41, looked at."""
    room = Room(binary())
    room.touch(40, 41)
    found = Opponents(room.markets[0], some_heuristics(**changes))
    found.look(START)
    return room, found


def measure(found: Opponents, name: str) -> int:
    return found.measures()[NAMES.index(name)]


def test_an_edge_that_is_closed_within_the_reference_measures_more_than_half() -> None:
    room, found = a_market()
    for at in range(8):
        room.touch(38, 42)
        found.look(START + (1000 * at + 100) * MS)
        room.touch(40, 41)
        found.look(START + (1000 * at + 150) * MS)

    assert measure(found, "edge") == pytest.approx(1000 * 200 / 250, abs=2)


def test_an_edge_that_is_lost_from_sight_is_no_edge() -> None:
    room, found = a_market()
    room.touch(38, 42)
    found.look(START + MS)
    room.markets[0].valid = False
    found.look(START + 2 * MS)
    room.markets[0].valid = True
    room.touch(40, 41)
    found.look(START + 3 * MS)

    assert measure(found, "edge") == 0


@pytest.mark.parametrize("life", [10**18, -(10**9)])
def test_an_edge_of_any_age_and_a_clock_that_steps_back_stay_in_range(life: int) -> None:
    room, found = a_market(evidence=1)
    room.touch(38, 42)
    found.look(START + MS)
    room.touch(40, 41)
    found.look(START + MS + life)

    assert measure(found, "edge") == (0 if life > 0 else 1000)


def test_a_fill_is_adverse_where_the_mid_has_passed_its_price_when_the_horizon_is_over() -> None:
    room, found = a_market(evidence=1)
    found.filled(an_order(room, 0, BUY, 4000), 4000, FILL_MAKER, START + MS)
    found.filled(an_order(room, 0, SELL, 4100), 4100, FILL_MAKER, START + MS)
    room.touch(50, 51)
    found.look(START + 500 * MS)
    assert measure(found, "adverse") == 0

    room.touch(38, 40)
    found.look(START + 1000 * MS)
    assert measure(found, "adverse") == 0

    found.look(START + 1001 * MS)
    assert measure(found, "adverse") == 500  # the bid's: the offer's price was passed in between, and is so no more


def test_a_bid_for_the_second_outcome_is_an_offer_of_the_first() -> None:
    room, found = a_market(evidence=1)
    found.filled(an_order(room, 1, BUY, 5900), 5900, FILL_MAKER, START)
    room.touch(43, 44)
    found.look(START + 1000 * MS)

    assert measure(found, "adverse") == 1000


def test_fills_of_takers_are_not_judged() -> None:
    room, found = a_market(evidence=1)
    found.filled(an_order(room, 0, BUY, 4100, FAK), 4100, 0, START + MS)
    room.touch(30, 31)
    found.look(START + 5000 * MS)

    assert measure(found, "adverse") == 0


def test_fills_of_one_moment_and_price_wait_together_and_only_so_many_wait() -> None:
    room, found = a_market(evidence=1)
    for _ in range(100):
        found.filled(an_order(room, 0, BUY, 4000), 4000, FILL_MAKER, START + MS)
    for at in range(MOST_WAITING):  # the hundred are the oldest, and forgotten
        found.filled(an_order(room, 0, BUY, 3000), 3000, FILL_MAKER, START + (2 + at) * MS)
    room.touch(38, 39)
    found.look(START + 1100 * MS)

    assert measure(found, "adverse") == 0


def test_a_hundred_fills_of_one_moment_count_as_a_hundred() -> None:
    room, found = a_market(evidence=100)
    for _ in range(100):
        found.filled(an_order(room, 0, BUY, 4000), 4000, FILL_MAKER, START + MS)
    room.touch(38, 39)
    found.look(START + 1001 * MS)

    assert measure(found, "adverse") == 1000


def test_a_book_beyond_all_sizes_is_measured_as_full() -> None:
    room, found = a_market()
    for at in range(1, 20):
        room.touch(40, 41, lots=2**52)
        assert found.look(START + at * 1000 * MS)

    assert measure(found, "depth") == 0
    assert measure(found, "imbalance") == 0


def test_it_is_looked_at_once_a_step_and_when_something_of_ours_ended() -> None:
    room, found = a_market()

    assert not found.look(START + 50 * MS)
    assert found.look(START + 100 * MS)
    found.ended(an_order(room, 0, BUY, 4000), 0, START + 150 * MS)
    assert found.look(START + 150 * MS)
    assert not found.look(START + 150 * MS)


def test_a_watch_hands_news_to_the_market_they_are_of_and_is_packed_whole() -> None:
    room, settings = Room(binary("A"), binary("B")), some_heuristics(evidence=1)
    watch, again = Watch(settings), Watch(settings)
    for market in room.markets:
        watch.market_added(market)
        again.market_added(market)
    watch.ended(an_order(room, 2, BUY, 4000, FOK), 1000, START)
    watch.filled(an_order(room, 3, BUY, 4000), 4000, FILL_MAKER, START)

    assert watch.stirred == [watch.markets[1], watch.markets[1]]
    assert [measure(one, "partial") for one in watch.markets] == [0, 1000]
    again.unpack(watch.pack())
    assert again.pack() == watch.pack()
    assert [measure(one, "partial") for one in again.markets] == [0, 1000]
