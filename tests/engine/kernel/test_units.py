"""Decimal text becomes integers exactly, or not at all."""

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kernel.units import BAD, LARGEST, decimal, decimal_text, ratio_text, spelled, spelling

exponents = st.integers(0, 8)
plain = st.from_regex(r"[0-9]{0,14}(\.[0-9]{0,12})?", fullmatch=True)


def read(text: str, exponent: int) -> int:
    data = b"<" + text.encode() + b">"
    return int(decimal(data, 1, len(data) - 1, exponent))


@pytest.mark.parametrize(
    ("text", "exponent", "value"),
    [
        ("12.5", 3, 12500),
        ("0.52", 4, 5200),
        (".48", 4, 4800),
        ("1.", 2, 100),
        ("00.5", 1, 5),
        ("7", 0, 7),
        ("61737.63000000", 8, 6173763000000),
        ("0.10000", 2, 10),
        ("1.0000000000000000000000", 0, 1),
        ("1152921504606846975", 0, LARGEST - 1),
        ("11529215046.06846975", 8, LARGEST - 1),
    ],
)
def test_decimal_text_is_an_integer_at_its_exponent(text: str, exponent: int, value: int) -> None:
    assert value == read(text, exponent)


@pytest.mark.parametrize(
    ("text", "exponent"),
    [
        ("", 4),
        (".", 4),
        ("-1", 4),
        ("+1", 4),
        ("-0", 4),
        ("1e3", 4),
        ("1e400", 4),
        ("NaN", 4),
        ("Infinity", 4),
        ("1,5", 4),
        (" 1", 4),
        ("1..5", 4),
        ("1.2.3", 4),
        ("0x10", 4),
        ("0.00001", 4),
        ("1152921504606846976", 0),
        ("11529215046068469750", 0),  # its last digit leaves i64
        ("99999999999999999999", 0),
        ("184467440737095516170", 0),  # ten times 2**64, plus ten
        ("11529215047", 8),
        ("922337203685477580", 8),
        ("1000000000000000000", 8),
        ("٣", 0),
        ("\x00", 0),
    ],
)
def test_what_is_no_number_of_ours_is_bad(text: str, exponent: int) -> None:
    assert read(text, exponent) == BAD


@given(plain, exponents)
def test_a_plain_decimal_is_read_exactly_or_is_bad(text: str, exponent: int) -> None:
    digits = text.replace(".", "")
    exact = Fraction(text if text[:1] not in (".", "") else "0" + text) * 10**exponent if digits else None
    fits = exact is not None and exact.denominator == 1 and exact < LARGEST

    assert (exact if fits else BAD) == read(text, exponent)


@given(st.text(max_size=25) | st.text("0123456789.", max_size=40), exponents)
def test_any_text_is_bad_or_in_range(text: str, exponent: int) -> None:
    value = read(text, exponent) if not any(0xD800 <= ord(c) <= 0xDFFF for c in text) else BAD

    assert value == BAD or 0 <= value < LARGEST


@given(st.integers(1 - LARGEST, LARGEST - 1), exponents)
def test_decimal_text_is_the_shortest_exact_text(value: int, exponent: int) -> None:
    text = decimal_text(value, exponent)

    assert value == Decimal(text).scaleb(exponent)
    assert "." not in text or not text.endswith(("0", "."))
    assert not text.startswith("-0.") or value < 0
    assert value < 0 or value == read(text, exponent)


@pytest.mark.parametrize(
    ("value", "text"), [(12500, "12.5"), (0, "0"), (-5, "-0.005"), (-12000, "-12"), (1, "0.001"), (100, "0.1")]
)
def test_decimal_text_shows_no_zero_that_says_nothing(value: int, text: str) -> None:
    assert text == decimal_text(value, 3)


@pytest.mark.parametrize(
    ("text", "code"),
    [("0.5", 0), ("7", 0), ("10", 0), (".48", 1), ("1.", 2), (".", 3), ("0.500", 8), (".0", 5), ("0", 0)],
)
def test_a_spelling_says_how_a_text_differs_from_the_shortest(text: str, code: int) -> None:
    assert code == spelling(text.encode(), 0, len(text))


@pytest.mark.parametrize("text", ["00", "00.5", "01"])
def test_leading_zeros_cannot_be_spelt(text: str) -> None:
    assert spelling(text.encode(), 0, len(text)) == BAD


@given(st.from_regex(r"(0|[1-9][0-9]{0,5})?(\.[0-9]{0,6})?", fullmatch=True), st.integers(0, 3))
def test_a_spelling_brings_back_the_very_text(text: str, more: int) -> None:
    exponent = len(text.partition(".")[2]) + more
    value = read(text, exponent)
    data = b"<" + text.encode() + b">"

    assert value == BAD or text == spelled(value, exponent, spelling(data, 1, len(data) - 1))


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**12), st.integers(0, 9))
def test_a_ratio_is_rounded_half_to_even(numerator: int, denominator: int, digits: int) -> None:
    exact = Fraction(numerator, denominator)
    scaled = round(exact * 10**digits)  # Python rounds a Fraction half to even
    expected = Decimal(scaled).scaleb(-digits).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)

    assert expected == Decimal(ratio_text(numerator, denominator, digits))


@pytest.mark.parametrize(
    ("numerator", "denominator", "digits", "text"),
    [
        (1, 3, 4, "0.3333"),
        (2, 3, 4, "0.6667"),
        (-2, 3, 2, "-0.67"),
        (5, 2, 0, "2"),
        (7, 2, 0, "4"),
        (-1, 3, 0, "0"),
        (-4, 3, 0, "-1"),
        (1, 200, 2, "0.00"),
        (-1, 1000, 2, "0.00"),
    ],
)
def test_a_ratio_is_written_with_all_its_digits(numerator: int, denominator: int, digits: int, text: str) -> None:
    assert text == ratio_text(numerator, denominator, digits)
