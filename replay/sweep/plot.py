"""
A sweep as a picture: the distribution at each point of the grid, in one HTML file that needs nothing beside it.

Each line has a point's runs as dots, its quartiles as a box, its median as a bar, and its worst and best as whiskers.
Nothing in it is made by a script, so it looks the same everywhere and can be printed.
"""

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from math import floor, log10
from typing import Final

from replay.sweep.plan import Plan
from replay.sweep.table import OPTIMISTIC, Row, best_of, number, reach

MOST_DOTS: Final = 20_000
"""With more runs than this only boxes are drawn: the file is to stay small."""

_WIDTH: Final = 520
_LEFT: Final = 8
_LINE: Final = 26
_TOP: Final = 34

_STYLE: Final = """
:root { color-scheme: light dark; --ground: #fcfcfa; --ink: #1d2126; --faint: #6d747d; --rule: #dcdfe3;
  --box: #9dbfe3; --edge: #2c5f94; --dot: #2c5f94; --best: #b4540a; }
@media (prefers-color-scheme: dark) { :root { --ground: #15181c; --ink: #e6e8eb; --faint: #9aa2ac; --rule: #343a42;
  --box: #2f5479; --edge: #8fc0f2; --dot: #8fc0f2; --best: #f2a65a; } }
@media print { :root { --ground: #fff; --ink: #000; --faint: #444; --rule: #bbb; --box: #ddd; --edge: #000;
  --dot: #000; --best: #000; } }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.3rem; font-weight: 600; }
p, dl { color: var(--faint); max-width: 46rem; }
dl { display: grid; grid-template-columns: max-content auto; gap: 0 1rem; font-size: .85rem; }
dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 0 .6rem; white-space: nowrap; font-weight: 400;
  border-bottom: 1px solid var(--rule); }
th { color: var(--faint); font-size: .85rem; }
th:first-child, td:first-child { text-align: left; font-family: ui-monospace, monospace; font-size: .85rem; }
td.picture, th.picture { padding: 0; width: 60%; }
td svg, th svg { display: block; width: 100%; }
tr.best td { color: var(--best); font-weight: 600; }
.whisker { stroke: var(--edge); stroke-width: 1.2; }
.box { fill: var(--box); }
.median { stroke: var(--edge); stroke-width: 3; }
.best .box { fill: color-mix(in srgb, var(--best) 35%, var(--ground)); }
.best .median, .best .whisker { stroke: var(--best); }
.dot { fill: var(--dot); fill-opacity: .35; }
.rule { stroke: var(--rule); }
.zero { stroke: var(--faint); }
text { fill: var(--faint); font-size: 13px; text-anchor: middle; }
.frame { overflow-x: auto; }
"""


def page(title: str, metric: str, told: Sequence[tuple[str, Row]], plan: Plan) -> str:
    """The whole file: *told* pairs each row with what to call its point."""
    rows = [row for _, row in told]
    found = reach(rows, metric)
    scale = _Scale(*(found or (Decimal(0), Decimal(0))))
    best = best_of(rows, metric)
    with_dots = sum(len(row.values) for row in rows) <= MOST_DOTS
    body = "\n".join(_line(label, row, metric, scale, row.variant == best, with_dots) for label, row in told)
    start = plan.variants[0].starts[0]
    journals = "".join(
        f"<dt>journal</dt><dd>{escape(str(market.path))} ({market.told.head_hash[:32]})</dd>" for market in plan.markets
    )
    notes = f"<p>Note: {escape(OPTIMISTIC)}</p>" if len(rows) > 1 else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<dl>{journals}<dt>build</dt><dd>{start.build}</dd></dl>
<div class="frame"><table>
<thead><tr><th>point</th><th>runs</th><th>worst</th><th>median</th><th>best</th>
<th class="picture">{_axis(scale)}</th></tr></thead>
<tbody>
{body}
</tbody>
</table></div>
<p>A dot is a run; the box goes from the lower to the upper quartile, the bar is the median, the line from the worst
run to the best. Failed runs are in none of these. Quartiles are linear between order statistics (Hyndman and Fan, type
7).</p>
{notes}
</body>
</html>
"""


class _Scale:
    """Values to places in a picture."""

    def __init__(self, least: Decimal, most: Decimal) -> None:
        self.least, self.most = float(least), float(most)
        if self.least == self.most:
            self.least, self.most = self.least - 1, self.most + 1

    def x(self, value: Decimal | float) -> float:
        """Where *value* stands."""
        room = _WIDTH - 2 * _LEFT
        return round(_LEFT + (float(value) - self.least) / (self.most - self.least) * room, 2)

    def ticks(self) -> list[float]:
        """Round values, about six, within the scale: steps of 1, 2 or 5 times a power of ten."""
        rough = (self.most - self.least) / 6
        power = 10.0 ** floor(log10(rough))
        step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough)
        first = -floor(-self.least / step)
        return [at * step for at in range(first, floor(self.most / step) + 1)]


def _svg(height: int, content: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">{content}</svg>'


def _rules(scale: _Scale, height: int) -> str:
    lines = []
    for tick in scale.ticks():
        kind = "zero" if tick == 0 else "rule"
        lines.append(f'<line class="{kind}" x1="{scale.x(tick)}" x2="{scale.x(tick)}" y1="0" y2="{height}"/>')
    return "".join(lines)


def _axis(scale: _Scale) -> str:
    texts = "".join(f'<text x="{scale.x(tick)}" y="{_TOP - 12}">{tick:,.10g}</text>' for tick in scale.ticks())
    return _svg(_TOP, texts)


def _line(label: str, row: Row, metric: str, scale: _Scale, best: bool, with_dots: bool) -> str:
    failed = f" ({row.failed:,} failed)" if row.failed else ""
    head = f"<td>{escape(label)}</td><td>{row.runs:,}{failed}</td>"
    if metric not in row.spreads:
        return (
            f'<tr>{head}<td>-</td><td>-</td><td>-</td><td class="picture">{_svg(_LINE, _rules(scale, _LINE))}</td></tr>'
        )
    one = row.spreads[metric]
    cells = "".join(f"<td>{number(value, metric)}</td>" for value in (one.worst, one.median, one.best))
    middle = _LINE / 2
    left, right = sorted((scale.x(one.lower), scale.x(one.upper)))
    at = scale.x(one.median)
    told = f"worst {number(one.worst, metric)}, quartiles {number(one.lower, metric)} and {number(one.upper, metric)}"
    drawn = (
        f"<title>{escape(label)}: {told}, median {number(one.median, metric)}, best {number(one.best, metric)}</title>"
        f"{_rules(scale, _LINE)}"
        f'<line class="whisker" x1="{scale.x(one.worst)}" x2="{scale.x(one.best)}" y1="{middle}" y2="{middle}"/>'
        f'<rect class="box" x="{left}" y="5" width="{max(1.0, round(right - left, 2))}" height="{_LINE - 10}"/>'
    )
    if with_dots:
        drawn += "".join(f'<circle class="dot" cx="{scale.x(value)}" cy="{middle}" r="3"/>' for value in row.values)
    drawn += f'<line class="median" x1="{at}" x2="{at}" y1="3" y2="{_LINE - 3}"/>'
    star = ' class="best"' if best else ""
    return f'<tr{star}>{head}{cells}<td class="picture">{_svg(_LINE, drawn)}</td></tr>'
