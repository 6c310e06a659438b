"""What a resimulation came to, for people at a notebook: figures, mistakes and tables."""

from decimal import Decimal
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from engine.kernel.portfolio import Holding, Purse
from engine.kernel.step import Kernel
from journal.disk import RealDisk
from replay.mistakes import Fault, Refusal
from replay.outcome import is_held, unrealised_of
from replay.produce import Produced
from replay.resimulation import Simulated
from replay.run import RunStart
from replay.tables import Fills, Orders, Tables, Verdicts, exact

if TYPE_CHECKING:  # a run that nobody observed needs none of it, and should not wait for it
    from replay.attribution import Attribution
    from replay.observed import Observed
    from replay.report.told import Told


@frozen
class Position:
    """
    One instrument in which anything happened: *size* in shares, coins or contracts, everything else in *currency*.

    *cost* is what the open position cost, *unrealised* what it is worth more than that at its mark, None where nothing
    says what it is worth. *fees* are paid if > 0, *income* is what the venue paid beside trades.
    """

    instrument: str
    outcome: str
    size: Decimal
    cost: Decimal
    realised: Decimal
    unrealised: Decimal | None
    fees: Decimal
    income: Decimal
    currency: str


@frozen
class Money:
    """
    One currency: *cash* at the end, less what the run opened with, and the profit: *total* = realised + unrealised -
    fees + income. *unmarked* counts the positions that nothing values; they are in no sum but the cash.
    """

    currency: str
    cash: Decimal
    realised: Decimal
    unrealised: Decimal
    fees: Decimal
    income: Decimal
    unmarked: int

    @property
    def total(self) -> Decimal:
        """Profit or loss."""
        return self.realised + self.unrealised - self.fees + self.income


@frozen
class Stats:
    """The figures of a run. Counts are of records and orders; money is exact, in the currency it is held in."""

    seed: int
    inputs: int
    """Inputs folded: the base's and the run's own."""
    derived: int
    submitted: int
    cancels: int
    fills: int
    verdicts: dict[str, int]
    """Verdicts by reason code; OK is an admitted intent."""
    faults: int
    """Exceptions that strategies raised: each mutes its strategy."""
    positions: tuple[Position, ...]
    money: tuple[Money, ...]
    last_seq: int
    state_digest: str
    """Equal digests mean equal states: run it again to check it."""
    run_id: str
    policy: str
    """The version of the policy."""
    elapsed_s: float

    def pnl(self, currency: str | None = None) -> Decimal:
        """Profit or loss in *currency*, or in the only one there is; 0 where nothing was traded."""
        found = [one for one in self.money if currency in (None, one.currency)]
        if currency is None and len(found) > 1:
            raise ValueError(f"say in which of {', '.join(one.currency for one in found)}")
        return sum((one.total for one in found), Decimal(0))

    def __str__(self) -> str:
        verdicts = ", ".join(f"{name} {count:,}" for name, count in self.verdicts.items())
        lines = [
            f"{self.inputs:,} inputs and {self.derived:,} derived records in {self.elapsed_s:.2f} s, seed {self.seed}",
            f"orders {self.submitted:,}, cancels {self.cancels:,}, fills {self.fills:,}",
            f"verdicts: {verdicts or 'none'}",
        ]
        for one in self.money:
            split = f"realised {one.realised:.4f}, unrealised {one.unrealised:.4f}, fees {one.fees:.4f}"
            lines.append(f"PnL {one.total:.4f} {one.currency}: {split}, income {one.income:.4f}")
        lines.append(f"state digest {self.state_digest}")
        return "\n".join(lines)


class TablesNotKept(Exception):
    """A table was asked for of a run that kept none."""

    def __init__(self) -> None:
        super().__init__("this run kept no records for tables; run it again with tables=True")


class NotObserved(Exception):
    """It was asked how a run went that nobody observed."""

    def __init__(self) -> None:
        super().__init__("this run was not observed; run it again with observe=True")


