"""Symbols are numbered once and found in place; a batch holds a frame's rows, however many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel import events
from engine.kernel.codes import OK
from engine.kernel.events import STRIDE, EventBatch, Listing, Symbols, Translator, same_bytes
from engine.kernel.record import NONE

names = st.text("abcXYZ0123456789_.:-", min_size=1, max_size=90)


@given(st.lists(names, max_size=200))
def test_symbols_are_numbered_by_first_appearance(texts: list[str]) -> None:
    symbols = Symbols("somewhere")
    found = [int(symbols.number(text)) for text in texts]
    order = list(dict.fromkeys(texts))

    assert found == [order.index(text) for text in texts]
    assert (order, [text.encode() for text in order]) == (symbols.texts, symbols.encoded)
    assert [-1] * len(order) == list(symbols.instrument) == list(symbols.missed)


@given(st.lists(names, max_size=80), names, st.binary(max_size=4), st.binary(max_size=4))
def test_a_text_is_found_inside_other_bytes_and_asking_numbers_nothing(
    texts: list[str], asked: str, before: bytes, after: bytes
) -> None:
    symbols = Symbols("somewhere")
    for text in texts:
        symbols.number(text)
    data = before + asked.encode() + after
    start, end = len(before), len(before) + len(asked)
    order = list(symbols.texts)

    assert (order.index(asked) if asked in order else -1) == symbols.known(data, start, end)
    assert order == symbols.texts
    assert (order.index(asked) if asked in order else len(order)) == symbols.find(data, start, end)


def test_texts_that_share_their_ends_are_told_apart() -> None:
    symbols = Symbols("somewhere")
    texts = [f"{'a' * 8}{middle:04d}{'b' * 8}" for middle in range(60)]  # one place in the table for all

    assert list(range(60)) == [int(symbols.number(text)) for text in texts]
    assert list(range(60)) == [int(symbols.number(text)) for text in texts]
    assert symbols.known(b"a" * 8 + b"9999" + b"b" * 8, 0, 20) == -1


@pytest.mark.parametrize(
    ("whole", "start", "end", "same"),
    [(b"abc", 1, 4, True), (b"abc", 1, 3, False), (b"abd", 1, 4, False), (b"", 2, 2, True), (b"ab", 1, 4, False)],
)
def test_bytes_are_the_same_only_in_full(whole: bytes, start: int, end: int, same: bool) -> None:
    assert same == same_bytes(whole, b"xabcx", start, end)


rows = st.tuples(*[st.integers(-(2**63), 2**63 - 1)] * STRIDE)


@given(st.lists(rows, max_size=20), st.integers(0, 300))
def test_a_batch_keeps_every_row_it_was_given(some: list[tuple[int, ...]], repeats: int) -> None:
    batch = EventBatch()
    given_rows = [some[at % len(some)] for at in range(repeats)] if some else []
    for row in given_rows:
        batch.add(*row)

    assert len(given_rows) == batch.count <= batch.room
    assert given_rows == [tuple(int(batch.field(at, column)) for column in range(STRIDE)) for at in range(batch.count)]


def test_a_cleared_batch_has_forgotten_the_frame_and_kept_its_room_and_meta() -> None:
    batch = EventBatch()
    batch.meta = b"{}"
    for _ in range(65):
        batch.add(events.DIFF, 0, 1, 2, 3, 4, 5, 6)
    assert (batch.text("a"), batch.texts[0], batch.text("b"), batch.texts[1]) == (0, "a", 1, "b")
    batch.listed(listing())
    assert batch.field(65, 0) == events.LISTED
    batch.clear()

    assert (batch.count, batch.texts, batch.objects, batch.room, batch.meta) == (0, [], [], 128, b"{}")
    batch.clear()
    assert batch.count == 0


def listing() -> Listing:
    return Listing("v", "m", ("A", "B"), ("Yes", "No"), events.KIND_BINARY, 4, 6, 100, 10_000, 5_000_000, "USDC")


def test_a_listing_is_found_by_the_index_in_its_row() -> None:
    batch = EventBatch()
    first, second = listing(), listing()
    batch.listed(first)
    batch.listed(second)

    assert [(batch.field(at, 0), batch.field(at, 1), batch.field(at, 2)) for at in range(2)] == [
        (events.LISTED, -1, 0),
        (events.LISTED, -1, 1),
    ]
    assert batch.objects[0] is first
    assert batch.objects[1] is second


def test_a_listing_says_only_what_it_was_told() -> None:
    one = listing()

    assert (one.expiry_ns, one.fee_ppm, one.strike, one.min_notional, one.event) == (NONE, NONE, 0, 0, "")
    assert (one.status, one.neg_risk, one.inverse, one.tick_steps) == (events.STATUS_TRADING, False, False, ())


@pytest.mark.parametrize("row", [-1, 0])
def test_a_row_that_is_not_there_cannot_be_read(row: int) -> None:
    with pytest.raises(AssertionError):
        EventBatch().field(row, 0)


def test_a_translator_begins_with_nothing_read() -> None:
    translator = Translator("somewhere/1", Symbols("somewhere"))

    assert translator.translate(b"", 0, 0, EventBatch()) == OK
    assert (translator.name, translator.fast, translator.slow, translator.ignored) == ("somewhere/1", 0, 0, 0)


FACTS = [
    events.SNAPSHOT,
    events.LEVEL_SET,
    events.SNAPSHOT_END,
    events.DIFF,
    events.DIFF_END,
    events.TOUCH_STATED,
    events.HASH_STATED,
    events.LAST_PRICE,
    events.TRADED,
    events.TICKER,
    events.MARK,
    events.TICK_CHANGED,
    events.LISTED,
    events.RESOLVED,
    events.STATUS,
]
OWN = [
    events.ORDER_ACKED,
    events.ORDER_REJECTED,
    events.ORDER_REFUSED,
    events.ORDER_UNKNOWN,
    events.ORDER_CANCELLED,
    events.ORDER_FILLED,
    events.TRADE_STATUS,
    events.CANCEL_REFUSED,
]


def test_no_two_events_share_a_number_and_own_orders_stand_apart() -> None:
    assert list(range(1, len(FACTS) + 1)) == FACTS
    assert list(range(32, 32 + len(OWN))) == OWN
