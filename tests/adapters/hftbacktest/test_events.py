"""Groups of hftbacktest's rows: their numbers, their books, and what they leave out."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.hftbacktest.wire.terms import BUY_SIDE, EXCH, LOCAL, SELL_SIDE, VENUE, by_text, units
from adapters.hftbacktest.wire.translators import EVENTS_DECODER, HftbacktestEvents
from engine.kernel import codes
from engine.kernel.events import (
    DIFF,
    DIFF_END,
    LEVEL_SET,
    SIDE_UNKNOWN,
    SNAPSHOT,
    SNAPSHOT_END,
    STRIDE,
    TRADED,
    EventBatch,
    Symbols,
)
from engine.kernel.units import ASK, BAD, BID, BUY, SELL

BOTH = LOCAL | EXCH
DEPTH, TRADE, CLEAR, FULL = 1, 2, 3, 4
META = b'{"symbol":"BTCUSDT"}'
T = 1_700_000_000_000_000_000


def row(kind: int, side: int = 0, price: float = 0.0, size: float = 0.0, seen: int = BOTH) -> bytes:
    return struct.pack("<QqqddQqd", kind | side | seen, T, T + 3, price, size, 0, 0, 0.0)


def translated(*rows: bytes, meta: bytes = META) -> tuple[int, list[tuple[int, ...]], HftbacktestEvents]:
    """(code, rows without their last column, the translator)"""
    translator = HftbacktestEvents(Symbols(VENUE))
    batch = EventBatch()
    batch.meta = meta
    data = b"".join(rows)
    code = translator.translate(data, 0, len(data), batch)
    found = [tuple(batch.rows[at * STRIDE + i] for i in range(STRIDE - 1)) for at in range(batch.count)]
    return code, found, translator


def kinds_of(*rows: bytes, meta: bytes = META) -> list[int]:
    return [one[0] for one in translated(*rows, meta=meta)[1]]


@given(st.integers(0, 10**12 - 1), st.integers(0, 14))
@example(0, 0)
@example(600_000, 1)
@example(999_999_999_999, 0)
@example(1, 8)
def test_a_number_of_twelve_digits_is_read_as_it_is_written(digits: int, decimals: int) -> None:
    found = units(float(f"{digits}e-{decimals}"))
    whole, rest = divmod(digits * 10**8, 10**decimals)

    assert found == (whole if rest == 0 and whole < 2**60 else BAD)


@given(st.floats())
@example(float("nan"))
@example(float("inf"))
@example(-0.1)
@example(0.1 + 0.2)
@example(1e15)
@example(9007199254740993.0)
def test_the_short_way_to_a_number_agrees_with_its_text(value: float) -> None:
    assert units(value) == by_text(value)


def test_levels_and_trades_of_one_moment_are_one_change_set() -> None:
    code, found, translator = translated(
        row(TRADE, SELL_SIDE, 60000.1, 0.25), row(DEPTH, BUY_SIDE, 60000.1, 0.0), row(DEPTH, SELL_SIDE, 60000.3, 1.5)
    )

    assert code == codes.OK
    assert [one[0] for one in found] == [TRADED, DIFF, LEVEL_SET, LEVEL_SET, DIFF_END]
    assert found[0][2:6] == (6_000_010_000_000, 25_000_000, SELL, T)
    assert found[2][2:5] == (BID, 6_000_010_000_000, 0)
    assert found[3][2:5] == (ASK, 6_000_030_000_000, 150_000_000)
    assert translator.symbols.texts == ["BTCUSDT"]
    assert translator.name == EVENTS_DECODER


def test_a_cleared_depth_begins_a_full_book() -> None:
    sides = (row(CLEAR, BUY_SIDE, 9.0), row(FULL, BUY_SIDE, 9.0, 1), row(CLEAR, SELL_SIDE, 11.0))

    assert kinds_of(*sides, row(FULL, SELL_SIDE, 11.0, 1)) == [SNAPSHOT, LEVEL_SET, LEVEL_SET, SNAPSHOT_END]
    assert kinds_of(row(CLEAR), row(FULL, BUY_SIDE, 9.0, 1)) == [SNAPSHOT, LEVEL_SET, SNAPSHOT_END]
    assert kinds_of(row(DEPTH, BUY_SIDE, 9.0, 1), row(CLEAR)) == [DIFF, LEVEL_SET, DIFF_END, SNAPSHOT, SNAPSHOT_END]
    assert kinds_of(row(CLEAR), row(CLEAR)) == [SNAPSHOT, SNAPSHOT_END] * 2


def test_a_book_that_begins_is_empty_before_its_first_row() -> None:
    meta = b'{"begins":true,"symbol":"BTCUSDT"}'

    assert kinds_of(row(DEPTH, BUY_SIDE, 9.0, 1), meta=meta) == [SNAPSHOT, LEVEL_SET, SNAPSHOT_END]


def test_rows_that_say_nothing_here_are_counted() -> None:
    code, found, translator = translated(
        row(DEPTH, BUY_SIDE, 9.0, 1, seen=EXCH),  # its twin for the client has a row of its own
        row(5, BUY_SIDE, 9.0, 1),  # a best price alone
        row(10, BUY_SIDE, 9.0, 1),  # an order of someone's
        row(101, 0, float("nan")),  # a converter's own
    )

    assert (code, found, translator.ignored) == (codes.OK, [], 4)


def test_a_trade_without_side_has_an_unknown_aggressor() -> None:
    _, found, _ = translated(row(TRADE, 0, 1.0, 1.0), row(TRADE, BUY_SIDE, 1.0, 1.0))

    assert [one[4] for one in found] == [SIDE_UNKNOWN, BUY]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ((row(DEPTH, BUY_SIDE, 1.0, 1.0)[:-1],), codes.BAD_FRAME),
        ((), codes.BAD_FRAME),
        ((row(DEPTH, BUY_SIDE, 0.0, 1.0),), codes.BAD_NUMBER),
        ((row(DEPTH, BUY_SIDE, float("nan"), 1.0),), codes.BAD_NUMBER),
        ((row(DEPTH, BUY_SIDE, 1.0, -1.0),), codes.BAD_NUMBER),
        ((row(DEPTH, BUY_SIDE, 1.0, 0.1 + 0.2),), codes.BAD_NUMBER),
        ((row(DEPTH, 0, 1.0, 1.0),), codes.SCHEMA),
        ((row(DEPTH, BUY_SIDE | SELL_SIDE, 1.0, 1.0),), codes.SCHEMA),
    ],
)
def test_a_group_that_cannot_be_read_whole_changes_nothing(rows: tuple[bytes, ...], code: int) -> None:
    good = row(DEPTH, BUY_SIDE, 1.0, 1.0) if rows else b""

    assert translated(good, *rows)[:2] == (code, [])


@pytest.mark.parametrize(
    ("meta", "code"),
    [
        (b"", codes.BAD_FRAME),
        (b"[]", codes.BAD_FRAME),
        (b"{}", codes.BAD_TEXT),
        (b'{"symbol":"a b"}', codes.BAD_TEXT),
        (b'{"begins":1,"symbol":"A"}', codes.SCHEMA),
    ],
)
def test_a_group_of_no_symbol_is_refused(meta: bytes, code: int) -> None:
    assert translated(row(TRADE, 0, 1.0, 1.0), meta=meta)[:2] == (code, [])
