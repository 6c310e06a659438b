"""No money is made or lost: kernel, venue and ledger together, whatever is ordered and whatever becomes of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trading_room import Room, Says, a_policy, binary, contract

from adapters.simulated.fees import Fees, Rates
from adapters.simulated.fills import Fills, Partial, Slippage
from adapters.simulated.latency import Delay, Latency, Quantiles
from adapters.simulated.ledger import COLLATERAL, FEES, POOL, US
from adapters.simulated.models import Models
from adapters.simulated.office import Office
from adapters.simulated.queue import Queue
from adapters.simulated.rebates import DAY_NS, Rebates
from adapters.simulated.rewards import Rewards
from adapters.simulated.rules import Rules
from adapters.simulated.settlement import Settlement
from adapters.simulated.venue import SimulatedVenue
from engine.kernel import codes, kinds
from engine.kernel.derived import SPLIT
from engine.kernel.events import STATUS_CLOSED, EventBatch
from engine.kernel.order import CANCELLED, FILLED
from engine.kernel.record import NONE
from engine.kernel.request import Request
from engine.kernel.rng import Draws
from engine.kernel.strategy import BUY, FAK, FOK, GTC, GTD, SELL, Cancel, CancelAll, Flatten, Merge, Place, Split
from engine.kernel.units import ASK, BID
from replay.adversary import worsened
from replay.adversary_config import (
    AdversaryConfig,
    CrowdingConfig,
    DelaysConfig,
    OutagesConfig,
    PartialConfig,
    RefusalsConfig,
    RegimesConfig,
    SlippageConfig,
    StressConfig,
)

S = 10**9
MS = 10**6
TICK, LOT = 100, 10_000
YES, NO, OTHER, BTC = "polymarket:YES-M", "polymarket:NO-M", "polymarket:YES-N", "binance-usdm:BTC"
TERMS = {
    "fee_ppm": 70_000,
    "rebate_ppm": 200_000,
    "reward_spread": 300,
    "reward_min_size": 20_000_000,
    "reward_rate": 500_000_000_000,
}


def an_office(seed=7, failure_ppm=0, retry_ppm=0, settling=("polymarket",), rates=None, ledger=True):
    draws = Draws(seed, "settlement")
    settlement = Settlement(
        Quantiles([0, 1_000_000], [1 * S, 3 * S], draws), Delay(2 * S), Delay(5 * S), retry_ppm, failure_ppm, draws
    )
    return Office(Fees(rates or {}), settlement, settling, Delay(4 * S), Rewards(seed), Rebates(), ledger)


class House:
    """A kernel's trading half with one strategy, a venue with a back office, and the time between them."""

    def __init__(self, office, fills=None, listings=None, adversary=None, seed=7):
        listings = listings or (binary("M", **TERMS), binary("N", **TERMS), contract())
        self.says = Says()
        policy = a_policy(max_open_orders=1000, max_orders_per_minute=100_000)
        self.room = Room(*listings, policy=policy, strategies=(self.says,))
        self.office = office
        latency = Latency(Delay(40 * MS), Delay(50 * MS), Delay(30 * MS))
        models = Models(latency, Queue(), fills or Fills(), Slippage(), Rules(), office)
        if adversary is not None:
            models = worsened(models, adversary, seed)
        self.venue = SimulatedVenue(self.room.instruments, models)
        self.kinds = []
        for number in range(len(self.room.markets)):
            self.book(number, 50, 2, 3_000)

    @property
    def now(self):
        return self.room.now

    def want(self, *intents):
        """The strategy wants *intents* now; the verdicts' codes."""
        self.says.next = list(intents)
        self.room.decide(0)
        self._submit()
        return [codes.name(verdict["code"]) for verdict in self.room.verdicts()]

    def _submit(self):
        for request in self.room.trading.requests:
            self.venue.submit(request, self.now, request.number)

    def _hear(self, report):
        self.room.input()
        self.kinds.append(kinds.name(report.kind).removeprefix("SIM_"))
        batch = EventBatch()
        report.fill(batch)
        for row in range(batch.count):
            assert self.room.trading.fold_order_row(self.room.seq, self.now, batch, row) == codes.OK
        if self.room.trading.pending:
            self.room.trading.decide(self.room.seq, self.now, [])
            self._submit()

    def run(self, until_ns):
        """Let time go on; the ledger adds up after every event, and agrees with the kernel whenever all is told."""
        venue, markets = self.venue, self.room.markets
        while (due := venue.next_ns()) != NONE and due <= until_ns:
            assert due >= self.now
            self.room.now = due
            report = venue.take_report(due)
            if report is not None:
                self._hear(report)
            elif (own := venue.next_own_ns()) != NONE and own <= due:
                if venue.own_market() >= 0:
                    venue.book.begin(markets[venue.own_market()])
                venue.act(due)
            else:
                if venue.arrival_market() >= 0:
                    venue.book.begin(markets[venue.arrival_market()])
                venue.arrive(due)
            self.check()
        self.room.now = max(self.now, until_ns)

    def wait(self, ns):
        self.run(self.now + ns)

    def check(self):
        if self.office.ledger is not None:
            self.office.ledger.check()
            if not self.venue.busy():
                assert self.office.ledger.differences(self.room.desk.portfolio) == []

    def book(self, number, bid, spread, lots):
        """A full book of one level a side."""
        market = self.room.markets[number]
        self.room.touch(bid, bid + spread, lots, number)
        self.venue.watch(number)
        self.venue.snapshot(number, self.now)
        for side, tick in ((BID, bid), (ASK, bid + spread)):
            self.venue.level_set(number, side, tick * market.tick, lots * market.lot, self.now)
        self.venue.snapshot_end(number, self.now)

    def trade(self, number, tick, lots, side):
        market = self.room.markets[number]
        self.venue.watch(number)
        self.venue.traded(number, tick * market.tick, lots * market.lot, side, self.now)

    def resolve(self, winner):
        """The winner is known to everybody at once."""
        market = self.room.instruments[winner].market
        if market.winner == NONE:
            market.winner = winner
            market.status = STATUS_CLOSED
            self.venue.watch(market.number)
            self.room.input()
            self.room.trading.resolved(market)
            self.venue.resolved(market.number, winner, self.now)
            self.check()

    def end(self):
        """Everything is cancelled, if need be again and again, and told; two days later all is settled and paid."""
        self.want(CancelAll())
        while self.room.desk.orders.all_open():
            self.wait(10 * S)
            self.want(CancelAll())
        self.wait(2 * DAY_NS)
        self.want(CancelAll())
        self.wait(2 * DAY_NS)
        assert not self.venue.busy()
        assert self.office.due_ns == NONE
        assert self.office.accrued() == []
        self.check()

    def holding(self, key):
        return self.room.desk.portfolio.holdings[self.room.desk.by_key[key].number]

    def cash(self, *parties):
        return [self.office.ledger.cash["polymarket:pUSD@10"].held[party] for party in parties]


