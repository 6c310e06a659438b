"""
The policy's limits in one instrument's own units, worked out once when it is listed.

A policy speaks of currencies and prices; admission compares integers of the venue. Every conversion rounds to the
stricter side.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.codes import NOT_PERMITTED, OK
from engine.kernel.events import KIND_BINARY, KIND_OPTION, Listing
from engine.kernel.fees import money_exponent
from engine.kernel.market import Instrument, power_of_ten
from engine.kernel.money import Money, limit
from engine.kernel.policy import CAP_EXPONENT, Policy, Rule
from engine.kernel.units import LARGEST


@final
class Caps:
    """The limits of one purse, as its money: ints for people, amounts for admission."""

    def __init__(self, account: int, event: int, market: int, strategy: int, order: int) -> None:
        self.account: Final[int] = account
        self.event: Final[int] = event
        self.market: Final[int] = market
        self.strategy: Final[int] = strategy
        self.order: Final[int] = order
        self.account_money: Final[Money] = limit(account)
        self.event_money: Final[Money] = limit(event)
        self.market_money: Final[Money] = limit(market)
        self.strategy_money: Final[Money] = limit(strategy)
        self.order_money: Final[Money] = limit(order)


_NOTHING: Final = Caps(0, 0, 0, 0, 0)


@final
class Terms:
    """What the policy lets us do in one instrument. *code* is OK or why it may not be traded at all."""

    def __init__(self, instrument: Instrument, policy: Policy | None) -> None:
        listing = instrument.market.listing
        self.code: i64 = NOT_PERMITTED
        self.caps: Caps = _NOTHING
        self.rule: Rule | None = None
        self.max_size: i64 = 0
        self.min_price: i64 = 0
        self.max_price: i64 = 0
        if policy is None:
            return
        limits = policy.settlements.get(listing.settlement)
        rule = policy.rule_for(instrument.key)
        if limits is None or rule is None or not linear(listing):
            return
        exponent = money_exponent(listing)
        self.code = OK
        self.rule = rule
        self.caps = Caps(
            scaled(limits.max_account_notional, exponent),
            scaled(limits.max_event_notional, exponent),
            scaled(limits.max_market_notional, exponent),
            scaled(limits.max_strategy_notional, exponent),
            scaled(limits.max_order_notional, exponent),
        )
        self.max_size = bounded(int(rule.max_lots) * int(listing.lot))
        scale = int(power_of_ten(listing.price_exponent))
        self.min_price = bounded(-(-int(rule.min_price) * scale // 10 ** int(CAP_EXPONENT)))
        self.max_price = bounded(int(rule.max_price) * scale // 10 ** int(CAP_EXPONENT))


def bounded(limit: int) -> i64:
    """*limit*, or a number that no price and no size reaches."""
    return limit if limit < int(LARGEST) else LARGEST


def linear(listing: Listing) -> bool:
    """
    Whether its money is price times size, the only kind traded: not inverse, no option, no contract multiplier.

    A multiplier of one whole underlying is none.
    """
    whole = power_of_ten(listing.size_exponent)
    if listing.kind == KIND_BINARY:
        return len(listing.symbols) == 2
    plain = listing.multiplier == 0 or listing.multiplier == whole
    return plain and not listing.inverse and listing.kind != KIND_OPTION and len(listing.symbols) == 1


def scaled(cap: int, exponent: i64) -> int:
    """A cap in millionths as money at *exponent*, rounded down."""
    shift = int(exponent) - int(CAP_EXPONENT)
    if shift >= 0:
        return cap * int(10**shift)
    return cap // int(10**-shift)
