"""The rules of a venue that its catalogue does not state: what it refuses, holds back, or keeps from trading."""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.market import Market
from engine.kernel.record import NONE

# What happens when an order would trade with another of ours.
SELF_PASS: Final[i64] = 0  # they do not see each other
SELF_TRADE: Final[i64] = 1
SELF_CANCEL_NEWEST: Final[i64] = 2
SELF_CANCEL_OLDEST: Final[i64] = 3
SELF_CANCEL_BOTH: Final[i64] = 4
SELF_NAMES: Final[tuple[str, ...]] = ("none", "trade", "cancel_newest", "cancel_oldest", "cancel_both")

_SECOND: Final[i64] = 1_000_000_000


@final
class Bucket:
    """
    A token bucket: *per_second* tokens flow in, at most *burst* are kept, a message takes one. 0 a second: no limit.

    Tokens are counted in billionths, so that every nanosecond brings a whole number of them.
    """

    def __init__(self, per_second: i64, burst: i64) -> None:
        assert 0 <= per_second <= 1_000_000
        assert 0 <= burst <= 1_000_000
        assert per_second == 0 or burst >= 1
        self._rate: Final[i64] = per_second
        self._full: Final[i64] = burst * _SECOND
        self._tokens: i64 = self._full
        self._at_ns: i64 = NONE

    def take(self, now_ns: i64) -> bool:
        """Whether there was a token at *now_ns*, which does not go back; it is gone then."""
        if self._rate == 0:
            return True
        if self._at_ns != NONE and self._tokens < self._full:
            since = now_ns - self._at_ns
            if since >= (self._full - self._tokens) // self._rate + 1:
                self._tokens = self._full
            else:
                self._tokens += since * self._rate
                if self._tokens > self._full:
                    self._tokens = self._full
        self._at_ns = now_ns
        if self._tokens < _SECOND:
            return False
        self._tokens -= _SECOND
        return True


@final
class MarketRule:
    """
    Rules of the markets whose key (`venue:market`) is *match*, or begins with it if it ends in "*".

    An order that would take waits *taker_delay_ns* first, and cannot be cancelled meanwhile. A BUY that would take has
    to be worth *least_taking_buy* millionths of the settlement currency.
    """

    def __init__(self, match: str, taker_delay_ns: i64, least_taking_buy: i64) -> None:
        assert taker_delay_ns >= 0
        assert least_taking_buy >= 0
        self.match: Final[str] = match
        self.taker_delay_ns: Final[i64] = taker_delay_ns
        self.least_taking_buy: Final[i64] = least_taking_buy

    def fits(self, market: Market) -> bool:
        """Whether this rule speaks of *market*."""
        if self.match.endswith("*"):
            return market.key.startswith(self.match[:-1])
        return market.key == self.match


@final
class Rules:
    """
    All of them. *self_trade* is a SELF_*; a GTD order ends at the last whole *gtd_step_ns* not after its time.

    The first of *markets* that fits a market holds there.
    """

    def __init__(
        self,
        self_trade: i64 = 0,
        gtd_step_ns: i64 = 1,
        orders: Bucket | None = None,
        cancels: Bucket | None = None,
        markets: tuple[MarketRule, ...] = (),
    ) -> None:
        assert 0 <= self_trade < i64(len(SELF_NAMES))
        assert gtd_step_ns >= 1
        self.self_trade: Final[i64] = self_trade
        self.gtd_step_ns: Final[i64] = gtd_step_ns
        self.orders: Final[Bucket] = orders if orders is not None else Bucket(0, 0)
        self.cancels: Final[Bucket] = cancels if cancels is not None else Bucket(0, 0)
        self.markets: Final[tuple[MarketRule, ...]] = markets

    def place(self, market: Market) -> i64:
        """Where in `markets` the rule of *market* stands; -1 if it has none."""
        for at, rule in enumerate(self.markets):
            if rule.fits(market):
                return at
        return -1
