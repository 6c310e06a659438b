"""The contract's strategy as people write one: an attrs class and a generator, interpreted. In two ways."""

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from engine.kernel.market import WAKE_STATUS, WAKE_TIMER
from engine.kernel.strategy import BUY, SELL, Cancel, Place, SetTimer


@frozen
class PlainMaker:
    """As `engine.strategies.steady_maker.SteadyMaker`."""

    instrument: str
    lots: int
    offset_ticks: int = 2
    every_ns: int = 100_000_000
    first_ns: int | None = None
    wants: int = int(WAKE_TIMER | WAKE_STATUS)

    def decide(self, view: Any, wake: Any) -> Iterator[Place | Cancel | SetTimer]:
        """Set the clock at first, then quote at each of its steps."""
        if not wake.timers:
            if wake.reasons(self.instrument) & WAKE_STATUS:
                first_ns = view.now_ns + self.every_ns if self.first_ns is None else self.first_ns
                yield SetTimer("step", at_ns=first_ns, every_ns=self.every_ns)
            return
        market = view.market(self.instrument)
        bid, ask = market.best_bid, market.best_ask
        if bid is None or ask is None or bid >= ask:
            return
        yield from market.quote(bid - self.offset_ticks, ask + self.offset_ticks, self.lots)


@frozen
class LoopMaker:
    """The same, looking through its orders by itself."""

    instrument: str
    lots: int
    offset_ticks: int = 2
    every_ns: int = 100_000_000
    first_ns: int | None = None
    wants: int = int(WAKE_TIMER | WAKE_STATUS)

    def decide(self, view: Any, wake: Any) -> Iterator[Place | Cancel | SetTimer]:
        """Set the clock at first, then quote at each of its steps."""
        if not wake.timers:
            if wake.reasons(self.instrument) & WAKE_STATUS:
                first_ns = view.now_ns + self.every_ns if self.first_ns is None else self.first_ns
                yield SetTimer("step", at_ns=first_ns, every_ns=self.every_ns)
            return
        market = view.market(self.instrument)
        bid, ask = market.best_bid, market.best_ask
        if bid is None or ask is None or bid >= ask:
            return
        for side, target, orders in (
            (BUY, bid - self.offset_ticks, market.own_bids),
            (SELL, ask + self.offset_ticks, market.own_asks),
        ):
            stands = False
            for order in orders:
                if not order.cancelling:
                    if order.price_ticks == target:
                        stands = True
                    else:
                        yield Cancel(order)
            if not stands:
                yield Place(self.instrument, side, target, self.lots, post_only=True)
