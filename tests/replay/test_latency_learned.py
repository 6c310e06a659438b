"""Latencies learned from a journal of a run, and drawn again from what was learned."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from resimulations import Setting, resimulate, sample_recording

from engine.kernel import kinds
from engine.kernel.dense import DensePacker
from engine.kernel.derived import CANCEL, PLACE
from engine.kernel.record import NONE
from engine.kernel.request import Request
from journal.background import Inline
from journal.disk import RealDisk
from journal.payloads import ACKED, REJECTED, UNKNOWN, encode_outcome
from journal.reader import open_journal
from journal.writer import Writer
from replay.config import read_config
from replay.latency_learned import Answer, NothingToLearn, learn, quantiles, split

MS = 1_000_000


def run_with(folder: Path, order_ms: float, report_ms: float) -> Path:
    """The overlay of a run with these latencies."""
    base = sample_recording(folder / "base")
    resimulate(base, Setting(order_ms=order_ms, report_ms=report_ms), folder / "overlay")
    return folder / "overlay"


def test_constant_latencies_are_learned_to_the_nanosecond(tmp_path: Path) -> None:
    overlay = run_with(tmp_path, order_ms=40, report_ms=30)
    with open_journal(overlay) as journal:
        learned = learn(journal)

    assert {*learned.orders, *learned.cancels} == {40 * MS}
    assert {*learned.reports} == {30 * MS}
    assert len(learned.reports) == len(learned.orders) + len(learned.cancels) > 20
    assert (learned.offset_ns, learned.halved) == (0, 0)


def test_what_is_printed_can_be_pasted_into_a_configuration(tmp_path: Path) -> None:
    overlay = run_with(tmp_path, order_ms=40, report_ms=30)
    with open_journal(overlay) as journal:
        learned = learn(journal)
    printed = learned.yaml()
    venue = yaml.safe_load(printed)
    config, _ = read_config(yaml.safe_dump({"strategies": [], "venue": venue}, sort_keys=False), "learned")
    assert config.venue.order_latency_ms.quantiles_ms[500_000] == 40  # type: ignore[union-attr]
    assert printed.startswith("# Learned from ")
    told = learned.fields()["venue"]
    assert {name: {int(ppm): ms for ppm, ms in one["quantiles_ms"].items()} for name, one in told.items()} == {
        name: one["quantiles_ms"] for name, one in venue.items()
    }


def test_a_journal_without_orders_teaches_nothing(tmp_path: Path) -> None:
    recording = sample_recording(tmp_path / "recording")
    with open_journal(recording) as journal, pytest.raises(NothingToLearn, match="0 answered orders"):
        learn(journal)


times = st.lists(
    st.tuples(st.integers(0, 10**12), st.integers(1, 10**9), st.integers(1, 10**9)), min_size=2, max_size=20
)


@given(times, times, st.integers(-(10**12), 10**12))
def test_ways_there_and_back_add_up_to_the_round_trip_whatever_the_venues_clock_says(
    orders: list[tuple[int, int, int]], cancels: list[tuple[int, int, int]], ahead: int
) -> None:
    def answers(found: list[tuple[int, int, int]]) -> list[Answer]:
        return [Answer(sent, sent + there + ahead, sent + there + back) for sent, there, back in found]

    learned = split(answers(orders), answers(cancels), 0, None)
    trips = sorted(there + back for _, there, back in orders + cancels)

    assert sum(learned.orders) + sum(learned.cancels) + sum(learned.reports) == sum(trips)
    assert all(ns >= 0 for ns in learned.orders + learned.cancels + learned.reports)
    assert learned == split(answers(orders), answers(cancels), 0, learned.offset_ns)


def test_the_clock_is_set_so_that_the_fastest_ways_are_equally_long() -> None:
    answers = [Answer(0, 507 * MS, 20 * MS), Answer(0, 520 * MS, 40 * MS), Answer(0, 517 * MS, 23 * MS)]
    learned = split(answers, answers, 0, None)

    assert learned.offset_ns == 500_500_000
    assert learned.orders == (6_500_000, 16_500_000, 19_500_000)
    assert learned.reports[::2] == (6_500_000, 13_500_000, 20_500_000)


def test_a_clock_of_whole_seconds_and_an_answer_without_a_time_are_halved() -> None:
    coarse = [Answer(0, 10**9, 20 * MS), Answer(5, 2 * 10**9, 5 + 40 * MS)]
    learned = split(coarse, [*coarse, Answer(0, NONE, 7 * MS)], 3, None)

    assert learned.orders == (10 * MS, 20 * MS)
    assert learned.cancels == (3_500_000, 10 * MS, 20 * MS)
    assert (learned.halved, learned.unanswered, learned.offset_ns) == (5, 3, 0)


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=300))
def test_quantiles_rise_from_the_least_to_the_most_and_are_as_many_as_the_samples_bear(found: list[int]) -> None:
    found = sorted(found)
    table = quantiles(tuple(found))

    assert (table[0], table[1_000_000]) == (found[0], found[-1])
    assert list(table) == sorted(table)
    assert list(table.values()) == sorted(table.values())
    assert len(table) <= len(found) + 2
    assert (990_000 in table) == (len(found) >= 100)


def request(what: int, decided_ns: int, target: int = 0) -> bytes:
    """A REQUEST's payload."""
    return Request(
        9, what, bytes(16), 0, "polymarket", "YES", 0, 0, 5000, 4, 10**6, 6, 1, 0, decided_ns, NONE, target
    ).encode(DensePacker())


def test_the_executors_outcomes_answer_where_the_venue_has_not_yet(tmp_path: Path) -> None:
    """Orders 2 and 4, cancels 6 and 8 of them: acknowledged, rejected, and one that was never sent."""
    writer = Writer.create(
        tmp_path / "run", RealDisk(), Inline(), journal_id=bytes(16), wall_ns=0, mono_ns=0, sources={2: "executor"}
    )
    for at, (what, target) in enumerate([(PLACE, 0), (PLACE, 0), (CANCEL, 2), (CANCEL, 4), (PLACE, 0)]):
        writer.append_input(kinds.CLOCK, 1, 1, at * 100, NONE, b"{}")
        writer.append_derived(kinds.REQUEST, 2, request(what, at * 100, target))
    for heard_ns, seq, outcome in (
        (600, 2, ACKED),
        (700, 4, REJECTED),
        (800, 6, ACKED),
        (900, 8, ACKED),
        (950, 10, UNKNOWN),
    ):
        writer.append_input(kinds.OUTCOME, 1, 2, heard_ns, NONE, encode_outcome(seq, 0, outcome, 0))
    writer.close()
    with open_journal(tmp_path / "run") as journal:
        learned = learn(journal)

    assert learned.orders == (300, 300)
    assert learned.cancels == (300, 300)
    assert learned.reports == (300, 300, 300, 300)
    assert (learned.halved, learned.unanswered) == (4, 1)
