"""
The `venue:` part of a configuration: what the simulated venue is made of.

Every value has a range, and a name that says its unit; whatever else is written is refused with the field's name. Left
out, a part is the simplest one: constant delays, the conservative queue, whole fills, no rules of its own.
"""

from itertools import pairwise
from typing import Any

from attrs import Attribute, field, frozen
from cattrs import Converter

from adapters.simulated.rules import SELF_NAMES

MOST_LATENCY_MS = 3_600_000
QUEUES = ("conservative", "risk_averse", "power")
FILLS = ("whole", "partial")
MILLION = 1_000_000
MOST_KNOTS = 10_000


class OutOfRange(ValueError):
    """A value that has the right type and cannot be used; the message names the field."""


def within(least: float, most: float, unit: str) -> Any:
    """An attrs validator: the value, if it is a number, lies between both."""

    def check(_: Any, attribute: "Attribute[Any]", value: Any) -> None:
        if isinstance(value, int | float) and not least <= value <= most:  # NaN is refused too
            raise OutOfRange(f"{attribute.name} is {value}, expected {unit} from {least:,} to {most:,}")

    return check


def one_of(*names: str) -> Any:
    """An attrs validator: the value is one of *names*."""

    def check(_: Any, attribute: "Attribute[Any]", value: Any) -> None:
        if value not in names:
            raise OutOfRange(f"{attribute.name} is {value!r}, expected one of {', '.join(names)}")

    return check


_milliseconds = within(0, MOST_LATENCY_MS, "milliseconds")


@frozen
class ClockConfig:
    """
    How far the clocks of the sources run ahead of ours, which venue times are worked out from.

    *offset_ms* is milliseconds for all sources, or "auto": then each source's offset is what makes its fastest input
    take *floor_ms*. *feed_latency_ms* is how long inputs take to reach us whose time at the venue nobody stated.
    """

    offset_ms: str | float = "auto"
    floor_ms: float = field(default=1.0, validator=_milliseconds)
    feed_latency_ms: float = field(default=1.0, validator=_milliseconds)


@frozen
class LognormalConfig:
    """
    Delays of at least *least_ms*, half of them above *median_ms*, none above *most_ms*.

    *sigma* is the standard deviation of the logarithm of what exceeds *least_ms*.
    """

    least_ms: float = field(validator=_milliseconds)
    median_ms: float = field(validator=_milliseconds)
    sigma: float = field(validator=within(0, 10, "a number"))
    most_ms: float = field(validator=_milliseconds)

    def __attrs_post_init__(self) -> None:
        if not self.least_ms <= self.median_ms <= self.most_ms:
            raise OutOfRange(
                f"least_ms, median_ms and most_ms are {self.least_ms}, {self.median_ms} and {self.most_ms}, expected in"
                " that order"
            )


@frozen
class QuantilesConfig:
    """Delays by their quantile function: millionths of all delays to the milliseconds that these do not exceed."""

    quantiles_ms: dict[int, float] = field()

    @quantiles_ms.validator
    def _rise(self, _: Any, value: dict[int, float]) -> None:
        ppm, ms = list(value), list(value.values())
        if not 2 <= len(ppm) <= MOST_KNOTS or ppm[0] != 0 or ppm[-1] != MILLION:
            raise OutOfRange(
                f"quantiles_ms has {len(ppm)} entries, expected the first at 0 and the last at {MILLION:,}"
            )
        if any(a >= b for a, b in pairwise(ppm)):
            raise OutOfRange("quantiles_ms: its millionths do not rise")
        if any(not a <= b for a, b in pairwise(ms)) or not 0 <= ms[0] <= ms[-1] <= MOST_LATENCY_MS:
            raise OutOfRange(f"quantiles_ms: its milliseconds fall, or leave the range from 0 to {MOST_LATENCY_MS:,}")


LatencyConfig = float | LognormalConfig | QuantilesConfig


@frozen
class RateConfig:
    """Token buckets: so many orders and cancels a second, so many at once; 0 a second means no limit."""

    orders_per_s: int = field(default=0, validator=within(0, MILLION, "a whole number"))
    order_burst: int = field(default=1, validator=within(1, MILLION, "a whole number"))
    cancels_per_s: int = field(default=0, validator=within(0, MILLION, "a whole number"))
    cancel_burst: int = field(default=1, validator=within(1, MILLION, "a whole number"))


@frozen
class MarketRuleConfig:
    """
    Rules of the markets whose key (`venue:market`) is *match*, or begins with it if it ends in "*".

    An order that would take waits *taker_delay_ms* before it may. A BUY that would take has to be worth
    *least_taking_buy* units of the settlement currency.
    """

    match: str
    taker_delay_ms: float = field(default=0.0, validator=_milliseconds)
    least_taking_buy: float = field(default=0.0, validator=within(0, MILLION, "an amount of money"))


@frozen
class VenueConfig:
    """The simulated venue. `docs/explanation/simulated-venue.md` says what each part means."""

    order_latency_ms: LatencyConfig = field(validator=_milliseconds)
    report_latency_ms: LatencyConfig = field(validator=_milliseconds)
    cancel_latency_ms: LatencyConfig | None = field(default=None, validator=_milliseconds)
    queue: str = field(default="conservative", validator=one_of(*QUEUES))
    queue_exponent: float = field(default=3.0, validator=within(0.001, 100, "a number"))
    fills: str = field(default="whole", validator=one_of(*FILLS))
    self_trade: str = field(default="none", validator=one_of(*SELF_NAMES))
    gtd_step_ms: float = field(default=0.0, validator=_milliseconds)
    rates: RateConfig = RateConfig()
    rules: tuple[MarketRuleConfig, ...] = ()
    clock: ClockConfig = ClockConfig()


def venue_hooks(converter: Converter) -> None:
    """Teach *converter* the values that may have one of several forms."""

    def latency(value: Any, _: Any) -> Any:
        if value is None or type(value) in (int, float):
            return value if value is None else float(value)
        if isinstance(value, dict) and "quantiles_ms" in value:
            return converter.structure(value, QuantilesConfig)
        if isinstance(value, dict):
            return converter.structure(value, LognormalConfig)
        raise TypeError(value)

    def required(value: Any, wanted: Any) -> Any:
        if value is None:
            raise TypeError(value)
        return latency(value, wanted)

    def quantiles(value: Any, _: Any) -> dict[int, float]:
        if not isinstance(value, dict) or not all(
            type(ppm) is int and type(ms) in (int, float) for ppm, ms in value.items()
        ):
            raise TypeError(value)
        return {ppm: float(ms) for ppm, ms in value.items()}

    converter.register_structure_hook_func(lambda wanted: wanted == LatencyConfig, required)
    converter.register_structure_hook_func(lambda wanted: wanted == LatencyConfig | None, latency)
    converter.register_structure_hook_func(lambda wanted: wanted == dict[int, float], quantiles)
