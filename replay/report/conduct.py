"""Sections on conduct: rewards, churn, what limited the run, latency and the heuristics."""

from typing import Literal

from replay.observed import Latency, Scores
from replay.report.charts import Chart, Line, Marks
from replay.report.page import Column, Drawable, Section, Table, Words
from replay.report.rows import LEVELS, Row, a_minute, churn, controls, credits, held, latencies, regimes, rewards
from replay.report.scales import Point, short
from replay.report.strips import Interval, Strips
from replay.report.told import Told, as_float
from replay.report.trading import number_text, percent_text

SCORED = 6
"""Markets whose reward samples are drawn."""

ROWS = 24
"""Modes, gates and heuristics that are drawn: those that limited the run longest. The table has all."""


def reward(told: Told) -> Section:
    """Our share of the reward samples over time, and what was paid."""
    rows = rewards(told)
    scored = sorted(
        (one for one in told.observed.scores if one.scored), key=lambda one: one.scored / one.samples, reverse=True
    )
    lines = [Line(told.brief(one.key), _shares(one), at % 7 + 1, step=True) for at, one in enumerate(scored[:SCORED])]
    columns = [
        Column("market", False),
        Column("samples", shown=number_text),
        Column("we scored in", shown=number_text),
        Column("that is", shown=percent_text),
        Column("mean share", shown=percent_text, note="of all samples, those without us as nothing"),
    ]
    keys = ("market", "samples", "scored", "scored_share", "share")
    by_share = sorted(rows, key=lambda row: row["share"] or 0.0, reverse=True)
    cells = [[told.brief(row["market"]), *(row[key] for key in keys[1:])] for row in by_share]
    table = Table(columns, cells, title="Samples by market")
    paid = Table(
        [Column("what", False), Column("payments", shown=number_text), Column("amount"), Column("currency", False)],
        [[row[key] for key in ("reason", "payments", "amount", "currency")] for row in credits(told)],
        title="Paid beside trades",
    )
    more = f", the {SCORED} in which we scored most often" if len(scored) > SCORED else ""
    title = f"Our share of a minute's rewards, at the least{more}"
    drawn: list[Drawable] = [Chart(title, "part of one", lines, zero=True, span=told.span), table, _paid(told), paid]
    empty = "No reward was sampled: no market of this run states a daily rate, none was quoted, or rewards are off."
    intro = (
        "Once a minute the venue scores what rests. The share is the least that we could have had of that minute, "
        "because a public book does not tell the other makers apart."
    )
    parts = drawn if rows or told.observed.credits else []
    return Section("rewards", "Reward scoring over time", parts, empty, intro if parts else "")


def _shares(scores: Scores) -> list[Point]:
    return [Point(one.seq, one.time_ns, one.share or 0.0) for one in scores.found]


def _paid(told: Told) -> Chart:
    """Payments beside trades, summed up."""
    lines: list[Line] = []
    observed = told.observed
    keys = dict.fromkeys((one.reason, observed.instruments[one.instrument].currency) for one in observed.credits)
    for at, (reason, currency) in enumerate(keys):
        total = 0.0
        found: list[Point] = []
        for one in observed.credits:
            listed = observed.instruments[one.instrument]
            if (one.reason, listed.currency) == (reason, currency):
                total += as_float(one.amount, listed.exponent)
                found.append(Point(one.seq, one.time_ns, total, told.name_of(one.instrument)))
        lines.append(Line(f"{reason}s, {currency}", found, at % 7 + 1, step=True))
    return Chart("Paid beside trades, summed up", "", lines, zero=True, span=told.span)


