"""The figures of a run: what `--json` says and what the page shows, made once for both."""

from decimal import Decimal
from typing import Any, Literal

from attrs import frozen

from replay.observed import CurrencyTrack
from replay.report.figures import (
    DAY_NS,
    Changes,
    Figure,
    a_day,
    by_capital,
    changes_of,
    drawdown,
    share,
    sharpe,
    sortino,
)
from replay.report.scales import SECOND_NS, Point, short
from replay.report.told import Told, as_float, last_of, money_text, points, standing

SHOWN = 4
"""Decimals of money where a figure stands out."""

Tone = Literal["", "good", "bad"]


@frozen
class Measure:
    """
    One figure. *value* is what a document says, *text* what a page does (None: there is not enough to say it from).

    *note* says what it is of, or why there is none; *seq* is the record that explains it, where one alone does.
    """

    key: str
    name: str
    value: str | int | float | None
    text: str | None
    note: str = ""
    seq: int | None = None
    tone: Tone = ""


@frozen
class Purse:
    """
    One purse of a run, a currency at a venue.

    *equity* begins at 0: it is what was made since the opening, whose positions stood at their cost. *nothing* is what
    the opening alone would have made, held untouched.
    """

    track: CurrencyTrack
    equity: list[Point]
    nothing: list[Point]
    made: int
    nothing_made: int
    capital: float
    traded: int
    changes: Changes


def purses(told: Told) -> list[Purse]:
    """Every purse in which anything was held or traded, the one with the largest turnover first."""
    found = [_purse(told, track) for track in told.observed.currencies]
    return sorted(found, key=lambda one: as_float(one.traded, one.track.exponent), reverse=True)


def _purse(told: Told, track: CurrencyTrack) -> Purse:
    observed = told.observed
    opened = [one for one in observed.opened if observed.instruments[one.instrument].purse == track.purse]
    before = sum(
        _scaled(one.realised - one.fees + one.income, observed.instruments[one.instrument].exponent, track.exponent)
        for one in opened
    )
    equity = points(
        observed.grid, tuple(None if value is None else value - before for value in track.equity), track.exponent,
        missing=0.0,
    )  # fmt: skip
    ended = {one.instrument: one for one in observed.ended}
    nothing_made = 0
    for one in opened:
        at_end = ended[one.instrument]
        nothing_made += _scaled(
            one.size * at_end.mark // at_end.per - one.cost,
            observed.instruments[one.instrument].exponent,
            track.exponent,
        )
    traded = sum(
        _scaled(fill.price * fill.size, observed.instruments[fill.instrument].exponent, track.exponent)
        for fill in standing(observed.fills)
        if observed.instruments[fill.instrument].purse == track.purse
    )
    first_ns, last_ns = told.span
    return Purse(
        track,
        equity,
        _nothing(told, track, nothing_made),
        last_of(track.equity) - before,
        nothing_made,
        max((as_float(value, track.exponent) for value in track.worst if value is not None), default=0.0),
        traded,
        changes_of(equity, first_ns, last_ns),
    )


def _scaled(amount: int, exponent: int, wanted: int) -> int:
    """Money of one instrument in the units of its purse, which counts as finely or finer."""
    return int(amount * 10 ** (wanted - exponent))


def _nothing(told: Told, track: CurrencyTrack, at_end: int) -> list[Point]:
    """What the opening is worth beyond its cost: at the mid, as far as one is known, and in the end at its mark."""
    grid, observed = told.observed.grid, told.observed
    sums = [0.0] * len(grid)
    tracks = {one.number: one for one in observed.by_instrument}
    for opened in observed.opened:
        listed = observed.instruments[opened.instrument]
        if listed.purse != track.purse or opened.instrument not in tracks:
            continue
        known: float | None = None
        one = tracks[opened.instrument]
        for at, (bid, ask) in enumerate(zip(one.bid, one.ask, strict=True)):
            if bid is not None and ask is not None:
                known = as_float(opened.size * (bid + ask), listed.exponent) / 2 - as_float(
                    opened.cost, listed.exponent
                )
            sums[at] += known or 0.0
    if sums:
        sums[-1] = as_float(at_end, track.exponent)
    return [Point(seq, ns, value) for seq, ns, value in zip(grid.seq, grid.time_ns, sums, strict=True)]


# -- of one purse ------------------------------------------------------------------------------------------------------


