"""The orders that are known: by number, and hashed without being laid out."""

from hypothesis import given, settings
from hypothesis import strategies as st
from trading_room import Room, contract

from engine.kernel.checkpoint import part_digest
from engine.kernel.order import CANCELLED, Order
from engine.kernel.orders import RETAIN_NS
from engine.kernel.policy import TIF_GTC
from engine.kernel.record import NONE
from engine.kernel.units import BUY

SECOND = 1_000_000_000


def an_order(room: Room, number: int) -> Order:
    """An order that nobody sent."""
    instrument = room.instruments[0]
    return Order(number, 1, 1, 0, instrument, instrument, BUY, 5, 7, TIF_GTC, 0, NONE, 0, 0)


@settings(max_examples=30)
@given(st.permutations(range(1, 30)), st.sets(st.integers(1, 29)), st.sets(st.integers(1, 29)))
def test_orders_are_known_by_number_whatever_came_first_and_until_they_are_forgotten(
    numbers: list[int], closed: set[int], withdrawn: set[int]
) -> None:
    orders = Room(contract()).desk.orders
    made = {number: an_order(Room(contract()), number) for number in numbers}
    for number in numbers:
        orders.add(made[number])
    for number in sorted(withdrawn):
        orders.withdraw(made[number])
    for number in sorted(closed - withdrawn):
        orders.become(made[number], CANCELLED, 0, SECOND)
        orders.reserve(made[number], 0)
    kept = sorted(set(numbers) - withdrawn)

    assert list(orders.by_number) == kept

    late = an_order(Room(contract()), 100)
    orders.add(late)
    orders.become(late, CANCELLED, 0, SECOND + RETAIN_NS)
    packed = orders.pack()

    assert list(orders.by_number) == [number for number in kept if number not in closed] + [100]
    assert packed == orders.pack()
    assert orders.digest() == part_digest(packed)


def test_a_digest_formed_piece_by_piece_is_that_of_the_whole() -> None:
    orders = Room(contract()).desk.orders
    room = Room(contract())
    for number in range(1, 4_001):
        orders.add(an_order(room, number))

    assert len(orders.pack()) > 2 * 65_536
    assert orders.digest() == part_digest(orders.pack())
    assert orders.digest() == orders.digest()


@given(st.permutations(range(1, 6)))
def test_the_bytes_do_not_depend_on_what_came_first(numbers: list[int]) -> None:
    room, packed = Room(contract()), []
    for ordered in (numbers, sorted(numbers)):
        orders = Room(contract()).desk.orders
        for number in ordered:
            orders.add(an_order(room, number))
        del orders.working[0].orders[:]  # in order of arrival, which is part of the state
        packed.append(orders.pack())

    assert packed[0] == packed[1]
