"""
The trading policy, from the text people write to the limits the kernel checks.

Strict on purpose: an unknown field, a missing one, a number where an amount in quotes is due, or the same name twice is
refused in one sentence. Replay reads the text that RUN_START kept, the runtime reads `config/trading_policy.yaml`. Only
a recorded text may lack a field: one that did not exist when it was recorded.
"""

from functools import lru_cache
from typing import Any

from attrs import frozen
from cattrs import BaseValidationError, Converter

from engine.kernel.policy import CAP_EXPONENT, TIF_NAMES, Limits, Policy, Rule
from engine.kernel.units import BAD, LARGEST, decimal
from journal.errors import JournalError
from replay.run import reasons
from replay.yaml_text import BadYaml, load

_MS = 1_000_000
_LONGEST_MS = 10 * 365 * 86_400_000
_MOST_ORDERS = 1_000_000

_NO_SUCH_LIMIT: dict[str, Any] = {
    "min_resting_ms": 0,
    "order_to_trade": {"window_ms": 0, "free": 0, "per_fill": 0},
}
"""What came to `orders` after runs had been recorded, at the values under which nothing is limited by it."""


class BadPolicy(JournalError):
    """A trading policy that cannot be used."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"CFG_INVALID: the trading policy {reason}")


@frozen
class _Settlement:
    max_account_notional: Any
    max_event_notional: Any
    max_market_notional: Any
    max_strategy_notional: Any
    max_order_notional: Any


@frozen
class _Rule:
    match: Any
    max_lots: Any
    min_price: Any
    max_price: Any
    tifs: Any


@frozen
class _OrderToTrade:
    window_ms: Any
    free: Any
    per_fill: Any


@frozen
class _Orders:
    max_open: Any
    max_per_minute: Any
    max_ttl_ms: Any
    flatten_ticks: Any
    rescue_ticks: Any
    self_cross: Any
    min_resting_ms: Any
    order_to_trade: _OrderToTrade


@frozen
class _Data:
    max_age_ms: Any


@frozen
class _Gates:
    latch_ms: Any


@frozen
class _Text:
    version: Any
    settlements: dict[str, _Settlement]
    rules: list[_Rule]
    orders: _Orders
    data: _Data
    gates: _Gates


_converter = Converter(forbid_extra_keys=True)


@lru_cache(maxsize=16)
def read_policy(text: str) -> Policy:
    """
    The policy that *text* (YAML) states. Nothing of it changes, so kernels may share it, and a text is read once.

    Raises:
        BadPolicy: it cannot be used; the sentence names the field.
    """
    return _read(_loaded(text))


@lru_cache(maxsize=16)
def read_recorded_policy(text: str) -> Policy:
    """
    The policy of a run that was recorded with *text*, maybe before some limits existed: it has none of those.

    Raises:
        BadPolicy: as `read_policy`, for all that a policy has always had to state.
    """
    values = _loaded(text)
    orders = values.get("orders")
    return _read({**values, "orders": {**_NO_SUCH_LIMIT, **orders}} if isinstance(orders, dict) else values)


def _loaded(text: str) -> dict[str, Any]:
    try:
        values = load(text)
    except BadYaml as error:
        raise BadPolicy(str(error)) from error
    if not isinstance(values, dict):
        raise BadPolicy("must be a mapping of names to values")
    return values


def _read(values: dict[str, Any]) -> Policy:
    try:
        return _policy(_converter.structure(values, _Text))
    except BaseValidationError as error:
        raise BadPolicy(f"does not fit: {reasons(error)}") from error


def _policy(said: _Text) -> Policy:
    if not isinstance(said.version, str) or not 0 < len(said.version) <= 128 or not said.version.isprintable():
        raise BadPolicy(f"needs a version, a text of 1 to 128 characters, and has {said.version!r}")
    if not said.settlements:
        raise BadPolicy("names no settlement currency")
    if not said.rules:
        raise BadPolicy("has no rules")
    return Policy(
        said.version,
        {name: _limits(f"settlements.{name}", limits) for name, limits in said.settlements.items()},
        tuple(_rule(f"rules[{at}]", rule) for at, rule in enumerate(said.rules)),
        _whole("orders.max_open", said.orders.max_open, _MOST_ORDERS),
        _whole("orders.max_per_minute", said.orders.max_per_minute, _MOST_ORDERS),
        _whole("orders.max_ttl_ms", said.orders.max_ttl_ms, _LONGEST_MS) * _MS,
        _whole("data.max_age_ms", said.data.max_age_ms, _LONGEST_MS) * _MS,
        _whole("orders.flatten_ticks", said.orders.flatten_ticks, _MOST_ORDERS),
        _whole("orders.rescue_ticks", said.orders.rescue_ticks, _MOST_ORDERS),
        _whole("gates.latch_ms", said.gates.latch_ms, _LONGEST_MS) * _MS,
        _is_refused("orders.self_cross", said.orders.self_cross),
        _whole("orders.min_resting_ms", said.orders.min_resting_ms, _LONGEST_MS) * _MS,
        _whole("orders.order_to_trade.window_ms", said.orders.order_to_trade.window_ms, _LONGEST_MS) * _MS,
        _whole("orders.order_to_trade.free", said.orders.order_to_trade.free, _MOST_ORDERS),
        _whole("orders.order_to_trade.per_fill", said.orders.order_to_trade.per_fill, _MOST_ORDERS),
    )


def _limits(where: str, said: _Settlement) -> Limits:
    return Limits(
        _amount(f"{where}.max_account_notional", said.max_account_notional),
        _amount(f"{where}.max_event_notional", said.max_event_notional),
        _amount(f"{where}.max_market_notional", said.max_market_notional),
        _amount(f"{where}.max_strategy_notional", said.max_strategy_notional),
        _amount(f"{where}.max_order_notional", said.max_order_notional),
    )


def _rule(where: str, said: _Rule) -> Rule:
    if not isinstance(said.match, str) or not said.match:
        raise BadPolicy(f"needs an instrument key at {where}.match, and has {said.match!r}")
    tifs = said.tifs
    if not isinstance(tifs, list) or not tifs or any(tif not in TIF_NAMES[1:] for tif in tifs):
        raise BadPolicy(f"needs some of {', '.join(TIF_NAMES[1:])} at {where}.tifs, and has {tifs!r}")
    low = _amount(f"{where}.min_price", said.min_price)
    high = _amount(f"{where}.max_price", said.max_price)
    if low > high:
        raise BadPolicy(f"has a band at {where} that ends ({said.max_price}) before it begins ({said.min_price})")
    return Rule(said.match, _whole(f"{where}.max_lots", said.max_lots, LARGEST - 1), low, high, tuple(tifs))


def _is_refused(where: str, value: Any) -> bool:
    """Whether the kernel itself refuses what *where* speaks of; otherwise it is the venue's to prevent."""
    if value in ("refuse", "venue"):
        return bool(value == "refuse")
    raise BadPolicy(f"needs refuse or venue at {where}, and has {value!r}")


def _amount(where: str, value: Any) -> int:
    """Decimal text in millionths."""
    if isinstance(value, str) and value.isascii():
        data = value.encode()
        found = decimal(data, 0, len(data), CAP_EXPONENT)
        if found != BAD:
            return int(found)
    raise BadPolicy(f'needs an amount in quotes such as "12.50" at {where}, and has {value!r}')


def _whole(where: str, value: Any, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
        return value
    raise BadPolicy(f"needs a whole number from 0 to {most} at {where}, and has {value!r}")
