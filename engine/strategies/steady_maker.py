"""Quote both sides a fixed distance behind the touch, looked at in even steps of time. Compiled."""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.market import WAKE_STATUS, WAKE_TIMER
from engine.kernel.order import OwnOrder
from engine.kernel.record import NONE
from engine.kernel.strategy import BUY, SELL, Cancel, CompiledStrategy, Place, SetTimer, Wake
from engine.kernel.view import View

STEP: Final = "step"


@final
class SteadyMaker(CompiledStrategy):
    """
    One post-only order of *lots* on each side of *instrument*, *offset_ticks* behind the best price, every *every_ns*.

    An order that stands at its price is left there; any other is cancelled, and replaced at once. The first step is at
    *first_ns*, or without it one step after the instrument was listed or its status changed.
    """

    def __init__(
        self,
        instrument: str,
        lots: int,
        offset_ticks: int = 2,
        every_ns: int = 100_000_000,
        first_ns: int | None = None,
    ) -> None:
        self.wants: Final[int] = int(WAKE_TIMER | WAKE_STATUS)
        self.instrument: Final[str] = instrument
        self.lots: Final[object] = lots  # an intent takes objects: made once
        self.offset_ticks: Final[i64] = offset_ticks
        self.every_ns: Final[int] = every_ns
        self.first_ns: Final[int | None] = first_ns
        self._wanted: Final[list[object]] = []  # its answer, until it is asked again

    def decide(self, view: View, wake: Wake) -> list[object]:
        """Set the clock at first, then quote at each of its steps."""
        wanted = self._wanted
        if wanted:
            wanted.clear()
        if len(wake.timers) == 0:
            if wake.reasons(self.instrument) & int(WAKE_STATUS):
                first_ns = view.now_ns + self.every_ns if self.first_ns is None else self.first_ns
                wanted.append(SetTimer(STEP, at_ns=first_ns, every_ns=self.every_ns))
            return wanted
        market = view.market(self.instrument)
        bid = market.touch(BUY)
        ask = market.touch(SELL)
        if bid == NONE or ask == NONE or bid >= ask:
            return wanted
        self._quote(wanted, market.own_bids, BUY, bid - self.offset_ticks)
        self._quote(wanted, market.own_asks, SELL, ask + self.offset_ticks)
        return wanted

    def _quote(self, wanted: list[object], orders: tuple[OwnOrder, ...], side: int, target: i64) -> None:
        """Have one order at *target*; those being cancelled already are as good as gone."""
        stands = False
        for order in orders:
            if not order.cancelling:
                if order.price_ticks == target:
                    stands = True
                else:
                    wanted.append(Cancel(order))
        if not stands:
            wanted.append(Place(self.instrument, side, int(target), self.lots, post_only=True))
