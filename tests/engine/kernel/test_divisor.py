"""Exact division without dividing: right for every value and every step."""

from hypothesis import example, given
from hypothesis import strategies as st

from engine.kernel.digest import MASK63
from engine.kernel.divisor import Divisor

steps = st.one_of(st.integers(1, 10**9), st.integers(1, 2**63 - 1), st.integers(0, 62).map(lambda bits: 2**bits))
values = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(0, 10**6))


def quotient(by: Divisor, value: int) -> int | None:
    """As the class tells its users to do it."""
    found = ((value >> int(by.shift)) * int(by.inverse)) & int(MASK63)
    return found if value & int(by.refused) == 0 and found <= by.most else None


@given(steps, values)
@example(1, 2**63 - 1)
@example(1, -(2**63))
@example(1, -5)
@example(3, -(2**63) + 6)
def test_every_value_is_divided_evenly_or_refused(step: int, value: int) -> None:
    expected = value // step if value >= 0 and value % step == 0 else None

    assert quotient(Divisor(step), value) == expected


@given(steps, st.integers(0, 2**63 - 1))
def test_every_multiple_gives_its_quotient(step: int, number: int) -> None:
    number %= (2**63 - 1) // step + 1

    assert quotient(Divisor(step), number * step) == number
