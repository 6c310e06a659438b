"""
Polymarket's liquidity rewards: what a quote scores, in exact integers.

The published formula, for one sample of one market (`docs/explanation/simulated-money.md` says where it is from):

    S(v, s) = ((v - s) / v) ** 2 * b      v the widest spread, s the distance from the adjusted midpoint
    Q_one   = sum of S * size over bids on the first outcome and asks on the second
    Q_two   = sum of S * size over asks on the first outcome and bids on the second
    Q_min   = max(min(Q_one, Q_two), Q_one / c, Q_two / c)  with c = 3, midpoint in [0.10, 0.90]
            = min(Q_one, Q_two)                             outside

Both outcomes are one book seen from two sides, so that Q_one are its bids and Q_two its asks; seen from the other side
they change places, and Q_min stays. The midpoint lies on a half price unit: counted in halves, a size unit at distance
s scores (2v - 2s)**2 *points* of 1 / (2v)**2. `least` counts in thirds of a point, so that Q / c is whole. Nothing is
rounded before `share`, and neither the units nor b matter there: they are every maker's alike.

A strategy may call all of this: pure functions of integers, prices in price units and sizes in size units, levels and
quotes those of one outcome. `InstrumentView.rewards` gives the terms.
"""

from typing import Final, final

from mypy_extensions import i64

from engine.kernel.events import Listing
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID, BUY

C: Final[i64] = 3
"""The published c: what a quote on one side only is divided by."""
BAND_PERCENT: Final[i64] = 10
"""One side is enough only while the midpoint is this far from 0 and from 1."""
SHARE: Final = 10**18
"""A share of a sample's rewards is counted in 1e-18, rounded down."""

Level = tuple[int, int]
"""(price, size) of a book's level."""
Quote = tuple[int, int, int]
"""(side, price, size) of an order: BUY or SELL."""


@final
class RewardTerms:
    """
    What a market asks of quotes that it rewards.

    Orders of at least *min_size* within *spread* of the midpoint score, once they have rested for *age_ns*. *rate* is
    paid a day to all makers together, in size units of the settlement currency, NONE where the catalogue does not say.
    *scale* is the price 1.
    """

    def __init__(self, spread: i64, min_size: i64, rate: i64, age_ns: i64, scale: i64) -> None:
        self.spread: Final[i64] = spread
        self.min_size: Final[i64] = min_size
        self.rate: Final[i64] = rate
        self.age_ns: Final[i64] = age_ns
        self.scale: Final[i64] = scale


def terms_of(listing: Listing) -> RewardTerms | None:
    """The terms of *listing*, None where no quote can score."""
    if listing.reward_spread <= 0:
        return None
    scale = i64(10 ** int(listing.price_exponent))
    return RewardTerms(
        listing.reward_spread, listing.reward_min_size, listing.reward_rate, listing.reward_age_ns, scale
    )


@final
class Score:
    """Points of one maker, or of a whole book: *one* bids, *two* asks."""

    def __init__(self, one: int, two: int) -> None:
        self.one: Final[int] = one
        self.two: Final[int] = two


@final
class Estimate:
    """
    What quotes would earn in each sample, as a share of the market's rewards in units of 1 / SHARE.

    *points* is three times their Q_min; *low* takes the others to score the most they can, *high* the least.
    """

    def __init__(self, points: int, low: int, high: int) -> None:
        self.points: Final[int] = points
        self.low: Final[int] = low
        self.high: Final[int] = high


def points(terms: RewardTerms, middle2: int, price: int, size: int) -> int:
    """The points of *size* resting at *price*: (2v - 2s)**2 * size, 0 for one too small or at s >= v."""
    if size < int(terms.min_size):
        return 0
    left = 2 * int(terms.spread) - abs(2 * price - middle2)
    return left * left * size if left > 0 else 0


def midpoint2(bids: list[Level], asks: list[Level], min_size: int) -> i64:
    """
    Twice the size-cutoff-adjusted midpoint, NONE while a side has no level of *min_size*.

    Levels, best first; smaller ones are passed over. A level's whole size counts, as only that is public.
    """
    bid = _first(bids, min_size)
    ask = _first(asks, min_size)
    return NONE if bid == NONE or ask == NONE else bid + ask


