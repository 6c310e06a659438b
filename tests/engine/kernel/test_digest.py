"""The rolling digest: bit for bit what its definition says, for any value, and different for different ones."""

from hypothesis import example, given
from hypothesis import strategies as st

from engine.kernel.digest import MASK63, PRIME, Digest

values = st.integers(-(2**63), 2**63 - 1)


def mixed(start: int, value: int) -> int:
    """The definition, in whole numbers without end."""
    product = ((start ^ value) * 0x5851F42D4C957F2D) % 2**63
    return product ^ (product >> 29)


def test_the_wide_constants_are_what_their_names_say() -> None:
    assert MASK63 == 2**63 - 1
    assert PRIME == 6364136223846793005


@given(st.lists(values, max_size=20))
@example([-(2**63), 2**63 - 1, 0, -1])
def test_each_value_moves_it_as_defined(given_values: list[int]) -> None:
    digest, expected = Digest(), 0
    for value in given_values:
        digest.mix(value)
        expected = mixed(expected, value)

        assert digest.value == expected
        assert 0 <= digest.value < 2**63


@given(values, values)
def test_two_values_in_another_order_give_another_digest(one: int, other: int) -> None:
    forth, back = Digest(), Digest()
    for digest, pair in ((forth, (one, other)), (back, (other, one))):
        for value in pair:
            digest.mix(value)

    assert (forth.value == back.value) == (one == other)


@given(st.integers(), st.integers())
@example(2**63, 0)
@example(2**63 - 1, -(2**63 - 1))
def test_unbounded_integers_that_differ_are_told_apart(one: int, other: int) -> None:
    first, second = Digest(), Digest()
    first.mix_int(one)
    second.mix_int(other)

    assert (first.value == second.value) == (one == other)


@given(st.binary(max_size=40), st.binary(max_size=40))
@example(b"\0" * 8, b"\0" * 7)
@example(b"\0" * 7 + b"\x80", b"\0" * 8)
@example(b"\0" * 7 + b"\xff", b"\0" * 7 + b"\x7f")
def test_bytes_that_differ_are_told_apart_even_by_their_last_bit_or_length(one: bytes, other: bytes) -> None:
    first, second = Digest(), Digest()
    first.mix_bytes(one)
    second.mix_bytes(other)

    assert (first.value == second.value) == (one == other)
