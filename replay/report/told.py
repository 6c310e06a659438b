"""What a report is made of, and how its integers become numbers for people."""

from collections.abc import Iterable
from decimal import Decimal

from attrs import frozen

from engine.kernel.units import ratio_text
from replay.attribution import Attribution
from replay.config import RunConfig
from replay.observed import Fill, Grid, Observed, Values
from replay.report.drawing import moment
from replay.report.scales import Point
from replay.run import RunStart
from replay.taken import Taken

DIGITS = 6
"""Decimals of money in figures and documents."""


@frozen
class Doubts:
    """What a simulation met that it could not know; of a run that was only read again, nothing is known of that."""

    clock_offsets_ns: dict[str, int]
    clamped: int
    unready: int
    taken: Taken | None


@frozen
class Unpaid:
    """What the venue owes at the end: a "rebate" or a "reward" of a day that had not ended. It is in no sum."""

    venue: str
    currency: str
    reason: str
    amount: Decimal


@frozen
class Told:
    """
    One run, what was observed of it, and where its profit came from.

    *journal* is the path asked for, *policy* the version of the policy, *doubts* what the simulated venue could not
    know. *digest* is that of the state at the run's end.
    """

    journal: str
    run: RunStart
    config: RunConfig
    policy: str
    observed: Observed
    attribution: Attribution
    doubts: Doubts
    digest: str
    inputs: int
    last_seq: int
    faults: tuple[str, ...] = ()
    unpaid: tuple[Unpaid, ...] = ()

    @property
    def span(self) -> tuple[int, int]:
        """When the run began and ended, in nanoseconds."""
        times = self.observed.grid.time_ns
        return (times[0], times[-1]) if times else (0, 0)

    def clock(self, ns: int) -> str:
        """A time for tables: of the day, where the run is of one."""
        said = moment(ns)
        first, last = self.span
        return said[11:] if moment(first)[:10] == moment(last)[:10] else said

    def name_of(self, number: int) -> str:
        """What to call an instrument on a page: its outcome, where it has one, and its key, shortened."""
        listed = self.observed.instruments[number]
        key = self.brief(listed.key)
        return f"{listed.outcome} · {key}" if listed.outcome else key

    def brief(self, key: str) -> str:
        """
        A key, shortened: without its venue where the run has one alone, and without its middle where it is long. Ids of
        tokens have 77 digits, and their ends differ.
        """
        venue, colon, symbol = key.partition(":")
        if len(symbol) > 24:
            symbol = f"{symbol[:6]}…{symbol[-5:]}"
        return symbol if colon and self.one_venue else f"{venue}{colon}{symbol}"

    @property
    def one_venue(self) -> bool:
        """Whether all instruments are of one venue."""
        return len({one.key.partition(":")[0] for one in self.observed.instruments.values()}) <= 1


def money_text(amount: int, exponent: int, digits: int = DIGITS) -> str:
    """An amount of money, rounded for people."""
    return ratio_text(amount, 10**exponent, digits)


def as_float(value: int, exponent: int) -> float:
    """*value* at 10**-*exponent*, for drawings and ratios."""
    return float(value / 10**exponent)


def points(grid: Grid, values: Values, exponent: int, *, missing: float | None = None) -> list[Point]:
    """*values* over *grid*; *missing* stands where there was none."""
    return [
        Point(seq, time_ns, missing if value is None else as_float(value, exponent))
        for seq, time_ns, value in zip(grid.seq, grid.time_ns, values, strict=True)
    ]


def last_of(values: Values) -> int:
    """The last known of *values*; 0 where none is."""
    return next((value for value in reversed(values) if value is not None), 0)


def sign(fill: Fill) -> int:
    """+1 for what was bought, -1 for what was sold."""
    return 1 if fill.side == "BUY" else -1


def standing(fills: Iterable[Fill]) -> list[Fill]:
    """Those that were not taken back."""
    return [one for one in fills if one.reversed is None]