@frozen(repr=False, slots=False)
class Run:
    """
    A resimulation that is over.

    `stats` are its figures, `fills`, `orders` and `verdicts` its tables, `faults` and `refusals` the mistakes of its
    strategies. `observed` is what an observer kept of it, `attribution` where its profit came from; both need
    `observe=True`, and so do `figures` and `report`. `out` is where its overlay stands, `digests` are the numbers and
    payloads of its DIGEST records, and `kernel` is the state at its end.
    """

    stats: Stats
    faults: tuple[Fault, ...]
    refusals: tuple[Refusal, ...]
    start: RunStart
    kernel: Kernel
    digests: tuple[tuple[int, bytes], ...]
    out: Path | None
    _tables: Tables | None = field(alias="tables")
    _observed: "Observed | None" = field(default=None, alias="observed")
    _simulated: Simulated = field(kw_only=True, alias="simulated")
    _journal: str = field(kw_only=True, alias="journal")

    @cached_property
    def fills(self) -> Fills:
        """Its fills."""
        return self._made().fills()

    @cached_property
    def orders(self) -> Orders:
        """Its orders."""
        return self._made().orders()

    @cached_property
    def verdicts(self) -> Verdicts:
        """The answers to its intents."""
        return self._made().verdicts()

    @property
    def observed(self) -> "Observed":
        """What was kept of it while it was played."""
        if self._observed is None:
            raise NotObserved
        return self._observed

    @cached_property
    def attribution(self) -> "Attribution":
        """Where its profit came from, fill by fill."""
        from replay.attribution import attribute

        return attribute(self.observed)

    @cached_property
    def told(self) -> "Told":
        """What its report is made of (`replay.report`)."""
        from replay.report.make import told_of

        return told_of(self._journal, self.start, self._simulated, self.observed)

    def figures(self) -> dict[str, Any]:
        """Return, Sharpe ratio, drawdown, mark-outs and what else `engine replay --json` says as `figures`."""
        from replay.report.fields import figures

        return figures(self.told)

    def report(self, path: str | Path) -> Path:
        """
        Write a page about it, one HTML file, to the new file *path*, which is returned.

        Raises:
            NotObserved: it was not played with `observe=True`.
            Taken, NoFolder: something stands at *path*, or its folder does not exist.
        """
        from replay.report.make import write_report

        return write_report(RealDisk(), Path(path), self.told).path

    def _made(self) -> Tables:
        if self._tables is None:
            raise TablesNotKept
        return self._tables

    def __repr__(self) -> str:
        names = ", ".join(one.name for one in self.start.strategies)
        mistakes = [one.text() for one in self.faults] + [one.text() for one in self.refusals]
        return "\n".join([f"Run of {names}", str(self.stats), *mistakes])

    def _repr_html_(self) -> str:
        heads = ("instrument", "outcome", "size", "cost", "realised", "unrealised", "fees", "currency")
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(_shown(getattr(one, name)))}</td>" for name in heads) + "</tr>"
            for one in self.stats.positions
        )
        table = f"<table><tr>{''.join(f'<th>{name}</th>' for name in heads)}</tr>{rows}</table>" if rows else ""
        return f"<pre>{escape(repr(self))}</pre>{table}"


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, Decimal) else str(value)


def run_from(start: RunStart, produced: Produced, out: Path | None, journal: str) -> Run:
    """What *produced* came to, on what is called *journal*."""
    simulated, watch = produced.simulated, produced.watch
    kernel = simulated.kernel
    positions = tuple(_position(one) for one in kernel.trading.desk.portfolio.holdings if is_held(one))
    policy = kernel.trading.desk.policy
    stats = Stats(
        seed=start.seed,
        inputs=simulated.inputs,
        derived=simulated.derived,
        submitted=simulated.submitted,
        cancels=simulated.cancels,
        fills=simulated.fills,
        verdicts=simulated.verdicts,
        faults=len(simulated.faults),
        positions=positions,
        money=_money(kernel, positions),
        last_seq=simulated.last_seq,
        state_digest=kernel.state_digest().hex(),
        run_id=start.run_id,
        policy="" if policy is None else policy.version,
        elapsed_s=produced.elapsed_ns / 1e9,
    )
    tables = None
    if watch is not None and watch.tables:
        tables = Tables(watch.kept, kernel.data.listings.instruments, [one.name for one in start.strategies])
    return Run(
        stats=stats,
        faults=() if watch is None else tuple(watch.faults),
        refusals=() if watch is None else tuple(watch.refusals),
        start=start,
        kernel=kernel,
        digests=tuple(simulated.digests),
        out=out,
        tables=tables,
        observed=produced.observed,
        simulated=simulated,
        journal=journal,
    )


def _position(holding: Holding) -> Position:
    instrument, exponent = holding.instrument, int(holding.purse.exponent)
    unrealised = unrealised_of(holding)
    return Position(
        instrument=instrument.key,
        outcome=instrument.outcome,
        size=exact(holding.size, instrument.market.listing.size_exponent),
        cost=exact(holding.cost, exponent),
        realised=exact(holding.realised, exponent),
        unrealised=None if unrealised is None else exact(unrealised, exponent),
        fees=exact(holding.fees, exponent),
        income=exact(holding.income, exponent),
        currency=holding.purse.currency,
    )


def _money(kernel: Kernel, positions: tuple[Position, ...]) -> tuple[Money, ...]:
    """The sums of each currency in which anything happened."""
    purses = kernel.trading.desk.portfolio.purses
    found: list[Money] = []
    for currency in dict.fromkeys(one.currency for one in positions):
        of_it = [one for one in positions if one.currency == currency]
        found.append(
            Money(
                currency=currency,
                cash=sum((_moved(purse) for purse in purses if purse.currency == currency), Decimal(0)),
                realised=sum((one.realised for one in of_it), Decimal(0)),
                unrealised=sum((one.unrealised for one in of_it if one.unrealised is not None), Decimal(0)),
                fees=sum((one.fees for one in of_it), Decimal(0)),
                income=sum((one.income for one in of_it), Decimal(0)),
                unmarked=sum(one.unrealised is None for one in of_it),
            )
        )
    return tuple(found)


def _moved(purse: Purse) -> Decimal:
    return exact(purse.cash() - purse.opening, int(purse.exponent))
