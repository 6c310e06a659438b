"""Packed inputs: read back to the same steps, and refused where no input can stand."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from row_room import RowRoom, binary
from run_maker import RUN

from engine.kernel import events, kinds
from engine.kernel.bulk import PLAIN, PLAIN_SIZE, SOURCE_AT, SYMBOL_AT
from engine.kernel.events import EventBatch, Symbols
from engine.kernel.record import NONE
from journal.errors import Damaged
from replay.decoded import AT_END, AT_TIME, CONCLUDED, AheadCursor, DecodedCursor, Piece
from replay.packed import HEAD, KIND_AT, RAW, SIZE_AT, SPARE, Packed
from replay.rebuild import kernel_of
from replay.rows import Numbers

KIND = int(kinds.POLYMARKET_MARKET)
LATE = 2**62
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


def diff_of(symbol: int, src_ns: int) -> Row:
    """How Polymarket opens a change set."""
    return (int(events.DIFF), symbol, NONE, NONE, NONE, src_ns, int(events.RULE_NONE), 0)


def end_of(symbol: int) -> Row:
    return (int(events.DIFF_END), symbol, 0, 0, 0, 0, 0, 0)


def level_of(symbol: int, side: int, price: int, size: int) -> Row:
    return (int(events.LEVEL_SET), symbol, side, price, size, 0, 0, 0)


def trade_of(symbol: int, price: int, size: int, side: int, src_ns: int) -> Row:
    return (int(events.TRADED), symbol, price, size, side, src_ns, NONE, 0)


def opened(symbol: int, src_ns: int, rows: list[Row]) -> list[Row]:
    """*rows* with a change set around its levels."""
    places = [place for place, row in enumerate(rows) if row[0] == events.LEVEL_SET]
    if not places:
        return rows
    return [*rows[: places[0]], diff_of(symbol, src_ns), *rows[places[0] :], end_of(symbol)]


SRC = 77
one_level = st.builds(
    lambda symbol, side, price, size, near: [
        diff_of(symbol, SRC),
        level_of(symbol + near, side, price, size),
        end_of(symbol),
    ],
    st.integers(0, 2),
    st.integers(-1, 2),
    numbers,
    numbers,
    st.sampled_from([0, 0, 0, 1]),
)
one_trade = st.builds(
    lambda symbol, price, size, side, src: [trade_of(symbol, price, size, side, src)],
    st.integers(-1, 3),
    numbers,
    numbers,
    st.integers(-1, 4),
    st.sampled_from([SRC, SRC, 5]),
)
facts = st.lists(
    st.one_of(
        st.builds(lambda side, price: level_of(1, side, price, 5), st.integers(0, 1), numbers),
        st.builds(lambda side, price: trade_of(1, price, 5, side, SRC), st.integers(0, 3), numbers),
    ),
    max_size=6,
)
several = facts.map(lambda rows: opened(1, SRC, rows))
frames = st.one_of(st.lists(st.one_of(some_row, level, level), max_size=12), one_level, one_trade, several)


def batch_of(rows: list[Row]) -> EventBatch:
    batch = EventBatch()
    for row in rows:
        batch.add(*row)
    return batch


def piece_of(
    data: bytes, texts: list[str], first_seq: int = 1, last_seq: int = 2**62, venue: str = "polymarket"
) -> Piece:
    return Piece(data, {venue: texts}, first_seq, last_seq, len(data), {}, {}, False)


def cursor(data: bytes, texts: list[str], met_before: list[str], first_seq: int = 1) -> DecodedCursor:
    """A cursor for a kernel that met other symbols first, so that every number is another one."""
    kernel = kernel_of(RUN)
    translator = kernel.translator(KIND)
    assert translator is not None
    for text in met_before:
        translator.symbols.number(text)
    made = DecodedCursor(kernel)
    made.add(piece_of(data, texts, first_seq))
    return made


def rows_of(reader: AheadCursor) -> list[Row]:
    """The rest of the rows of the input that *reader* stands on."""
    found = []
    while reader.row():
        rest = [int(reader.field(column)) for column in (5, 6, 7)]
        found.append((reader.row_kind, reader.symbol, reader.a, reader.b, reader.c, *rest))
    return found


@given(st.lists(frames, max_size=4), st.integers(1, 2**62), st.integers(-(2**63), 2**63 - 1), st.integers(0, 0xFFFF))
def test_rows_come_back_as_they_were_with_the_kernel_s_own_symbol_numbers(
    given_frames: list[list[Row]], seq: int, recv_ns: int, source: int
) -> None:
    packed = Packed(seq - 3)
    for place, rows in enumerate(given_frames):
        assert packed.events(seq + 2 * place, recv_ns, SRC, KIND, source, batch_of(rows))
    size = packed.size
    data = packed.take(seq)
    walked = AheadCursor(cursor(data, ["a", "b", "c", "d"], ["other", "d"], seq - 2))
    to = [2, 3, 4, 1]
    found = []
    while walked.next():
        head = (walked.recv_ns, walked.src_ns, walked.kind, walked.source, walked.raw)
        assert head == (recv_ns, SRC, KIND, source, False)
        rows = rows_of(walked)
        assert walked.snapshot == any(row[0] == events.SNAPSHOT for row in rows)
        found.append((walked.seq, rows))

    expected = [[(row[0], to[row[1]] if row[1] >= 0 else -1, *row[2:]) for row in rows] for rows in given_frames]
    assert found == [(seq + 2 * place, rows) for place, rows in enumerate(expected)]
    assert (len(data), packed.size, packed.take(seq)) == (size + SPARE, 0, bytes(SPARE))


def test_usual_levels_take_two_words_and_a_ticker_seven() -> None:
    packed = Packed(0)
    diff: Row = (int(events.DIFF), 0, 5, 6, 0, 0, 0, 0)
    levels = [(int(events.LEVEL_SET), 0, side, 618_001_000_000_0, 7, 0, 0, 0) for side in (0, 1, 1)]
    packed.events(1, 1, NONE, KIND, 3, batch_of([diff, *levels, (int(events.DIFF_END), 0, 0, 0, 0, 0, 0, 0)]))
    assert packed.size == HEAD + 8 * (3 + 3 * 2 + 1)
    packed.take(1)
    packed.events(2, 1, NONE, KIND, 3, batch_of([(int(events.TICKER), 0, 1, 2, 3, 4, 5, 6)]))
    assert packed.size == HEAD + 8 * 7


@pytest.mark.parametrize("src_ns", [SRC, NONE])
@pytest.mark.parametrize("price", [0, -(2**60), 2**60 - 1])
def test_an_input_of_one_level_or_one_trade_takes_five_words_and_is_read_at_once(src_ns: int, price: int) -> None:
    packed = Packed(0)
    assert packed.events(1, 9, src_ns, KIND, 3, batch_of([diff_of(0, src_ns), level_of(0, 1, price, 8), end_of(0)]))
    assert packed.events(2, 9, src_ns, KIND, 3, batch_of([trade_of(0, price, 8, 2, src_ns)]))
    assert packed.events(258, 9, src_ns, KIND, 3, batch_of([trade_of(0, price, 8, 2, src_ns)]))
    assert packed.size == 3 * PLAIN_SIZE
    reader = AheadCursor(cursor(packed.take(258), ["a"], []))
    assert reader.next()
    assert (reader.plain, reader.symbol, reader.a, reader.b, reader.c) == (events.LEVEL_SET, 0, 1, price, 8)
    assert reader.next()
    assert (reader.plain, reader.symbol, reader.a, reader.b, reader.c) == (events.TRADED, 0, price, 8, 2)
    assert reader.next()
    assert (reader.seq, reader.next()) == (258, False)


def test_several_levels_and_trades_take_two_words_each_behind_four() -> None:
    packed = Packed(0)
    rows = [trade_of(1, 5, 6, 2, SRC), *opened(1, SRC, [level_of(1, 0, 7, 8), trade_of(1, 9, 1, 0, SRC)])]
    assert packed.events(1, 9, SRC, KIND, 3, batch_of(rows))
    assert packed.size == HEAD + 3 * 16
    reader = AheadCursor(cursor(packed.take(1), ["a", "b"], []))
    assert reader.next()

    assert (reader.plain, rows_of(reader)) == (0, rows)


@pytest.mark.parametrize("reading", [False, True])
@pytest.mark.parametrize(
    ("count", "reason"), [(0, "of 0 facts"), (-1, "of -1 facts"), (2**24 + 1, "facts"), (9, "left")]
)
def test_a_count_of_facts_that_cannot_be_is_damage(count: int, reason: str, reading: bool) -> None:
    packed = Packed(0)
    packed.events(1, 9, SRC, KIND, 3, batch_of([trade_of(0, 5, 6, 2, SRC)] * 3))
    walked = cursor(with_word(packed.take(1), 24, count), ["a"], [])

    with pytest.raises(Damaged, match=reason):
        walk(walked, reading)


@pytest.mark.parametrize(
    ("seq", "rows"),
    [
        (257, [trade_of(0, 1, 2, 0, SRC)]),
        (1, [trade_of(0, 2**60, 2, 0, SRC)]),
        (1, [trade_of(2**24, 1, 2, 0, SRC)]),
        (1, [trade_of(0, 1, 2, 4, SRC)]),
        (1, [trade_of(0, 1, 2, 0, SRC + 1)]),
        (1, [(*trade_of(0, 1, 2, 0, SRC)[:6], 5, 0)]),
        (1, [(*trade_of(0, 1, 2, 0, SRC)[:7], 5)]),
        (1, [(int(events.LAST_PRICE), 0, 1, 0, 0, SRC, 0, 0)]),
        (1, [diff_of(0, SRC + 1), level_of(0, 1, 1, 1), end_of(0)]),
        (1, [diff_of(0, SRC), level_of(1, 1, 1, 1), end_of(0)]),
        (1, [diff_of(0, SRC), level_of(0, 2, 1, 1), end_of(0)]),
        (1, [diff_of(0, SRC), level_of(0, 1, 1, 1), end_of(1)]),
        (1, [diff_of(0, SRC), level_of(0, 1, 1, 1), trade_of(0, 0, 0, 0, 0)]),
        (1, [diff_of(0, SRC), (*level_of(0, 1, 1, 1)[:5], 1, 0, 0), end_of(0)]),
        (1, [(*diff_of(0, SRC)[:2], 5, 6, NONE, SRC, 0, 0), level_of(0, 1, 1, 1), end_of(0)]),
        (1, [(*diff_of(0, SRC)[:6], 1, 0), level_of(0, 1, 1, 1), end_of(0)]),
        (1, [(*diff_of(0, SRC)[:7], 1), level_of(0, 1, 1, 1), end_of(0)]),
        (1, [diff_of(0, SRC), trade_of(0, 1, 1, 1, SRC), end_of(0)]),
        (1, [diff_of(0, SRC), trade_of(0, 1, 1, 1, SRC), level_of(0, 1, 1, 1), end_of(0)]),
        (1, [*opened(0, SRC, [level_of(0, 1, 1, 1)]), trade_of(0, 1, 1, 1, SRC)]),
        (1, opened(0, SRC, [level_of(0, 1, 1, 1)]) * 2),
        (1, [diff_of(0, SRC), level_of(0, 1, 1, 1)]),
        (1, [diff_of(0, SRC)]),
        (1, [level_of(0, 1, 1, 1), end_of(0)]),
        (1, [end_of(0)]),
        (1, [diff_of(0, SRC), level_of(0, 1, 2**60, 1), end_of(0)]),
        (1, []),
    ],
)
def test_what_is_not_so_plain_takes_the_general_form(seq: int, rows: list[Row]) -> None:
    packed = Packed(0)
    assert packed.events(seq, 1, SRC, KIND, 3, batch_of(rows))
    data = packed.take(seq)

    assert data[0] & 3 == 0
    assert packed.events(seq + 2**40, 1, SRC, KIND, 3, batch_of([trade_of(0, 1, 2, 0, SRC)]))
    assert packed.take(1)[0] & 3 == 0


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
    packed = Packed(0)

    assert not packed.events(1, 1, NONE, KIND, 3, batch)
    assert packed.size == 0


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_raw_payloads_are_stepped_as_they_are(payloads: list[bytes]) -> None:
    packed = Packed(0)
    for seq, payload in enumerate(payloads, 1):
        packed.raw(seq, seq, NONE, KIND, 3, payload)
    walked = cursor(packed.take(9), [], [])
    plain = kernel_of(RUN)
    for seq, payload in enumerate(payloads, 1):
        walked.fold_until(seq)
        plain.step(seq, seq, KIND, 3, payload, 0, len(payload))

        assert walked.seq == seq
        assert walked.kernel.checkpoint() == plain.checkpoint()
    assert walked.fold_until(LATE) == AT_END


def test_a_raw_input_has_no_rows_to_read_ahead() -> None:
    packed = Packed(0)
    packed.raw(1, 1, 1, KIND, 3, b"PONG")
    reader = AheadCursor(cursor(packed.take(1), [], []))

    assert reader.next()
    assert (reader.raw, reader.row()) == (True, False)


def test_a_frame_larger_than_any_before_finds_room() -> None:
    packed, kernel = Packed(0), RowRoom(binary("a")).kernel
    rows: list[Row] = [(int(events.TRADED), 0, 0, 0, 0, 0, 0, 0)] * 500
    packed.events(5, 5, NONE, KIND, 3, batch_of(rows))
    walked = DecodedCursor(kernel)
    walked.add(piece_of(packed.take(5), ["YES-a"]))
    walked.fold_until(LATE)

    assert kernel.batch.count == 500
    assert kernel.batch.room >= 500


# -- moving on ---------------------------------------------------------------------------------------------------------


def quiet(seq: int, at_ns: int, packed: Packed) -> None:
    packed.raw(seq, at_ns, NONE, int(kinds.CONNECTION), 3, b'{"state":"up"}')


def three_pieces() -> list[Piece]:
    """Inputs 5, 9 and 12 at times 50, 90 and 120, in pieces 1 to 9, 10 and 11 to 15."""
    packed = Packed(0)
    quiet(5, 50, packed)
    quiet(9, 90, packed)
    first = piece_of(packed.take(9), [], 1, 9)
    second = piece_of(packed.take(10), [], 10, 10)
    quiet(12, 120, packed)
    return [first, second, piece_of(packed.take(15), [], 11, 15)]


def test_the_fold_stops_at_the_time_asked_for_and_at_the_end_of_what_is_here() -> None:
    for until, stopped, last, passed in (
        (49, AT_TIME, 0, 0),
        (50, AT_TIME, 5, 5),
        (119, AT_TIME, 10, 10),
        (120, AT_END, 12, 15),
    ):
        walked = DecodedCursor(kernel_of(RUN))
        for piece in three_pieces():
            walked.add(piece)

        assert walked.fold_until(until) == stopped
        assert (walked.seq, walked.passed()) == (last, passed)


def test_pieces_may_come_while_the_cursor_moves() -> None:
    walked = DecodedCursor(kernel_of(RUN))
    reader = AheadCursor(walked)
    assert (walked.fold_until(LATE), walked.next_ns(), walked.passed()) == (AT_END, NONE, 0)
    reader.start()
    assert not reader.next()
    seen = []
    for piece, next_ns, inputs in zip(three_pieces(), (50, NONE, 120), (2, 2, 3), strict=True):
        walked.add(piece)
        assert walked.next_ns() == next_ns
        reader.start()
        while reader.next():
            seen.append((reader.seq, reader.recv_ns, reader.piece))
        assert walked.fold_until(LATE) == AT_END
        assert (walked.inputs, walked.passed()) == (inputs, piece.last_seq)
        walked.forget()

    assert seen == [(5, 50, 0), (9, 90, 0), (12, 120, 2)]
    assert [len(loaded.data) for loaded in walked.pieces[:2]] == [SPARE, SPARE]


def test_the_reader_ahead_finds_an_input_again() -> None:
    walked = DecodedCursor(kernel_of(RUN))
    for piece in three_pieces():
        walked.add(piece)
    reader = AheadCursor(walked)
    places = []
    while reader.next():
        places.append((reader.piece, reader.offset, reader.recv_ns))
    for piece_no, offset, recv_ns in reversed(places):
        reader.seek(piece_no, offset)

        assert reader.recv_ns == recv_ns
    assert walked.inputs == 0


def test_inputs_are_folded_under_the_span_s_number_when_there_is_one() -> None:
    walked = DecodedCursor(kernel_of(RUN))
    walked.add(three_pieces()[0])
    walked.span_seq = 77
    walked.fold_until(50)
    assert (walked.kernel.seq, walked.kernel.trading.desk.draw_key, walked.seq) == (77, 5 * 2 + 1, 5)
    walked.span_seq = 0
    walked.fold_until(90)

    assert (walked.kernel.seq, walked.kernel.trading.desk.draw_key, walked.seq) == (9, 9 * 2, 9)


def test_the_fold_stops_behind_an_input_with_consequences() -> None:
    packed = Packed(0)
    packed.raw(1, 10, NONE, KIND, 3, b"no frame at all")
    quiet(2, 20, packed)
    walked = cursor(packed.take(2), [], [])

    assert walked.fold_until(LATE) == CONCLUDED
    assert (walked.seq, walked.recv_ns, len(walked.kernel.out.records)) == (1, 10, 1)
    assert walked.fold_until(LATE) == AT_END


def test_symbols_that_a_later_piece_brings_are_known_then() -> None:
    texts: dict[str, list[str]] = {"polymarket": ["a"]}
    walked = DecodedCursor(kernel_of(RUN))
    packed = Packed(0)
    for seq, symbol in ((1, 0), (2, 1), (3, 2)):
        packed.events(seq, seq, SRC, KIND, 3, batch_of([trade_of(symbol, 1, 1, 0, SRC)]))
        walked.add(Piece(packed.take(seq), texts, seq, seq, 1, {}, {}, False))
        texts["polymarket"].append("bc"[min(1, seq - 1)])
    other = Packed(3)
    other.events(4, 4, SRC, KIND, 3, batch_of([trade_of(0, 1, 1, 0, SRC)]))
    walked.add(Piece(other.take(4), {"polymarket": ["c"]}, 4, 4, 1, {}, {}, True))
    reader = AheadCursor(walked)
    symbols = []
    while reader.next():
        symbols.append(reader.symbol)

    assert symbols == [0, 1, 2, 2]


def test_numbers_follow_the_texts() -> None:
    symbols = Symbols("polymarket")
    symbols.number("b")
    made = Numbers(symbols, ["a", "b"])

    assert (list(made.to), made.count) == ([1, 0], 2)


# -- how long inputs took ----------------------------------------------------------------------------------------------


def test_lags_are_kept_by_source_and_snapshots_count_only_for_the_least() -> None:
    packed = Packed(0)
    snapshot: Row = (int(events.SNAPSHOT), 0, 0, 0, 0, 0, 0, 0)
    for seq, source, lag, row in (
        (1, 3, 5, TRADE),
        (2, 3, 9, TRADE),
        (3, 3, 700, snapshot),
        (4, 3, 2, snapshot),
        (5, 4, 70, snapshot),
    ):
        packed.events(seq, 1000, 1000 - lag, KIND, source, batch_of([row]))
    packed.raw(6, 1000, 1001, KIND, 5, b"")
    packed.raw(7, 1000, NONE, KIND, 6, b"")
    packed.raw(8, 1000, -5, KIND, 6, b"")
    found = {source: (lag.least_ns, lag.most_ns) for source, lag in packed.lags.items()}

    assert found == {3: (2, 9), 4: (70, NONE), 5: (-1, -1)}
    packed.take(8)
    assert packed.lags == {}


# -- what cannot stand -------------------------------------------------------------------------------------------------


def one_input(rows: list[Row]) -> bytes:
    packed = Packed(0)
    packed.events(1, 1, SRC, KIND, 3, batch_of(rows))
    return packed.take(1)


TRADE: Row = (int(events.TRADED), 0, 1, 2, 3, 4, 5, 6)
PLAIN_TRADE = trade_of(0, 1, 2, 1, SRC)


@pytest.mark.parametrize("reading", [False, True])
@pytest.mark.parametrize("row", [TRADE, PLAIN_TRADE])
@pytest.mark.parametrize("cut", [1, 8, 16, 23, 31])
def test_inputs_cut_short_are_damaged(cut: int, row: Row, reading: bool) -> None:
    whole = one_input([row])
    spoilt = whole[: len(whole) - SPARE - cut] + bytes(SPARE)

    with pytest.raises(Damaged):
        walk(cursor(spoilt, ["a"], []), reading)


def walk(walked: DecodedCursor, reading: bool) -> None:
    reader = AheadCursor(walked)
    while reading and reader.next():
        rows_of(reader)
    if not reading:
        walked.fold_until(LATE)


def with_word(data: bytes, at: int, word: int) -> bytes:
    return data[:at] + word.to_bytes(8, "little", signed=True) + data[at + 8 :]


def head(kind: int, size: int, form: int = 0) -> int:
    return form | (kind << KIND_AT) | (3 << SOURCE_AT) | (size << SIZE_AT)


@pytest.mark.parametrize("reading", [False, True])
@pytest.mark.parametrize(
    ("at", "word", "reason"),
    [
        (0, head(KIND, 48), "within a row"),
        (0, head(KIND, 4), "within a row"),
        (0, head(KIND, 2**32 - 1), "where 88 bytes are left"),
        (0, head(KIND, 57, RAW), "where 88 bytes are left"),
        (0, head(0x01FF, 56), "no symbols here"),
        (0, head(0x0FFF, 56), "no symbols here"),
        (0, head(0x0FFF, 0, PLAIN), "no symbols here"),
        (0, head(KIND, 0, PLAIN) | (1 << SYMBOL_AT), "symbol 1, where there are 1"),
        (HEAD, int(events.TRADED) | (9 << 12), "symbol 8, where there are 1"),
    ],
)
def test_words_that_make_no_sense_are_damage(at: int, word: int, reason: str, reading: bool) -> None:
    walked = cursor(with_word(one_input([TRADE]), at, word), ["a"], [])

    with pytest.raises(Damaged, match=reason):
        walk(walked, reading)


def test_bytes_too_few_for_a_piece_are_damage() -> None:
    with pytest.raises(Damaged, match="63 bytes are no piece"):
        cursor(bytes(63), [], [])


@given(st.binary(max_size=200))
def test_any_bytes_are_inputs_or_damage(data: bytes) -> None:
    with suppress(Damaged):
        walk(cursor(data + bytes(SPARE), ["a"], []), True)
