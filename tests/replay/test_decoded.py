"""Packed inputs: read back to the same steps, and refused where no input can stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from row_room import RowRoom, binary
from run_maker import RUN

from engine.kernel import events, kinds
from engine.kernel.events import STRIDE, EventBatch, Symbols
from journal.errors import Damaged
from replay.decoded import HEAD, SPARE, DecodedCursor, Numbers, Packed, fold_decoded
from replay.rebuild import kernel_of

KIND = int(kinds.POLYMARKET_MARKET)
Row = tuple[int, ...]

numbers = st.one_of(st.integers(0, 3), st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**56))
some_row = st.tuples(st.integers(1, 31), st.integers(-1, 3), *[numbers] * 6)
level = st.tuples(
    st.just(int(events.LEVEL_SET)),
    st.integers(0, 2),
    st.sampled_from([0, 1, 1, 2, -1]),
    numbers,
    numbers,
    st.sampled_from([0, 0, 0, 5]),
    st.sampled_from([0, 0, 0, 5]),
    st.sampled_from([0, 0, 0, 5]),
)
frames = st.lists(st.one_of(some_row, level, level), max_size=12)


def batch_of(rows: list[Row]) -> EventBatch:
    batch = EventBatch()
    for row in rows:
        batch.add(*row)
    return batch


def rows_of(batch: EventBatch) -> list[Row]:
    return [tuple(int(batch.rows[row * STRIDE + column]) for column in range(STRIDE)) for row in range(batch.count)]


def cursor(data: bytes, texts: list[str], met_before: list[str]) -> DecodedCursor:
    """A cursor for a kernel that met other symbols first, so that every number is another one."""
    kernel = kernel_of(RUN)
    translator = kernel.translator(KIND)
    assert translator is not None
    for text in met_before:
        translator.symbols.number(text)
    return DecodedCursor(kernel, data, {KIND: Numbers(translator.symbols, texts)})


@given(st.lists(frames, max_size=4), st.integers(1, 2**62), st.integers(-(2**63), 2**63 - 1), st.integers(0, 0xFFFF))
def test_rows_come_back_as_they_were_with_the_kernel_s_own_symbol_numbers(
    given_frames: list[list[Row]], seq: int, recv_ns: int, source: int
) -> None:
    packed = Packed()
    for place, rows in enumerate(given_frames):
        assert packed.events(seq + place, recv_ns, KIND, source, batch_of(rows))
    size = packed.size
    data = packed.take()
    walked = cursor(data, ["a", "b", "c", "d"], ["other", "d"])
    to = [2, 3, 4, 1]
    found = []
    while walked.next():
        assert (walked.recv_ns, walked.kind, walked.source, walked.raw) == (recv_ns, KIND, source, False)
        walked._fill(walked.kernel.batch, walked._numbers[KIND])
        found.append((walked.seq, rows_of(walked.kernel.batch)))

    expected = [[(row[0], to[row[1]] if row[1] >= 0 else -1, *row[2:]) for row in rows] for rows in given_frames]
    assert found == [(seq + place, rows) for place, rows in enumerate(expected)]
    assert (len(data), packed.size, packed.take()) == (size + SPARE, 0, bytes(SPARE))


def test_usual_levels_take_two_words_and_a_ticker_seven() -> None:
    packed = Packed()
    diff: Row = (int(events.DIFF), 0, 5, 6, 0, 0, 0, 0)
    levels = [(int(events.LEVEL_SET), 0, side, 618_001_000_000_0, 7, 0, 0, 0) for side in (0, 1, 1)]
    packed.events(1, 1, KIND, 3, batch_of([diff, *levels, (int(events.DIFF_END), 0, 0, 0, 0, 0, 0, 0)]))
    assert packed.size == HEAD + 8 * (3 + 3 * 2 + 1)
    packed.take()
    packed.events(2, 1, KIND, 3, batch_of([(int(events.TICKER), 0, 1, 2, 3, 4, 5, 6)]))
    assert packed.size == HEAD + 8 * 7


def listing_batch() -> EventBatch:
    batch = EventBatch()
    batch.listed(binary())
    return batch


def text_batch() -> EventBatch:
    batch = EventBatch()
    batch.text("an order")
    return batch


@pytest.mark.parametrize(
    "batch",
    [
        listing_batch(),
        text_batch(),
        batch_of([(int(events.ORDER_ACKED), 0, 0, 0, 0, 0, 0, 0)]),
        batch_of([(int(events.TRADED), 2**31, 0, 0, 0, 0, 0, 0)]),
        batch_of([(int(events.TRADED), -2, 0, 0, 0, 0, 0, 0)]),
    ],
    ids=["a listing", "a text", "an own order", "a symbol too many", "no symbol"],
)
def test_what_numbers_cannot_say_is_not_packed(batch: EventBatch) -> None:
    packed = Packed()

    assert not packed.events(1, 1, KIND, 3, batch)
    assert packed.size == 0


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_raw_payloads_are_stepped_as_they_are(payloads: list[bytes]) -> None:
    packed = Packed()
    for seq, payload in enumerate(payloads, 1):
        packed.raw(seq, seq, KIND, 3, payload)
    walked = cursor(packed.take(), [], [])
    plain = kernel_of(RUN)
    for seq, payload in enumerate(payloads, 1):
        assert walked.next()
        assert walked.raw
        walked.step(walked.seq)
        plain.step(seq, seq, KIND, 3, payload, 0, len(payload))

        assert walked.kernel.checkpoint() == plain.checkpoint()
    assert not walked.next()


def test_a_frame_larger_than_any_before_finds_room() -> None:
    packed, kernel = Packed(), RowRoom(binary("a")).kernel
    rows: list[Row] = [(int(events.TRADED), 0, 0, 0, 0, 0, 0, 0)] * 500
    packed.events(5, 5, KIND, 3, batch_of(rows))
    translator = kernel.translator(KIND)
    assert translator is not None
    walked = DecodedCursor(kernel, packed.take(), {KIND: Numbers(translator.symbols, ["YES-a"])})
    walked.next()
    walked.step(walked.seq)

    assert kernel.batch.count == 500
    assert kernel.batch.room >= 500


def test_the_fold_stops_at_the_place_asked_for() -> None:
    packed = Packed()
    for seq in (5, 9, 12):
        packed.raw(seq, seq, int(kinds.CONNECTION), 3, b'{"state":"up"}')
    data = packed.take()
    for until, more, last in ((4, False, 0), (9, False, 9), (11, False, 9), (12, True, 12), (99, True, 12)):
        walked = cursor(data, [], [])

        assert fold_decoded(walked, until) is more
        assert walked.kernel.seq == last


# -- what cannot stand -------------------------------------------------------------------------------------------------


def one_input(rows: list[Row]) -> bytes:
    packed = Packed()
    packed.events(1, 1, KIND, 3, batch_of(rows))
    return packed.take()


TRADE: Row = (int(events.TRADED), 0, 1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize("cut", [1, 8, 16, 23, 31, 40, 56])
def test_inputs_cut_short_are_damaged(cut: int) -> None:
    whole = one_input([TRADE])
    spoilt = whole[: len(whole) - SPARE - cut] + bytes(SPARE)
    walked = cursor(spoilt, ["a"], [])

    with pytest.raises(Damaged):
        fold_decoded(walked, 99)


def with_word(data: bytes, at: int, word: int) -> bytes:
    return data[:at] + word.to_bytes(8, "little", signed=True) + data[at + 8 :]


@pytest.mark.parametrize(
    ("at", "word", "reason"),
    [
        (0, KIND | (3 << 16) | (48 << 33), "within a row"),
        (0, KIND | (3 << 16) | (4 << 33), "within a row"),
        (0, KIND | (3 << 16) | (1 << 60), "where 56 bytes are left"),
        (0, -1, "where 56 bytes are left"),
        (0, 0x01FF | (56 << 33), "no symbols here"),
        (0, 0xFFFF | (56 << 33), "no symbols here"),
        (HEAD, int(events.TRADED) | (9 << 12), "symbol 8, where there are 1"),
    ],
)
def test_words_that_make_no_sense_are_damage(at: int, word: int, reason: str) -> None:
    walked = cursor(with_word(one_input([TRADE]), at, word), ["a"], [])

    with pytest.raises(Damaged, match=reason):
        fold_decoded(walked, 99)


@given(st.binary(max_size=200))
def test_any_bytes_are_inputs_or_damage(data: bytes) -> None:
    walked = cursor(data + bytes(SPARE), ["a"], [])
    try:
        while walked.next():
            if not walked.raw and walked.kind == KIND:
                walked._fill(walked.kernel.batch, walked._numbers[KIND])
    except Damaged:
        pass


def test_numbers_follow_the_texts() -> None:
    symbols = Symbols("polymarket")
    symbols.number("b")
    made = Numbers(symbols, ["a", "b"])

    assert (list(made.to), made.count) == ([1, 0], 2)
