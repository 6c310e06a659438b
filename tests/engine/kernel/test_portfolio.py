"""Positions and cash against a slow, obvious ledger of fractions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trading_room import binary, contract

from engine.kernel.market import Instrument, Market
from engine.kernel.portfolio import Portfolio, mark_value
from engine.kernel.record import NONE
from engine.kernel.units import BUY, SELL

TRADES = st.lists(
    st.tuples(
        st.sampled_from([BUY, SELL]),
        st.integers(1, 9_999),
        st.integers(1, 10**9),
        st.integers(-(10**12), 10**12),
        st.sampled_from(["final", "settled", "reversed", "open"]),
    ),
    max_size=30,
)


def listed(*listings):
    """(portfolio, markets, instruments) over these listings."""
    portfolio, markets, instruments = Portfolio(), [], []
    for listing in listings:
        market = Market(len(markets), listing)
        market.valid = True
        market.first_instrument = len(instruments)
        markets.append(market)
        for leg in range(len(listing.symbols)):
            instruments.append(Instrument(len(instruments), market, leg))
            portfolio.instrument_added(instruments[-1])
    return portfolio, markets, instruments


class Ledger:
    """Average cost in exact fractions."""

    def __init__(self):
        self.size, self.cost, self.realised, self.cash = 0, Fraction(0), Fraction(0), Fraction(0)

    def trade(self, signed, price, fee):
        self.cash -= signed * price + fee
        if self.size * signed >= 0:
            self.size += signed
            self.cost += signed * price
            return
        closed = min(abs(signed), abs(self.size)) * (1 if signed > 0 else -1)
        released = self.cost * Fraction(abs(closed), abs(self.size))
        self.realised += -closed * price - released
        self.cost -= released
        self.size += closed
        if signed != closed:
            self.size, self.cost = signed - closed, Fraction((signed - closed) * price)


@given(TRADES)
def test_cash_cost_realised_and_fees_balance_to_the_last_unit(trades):
    portfolio, _, _ = listed(contract())
    holding, purse = portfolio.holdings[0], portfolio.purses[0]
    ledger = Ledger()
    for side, price, size, fee, end in trades:
        signed = size if side == BUY else -size
        portfolio.fill(0, side, price, size, fee, end != "final")
        ledger.trade(signed, price, fee)
        if end == "settled":
            portfolio.settle(0, side, price, size, fee)
        elif end == "reversed":
            portfolio.reverse(0, side, price, size, fee)
            ledger.trade(-signed, price, -fee)

        assert ledger.size == holding.size
        assert ledger.cash == purse.cash()
        assert purse.cash() == holding.realised - holding.cost - holding.fees
        # Each reduction rounds once, by less than a unit; a reversal is one more trade.
        assert abs(ledger.cost - holding.cost) < 2 * len(trades)
        assert (holding.cost == 0) or (holding.size != 0)


@given(TRADES)
def test_the_settled_layer_holds_what_was_confirmed_and_nothing_else(trades):
    portfolio, _, _ = listed(contract())
    settled_size, settled_cash = 0, 0
    for side, price, size, fee, end in trades:
        signed = size if side == BUY else -size
        portfolio.fill(0, side, price, size, fee, end != "final")
        if end == "settled":
            portfolio.settle(0, side, price, size, fee)
        elif end == "reversed":
            portfolio.reverse(0, side, price, size, fee)
        if end in ("final", "settled"):
            settled_size += signed
            settled_cash -= signed * price + fee

    assert settled_size == portfolio.holdings[0].settled
    assert settled_cash == portfolio.purses[0].settled


@given(TRADES, TRADES)
def test_a_portfolio_comes_back_from_its_bytes(first, second):
    portfolio, _, instruments = listed(contract(), binary())
    for trades, number in ((first, 0), (second, 2)):
        for side, price, size, fee, end in trades:
            portfolio.fill(number, side, price, size, fee, end == "open")
            portfolio.credit(number, fee)
    again, _, _ = listed(contract(), binary())
    again.unpack(portfolio.pack(), instruments)

    assert portfolio.pack() == again.pack()


def test_a_part_sold_takes_its_share_of_the_cost_and_leaves_the_rest():
    portfolio, _, _ = listed(contract())
    portfolio.fill(0, BUY, 10, 3, 0, False)
    portfolio.fill(0, BUY, 11, 4, 0, False)
    portfolio.fill(0, SELL, 20, 2, 0, False)

    # Cost 74 for 7; two of them take 21 and 1/7, of which the 1/7 stays.
    assert portfolio.holdings[0].realised == 40 - 21
    assert portfolio.holdings[0].cost == 53


def test_the_winner_pays_one_and_the_loser_nothing():
    portfolio, markets, _ = listed(binary())
    portfolio.fill(0, BUY, 4_000, 10_000_000, 0, False)
    portfolio.fill(1, BUY, 5_000, 20_000_000, 0, True)
    markets[0].winner = 1
    portfolio.pay_out(markets[0])
    portfolio.pay_out(markets[0])

    yes, no = portfolio.holdings
    assert (yes.size, yes.cost, yes.realised) == (0, 0, -40_000_000_000)
    assert (no.size, no.cost, no.realised) == (0, 0, 100_000_000_000)
    assert portfolio.purses[0].cash() == 60_000_000_000
    portfolio.settle(1, BUY, 5_000, 20_000_000, 0)
    assert (no.size, no.settled, portfolio.purses[0].settled) == (0, 0, 60_000_000_000)


CONVERSIONS = st.lists(st.tuples(st.booleans(), st.integers(1, 10**9), st.integers(1, 9_999)), max_size=20)


@given(CONVERSIONS, st.sampled_from([4, 0]))
def test_sets_cost_one_each_and_a_credit_is_income(conversions, exponent):
    # At exponent 0 the price of one is 1, which has no half: the first outcome is booked at nothing.
    portfolio, markets, _ = listed(binary(price_exponent=exponent, tick=1))
    holdings, purse = portfolio.holdings, portfolio.purses[0]
    sets = 0
    for merges, size, credit in conversions:
        if not merges or size <= sets:
            portfolio.convert(markets[0], size, merges)
            sets += -size if merges else size
        portfolio.credit(0, credit)

        made = sum(one.realised - one.cost - one.fees + one.income for one in holdings)
        assert purse.settled == purse.cash() == made
        assert [(one.size, one.settled) for one in holdings] == [(sets, sets)] * 2
        assert portfolio.complete_sets(markets[0]) == sets
        assert purse.settled == holdings[0].income - sets * 10**exponent


@pytest.mark.parametrize(("yes", "no", "sets"), [(5, 3, 3), (0, 3, 0), (4, 4, 4), (-2, 4, 0)])
def test_complete_sets_are_the_lesser_holding(yes, no, sets):
    portfolio, markets, _ = listed(binary())
    portfolio.holdings[0].size, portfolio.holdings[1].size = yes, no

    assert portfolio.complete_sets(markets[0]) == sets


def test_a_contract_has_no_complete_sets():
    portfolio, markets, _ = listed(contract())

    assert portfolio.complete_sets(markets[0]) == 0


def test_two_venues_do_not_share_a_purse():
    portfolio, _, _ = listed(binary(), contract(), contract("ETH"), contract("SOL", venue="other"))

    assert [purse.key for purse in portfolio.purses] == [
        "polymarket:pUSD@10",
        "binance-usdm:USDT@16",
        "other:USDT@16",
    ]


def test_the_mark_leans_to_the_side_with_less_size():
    _, markets, instruments = listed(binary())
    book = markets[0].book
    assert mark_value(instruments[0], 10) is None
    book.set_level(0, 50, 300)
    assert mark_value(instruments[0], 10) == 10 * 50 * 100
    book.set_level(1, 54, 100)
    # (50 * 100 + 54 * 300) / 400 = 53, and 47 for the complement.
    assert mark_value(instruments[0], 10) == 10 * 53 * 100
    assert mark_value(instruments[1], 10) == 10 * 47 * 100
    book.set_level(0, 50, 0)
    assert mark_value(instruments[0], 10) == 10 * 54 * 100
    markets[0].valid = False
    assert mark_value(instruments[0], 10) is None


def test_a_venues_mark_price_comes_first():
    _, markets, instruments = listed(contract())
    markets[0].mark = 123

    assert mark_value(instruments[0], -10) == -1230
    markets[0].mark = NONE
    assert mark_value(instruments[0], -10) is None


def test_of_a_resolved_market_nothing_counts_as_settled_also_where_a_sale_was_still_under_way():
    portfolio, markets, _ = listed(binary())
    portfolio.fill(0, BUY, 4_000, 10_000_000, 0, False)
    portfolio.fill(0, SELL, 6_000, 10_000_000, 0, True)
    markets[0].winner = 0
    portfolio.pay_out(markets[0])
    portfolio.settle(0, SELL, 6_000, 10_000_000, 0)

    assert (portfolio.holdings[0].size, portfolio.holdings[0].settled) == (0, 0)
    assert portfolio.purses[0].settled == 20_000_000_000
