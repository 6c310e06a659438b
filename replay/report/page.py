"""The page itself: its frame, its sections, tables and cards. What stands in them, others say."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from attrs import field, frozen

from replay.report.markup import NONE, Content, Safe, joined, tag
from replay.report.style import SCRIPT, STYLE
from replay.report.write import MOST_BYTES


class Drawable(Protocol):
    """A chart."""

    def drawn(self, most: int) -> Safe:
        """Its figure with about *most* points a series; nothing where it has nothing to show."""


@frozen
class Card:
    """
    A figure that stands out: its name, its value as text (None: there is none), and what is to be known of it.

    *key* and *exact* are its name and value in a document, *seq* the record that explains it.
    """

    name: str
    value: str | None
    note: str = ""
    tone: Literal["", "good", "bad"] = ""
    key: str | None = None
    exact: str | None = None
    seq: int | None = None


@frozen
class Cards:
    """Cards in a row, as many as there is room for."""

    cards: Sequence[Card]

    def drawn(self, most: int) -> Safe:
        """All of them."""
        shown = [
            tag(
                "div",
                tag("dt", one.name),
                tag(
                    "dd",
                    "not enough data" if one.value is None else one.value,
                    tag("small", one.note) if one.note else None,
                    class_="none" if one.value is None else one.tone or None,
                ),
                data_figure=one.key,
                data_v=one.exact,
                data_seq=one.seq,
            )
            for one in self.cards
        ]
        return tag("dl", *shown, class_="cards") if shown else NONE


PRINTED = 60
"""A folded table of so many rows is printed too; a longer one would bury the rest of the paper."""

SHORT = 40
"""A text of so many characters stays on one line."""

Cell = str | int | float | None
Row = Sequence[Cell]


@frozen
class Column:
    """A table's column: its head, how a value is shown, and whether it is a number (right, tabular)."""

    name: str
    number: bool = True
    shown: Callable[[Cell], str] = field(default=lambda value: "-" if value is None else str(value))
    note: str = ""


@frozen
class Table:
    """
    Rows under heads. One column may be called "record": its cells name the record that explains their row.

    *fold* says what to call it where it is to be opened first; *most* rows are shown, and how many are left out.
    """

    columns: Sequence[Column]
    rows: Sequence[Row]
    title: str = ""
    fold: str = ""
    most: int = 200
    total: Row | None = None

    def drawn(self, most: int) -> Safe:
        """The table, its rows at most a share of *most* where a page has to be made smaller."""
        if not self.rows:
            return NONE
        shown = self.rows[: min(self.most, max(5, most))]
        head = tag("tr", *(_head(one) for one in self.columns))
        body = joined(*(self._row(row) for row in shown))
        foot = NONE if self.total is None else tag("tfoot", self._row(self.total))
        table = tag("table", tag("thead", head), tag("tbody", body), foot, class_="sort" if len(shown) > 2 else None)
        left = len(self.rows) - len(shown)
        note = tag("p", f"and {left:,} more", class_="note") if left else NONE
        title = tag("h3", self.title) if self.title else NONE
        inner = joined(tag("div", table, class_="scroll"), note)
        if not self.fold:
            return joined(title, inner)
        on_paper = "paper" if len(shown) <= PRINTED else None
        return joined(title, tag("details", tag("summary", self.fold), inner, class_=on_paper))

    def _row(self, row: Row) -> Safe:
        seq: str | None = None
        cells: list[Safe] = []
        for column, value in zip(self.columns, row, strict=True):
            if column.name == "record" and value:
                seq = str(value)
            exact = None if value is None or not column.number else str(value)
            shown = column.shown(value)
            kind = "n" if column.number else "t" if len(shown) <= SHORT else "w"
            cells.append(tag("td", shown, class_=kind, data_v=exact if exact != shown else None))
        return tag("tr", *cells, data_seq=seq)


def _head(column: Column) -> Safe:
    return tag("th", column.name, scope="col", class_="n" if column.number else None, title=column.note or None)


@frozen
class Facts:
    """Names and what they are, one a line."""

    facts: Mapping[str, str]

    def drawn(self, most: int) -> Safe:
        """All of them."""
        rows = [
            tag("tr", tag("th", name, scope="row"), tag("td", tag("span", value, class_="mono")))
            for name, value in self.facts.items()
        ]
        return tag("div", tag("table", tag("tbody", *rows), class_="facts"), class_="scroll") if rows else NONE


@frozen
class Words:
    """A paragraph. *tone* "note" is quieter, "warn" louder."""

    text: Content
    tone: Literal["", "note", "warn"] = ""

    def drawn(self, most: int) -> Safe:
        """The paragraph."""
        return tag("p", self.text, class_=self.tone or None)


@frozen
class Listed:
    """Sentences, each with a few words before it that say what it is about."""

    items: Sequence[tuple[str, str]]

    def drawn(self, most: int) -> Safe:
        """All of them."""
        shown = [tag("li", tag("b", f"{about}. ") if about else None, said) for about, said in self.items]
        return tag("ul", *shown) if shown else NONE


@frozen
class Section:
    """A part of the page with a heading. *empty* is what it says where none of its parts has anything to show."""

    key: str
    title: str
    parts: Sequence[Drawable]
    empty: str = ""
    intro: str = ""

    def drawn(self, most: int) -> Safe:
        """The section, never without a sentence."""
        shown = joined(*(one.drawn(most) for one in self.parts))
        intro = tag("p", self.intro, class_="sub") if self.intro else NONE
        inner = joined(intro, shown) if shown else tag("p", self.empty, class_="sub")
        return tag("section", tag("h2", self.title), inner, id=self.key)


POINTS = (400, 250, 160, 100, 60, 30, 15)
"""How many points a series may have: fewer, where a page would be too large."""


def page(title: str, subtitle: str, sections: Sequence[Section]) -> bytes:
    """
    The whole page, at most MOST_BYTES. Charts and tables say less where it would be more.

    Raises:
        TooLarge: even with the fewest points.
    """
    for most in POINTS:
        made = _page(title, subtitle, sections, most).encode()
        if len(made) <= MOST_BYTES:
            return made
    raise TooLarge(len(made))


class TooLarge(ValueError):
    """A page that cannot be made small enough."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the report would have {size:,} bytes, at most {MOST_BYTES:,} are wanted")


def _page(title: str, subtitle: str, sections: Sequence[Section], most: int) -> Safe:
    links = [tag("li", tag("a", one.title, href=f"#{one.key}")) for one in sections]
    body = [
        tag("header", tag("h1", title), tag("p", subtitle, class_="sub"), tag("nav", tag("ul", *links))),
        tag("main", *(one.drawn(most) for one in sections)),
        tag(
            "footer",
            tag(
                "p",
                "Made by engine replay --report. Record numbers are those of the run: engine journal cat shows them.",
            ),
        ),
        tag("script", Safe(SCRIPT)),
    ]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Safe(STYLE)),
    )
    return joined(Safe("<!DOCTYPE html>\n"), tag("html", head, tag("body", *body), lang="en"))
