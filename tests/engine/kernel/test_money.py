"""Money in two machine words, against plain ints."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.kernel.digest import Digest
from engine.kernel.money import Money, limit

AMOUNTS = st.integers(-(2**120), 2**120) | st.integers(-(2**61), 2**61)
VALUES = st.integers(0, 2**60 - 1) | st.integers(0, 2**31)


def money(value):
    made = Money()
    made.become(value)
    return made


@given(AMOUNTS, AMOUNTS)
def test_sums_and_comparisons_are_those_of_ints(one, other):
    total, added = money(one), money(one)
    total.add(money(other).high, money(other).low)
    added.add_int(other)

    assert total.value() == added.value() == one + other
    assert 0 <= total.low < 2**60
    assert money(one).exceeds(money(other)) == (one > other)


@given(AMOUNTS, VALUES, VALUES, st.booleans())
def test_a_product_is_that_of_ints(value, price, size, negative):
    signed = -size if negative else size
    made = money(value)
    made.add_product(price, signed)

    assert made.value() == value + price * signed
    assert 0 <= made.low < 2**60


@given(AMOUNTS, VALUES, VALUES, st.booleans())
@example(-(2**60), 1, 1, False)
@example(-(2**61) - 1, 2**30, 2**31 - 1, True)
@example((2**31 - 2) * 2**60 + 2**60 - 1, 2**31 - 1, 2**31 - 1, True)
@example(2**100, 3, 7, False)
def test_a_share_is_that_of_ints(value, one, other, up):
    part, whole = min(one, other), max(one, other, 1)
    made = Money()
    made.share(money(value), part, whole, up)

    expected = -(-abs(value) * part // whole) if up else abs(value) * part // whole
    assert made.value() == (expected if value >= 0 else -expected)
    assert 0 <= made.low < 2**60


@given(AMOUNTS, AMOUNTS)
def test_what_was_taken_over_stands_on_its_own(one, other):
    made, kept = money(one), money(other)
    made.copy(kept)
    kept.clear()

    assert (made.value(), kept.value()) == (other, 0)


@given(AMOUNTS)
def test_a_digest_moves_as_by_the_int(value):
    by_words, by_int = Digest(), Digest()
    money(value).mix(by_words)
    by_int.mix_int(value)

    assert by_words.value == by_int.value


def test_an_amount_beyond_what_two_words_hold_is_no_amount():
    assert money(2**122 - 1).value() == 2**122 - 1
    for value in (2**122, -(2**122)):
        with pytest.raises(AssertionError):
            money(value)


def test_a_limit_that_no_amount_reaches_is_the_largest_there_is():
    assert limit(5).value() == 5
    assert limit(2**122 - 1).value() == limit(10**60).value() == 2**122 - 1
