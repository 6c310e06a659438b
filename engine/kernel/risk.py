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

from engine.kernel.events import KIND_BINARY
from engine.kernel.market import Market
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
        self.worst: int = 0


@final
class Exposure:
    """One market's figures, as money; *first* and *second* are losses by outcome, or the long and the short side."""

    def __init__(self, market: Market, purse: i64, event: Event | None) -> None:
        self.market: Final[Market] = market
        self.purse: Final[i64] = purse
        self.event: Final[Event | None] = event
        self.owner: i64 = NOBODY
        self.first: int = 0
        self.second: int = 0
        self.worst: int = 0


@final
class Risk:
    """The exposure of every market, event, strategy and purse, kept up to date one market at a time."""

    def __init__(self, portfolio: Portfolio, orders: Orders) -> None:
        self._portfolio: Final[Portfolio] = portfolio
        self._orders: Final[Orders] = orders
        self.markets: Final[list[Exposure]] = []
        self.events: Final[list[Event]] = []
        self._event_by_key: Final[dict[str, Event]] = {}
        self.accounts: Final[list[int]] = []
        self._strategies: Final[list[list[int]]] = []  # by purse, then by seat

    def market_added(self, market: Market) -> None:
        """Make room for the next market."""
        assert market.number == len(self.markets)
        purse = self._portfolio.purse_for(market.listing).number
        while i64(len(self.accounts)) <= purse:
            self.accounts.append(0)
            self._strategies.append([0])
        event: Event | None = None
        if market.listing.event:
            key = f"{market.listing.venue}:{market.listing.event}@{purse}"
            event = self._event_by_key.get(key)
            if event is None:
                event = Event(len(self.events), key, purse, market.listing.neg_risk)
                self.events.append(event)
                self._event_by_key[key] = event
            event.markets.append(market.number)
        self.markets.append(Exposure(market, purse, event))

    def strategy(self, seat: i64, purse: i64) -> int:
        """The worst case of the markets that *seat* owns, in *purse*."""
        seats = self._strategies[purse]
        return seats[seat] if seat < i64(len(seats)) else 0

    def own(self, market: i64, seat: i64) -> None:
        """*seat* answers for *market* from now on."""
        exposure = self.markets[market]
        if exposure.owner != seat:
            self._strategy_moves(exposure.owner, exposure.purse, -exposure.worst)
            exposure.owner = seat
            self._strategy_moves(seat, exposure.purse, exposure.worst)

    def refresh(self, market: i64) -> None:
        """A position or a reservation of *market* changed: work out what depends on it."""
        exposure = self.markets[market]
        self._measure(exposure)
        worst = exposure.first if exposure.first > exposure.second else exposure.second
        if worst < 0:
            worst = 0
        moved = worst - exposure.worst
        exposure.worst = worst
        self._strategy_moves(exposure.owner, exposure.purse, moved)
        event = exposure.event
        if event is None:
            self.accounts[exposure.purse] += moved
            return
        total = self._event_worst(event)
        self.accounts[exposure.purse] += total - event.worst
        event.worst = total

    def rebuild(self) -> None:
        """Work everything out from scratch: after a restore, and in tests against `refresh`."""
        for seats in self._strategies:
            for at in range(len(seats)):
                seats[at] = 0
        for at in range(len(self.accounts)):
            self.accounts[at] = 0
        for event in self.events:
            event.worst = 0
        for exposure in self.markets:
            exposure.worst = 0
        for exposure in self.markets:
            self.refresh(exposure.market.number)

    def _strategy_moves(self, seat: i64, purse: i64, moved: int) -> None:
        if seat != NOBODY and moved != 0:
            seats = self._strategies[purse]
            while i64(len(seats)) <= seat:
                seats.append(0)
            seats[seat] += moved

    def _measure(self, exposure: Exposure) -> None:
        market = exposure.market
        number = market.first_instrument
        holding = self._portfolio.holdings[number]
        working = self._orders.working[number]
        if market.listing.kind == KIND_BINARY and len(market.listing.symbols) == 2:
            other = self._portfolio.holdings[number + 1]
            others = self._orders.working[number + 1]
            scale = int(market.price_scale)
            cost = holding.cost + other.cost
            exposure.first = (
                cost
                - int(holding.size) * scale
                + others.buy_money
                + int(working.sell_size) * scale
                - working.sell_money
            )
            exposure.second = (
                cost - int(other.size) * scale + working.buy_money + int(others.sell_size) * scale - others.sell_money
            )
            return
        size = holding.size
        if size >= 0:
            exposure.first = holding.cost + working.buy_money
            exposure.second = _excess(working.sell_money, working.sell_size, size)
        else:
            exposure.first = _excess(working.buy_money, working.buy_size, -size)
            exposure.second = -holding.cost + working.sell_money

    def _event_worst(self, event: Event) -> int:
        if not event.neg_risk:
            total = 0
            for number in event.markets:
                total += self.markets[number].worst
            return total
        # Every first outcome loses, then at most one of them wins after all.
        none_wins = 0
        most = 0
        for number in event.markets:
            exposure = self.markets[number]
            none_wins += exposure.second
            if exposure.first - exposure.second > most:
                most = exposure.first - exposure.second
        return none_wins + most if none_wins + most > 0 else 0


def _excess(money: int, size: i64, closes: i64) -> int:
    """The money of orders over *size* in all, beyond the *closes* of a position that they close first; rounded up."""
    if size <= closes:
        return 0
    return -(-money * int(size - closes) // int(size))
