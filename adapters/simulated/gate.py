"""What the venue refuses: an order that its catalogue or its rules do not allow."""

from typing import Final, final

from librt.vecs import append, vec
from mypy_extensions import i64

from adapters.simulated.book import VenueBook
from adapters.simulated.clearing import Clearing
from adapters.simulated.models import Models
from adapters.simulated.orders import Orders
from adapters.simulated.resting import Resting
from adapters.simulated.rules import MarketRule, Rules
from adapters.simulated.taking import Taking
from engine.kernel import codes
from engine.kernel.events import STATUS_POST_ONLY, STATUS_TRADING
from engine.kernel.fees import money_exponent
from engine.kernel.market import Market
from engine.kernel.order import FLAG_POST_ONLY
from engine.kernel.record import NONE
from engine.kernel.units import BUY

_UNASKED: Final[i64] = -2
_NO_RULE: Final[i64] = -1


@final
class Gate:
    """Judges orders as they arrive, when *book* is their market's."""

    def __init__(self, models: Models, orders: Orders, taking: Taking, book: VenueBook) -> None:
        self._rules: Final[Rules] = models.rules
        self._clearing: Final[Clearing] = models.clearing
        self._orders: Final[Orders] = orders
        self._taking: Final[Taking] = taking
        self._book: Final[VenueBook] = book
        self._rule_of: vec[i64] = vec[i64]()  # by market number: the place of its rule in the list

    def objection(self, order: Resting, now_ns: i64) -> i64:
        """Why the venue refuses the order: a reason code, or OK."""
        request = order.request
        book = self._book
        market = book.market
        assert market is not None
        assert market.number == order.market
        post_only = request.flags & FLAG_POST_ONLY != 0
        if book.status != STATUS_TRADING and not (book.status == STATUS_POST_ONLY and post_only):
            return codes.MARKET_CLOSED
        if order.expires_ns != NONE and order.expires_ns <= now_ns:
            return codes.TTL_INVALID
        if not is_on_grid(market, book.tick, request.price):
            return codes.OFF_GRID
        if request.size < market.listing.min_size or request.size <= 0:
            return codes.SIZE_BELOW_MIN
        if market.listing.min_notional > 0:
            # Stated in price units for one whole unit of size.
            if notional(order) < int(market.listing.min_notional) * 10 ** int(market.listing.size_exponent):
                return codes.SIZE_BELOW_MIN
        if order.reduces and self._orders.room(order) == 0:
            return codes.NOT_REDUCING
        if post_only:
            if not book.ready():
                self._orders.unready += 1
            elif self._taking.crosses(order):
                return codes.WOULD_CROSS
        elif self._rules.markets:
            rule = self.rule(market)
            least: i64 = 0
            if rule is not None and request.side == BUY:
                least = rule.least_taking_buy
            if least > 0 and self._taking.crosses(order):
                if notional(order) * 1_000_000 < int(least) * 10 ** int(money_exponent(market.listing)):
                    return codes.SIZE_BELOW_MIN
        return self._clearing.objection(request, now_ns)

    def taker_delay_ns(self, order: Resting) -> i64:
        """How long the venue holds *order* back before it may trade: 0 for one that would rest."""
        if not self._rules.markets or order.request.flags & FLAG_POST_ONLY:
            return 0
        market = self._book.market
        assert market is not None
        rule = self.rule(market)
        if rule is None or rule.taker_delay_ns == 0 or not self._taking.crosses(order):
            return 0
        return rule.taker_delay_ns

    def rule(self, market: Market) -> MarketRule | None:
        """The rule of *market*, sought once."""
        while i64(len(self._rule_of)) <= market.number:
            self._rule_of = append(self._rule_of, _UNASKED)
        at = self._rule_of[market.number]
        if at == _UNASKED:
            at = self._rules.place(market)
            self._rule_of[market.number] = at
        return None if at == _NO_RULE else self._rules.markets[at]


def is_on_grid(market: Market, tick: i64, price: i64) -> bool:
    """Whether *price* is one that orders may have: a step of the present grid, and of a binary market below one."""
    if price <= 0 or (market.binary and price >= market.price_scale):
        return False
    for above, step in market.listing.tick_steps:
        if price >= above and step > tick:
            tick = i64(step)
    return price % tick == 0


def notional(order: Resting) -> int:
    """The order's limit price times its size, as money."""
    return int(order.request.price) * int(order.request.size)
