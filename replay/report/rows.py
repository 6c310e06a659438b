"""Tables of a report, as plain rows: the members of a document, and what the page shows of each."""

from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

from replay.observed import MARKOUTS_NS, ControlChange, Fill
from replay.report.scales import SECOND_NS
from replay.report.told import Told, as_float, money_text, sign, standing

Row = dict[str, Any]

LEVELS = ("calm", "raised", "high")
"""A heuristic's regimes, by number."""

HORIZONS: tuple[tuple[str, int | None], ...] = (
    ("at the fill", None),
    *((f"{ns // SECOND_NS} s later", at) for at, ns in enumerate(MARKOUTS_NS)),
)
"""When the mid is looked at, and which of a fill's `mids2` that is."""


def mark_outs(told: Told) -> list[Row]:
    """
    What fills were worth against the mid, for each currency, for makers and takers, at each horizon.

    *amount* is the sum over fills of size times (mid - price), turned round for sales: at the fill it is the spread
    captured, later the mark-out. *bps* is that by what was traded, in basis points. *fills* are those whose mid is
    known; of *unknown* it is not: the book could not be trusted, or the run ended before.
    """
    found: list[Row] = []
    fills = standing(told.observed.fills)
    for currency in dict.fromkeys(told.observed.instruments[one.instrument].currency for one in fills):
        of_it = [one for one in fills if told.observed.instruments[one.instrument].currency == currency]
        for liquidity in ("all", "maker", "taker"):
            chosen = [one for one in of_it if liquidity == "all" or one.maker == (liquidity == "maker")]
            found += [_mark_out(told, currency, liquidity, chosen, *horizon) for horizon in HORIZONS if chosen]
    return found


def _mark_out(told: Told, currency: str, liquidity: str, fills: Sequence[Fill], name: str, at: int | None) -> Row:
    known = [(one, edge) for one in fills if (edge := edge_of(told, one, at)) is not None]
    amount = sum(edge for _, edge in known)
    traded = sum(as_float(one.price * one.size, told.observed.instruments[one.instrument].exponent) for one, _ in known)
    return {
        "currency": currency,
        "liquidity": liquidity,
        "horizon_s": 0 if at is None else MARKOUTS_NS[at] // SECOND_NS,
        "horizon": name,
        "fills": len(known),
        "unknown": len(fills) - len(known),
        "amount": f"{amount:.6f}" if known else None,
        "bps": amount / traded * 10_000 if traded else None,
    }


def edge_of(told: Told, fill: Fill, at: int | None) -> float | None:
    """What *fill* was worth against the mid then, or MARKOUTS_NS[*at*] behind it; None where that is not known."""
    mid2 = fill.mid2 if at is None else fill.mids2[at]
    if mid2 is None:
        return None
    exponent = told.observed.instruments[fill.instrument].exponent
    return as_float(sign(fill) * (mid2 - 2 * fill.price) * fill.size, exponent) / 2


def queue(told: Told) -> list[Row]:
    """How much of what came to rest was filled, by what stood before it then, in multiples of its own size."""
    return [
        {
            "at_least": one.at_least,
            "below": one.below,
            "orders": one.orders,
            "filled_orders": one.filled_orders,
            "fill_rate": one.filled_orders / one.orders if one.orders else None,
            "filled_size": one.filled / one.size if one.size else None,
        }
        for one in told.observed.queue
    ]


def rewards(told: Told) -> list[Row]:
    """Each market's reward samples: *share* is our mean share of those kept, at the least, those without us as 0."""
    found: list[Row] = []
    for one in told.observed.scores:
        shares = [score.share or 0.0 for score in one.found]
        found.append(
            {
                "market": one.key,
                "samples": one.samples,
                "scored": one.scored,
                "scored_share": one.scored / one.samples if one.samples else None,
                "share": fmean(shares) if shares else None,
            }
        )
    return found


def credits(told: Told) -> list[Row]:
    """What was paid beside trades, by reason and currency."""
    sums: dict[tuple[str, str, int], list[int]] = {}
    for one in told.observed.credits:
        listed = told.observed.instruments[one.instrument]
        sums.setdefault((one.reason, listed.currency, listed.exponent), []).append(one.amount)
    return [
        {"reason": reason, "currency": currency, "payments": len(paid), "amount": money_text(sum(paid), exponent)}
        for (reason, currency, exponent), paid in sums.items()
    ]


def latencies(told: Told) -> list[Row]:
    """How long requests took there and their answers back, in milliseconds: quantiles over those that were kept."""
    observed = told.observed
    found: list[Row] = []
    for what, kept in (("orders", observed.order_latency), ("cancels", observed.cancel_latency)):
        for way, values in (
            ("to the venue", [one.to_venue_ns for one in kept]),
            ("back to us", [one.to_us_ns for one in kept]),
            ("both ways", [one.to_venue_ns + one.to_us_ns for one in kept]),
        ):
            if values:
                found.append({"what": what, "way": way, "kept": len(values), **_quantiles(values)})
    return found


