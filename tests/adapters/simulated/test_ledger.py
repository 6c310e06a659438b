"""The double-entry ledger of everybody in the simulated venue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trading_room import Room, binary, contract

from adapters.simulated.ledger import COLLATERAL, FEES, MARKET, PARTIES, POOL, US, Ledger, Unbalanced
from adapters.simulated.resting import Fill
from engine.kernel.units import BUY, SELL

UNIT = 10**6
ONE = 10**10
"""One unit of currency as money: price units times size units."""
YES, NO, BTC = 0, 1, 2
PURSE = "polymarket:pUSD@10"


@pytest.fixture
def room():
    return Room(binary(), contract(), binary("N"))


def a_fill(instrument=YES, side=BUY, price=4_000, size=10 * UNIT, number=1, market=0, maker=True):
    return Fill(number, 100 + number, instrument, market, side, price, size, maker, 5)


def cash(ledger, *parties):
    return [ledger.cash[PURSE].held[party] for party in parties]


def test_a_trade_moves_tokens_one_way_and_cash_the_other_and_both_sides_pay_fees(room):
    ledger = Ledger(room.instruments)
    ledger.traded(a_fill(), ONE, 2 * ONE, False)

    assert cash(ledger, US, MARKET, FEES) == [-5 * ONE, 2 * ONE, 3 * ONE]
    assert [ledger.tokens[YES].held[party] for party in (US, MARKET)] == [10 * UNIT, -10 * UNIT]
    ledger.traded(a_fill(side=SELL, price=5_000, number=2), 0, 0, False)
    assert cash(ledger, US, MARKET, FEES) == [0, -3 * ONE, 3 * ONE]
    ledger.check()


def test_a_trade_that_may_fail_is_unsettled_until_it_is_confirmed_or_reversed(room):
    ledger = Ledger(room.instruments)
    first, second = a_fill(), a_fill(side=SELL, number=2)
    ledger.traded(first, ONE, 0, True)
    ledger.traded(second, 0, ONE, True)
    assert (ledger.tokens[YES].unsettled, ledger.cash[PURSE].unsettled) == (0, -ONE)
    ledger.settled(first, ONE)
    assert (ledger.tokens[YES].unsettled, ledger.cash[PURSE].unsettled) == (-10 * UNIT, 4 * ONE)
    ledger.reversed(second, 0, ONE)

    assert (ledger.tokens[YES].unsettled, ledger.cash[PURSE].unsettled) == (0, 0)
    assert cash(ledger, US, MARKET, FEES) == [-5 * ONE, 4 * ONE, ONE]
    ledger.check()


def test_a_split_locks_cash_and_a_merge_frees_it(room):
    ledger = Ledger(room.instruments)
    ledger.converted(NO, 10 * UNIT, False)
    assert cash(ledger, US, COLLATERAL) == [-10 * ONE, 10 * ONE]
    assert [ledger.tokens[leg].held[COLLATERAL] for leg in (YES, NO)] == [-10 * UNIT] * 2
    ledger.check()
    ledger.converted(YES, 4 * UNIT, True)

    assert cash(ledger, US, COLLATERAL) == [-6 * ONE, 6 * ONE]
    ledger.check()


def test_a_resolution_pays_the_winners_out_of_what_was_locked_and_the_market_pays_what_it_sold_short(room):
    ledger = Ledger(room.instruments)
    ledger.converted(YES, 10 * UNIT, False)
    ledger.traded(a_fill(side=BUY, price=4_000, size=5 * UNIT), 0, 0, False)
    ledger.resolved(room.markets[0], YES)

    assert cash(ledger, US, MARKET, COLLATERAL) == [3 * ONE, -3 * ONE, 0]
    assert [sum(map(abs, ledger.tokens[leg].held)) for leg in (YES, NO)] == [0, 0]
    ledger.check()
    ledger.traded(a_fill(instrument=NO, number=9), 0, 0, True)
    assert (ledger.tokens[NO].held[US], cash(ledger, US)) == (0, [-ONE])
    ledger.reversed(a_fill(instrument=NO, number=9), 0, 0)
    assert cash(ledger, US, MARKET, COLLATERAL) == [3 * ONE, -3 * ONE, 0]
    ledger.check()


def test_rebates_come_from_the_fees_and_rewards_from_the_pool(room):
    ledger = Ledger(room.instruments)
    ledger.rebated(YES, ONE)
    ledger.rewarded(NO, 2 * ONE)

    assert cash(ledger, US, FEES, POOL) == [3 * ONE, -ONE, -2 * ONE]
    assert ledger.entries == 2
    ledger.check()


def conjure(asset):
    asset.held[US] += 1


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda ledger: conjure(ledger.cash[PURSE]), f"cash of {PURSE}: 1"),
        (lambda ledger: conjure(ledger.token(YES)), "instrument 0: 1"),
        (lambda ledger: ledger.token(YES).move(FEES, US, 1), "fees and pool in instrument 0: 1"),
        (lambda ledger: ledger.token(YES).move(COLLATERAL, US, 1), "collateral of market 0 beyond its sets: -10000"),
        (lambda ledger: ledger.cash[PURSE].move(US, COLLATERAL, 7), f"collateral of {PURSE}: 7"),
        (lambda ledger: ledger.winners.__setitem__(0, 0), f"collateral of market 0, which is resolved: {ONE}"),
    ],
)
def test_whatever_does_not_add_up_is_named(room, spoil, what):
    ledger = Ledger(room.instruments)
    ledger.converted(YES, UNIT, False)
    ledger.check()
    spoil(ledger)

    with pytest.raises(Unbalanced, match=what):
        ledger.check()


def test_an_agreeing_portfolio_has_no_differences_and_another_is_told_apart_line_by_line(room):
    ledger, portfolio = Ledger(room.instruments), room.desk.portfolio
    assert ledger.differences(portfolio) == []
    ledger.traded(a_fill(), ONE, 0, True)
    portfolio.fill(YES, BUY, 4_000, 10 * UNIT, ONE, True)
    assert ledger.differences(portfolio) == []
    ledger.settled(a_fill(), ONE)

    assert ledger.differences(portfolio) == [
        f"polymarket:YES-M: settled: the venue has {10 * UNIT}, the kernel 0",
        f"{PURSE}: provisional cash: the venue has 0, the kernel {-5 * ONE}",
    ]
    portfolio.settle(YES, BUY, 4_000, 10 * UNIT, ONE)
    portfolio.purses[0].opening = 3
    assert ledger.differences(portfolio) == [f"{PURSE}: cash: the venue has {-5 * ONE}, the kernel {-5 * ONE - 3}"]


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["trade", "provisional", "confirm", "fail", "split", "merge", "resolve", "rebate", "reward"]),
        st.sampled_from([0, 1, 2, 3, 4]),
        st.sampled_from([BUY, SELL]),
        st.integers(1, 9_999),
        st.integers(1, 10**9),
        st.integers(0, 10**12),
        st.integers(-(10**9), 10**12),
    ),
    max_size=40,
)


@given(EVENTS)
def test_everything_sums_to_zero_after_every_event_whatever_happens(events):
    room = Room(binary(), contract(), binary("N"))
    ledger, portfolio = Ledger(room.instruments), room.desk.portfolio
    waiting = []
    for number, (what, instrument, side, price, size, ours, theirs) in enumerate(events, 1):
        market = room.instruments[instrument].market
        fill = a_fill(instrument, side, price, size, number, int(market.number))
        if what in ("trade", "provisional"):
            ledger.traded(fill, ours, theirs, what == "provisional")
            portfolio.fill(instrument, side, price, size, ours, what == "provisional")
            if what == "provisional":
                waiting.append((fill, ours, theirs))
        elif what in ("confirm", "fail") and waiting:
            fill, ours, theirs = waiting.pop(size % len(waiting))
            terms = (int(fill.instrument), int(fill.side), int(fill.price), int(fill.size), ours)
            if what == "confirm":
                ledger.settled(fill, ours)
                portfolio.settle(*terms)
            else:
                ledger.reversed(fill, ours, theirs)
                portfolio.reverse(*terms)
            market = room.instruments[fill.instrument].market
        elif what in ("split", "merge") and market.binary and market.winner < 0:
            ledger.converted(instrument, size, what == "merge")
            portfolio.convert(market, size, what == "merge")
        elif what == "resolve" and market.binary and market.winner < 0:
            market.winner = instrument
            ledger.resolved(market, instrument)
        elif what == "rebate":
            ledger.rebated(instrument, ours)
            portfolio.credit(instrument, ours)
        elif what == "reward":
            ledger.rewarded(instrument, ours)
            portfolio.credit(instrument, ours)
        if market.winner >= 0:
            portfolio.pay_out(market)
        ledger.check()

        assert ledger.differences(portfolio) == []
        for asset in (*ledger.cash.values(), *ledger.tokens.values()):
            assert sum(asset.held) == 0
            assert len(asset.held) == len(PARTIES)
