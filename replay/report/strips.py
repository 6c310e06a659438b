"""Strips of what held when, and bars."""

from collections.abc import Sequence
from typing import Literal

from attrs import frozen

from replay.report.drawing import BOTTOM, RIGHT, ROW, TOP, WIDTH, figure, fitted, moment, times
from replay.report.markup import NONE, Safe, at_tenth, tag
from replay.report.scales import short, tick_texts, time_scale, value_scale


@frozen
class Interval:
    """Something that held from one time to another; *level* says how bad it was: 0 fine, 1 a caution, 2 a stop."""

    seq: int
    start_ns: int
    end_ns: int
    text: str
    level: Literal[0, 1, 2] = 1


@frozen
class Strips:
    """Rows of what held when: one row for each name, its intervals in order of time. *levels* names theirs."""

    title: str
    rows: Sequence[tuple[str, Sequence[Interval]]]
    span: tuple[int, int]
    levels: tuple[str, str, str] = ("fine", "caution", "stop")

    def drawn(self, most: int) -> Safe:
        """The figure; of a row with more than *most* intervals the longest. Nothing where there is no row."""
        if not self.rows:
            return NONE
        left = min(320, 16 + max(len(fitted(name)) for name, _ in self.rows) * 7.1)
        height = TOP + len(self.rows) * ROW + BOTTOM
        across = time_scale(*self.span, left, WIDTH - RIGHT)
        drawn = [times(across, TOP, height)]
        for number, (name, intervals) in enumerate(self.rows):
            top = TOP + number * ROW
            drawn.append(tag("text", fitted(name), class_="name", x=left - 8, y=top + ROW / 2 + 4, text_anchor="end"))
            drawn.append(
                tag(
                    "rect",
                    class_="bed",
                    x=at_tenth(left),
                    y=top + 4,
                    width=at_tenth(WIDTH - RIGHT - left),
                    height=ROW - 8,
                )
            )
            longest = sorted(intervals, key=lambda one: one.start_ns - one.end_ns)[:most]
            for one in sorted(longest, key=lambda one: one.start_ns):
                start, end = across.at(one.start_ns), across.at(one.end_ns)
                said = f"{name}: {one.text}, {moment(one.start_ns)} to {moment(one.end_ns)}, record {one.seq:,}"
                wide = max(end - start, 1.5)
                where = {"x": start, "y": top + 4, "width": wide, "height": ROW - 8, "data_seq": one.seq}
                drawn.append(tag("rect", tag("title", said), class_=f"l{one.level}", **where))
        used = {one.level for _, intervals in self.rows for one in intervals}
        shown = [(name, 0, f"l{level}") for level, name in enumerate(self.levels) if level in used]
        return figure(self.title, "", shown, height, drawn, self.span, least_keys=1)


@frozen
class Bar:
    """One bar: what it is of, its value, a note, and the record that explains it (0: none alone does)."""

    name: str
    value: float | None
    note: str = ""
    seq: int = 0


@frozen
class Bars:
    """Horizontal bars from zero, one a row, with their values beside them; a bar without a value says so."""

    title: str
    unit: str
    bars: Sequence[Bar]
    colour: int = 1

    def drawn(self, most: int) -> Safe:
        """The figure, of at most *most* bars; nothing where there is none with a value."""
        bars = list(self.bars)[:most]
        values = [one.value for one in bars if one.value is not None]
        if not values:
            return NONE
        left = min(320, 16 + max(len(fitted(one.name)) for one in bars) * 7.1)
        height = TOP + len(bars) * ROW + BOTTOM
        across = value_scale(values, left, WIDTH - 150, zero=True)
        nought = across.at(0)
        drawn: list[Safe] = []
        for tick, said in zip(across.ticks, tick_texts(across.ticks), strict=True):
            at = at_tenth(across.at(tick))
            drawn.append(tag("line", class_="grid", x1=at, x2=at, y1=TOP, y2=height - BOTTOM))
            drawn.append(tag("text", said, x=at, y=height - 8, text_anchor="middle"))
        for number, one in enumerate(bars):
            top = TOP + number * ROW
            middle = top + ROW / 2 + 4
            drawn.append(tag("text", fitted(one.name), class_="name", x=left - 8, y=middle, text_anchor="end"))
            end = nought if one.value is None else across.at(one.value)
            seq = one.seq or None
            said = f"{one.name}: {'not enough data' if one.value is None else short(one.value)} {self.unit}"
            said += (f", {one.note}" if one.note else "") + (f", record {one.seq:,}" if one.seq else "")
            colour = 6 if one.value is not None and one.value < 0 else self.colour
            where = {"x": min(end, nought), "y": top + 4, "width": max(abs(end - nought), 1.0), "height": ROW - 8}
            drawn.append(tag("rect", tag("title", said), class_=f"b c{colour}", data_seq=seq, **where))
            label = "not enough data" if one.value is None else short(one.value)
            label += f" ({one.note})" if one.note else ""
            drawn.append(tag("text", label, x=at_tenth(max(end, nought) + 6), y=middle))
        return figure(self.title, self.unit, [], height, drawn, None)