def money_measures(told: Told, purse: Purse) -> list[Measure]:
    """Its figures."""
    track, currency = purse.track, purse.track.currency
    first_ns, last_ns = told.span
    made = as_float(purse.made, track.exponent)
    nothing = as_float(purse.nothing_made, track.exponent)
    worst = f"of the {short(purse.capital)} {currency} that were at risk at most"
    fall = drawdown(purse.equity)
    years = f"annualised from {len(purse.changes.values):,} changes over {purse.changes.name} each"
    found = [
        _money("made", "Profit", purse.made, track, "since the opening", tone=True),
        _money("nothing", "Doing nothing", purse.nothing_made, track, "the opening, held untouched"),
        _money(
            "against_nothing",
            "Against doing nothing",
            purse.made - purse.nothing_made,
            track,
            "the difference",
            tone=True,
        ),
        _ratio("return", "Return", by_capital(made, purse.capital), worst, percent=True),
        _ratio("return_of_nothing", "Return of doing nothing", by_capital(nothing, purse.capital), worst, percent=True),
        _ratio("sharpe", "Sharpe ratio", sharpe(purse.changes), years),
        _ratio("sortino", "Sortino ratio", sortino(purse.changes), years),
    ]
    if fall is not None:
        where = f"from record {fall.peak.seq:,} to record {fall.trough.seq:,}"
        amount = round(fall.amount * 10**track.exponent)
        found.append(
            Measure("max_drawdown", "Maximum drawdown", money_text(amount, track.exponent),
                    f"{shown_money(amount, track.exponent)} {currency}", where, fall.trough.seq)
        )  # fmt: skip
        part = by_capital(fall.amount, purse.capital)
        found.append(_ratio("max_drawdown_of_capital", "Drawdown of capital", part, worst, percent=True))
    traded = as_float(purse.traded, track.exponent)
    turned = by_capital(traded, purse.capital)
    fees, income = last_of(track.fees), last_of(track.income)
    fills = [
        one for one in standing(told.observed.fills) if told.observed.instruments[one.instrument].purse == track.purse
    ]
    return [
        *found,
        _money("capital", "Capital at risk", round(purse.capital * 10**track.exponent), track, "the most at any time"),
        _money("traded", "Traded", purse.traded, track, f"{len(fills):,} fills, price times size"),
        _ratio("turnover", "Turnover", turned, "traded, by the most at risk at any time"),
        _money("fees", "Fees", fees, track, "paid"),
        _money("income", "Income beside trades", income, track, "rebates and rewards paid"),
        *_unpaid(told, track),
        _ratio(
            "trades_a_day", "Trades a day", a_day(len(fills), last_ns - first_ns), _extrapolated(last_ns - first_ns)
        ),
    ]


def _unpaid(told: Told, track: CurrencyTrack) -> list[Measure]:
    """What the venue owes for a day that had not ended, where it owes anything."""
    sums: dict[str, Decimal] = {}
    for one in told.unpaid:
        if one.currency == track.currency and track.purse.startswith(f"{one.venue}:"):
            sums[one.reason] = sums.get(one.reason, Decimal(0)) + one.amount
    owed = sum(sums.values(), Decimal(0))
    if not owed:
        return []
    split = ", ".join(f"{reason}s {amount:,.4f}" for reason, amount in sums.items())
    return [Measure("not_paid", "Not paid yet", f"{owed}", f"{owed:,.4f} {track.currency}", f"{split}; in no sum")]


def _extrapolated(span_ns: int) -> str:
    if span_ns >= DAY_NS:
        return f"over {span_ns / DAY_NS:,.1f} days"
    return f"extrapolated from {length(span_ns)}"


def length(span_ns: int) -> str:
    """A length of time for people."""
    seconds = span_ns / SECOND_NS
    for unit, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.1f} {name}"
    return f"{seconds:,.3g} seconds"


def shown_money(amount: int, exponent: int) -> str:
    """An amount of money where it stands out."""
    return f"{Decimal(money_text(amount, exponent, SHOWN)):,.{SHOWN}f}"


def _money(key: str, name: str, amount: int, track: CurrencyTrack, note: str, *, tone: bool = False) -> Measure:
    said, shown = money_text(amount, track.exponent), shown_money(amount, track.exponent)
    kind: Tone = "" if not tone or not amount else "good" if amount > 0 else "bad"
    return Measure(key, name, said, f"{shown} {track.currency}", note, tone=kind)


def _ratio(key: str, name: str, figure: Figure, note: str, *, percent: bool = False) -> Measure:
    if figure.value is None:
        return Measure(key, name, None, None, figure.why)
    said = f"{100 * figure.value:,.3f} %" if percent else short(figure.value)
    error = "" if figure.error is None else f" ± {short(figure.error)}"
    return Measure(key, name, figure.value, said + error, note, figure.seq)


# -- of the run --------------------------------------------------------------------------------------------------------


def run_measures(told: Told) -> list[Measure]:
    """What does not depend on a purse."""
    counts, (first_ns, last_ns) = told.observed.counts, told.span
    none = "no order was sent"
    return [
        Measure("span_s", "Length", (last_ns - first_ns) / SECOND_NS, length(last_ns - first_ns), "of the run"),
        _count("orders", "Orders", counts.orders, f"{counts.rejected:,} rejected, {counts.rested:,} came to rest"),
        _count("cancels", "Cancels", counts.cancels, "sent"),
        _count("fills", "Fills", counts.fills, f"{counts.reversed:,} taken back"),
        _ratio("fill_ratio", "Fill ratio", share(counts.filled_orders, counts.orders, none),
               f"{counts.filled_orders:,} of the orders traded, wholly or in part", percent=True),
        _count("intents", "Intents", counts.intents, "of all strategies"),
        _count("refused", "Refused", counts.refused, "by admission"),
    ]  # fmt: skip


def _count(key: str, name: str, count: int, note: str) -> Measure:
    return Measure(key, name, count, f"{count:,}", note)


def as_members(measures: list[Measure]) -> dict[str, Any]:
    """Members of a document."""
    return {one.key: one.value for one in measures}


def lacking(measures: list[Measure]) -> dict[str, str]:
    """Of those that are null: why."""
    return {one.key: one.note for one in measures if one.value is None}