ACTIONS = st.one_of(
    st.tuples(
        st.just("place"),
        st.sampled_from([YES, NO, OTHER, BTC]),
        st.sampled_from([BUY, SELL]),
        st.integers(40, 60),
        st.integers(500, 3_000),
        st.sampled_from([GTC, GTC, GTC, GTD, FOK, FAK]),
        st.booleans(),
    ),
    st.tuples(st.just("book"), st.integers(0, 2), st.integers(40, 58), st.integers(1, 4), st.integers(1, 3_000)),
    st.tuples(
        st.just("trade"), st.integers(0, 2), st.integers(40, 60), st.integers(1, 3_000), st.sampled_from([BUY, SELL])
    ),
    st.tuples(st.just("wait"), st.integers(0, 20_000)),
    st.tuples(st.just("split"), st.sampled_from([YES, OTHER]), st.integers(1, 3_000)),
    st.tuples(st.just("merge"), st.sampled_from([NO, OTHER]), st.integers(1, 3_000)),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("flatten"), st.sampled_from([YES, BTC])),
    st.tuples(st.just("resolve"), st.integers(0, 3)),
)


def act(house, action):
    what, *rest = action
    if what == "place":
        key, side, ticks, lots, tif, post_only = rest
        ttl = 3 * S if tif == GTD else None
        resting = post_only and tif in (GTC, GTD)
        house.want(Place(key, side, ticks, lots, tif=tif, post_only=resting, ttl_ns=ttl))
    elif what == "book":
        house.book(*rest)
    elif what == "trade":
        house.trade(*rest)
    elif what == "wait":
        house.wait(rest[0] * MS)
    elif what == "split":
        house.want(Split(*rest))
    elif what == "merge":
        house.want(Merge(*rest))
    elif what == "flatten":
        house.want(Flatten(*rest))
    elif what == "resolve":
        house.resolve(rest[0])
    else:
        orders = house.room.desk.orders.all_open()
        if orders:
            house.want(Cancel(orders[rest[0] % len(orders)].number))
    house.check()


