"""Axes of charts: round steps, times in UTC, and fewer points where there are more than can be seen."""

from collections.abc import Sequence
from math import ceil, floor, inf, log10

from attrs import frozen

from journal.show import utc

SECOND_NS = 1_000_000_000
_STEPS_NS = (
    *(unit * many for unit in (1, 1_000, 1_000_000) for many in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(SECOND_NS * many for many in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600)),
    *(SECOND_NS * 86_400 * many for many in (0.5, 1, 2, 5, 7, 14, 28, 56, 112, 224, 448)),
)
_DAY_NS = 86_400 * SECOND_NS


@frozen
class Point:
    """
    One value of a series, and the number of the record that explains it.

    A *value* of None ends a line: nothing is known from there on. *note* is what a reader should be told beside it.
    """

    seq: int
    time_ns: int
    value: float | None
    note: str = ""


@frozen
class Scale:
    """Maps *low* to *high* onto *start* to *end* in the units of the drawing; *ticks* are round values within."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where *value* stands, never outside."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def value_scale(values: Sequence[float], start: float, end: float, *, zero: bool = False, most: int = 5) -> Scale:
    """A scale over *values* that begins and ends at round ones; with *zero* it holds 0."""
    found = [*values, 0.0] if zero or not values else list(values)
    low, high = min(found), max(found)
    if high - low <= max(abs(high) * 1e-12, 1e-200):
        half = abs(high) * 0.05 or 1.0
        low, high = low - half, high + half
    step = _round_step((high - low) / most)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = tuple(number * step for number in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], start, end, ticks)


def _round_step(least: float) -> float:
    """The least of 1, 2 and 5 times a power of ten that is not below *least*."""
    power = 10.0 ** floor(log10(least))
    return next(power * many for many in (1, 2, 5, 10) if power * many >= least * (1 - 1e-9))


def time_scale(first_ns: int, last_ns: int, start: float, end: float, most: int = 9) -> Scale:
    """A scale over times; its ticks are round in UTC."""
    if last_ns <= first_ns:
        first_ns, last_ns = first_ns - SECOND_NS // 2, first_ns + SECOND_NS // 2
    least = (last_ns - first_ns) / most
    step = next((int(one) for one in _STEPS_NS if one >= least), int(_STEPS_NS[-1]))
    ticks = tuple(range(-(-first_ns // step) * step, last_ns + 1, step))
    return Scale(first_ns, last_ns, start, end, ticks)


def tick_texts(ticks: Sequence[float]) -> list[str]:
    """*ticks* with as many digits as tell them apart, and no more."""
    if len(ticks) < 2:
        return [short(value) for value in ticks]
    step = abs(ticks[1] - ticks[0])
    if max(map(abs, ticks)) >= 1e7:
        return [f"{value:.4g}" for value in ticks]
    digits = max(0, -floor(log10(step) + 1e-9))
    return [f"{value + 0.0:,.{digits}f}" if abs(value) > step / 1e6 else f"{0:.{digits}f}" for value in ticks]


def time_texts(ticks: Sequence[float]) -> list[str]:
    """Times of day in UTC, to the digit that tells them apart; dates where a day or more lies between two."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else SECOND_NS
    found: list[str] = []
    for tick in ticks:
        date, _, rest = utc(int(tick)).partition("T")
        clock, _, digits = rest.rstrip("Z").partition(".")
        if step >= _DAY_NS:
            found.append(date)
        elif step >= 60 * SECOND_NS:
            found.append(clock[:5])
        elif step >= SECOND_NS:
            found.append(clock)
        else:
            kept = 3 if step >= 1_000_000 else 6 if step >= 1_000 else 9
            found.append(f"{clock[3:]}.{digits.ljust(9, '0')[:kept]}")
    return found


def short(value: float) -> str:
    """*value* for people: four significant digits, and of large ones all before the point."""
    if value != value or value in (inf, -inf):
        return "-"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}" if size >= 10_000 else f"{value:,.1f}"
    if size < 1e-6:
        return f"{value:.2e}"
    said = f"{value:.{min(9, max(0, 3 - floor(log10(size))))}f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """
    At most about *most* of *points*, which are in order of time: of each stretch its first, least, greatest and last.

    A line through them is drawn as the line through all would be, where a stretch is no wider than a column of the
    drawing. Points without a value are kept as ends of lines: the first of each run of them.
    Source: "M4", Jugel et al. (2014), Proceedings of the VLDB Endowment 7(10).
    """
    kept = [one for at, one in enumerate(points) if one.value is not None or not at or points[at - 1].value is not None]
    if len(kept) <= most:
        return kept
    first_ns = kept[0].time_ns
    wide_ns = (kept[-1].time_ns - first_ns) // max(1, most // 4) + 1
    found: list[Point] = []
    stretch: list[Point] = []
    for one in kept:
        if stretch and (one.time_ns - first_ns) // wide_ns != (stretch[0].time_ns - first_ns) // wide_ns:
            found.extend(_corners(stretch))
            stretch = []
        stretch.append(one)
    return found + _corners(stretch)


def _corners(stretch: Sequence[Point]) -> list[Point]:
    """First, least, greatest and last of *stretch*, each once and in order; a point without a value is kept last."""
    known = [at for at, one in enumerate(stretch) if one.value is not None]
    chosen = {0, len(stretch) - 1}
    if known:
        values = [stretch[at].value or 0.0 for at in known]
        chosen |= {known[values.index(min(values))], known[values.index(max(values))]}
    return [stretch[at] for at in sorted(chosen)]


def without_repeats(points: Sequence[Point]) -> list[Point]:
    """*points* without those that say what the one before said; the last is kept, where a line has to end."""
    return [
        one
        for at, one in enumerate(points)
        if at in (0, len(points) - 1) or one.value != points[at - 1].value or one.note != points[at - 1].note
    ]
