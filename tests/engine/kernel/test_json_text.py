"""JSON keeps its numbers' spelling, and refuses what is ambiguous."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel import codes
from engine.kernel.json_text import (
    Number,
    Refused,
    decimal_of,
    identifier,
    integer_of,
    items_of,
    members_of,
    number_text,
    parse,
    plain_decimal,
    refusal,
    text_of,
)


def read(text: str | bytes) -> Any:
    data = text if isinstance(text, bytes) else text.encode()
    return parse(b"[" + data + b"]", 1, 1 + len(data))


def spelt(value: Any) -> Any:
    """*value* with each Number as what Python makes of its text."""
    if isinstance(value, Number):
        return json.loads(value.text)
    if isinstance(value, list):
        return [spelt(item) for item in value]
    if isinstance(value, dict):
        return {key: spelt(item) for key, item in value.items()}
    return value


values = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values, st.booleans())
def test_any_json_is_read_as_python_reads_it(value: Any, escaped: bool) -> None:
    assert value == spelt(read(json.dumps(value, ensure_ascii=escaped)))


@pytest.mark.parametrize("text", ["1.10", "-0", "1e-3", "12345678901234567890", "0.10000"])
def test_a_number_keeps_its_text(text: str) -> None:
    assert text == read(text).text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{} {}",
        "01",
        "+1",
        ".5",
        "'a'",
        '{"a":1,"a":2}',
        '[{"a":{"b":1,"b":1}}]',
        "[1,]",
        "tru",
        '"\n"',
        '"\\x"',
        "[" * 33 + "]" * 33,
        "[" * 100_000,
        '{"a":' * 33 + "1" + "}" * 33,
        b'"\xff"',
        b"\xef\xbb\xbf1",
        b'"\xed\xa0\x80"',
    ],
)
def test_what_is_no_json_or_ambiguous_or_too_deep_is_a_bad_frame(text: str | bytes) -> None:
    with pytest.raises(Refused) as refused:
        read(text)

    assert refused.value.code == codes.BAD_FRAME


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '{"a":[NaN]}'])
def test_what_is_no_number_is_a_bad_number(text: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text)

    assert refused.value.code == codes.BAD_NUMBER


@pytest.mark.parametrize(
    "text", ["[" * 32 + "]" * 32, '"' + "[" * 99 + '"', '"\\"[' + "[" * 99 + '"', "[],{}," * 50 + "[]"]
)
def test_brackets_are_counted_only_where_they_nest(text: str) -> None:
    read(text if not text.startswith("[],") else f"[{text}]")


def test_a_bad_frame_keeps_its_cause() -> None:
    with pytest.raises(Refused) as refused:
        read("nope")

    assert isinstance(refused.value.__cause__, ValueError)
    assert refusal(refused.value) == codes.BAD_FRAME


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1e-3", "0.001"),
        ("0.0100", "0.01"),
        ("1.5e3", "1500"),
        ("1E+2", "100"),
        ("12.5e-1", "1.25"),
        ("123456789012", "123456789012"),
        ("1234567890120000", "1234567890120000"),
        ("0.000000000000000000123456789012", "0.000000000000000000123456789012"),
        ("-2.50", "-2.5"),
        ("0", "0"),
        ("0.0", "0"),
        ("0e5", "0"),
        ("-0", "-0"),
        ("-0.0e3", "-0"),
        ("1e20", "1" + "0" * 20),
        ("1e-20", "0." + "0" * 19 + "1"),
    ],
)
def test_an_unquoted_number_goes_through_its_shortest_text(text: str, plain: str) -> None:
    assert plain == number_text(Number(text))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**6), max_value=10**6))
def test_the_shortest_text_has_the_number_s_value(value: Decimal) -> None:
    for text in (f"{value:f}", f"{value:e}"):
        assert value == Decimal(number_text(Number(text)))


@pytest.mark.parametrize("text", ["1234567890123", "0.1234567890123", "1e21", "1e-21", "1e400", "1e99999", "1e-00001"])
def test_more_than_twelve_digits_or_a_wild_exponent_is_no_number_of_ours(text: str) -> None:
    with pytest.raises(Refused) as refused:
        number_text(Number(text))

    assert refused.value.code == codes.BAD_NUMBER


@pytest.mark.parametrize(
    ("value", "units"), [("12.50", 1250), (Number("12.5"), 1250), (Number("125e-1"), 1250), ("0", 0)]
)
def test_a_quoted_and_an_unquoted_number_are_the_same_integer(value: object, units: int) -> None:
    assert units == decimal_of(value, 2)


@pytest.mark.parametrize(
    "value",
    ["", "-1", "-0", "1e3", "1.234", "NaN", "\ud800", Number("-1"), Number("-0"), Number("1.234"), None, True, [], 5],
)
def test_what_is_no_plain_decimal_is_a_bad_number(value: object) -> None:
    with pytest.raises(Refused) as refused:
        decimal_of(value, 2)

    assert refused.value.code == codes.BAD_NUMBER


def test_a_plain_decimal_says_what_it_could_not_read() -> None:
    with pytest.raises(Refused, match=r"'x\.y' is no decimal at 1e-4"):
        plain_decimal("x.y", 4)


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("7", 7), ("999999999999999999", 10**18 - 1)])
def test_an_integer_is_a_run_of_digits(text: str, value: int) -> None:
    assert value == integer_of(read(text))


@pytest.mark.parametrize(
    "value", [Number("1.0"), Number("1e3"), Number("-1"), Number("-0"), Number("1" + "0" * 18), "7", 7, None]
)
def test_what_is_no_unquoted_run_of_digits_is_a_bad_number(value: object) -> None:
    with pytest.raises(Refused) as refused:
        integer_of(value)

    assert refused.value.code == codes.BAD_NUMBER


@pytest.mark.parametrize("value", ["a", "0xAB-9_z.:", "x" * 128])
def test_an_id_is_kept(value: str) -> None:
    assert value == identifier(value)


@pytest.mark.parametrize("value", ["", "x" * 129, "a b", "é", "a\n", "a/b", "٣", "\ud800", None, 5, Number("5")])
def test_other_text_is_no_id(value: object) -> None:
    with pytest.raises(Refused) as refused:
        identifier(value)

    assert refused.value.code == codes.BAD_TEXT


def test_a_text_is_any_text_that_can_be_written_down() -> None:
    assert text_of(read('"\\ud83d\\ude00 人 \\n"')) == "😀 人 \n"
    assert text_of(read('"plain"')) == "plain"

    with pytest.raises(Refused) as refused:
        text_of(read('"a\\ud83d"'))
    assert refused.value.code == codes.BAD_TEXT


@pytest.mark.parametrize("read_as", [text_of, members_of, items_of])
@pytest.mark.parametrize("value", [None, True, Number("1")])
def test_a_value_of_another_type_is_a_bad_frame(read_as: Any, value: object) -> None:
    with pytest.raises(Refused) as refused:
        read_as(value)

    assert refused.value.code == codes.BAD_FRAME


def test_an_object_and_an_array_are_what_they_are() -> None:
    assert members_of(read('{"a":true}')) == {"a": True}
    assert items_of(read("[null]")) == [None]
