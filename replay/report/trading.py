"""Sections on trading: quotes against the touch, what fills were worth, and where in their queues orders stood."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate

from replay.observed import Fill, InstrumentTrack
from replay.report.charts import Chart, Line, Marks
from replay.report.page import Cell, Column, Drawable, Section, Table, Words
from replay.report.rows import HORIZONS, Row, edge_of, mark_outs, queue
from replay.report.scales import Point, short
from replay.report.strips import Bar, Bars
from replay.report.told import Told, as_float, money_text, points, standing

QUOTED = 6
"""Markets whose quotes are drawn; of the others the tables tell."""


def number_text(value: Cell) -> str:
    """A figure in a table."""
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else short(float(value))


def money_cell(value: Cell) -> str:
    """Money in a table: four decimals; all digits are in the document."""
    return "-" if value is None else f"{Decimal(str(value)):z,.4f}"


def percent_text(value: Cell) -> str:
    """A part of one, in a table."""
    return "-" if value is None else f"{100 * float(value):.1f} %"


# -- quotes ------------------------------------------------------------------------------------------------------------


def quotes(told: Told) -> Section:
    """Our best orders against the touch, with our fills, in the markets where most was traded."""
    quoted = _quoted(told)
    parts: list[Drawable] = [_quote_chart(told, one) for one in quoted[:QUOTED]]
    if len(quoted) > QUOTED:
        parts.append(
            Words(
                f"The {QUOTED} markets with the largest turnover; orders stood in {len(quoted) - QUOTED} more.",
                "note",
            )
        )
    intro = (
        "The best bid and offer while the book could be traded on, our own best orders, and our fills. Orders in a "
        "market's other outcome are drawn at one minus their price."
    )
    return Section(
        "quotes", "Quotes against the touch", parts, "No order of this run came to rest.", intro if parts else ""
    )


def _quoted(told: Told) -> list[InstrumentTrack]:
    """One instrument of each market in which orders stood: its first. The one with the largest turnover comes first."""
    observed = told.observed
    traded: dict[str, float] = {}
    for fill in standing(observed.fills):
        listed = observed.instruments[fill.instrument]
        traded[listed.market] = traded.get(listed.market, 0.0) + as_float(fill.price * fill.size, listed.exponent)
    firsts: dict[str, InstrumentTrack] = {}
    ours = {one.market: True for one in observed.by_instrument if any(map(_known, one.own_bid + one.own_ask))}
    for one in observed.by_instrument:
        if one.market in ours or one.market in traded:
            firsts.setdefault(one.market, one)
    return sorted(firsts.values(), key=lambda one: traded.get(one.market, 0.0), reverse=True)


def _known(value: int | None) -> bool:
    return value is not None


def _quote_chart(told: Told, track: InstrumentTrack) -> Chart:
    grid, exponent = told.observed.grid, track.price_exponent
    lines = [
        Line("best bid", points(grid, track.bid, exponent), 5, step=True, thin=True),
        Line("best offer", points(grid, track.ask, exponent), 7, step=True, thin=True),
        Line("our bid", points(grid, track.own_bid, exponent), 1, step=True),
        Line("our offer", points(grid, track.own_ask, exponent), 2, step=True),
    ]
    bought, sold = _fills_at(told, track)
    marks = [Marks("bought", bought, 3, "up"), Marks("sold", sold, 6, "down")]
    drawn = [one for one in lines if any(point.value is not None for point in one.points)]
    return Chart(told.name_of(track.number), "price", drawn, marks, span=told.span)


def _fills_at(told: Told, track: InstrumentTrack) -> tuple[list[Point], list[Point]]:
    """What was bought and sold of the track's instrument; buying its complement is selling it."""
    observed = told.observed
    own, other = observed.instruments[track.number], observed.instruments[track.number].other
    bought: list[Point] = []
    sold: list[Point] = []
    for fill in observed.fills:
        if fill.instrument not in (own.number, other):
            continue
        turned = fill.instrument != own.number
        price = own.price_scale - fill.price if turned else fill.price
        size = as_float(fill.size, own.size_exponent)
        note = f"{size:g} by {fill.strategy or 'nobody'} as {'maker' if fill.maker else 'taker'}"
        note += (", in the other outcome" if turned else "") + ("" if fill.reversed is None else ", taken back")
        point = Point(fill.seq, fill.time_ns, as_float(price, own.price_exponent), note)
        (bought if (fill.side == "BUY") != turned else sold).append(point)
    return bought, sold


# -- fills -------------------------------------------------------------------------------------------------------------


