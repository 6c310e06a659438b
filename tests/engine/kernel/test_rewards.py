"""Liquidity rewards against the published formula, written down once more in fractions."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from trading_room import binary

from engine.kernel.record import NONE
from engine.kernel.rewards import (
    SHARE,
    RewardTerms,
    Score,
    book_score,
    estimate,
    in_band,
    joined,
    least,
    midpoint2,
    others_at_least,
    others_at_most,
    quote_score,
    share,
    terms_of,
)
from engine.kernel.units import ASK, BID, BUY, SELL

ONE = 10_000
SHARES = 10**6

SIZES = st.integers(0, 400 * SHARES)
SPREADS = st.integers(1, 600)


@st.composite
def books(draw):
    """(bids, asks), best first, uncrossed, on a grid of 0.01 or 0.001; a side may be empty."""
    tick = draw(st.sampled_from([10, 100]))
    middle = draw(st.integers(1, ONE // tick - 2))
    below = draw(st.lists(st.integers(max(1, middle - 40), middle), unique=True, max_size=8))
    above = draw(st.lists(st.integers(middle + 1, min(ONE // tick - 1, middle + 40)), unique=True, max_size=8))
    bids = [(tick * at, draw(SIZES)) for at in sorted(below, reverse=True)]
    return bids, [(tick * at, draw(SIZES)) for at in sorted(above)]


QUOTES = st.lists(
    st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 9_999), st.integers(1, 500 * SHARES)), max_size=6
)
SCORES = st.tuples(st.integers(0, 10**24), st.integers(0, 10**24))


def terms(spread=300, min_size=20 * SHARES):
    return RewardTerms(spread, min_size, 0, 0, ONE)


class Sheet:
    """The formula as the venue's sheet has it: prices and sizes in whole units, makers by name, no integers."""

    def __init__(self, spread, min_size):
        self.v, self.min_size = Fraction(spread, ONE), Fraction(min_size, SHARES)

    def midpoint(self, bids, asks):
        bids = [p for p, size in bids if size >= self.min_size]
        asks = [p for p, size in asks if size >= self.min_size]
        return (max(bids) + min(asks)) / 2 if bids and asks else None

    def s(self, distance, b=1):
        return ((self.v - distance) / self.v) ** 2 * b if distance <= self.v else Fraction(0)

    def q(self, orders, midpoint, b=1):
        """Orders (side, outcome, price, size); outcome 1 is the complement."""
        sums = [Fraction(0), Fraction(0)]
        for side, outcome, price, size in orders:
            if size >= self.min_size:
                there = midpoint if outcome == 0 else 1 - midpoint
                one = (side == BUY) == (outcome == 0)
                sums[0 if one else 1] += self.s(abs(price - there), b) * size
        return sums

    def q_min(self, one, two, midpoint, c=3):
        if Fraction(1, 10) <= midpoint <= Fraction(9, 10):
            return max(min(one, two), one / c, two / c)
        return min(one, two)

    def normal(self, makers, midpoint, b=1):
        """Each maker's share of one sample."""
        found = [self.q_min(*self.q(orders, midpoint, b), midpoint) for orders in makers]
        return [one / sum(found) if sum(found) else Fraction(0) for one in found]


def whole(levels):
    return [(Fraction(price, ONE), Fraction(size, SHARES)) for price, size in levels]


@given(books(), SPREADS, st.integers(0, 100 * SHARES), QUOTES, st.lists(st.booleans(), min_size=6, max_size=6))
def test_points_are_the_published_score_and_shares_agree_to_one_in_ten_to_the_eighteenth(
    book, spread, min_size, quotes, on_complement
):
    bids, asks = book
    middle2 = midpoint2(bids, asks, min_size)
    sheet = Sheet(spread, min_size)
    midpoint = sheet.midpoint(whole(bids), whole(asks))
    if midpoint is None:
        assert middle2 == NONE
        return
    ours = []
    for (side, price, size), other in zip(quotes, on_complement, strict=False):
        p, n = Fraction(price, ONE), Fraction(size, SHARES)
        ours.append((1 - side, 1, 1 - p, n) if other else (side, 0, p, n))
    theirs = [(BUY, 0, p, n) for p, n in whole(bids)] + [(SELL, 0, p, n) for p, n in whole(asks)]
    banded = in_band(middle2, ONE)
    mine = quote_score(terms(spread, min_size), middle2, quotes)
    book_points = book_score(terms(spread, min_size), middle2, bids, asks)
    unit = 3 * (2 * spread) ** 2 * SHARES
    shares = sheet.normal([ours, theirs], midpoint, b=7)

    assert Fraction(int(middle2), 2 * ONE) == midpoint
    assert Fraction(least(mine, banded), unit) == sheet.q_min(*sheet.q(ours, midpoint), midpoint)
    found = share(least(mine, banded), least(book_points, banded))
    assert 0 <= shares[0] - Fraction(found, SHARE) < Fraction(1, SHARE)


