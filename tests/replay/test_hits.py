"""What the venue has to be told, noted ahead of time."""

from hypothesis import given
from hypothesis import strategies as st

from replay.hits import ALL, QUIET, ROWS, Hits
from replay.venue_time import END

FACTS = st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=60)


def noted(facts: list[tuple[int, bool]]) -> Hits:
    """Facts of (venue time, quiet), each with its place in the list as its size."""
    hits = Hits()
    for at, (vt, quiet) in enumerate(facts):
        hits.note(vt, 3, QUIET if quiet else 0, 50, at)
    return hits


def taken(hits: Hits, until_ns: int) -> list[tuple[int, int]]:
    found = []
    while hits.take(until_ns):
        found.append((int(hits.vt), int(hits.size)))
    return found


@given(FACTS, st.integers(0, 41))
def test_facts_come_by_time_and_then_as_noted(facts: list[tuple[int, bool]], until_ns: int) -> None:
    wanted = [(vt, at) for at, (vt, _) in enumerate(facts) if vt <= until_ns]
    assert taken(noted(facts), until_ns) == sorted(wanted, key=lambda one: one[0])


@given(FACTS, st.integers(0, 41))
def test_the_next_loud_fact_is_the_first_that_is_not_quiet(facts: list[tuple[int, bool]], until_ns: int) -> None:
    loud = [vt for vt, quiet in facts if not quiet and vt <= until_ns]
    hits = noted(facts)
    assert hits.next_loud_ns(until_ns) == min(loud, default=END)
    assert hits.next_loud_ns(END) == min((vt for vt, quiet in facts if not quiet), default=END)
    assert len(taken(hits, END)) == len(facts), "looking for the next one takes none"


def test_what_is_noted_after_some_were_taken_comes_behind_them() -> None:
    hits = noted([(5, True), (7, False), (9, True)])
    assert hits.next_loud_ns(6) == END
    assert taken(hits, 5) == [(5, 0)]
    hits.note(8, ALL, ROWS, 1, 2)
    assert hits.next_loud_ns(END) == 7
    assert [vt for vt, _ in taken(hits, END)] == [7, 8, 9]


def test_an_input_of_rows_is_never_quiet() -> None:
    hits = Hits()
    hits.note(4, ALL, ROWS, 0, 16)
    assert hits.next_loud_ns(4) == 4
    assert hits.take(4)
    assert hits.what & QUIET == 0


def test_forgetting_leaves_nothing() -> None:
    hits = noted([(1, False)] * 70)
    hits.forget()
    assert hits.next_ns(END) == END
    assert hits.next_loud_ns(END) == END
