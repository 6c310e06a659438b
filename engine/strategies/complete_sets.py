"""Complete sets that nothing else counts on, and so can be given back for cash."""

from typing import Any


def idle_sets(view: Any, market: Any) -> int:
    """
    How many sets of *market* may be merged now, in lots; 0 where they are fewer than the venue's least order.

    Tokens of both outcomes, confirmed and still held, less all open offers of ours, whoever made them.
    """
    if market.complement is None:
        return 0
    lots = min(_free(market), _free(view.market(market.complement)))
    return lots if lots >= market.least_lots else 0


def _free(market: Any) -> int:
    """Settled lots that no open offer of ours, whoever made it, may count on."""
    offered: int = sum(order.rest_lots for order in market.own_asks)
    return min(int(market.position_lots), int(market.settled_lots)) - offered
