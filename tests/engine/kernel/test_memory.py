"""What a strategy may keep, and that it comes back as it was."""

import math
import struct

import pytest
from attrs import define, frozen
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel.memory import UnfitMemory, decode_memory, encode_memory
from engine.kernel.pack import Malformed


@frozen
class Quote:
    price: int
    tags: tuple[str, ...] = ()


@frozen(slots=False)
class Open:
    value: float


@define
class Loose:
    value: int


CLASSES = {"Quote": Quote, "Open": Open}
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.integers() | st.text(), inner, max_size=4)
        | st.builds(Quote, st.integers(), st.lists(st.text(), max_size=2).map(tuple))
        | st.builds(Open, st.floats(allow_nan=False))
    ),
    max_leaves=12,
)


def same(left: object, right: object) -> bool:
    """Equal in type, value, order and bits."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return struct.pack("<d", left) == struct.pack("<d", right)
    if isinstance(left, dict):
        return same(list(left.items()), list(right.items()))
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


@given(PLAIN)
def test_memory_comes_back_as_it_was(value):
    data = encode_memory(value)

    assert same(value, decode_memory(data, CLASSES))
    assert data == encode_memory(decode_memory(data, CLASSES))


@given(PLAIN, st.data())
def test_cut_memory_is_refused(value, data):
    encoded = encode_memory(value)
    cut = data.draw(st.integers(0, len(encoded) - 1))

    with pytest.raises(Malformed):
        decode_memory(encoded[:cut], CLASSES)


def test_not_a_number_keeps_its_bits():
    assert math.isnan(decode_memory(encode_memory(math.nan), {}))


def test_a_dictionary_keeps_its_order():
    assert encode_memory({"a": 1, "b": 2}) != encode_memory({"b": 2, "a": 1})


@pytest.mark.parametrize("value", [{1, 2}, object(), Loose(1), 1j, bytearray(b"x"), [lambda: 1]])
def test_what_has_no_canonical_bytes_is_refused(value):
    with pytest.raises(UnfitMemory):
        encode_memory(value)


def test_memory_that_holds_itself_is_refused():
    loop: list[object] = []
    loop.append(loop)

    with pytest.raises(UnfitMemory):
        encode_memory(loop)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x63" + bytes(8),
        b"\x07" + b"\xff" * 8,
        b"\x00\x00",
        b"\x03" + struct.pack("<q", -1),
        encode_memory(Quote(1)).replace(b"Quote", b"Quite"),
        encode_memory(Quote(1)).replace(b"Quote" + struct.pack("<q", 2), b"Quote" + struct.pack("<q", 1)),
    ],
)
def test_bytes_that_are_no_memory_are_refused(data):
    with pytest.raises(Malformed):
        decode_memory(data, CLASSES)
