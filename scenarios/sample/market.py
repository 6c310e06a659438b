"""
One binary market: a hidden fair price that wanders, and people who place, cancel and trade around it.

Nothing here knows frames. What happens is a list of changes (side, price, the level's new size), and of trades; the
book always says what holds after all of them.
"""

from typing import Final, NamedTuple, final

from scenarios.sample.book import ASK, BID, ONE, Book
from scenarios.sample.chance import Chance

COARSE: Final = 10
FINE: Final = 1
HIGH: Final = 960
LOW: Final = 40
"""Beyond these mid prices (mills) a market on the coarse grid gets the fine one."""

_MICRO: Final = 1000  # the fair price counts in thousandths of a mill
_EDGE: Final = 4 * _MICRO
_ORDERS: Final = 44  # about so many orders rest on each side
_ROUND_SIZES: Final = (500, 500, 1000, 1000, 1500, 2000, 2500, 3000, 5000, 5000, 10_000, 10_000, 20_000, 25_000, 50_000)
_DEEP: Final = 8

Change = tuple[int, int, int]
"""Side, price in mills, the level's new size in hundredths of a share."""


class Trade(NamedTuple):
    """One fill: the taker's *side* (BID bought, ASK sold), as the first token's price in mills and a size."""

    side: int
    price: int
    size: int


class Character(NamedTuple):
    """What makes one market unlike another: start and goal of its fair price (mills), its pull and its restlessness."""

    fair: int
    goal: int
    pull: int
    """The fair price comes nearer to its goal by one part in so many with each event; 0: it only wanders."""
    restless: int
    """The largest step of the fair price in one event, in thousandths of a mill."""


@final
class SampleMarket:
    """The book of one market, and what people do to it next."""

    def __init__(self, book: Book, character: Character, chance: Chance) -> None:
        self.book: Final = book
        self.character: Final = character
        self._chance: Final = chance
        self.fair = character.fair * _MICRO
        self._populate()

    def next(self) -> tuple[list[Change], list[Trade]]:
        """Let the next thing happen; the changes are empty only when nothing visible came of it."""
        self._wander()
        book = self.book
        chance = self._chance
        what = chance.below(100)
        informed = self._mispriced()
        if informed >= 0 and what < 40:
            return self._trade(informed)
        if what < 2 and book.bids.keys and book.asks.keys:
            return self._trade(chance.below(2))
        side = chance.below(2)
        orders = book.sides[side].orders
        if orders == 0 or chance.below(2 * _ORDERS) >= orders:
            return self._place(side)
        return [self._cancel(side)], []

    def burst(self) -> list[Change]:
        """A market maker moves its quotes: old orders go, others come, all within one millisecond."""
        self._wander()
        changes = []
        for side in (BID, ASK):
            if self.book.sides[side].orders > 4:
                changes.append(self._cancel(side))
            price = self._price(side, 1 + self._chance.below(3))
            if not self._crosses(side, price):
                changes.append((side, price, self.book.sides[side].add(price, self._size(price))))
        return changes

    def wants_fine_grid(self) -> bool:
        """Whether the price left the middle of the range while the grid is still the coarse one."""
        if self.book.tick == FINE:
            return False
        middle = (self.book.bids.best() + self.book.asks.best()) // 2
        return middle > HIGH or middle < LOW

    # -- people ----------------------------------------------------------------------------------------------------

    def _populate(self) -> None:
        for side in (BID, ASK):
            for _ in range(_ORDERS):
                price = self._price(side, 1 + self._chance.waiting(8))
                if not self._crosses(side, price):
                    self.book.sides[side].add(price, self._size(price))
            for _ in range(_DEEP):  # old, large and far away: they are what makes a book long
                far = COARSE * self._chance.between(1, 12)
                price = far if side == BID else ONE - far
                if not self._crosses(side, price):
                    self.book.sides[side].add(price, 10_000 + 1000 * self._chance.below(200) + self._chance.below(100))

    def _wander(self) -> None:
        character = self.character
        step = self._chance.below(2 * character.restless + 1) - character.restless
        if character.pull:
            step += (character.goal * _MICRO - self.fair) // character.pull
        self.fair = min(max(self.fair + step, _EDGE), ONE * _MICRO - _EDGE)

    def _mispriced(self) -> int:
        """The side a taker with knowledge takes now (BID buys an offer that is too cheap), or -1."""
        if self.book.asks.best() * _MICRO < self.fair:
            return BID
        if self.book.bids.best() * _MICRO > self.fair:
            return ASK
        return -1

    def _price(self, side: int, distance: int) -> int:
        """The grid price *distance* steps on *side* of the fair price, kept within the range."""
        tick = self.book.tick
        step = tick * _MICRO
        if side == BID:
            return max(tick, self.fair // step * tick - (distance - 1) * tick)
        return min(ONE - tick, -(-self.fair // step) * tick + (distance - 1) * tick)

    def _size(self, price: int) -> int:
        """A size in hundredths of a share: at least five shares, and worth a dollar."""
        chance = self._chance
        if chance.word() & 3:
            size = chance.pick(_ROUND_SIZES)
        else:
            size = 500 + chance.below(100 << chance.below(10))
        return max(size, -(-100 * ONE // min(price, ONE - price)))

    def _crosses(self, side: int, price: int) -> bool:
        book = self.book
        return price >= book.asks.best() if side == BID else price <= book.bids.best()

    def _place(self, side: int) -> tuple[list[Change], list[Trade]]:
        chance = self._chance
        distance = chance.below(40) if chance.one_in(4) else chance.waiting(5)
        price = self._price(side, 1 + distance)
        if self._crosses(side, price):
            return self._trade(side)
        return [(side, price, self.book.sides[side].add(price, self._size(price)))], []

    def _cancel(self, side: int) -> Change:
        """Cancel one order: one at the best price if the fair price went past it, otherwise any."""
        resting = self.book.sides[side]
        chance = self._chance
        last = len(resting.keys) - 1
        at = last if chance.one_in(4) else chance.below(last + 1)
        price, size = resting.cancel(at, chance.below(len(resting.queues[at])))
        return side, price, size

    def _trade(self, side: int) -> tuple[list[Change], list[Trade]]:
        """A taker on *side* trades against the other side, through at most three levels."""
        resting = self.book.asks if side == BID else self.book.bids
        left = self._size(resting.best())
        changes = []
        trades = []
        for _ in range(3):
            if not resting.keys or not left:
                break
            price, traded, size = resting.fill(left)
            left -= traded
            changes.append((1 - side, price, size))
            trades.append(Trade(side, price, traded))
        return changes, trades