@settings(max_examples=60)
@given(
    st.lists(ACTIONS, max_size=25),
    st.sampled_from([(0, 0), (300_000, 300_000), (0, 1_000_000)]),
    st.sampled_from([Fills, Partial]),
    st.sampled_from([None, {"binance-usdm": Rates(-100, 400)}]),
    st.integers(0, 3),
)
def test_all_parties_sum_to_zero_after_every_event_and_the_kernel_has_what_the_ledger_has_of_us(
    script, fates, fills, rates, seed
):
    retry_ppm, failure_ppm = fates
    house = House(an_office(seed, failure_ppm, retry_ppm, rates=rates), fills())
    for action in script:
        act(house, action)
    house.end()


PARTS = st.sampled_from([0.0, 0.3, 0.8, 1.0])
STRESS = {
    "delays": st.none() | st.builds(DelaysConfig, *[st.sampled_from([0.0, 7.0, 900.0])] * 3),
    "slippage": st.none() | st.builds(SlippageConfig, PARTS, st.sampled_from([0.0, 0.7, 5.0])),
    "partial": st.none() | st.builds(PartialConfig, PARTS, PARTS),
    "refusals": st.none()
    | st.builds(RefusalsConfig, orders=st.sampled_from([0, 0.3]), cancels=st.sampled_from([0, 0.5])),
    "crowding": st.none()
    | st.builds(CrowdingConfig, least=PARTS, half_fills=st.just(2), takes=PARTS, undercuts=PARTS, joins=PARTS),
}
ADVERSARIES = st.builds(
    AdversaryConfig,
    **STRESS,
    outages=st.none()
    | st.builds(OutagesConfig, st.just(10), st.sampled_from([1, 8]), st.sampled_from(["late", "refuse"])),
    regimes=st.none() | st.builds(RegimesConfig, st.just(4), st.just(3), st.builds(StressConfig, **STRESS)),
)
"""All stresses but those that know the market: `test_money` has these, on recordings."""


@settings(max_examples=60)
@given(st.lists(ACTIONS, max_size=25), ADVERSARIES, st.sampled_from([Fills, Partial]), st.integers(0, 3))
def test_all_parties_sum_to_zero_after_every_event_under_any_adversary_as_well(script, adversary, fills, seed):
    house = House(an_office(seed, 200_000, 200_000), fills(), adversary=adversary, seed=seed)
    for action in script:
        act(house, action)
    house.end()


@pytest.mark.nightly
@settings(max_examples=2_000)
@given(st.lists(ACTIONS, max_size=80), ADVERSARIES, st.sampled_from([Fills, Partial]), st.integers(0, 500_000))
def test_long_scripts_conserve_under_any_adversary_as_well(script, adversary, fills, failure_ppm):
    house = House(an_office(9, failure_ppm, 100_000), fills(), adversary=adversary, seed=9)
    for action in script:
        act(house, action)
    house.end()


@pytest.mark.nightly
@settings(max_examples=2_000)
@given(
    st.lists(ACTIONS, max_size=80),
    st.integers(0, 500_000),
    st.integers(0, 500_000),
    st.sampled_from([Fills, Partial]),
    st.sampled_from([None, {"binance-usdm": Rates(-100, 400), "polymarket": Rates(0, 50_000)}]),
    st.sampled_from([("polymarket",), (), ("polymarket", "binance-usdm")]),
)
def test_long_scripts_conserve_as_well(script, retry_ppm, failure_ppm, fills, rates, settling):
    house = House(an_office(9, failure_ppm, retry_ppm, settling, rates), fills())
    for action in script:
        act(house, action)
    house.end()


# -- examples ------------------------------------------------------------------------------------------------------


