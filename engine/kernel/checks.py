"""
The numbers of admission's checks and limits, as verdicts state them, and the two that need more than a comparison.

`admit` lists the checks in their order.
"""

from typing import Final, final

from librt.vecs import vec
from mypy_extensions import i64

from engine.kernel.desk import Desk
from engine.kernel.events import KIND_SPOT
from engine.kernel.market import Instrument, Market
from engine.kernel.order import FLAG_REDUCE_ONLY
from engine.kernel.pack import Packer, Unpacker
from engine.kernel.record import NONE
from engine.kernel.units import BUY, SELL

MINUTE_NS: Final[i64] = 60_000_000_000

CHECK_READ: Final[i64] = 1
CHECK_REPEAT: Final[i64] = 2
CHECK_PERMITTED: Final[i64] = 3
CHECK_GRID: Final[i64] = 4
CHECK_REDUCES: Final[i64] = 5
CHECK_OWNER: Final[i64] = 6
CHECK_MODE: Final[i64] = 7
CHECK_GATE: Final[i64] = 8
CHECK_VENUE: Final[i64] = 9
CHECK_TTL: Final[i64] = 10
CHECK_LEAST: Final[i64] = 11
CHECK_BOOK: Final[i64] = 12
CHECK_BAND: Final[i64] = 13
CHECK_FEE: Final[i64] = 14
CHECK_POST_ONLY: Final[i64] = 15
CHECK_SELF: Final[i64] = 16
CHECK_ORDER: Final[i64] = 17
CHECK_RATE: Final[i64] = 18
CHECK_RISK: Final[i64] = 19
CHECK_COVER: Final[i64] = 20  # of `sets` alone
CHECK_REST: Final[i64] = 21  # of cancels alone
# Within CHECK_RISK, `detail` names the limit.
LIMIT_LOTS: Final[i64] = 1
LIMIT_MARKET: Final[i64] = 2
LIMIT_EVENT: Final[i64] = 3
LIMIT_STRATEGY: Final[i64] = 4
LIMIT_ACCOUNT: Final[i64] = 5


@final
class Rate:
    """The times of the last *most* orders: a window that slides."""

    def __init__(self, most: i64) -> None:
        self._most: Final[i64] = most
        self._times: Final[vec[i64]] = vec[i64]([NONE] * most)
        self._next: i64 = 0

    def room(self, now_ns: i64, ahead: i64) -> bool:
        """Whether fewer than *most* orders were counted in the last minute, *ahead* more being about to be."""
        if ahead >= self._most:
            return False
        oldest = self._times[(self._next + ahead) % self._most]
        return oldest == NONE or now_ns - oldest >= MINUTE_NS

    def count(self, now_ns: i64) -> None:
        """One more order, now."""
        if self._most > 0:
            self._times[self._next] = now_ns
            self._next = (self._next + 1) % self._most

    def pack(self, packer: Packer) -> None:
        """Append the window."""
        packer.put(self._most)
        packer.put(self._next)
        i: i64 = 0
        while i < self._most:
            packer.put(self._times[i])
            i += 1

    def unpack(self, unpacker: Unpacker) -> None:
        """Become what `pack` wrote under the same policy."""
        assert unpacker.take() == self._most
        self._next = unpacker.take()
        i: i64 = 0
        while i < self._most:
            self._times[i] = unpacker.take()
            i += 1


def reduces(desk: Desk, instrument: Instrument, side: i64, size: i64, flags: i64) -> bool:
    """
    Whether the order raises the worst case on neither side, even if it is executed twice.

    Where the venue itself bounds it (tokens held, coins held, its reduce-only flag) once is enough.
    """
    holding = desk.portfolio.holdings[instrument.number]
    working = desk.orders.working[instrument.number]
    if instrument.market.binary:
        if side == BUY:
            return False
        other = desk.portfolio.holdings[instrument.other]
        others = desk.orders.working[instrument.other]
        held = holding.size if holding.size < holding.settled else holding.settled
        alone = holding.size - other.size - others.buy_size - working.sell_size
        room = held - working.sell_size - working.merging
        return size <= room and size <= alone
    times: i64 = 2
    if instrument.market.listing.kind == KIND_SPOT:
        if side == SELL:
            times = 1
    elif flags & FLAG_REDUCE_ONLY:
        times = 1
    if side == SELL:
        held = holding.size if holding.size < holding.settled else holding.settled
        return times * size <= held - working.sell_size
    owed = -holding.size if holding.size > holding.settled else -holding.settled
    return times * size <= owed - working.buy_size


def on_grid(market: Market, price: i64) -> bool:
    """Whether *price* is a step of the market's grid, which may be coarser above some prices."""
    tick = market.tick
    for above, step in market.listing.tick_steps:
        if price >= above and step > tick:
            tick = i64(step)
    return price % tick == 0
