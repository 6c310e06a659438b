"""A page is well-formed, escaped, small enough, and says which record explains each point."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.report.charts import Band, Chart, Line, Marks
from replay.report.markup import NONE, Safe, joined, tag
from replay.report.page import POINTS, Card, Cards, Column, Facts, Listed, Section, Table, TooLarge, Words, page
from replay.report.scales import SECOND_NS, Point
from replay.report.strips import Bar, Bars, Interval, Strips
from replay.report.write import MOST_BYTES

SPAN = (1_700_000_000 * SECOND_NS, 1_700_000_600 * SECOND_NS)
NASTY = """<script>alert("1") & 'x'</script>]]>\x00\x07\ud800é"""


def parsed(made: bytes) -> ElementTree.Element:
    doctype, _, rest = made.decode().partition("\n")
    assert doctype == "<!DOCTYPE html>"
    return ElementTree.fromstring(rest)


def points(*values: float | None) -> list[Point]:
    return [Point(100 + at, SPAN[0] + at * SECOND_NS, value) for at, value in enumerate(values)]


def nasty_sections() -> list[Section]:
    chart = Chart(
        NASTY,
        NASTY,
        [Line(NASTY, points(1, None, 3), area=True), Line("b", points(3, 2, 1), 2, step=True)],
        [Marks(NASTY, [Point(7, SPAN[0], 2.0, NASTY)], 3, "up")],
        [Band(NASTY, list(zip(points(0, 1, 2), points(1, 2, 3), strict=True)))],
    )
    strips = Strips(NASTY, [(NASTY, [Interval(9, *SPAN, NASTY, 2)])], SPAN)
    bars = Bars(NASTY, NASTY, [Bar(NASTY, -1.0, NASTY, 5), Bar(NASTY, None)])
    table = Table([Column(NASTY, False), Column("record")], [(NASTY, 11)] * 3, title=NASTY, fold=NASTY)
    parts = [chart, strips, bars, table, Cards([Card(NASTY, NASTY, NASTY, "bad"), Card(NASTY, None)])]
    return [
        Section(
            "a", NASTY, [*parts, Facts({NASTY: NASTY}), Words(NASTY, "warn"), Listed([(NASTY, NASTY)])], intro=NASTY
        )
    ]


def test_whatever_a_name_holds_it_stays_text() -> None:
    made = page(NASTY, NASTY, nasty_sections())
    root = parsed(made)

    assert len(list(root.iter("script"))) == 1
    assert 'alert("1")' not in made.decode()
    shown = "<script>alert(\"1\") & 'x'</script>]]>"
    assert [one.text for one in root.iter("h1")] == [shown + "\N{REPLACEMENT CHARACTER}" * 3 + "é"]


@given(st.text(st.characters(), max_size=20))
def test_any_text_can_stand_in_an_element_and_in_an_attribute(said: str) -> None:
    made = ElementTree.fromstring(tag("p", said, title=said).encode())

    assert (made.text or "") == (made.get("title") or "")
    assert len(made.text or "") == len(said)
    assert not said.isprintable() or (made.text or "") == said


def test_markup_is_escaped_once_and_nothing_is_nothing() -> None:
    assert joined(tag("b", "a & b"), "<", Safe("<br/>"), None) == "<b>a &amp; b</b>&lt;<br/>"
    assert tag("circle", cx=1.26, r=None, data_seq=3) == '<circle cx="1.3" data-seq="3"/>'


def test_every_point_bar_interval_and_row_names_its_record() -> None:
    root = parsed(page("t", "", nasty_sections()))
    named = [(one.tag, one.get("data-seq")) for one in root.iter() if one.get("data-seq")]

    assert [seq for kind, seq in named if kind == "path"] == ["7"]
    assert [seq for kind, seq in named if kind == "rect"] == ["100", "101", "102", "9", "5"]
    assert [seq for kind, seq in named if kind == "tr"] == ["11"] * 3
    for one in root.iter():
        if one.get("data-seq") and one.tag != "tr":
            title = one.find("title")
            assert title is not None
            assert f"record {one.get('data-seq')}" in (title.text or "")


def test_lines_at_different_instants_name_the_record_of_each_point() -> None:
    chart = Chart("a", "b", [Line("c", points(1, None, 3)), Line("d", points(1, 2)[1:], 2)]).drawn(50)
    found = ElementTree.fromstring(chart)

    assert [one.get("data-seq") for one in found.iter("circle")] == ["100", "102", "101"]
    assert [one.text for one in found.findall(".//circle/title")][2] == "d 2, 2023-11-14 22:13:21.000, record 101"


def test_a_column_tells_what_all_lines_say_at_its_instant() -> None:
    chart = Chart("a", "b", [Line("c", points(1, None, 3)), Line("d", points(4, 5, None), 2)]).drawn(50)
    found = ElementTree.fromstring(chart)

    assert [(one.text or "").partition(", ")[0] for one in found.findall(".//g[@class='h']/rect/title")] == [
        "c 1 · d 4",
        "d 5",
        "c 3",
    ]


def test_nothing_is_loaded_from_anywhere() -> None:
    root = parsed(page("t", "", nasty_sections()))
    loading = {
        "src",
        "srcset",
        "data",
        "action",
        "poster",
        "background",
        "manifest",
        "{http://www.w3.org/1999/xlink}href",
    }

    assert [one.tag for one in root.iter() if loading & set(one.keys()) or one.tag in ("link", "iframe", "img")] == []
    assert [one.get("href") for one in root.iter("a") if not (one.get("href") or "").startswith("#")] == []
    style = "".join(one.text or "" for one in root.iter("style"))
    assert "url(" not in style
    assert "@import" not in style


def test_a_section_without_anything_to_show_says_so() -> None:
    empty: list[Section] = [
        Section(
            "e",
            "Empty",
            [Chart("a", "b"), Bars("a", "b", []), Strips("a", [], SPAN), Table([], []), Cards([])],
            "None.",
        )
    ]
    root = parsed(page("t", "", empty))

    section = root.find(".//section")
    assert section is not None
    assert [(one.tag, one.text) for one in section] == [("h2", "Empty"), ("p", "None.")]
    assert Chart("a", "b", [Line("c", points(None, None))]).drawn(10) == NONE


def test_a_page_is_never_too_large_and_loses_points_before_it_loses_series() -> None:
    many = [Point(at, SPAN[0] + at * 1_000_000, float(at * 7919 % 1000)) for at in range(20_000)]
    charts = [Chart(f"chart {number}", "x", [Line("a", many), Line("b", many, 2)]) for number in range(40)]
    made = page("t", "", [Section("s", "S", charts)])
    root = parsed(made)

    assert len(made) <= MOST_BYTES
    assert len(list(root.iter("figure"))) == 40
    with pytest.raises(TooLarge, match="at most 2,000,000"):
        page("t", "", [Section("s", "S", [Words("x" * MOST_BYTES)])])


def test_points_show_where_they_are_few_and_else_where_the_reader_points() -> None:
    other = Line("d", points(1, 2), 2)
    few = Chart("a", "b", [Line("c", points(*range(9))), other]).drawn(POINTS[0])
    many = Chart("a", "b", [Line("c", points(*range(90))), other]).drawn(POINTS[0])

    assert 'class="p c1"' in few
    assert 'class="p c1 hid"' in many


def test_a_point_that_no_line_leads_to_is_shown_and_a_step_holds_until_nothing_is_known() -> None:
    line = Chart("a", "b", [Line("c", points(1, None, 3))]).drawn(POINTS[0])
    step = Chart("a", "b", [Line("c", points(1, None, 3), step=True)]).drawn(POINTS[0])

    assert (line.count("<circle"), step.count("<circle")) == (2, 1)
    assert line.count("H") + 1 == step.count("H")


def test_nothing_is_drawn_outside_of_its_frame() -> None:
    chart = Chart("a", "b", [Line("c", points(1, 5, -3))], span=(SPAN[0] + SECOND_NS, SPAN[0] + SECOND_NS))
    for circle in ElementTree.fromstring(chart.drawn(50)).iter("circle"):
        assert 0 <= float(circle.get("cx") or -1) <= 760
        assert 0 <= float(circle.get("cy") or -1) <= 230


def test_a_table_says_how_many_rows_it_leaves_out_and_sums_them_all() -> None:
    table = Table([Column("n")], [(at,) for at in range(300)], most=50, total=(44850,))
    root = ElementTree.fromstring(f"<div>{table.drawn(400)}</div>")

    assert len(root.findall(".//tbody/tr")) == 50
    assert [one.text for one in root.iter("p")] == ["and 250 more"]
    assert [one.text for one in root.findall(".//tfoot//td")] == ["44850"]