def _quantiles(values: Sequence[int]) -> Row:
    """Quantiles in milliseconds: nearest ranks (the ceil(p n)-th of n), but the mean of the middle two as median."""
    ranked = sorted(values)

    def at(percent: int) -> float:
        return ranked[max(0, -(-percent * len(ranked) // 100) - 1)] / 1e6

    return {
        "least_ms": at(0),
        "median_ms": median(ranked) / 1e6,
        "p90_ms": at(90),
        "p99_ms": at(99),
        "most_ms": at(100),
    }


def a_minute(told: Told, values: Sequence[int | None]) -> list[float]:
    """
    Of calls counted since the beginning: how many fell into the minute before each instant of the grid.

    Where instants lie more than a minute apart, the mean for a minute since the one before.
    """
    times = told.observed.grid.time_ns
    counts = [value or 0 for value in values]
    found: list[float] = []
    behind = 0
    for at, now_ns in enumerate(times):
        while behind < at and times[behind + 1] <= now_ns - 60 * SECOND_NS:
            behind += 1
        since = at - 1 if at and now_ns - times[at - 1] > 60 * SECOND_NS else behind
        count = counts[at] - (counts[since] if since else 0)
        elapsed_ns = now_ns - times[since]
        found.append(count * 60 * SECOND_NS / elapsed_ns if elapsed_ns > 60 * SECOND_NS else float(count))
    return found


def churn(told: Told) -> Row:
    """Orders and cancels against the policy's budget of orders a minute."""
    calls = told.observed.calls
    orders, cancels = a_minute(told, calls.orders), a_minute(told, calls.cancels)
    fills = len(standing(told.observed.fills))
    sent = told.observed.counts.orders
    return {
        "orders_a_minute_most": max(orders, default=0.0),
        "cancels_a_minute_most": max(cancels, default=0.0),
        "orders_a_minute_allowed": calls.per_minute,
        "orders_for_each_fill": sent / fills if fills else None,
    }


Held = tuple[ControlChange, int]
"""A change, and when what it began ended."""


def held(told: Told) -> dict[tuple[str, str, str], list[Held]]:
    """For each mode and owner (by scope) and gate (by scope and code): its changes, each with its end."""
    found: dict[tuple[str, str, str], list[ControlChange]] = {}
    for one in told.observed.controls:
        found.setdefault((one.what, one.scope, one.code if one.what == "GATE" else ""), []).append(one)
    end_ns = told.span[1]
    return {
        key: [(one, changes[at + 1].time_ns if at + 1 < len(changes) else end_ns) for at, one in enumerate(changes)]
        for key, changes in found.items()
    }


def controls(told: Told) -> list[Row]:
    """Each mode and gate that changed: how often, and how long it was lowered or closed."""
    found: list[Row] = []
    for (what, scope, code), changes in held(told).items():
        bad = [(one, end_ns) for one, end_ns in changes if what != "OWNER" and one.new not in ("ACTIVE", "OPEN")]
        found.append(
            {
                "what": what,
                "scope": scope,
                "code": code or (changes[-1][0].code),
                "changes": len(changes),
                "state": changes[-1][0].new,
                "limited_s": sum(end_ns - one.time_ns for one, end_ns in bad) / SECOND_NS,
                "first_seq": changes[0][0].seq,
            }
        )
    return sorted(found, key=lambda row: row["limited_s"], reverse=True)


def regimes(told: Told) -> list[Row]:
    """Each heuristic that changed its regime: how often, where it stands, and the first change."""
    found: dict[tuple[str, str], Row] = {}
    for one in told.observed.regimes:
        row = found.setdefault(
            (one.market, one.name),
            {"market": one.market, "heuristic": one.name, "changes": 0, "state": "", "first_seq": one.seq},
        )
        row["changes"] += 1
        row["state"] = LEVELS[one.new]
    return list(found.values())


def instruments(told: Told) -> list[Row]:
    """Each instrument that was held or traded, the one with the largest profit or loss first."""
    observed = told.observed
    fills = standing(observed.fills)
    found: list[tuple[float, Row]] = []
    for one in observed.ended:
        listed = observed.instruments[one.instrument]
        of_it = [fill for fill in fills if fill.instrument == one.instrument]
        profit = one.realised + (one.unrealised or 0) - one.fees + one.income
        traded = sum(fill.price * fill.size for fill in of_it)
        row = {
            "instrument": listed.key,
            "outcome": listed.outcome,
            "fills": len(of_it),
            "traded": money_text(traded, listed.exponent),
            "position": f"{as_float(one.size, listed.size_exponent):g}",
            "pnl": money_text(profit, listed.exponent),
            "realised": money_text(one.realised, listed.exponent),
            "unrealised": None if one.unrealised is None else money_text(one.unrealised, listed.exponent),
            "fees": money_text(one.fees, listed.exponent),
            "income": money_text(one.income, listed.exponent),
            "purse": listed.purse,
            "currency": listed.currency,
            "last_seq": of_it[-1].seq if of_it else None,
            "name": told.name_of(one.instrument),
        }
        found.append((abs(as_float(profit, listed.exponent)), row))
    return [row for _, row in sorted(found, key=lambda pair: pair[0], reverse=True)]


def strategies(told: Told) -> list[Row]:
    """What each strategy made, by purse; the name is empty for what belongs to none."""
    grid = told.observed.grid
    found: list[Row] = []
    for one in told.observed.by_strategy:
        known = [at for at, value in enumerate(one.pnl) if value is not None]
        if not known:
            continue
        fills = [fill for fill in standing(told.observed.fills) if fill.strategy == one.name]
        found.append(
            {
                "strategy": one.name,
                "purse": one.purse,
                "currency": one.currency,
                "pnl": money_text(one.pnl[known[-1]] or 0, one.exponent),
                "fees": money_text(one.fees[known[-1]] or 0, one.exponent),
                "income": money_text(one.income[known[-1]] or 0, one.exponent),
                "fills": len([x for x in fills if told.observed.instruments[x.instrument].purse == one.purse]),
                "seq": grid.seq[known[-1]],
            }
        )
    return found