def worth(told: Told) -> Section:
    """Spread capture and mark-outs."""
    rows = mark_outs(told)
    parts: list[Drawable] = []
    for currency in dict.fromkeys(row["currency"] for row in rows):
        of_it = [row for row in rows if row["currency"] == currency]
        bars = [
            Bar(f"{row['liquidity']}, {row['horizon']}", row["bps"], _counted(row["fills"], row["unknown"]))
            for row in of_it
            if row["liquidity"] != "all" or len({one["liquidity"] for one in of_it}) > 2
        ]
        parts.append(Bars("Fills against the mid", "basis points of what was traded", bars))
        parts.append(_over_time(told, currency))
    parts.append(_mark_out_table(rows))
    parts.append(_fill_table(told))
    intro = (
        "At the fill: how far on our side of the mid it was made, which is the spread captured. Later: what is left of "
        "that when the mid has moved, 1, 10 and 60 seconds behind it. Fills whose mid is not known then are left out."
    )
    return Section("fills", "Spread capture and mark-outs", parts, "Nothing was filled.", intro if rows else "")


def _counted(fills: int, unknown: int) -> str:
    said = f"{fills:,} fill{'' if fills == 1 else 's'}"
    return f"{said}, {unknown:,} unknown" if unknown else said


def _over_time(told: Told, currency: str) -> Chart:
    """The sums so far, fill by fill."""
    observed = told.observed
    fills = [one for one in standing(observed.fills) if observed.instruments[one.instrument].currency == currency]
    lines: list[Line] = []
    for number, (name, at) in enumerate(HORIZONS):
        known = [(one, edge) for one in fills if (edge := edge_of(told, one, at)) is not None]
        sums = accumulate(edge for _, edge in known)
        found = [Point(one.seq, one.time_ns, value) for (one, _), value in zip(known, sums, strict=True)]
        lines.append(Line(name, found, (1, 3, 2, 4)[number % 4], step=True))
    title = "Spread capture and mark-outs, summed up"
    return Chart(title, currency, lines, zero=True, span=told.span)


def _mark_out_table(rows: Sequence[Row]) -> Table:
    columns = [
        Column("currency", False),
        Column("as", False),
        Column("when", False),
        Column("fills"),
        Column("unknown", note="fills whose mid is not known then"),
        Column("amount", shown=money_cell),
        Column("basis points", shown=number_text),
    ]
    keys = ("currency", "liquidity", "horizon", "fills", "unknown", "amount", "bps")
    return Table(columns, [[row[key] for key in keys] for row in rows], fold="The same in figures")


def _fill_table(told: Told) -> Table:
    columns = [
        Column("record", shown=number_text),
        Column("decided at", shown=number_text, note="the record of the input on which it was decided"),
        Column("time", False),
        Column("strategy", False),
        Column("instrument", False),
        Column("side", False),
        Column("price"),
        Column("size"),
        Column("ahead", note="what stood before the order as it came to rest"),
        Column("as", False),
        Column("fee", shown=money_cell),
        *(Column(name, shown=number_text) for name, _ in HORIZONS),
        Column("taken back", shown=number_text, note="the record that took it back"),
    ]
    rows = [_fill_row(told, fill) for fill in told.observed.fills]
    return Table(
        columns, rows, fold=f"All {len(rows):,} fills" if len(rows) <= 200 else f"The first 200 of {len(rows):,} fills"
    )


def _fill_row(told: Told, fill: Fill) -> list[Cell]:
    listed = told.observed.instruments[fill.instrument]
    return [
        fill.seq,
        fill.cause,
        told.clock(fill.time_ns),
        fill.strategy,
        told.name_of(fill.instrument),
        fill.side,
        as_float(fill.price, listed.price_exponent),
        as_float(fill.size, listed.size_exponent),
        None if fill.ahead is None else as_float(fill.ahead, listed.size_exponent),
        "maker" if fill.maker else "taker",
        money_text(fill.fee, listed.exponent),
        *(edge_of(told, fill, at) for _, at in HORIZONS),
        fill.reversed,
    ]


def queues(told: Told) -> Section:
    """How much of what came to rest was filled, by what stood before it."""
    rows = queue(told)
    named = [(row, _bucket(row["at_least"], row["below"])) for row in rows]
    bars = [
        Bar(name, 100 * row["fill_rate"] if row["fill_rate"] is not None else None,
            f"{row['filled_orders']:,} of {row['orders']:,} orders")
        for row, name in named
        if row["orders"]
    ]  # fmt: skip
    columns = [
        Column("ahead, in its own size", False),
        Column("orders", shown=number_text),
        Column("filled", shown=number_text),
        Column("of the orders", shown=percent_text),
        Column("of their size", shown=percent_text),
    ]
    table = Table(
        columns,
        [(name, row["orders"], row["filled_orders"], row["fill_rate"], row["filled_size"]) for row, name in named],
        fold="The same in figures",
    )
    intro = (
        "Orders by the size that stood before them as they came to rest, in multiples of their own. The queue is a "
        f"model's: {told.config.venue.queue}."
    )
    parts: list[Drawable] = [Bars("Orders filled", "% of those that rested", bars), table]
    return Section(
        "queue", "Fill rate by queue position", parts if bars else [], "No order came to rest.", intro if bars else ""
    )


def _bucket(at_least: int, below: int | None) -> str:
    if below is None:
        return f"{at_least:,} times and more"
    if not at_least:
        return "less than its own size" if below == 1 else f"less than {below:,} times"
    return f"{at_least:,} to {below:,} times"
