"""
Check 19 of admission: what an order leaves of the policy's limits on the worst case.

The order is counted in first, and taken out again where it goes too far: the worst case is then measured once, and by
the one who measures it always.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.checks import LIMIT_ACCOUNT, LIMIT_EVENT, LIMIT_LOTS, LIMIT_MARKET, LIMIT_STRATEGY
from engine.kernel.desk import Desk
from engine.kernel.money import Money
from engine.kernel.order import Order, gets_out
from engine.kernel.risk import NOBODY
from engine.kernel.terms import Terms
from engine.kernel.units import BUY


@final
class Headroom:
    """Judges one order at a time; `limit` is the one that decided, `margin` what it leaves (below 0: lacks)."""

    def __init__(self, desk: Desk) -> None:
        self._desk: Final[Desk] = desk
        self.limit: i64 = 0
        self.margin: Final[Money] = Money()
        self._spare: Final[Money] = Money()
        self._market_before: Final[Money] = Money()
        self._event_before: Final[Money] = Money()
        self._strategy_before: Final[Money] = Money()
        self._account_before: Final[Money] = Money()

    def take(self, order: Order, terms: Terms, reduces: bool) -> bool:
        """Reserve *order* and count it in the risk; False, and nothing of it stays, where it goes beyond a limit."""
        desk = self._desk
        risk = desk.risk
        market = order.instrument.market.number
        exposure = risk.markets[market]
        event = exposure.event
        owner = exposure.owner
        seat = owner
        if order.seat > 0 and not gets_out(order.flags):
            seat = order.seat
        stays = seat == owner != NOBODY
        strategy = exposure.owned if stays else risk.strategy(seat, exposure.purse)
        self._market_before.copy(exposure.worst_money)
        self._strategy_before.copy(strategy)
        self._account_before.copy(exposure.account)
        if event is not None:
            self._event_before.copy(event.worst_money)
        desk.orders.add(order)
        if not stays:
            risk.own(market, seat)
        risk.refresh(market)
        caps = terms.caps
        self._spare_of(caps.account_money, exposure.account)
        self.margin.copy(self._spare)
        self.limit = 0
        if reduces:
            return True
        self.limit = LIMIT_ACCOUNT
        if (
            self._holds(order, terms)
            and self._under(LIMIT_MARKET, caps.market_money, self._market_before, exposure.worst_money)
            and (event is None or self._under(LIMIT_EVENT, caps.event_money, self._event_before, event.worst_money))
            and self._under(LIMIT_STRATEGY, caps.strategy_money, self._strategy_before, strategy)
            and self._under(LIMIT_ACCOUNT, caps.account_money, self._account_before, exposure.account)
        ):
            return True
        self.withdraw(order, owner)
        return False

    def withdraw(self, order: Order, owner: i64) -> None:
        """Undo the reservation of an order that is not sent, and give its market back to *owner*."""
        market = order.instrument.market.number
        self._desk.orders.withdraw(order)
        self._desk.risk.own(market, owner)
        self._desk.risk.refresh(market)

    def _holds(self, order: Order, terms: Terms) -> bool:
        """Whether the instrument's limit of lots holds on the side of this order; if not, it decides."""
        number = order.instrument.number
        holding = self._desk.portfolio.holdings[number]
        working = self._desk.orders.working[number]
        if order.side == BUY:
            left = terms.max_size - (holding.size + working.buy_size)
        else:
            left = terms.max_size - (working.sell_size - holding.size)
        if left >= 0:
            return True
        self.limit = LIMIT_LOTS
        self.margin.become(int(left // order.instrument.market.lot))
        return False

    def _under(self, limit: i64, cap: Money, before: Money, after: Money) -> bool:
        """Whether *after* is within *cap*, or no higher than *before*; keeps the tightest margin."""
        self._spare_of(cap, after)
        spare = self._spare
        failed = spare.high < 0 and after.exceeds(before)
        if failed or self.margin.exceeds(spare):
            self.margin.copy(spare)
            self.limit = limit
        return not failed

    def _spare_of(self, cap: Money, after: Money) -> None:
        spare = self._spare
        spare.copy(cap)
        spare.add(-after.high, -after.low)
