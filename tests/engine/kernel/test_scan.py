"""The cursor reads what it expects, in its place, and reports anything else without moving past it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel.scan import Scanner, eight_digits
from engine.kernel.units import BAD, decimal


def over(text: bytes, before: bytes = b"<<", after: bytes = b">>>>>>>>>") -> Scanner:
    """A scanner on *text* inside other bytes."""
    return Scanner(before + text + after, len(before), len(before) + len(text))


@pytest.mark.parametrize("literal", [b"", b"a", b"1234567", b"12345678", b"123456789", b"0123456789abcdef", b"x" * 37])
def test_a_literal_is_stepped_over_where_it_stands(literal: bytes) -> None:
    scanner = over(literal + b"!")

    assert scanner.skip(literal)
    assert (2 + len(literal), True) == (scanner.at, scanner.ok)
    assert ord("!") == scanner.peek()


@given(st.binary(min_size=1, max_size=30), st.data())
def test_a_literal_that_differs_anywhere_is_a_surprise_and_is_not_stepped_over(
    literal: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(literal) - 1))
    other = literal[:at] + bytes([literal[at] ^ data.draw(st.integers(1, 255))]) + literal[at + 1 :]
    scanner = over(other)

    assert not scanner.sees(literal)
    assert (scanner.at, scanner.ok) == (2, True)
    assert not scanner.skip(literal)
    assert (scanner.at, scanner.ok) == (2, False)


@given(st.binary(min_size=1, max_size=30))
def test_a_literal_that_reaches_beyond_the_end_is_not_seen(literal: bytes) -> None:
    scanner = Scanner(literal, 0, len(literal) - 1)

    assert not scanner.sees(literal)
    assert not scanner.skip(literal)


def test_nothing_is_ahead_at_the_end() -> None:
    scanner = over(b"")

    assert scanner.peek() == -1
    assert scanner.done()


def test_a_text_ends_at_its_quote() -> None:
    scanner = over(b'BTC USDT~",')

    assert scanner.text()
    assert (scanner.text_start, scanner.text_end, scanner.at) == (2, 11, 12)


@pytest.mark.parametrize("text", [b"BTC", b"", b'B\\"TC"', b'B\nTC"', b'B\x7fTC"', "Bé".encode() + b'"'])
def test_a_text_with_an_escape_or_beyond_ascii_or_without_its_quote_is_a_surprise(text: bytes) -> None:
    scanner = over(text)

    assert not scanner.text()
    assert not scanner.ok


numbers = st.from_regex(r"[0-9]{0,20}(\.[0-9]{0,20})?", fullmatch=True) | st.text("0123456789.-e \\", max_size=24)


@given(numbers, st.integers(0, 20), st.booleans())
def test_a_decimal_is_read_as_units_read_it(text: str, exponent: int, closed: bool) -> None:
    data = text.encode()
    scanner = over(data + b'"' if closed else data, after=b'"99999999999999999999')
    expected = decimal(data, 0, len(data), exponent) if closed and "\\" not in text else BAD
    value = scanner.decimal(exponent)

    assert expected == value
    assert scanner.ok == (value != BAD)
    if scanner.ok:
        assert (2, 2 + len(data), 3 + len(data)) == (scanner.text_start, scanner.text_end, scanner.at)


@pytest.mark.parametrize(
    ("text", "value"), [(b"0000000000000000000000012.5", 1250), (b"1.50000000000000000000000", 150), (b"0.123", BAD)]
)
def test_a_decimal_of_unusual_length_is_read_all_the_same(text: bytes, value: int) -> None:
    scanner = over(text + b'"')

    assert value == scanner.decimal(2)
    assert (scanner.ok, scanner.at) == (value != BAD, 3 + len(text))


def test_a_decimal_that_ends_the_bytes_is_read() -> None:
    scanner = Scanner(b'12.5"', 0, 5)

    assert scanner.decimal(2) == 1250
    assert scanner.done()


@given(st.integers(0, 10**18 - 1), st.sampled_from([b"", b",", b"}", b'"']))
def test_an_integer_stops_before_what_follows(value: int, after: bytes) -> None:
    text = str(value).encode()
    scanner = over(text + after)

    assert value == scanner.integer()
    assert (2 + len(text), True) == (scanner.at, scanner.ok)


@pytest.mark.parametrize(
    "text", [b"", b"-1", b"x", b"01", b"00", b"00000000", b"012345678", b"1" * 19, b"9" * 30, b"0" * 30]
)
def test_what_is_no_integer_is_a_surprise(text: bytes) -> None:
    scanner = over(text)

    assert (scanner.integer(), scanner.at, scanner.ok) == (BAD, 2, False)


@given(st.binary(min_size=8, max_size=8))
def test_eight_bytes_are_eight_digits_or_bad(raw: bytes) -> None:
    expected = int(raw) if all(48 <= c <= 57 for c in raw) else BAD

    assert expected == eight_digits(int.from_bytes(raw, "little", signed=True))


@given(st.integers(0, 99_999_999), st.integers(0, 7), st.integers(0, 255))
def test_eight_digits_of_which_one_may_be_none(value: int, at: int, other: int) -> None:
    raw = b"%08d" % value
    broken = raw[:at] + bytes([other]) + raw[at + 1 :]

    assert value == eight_digits(int.from_bytes(raw, "little"))
    assert (int(broken) if broken.isdigit() else BAD) == eight_digits(int.from_bytes(broken, "little", signed=True))


@pytest.mark.parametrize(("text", "done"), [(b"", True), (b"\n", True), (b"\n\n", False), (b" ", False), (b"x", False)])
def test_one_trailing_newline_is_allowed(text: bytes, done: bool) -> None:
    assert done == over(text).done()


def test_a_scanner_begins_again_on_other_bytes() -> None:
    scanner = over(b"x")
    scanner.skip(b"y")
    scanner.reset(b"__7__", 2, 3)

    assert (scanner.integer(), scanner.done()) == (7, True)
