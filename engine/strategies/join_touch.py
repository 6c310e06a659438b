"""Keep one bid at the touch of each outcome: the smallest strategy that makes a market."""

from collections.abc import Iterator

from attrs import frozen

from engine.kernel.strategy import BUY, Cancel, Place


@frozen
class JoinTouch:
    """
    One post-only bid of *size_lots* at the best price of every instrument it hears of, moved when the touch moved.

    On a binary market a bid for one outcome is an offer of the other, so both sides are quoted without inventory, and
    what both bids bought is a complete set. *max_position_lots* bounds each instrument; no bid is placed where the
    spread is below *min_spread_ticks*; a bid fewer than *patience_ticks* behind the touch stays where it is.
    """

    size_lots: int
    max_position_lots: int
    min_spread_ticks: int = 2
    patience_ticks: int = 1

    def decide(self, view, wake) -> Iterator[Place | Cancel]:  # type: ignore[no-untyped-def]
        """Look at each instrument whose market moved."""
        for key in wake.instruments:
            market = view.market(key)
            target = self._target(market)
            bids = market.own_bids
            for bid in bids:
                if not bid.cancelling and (target is None or abs(target - bid.price_ticks) >= self.patience_ticks):
                    yield Cancel(bid, why="the touch moved")
            if target is not None and not bids:
                yield Place(key, BUY, target, self.size_lots, post_only=True, why="join the best bid")

    def _target(self, market) -> int | None:  # type: ignore[no-untyped-def]
        """The price to bid at, or None for no bid."""
        bid, ask = market.best_bid, market.best_ask
        if not market.valid or bid is None or ask is None or ask - bid < self.min_spread_ticks:
            return None
        if market.position_lots + self.size_lots > self.max_position_lots:
            return None
        return int(bid)
