"""
Fair price and quotes: what a maker of markets would like to have resting, as pure functions of what it sees.

Prices between ticks count in *parts*, thousandths of a tick. Everything is about the first outcome of one binary
market: an offer of it without inventory is a bid for the other one, so both outcomes are quoted. Their books are one
book, of which the complement's side is the mirror: its levels and trades are in these figures already.
"""

from typing import Final, NamedTuple

from engine.strategies.maker_parameters import MakerParameters

PARTS: Final = 1000
"""Parts of a tick."""


class Situation(NamedTuple):
    """
    All that quotes of one market depend on.

    *middle* is the midpoint in parts that the venue rewards around: that of levels of the rewards' least size.
    *reward_spread* is the widest distance from it that scores, in parts, 0 where nothing does; *reward_lots* the least
    size that does. *held* is the net position in lots. *trade* is where trades were of late, in parts, and
    *trade_percent* how much that still counts. *widen* and *nearer* move both quotes away from the fair price, and
    towards it, in parts.
    """

    whole_ticks: int
    bid: int
    bid_lots: int
    ask: int
    ask_lots: int
    middle: int
    reward_spread: int
    reward_lots: int
    least_lots: int
    held: int
    trade: int = 0
    trade_percent: int = 0
    widen: int = 0
    nearer: int = 0


class Quote(NamedTuple):
    """
    One order that is wanted, and what would do as well.

    A resting one from *low_ticks* to *high_ticks* with *low_lots* to *high_lots* left is as good as it.
    """

    price_ticks: int
    lots: int
    low_ticks: int
    high_ticks: int
    low_lots: int
    high_lots: int


Quotes = tuple[Quote | None, Quote | None]
"""A bid and an offer."""

NOTHING: Final[Quotes] = (None, None)


def fair_price(seen: Situation, rules: MakerParameters) -> int:
    """
    What the first outcome is worth, in parts: within the touch, both ends included.

    The midpoint, moved *lean_percent* of the way to the weighted mid (the microprice of Stoikov 2018 with an adjustment
    that is linear in the imbalance; at 100 it is the weighted mid), then towards where trades were.
    """
    bid, ask = seen.bid, seen.ask
    fair = (bid + ask) * PARTS // 2
    total = seen.bid_lots + seen.ask_lots
    if total > 0:
        weighted = (bid * seen.ask_lots + ask * seen.bid_lots) * PARTS // total
        fair += (weighted - fair) * rules.lean_percent // 100
    if seen.trade_percent > 0:
        trade = min(max(seen.trade, bid * PARTS), ask * PARTS)
        fair += (trade - fair) * seen.trade_percent // 100
    return fair


def desired_quotes(seen: Situation, rules: MakerParameters) -> Quotes:
    """
    The quotes to have in this situation, each legal by itself and both together, or None for no quote on that side.

    A bid stays below the best offer, at most *improve_ticks* above the best bid, *least_edge* below the fair price, in
    the band of prices, and where liquidity is rewarded within *reach_percent* of the rewarded distance. It is at least
    as large as the venue and the rewards ask, and never larger than what keeps the position in its bounds. So is an
    offer, on its side.
    """
    whole = seen.whole_ticks
    lowest = rules.min_price_mills * whole
    highest = rules.max_price_mills * whole
    if not lowest <= seen.middle <= highest or (seen.ask - seen.bid) * PARTS > rules.max_spread_mills * whole:
        return NOTHING
    spread = seen.reward_spread
    if spread <= 0 and rules.rewarded_only:
        return NOTHING
    fair = fair_price(seen, rules)
    edge = max(rules.least_edge_mills * whole + seen.widen, 1)  # so that a bid of ours never meets our offer
    away = max(rules.half_spread_mills * whole + seen.widen - seen.nearer, edge)
    centre = fair - rules.skew_mills * whole * seen.held // rules.max_position_lots
    zone = rules.zone_mills * whole
    low = bid_far = -(-max(lowest, PARTS) // PARTS)
    high = ask_far = min(highest, (whole - 1) * PARTS) // PARTS
    if spread > 0:
        reach = spread * rules.reach_percent // 100
        bid_far = max(low, -((reach - seen.middle) // PARTS))
        ask_far = min(high, (seen.middle + reach) // PARTS)
        # A score of 0 is where the distance is the whole spread: a resting order has to be nearer than that.
        low = max(low, (seen.middle - spread) // PARTS + 1)
        high = min(high, -((-seen.middle - spread) // PARTS) - 1)
    bid_most = min(high, seen.ask - 1, (fair - 1) // PARTS)
    ask_least = max(low, seen.bid + 1, fair // PARTS + 1)
    return (
        _bid(seen, rules, (centre - away, fair - edge, bid_far, low, bid_most, zone)),
        _ask(seen, rules, (centre + away, fair + edge, ask_far, ask_least, high, zone)),
    )


_Limits = tuple[int, int, int, int, int, int]
"""
The ideal price and the nearest to the fair one, in parts; the farthest tick to quote at; the lowest and the highest one
at which an order may rest; the zone in parts.
"""


def _bid(seen: Situation, rules: MakerParameters, limits: _Limits) -> Quote | None:
    ideal, nearest, far, lowest, highest, zone = limits
    cap = min(nearest // PARTS, highest, seen.bid + rules.improve_ticks)
    room = rules.max_position_lots - seen.held
    lots, least = _size(seen, rules, room)
    if cap < far or lots < least:
        return None
    price = min(max(ideal // PARTS, far), cap)
    soft = min((min(ideal, nearest) + zone) // PARTS, seen.bid + rules.improve_ticks - (-zone // PARTS))
    low = max(lowest, min(price, (ideal - zone) // PARTS))
    return Quote(price, lots, low, min(highest, max(price, soft)), least, room)


def _ask(seen: Situation, rules: MakerParameters, limits: _Limits) -> Quote | None:
    ideal, nearest, far, lowest, highest, zone = limits
    cap = max(-(-nearest // PARTS), lowest, seen.ask - rules.improve_ticks)
    room = rules.max_position_lots + seen.held
    lots, least = _size(seen, rules, room)
    if cap > far or lots < least:
        return None
    price = max(min(-(-ideal // PARTS), far), cap)
    soft = max(-((zone - max(ideal, nearest)) // PARTS), seen.ask - rules.improve_ticks + (-zone // PARTS))
    high = min(highest, max(price, -(-(ideal + zone) // PARTS)))
    return Quote(price, lots, max(lowest, min(price, soft)), high, least, room)


def _size(seen: Situation, rules: MakerParameters, room: int) -> tuple[int, int]:
    """What to quote where there is *room* for so many lots, and the least that makes sense; in whole steps."""
    step = rules.step_lots
    least = max(seen.least_lots, seen.reward_lots if seen.reward_spread > 0 else 0, 1)
    least = -(-least // step) * step
    return min(max(rules.size_lots // step * step, least), room // step * step), least
