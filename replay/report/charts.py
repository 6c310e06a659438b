"""
Charts as inline SVG: lines, steps, bands and marks over time, and strips of what held when.

Drawn here, and by no library: each point has to carry a record's number (`data-seq`), colours have to follow the
reader's scheme (CSS variables), nothing may be loaded, and a page has two megabytes. Plotting libraries for Python
either bring more script than that or offer no hook for the first two.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import field, frozen

from replay.report.drawing import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    SHAPES,
    TOP,
    WIDTH,
    Shape,
    figure,
    grid,
    moment,
)
from replay.report.markup import NONE, Safe, at_tenth, joined, tag
from replay.report.scales import Point, Scale, short, thinned, time_scale, value_scale, without_repeats

SHOWN: Final = 60
"""Points of a line are visible where it has no more than so many; else they show where the reader points."""


@frozen
class Line:
    """A series. *step*: each value holds until the next one; *area*: what lies between it and zero is shaded."""

    name: str
    points: Sequence[Point]
    colour: int = 1
    step: bool = False
    area: bool = False
    dashed: bool = False
    thin: bool = False


@frozen
class Band:
    """What lies between two series of values, given at the same times: (low, high) of each."""

    name: str
    points: Sequence[tuple[Point, Point]]
    colour: int = 1


@frozen
class Marks:
    """Single points of a shape."""

    name: str
    points: Sequence[Point]
    colour: int = 1
    shape: Shape = "dot"


@frozen
class Chart:
    """
    A drawing of series over time. *unit* names the values; *zero* has its scale hold 0.

    *span* is the first and last time shown, that of all series where it is None.
    """

    title: str
    unit: str
    lines: Sequence[Line] = field(factory=tuple)
    marks: Sequence[Marks] = field(factory=tuple)
    bands: Sequence[Band] = field(factory=tuple)
    zero: bool = False
    span: tuple[int, int] | None = None
    height: int = HEIGHT

    def drawn(self, most: int) -> Safe:
        """The figure, with about *most* points of each series; nothing where no series has a value."""
        lines = _thinned_alike(self.lines, most)
        marks = [(one, thinned(one.points, most)) for one in self.marks]
        points = [
            *(point for _, found in lines for point in found),
            *(point for _, found in marks for point in found),
            *(point for band in self.bands for pair in band.points for point in pair),
        ]
        values = [point.value for point in points if point.value is not None]
        if not values:
            return NONE
        first, last = self.span or (min(one.time_ns for one in points), max(one.time_ns for one in points))
        across = time_scale(first, last, LEFT, WIDTH - RIGHT)
        down = value_scale(values, self.height - BOTTOM, TOP, zero=self.zero)
        alike = _alike([found for _, found in lines])
        drawn = [
            grid(across, down, self.height),
            *(_band(one, across, down, most) for one in self.bands),
            *(_line(one, found, across, down) for one, found in lines),
            _columns(lines, across, self.height) if alike else NONE,
            *(_dots(one, found, across, down, alike) for one, found in lines),
            *(_marks(one, found, across, down) for one, found in marks),
        ]
        keys = [(one.name, one.colour, "line") for one in self.lines if one.points]
        keys += [(one.name, one.colour, "area") for one in self.bands if one.points]
        keys += [(one.name, one.colour, one.shape) for one in self.marks if one.points]
        return figure(self.title, self.unit, keys, self.height, drawn, (first, last))


# -- parts of drawings ------------------------------------------------------------------------------------------------


Thin = Sequence[tuple[Line, Sequence[Point]]]
"""Lines, each with the points that are drawn of it."""


def _alike(lines: Sequence[Sequence[Point]]) -> bool:
    """Whether all have their points at the same instants."""
    first = [(one.seq, one.time_ns) for one in lines[0]] if lines else []
    return all([(one.seq, one.time_ns) for one in other] == first for other in lines[1:])


def _thinned_alike(lines: Sequence[Line], most: int) -> Thin:
    """Fewer points of each: where all stand at the same instants, those at which any of them has a corner."""
    if len(lines) < 2 or not _alike([one.points for one in lines]):
        return [(one, _corners_of(one, most)) for one in lines]
    each = max(24, 2 * most // len(lines))
    kept = {point.time_ns for one in lines for point in _corners_of(one, each)}
    return [(one, [point for point in one.points if point.time_ns in kept]) for one in lines]


def _corners_of(one: Line, most: int) -> list[Point]:
    """Its points, fewer: a step that says what the one before said is none."""
    return thinned(without_repeats(one.points) if one.step else one.points, most)


def _line(one: Line, points: Sequence[Point], across: Scale, down: Scale) -> Safe:
    runs = list(_runs(points))
    strokes = "".join(_path(run, end, one.step, across, down) for run, end in runs)
    looks = f"{' dash' if one.dashed else ''}{' thin' if one.thin else ''}"
    stroke = tag("path", class_=f"k c{one.colour}{looks}", d=strokes)
    if not one.area:
        return stroke
    nought = at_tenth(down.at(0))
    shade = "".join(
        f"{_path(run, end, one.step, across, down)}V{nought}H{at_tenth(across.at(run[0].time_ns))}z"
        for run, end in runs
    )
    return joined(tag("path", class_=f"a c{one.colour}", d=shade), stroke)


def _columns(lines: Thin, across: Scale, height: int) -> Safe:
    """One column for each instant, in which the reader is told what all lines say there."""
    instants = lines[0][1] if lines else []
    places = [across.at(one.time_ns) for one in instants]
    parts: list[str] = []
    for at, one in enumerate(instants):
        said = [_value_of(line.name, points[at]) for line, points in lines if points[at].value is not None]
        if not said:
            continue
        left = (places[at - 1] + places[at]) / 2 if at else places[at]
        right = (places[at] + places[at + 1]) / 2 if at + 1 < len(places) else places[at]
        title = tag("title", f"{' · '.join(said)}, {moment(one.time_ns)}, record {one.seq:,}")
        wide = at_tenth(max(right - left, 1.0))
        parts.append(f'<rect x="{at_tenth(left)}" y="{TOP}" width="{wide}" height="{height - TOP - BOTTOM}" ')
        parts.append(f'data-seq="{one.seq}">{title}</rect>')
    return Safe(f'<g class="h">{"".join(parts)}</g>')


def _dots(one: Line, points: Sequence[Point], across: Scale, down: Scale, alike: bool) -> Safe:
    """
    The points themselves. Where columns speak for all lines, only those that no line leads to or from; else all, to be
    pointed at, which show where they are few.
    """
    known = [point for point in points if point.value is not None]
    alone = [run[0] for run, end in _runs(points) if len(run) == 1 and not (one.step and end)]
    shown = alone if alike else known
    dots = []
    for point in shown:
        at = f'cx="{at_tenth(across.at(point.time_ns))}" cy="{at_tenth(down.at(point.value or 0.0))}"'
        named = "" if alike else f' data-seq="{point.seq}"'
        title = "" if alike else tag("title", said_of(one.name, point))
        dots.append(f'<circle {at} r="2.5"{named}>{title}</circle>')
    hidden = "" if alike or len(shown) <= SHOWN else " hid"
    return Safe(f'<g class="p c{one.colour}{hidden}">{"".join(dots)}</g>') if dots else NONE


def _runs(points: Sequence[Point]) -> Iterable[tuple[list[Point], int]]:
    """The stretches of *points* in which values are known, each with when it ended: 0 for the last."""
    run: list[Point] = []
    for one in points:
        if one.value is None:
            if run:
                yield run, one.time_ns
            run = []
        else:
            run.append(one)
    if run:
        yield run, 0


def _path(run: Sequence[Point], end_ns: int, step: bool, across: Scale, down: Scale) -> str:
    """A line through *run*; a step holds its last value until *end_ns*."""
    found = []
    for at, one in enumerate(run):
        x, y = at_tenth(across.at(one.time_ns)), at_tenth(down.at(one.value or 0.0))
        if not at:
            found.append(f"M{x} {y}")
        elif step:
            found.append(f"H{x}V{y}")
        else:
            found.append(f"L{x} {y}")
    if step and end_ns:
        found.append(f"H{at_tenth(across.at(end_ns))}")
    return "".join(found)


def said_of(name: str, point: Point) -> str:
    """What a reader is told of a point."""
    return f"{_value_of(name, point)}, {moment(point.time_ns)}, record {point.seq:,}"


def _value_of(name: str, point: Point) -> str:
    value = "-" if point.value is None else short(point.value)
    return f"{name} {value}{f', {point.note}' if point.note else ''}"


def _marks(one: Marks, points: Sequence[Point], across: Scale, down: Scale) -> Safe:
    form = SHAPES[one.shape]
    parts: list[str] = []
    for point in points:
        if point.value is not None:
            at = f"M{at_tenth(across.at(point.time_ns))} {at_tenth(down.at(point.value))}{form}"
            parts.append(tag("path", tag("title", said_of(one.name, point)), d=at, data_seq=point.seq))
    return Safe(f'<g class="s c{one.colour} {one.shape}">{"".join(parts)}</g>')


def _band(one: Band, across: Scale, down: Scale, most: int) -> Safe:
    """The area between the lows and the highs; every so many-th pair where there are more than *most*."""
    every = max(1, -(-len(one.points) // most))
    pairs = [(low, high) for low, high in one.points[::every] if low.value is not None and high.value is not None]
    if not pairs:
        return NONE
    highs = [f"{at_tenth(across.at(high.time_ns))} {at_tenth(down.at(high.value or 0.0))}" for _, high in pairs]
    lows = [f"{at_tenth(across.at(low.time_ns))} {at_tenth(down.at(low.value or 0.0))}" for low, _ in reversed(pairs)]
    return Safe(f'<path class="a c{one.colour}" d="M{"L".join(highs + lows)}z"/>')
