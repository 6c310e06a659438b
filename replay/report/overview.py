"""The first sections of a report: what was run, its figures, its equity and what it held."""

from collections.abc import Sequence

from replay.observed import InstrumentTrack
from replay.report.charts import Chart, Line
from replay.report.measures import Measure, Purse, length, money_measures, run_measures
from replay.report.page import Card, Cards, Drawable, Facts, Section, Words
from replay.report.told import Told, as_float, points
from replay.run import text_digest

HELD = 6
"""Instruments whose positions are drawn; the others stand in the table of all."""


def identity(told: Told) -> Section:
    """What a run was made of: enough to make it again."""
    run, config = told.run, told.config
    base = run.base
    models = [
        f"queue {config.venue.queue}",
        f"fills {config.venue.fills}",
        f"orders take {_delay(config.venue.order_latency_ms)}",
        f"reports take {_delay(config.venue.report_latency_ms)}",
        f"rewards {'paid' if config.money.rewards else 'not paid'}",
        f"rebates {'paid' if config.money.rebates else 'not paid'}",
    ]
    if config.adversary is not None:
        models.append(f"adversary {config.adversary.name or 'configured'}")
    facts = {
        "journal": told.journal,
        "journal digest": "" if base is None else base.head_hash,
        "journal id": "" if base is None else f"{base.journal_id}, records {base.first_seq:,} to {base.last_seq:,}",
        "build": run.build,
        "configuration": f"{text_digest(run.config)} (BLAKE2b-128 of its text)",
        "policy": f"{told.policy or 'none'}, {run.policy_digest or text_digest(run.policy)}",
        "seed": str(run.seed),
        "models": ", ".join(models),
        "run id": run.run_id,
        "state digest": told.digest,
        "records": f"{told.inputs:,} inputs, the last record is {told.last_seq:,}",
    }
    for one in run.strategies:
        parameters = ", ".join(f"{name}={value!r}" for name, value in sorted(one.parameters.items()))
        facts[f"strategy {one.name}"] = f"{one.class_name}, tier {one.tier}" + (f": {parameters}" if parameters else "")
    faults = [Words(f"A strategy failed and was muted: {fault}", "warn") for fault in told.faults]
    parts: list[Drawable] = [Facts({name: said for name, said in facts.items() if said}), *faults]
    return Section("run", "What was run", parts)


def _delay(latency: object) -> str:
    return f"{latency:g} ms" if isinstance(latency, float) else "drawn times"


def summary(told: Told, found: Sequence[Purse]) -> Section:
    """The figures, of the run and of each currency."""
    parts: list[Drawable] = []
    if not told.observed.counts.orders:
        parts.append(Words(_without_orders(told), "warn"))
    elif not told.observed.counts.fills:
        parts.append(Words("No order of this run was filled, so nothing was earned or lost by trading.", "warn"))
    for purse in found:
        if len(found) > 1:
            parts.append(Words(purse.track.purse))
        parts.append(Cards([_card(one, purse.track.purse) for one in money_measures(told, purse)]))
    parts.append(Cards([_card(one, "run") for one in run_measures(told)]))
    return Section("figures", "Figures", parts, intro=f"Over {length(told.span[1] - told.span[0])}.")


def _without_orders(told: Told) -> str:
    if not told.run.strategies:
        return "This run had no strategy: the market data was folded, and nobody decided anything."
    if told.observed.counts.intents:
        return "No order was sent: every intent was refused. The verdicts of the run say why."
    return "No order was sent: no strategy wanted anything."


def _card(one: Measure, scope: str) -> Card:
    exact = None if one.value is None else str(one.value)
    return Card(one.name, one.text, one.note, one.tone, f"{scope}.{one.key}", exact, one.seq)


def equity(told: Told, found: Sequence[Purse]) -> Section:
    """What was made over time, beside doing nothing; what was at risk; what was held."""
    parts: list[Drawable] = []
    grid = told.observed.grid
    for purse in found:
        track = purse.track
        of = f", {track.purse}" if len(found) > 1 else ""
        lines = [
            Line("equity", purse.equity, 1, step=True, area=True),
            Line("doing nothing", purse.nothing, 5, step=True, dashed=True),
        ]
        parts.append(Chart(f"Equity since the opening{of}", track.currency, lines, zero=True, span=told.span))
        split = [
            ("realised", track.realised, 3),
            ("unrealised", track.unrealised, 4),
            ("fees", track.fees, 6),
            ("income beside trades", track.income, 2),
        ]
        kinds = [
            Line(name, points(grid, values, track.exponent, missing=0.0), colour, step=True)
            for name, values, colour in split
            if any(values)
        ]
        parts.append(Chart(f"What equity is made of{of}", track.currency, kinds, zero=True, span=told.span))
        worst = [Line("at risk", points(grid, track.worst, track.exponent, missing=0.0), 7, area=True, step=True)]
        if any(track.worst):
            title = f"Capital at risk{of}: the worst case, open orders included"
            parts.append(Chart(title, track.currency, worst, zero=True, span=told.span, height=150))
    parts.append(_inventory(told))
    nothing = "Nothing was held and nothing was traded, so equity never moved."
    return Section("equity", "Equity and inventory", parts if found else [], empty=nothing)


def _inventory(told: Told) -> Chart:
    """The positions that were largest beside each other's greatest size."""
    observed = told.observed
    held = [one for one in observed.by_instrument if any(one.position)]
    ranked = sorted(held, key=lambda one: max(abs(value or 0) * _rate(one) for value in one.position), reverse=True)
    lines = [
        Line(
            told.name_of(one.number),
            points(observed.grid, one.position, one.size_exponent, missing=0.0),
            at % 7 + 1,
            step=True,
        )
        for at, one in enumerate(ranked[:HELD])
    ]
    more = f", the {HELD} largest of {len(ranked)}" if len(ranked) > HELD else ""
    return Chart(f"Inventory{more}", "shares, coins or contracts", lines, zero=True, span=told.span)


def _rate(track: InstrumentTrack) -> float:
    """What makes sizes of instruments comparable, roughly: the last price known."""
    known = [bid for bid in track.bid if bid is not None]
    return as_float(known[-1] if known else 1, track.price_exponent + track.size_exponent)
