"""
What we allow ourselves: the limits admission checks every order against.

`engine/runtime/policy.py` reads them from `config/trading_policy.yaml`; nothing here has a default, because a limit
that nobody wrote down is no limit.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.pack import Packer

TIF_GTC: Final[i64] = 1
TIF_GTD: Final[i64] = 2
TIF_FOK: Final[i64] = 3
TIF_FAK: Final[i64] = 4
TIF_NAMES: Final[tuple[str, ...]] = ("", "GTC", "GTD", "FOK", "FAK")

CAP_EXPONENT: Final[i64] = 6
"""Money limits are whole millionths of the settlement currency."""


def tif_number(name: str) -> i64:
    """The number of a time in force, 0 for a text that is none."""
    if name == "GTC":
        return TIF_GTC
    if name == "GTD":
        return TIF_GTD
    if name == "FOK":
        return TIF_FOK
    if name == "FAK":
        return TIF_FAK
    return 0


def _bit(tif: i64) -> i64:
    bit: i64 = 1
    return bit << tif


@final
class Limits:
    """Worst-case exposure allowed in one settlement currency, in millionths of it."""

    def __init__(
        self,
        max_account_notional: int,
        max_event_notional: int,
        max_market_notional: int,
        max_strategy_notional: int,
        max_order_notional: int,
    ) -> None:
        self.max_account_notional: Final[int] = max_account_notional
        self.max_event_notional: Final[int] = max_event_notional
        self.max_market_notional: Final[int] = max_market_notional
        self.max_strategy_notional: Final[int] = max_strategy_notional
        self.max_order_notional: Final[int] = max_order_notional


@final
class Rule:
    """
    What may be traded: instruments whose key is *match*, or begins with it if it ends in "*".

    *max_lots* bounds the worst-case position of one instrument on either side. *min_price* and *max_price* are in
    millionths of the price's unit. *tifs* are the times in force allowed there.
    """

    def __init__(self, match: str, max_lots: i64, min_price: i64, max_price: i64, tifs: tuple[str, ...]) -> None:
        self.match: Final[str] = match
        self.max_lots: Final[i64] = max_lots
        self.min_price: Final[i64] = min_price
        self.max_price: Final[i64] = max_price
        self.tifs: Final[tuple[str, ...]] = tifs
        bits: i64 = 0
        for tif in tifs:
            bits |= _bit(tif_number(tif))
        self._bits: Final[i64] = bits

    def fits(self, key: str) -> bool:
        """Whether this rule speaks of the instrument *key*."""
        if self.match.endswith("*"):
            return key.startswith(self.match[:-1])
        return key == self.match

    def allows(self, tif: i64) -> bool:
        """Whether the time in force numbered *tif* is among those allowed."""
        return self._bits & _bit(tif) != 0


@final
class Policy:
    """
    All limits, by name and version.

    *max_data_age_ns* is how old a book's last change may be, by our clock, before no new risk is taken on it (0: any
    age). *flatten_ticks* is how far through the touch an unwinding order may go, *rescue_ticks* how far each of a
    group's at most two rescues may. *latch_ns* is how long a gate may stay closed before it lowers the mode.
    *self_cross_refused* is whether an order that would meet one of our own is refused here, or left to the venue.

    Against churn (`churn`): within *message_window_ns* (0: no such limit) a strategy may send *free_messages* orders
    and cancels in a market, and *messages_per_fill* more for each fill; a cancel that it asks for before the order has
    rested *min_resting_ns* (0: no such limit) is refused.
    """

    def __init__(
        self,
        version: str,
        settlements: dict[str, Limits],
        rules: tuple[Rule, ...],
        max_open_orders: i64,
        max_orders_per_minute: i64,
        max_ttl_ns: i64,
        max_data_age_ns: i64,
        flatten_ticks: i64,
        rescue_ticks: i64,
        latch_ns: i64,
        self_cross_refused: bool,
        min_resting_ns: i64,
        message_window_ns: i64,
        free_messages: i64,
        messages_per_fill: i64,
    ) -> None:
        self.version: Final[str] = version
        self.settlements: Final[dict[str, Limits]] = settlements
        self.rules: Final[tuple[Rule, ...]] = rules
        self.max_open_orders: Final[i64] = max_open_orders
        self.max_orders_per_minute: Final[i64] = max_orders_per_minute
        self.max_ttl_ns: Final[i64] = max_ttl_ns
        self.max_data_age_ns: Final[i64] = max_data_age_ns
        self.flatten_ticks: Final[i64] = flatten_ticks
        self.rescue_ticks: Final[i64] = rescue_ticks
        self.latch_ns: Final[i64] = latch_ns
        self.self_cross_refused: Final[bool] = self_cross_refused
        self.min_resting_ns: Final[i64] = min_resting_ns
        self.message_window_ns: Final[i64] = message_window_ns
        self.free_messages: Final[i64] = free_messages
        self.messages_per_fill: Final[i64] = messages_per_fill

    def rule_for(self, key: str) -> Rule | None:
        """The first rule that speaks of the instrument *key*; None means it may not be traded."""
        for rule in self.rules:
            if rule.fits(key):
                return rule
        return None

    def canonical(self) -> bytes:
        """Bytes that two policies share exactly when they allow the same: of them RUN_START states the digest."""
        packer = Packer()
        packer.put_text(self.version)
        packer.put(len(self.settlements))
        for currency in sorted(self.settlements):
            limits = self.settlements[currency]
            packer.put_text(currency)
            packer.put_big(limits.max_account_notional)
            packer.put_big(limits.max_event_notional)
            packer.put_big(limits.max_market_notional)
            packer.put_big(limits.max_strategy_notional)
            packer.put_big(limits.max_order_notional)
        packer.put(len(self.rules))
        for rule in self.rules:
            packer.put_text(rule.match)
            packer.put(rule.max_lots)
            packer.put(rule.min_price)
            packer.put(rule.max_price)
            packer.put_text(",".join(rule.tifs))
        packer.put(self.max_open_orders)
        packer.put(self.max_orders_per_minute)
        packer.put(self.max_ttl_ns)
        packer.put(self.max_data_age_ns)
        packer.put(self.flatten_ticks)
        packer.put(self.rescue_ticks)
        packer.put(self.latch_ns)
        packer.put(1 if self.self_cross_refused else 0)
        packer.put(self.min_resting_ns)
        packer.put(self.message_window_ns)
        packer.put(self.free_messages)
        packer.put(self.messages_per_fill)
        return packer.finish()