def calls(told: Told) -> Section:
    """Orders and cancels a minute, against the policy's budget."""
    observed, grid = told.observed, told.observed.grid
    made = churn(told)
    most = made["orders_a_minute_allowed"]
    shown = [
        Line(name, _rates(told, a_minute(told, values)), colour, step=True)
        for name, values, colour in (("orders", observed.calls.orders, 1), ("cancels", observed.calls.cancels, 2))
    ]
    peak = max(made["orders_a_minute_most"], made["cancels_a_minute_most"])
    note = "The policy names no budget of orders a minute." if most is None else ""
    if most is not None and most <= 4 * max(peak, 1.0):
        budget = [Point(seq, ns, float(most)) for seq, ns in zip(grid.seq, grid.time_ns, strict=True)]
        shown.append(Line("the policy's budget of orders", budget, 6, dashed=True))
    elif most is not None:
        note = f"The policy allows {most:,} orders a minute: far above what is drawn."
    each = made["orders_for_each_fill"]
    said = "" if each is None else f" {short(each)} orders were sent for each fill."
    orders, cancels = f"{made['orders_a_minute_most']:,.0f}", f"{made['cancels_a_minute_most']:,.0f}"
    parts: list[Drawable] = [
        Chart("Calls in the minute before", "a minute", shown, zero=True, span=told.span),
        Words(f"At most {orders} orders and {cancels} cancels in a minute.{said} {note}".strip(), "note"),
    ]
    sent = observed.counts.orders + observed.counts.cancels
    return Section("churn", "Churn against budget", parts if sent else [], "Nothing was sent to the venue.")


def _rates(told: Told, rates: list[float]) -> list[Point]:
    grid = told.observed.grid
    return [Point(seq, ns, rate) for seq, ns, rate in zip(grid.seq, grid.time_ns, rates, strict=True)]


# -- what limited the run ----------------------------------------------------------------------------------------------

_REGIMES: tuple[Literal[0, 1, 2], ...] = (0, 1, 2)
_LIMITED = ("open", "closed, or only reductions", "nothing goes")
_LEVELS: dict[str, Literal[0, 1, 2]] = {"ACTIVE": 0, "OPEN": 0, "REDUCE_ONLY": 1, "CLOSED": 1, "KILL": 2}


def limits(told: Told) -> Section:
    """Modes and gates over time."""
    rows = controls(told)
    strips = _strips(told, [row for row in rows if row["what"] != "OWNER"])
    columns = [
        Column("what", False),
        Column("scope", False),
        Column("code", False),
        Column("changes", shown=number_text),
        Column("now", False),
        Column("limited for (s)", shown=number_text),
        Column("record", shown=number_text, note="the first change"),
    ]
    keys = ("what", "scope", "code", "changes", "state", "limited_s", "first_seq")
    table = Table(
        columns, [[row[key] for key in keys] for row in rows], fold=f"All {len(rows):,} modes, gates and owners"
    )
    parts: list[Drawable] = [
        Strips(_of(len(strips), "Modes and gates"), strips[:ROWS], told.span, _LIMITED),
        *_owners(told),
        table,
    ]
    if told.observed.controls_more:
        parts.append(Words(f"{told.observed.controls_more:,} later changes were not kept.", "note"))
    intro = "A closed gate stops new risk while it lasts; a lowered mode stays until a person raises it."
    return Section(
        "controls",
        "Modes and gates over time",
        parts if rows else [],
        "No mode and no gate changed.",
        intro if rows else "",
    )


def _owners(told: Told) -> list[Strips]:
    """Who owned each market that changed hands: the first two strategies have colours of their own."""
    first, second, *_ = *told.observed.strategies, "", ""
    rows: list[tuple[str, list[Interval]]] = []
    for (what, scope, _), changes in held(told).items():
        if what == "OWNER":
            spans = [
                Interval(one.seq, one.time_ns, end_ns, f"{one.new}, after {one.old or 'nobody'}", level)
                for one, end_ns in changes
                if one.new
                for level in [_REGIMES[0 if one.new == first else 1 if one.new == second else 2]]
            ]
            rows.append((_scope(told, scope), spans))
    rows.sort(key=lambda row: len(row[1]), reverse=True)
    more = f", the {ROWS} of {len(rows):,} that changed most often" if len(rows) > ROWS else ""
    return [Strips(f"Who owned a market{more}", rows[:ROWS], told.span, (first, second, "another"))]


def _scope(told: Told, scope: str) -> str:
    """A scope with its key shortened."""
    word, _, key = scope.partition(" ")
    return f"{word} {told.brief(key)}" if ":" in key else scope


