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
RATIOS: Final = ("sharpe", "sortino", "return", "turnover")
SPLIT: Final = ("spread", "slippage", "drift", "adverse", "holding", "conversion", "rebates", "rewards")
"""Where the profit came from (`replay.attribution`)."""
OBSERVED: Final = (*RATIOS, "max_drawdown", *SPLIT)
"""Metrics of an observed run, of each purse (a currency at a venue); without its name where there is one only."""
LESS_IS_BETTER: Final = ("fees", "orders", "cancels", "refused", "max_drawdown")
"""Of every other metric more is better."""


class NoMetric(JournalError):
    """There is no metric of that name; *advice* names those there are."""

    def __init__(self, name: str, names: Iterable[str]) -> None:
        super().__init__(f"--metric {name}: no run has that figure")
        needs = " (--observe has it)" if name.partition(".")[0] in OBSERVED else ""
        self.advice = f"there are {', '.join(names)}{needs}"


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
    The metrics of runs with these figures: counts, money by currency, and what was observed by purse; without the name
    of currency or purse where there is one only.
    """
    known = list(found)
    currencies = sorted({currency for figures in known for currency in figures["pnl"]})
    purses = sorted({purse for figures in known for purse in figures.get("purses", {})})
    return *_named(MONEY, currencies), *COUNTS, *(_named(OBSERVED, purses) if purses else ())


def _named(metrics: Iterable[str], of: list[str]) -> tuple[str, ...]:
    return tuple(metrics) if len(of) <= 1 else tuple(f"{name}.{one}" for one in of for name in metrics)


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


def metric(figures: Mapping[str, Any], name: str) -> Decimal | None:
    """
    The metric *name* of a run; None where there is too little to say it from (a Sharpe ratio of two instants).

    Money is 0 in a currency or a purse that the run did not touch.
    """
    short, dot, of = name.partition(".")
    if short in COUNTS:
        return Decimal(figures[short])
    members: Mapping[str, Mapping[str, Any]] = figures["pnl" if short in MONEY else "purses"]
    wanted = [of] if dot else list(members)
    assert len(wanted) <= 1
    found = [members[one][MONEY.get(short, short)] for one in wanted if one in members]
    if not found:
        return None if short in RATIOS else Decimal(0)
    return None if found[0] is None else Decimal(str(found[0]))


def unmarked(figures: Mapping[str, Any]) -> int:
    """How many positions nothing values at a run's end: they are in no sum."""
    return sum(int(one["unmarked"]) for one in figures["pnl"].values())


def unit_of(found: Iterable[Mapping[str, Any]], name: str) -> str:
    """` in pUSD` for a metric that is money of that one currency, and nothing for others."""
    if not is_money(name):
        return ""
    currencies = sorted({currency for figures in found for currency in figures.get("pnl", {})})
    named = name.partition(".")[2] or (currencies[0] if len(currencies) == 1 else "")
    return f" in {named}" if named in currencies else ""


def is_money(name: str) -> bool:
    """Whether a metric is money."""
    return name.partition(".")[0] in (*MONEY, *SPLIT, "max_drawdown")


def is_count(name: str) -> bool:
    """Whether a metric is a whole number."""
    return name in COUNTS


def is_less_better(name: str) -> bool:
    """Whether a smaller value of the metric *name* is a better one."""
    return name.partition(".")[0] in LESS_IS_BETTER


def is_better(one: Decimal, other: Decimal, name: str) -> bool:
    """Whether *one* is a better value of the metric *name* than *other*."""
    return one < other if is_less_better(name) else one > other
