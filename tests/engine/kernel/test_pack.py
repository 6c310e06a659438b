"""Canonical bytes: what was packed is read back in order, and nothing else is."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.kernel.money import Money
from engine.kernel.pack import Malformed, Packer, Unpacker

items = st.lists(
    st.one_of(
        st.tuples(st.just("number"), st.integers(-(2**63), 2**63 - 1)),
        st.tuples(st.just("data"), st.binary(max_size=30)),
        st.tuples(st.just("text"), st.text(max_size=10)),
        st.tuples(st.just("big"), st.integers()),
    ),
    max_size=8,
)


def packed(values: list[tuple[str, Any]]) -> bytes:
    packer = Packer()
    for what, value in values:
        {"number": packer.put, "data": packer.put_data, "text": packer.put_text, "big": packer.put_big}[what](value)
    return packer.finish()


def taken(unpacker: Unpacker, what: str) -> Any:
    return {
        "number": unpacker.take,
        "data": unpacker.take_data,
        "text": unpacker.take_text,
        "big": unpacker.take_big,
    }[what]()


@given(items)
def test_what_was_packed_is_read_back(values: list[tuple[str, Any]]) -> None:
    unpacker = Unpacker(packed(values))

    assert [taken(unpacker, what) for what, _ in values] == [value for _, value in values]
    unpacker.done()


@given(items.filter(bool), st.data())
def test_bytes_cut_anywhere_are_malformed(values: list[tuple[str, Any]], data: st.DataObject) -> None:
    whole = packed(values)
    cut = data.draw(st.integers(0, len(whole) - 1), label="cut")
    unpacker = Unpacker(whole[:cut])

    with pytest.raises(Malformed):
        [taken(unpacker, what) for what, _ in values]


def test_bytes_left_over_are_malformed() -> None:
    unpacker = Unpacker(packed([("number", 1), ("number", 2)]))
    unpacker.take()

    with pytest.raises(Malformed, match="8 packed bytes were not read"):
        unpacker.done()


def test_a_length_below_zero_is_malformed() -> None:
    with pytest.raises(Malformed):
        Unpacker(packed([("number", -8)])).take_data()


def test_a_text_that_is_no_utf_8_is_malformed() -> None:
    with pytest.raises(Malformed, match="UTF-8"):
        Unpacker(packed([("data", b"\xff")])).take_text()


@given(st.integers(-(2**121), 2**121) | st.integers(-(2**57), 2**57) | st.integers(-300, 300))
@example(-(2**60))
def test_an_amount_is_written_as_its_int(value):
    by_int, by_words, amount = Packer(), Packer(), Money()
    by_int.put_big(value)
    amount.become(value)
    by_words.put_money(amount)

    assert by_words.take() == by_int.finish()


def test_what_was_taken_is_not_there_any_more_and_a_count_may_follow_what_it_counts():
    packer = Packer()
    packer.put(1)
    at = packer.size()
    packer.put(0)
    packer.put(7)
    packer.count(at, 200)
    first, second = packer.take(), packer.take()

    assert [first[:8], first[8:16], first[16:]] == [number.to_bytes(8, "little") for number in (1, 200, 7)]
    assert second == b""