def _strips(told: Told, rows: list[Row]) -> list[tuple[str, list[Interval]]]:
    """A strip for each mode and gate; one for all markets in which the same happened at the same times."""
    found = held(told)
    alike: dict[tuple[str, str, tuple[tuple[int, int, str], ...]], list[tuple[str, list[Interval]]]] = {}
    for row in rows:
        what, scope = row["what"], row["scope"]
        name = row["code"] if what == "GATE" else what.lower()
        spans = [
            Interval(one.seq, one.time_ns, end_ns, f"{one.new}, {one.code}", _LEVELS.get(one.new, 1))
            for one, end_ns in found[what, scope, row["code"] if what == "GATE" else ""]
            if one.new != "OPEN"
        ]
        times = tuple((one.start_ns, one.end_ns, one.text) for one in spans)
        alike.setdefault((name, scope.partition(" ")[0], times), []).append((scope, spans))
    return [
        (f"{name}, {_scope(told, of[0][0]) if len(of) == 1 else f'{len(of)} {word}s'}", of[0][1])
        for (name, word, _), of in alike.items()
    ]


def _of(count: int, name: str) -> str:
    return f"{name}, the {ROWS} of {count:,} that limited the run longest" if count > ROWS else name


def heuristics(told: Told) -> Section:
    """What the heuristics said over time."""
    end_ns = told.span[1]
    found: dict[str, list[Interval]] = {}
    changes = told.observed.regimes
    for one in changes:
        row = found.setdefault(f"{one.name}, {told.brief(one.market)}", [])
        if row:
            row[-1] = _until(row[-1], one.time_ns)
        measures = ", ".join(f"{name} {value / 1000:g}" for name, value in one.measures.items())
        said = f"{LEVELS[one.new]}, score {one.score / 1000:g} ({measures})"
        row.append(Interval(one.seq, one.time_ns, end_ns, said, _REGIMES[one.new]))
    shown = {name: [one for one in spans if one.level] for name, spans in found.items()}
    ranked = sorted(shown.items(), key=lambda item: sum(one.end_ns - one.start_ns for one in item[1]), reverse=True)
    columns = [
        Column("heuristic", False),
        Column("market", False),
        Column("changes", shown=number_text),
        Column("now", False),
        Column("record", shown=number_text, note="the first change"),
    ]
    keys = ("heuristic", "market", "changes", "state", "first_seq")
    rows = regimes(told)
    table = Table(
        columns, [[row[key] for key in keys] for row in rows], fold=f"All {len(rows):,} heuristics that changed"
    )
    parts: list[Drawable] = [Strips(_of(len(ranked), "Heuristics"), ranked[:ROWS], told.span, LEVELS), table]
    if told.observed.regimes_more:
        parts.append(Words(f"{told.observed.regimes_more:,} later changes were not kept.", "note"))
    empty = "No heuristic changed its regime: they are off in this run's configuration, or every market was calm."
    return Section("heuristics", "Heuristics over time", parts if rows else [], empty)


def _until(one: Interval, end_ns: int) -> Interval:
    return Interval(one.seq, one.start_ns, end_ns, one.text, one.level)


# -- latency -----------------------------------------------------------------------------------------------------------


def latency(told: Told) -> Section:
    """How long requests took to the venue, and their answers back."""
    observed = told.observed
    rows = latencies(told)
    marks = [
        Marks("orders, both ways", _both_ways(observed.order_latency), 1),
        Marks("cancels, both ways", _both_ways(observed.cancel_latency), 2),
    ]
    columns = [
        Column("of", False),
        Column("way", False),
        Column("kept", shown=number_text),
        *(Column(name, shown=number_text) for name in ("least", "median", "90 %", "99 %", "most")),
    ]
    keys = ("what", "way", "kept", "least_ms", "median_ms", "p90_ms", "p99_ms", "most_ms")
    every = max(observed.order_latency_every, observed.cancel_latency_every)
    took = {point.value or 0.0 for one in marks for point in one.points}
    constant = Words(f"Every request was answered after {max(took, default=0):g} ms.", "note")
    drawn = Chart("From the decision to the answer", "ms", [], [one for one in marks if one.points], span=told.span)
    parts: list[Drawable] = [
        constant if len(took) == 1 else drawn,
        Table(columns, [[row[key] for key in keys] for row in rows], title="Milliseconds"),
    ]
    if every > 1:
        parts.append(Words(f"Of {every} requests, one was kept.", "note"))
    intro = "Delays of the simulated venue, as the configuration has them: none was measured in this run."
    return Section("latency", "Latency", parts if rows else [], "Nothing was sent to the venue.", intro if rows else "")


def _both_ways(kept: tuple[Latency, ...]) -> list[Point]:
    return [Point(one.seq, one.time_ns, (one.to_venue_ns + one.to_us_ns) / 1e6) for one in kept]