@given(st.lists(SCORES, min_size=1, max_size=5), st.booleans())
def test_however_a_book_divides_among_its_makers_they_score_between_the_two_bounds(makers, banded):
    together = sum(least(Score(*one), banded) for one in makers)
    total = Score(sum(one for one, _ in makers), sum(two for _, two in makers))

    assert others_at_least(total, banded) <= together <= others_at_most(total, banded)


@given(st.integers(0, 10**20), st.integers(0, 10**20))
def test_both_bounds_are_reached_by_some_makers(low, more):
    high = low + more

    paired = [Score(low, low), Score(more, 0)]
    assert sum(least(one, True) for one in paired) == others_at_most(Score(high, low), True)
    assert sum(least(one, False) for one in paired) == others_at_most(Score(low, high), False)
    assert sum(least(one, False) for one in (Score(high, 0), Score(0, low))) == others_at_least(Score(low, high), False)
    skewed = [Score(3 * low, low), Score(high, 3 * high)]
    total = Score(3 * low + high, low + 3 * high)
    assert sum(least(one, True) for one in skewed) == others_at_least(total, True)


def test_a_quote_at_the_midpoint_scores_its_size_and_one_at_the_widest_spread_nothing():
    at = quote_score(terms(), 2 * 5_000, [(BUY, 5_000, 100 * SHARES)])
    half = quote_score(terms(), 2 * 5_000, [(BUY, 4_850, 100 * SHARES)])
    edge = quote_score(terms(), 2 * 5_000, [(BUY, 4_700, 100 * SHARES), (SELL, 5_301, 100 * SHARES)])

    assert (at.one, at.two) == (600**2 * 100 * SHARES, 0)
    assert 4 * half.one == at.one
    assert (edge.one, edge.two) == (0, 0)


def test_a_quote_below_the_minimum_size_scores_nothing_and_does_not_make_a_midpoint():
    small = [(BUY, 5_000, 20 * SHARES - 1)]

    assert quote_score(terms(), 2 * 5_000, small).one == 0
    assert midpoint2([(5_000, 19 * SHARES), (4_900, 20 * SHARES)], [(5_100, 20 * SHARES)], 20 * SHARES) == 10_000
    assert midpoint2([(5_000, 19 * SHARES)], [(5_100, 20 * SHARES)], 20 * SHARES) == NONE


def test_one_side_is_worth_a_third_within_the_band_and_nothing_outside():
    assert (in_band(2 * 1_000, ONE), in_band(2 * 9_000, ONE)) == (True, True)
    assert (in_band(2 * 1_000 - 1, ONE), in_band(2 * 9_000 + 1, ONE)) == (False, False)
    assert (least(Score(9, 0), True), least(Score(9, 0), False)) == (9, 0)
    assert (least(Score(9, 9), True), least(Score(9, 9), False)) == (27, 27)


@given(books(), QUOTES)
def test_an_estimate_brackets_what_one_maker_of_the_whole_book_would_leave(book, quotes):
    bids, asks = book
    found = estimate(terms(), bids, asks, quotes)
    middle2 = midpoint2(joined(bids, quotes, BID), joined(asks, quotes, ASK), 20 * SHARES)
    if middle2 == NONE:
        assert (found.points, found.low, found.high) == (0, 0, 0)
        return
    banded = in_band(middle2, ONE)
    alone = share(found.points, least(book_score(terms(), middle2, bids, asks), banded))

    assert found.points == least(quote_score(terms(), middle2, quotes), banded)
    assert 0 <= found.low <= alone <= found.high <= SHARE


def test_a_quote_joins_the_level_it_stands_on():
    assert joined([(50, 1), (40, 2)], [(BUY, 45, 3), (SELL, 60, 4), (BUY, 40, 5)], BID) == [(50, 1), (45, 3), (40, 7)]
    assert joined([(60, 1)], [(SELL, 55, 3)], ASK) == [(55, 3), (60, 1)]
    assert joined([(60, 1)], [(BUY, 55, 3)], ASK) == [(60, 1)]


def test_only_a_market_that_names_a_spread_has_terms():
    found = terms_of(binary(reward_spread=450, reward_min_size=50 * SHARES, reward_rate=7, reward_age_ns=9))

    assert terms_of(binary()) is None
    assert found is not None
    assert (found.spread, found.min_size, found.rate, found.age_ns, found.scale) == (450, 50 * SHARES, 7, 9, ONE)
    assert share(0, 0) == 0
