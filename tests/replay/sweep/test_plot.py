"""A sweep as a picture: one file that needs nothing beside it, and shows what the table says."""

import re
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sweeps import figures, plan_of_points

from replay.sweep import plot
from replay.sweep.plan import Task
from replay.sweep.store import Result
from replay.sweep.table import rows_of


def drawn(values: list[list[Any]], metric: str = "pnl", label: str = "x=") -> str:
    plan = plan_of_points(len(values))
    found = {
        Task(variant, 0, seed, ""): Result({}, value) if isinstance(value, str) else Result(figures(pnl=value))
        for variant, row in enumerate(values)
        for seed, value in enumerate(row)
    }
    rows = rows_of(plan, found, ("pnl", "fills"), metric)
    return plot.page("A title", metric, [(f"{label}{row.variant}", row) for row in rows], plan)


def tree(text: str) -> ElementTree.Element:
    """The page as a tree: it is XML but for its first line and the tags that HTML leaves open."""
    closed = re.sub(r"<(meta[^>]*)>", r"<\1/>", text.removeprefix("<!doctype html>\n"))
    return ElementTree.fromstring(closed)


@given(
    st.lists(st.lists(st.decimals(-(10**6), 10**6, places=4), min_size=1, max_size=6), min_size=1, max_size=5),
)
def test_every_run_is_a_dot_within_the_picture(values: list[list[Decimal]]) -> None:
    page = tree(drawn(values))
    dots = [float(one.attrib["cx"]) for one in page.iter("circle")]

    assert len(dots) == sum(len(row) for row in values)
    assert all(0 <= x <= 520 for x in dots)
    assert all(float(one.attrib["width"]) > 0 for one in page.iter("rect"))
    assert len(list(page.iter("rect"))) == len(values)


def test_it_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    text = drawn([[1, 2, 3], [2, 3, 4]])

    assert not re.search(r"https?://|<script|<link|<img|@import|url\(", text)
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_a_label_is_text_and_never_markup() -> None:
    text = drawn([[1]], label='<b>"&')

    assert "&lt;b&gt;&quot;&amp;0" in text
    assert "<b>" not in text


def test_the_best_median_is_marked_and_a_point_without_runs_that_ended_is_empty() -> None:
    page = tree(drawn([[1, 2, 3], [7, 8, 9], ["it raised"]]))
    rows = list(page.iter("tr"))[1:]

    assert [row.attrib.get("class") for row in rows] == [None, "best", None]
    assert [cell.text for cell in rows[2]][:5] == ["x=2", "1 (1 failed)", "-", "-", "-"]
    assert [len(list(row.iter("circle"))) for row in rows] == [3, 3, 0]
    assert "looks better than it is" in drawn([[1], [2]])
    assert "looks better than it is" not in drawn([[1, 2]])


def test_of_very_many_runs_only_the_boxes_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "MOST_DOTS", 3)

    assert "<circle" in drawn([[1, 2, 3]])
    assert "<circle" not in drawn([[1, 2, 3, 4]])
    assert "<rect" in drawn([[1, 2, 3, 4]])


@pytest.mark.parametrize(
    ("least", "most", "ticks"),
    [(0, 10, [0, 2, 4, 6, 8, 10]), (-57.4, -32.6, [-55, -50, -45, -40, -35]), (3, 3, [2, 2.5, 3, 3.5, 4])],
)
def test_ticks_are_round_and_within(least: float, most: float, ticks: list[float]) -> None:
    assert plot._Scale(Decimal(str(least)), Decimal(str(most))).ticks() == ticks
