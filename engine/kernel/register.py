"""
Orders by the numbers of their requests: those that placed them and those that cancel them.

Requests are numbered by sequence numbers, so that no two share one. The table is open-addressed machine words: a dict
would make an object of each number that is asked for.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.order import Order

_ROOM: Final[i64] = 64


@final
class Register:
    """Finds an order by a number greater than 0."""

    def __init__(self) -> None:
        self._numbers: vec[i64] = vec[i64]([0] * _ROOM)  # 0: a free place
        self._orders: list[Order | None] = [None] * int(_ROOM)
        self._mask: i64 = _ROOM - 1
        self.count: i64 = 0

    def get(self, number: i64) -> Order | None:
        """The order that *number* stands for, None if there is none."""
        numbers = self._numbers
        at = number & self._mask
        while True:
            found = numbers[at]
            if found == number:
                return self._orders[at]
            if found == 0:
                return None
            at = (at + 1) & self._mask

    def put(self, number: i64, order: Order) -> None:
        """Let *number*, which stands for nothing yet, stand for *order*."""
        assert number > 0
        if 2 * self.count > self._mask:
            self._grow()
        at = self._free(number)
        self._numbers[at] = number
        self._orders[at] = order
        self.count += 1

    def remove(self, number: i64) -> None:
        """Forget what *number* stands for, if anything."""
        numbers = self._numbers
        mask = self._mask
        at = number & mask
        while numbers[at] != number:
            if numbers[at] == 0:
                return
            at = (at + 1) & mask
        self.count -= 1
        # Whatever was put behind this place because it was taken moves up, so that it is found again.
        behind = at
        while True:
            behind = (behind + 1) & mask
            found = numbers[behind]
            if found == 0:
                break
            if ((behind - found) & mask) >= ((behind - at) & mask):
                numbers[at] = found
                self._orders[at] = self._orders[behind]
                at = behind
        numbers[at] = 0
        self._orders[at] = None

    def all(self) -> list[tuple[int, Order]]:
        """Every (number, order), by number."""
        found: list[tuple[int, Order]] = []
        for at, order in enumerate(self._orders):
            if order is not None:
                found.append((int(self._numbers[at]), order))
        found.sort(key=_number)
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._numbers = vec[i64]([0] * _ROOM)
        self._orders = [None] * int(_ROOM)
        self._mask = _ROOM - 1
        self.count = 0

    def _free(self, number: i64) -> i64:
        numbers = self._numbers
        at = number & self._mask
        while numbers[at] != 0:
            assert numbers[at] != number
            at = (at + 1) & self._mask
        return at

    def _grow(self) -> None:
        numbers = self._numbers
        before = self._orders[:]
        count = self._mask + 1
        size = 4 * count  # seldom: every entry has to find its place anew
        self._numbers = vec[i64]([0] * size)
        orders = self._orders  # the same list: the garbage collector would look through a new one
        at: i64 = 0
        while at < count:
            orders[at] = None
            at += 1
        orders *= 4
        self._mask = size - 1
        at = 0
        while at < count:
            number = numbers[at]
            if number != 0:
                to = self._free(number)
                self._numbers[to] = number
                orders[to] = before[at]
            at += 1


def _number(entry: tuple[int, Order]) -> int:
    return entry[0]
