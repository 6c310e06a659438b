"""The figures of a run as members of a document: what `--json` says, and what the page shows."""

from typing import Any

from replay.report.attributed import attribution_fields
from replay.report.measures import as_members, lacking, money_measures, purses, run_measures
from replay.report.rows import (
    churn,
    controls,
    credits,
    instruments,
    latencies,
    mark_outs,
    queue,
    regimes,
    rewards,
    strategies,
)
from replay.report.told import Told


def figures(told: Told) -> dict[str, Any]:
    """
    All figures of *told*. Money is decimal text, ratios are numbers, and null means that there is not enough to say it
    from: `lacking` says why, by the figure's path.
    """
    run = run_measures(told)
    why = lacking(run)
    found_of: dict[str, Any] = {}
    for purse in purses(told):
        found = money_measures(told, purse)
        name = purse.track.purse
        changes = {"interval_s": purse.changes.interval_ns / 1e9, "intervals": len(purse.changes.values)}
        found_of[name] = {"currency": purse.track.currency, **as_members(found), **changes, **_places(found)}
        why |= {f"{name}.{key}": reason for key, reason in lacking(found).items()}
    first_ns, last_ns = told.span
    return {
        "first_ns": first_ns,
        "last_ns": last_ns,
        **as_members(run),
        "purses": found_of,
        "strategies": strategies(told),
        "instruments": [{key: value for key, value in row.items() if key != "name"} for row in instruments(told)],
        "attribution": attribution_fields(told),
        "mark_outs": [{key: value for key, value in row.items() if key != "horizon"} for row in mark_outs(told)],
        "queue": queue(told),
        "rewards": rewards(told),
        "credits": credits(told),
        "churn": churn(told),
        "controls": controls(told),
        "heuristics": regimes(told),
        "latency": latencies(told),
        "lacking": why,
    }


def _places(found: list[Any]) -> dict[str, int]:
    """The records that explain figures, where one alone does."""
    return {f"{one.key}_seq": one.seq for one in found if one.seq is not None}
