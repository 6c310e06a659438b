"""Orders by number: a table of machine words, against a dict."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from trading_room import Room, contract

from engine.kernel.order import Order
from engine.kernel.policy import TIF_GTC
from engine.kernel.record import NONE
from engine.kernel.register import Register
from engine.kernel.units import BUY

ROOM = Room(contract())
NUMBERS = st.integers(1, 40) | st.integers(1, 40).map(lambda n: 64 * n) | st.integers(1, 2**62)


def an_order(number: int) -> Order:
    """An order that nobody sent."""
    instrument = ROOM.instruments[0]
    return Order(number, 1, 1, 0, instrument, instrument, BUY, 1, 1, TIF_GTC, 0, NONE, 0, 0)


@given(st.lists(st.tuples(st.sampled_from(["put", "remove", "get"]), NUMBERS), max_size=300))
def test_it_finds_what_a_dict_would_find(script: list[tuple[str, int]]) -> None:
    register, known = Register(), dict[int, Any]()
    for what, number in script:
        if what == "put" and number not in known:
            known[number] = an_order(number)
            register.put(number, known[number])
        elif what == "remove":
            register.remove(number)
            known.pop(number, None)

        assert register.get(number) is known.get(number)
        assert register.count == len(known)
    assert register.all() == sorted(known.items())
    assert all(register.get(number) is order for number, order in known.items())


def test_what_was_put_behind_a_place_that_becomes_free_is_found_again() -> None:
    register = Register()
    numbers = (5, 5 + 256, 5 + 512, 6)  # all but the last begin at one place, and push it on
    for number in numbers:
        register.put(number, an_order(number))
    register.remove(5)
    register.remove(5)

    assert [register.get(number) is not None for number in numbers] == [False, True, True, True]

    register.remove(5 + 512)

    assert [register.get(number) is not None for number in numbers] == [False, True, False, True]


def test_it_grows_with_what_it_holds_and_can_be_emptied() -> None:
    register = Register()
    orders = [an_order(7 * n + 1) for n in range(1000)]
    for order in orders:
        register.put(order.number, order)

    assert [order for _, order in register.all()] == orders
    assert register.get(6) is None

    register.clear()

    assert (register.all(), register.get(8)) == ([], None)
