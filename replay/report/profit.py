"""Sections on profit: by strategy and by instrument."""

from decimal import Decimal

from replay.report.charts import Chart, Line
from replay.report.drawing import COLOURS
from replay.report.page import Cell, Column, Drawable, Section, Table, Words
from replay.report.rows import Row, instruments, strategies
from replay.report.told import Told, points
from replay.report.trading import money_cell, number_text

MAIN = 12
"""Instruments that stand in the table of the main ones; the rest are summed up, and folded."""


def profit(told: Told) -> Section:
    """PnL by strategy and instrument."""
    parts: list[Drawable] = [*_by_strategy(told), *_by_instrument(told)]
    shown = bool(told.observed.ended) or any(any(one.pnl) for one in told.observed.by_strategy)
    nothing = "Nothing was held and nothing was traded."
    return Section("pnl", "PnL by strategy and instrument", parts if shown else [], nothing)


def _by_strategy(told: Told) -> list[Drawable]:
    grid = told.observed.grid
    parts: list[Drawable] = []
    for purse, currency in dict.fromkeys((one.purse, one.currency) for one in told.observed.by_strategy):
        tracks = [one for one in told.observed.by_strategy if one.purse == purse and any(one.pnl)]
        lines = [
            Line(
                one.name or "of no strategy",
                points(grid, one.pnl, one.exponent, missing=0.0),
                at % COLOURS + 1,
                step=True,
            )
            for at, one in enumerate(tracks[:COLOURS])
        ]
        parts.append(Chart("PnL by strategy", currency, lines, zero=True, span=told.span))
    columns = [
        Column("strategy", False),
        Column("currency", False),
        Column("fills", shown=number_text),
        Column("PnL", shown=money_cell),
        Column("fees", shown=money_cell),
        Column("income", shown=money_cell),
        Column("record", shown=number_text, note="of the last sample"),
    ]
    keys = ("strategy", "currency", "fills", "pnl", "fees", "income", "seq")
    rows = [{**row, "strategy": row["strategy"] or "of no strategy"} for row in strategies(told)]
    parts.append(Table(columns, [[row[key] for key in keys] for row in rows]))
    return parts


_COLUMNS = (
    Column("instrument", False),
    Column("fills", shown=number_text),
    Column("traded", shown=money_cell),
    Column("position"),
    Column("PnL", shown=money_cell),
    Column("realised", shown=money_cell),
    Column("unrealised", shown=money_cell),
    Column("fees", shown=money_cell),
    Column("income", shown=money_cell),
    Column("in", False),
    Column("record", shown=number_text, note="of the last fill"),
)
_KEYS = (
    "name",
    "fills",
    "traded",
    "position",
    "pnl",
    "realised",
    "unrealised",
    "fees",
    "income",
    "currency",
    "last_seq",
)


def _by_instrument(told: Told) -> list[Drawable]:
    grid = told.observed.grid
    rows = instruments(told)
    order = {row["instrument"]: at for at, row in enumerate(rows)}
    parts: list[Drawable] = []
    for purse, currency in dict.fromkeys((row["purse"], row["currency"]) for row in rows):
        tracks = [one for one in told.observed.by_instrument if one.purse == purse and any(one.pnl)]
        tracks.sort(key=lambda one: order.get(one.key, len(order)))
        lines = [
            Line(told.name_of(one.number), points(grid, one.pnl, one.exponent, missing=0.0), at + 1, step=True)
            for at, one in enumerate(tracks[: COLOURS - 1])
        ]
        more = f", the main {len(lines)} of {len(tracks)}" if len(tracks) > len(lines) else ""
        parts.append(Chart(f"PnL by instrument{more}", currency, lines, zero=True, span=told.span))
    whole = [_cells({**row, "name": " · ".join(filter(None, (row["outcome"], row["instrument"])))}) for row in rows]
    return [
        *parts,
        Table(_COLUMNS, [*(_cells(row) for row in rows[:MAIN]), *_rest(rows[MAIN:])]),
        *([Words(_SETS, "note")] if told.observed.sets else []),
        Table(_COLUMNS, whole, fold=f"All {len(rows):,} instruments with their whole keys", most=1_000),
    ]


_SETS = (
    "Complete sets were split or merged in this run. Each of their tokens was booked at half a unit, "
    "whatever it was worth: what one outcome of a market made by that, the other lost. Read both together."
)


def _cells(row: Row) -> list[Cell]:
    return [row[key] for key in _KEYS]


def _rest(rows: list[Row]) -> list[list[Cell]]:
    """One line for each currency that sums up *rows*."""
    found: list[list[Cell]] = []
    for currency in dict.fromkeys(row["currency"] for row in rows):
        of_it = [row for row in rows if row["currency"] == currency]
        summed: Row = {key: str(sum(Decimal(row[key] or 0) for row in of_it)) for key in _SUMMED}
        summed |= {"name": f"{len(of_it):,} more", "fills": sum(row["fills"] for row in of_it), "currency": currency}
        found.append(_cells({"position": None, "last_seq": None, **summed}))
    return found


_SUMMED = ("traded", "pnl", "realised", "unrealised", "fees", "income")