def test_a_take_is_provisional_until_it_is_confirmed_and_pays_the_fee_of_the_catalogue():
    house = House(an_office())
    house.want(Place(YES, BUY, 52, 1_000))
    house.wait(100 * MS)
    order = house.room.desk.orders.by_number[min(house.room.desk.orders.by_number)]
    holding = house.holding(YES)
    assert (order.state, holding.size, holding.settled) == (FILLED, 1_000 * LOT, 0)
    # 10 shares at 0.52: 10 * 0.07 * 0.52 * 0.48 = 0.174720
    assert holding.fees == house.cash(FEES)[0] == 1_747_200_000
    house.wait(6 * S)

    assert (holding.settled, holding.purse.provisional) == (1_000 * LOT, 0)
    assert house.kinds == ["ACKED", "FILLED", "SETTLED", "SETTLED"]


def test_a_trade_that_fails_is_taken_back_from_everybody():
    house = House(an_office(failure_ppm=1_000_000))
    house.want(Place(YES, BUY, 52, 1_000))
    house.wait(20 * S)

    assert house.kinds == ["ACKED", "FILLED", "SETTLED", "SETTLED"]
    assert (house.holding(YES).size, house.holding(YES).fees, house.cash(US, FEES)) == (0, 0, [0, 0])


def test_a_venue_that_does_not_settle_is_final_at_once_and_states_the_fees_of_its_configuration():
    house = House(an_office(rates={"binance-usdm": Rates(-100, 400)}))
    house.want(Place(BTC, BUY, 52, 10))
    house.want(Place(BTC, BUY, 50, 10))
    house.wait(100 * MS)
    holding = house.holding(BTC)
    paid = 52 * 10_000_000 * 10 * 100_000 * 400 // 10**6
    assert (holding.settled, holding.purse.provisional, holding.fees) == (10 * 100_000, 0, paid)
    house.trade(2, 49, 10, SELL)
    house.wait(100 * MS)

    assert holding.fees == paid - 50 * 10_000_000 * 10 * 100_000 * 100 // 10**6
    assert house.kinds.count("SETTLED") == 0


def test_sets_are_split_offered_merged_and_what_is_left_is_paid_out():
    house = House(an_office())
    assert house.want(Split(YES, 3_000)) == ["OK"]
    house.wait(5 * S)
    assert house.want(Place(YES, SELL, 51, 1_000, post_only=True)) == ["OK"]
    house.wait(100 * MS)
    house.trade(0, 52, 5_000, BUY)
    house.wait(10 * S)
    assert (house.holding(YES).size, house.holding(NO).size) == (2_000 * LOT, 3_000 * LOT)
    assert house.want(Merge(NO, 1_500)) == ["OK"]
    house.wait(5 * S)
    assert house.cash(COLLATERAL) == [1_500 * LOT * 10**4]
    house.resolve(1)

    # 10 shares of YES sold at 0.51, 15 shares of NO left: they win.
    assert house.cash(US, COLLATERAL) == [(-30 + 15 + 15) * 10**10 + 51 * 10**9, 0]
    assert house.kinds == ["CONVERTED", "ACKED", "FILLED", "SETTLED", "SETTLED", "CONVERTED"]


def test_a_split_that_arrives_after_the_resolution_is_refused():
    house = House(an_office())
    house.want(Split(YES, 3_000))
    house.resolve(0)
    house.wait(10 * S)

    assert house.kinds == ["CONVERSION_REFUSED"]
    assert house.holding(YES).size == 0
    assert house.cash(US) == [0]


def test_what_rests_is_cancelled_when_the_market_resolves():
    house = House(an_office())
    house.want(Place(YES, BUY, 45, 1_000))
    house.wait(1 * S)
    house.resolve(0)
    house.wait(1 * S)
    order = house.room.desk.orders.by_number[min(house.room.desk.orders.by_number)]

    assert order.state == CANCELLED
    assert house.kinds == ["ACKED", "CANCELLED"]


def test_a_quoting_day_is_paid_in_rebates_and_rewards_after_midnight():
    house = House(an_office())
    house.want(Place(YES, BUY, 50, 3_000, post_only=True), Place(YES, SELL, 52, 3_000, post_only=True))
    house.want(Place(OTHER, BUY, 50, 20_000, post_only=True))
    house.wait(3600 * S)
    house.trade(1, 49, 20_000, SELL)
    house.wait(1 * S)
    accrued = house.office.accrued()
    assert [reason for reason, _, _ in accrued] == [1, 2, 2]
    # 200 shares made at 0.50: the taker paid 3.50, of which a fifth is less than 1 and lost.
    assert accrued[0] == (1, 2, 700_000)
    house.wait(DAY_NS)

    assert house.kinds.count("CREDITED") == 2
    assert house.cash(POOL)[0] == -sum(house.holding(key).income for key in (YES, OTHER))
    assert house.holding(YES).income > 0
    assert house.office.paid == 2


