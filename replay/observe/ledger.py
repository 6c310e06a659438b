"""
Whose profit it is: what each strategy's trades came to in each instrument, beside the kernel's own portfolio.

The kernel keeps one position in an instrument, whoever traded it. Here every trade is booked to its strategy, by cash
flow: what a booking has made is its cash plus what its part of the position is worth. The parts of one position are
valued one behind the other, so that together they count as the whole does, to the last unit.
"""

from collections.abc import Iterator

from attrs import define

from engine.kernel.market import Instrument, Market
from engine.kernel.portfolio import Holding, Portfolio
from engine.kernel.units import BUY
from replay.observe.marks import Rate, Valuation, payoff, valued
from replay.observed import Opened
from replay.outcome import is_held

NOBODY = 0
"""The seat of what belongs to no strategy: an opening position, an order of the operator's."""


@define
class Account:
    """One strategy in one instrument. *cash* is that of its trades; fees and income stand apart."""

    size: int = 0
    cash: int = 0
    fees: int = 0
    income: int = 0

    def trade(self, signed: int, price: int) -> None:
        """Buy (*signed* > 0) or sell at *price*."""
        self.size += signed
        self.cash -= signed * price


class Ledger:
    """The accounts of one run, by instrument and seat."""

    def __init__(self, portfolio: Portfolio) -> None:
        self._portfolio = portfolio
        self._accounts: dict[int, dict[int, Account]] = {}
        self._opened: dict[int, Opened] = {}
        self._resolved: set[int] = set()  # only asked for members
        self._seen = 0
        self._rates: dict[int, Rate] = {}  # as last known
        self.ended = False

    # -- booking -------------------------------------------------------------------------------------------------------

    def open(self, number: int) -> None:
        """Instrument *number* matters from now on: what is held of it is from before. Call it before a trade of it."""
        if number in self._accounts:
            return
        holding = self._portfolio.holdings[number]
        said = Opened(number, int(holding.size), holding.cost, holding.realised, holding.fees, holding.income)
        self._opened[number] = said
        self._accounts[number] = {NOBODY: Account(said.size, said.realised - said.cost, said.fees, said.income)}

    def look(self) -> None:
        """Open what was listed since the last time and is held."""
        holdings = self._portfolio.holdings
        while self._seen < len(holdings):
            if is_held(holdings[self._seen]):
                self.open(self._seen)
            self._seen += 1

    def holding(self, number: int) -> Holding:
        """The kernel's own."""
        return self._portfolio.holdings[number]

    def account(self, number: int, seat: int) -> Account:
        """The account of *seat* in instrument *number*."""
        return self._accounts[number].setdefault(seat, Account())

    def fill(self, instrument: Instrument, seat: int, side: int, price: int, size: int, fee: int) -> None:
        """A fill of that strategy; of one taken back, *size* and *fee* are below 0."""
        self.pay_out(instrument.market)
        account = self.account(int(instrument.number), seat)
        account.trade(size if side == BUY else -size, price)
        account.fees += fee
        self._pay(instrument)

    def convert(self, market: Market, seat: int, size: int, merges: bool) -> None:
        """A split or merge of that strategy, booked as the kernel does: each outcome at half."""
        self.pay_out(market)
        half = int(market.price_scale) // 2
        for leg, price in enumerate((half, int(market.price_scale) - half)):
            instrument = self._portfolio.holdings[market.first_instrument + leg].instrument
            self.account(int(instrument.number), seat).trade(-size if merges else size, price)
            self._pay(instrument)

    def pay_out(self, market: Market) -> None:
        """Close every account of *market*, if it was resolved."""
        number = int(market.number)
        if number in self._resolved or payoff(self._instrument(market)) is None:
            return
        self._resolved.add(number)
        for leg in range(len(market.listing.symbols)):
            self._pay(self._portfolio.holdings[market.first_instrument + leg].instrument)

    def _instrument(self, market: Market) -> Instrument:
        return self._portfolio.holdings[market.first_instrument].instrument

    def _pay(self, instrument: Instrument) -> None:
        price = payoff(instrument)
        if price is not None:
            for account in self._accounts.get(int(instrument.number), {}).values():
                account.trade(-account.size, price)

    # -- what it came to -----------------------------------------------------------------------------------------------

    @property
    def opened(self) -> tuple[Opened, ...]:
        """What each instrument began with, by number; those that began with nothing too."""
        return tuple(self._opened[number] for number in sorted(self._opened))

    def numbers(self) -> list[int]:
        """The instruments that matter."""
        return sorted(self._accounts)

    def valued(self, number: int) -> Valuation:
        """What instrument *number* is worth at present, or was when that was last known."""
        found = valued(self._portfolio.holdings[number], self._rates.get(number), self.ended)
        self._rates[number] = found.money, found.per
        return found

    def profits(self, number: int) -> Iterator[tuple[int, Account, int]]:
        """(seat, account, profit) of everyone in instrument *number*, at its present mark."""
        holding = self._portfolio.holdings[number]
        self.pay_out(holding.instrument.market)
        worth = self.valued(number).worth
        before = 0
        for seat, account in sorted(self._accounts[number].items()):
            value = worth(before + account.size) - worth(before)
            before += account.size
            yield seat, account, account.cash + value - account.fees + account.income
