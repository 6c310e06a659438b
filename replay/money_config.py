"""
The `money:` part of a configuration: fees, settlement, complete sets, rebates and rewards of the simulated venue.

Left out, everything is as the venues have it, as far as that is known: Polymarket's trades settle after some seconds,
its rebates and rewards are paid, and fees are the catalogue's.
"""

from attrs import field, frozen

from replay.venue_config import MILLION, LatencyConfig, OutOfRange, within

_MOST_BPS = 10_000


@frozen
class FeeConfig:
    """A venue's rates in basis points of its own formula; a *maker_bps* below 0 is paid to the maker."""

    maker_bps: float = field(validator=within(-_MOST_BPS, _MOST_BPS, "basis points"))
    taker_bps: float = field(validator=within(-_MOST_BPS, _MOST_BPS, "basis points"))


@frozen
class SettlementConfig:
    """
    What follows a match on the *venues* named; elsewhere a trade is final at once.

    A trade is mined *mined_ms* after its match and confirmed *confirmed_ms* after that. Of a million, *retry_ppm* are
    tried again instead and mined *retried_ms* later, and *failure_ppm* are tried again and fail then.
    """

    venues: tuple[str, ...] = ("polymarket",)
    mined_ms: LatencyConfig = 2_000.0
    confirmed_ms: LatencyConfig = 4_000.0
    retried_ms: LatencyConfig = 10_000.0
    retry_ppm: int = field(default=0, validator=within(0, MILLION, "a whole number"))
    failure_ppm: int = field(default=0, validator=within(0, MILLION, "a whole number"))

    def __attrs_post_init__(self) -> None:
        if self.retry_ppm + self.failure_ppm > MILLION:
            raise OutOfRange(
                f"retry_ppm and failure_ppm are {self.retry_ppm} and {self.failure_ppm}, expected a million at most"
                " together"
            )


@frozen
class MoneyConfig:
    """What follows a match. `docs/explanation/simulated-money.md` says what each part means."""

    fees: dict[str, FeeConfig] = field(factory=dict)
    settlement: SettlementConfig = SettlementConfig()
    conversion_ms: LatencyConfig = 4_000.0
    rebates: bool = True
    rewards: bool = True
    ledger: bool = False