def test_a_rebate_of_one_and_more_is_paid_out_of_the_fees():
    house = House(an_office())
    house.want(Place(OTHER, BUY, 50, 40_000, post_only=True))
    house.wait(1 * S)
    house.trade(1, 49, 40_000, SELL)
    house.wait(1 * S)
    assert house.cash(FEES) == [7 * 10**10]
    house.want(CancelAll())
    house.wait(2 * DAY_NS)

    assert house.holding(OTHER).income >= 14 * 10**9
    assert house.cash(FEES) == [56 * 10**9]


def test_a_rebate_of_a_trade_that_failed_is_not_paid():
    house = House(an_office(failure_ppm=1_000_000))
    house.want(Place(OTHER, BUY, 50, 40_000, post_only=True))
    house.wait(1 * S)
    house.trade(1, 49, 40_000, SELL)
    house.wait(1 * S)
    assert house.office.accrued()[0] == (1, 2, 1_400_000)
    house.wait(20 * S)

    assert house.office.accrued()[0] == (1, 2, 0)


def test_without_a_ledger_everything_happens_alike():
    told = []
    for ledger in (True, False):
        house = House(an_office(failure_ppm=200_000, retry_ppm=200_000, ledger=ledger))
        for step in range(40):
            house.want(Place(YES, BUY, 52 - step % 4, 600), Place(OTHER, SELL, 50 + step % 3, 700), Split(YES, 100))
            house.book(0, 48 + step % 5, 2, 900)
            house.wait(700 * MS)
        house.resolve(0)
        house.want(CancelAll())
        house.wait(2 * DAY_NS)
        told.append((house.kinds, house.room.desk.portfolio.pack(), house.room.digest.value))

    assert (house.office.ledger, told[0]) == (None, told[1])
    assert {"SETTLED", "CONVERTED", "FILLED"} <= set(told[0][0])


def test_an_office_without_parts_says_nothing_and_does_nothing():
    house = House(Office(Fees({}), None, (), Delay(0), None, None, True))
    house.want(Place(YES, BUY, 52, 1_000), Split(BTC, 1), Split(YES, 5))
    house.wait(1 * S)

    assert house.kinds == ["ACKED", "FILLED", "CONVERTED"] or house.kinds == ["ACKED", "CONVERTED", "FILLED"]
    assert house.office.due_ns == NONE
    assert house.office.market() == -1
    assert house.office.accrued() == []
    house.office.resolved(0, NONE, 0)
    assert house.office.winners == {}


def test_conversions_are_done_in_the_order_in_which_they_end():
    delay = Quantiles([0, 1_000_000], [0, 60 * S], Draws(3, "conversion"))
    listings = [binary(str(number)) for number in range(6)]
    house = House(Office(Fees({}), None, (), delay, None, None, True), listings=listings)
    house.want(*[Split(f"polymarket:YES-{number}", 10) for number in range(6)])
    asked = [conversion.number for conversion in house.room.trading._sets.pending]
    answered = []
    while house.room.trading._sets.pending:
        before = list(house.room.trading._sets.pending)
        house.run(house.venue.next_ns())
        answered += [one.number for one in before if one not in house.room.trading._sets.pending]

    assert sorted(answered) == asked != answered
    assert all(house.holding(f"polymarket:NO-{number}").size == 10 * LOT for number in range(6))


def test_a_market_without_complete_sets_has_none_to_convert():
    house = House(an_office())
    request = Request(9, SPLIT, b"", 0, "v", "BTC", 4, 0, 1, 8, 10, 8, 0, 0, house.now)
    house.office.asked(request, 9, 0, house.now)
    house.office.act(house.office.due_ns)
    report = house.venue.take_report(house.now + 10 * S)

    assert (report.kind, report.request, report.a) == (kinds.SIM_CONVERSION_REFUSED, 9, codes.NOT_PERMITTED)


def test_an_act_before_its_time_does_nothing():
    house = House(an_office())
    house.office.act(house.now)

    assert (house.kinds, house.office.due_ns) == ([], NONE)
