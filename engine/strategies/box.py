"""
What a box costs: one lot of each outcome pays one, whoever wins, and is worth having below that.

All here are functions of the touches they are given; `box_arbitrage` asks them.
"""

from collections.abc import Callable

from attrs import frozen

TAKE = "take"
MIXED = "mixed"
REST = "rest"

BASIS = 10_000

Fee = Callable[[int, int], int | None]
"""What taking (price_ticks, lots) costs beside the price, as money; None while nobody knows."""


@frozen
class Side:
    """
    One outcome: its touch in its own ticks (None where nothing rests), the lots offered at *ask*, and its terms.

    *tick* and *lot* are in price and size units, and *whole_ticks* ticks are a price of one.
    """

    bid: int | None
    ask: int | None
    ask_lots: int
    tick: int
    whole_ticks: int
    lot: int
    least_lots: int
    taker_fee: Fee


@frozen
class Leg:
    """One order to buy: it takes at once or not at all, or it rests and never takes."""

    price_ticks: int
    takes: bool


@frozen
class Box:
    """Two orders of *lots* each that cost *cost*, fees included, and pay *worth*: both as money."""

    style: str
    legs: tuple[Leg, Leg]
    lots: int
    cost: int
    worth: int


@frozen
class Limits:
    """
    What a box may be: *lots* at most, of the *styles* named, in that order, below one by more than *buffer_bps*.

    The buffer is counted in basis points of one, rounded up to a price unit. A bid rests *improve_ticks* above the best
    one and, where both rest and the pair would be too dear, as much lower as it must, but at most *step_back_ticks*
    below it; no leg is taken in the hope of a better price for the other. None costs less than *least_leg_bps*: near
    the ends of the range a leg that does not fill costs what the other is worth, and there may be nobody to rescue it
    from.
    """

    lots: int
    buffer_bps: int
    styles: tuple[str, ...]
    improve_ticks: int = 0
    step_back_ticks: int = 0
    least_leg_bps: int = 0


def box(sides: tuple[Side, Side], limits: Limits, wider_ticks: int = 0) -> Box | None:
    """
    The first box in order of `limits.styles` that these touches allow, None without one.

    *wider_ticks* are added to the buffer, of the coarser of both grids.
    """
    first, second = sides
    if first.lot != second.lot or first.tick * first.whole_ticks != second.tick * second.whole_ticks:
        return None  # one of each is no pair that pays one
    for style in limits.styles:
        for takes in _ways(style):
            found = _made(sides, style, takes, limits, wider_ticks)
            if found is not None:
                return found
    return None


def most_cost(side: Side, lots: int, buffer_bps: int, wider_ticks: int, tick: int) -> int:
    """What a box of *lots* has to stay below, as money: one each, less the buffer."""
    scale = side.tick * side.whole_ticks
    buffer = -(-scale * buffer_bps // BASIS) + wider_ticks * tick
    return (scale - buffer) * lots * side.lot


def _ways(style: str) -> tuple[tuple[bool, bool], ...]:
    """Which of both legs take."""
    if style == TAKE:
        return ((True, True),)
    return ((True, False), (False, True)) if style == MIXED else ((False, False),)


def _made(
    sides: tuple[Side, Side], style: str, takes: tuple[bool, bool], limits: Limits, wider_ticks: int
) -> Box | None:
    """The box of that style at prices as good as its buffer allows."""
    lots = limits.lots
    prices: list[int] = []
    for side, taken in zip(sides, takes, strict=True):
        price = side.ask if taken else _bid(side, limits.improve_ticks)
        if price is None or not 1 <= price < side.whole_ticks:
            return None
        prices.append(price)
        if taken:
            lots = min(lots, side.ask_lots)
    if lots < max(1, sides[0].least_lots, sides[1].least_lots):
        return None
    most = most_cost(sides[0], lots, limits.buffer_bps, wider_ticks, max(sides[0].tick, sides[1].tick))
    lowest = [_lowest(side, limits, style) for side in sides]
    if any(price < least for price, least in zip(prices, lowest, strict=True)):
        return None
    while True:
        cost = _cost(sides, takes, prices, lots)
        if cost is None:
            return None
        if cost < most:
            legs = (Leg(prices[0], takes[0]), Leg(prices[1], takes[1]))
            return Box(style, legs, lots, cost, sides[0].tick * sides[0].whole_ticks * lots * sides[0].lot)
        room = [price - least for price, least in zip(prices, lowest, strict=True)]
        if style != REST or max(room) <= 0:
            return None
        prices[0 if room[0] >= room[1] else 1] -= 1


def _bid(side: Side, improve_ticks: int) -> int | None:
    """Where a bid joins: at the best one or above it, and always below the offer."""
    if side.bid is None:
        return None
    price = side.bid + improve_ticks
    return price if side.ask is None or price < side.ask else side.ask - 1


def _lowest(side: Side, limits: Limits, style: str) -> int:
    """The lowest price that a leg may have."""
    least = max(1, -(-side.whole_ticks * limits.least_leg_bps // BASIS))
    return least if style != REST or side.bid is None else max(least, side.bid - limits.step_back_ticks)


def _cost(sides: tuple[Side, Side], takes: tuple[bool, bool], prices: list[int], lots: int) -> int | None:
    """Prices times sizes, and the fee of each leg that takes; None while a fee is unknown."""
    total = 0
    for side, taken, price in zip(sides, takes, prices, strict=True):
        total += price * side.tick * lots * side.lot
        if taken:
            fee = side.taker_fee(price, lots)
            if fee is None:
                return None
            total += fee
    return total
