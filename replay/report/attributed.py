"""Where the profit came from: its parts, which sum to it to the last unit, by strategy and by instrument."""

from decimal import Decimal

from attrs import evolve

from replay.attribution import TERMS, Sum, halves
from replay.report.page import Cell, Column, Drawable, Section, Table, Words
from replay.report.profit import MAIN
from replay.report.rows import Row
from replay.report.scales import SECOND_NS
from replay.report.strips import Bar, Bars
from replay.report.told import DIGITS, Told, money_text
from replay.report.trading import money_cell, number_text, percent_text

_NAMES = {
    "spread": "spread captured",
    "slippage": "slippage",
    "drift": "drift before the fill",
    "adverse": "adverse selection",
    "holding": "held beyond that",
    "conversion": "complete sets",
    "carried": "carried from the opening",
    "fees": "fees",
    "rebates": "rebates",
    "rewards": "rewards",
}
_SIGNS = {"fees": -1}
"""Fees are paid where above 0: on the page they stand below it, so that the parts add up."""


def term_fields(one: Sum) -> Row:
    """The parts of one sum, in a document."""
    said = {name: _text(value) for name, value in one.terms.decimals(one.exponent).items()}
    return {
        "name": one.name,
        "purse": one.purse,
        "currency": one.currency,
        **said,
        "fills": one.fills,
        "hit_rate": one.hit_rate,
        "turnover": money_text(one.turnover, one.exponent),
        "drawdown": money_text(one.drawdown, one.exponent),
    }


def _text(value: Decimal) -> str:
    return f"{value:.{DIGITS}f}"


def attribution_fields(told: Told) -> Row:
    """The whole attribution, in a document."""
    found = told.attribution
    return {
        "horizon_s": found.horizon_ns / SECOND_NS,
        "coverage": found.coverage,
        "unexplained": {
            told.observed.instruments[number].key: _text(halves(missed, told.observed.instruments[number].exponent))
            for number, missed in found.unexplained.items()
        },
        "purses": [term_fields(one) for one in found.by_purse],
        "strategies": [term_fields(one) for one in found.by_strategy],
        "instruments": [term_fields(one) for one in found.by_instrument],
    }


def parts(told: Told) -> Section:
    """Where the profit came from."""
    found = told.attribution
    horizon = f"{found.horizon_ns / SECOND_NS:g} s"
    names = {one.key: told.name_of(number) for number, one in told.observed.instruments.items()}
    ranked = _ranked(found.by_instrument)
    shown: list[Drawable] = [_bars(one) for one in found.by_purse]
    shown += [
        _table([one for one in found.by_strategy if one.fills or one.terms.total], "strategy", "By strategy"),
        _table(
            [evolve(one, name=names.get(one.name, one.name)) for one in ranked[:MAIN]], "instrument", "By instrument"
        ),
    ]
    if len(ranked) > MAIN:
        shown.append(_table(ranked, "instrument", fold=f"All {len(ranked):,} instruments with their whole keys"))
    if found.unexplained:
        shown.insert(0, Words("These parts do NOT add up to the portfolio: they must not be believed.", "warn"))
    if found.coverage is not None:
        said = f"{100 * found.coverage:.1f} % of the fills belong to a strategy, an intent and a snapshot of this run."
        shown.append(Words(said, "note"))
    shown += _unfilled(told)
    intro = (
        "Spread: how far from the mid orders were filled. Slippage and drift: what takers lost on the way. Adverse "
        f"selection: how the mid moved within {horizon} of a fill. Held: what positions made beyond that. All parts "
        "sum to the profit."
    )
    any_part = any(one.terms.total or one.fills for one in found.by_purse)
    return Section(
        "parts",
        "Where the profit came from",
        shown if any_part else [],
        "There was no profit or loss.",
        intro if any_part else "",
    )


def _ranked(sums: tuple[Sum, ...]) -> list[Sum]:
    """The largest profits and losses first."""
    return sorted(sums, key=lambda one: abs(halves(one.terms.total, one.exponent)), reverse=True)


def _bars(one: Sum) -> Bars:
    terms = one.terms.decimals(one.exponent)
    bars = [Bar(_NAMES[name], float(terms[name]) * _SIGNS.get(name, 1)) for name in TERMS if terms[name]]
    return Bars("Parts of the profit", one.currency, [*bars, Bar("profit", float(terms["total"]))])


def _table(sums: list[Sum], of: str, title: str = "", fold: str = "") -> Table:
    used = [name for name in TERMS if any(getattr(one.terms, name) for one in sums)]
    columns = [
        Column(of, False),
        Column("fills", shown=number_text),
        *(Column(_NAMES[name], shown=money_cell) for name in used),
        Column("profit", shown=money_cell),
        Column("hit rate", shown=percent_text, note="fills that had made anything by the horizon, fees paid"),
        Column("in the drawdown", shown=money_cell, note="what it contributed to the greatest drawdown"),
        Column("in", False),
    ]
    rows: list[list[Cell]] = []
    for one in sums:
        terms = one.terms.decimals(one.exponent)
        said = [_text(terms[name] * _SIGNS.get(name, 1)) for name in used]
        down = money_text(one.drawdown, one.exponent)
        rows.append(
            [one.name or "of no strategy", one.fills, *said, _text(terms["total"]), one.hit_rate, down, one.currency]
        )
    return Table(columns, rows, title=title, fold=fold, most=1_000)


def _unfilled(told: Told) -> list[Drawable]:
    """What takers missed: never made, and part of no profit."""
    observed = told.observed
    columns = [
        Column("strategy", False),
        Column("instrument", False),
        Column("orders", shown=number_text),
        Column("would have made", shown=money_cell),
        Column("currency", False),
    ]
    rows: list[list[Cell]] = []
    for one in observed.unfilled:
        listed = observed.instruments[one.instrument]
        made = _text(halves(one.missed2, listed.exponent))
        rows.append([one.strategy, told.name_of(one.instrument), one.orders, made, listed.currency])
    if not rows:
        return []
    said = "Orders that were to take and did not: what they would have made by the horizon. It is part of no profit."
    return [Words(said, "note"), Table(columns, rows, fold=f"Missed by {len(rows):,}")]
