"""What one run came to, in numbers: what is kept of it, and what of that can be compared by name."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from engine.kernel import codes
from journal.errors import JournalError
from replay.outcome import accrued_fields, pnl_fields
from replay.resimulation import Simulated

MONEY: Final = {
    "pnl": "total",
    "realised": "realised",
    "unrealised": "unrealised",
    "fees": "fees",
    "income": "income",
}
"""Metrics that are money, by what `pnl` calls them; `pnl.USDT` is that of one currency."""
COUNTS: Final = ("fills", "orders", "cancels", "refused")
LESS_IS_BETTER: Final = ("fees", "orders", "cancels", "refused")
"""Of every other metric more is better."""


class NoMetric(JournalError):
    """There is no metric of that name; *advice* names those there are."""

    def __init__(self, name: str, names: Iterable[str]) -> None:
        super().__init__(f"--metric {name}: no run has that figure")
        self.advice = f"there are {', '.join(names)}"


def figures_of(simulated: Simulated) -> dict[str, Any]:
    """The figures of a run that ended, as JSON has them; money in its currency, as text."""
    kernel = simulated.kernel
    return {
        "orders": simulated.submitted,
        "cancels": simulated.cancels,
        "fills": simulated.fills,
        "refused": sum(count for name, count in simulated.verdicts.items() if name != codes.name(codes.OK)),
        "pnl": pnl_fields(kernel),
        "accrued": accrued_fields(simulated),
        "verdicts": simulated.verdicts,
        "faults": len(simulated.faults),
        "inputs": simulated.inputs,
        "derived": simulated.derived,
        "clamped_inputs": simulated.clamped,
        "unready_instants": simulated.unready,
        "unreadable_frames": kernel.unreadable,
        "state_digest": kernel.state_digest().hex(),
    }


def metric_names(found: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """
    The metrics of runs with these figures: counts, and money by currency; without its currency where there is one only.
    """
    currencies = sorted({currency for figures in found for currency in figures["pnl"]})
    if len(currencies) <= 1:
        return *MONEY, *COUNTS
    return *(f"{name}.{currency}" for currency in currencies for name in MONEY), *COUNTS


def checked_metric(name: str, names: Iterable[str]) -> str:
    """
    *name*, which has to be one of *names*; money of the only currency may be called by its currency too.

    Raises:
        NoMetric: it is none of them.
    """
    names = tuple(names)
    short = name.partition(".")[0]
    if name in names:
        return name
    if short in MONEY and short in names:
        return short
    raise NoMetric(name, names)


def metric(figures: Mapping[str, Any], name: str) -> Decimal:
    """The metric *name* of a run; money is 0 in a currency that it did not touch."""
    short, dot, currency = name.partition(".")
    if short not in MONEY:
        return Decimal(figures[short])
    pnl: Mapping[str, Mapping[str, Any]] = figures["pnl"]
    wanted = [currency] if dot else list(pnl)
    assert len(wanted) <= 1
    return sum((Decimal(pnl[one][MONEY[short]]) for one in wanted if one in pnl), Decimal(0))


def unmarked(figures: Mapping[str, Any]) -> int:
    """How many positions nothing values at a run's end: they are in no sum."""
    return sum(int(one["unmarked"]) for one in figures["pnl"].values())


def unit_of(found: Iterable[Mapping[str, Any]], name: str) -> str:
    """` in pUSD` for a metric that is money of that one currency, and nothing for others."""
    if not is_money(name):
        return ""
    currencies = sorted({currency for figures in found for currency in figures.get("pnl", {})})
    named = name.partition(".")[2] or (currencies[0] if len(currencies) == 1 else "")
    return f" in {named}" if named else ""


def is_money(name: str) -> bool:
    """Whether a metric is money."""
    return name.partition(".")[0] in MONEY


def is_better(one: Decimal, other: Decimal, name: str) -> bool:
    """Whether *one* is a better value of the metric *name* than *other*."""
    return one < other if name.partition(".")[0] in LESS_IS_BETTER else one > other
