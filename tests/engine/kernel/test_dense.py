"""Packed bytes in the dense form: one encoding for each value, as short as the page says."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.kernel.dense import DensePacker, DenseUnpacker
from engine.kernel.money import Money
from engine.kernel.pack import Malformed
from engine.kernel.record import NONE

NUMBER = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 62).map(lambda bit: 2**bit),
    st.integers(0, 62).map(lambda bit: -(2**bit)),
    st.integers(1, 63).map(lambda bit: 2**bit - 1),
    st.integers(1, 63).map(lambda bit: 1 - 2**bit),
)


def spelled(value):
    """The page's words."""
    left = 0 if value == NONE else 2 * value + 1 if value >= 0 else -2 * value
    found = b""
    while left > 127:
        found += bytes([left & 127 | 128])
        left >>= 7
    return found + bytes([left])


@given(NUMBER)
def test_a_number_takes_seven_bits_a_byte(value):
    packer = DensePacker()
    packer.put(value)
    data = packer.take()

    assert data == spelled(value)
    assert DenseUnpacker(data).take() == value


def test_what_is_small_or_absent_takes_one_byte():
    packer = DensePacker()
    for value in (NONE, 0, -1, 1, 63, -63):
        packer.put(value)

    assert packer.size() == 6
    assert packer.take() == bytes([0, 1, 2, 3, 127, 126])
    assert packer.size() == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\x80" * 8,
        b"\x81\x00",  # 1, longer than it need be
        b"\xff" * 9 + b"\x00",
        b"\xff" * 9 + b"\x02",  # above 64 bits
        b"\xff" * 10 + b"\x01",
        b"\xff" * 20,
    ],
)
def test_no_other_encoding_of_a_number_is_read(data):
    with pytest.raises(Malformed):
        DenseUnpacker(data).take()


@given(st.integers(1 - 2**122, 2**122 - 1))
@example(-1)
@example(-(2**60))
@example(2**60)
@example(2**113)
def test_money_is_put_as_its_int(value):
    money = Money()
    money.become(value)
    packer = DensePacker()
    packer.put_money(money)
    data = packer.take()
    packer.put_big(value)

    assert packer.take() == data
    assert DenseUnpacker(data).take_big() == value


def test_a_count_is_put_behind_what_it_counts():
    packer = DensePacker()
    packer.put(7)
    at = packer.size()
    packer.put(0)
    packer.put(5)
    packer.count(at, 63)
    unpacker = DenseUnpacker(packer.take())

    assert [unpacker.take(), unpacker.take(), unpacker.take()] == [7, 63, 5]
    unpacker.done()


@given(st.binary(), st.text())
def test_data_and_texts_have_their_length_before_them(data, text):
    packer = DensePacker()
    packer.put_data(data)
    packer.put_text(text)
    packed = packer.take()
    unpacker = DenseUnpacker(packed)
    for _ in range(2):
        packer.put_data(data)
        packer.put_name(text)
        assert packer.take() == packed

    assert packed == spelled(len(data)) + data + spelled(len(text.encode())) + text.encode()
    assert (unpacker.take_data(), unpacker.take_text()) == (data, text)


def test_an_id_has_no_length_before_it():
    packer = DensePacker()
    packer.put_id(bytes(range(16)))
    packed = packer.take()

    assert packed == bytes(range(16))
    assert DenseUnpacker(packed).take_id() == packed
    with pytest.raises(AssertionError):
        packer.put_id(b"short")
