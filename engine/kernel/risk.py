"""
Worst-case exposure: what we could lose or carry if every order that may still fill does, on the side that hurts.

An order counts in full from its request until it is proven gone, UNKNOWN ones too. Per market:

- *binary* (Polymarket): the loss if the first outcome wins and the loss if the second does. A held set of both costs
  what it cost and pays one in either case, so complete sets take care of themselves. An open bid for the losing token
  loses its whole price, an open offer of the winning one loses one minus its price.
- *others*: the long and the short side, at cost and at the orders' own prices; offers first close what is held.

Per NegRisk event the worst of "market k's first outcome wins, all others lose" and "none of ours wins"; per other event
and per account the sum. A strategy answers for the markets it owns.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.market import Market
from engine.kernel.money import Money
from engine.kernel.orders import Orders
from engine.kernel.portfolio import Portfolio

NOBODY: Final[i64] = 0


@final
class Event:
    """Markets of one venue event in one purse."""

    def __init__(self, number: i64, key: str, purse: i64, neg_risk: bool) -> None:
        self.number: Final[i64] = number
        self.key: Final[str] = key
        self.purse: Final[i64] = purse
        self.neg_risk: Final[bool] = neg_risk
        self.markets: list[int] = []
        self.worst_money: Final[Money] = Money()

    @property
    def worst(self) -> int:
        """The worst case of its markets together."""
        return self.worst_money.value()


@final
class Exposure:
    """
    One market's figures, as money; *first* and *second* are losses by outcome, or the long and the short side.

    *account* is the worst case of its purse, *owned* that of its owner there (of nobody's, if it has none).
    """

    def __init__(self, market: Market, purse: i64, event: Event | None, account: Money, owned: Money) -> None:
        self.market: Final[Market] = market
        self.purse: Final[i64] = purse
        self.event: Final[Event | None] = event
        self.account: Final[Money] = account
        self.owner: i64 = NOBODY
        self.owned: Money = owned
        self.first_money: Final[Money] = Money()
        self.second_money: Final[Money] = Money()
        self.worst_money: Final[Money] = Money()

    @property
    def first(self) -> int:
        """What is lost if the first outcome wins, or what the long side carries."""
        return self.first_money.value()

    @property
    def second(self) -> int:
        """What is lost if the second outcome wins, or what the short side carries."""
        return self.second_money.value()

    @property
    def worst(self) -> int:
        """The greater of both, and at least nothing."""
        return self.worst_money.value()


@final
class Risk:
    """The exposure of every market, event, strategy and purse, kept up to date one market at a time."""

    def __init__(self, portfolio: Portfolio, orders: Orders) -> None:
        self._portfolio: Final[Portfolio] = portfolio
        self._orders: Final[Orders] = orders
        self.markets: Final[list[Exposure]] = []
        self.events: Final[list[Event]] = []
        self._event_by_key: Final[dict[str, Event]] = {}
        self._accounts: Final[list[Money]] = []  # by purse
        self._strategies: Final[list[list[Money]]] = []  # by purse, then by seat; the first stays nothing
        self._unowned: Final[list[Money]] = []  # by purse
        self._most: Final[Money] = Money()  # only while an event is measured
        self._more: Final[Money] = Money()

    @property
    def accounts(self) -> list[int]:
        """The worst case of each purse."""
        return [account.value() for account in self._accounts]

    def market_added(self, market: Market) -> None:
        """Make room for the next market."""
        assert market.number == len(self.markets)
        purse = self._portfolio.purse_for(market.listing).number
        while i64(len(self._accounts)) <= purse:
            self._accounts.append(Money())
            self._strategies.append([Money()])
            self._unowned.append(Money())
        event: Event | None = None
        if market.listing.event:
            key = f"{market.listing.venue}:{market.listing.event}@{purse}"
            event = self._event_by_key.get(key)
            if event is None:
                event = Event(len(self.events), key, purse, market.listing.neg_risk)
                self.events.append(event)
                self._event_by_key[key] = event
            event.markets.append(market.number)
        self.markets.append(Exposure(market, purse, event, self._accounts[purse], self._unowned[purse]))

    def strategy(self, seat: i64, purse: i64) -> Money:
        """The worst case of the markets that *seat* owns, in *purse*: it moves with them."""
        seats = self._strategies[purse]
        while i64(len(seats)) <= seat:
            seats.append(Money())
        return seats[seat]

    def own(self, market: i64, seat: i64) -> None:
        """*seat* answers for *market* from now on."""
        exposure = self.markets[market]
        if exposure.owner != seat:
            worst = exposure.worst_money
            exposure.owned.add(-worst.high, -worst.low)
            exposure.owner = seat
            purse = exposure.purse
            exposure.owned = self._unowned[purse] if seat == NOBODY else self.strategy(seat, purse)
            exposure.owned.add(worst.high, worst.low)

    def refresh(self, market: i64) -> None:
        """A position or a reservation of *market* changed: work out what depends on it."""
        exposure = self.markets[market]
        first = exposure.first_money
        second = exposure.second_money
        self._measure(exposure, first, second)
        high = first.high
        low = first.low
        if second.high > high or (second.high == high and second.low > low):
            high = second.high
            low = second.low
        if high < 0:
            high = 0
            low = 0
        worst = exposure.worst_money
        high_moved = high - worst.high
        low_moved = low - worst.low
        worst.high = high
        worst.low = low
        exposure.owned.add(high_moved, low_moved)
        event = exposure.event
        if event is None:
            exposure.account.add(high_moved, low_moved)
            return
        total = event.worst_money
        high = total.high
        low = total.low
        self._measure_event(event, total)
        exposure.account.add(total.high - high, total.low - low)

    def rebuild(self) -> None:
        """Work everything out from scratch: after a restore, and in tests against `refresh`."""
        for seats in self._strategies:
            for owned in seats:
                owned.clear()
        for account in self._accounts:
            account.clear()
        for event in self.events:
            event.worst_money.clear()
        for exposure in self.markets:
            exposure.worst_money.clear()
        for exposure in self.markets:
            self.refresh(exposure.market.number)

    def _measure(self, exposure: Exposure, first: Money, second: Money) -> None:
        market = exposure.market
        number = market.first_instrument
        holding = self._portfolio.holdings[number]
        working = self._orders.working[number]
        if market.binary and len(market.listing.symbols) == 2:
            other = self._portfolio.holdings[number + 1]
            others = self._orders.working[number + 1]
            scale = market.price_scale
            first.copy(holding.cost_money)
            first.add(other.cost_money.high, other.cost_money.low)
            second.copy(first)
            first.add_product(scale, -holding.size)
            first.add(others.buys.high, others.buys.low)
            first.add_product(scale, working.sell_size)
            first.add(-working.sells.high, -working.sells.low)
            second.add_product(scale, -other.size)
            second.add(working.buys.high, working.buys.low)
            second.add_product(scale, others.sell_size)
            second.add(-others.sells.high, -others.sells.low)
            return
        size = holding.size
        cost = holding.cost_money
        if size >= 0:
            first.copy(cost)
            first.add(working.buys.high, working.buys.low)
            _excess(second, working.sells, working.sell_size, size)
        else:
            _excess(first, working.buys, working.buy_size, -size)
            second.copy(working.sells)
            second.add(-cost.high, -cost.low)

    def _measure_event(self, event: Event, total: Money) -> None:
        total.clear()
        if not event.neg_risk:
            for number in event.markets:
                worst = self.markets[number].worst_money
                total.add(worst.high, worst.low)
            return
        # Every first outcome loses, then at most one of them wins after all.
        most = self._most
        most.clear()
        for number in event.markets:
            exposure = self.markets[number]
            second = exposure.second_money
            total.add(second.high, second.low)
            more = self._more
            more.copy(exposure.first_money)
            more.add(-second.high, -second.low)
            if more.exceeds(most):
                most.copy(more)
        total.add(most.high, most.low)
        if total.high < 0:
            total.clear()


def _excess(left: Money, money: Money, size: i64, closes: i64) -> None:
    """The *money* of orders over *size* in all, beyond the *closes* of a position that they close first; rounded up."""
    if size <= closes:
        left.clear()
    elif closes == 0:
        left.copy(money)
    else:
        left.share(money, size - closes, size, True)