def _first(levels: list[Level], min_size: int) -> i64:
    for price, size in levels:
        if size >= min_size:
            return i64(price)
    return NONE


def in_band(middle2: i64, scale: i64) -> bool:
    """Whether the midpoint lies in [0.10, 0.90]."""
    return 2 * scale * BAND_PERCENT <= 100 * middle2 <= 2 * scale * (100 - BAND_PERCENT)


def least(score: Score, banded: bool) -> int:
    """Three times Q_min."""
    low, high = _ordered(score)
    if banded and high > int(C) * low:
        return high
    return int(C) * low


def others_at_most(score: Score, banded: bool) -> int:
    """
    Three times the most that makers with *score* between them can be worth together.

    How a book divides among its makers is not public. Their Q_min sum up highest when each quotes either both sides
    equally or one side only: the smaller sum paired off, the rest at a third.
    """
    low, high = _ordered(score)
    return int(C) * low + (high - low) if banded else int(C) * low


def others_at_least(score: Score, banded: bool) -> int:
    """
    Three times the least they can be worth together, rounded down.

    Outside the band each may quote one side only and be worth nothing; within it they are worth least when each has
    three times as much on one side as on the other, or one side alone.
    """
    if not banded:
        return 0
    low, high = _ordered(score)
    return high if high >= int(C) * low else int(C) * (low + high) // 4


def _ordered(score: Score) -> tuple[int, int]:
    return (score.one, score.two) if score.one < score.two else (score.two, score.one)


def share(ours: int, others: int) -> int:
    """*ours* of *ours* and *others* together, in units of 1 / SHARE, rounded down; 0 where nobody scores."""
    total = ours + others
    return 0 if total == 0 else ours * SHARE // total


def book_score(terms: RewardTerms, middle2: i64, bids: list[Level], asks: list[Level]) -> Score:
    """
    What a whole book scores: all makers, as far as they can be seen.

    Levels below the minimum size do not count; of larger ones every order is taken to be large and old enough.
    """
    middle = int(middle2)
    one = 0
    for price, size in bids:
        one += points(terms, middle, price, size)
    two = 0
    for price, size in asks:
        two += points(terms, middle, price, size)
    return Score(one, two)


def quote_score(terms: RewardTerms, middle2: i64, quotes: list[Quote]) -> Score:
    """What orders of one maker score."""
    middle = int(middle2)
    one = 0
    two = 0
    for side, price, size in quotes:
        if side == BUY:
            one += points(terms, middle, price, size)
        else:
            two += points(terms, middle, price, size)
    return Score(one, two)


def estimate(terms: RewardTerms, bids: list[Level], asks: list[Level], quotes: list[Quote]) -> Estimate:
    """
    What *quotes* would earn if they rested in this book, which is taken to be the others' alone.

    They move the midpoint as the venue would have them do. All zero while there is no midpoint.
    """
    min_size = int(terms.min_size)
    middle2 = midpoint2(joined(bids, quotes, BID), joined(asks, quotes, ASK), min_size)
    if middle2 == NONE:
        return Estimate(0, 0, 0)
    banded = in_band(middle2, terms.scale)
    gained = least(quote_score(terms, middle2, quotes), banded)
    theirs = book_score(terms, middle2, bids, asks)
    return Estimate(
        gained, share(gained, others_at_most(theirs, banded)), share(gained, others_at_least(theirs, banded))
    )


def joined(levels: list[Level], quotes: list[Quote], side: int) -> list[Level]:
    """*levels*, best first, with those of *quotes* that stand on *side* added to them."""
    mine = [(price, size) for quoted, price, size in quotes if quoted == side]
    if not mine:
        return levels
    held = dict(levels)
    for price, size in mine:
        held[price] = held.get(price, 0) + size
    prices = sorted(held, reverse=side == BID)
    return [(price, held[price]) for price in prices]
