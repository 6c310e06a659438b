"""Liquidity rewards, sampled and paid, against the venue's words in fractions."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trading_room import Room, binary

from adapters.simulated.book import VenueBook
from adapters.simulated.rebates import DAY_NS
from adapters.simulated.resting import Pit, Resting
from adapters.simulated.rewards import MINUTE_NS, Rewards
from engine.kernel.derived import PLACE
from engine.kernel.policy import tif_number
from engine.kernel.record import NONE
from engine.kernel.request import Request
from engine.kernel.units import ASK, BID, BUY, SELL

S = 10**9
SHARES = 10**6
TICK, LOT = 100, 10_000
RATE = 50 * SHARES
"""50 a day, in millionths."""
TERMS = {"reward_spread": 300, "reward_min_size": 20 * SHARES, "reward_rate": RATE, "reward_age_ns": 3_500_000_000}


class Floor:
    """Markets with a pit each, a venue's book, and the rewards of one run."""

    def __init__(self, *listings, seed=7):
        self.room = Room(*(listings or (binary(**TERMS),)))
        self.pits = [Pit(market) for market in self.room.markets]
        self.book = VenueBook()
        self.rewards = Rewards(seed)
        self.numbers = 0
        for number in range(len(self.pits)):
            self.room.touch(50, 52, 3_000, number)

    def rest(self, side, ticks, shares, outcome=0, since_ns=0):
        self.numbers += 1
        instrument = self.room.instruments[outcome]
        request = Request(
            self.numbers, PLACE, b"", 0, "v", instrument.symbol, outcome, side, ticks * TICK, 4, shares * SHARES, 6,
            tif_number("GTC"), 0, since_ns,
        )  # fmt: skip
        order = Resting(request, instrument, since_ns, self.numbers, 0)
        self.pits[instrument.market.number].add(order)
        return order

    def clear(self):
        for pit in self.pits:
            for side in (BID, ASK):
                for order in pit.orders(side):
                    pit.remove(order)

    def sample(self, now_ns=None):
        """One sample of all markets, as a driver takes it; its time."""
        at = self.rewards.next_ns()
        while self.rewards.next_ns() == at:
            number = self.rewards.turn(self.pits)
            if number >= 0:
                self.book.begin(self.room.markets[number])
            self.rewards.sample(self.pits, self.book, at)
        return at

    def owed(self):
        return [(int(one.instrument), int(one.amount)) for one in self.rewards.owed()]


