"""The parts of a profit: of one fill, of one strategy in one instrument, and of sums of these."""

from decimal import Decimal

from attrs import frozen

from replay.observed import Fill
from replay.tables import exact

TERMS = ("spread", "slippage", "drift", "adverse", "holding", "conversion", "carried", "fees", "rebates", "rewards")


@frozen
class Terms:
    """
    The parts of a profit (`replay.attribution` defines them), in halves of a unit of money: a mid may lie between two
    prices.

    All are gains where above 0, but *fees*, which are paid.
    """

    spread: int = 0
    slippage: int = 0
    drift: int = 0
    adverse: int = 0
    holding: int = 0
    conversion: int = 0
    carried: int = 0
    fees: int = 0
    rebates: int = 0
    rewards: int = 0

    @property
    def by_horizon(self) -> int:
        """What trades had made by the horizon, against the mid of then, their fees paid."""
        return self.spread + self.slippage + self.drift + self.adverse - self.fees

    @property
    def total(self) -> int:
        """The profit."""
        beside = self.conversion + self.carried + self.rebates + self.rewards
        return self.by_horizon + self.holding + beside

    def __add__(self, other: "Terms") -> "Terms":
        return Terms(*(getattr(self, name) + getattr(other, name) for name in TERMS))

    def decimals(self, exponent: int) -> dict[str, Decimal]:
        """Each part, and their `total`, in the currency whose money has *exponent*."""
        return {name: halves(getattr(self, name), exponent) for name in (*TERMS, "total")}


def halves(amount: int, exponent: int) -> Decimal:
    """*amount* halves of 10**-*exponent*, all digits of it."""
    return exact(amount * 5, exponent + 1)


@frozen
class FillTerms:
    """One fill's parts; *terms* are nothing where it was taken back."""

    fill: Fill
    terms: Terms


@frozen
class Markout:
    """
    What fills had made *after_ns* later, against the mid of then, in halves of money; fees stand apart.

    *fills* are those of which that mid is known and *size* what they traded; *unknown* are the others.
    """

    after_ns: int
    made: int = 0
    fills: int = 0
    size: int = 0
    unknown: int = 0

    def __add__(self, other: "Markout") -> "Markout":
        assert self.after_ns == other.after_ns
        fills, size = self.fills + other.fills, self.size + other.size
        return Markout(self.after_ns, self.made + other.made, fills, size, self.unknown + other.unknown)


@frozen
class Part:
    """
    What one strategy has made in one instrument. *strategy* is empty for what belongs to none.

    *fills* are those that stand, *hits* how many of them had made anything by the horizon, fees paid; *turnover* is
    money, *size* what all of it has left in the position (of a resolved market: would have left).
    """

    strategy: str
    instrument: int
    terms: Terms
    fills: int
    hits: int
    turnover: int
    size: int
    markouts: tuple[Markout, ...]


@frozen
class Sum:
    """
    Parts put together: of one strategy in one purse, of one instrument, or of one purse; money has *exponent*.

    *drawdown* is what it contributed to the purse's greatest drawdown, as money: below 0 where it lost.
    """

    name: str
    purse: str
    currency: str
    exponent: int
    terms: Terms
    fills: int
    hits: int
    turnover: int
    markouts: tuple[Markout, ...]
    drawdown: int

    @property
    def hit_rate(self) -> float | None:
        """Fills that had made anything by the horizon, fees paid, of all that stand."""
        return self.hits / self.fills if self.fills else None


@frozen
class Drawdown:
    """The greatest fall of a purse's equity among the instants of the grid, as money: from one place to another."""

    purse: str
    currency: str
    exponent: int
    fell: int
    peak: int
    trough: int


@frozen
class Attribution:
    """
    Where the profit of one run came from.

    *attributed* of *fills* belong to a strategy, an intent and a snapshot of this run. *unexplained* is by instrument
    what the parts miss of the kernel's portfolio, in halves of money: of none anything, or the figures are wrong.
    """

    horizon_ns: int
    fills: tuple[FillTerms, ...]
    parts: tuple[Part, ...]
    by_strategy: tuple[Sum, ...]
    by_instrument: tuple[Sum, ...]
    by_purse: tuple[Sum, ...]
    drawdowns: tuple[Drawdown, ...]
    attributed: int
    unexplained: dict[int, int]

    @property
    def coverage(self) -> float | None:
        """The share of fills that are attributed; None where there were none."""
        return self.attributed / len(self.fills) if self.fills else None
