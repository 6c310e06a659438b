"""
From quotes that are wanted to orders that are sent: the least edits, and no more calls than allowed.

All of it is pure. `edits` compares and knows no time; `has_room` and `meets_own` say what has to wait for other orders
of ours; the bucket counts calls in whole nanoseconds, and what it remembers is one int.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

from engine.strategies.quoting import Quote

MINUTE_NS: Final = 60_000_000_000


class Resting(Protocol):
    """An own order, as far as it matters here: `order.OwnOrder` is one."""

    @property
    def price_ticks(self) -> int:
        """Its price."""

    @property
    def rest_lots(self) -> int:
        """What may still fill of it."""


class Live(NamedTuple):
    """An own order where there is no view."""

    price_ticks: int
    rest_lots: int


Own = TypeVar("Own", bound=Resting)


def serves(quote: Quote, order: Resting) -> bool:
    """Whether *order* may stay in the place of *quote*."""
    fits = quote.low_ticks <= order.price_ticks <= quote.high_ticks
    return fits and quote.low_lots <= order.rest_lots <= quote.high_lots


def edits(quote: Quote | None, live: Sequence[Own]) -> tuple[list[Own], bool]:
    """
    (orders to cancel, whether to place *quote*), so that of one side just what is wanted rests.

    *live* are that side's orders without those being cancelled, oldest first. The first of them that serves stays, as
    it is ahead in its queue; if none does, *quote* is placed. Nothing is cancelled that is not replaced or superfluous,
    and once that is done, nothing is left to do.
    """
    if quote is None:
        return list(live), False
    kept = False
    superfluous: list[Own] = []
    for order in live:
        if not kept and serves(quote, order):
            kept = True
        else:
            superfluous.append(order)
    return superfluous, not kept


def exactly(quote: Quote | None) -> Quote | None:
    """*quote*, and nothing else will do."""
    if quote is None:
        return None
    return quote._replace(low_ticks=quote.price_ticks, high_ticks=quote.price_ticks, low_lots=quote.lots)


def has_room(quote: Quote, open_orders: Sequence[Resting]) -> bool:
    """
    Whether the position stays in its bounds if *quote* and all *open_orders* of its side fill, and nothing else does.

    Orders being cancelled count: until they are gone they may fill.
    """
    return quote.lots + sum([order.rest_lots for order in open_orders]) <= quote.high_lots


def meets_own(is_bid: bool, price_ticks: int, others: Sequence[Resting]) -> bool:
    """Whether an order at that price would trade with one of the *others*, our own of the other side."""
    if is_bid:
        return any(order.price_ticks <= price_ticks for order in others)
    return any(order.price_ticks >= price_ticks for order in others)


# -- the bucket --------------------------------------------------------------------------------------------------------


def interval_of(calls_per_minute: int) -> int:
    """Nanoseconds in which one more call becomes free, rounded up: never more than so many a minute."""
    return -(-MINUTE_NS // calls_per_minute)


def calls_left(full_ns: int, now_ns: int, interval_ns: int, burst: int) -> int:
    """Calls that are free now, at most *burst*: the bucket is full again at *full_ns*."""
    missing_ns = full_ns - now_ns
    return burst if missing_ns <= 0 else burst + -missing_ns // interval_ns


def after_call(full_ns: int, now_ns: int, interval_ns: int) -> int:
    """
    When the bucket is full again after one more call now.

    Who calls only while `calls_left` is above 0 makes in any T ns at most burst + T / interval_ns calls.
    """
    return max(full_ns, now_ns) + interval_ns