def test_every_minute_has_one_sample_at_an_instant_of_its_own():
    floor = Floor()
    floor.rewards.wake(floor.room.markets[0], 10 * MINUTE_NS)
    floor.rest(BUY, 50, 100)
    times = [int(floor.sample()) for _ in range(50)]

    assert [at // MINUTE_NS for at in times] in ([*range(10, 60)], [*range(11, 61)])
    assert len({at % MINUTE_NS for at in times}) == 50
    other = Floor(seed=8)
    other.rewards.wake(other.room.markets[0], 10 * MINUTE_NS)
    assert other.rewards.next_ns() != times[0]


def test_a_run_without_orders_takes_no_samples_and_one_that_quotes_again_goes_on():
    floor = Floor()
    assert floor.rewards.next_ns() == NONE
    assert floor.rewards.wake(floor.room.markets[0], 0)
    assert not floor.rewards.wake(floor.room.markets[0], 1)
    floor.rest(BUY, 50, 100)
    last = floor.sample()
    floor.clear()
    floor.sample()

    assert floor.rewards.next_ns() == (floor.rewards._day + 1) * DAY_NS
    floor.rewards.close()
    assert floor.rewards.next_ns() == NONE
    floor.rewards.wake(floor.room.markets[0], last + 10 * MINUTE_NS)
    assert floor.rewards.next_ns() > last + 10 * MINUTE_NS


@pytest.mark.parametrize("changed", [{"reward_spread": 0}, {"reward_rate": 0}, {"reward_rate": NONE}])
def test_a_market_that_pays_nothing_is_not_sampled(changed):
    floor = Floor(binary(**TERMS | changed))

    assert not floor.rewards.wake(floor.room.markets[0], 0)
    assert floor.rewards.next_ns() == NONE


def test_a_quote_equal_to_the_book_on_both_sides_earns_half_of_each_minute():
    floor = Floor()
    floor.rewards.wake(floor.room.markets[0], 0)
    floor.rest(BUY, 50, 30, since_ns=-10 * S)
    floor.rest(SELL, 52, 30, since_ns=-10 * S)
    for _ in range(10):
        floor.sample()

    # The book holds 30 on either side: half of ten minutes of 1,440.
    counted = len(floor.rewards.tallies())
    assert (counted, floor.rewards.tallies()[0].samples) == (1, 10)
    assert floor.owed() == [(0, RATE * 10 // 2 // 1440)]


def test_an_offer_of_the_complement_counts_as_the_bid_that_it_is():
    one, other = Floor(), Floor()
    one.rest(BUY, 50, 100)
    other.rest(SELL, 50, 100, outcome=1)
    for floor in (one, other):
        floor.rewards.wake(floor.room.markets[0], 0)
        floor.sample()

    assert one.owed() == other.owed()
    assert one.owed()[0][1] > 0


def test_an_order_has_to_be_old_enough_and_large_enough():
    young, old, small = Floor(), Floor(), Floor()
    for floor in (young, old, small):
        floor.rewards.wake(floor.room.markets[0], 0)
    at = young.rewards.next_ns()
    young.rest(BUY, 50, 100, since_ns=at - 3_499_999_999)
    old.rest(BUY, 50, 100, since_ns=at - 3_500_000_000)
    small.rest(BUY, 50, 19, since_ns=0)
    for floor in (young, old, small):
        floor.sample()

    assert young.owed() == small.owed() == [(0, 0)]
    assert old.owed()[0][1] > 0


def test_minutes_without_a_midpoint_or_without_a_score_are_no_part_of_the_day():
    floor = Floor()
    floor.rewards.wake(floor.room.markets[0], 0)
    floor.rest(BUY, 30, 100)  # too far away to score
    floor.room.markets[0].book.clear()
    floor.sample()
    floor.room.touch(40, 60, 3_000)  # nor does anybody else
    floor.sample()
    floor.room.touch(50, 52, 3_000)
    floor.sample()
    tally = floor.rewards.tallies()[0]

    assert (tally.samples, tally.idle, tally.shares) == (3, 2, 0)
    tally.shares = 10**18
    assert tally.earned() == RATE // 1_438
    tally.idle = 1_440
    assert tally.earned() == 0
    tally.idle = 0
    floor.room.markets[0].relist(binary(**TERMS | {"reward_rate": NONE}))
    assert tally.earned() == 0


def test_a_book_that_cannot_be_traded_on_is_not_sampled():
    floor = Floor()
    floor.rewards.wake(floor.room.markets[0], 0)
    floor.rest(BUY, 50, 100)
    floor.room.markets[0].valid = False
    floor.sample()

    assert floor.rewards.tallies() == []


def test_every_market_that_we_rest_in_is_scored_in_the_same_instant():
    floor = Floor(binary("A", **TERMS), binary("B"), binary("C", **TERMS), binary("D", **TERMS))
    floor.rewards.wake(floor.room.markets[0], 0)
    for outcome in (0, 2, 4):
        floor.rest(BUY, 50, 100, outcome=outcome)
    floor.sample()

    assert [int(tally.market.number) for tally in floor.rewards.tallies()] == [0, 2]
    assert [instrument for instrument, _ in floor.owed()] == [0, 4]


def test_an_order_that_ended_in_the_instant_of_the_sample_leaves_its_turn_to_the_next_market():
    floor = Floor(binary("A", **TERMS), binary("B", **TERMS))
    floor.rewards.wake(floor.room.markets[0], 0)
    order = floor.rest(BUY, 50, 100)
    floor.rest(BUY, 50, 100, outcome=2)
    at = floor.rewards.next_ns()
    floor.book.begin(floor.room.markets[floor.rewards.turn(floor.pits)])
    floor.pits[0].remove(order)
    floor.rewards.sample(floor.pits, floor.book, at)
    assert floor.rewards.next_ns() == at
    floor.sample()

    assert [int(tally.market.number) for tally in floor.rewards.tallies()] == [1]


def test_the_day_ends_before_a_sample_of_the_next_one_is_taken():
    floor = Floor()
    floor.rewards.wake(floor.room.markets[0], DAY_NS - 2 * MINUTE_NS)
    floor.rest(BUY, 50, 100)
    while floor.rewards.next_ns() < DAY_NS:
        floor.sample()

    assert floor.rewards.next_ns() == DAY_NS
    assert floor.rewards.ends_day(DAY_NS)
    assert not floor.rewards.ends_day(DAY_NS - 1)
    floor.rewards.close()
    assert DAY_NS < floor.rewards.next_ns() < DAY_NS + MINUTE_NS
    assert not floor.rewards.ends_day(DAY_NS)


MINUTES = st.lists(
    st.tuples(
        st.integers(20, 80),  # the best bid
        st.integers(1, 6),  # the spread
        st.integers(1_000, 9_000),  # lots of a level
        st.lists(st.tuples(st.sampled_from([BUY, SELL]), st.integers(-6, 6), st.integers(1, 200)), max_size=4),
    ),
    min_size=1,
    max_size=8,
)


def q_min(one, two, midpoint):
    if Fraction(1, 10) <= midpoint <= Fraction(9, 10):
        return max(min(one, two), one / 3, two / 3)
    return min(one, two)


@settings(max_examples=60)
@given(MINUTES)
def test_a_day_is_paid_as_fractions_of_the_published_formula_say_to_a_millionth(minutes):
    floor = Floor()
    floor.rewards.wake(floor.room.markets[0], 0)
    total, idle, v = Fraction(0), 0, Fraction(3, 100)
    for bid, spread, lots, quotes in minutes:
        floor.clear()
        floor.room.touch(bid, bid + spread, lots)
        ours = []
        for side, away, shares in quotes:
            price = bid - away if side == BUY else bid + spread + away
            if (side == BUY and price < bid + spread) or (side == SELL and price > bid):
                floor.rest(side, price, shares, since_ns=-(10 * S))
                ours.append((side, Fraction(price, 100), shares))
        if not ours:
            floor.rest(BUY, 1, 1)
        floor.sample()
        # The public book with ours in it, by level; those below 20 shares make no midpoint.
        size = Fraction(lots, 100)
        theirs = [(BUY, Fraction(bid, 100), size), (SELL, Fraction(bid + spread, 100), size)]
        levels = {}
        for side, price, shares in (*theirs, *ours):
            levels[side, price] = levels.get((side, price), 0) + shares
        best = max((p for (side, p), shares in levels.items() if side == BUY and shares >= 20), default=None)
        worst = min((p for (side, p), shares in levels.items() if side == SELL and shares >= 20), default=None)
        if best is None or worst is None:
            idle += 1
            continue
        midpoint = (best + worst) / 2
        sums = {}
        for who, orders in (("ours", ours), ("theirs", theirs)):
            for side in (BUY, SELL):
                scores = [
                    ((v - abs(p - midpoint)) / v) ** 2 * n
                    for there, p, n in orders
                    if there == side and n >= 20 and abs(p - midpoint) <= v
                ]
                sums[who, side] = sum(scores, Fraction(0))
        mine = q_min(sums["ours", BUY], sums["ours", SELL], midpoint)
        low, high = sorted((sums["theirs", BUY], sums["theirs", SELL]))
        banded = Fraction(1, 10) <= midpoint <= Fraction(9, 10)
        others = low + (high - low) / 3 if banded else low
        if mine + others == 0:
            idle += 1
        else:
            total += mine / (mine + others)
    exact = RATE * total / (1440 - idle)
    found = floor.owed()[0][1]

    assert 0 <= exact - found < 1 + Fraction(1, 10**6)
