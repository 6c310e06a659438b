"""What drawings share: their frame, the grid, keys, and how a coordinate is written."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from journal.show import utc
from replay.report.markup import NONE, Safe, at_tenth, joined, tag
from replay.report.scales import Scale, tick_texts, time_texts

WIDTH: Final = 760
HEIGHT: Final = 230
LEFT: Final = 64
RIGHT: Final = 14
TOP: Final = 12
BOTTOM: Final = 26
ROW: Final = 22
"""Height of one row of a strip chart."""

COLOURS: Final = 7
"""A series' colour is one of so many, from 1."""

Shape = Literal["dot", "up", "down", "cross"]
SHAPES: dict[Shape, str] = {
    "dot": "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
    "up": "m0-4l4 7h-8z",
    "down": "m0 4l4-7h-8z",
    "cross": "m-3-3l6 6m0-6l-6 6",
}


def moment(ns: int) -> str:
    """A time for people: UTC, to the millisecond."""
    return utc(ns)[:23].replace("T", " ")


def fitted(name: str, most: int = 42) -> str:
    return name if len(name) <= most else f"{name[: most // 2]}…{name[len(name) - most // 2 + 1 :]}"


def figure(
    title: str,
    unit: str,
    keys: Iterable[tuple[str, int, str]],
    height: float,
    drawn: Sequence[Safe],
    span: tuple[int, int] | None,
    least_keys: int = 2,
) -> Safe:
    """The drawing with its caption, its keys and the line in which the reader is told what a point says."""
    legend = [tag("span", _swatch(form, colour), " ", name) for name, colour, form in keys]
    from_to = "" if span is None else f" {utc(span[0])[:19]} to {utc(span[1])[:19]} UTC."
    named = f"{title}{f' ({unit})' if unit else ''}"
    svg = tag(
        "svg",
        *drawn,
        viewBox=f"0 0 {WIDTH} {at_tenth(height)}",
        role="img",
        tabindex=0,
        aria_label=f"{named}.{from_to}",
    )
    caption = tag("figcaption", tag("b", title), f" {unit}" if unit else None)
    keys_line = tag("p", *legend, class_="keys") if len(legend) >= least_keys else NONE
    said = tag("output", class_="read", aria_live="polite")
    return tag("figure", caption, keys_line, tag("div", svg, class_="plot"), said)


def _swatch(form: str, colour: int) -> Safe:
    if form == "line":
        inner = Safe('<line x1="0" x2="16" y1="6" y2="6"/>')
    elif form in ("area", "l0", "l1", "l2"):
        inner = Safe('<rect x="1" y="1" width="14" height="10"/>')
    else:
        inner = Safe(f'<path d="M8 6{SHAPES[form]}"/>')  # type: ignore[index]
    kind = form if form.startswith("l") and form != "line" else f"{'a' if form == 'area' else 'k'} c{colour}"
    return Safe(f'<svg class="swatch {kind}" viewBox="0 0 16 12" aria-hidden="true">{inner}</svg>')


def grid(across: Scale, down: Scale, height: float) -> Safe:
    """Lines and labels of both scales, and a line at nought if values lie on both sides of it; *height* in pixels."""
    parts: list[Safe] = []
    for tick, said in zip(down.ticks, tick_texts(down.ticks), strict=True):
        at = at_tenth(down.at(tick))
        parts.append(Safe(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'))
        parts.append(tag("text", said, x=LEFT - 7, y=at_tenth(down.at(tick) + 4), text_anchor="end"))
    if down.low < 0 < down.high:
        at = at_tenth(down.at(0))
        parts.append(Safe(f'<line class="nought" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'))
    return joined(*parts, times(across, TOP, height))


def times(across: Scale, top: float, height: float) -> Safe:
    """Lines from *top* down and labels of the scale of time alone, for a drawing *height* pixels high."""
    parts: list[Safe] = []
    for tick, said in zip(across.ticks, time_texts(across.ticks), strict=True):
        at = across.at(tick)
        parts.append(tag("line", class_="grid", x1=at_tenth(at), x2=at_tenth(at), y1=top, y2=at_tenth(height - BOTTOM)))
        anchor = "end" if at > WIDTH - 40 else "middle"
        parts.append(tag("text", said, x=at_tenth(min(at, WIDTH - 2)), y=at_tenth(height - 8), text_anchor=anchor))
    return joined(*parts)
