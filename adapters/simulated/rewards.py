"""
Liquidity rewards as the venue samples and pays them; the formula itself is `engine.kernel.rewards`.

Once a minute, at an instant drawn for that minute, every market in which an order of ours rests is scored: our orders
that are large and old enough against the rest of the book. A day (UTC) has 1,440 samples. Each that anybody scored in
is one equal part of the day's pool, and our share of it is ours; minutes we did not look at count as the others'. How a
book divides among its makers is not public, so the others are taken to score the most they can: what is paid here is
the least that the venue would have paid, as far as the book can tell.
"""

from typing import Final, final

from mypy_extensions import i64

from adapters.simulated.book import VenueBook
from adapters.simulated.rebates import DAY_NS, Payment
from adapters.simulated.resting import Pit
from engine.kernel.market import Market
from engine.kernel.record import NONE
from engine.kernel.rewards import (
    SHARE,
    Quote,
    book_score,
    in_band,
    joined,
    least,
    midpoint2,
    others_at_most,
    quote_score,
    share,
    terms_of,
)
from engine.kernel.rng import Draws
from engine.kernel.units import ASK, BID, LARGEST

MINUTE_NS: Final[i64] = 60_000_000_000
SAMPLES_A_DAY: Final[i64] = 1_440


@final
class Tally:
    """One market's day so far: the sum of our shares, samples we stood in, and those in which nobody scored."""

    def __init__(self, market: Market) -> None:
        self.market: Final[Market] = market
        self.shares: int = 0
        self.samples: i64 = 0
        self.idle: i64 = 0

    def earned(self) -> i64:
        """What the day's pool owes us for it, in size units of the currency, rounded down."""
        counted = int(SAMPLES_A_DAY - self.idle)
        rate = self.market.listing.reward_rate  # of a catalogue that may have been corrected since
        if rate <= 0 or counted == 0:
            return 0
        return i64(int(rate) * self.shares // (counted * SHARE))


@final
class Rewards:
    """Samples our orders minute by minute, and says at the end of a day what they earned."""

    def __init__(self, seed: i64) -> None:
        self._draws: Final[Draws] = Draws(seed, "rewards")
        self._tallies: dict[int, Tally] = {}  # by market
        self._minute: i64 = NONE  # the one to be sampled next
        self._at_ns: i64 = NONE
        self._last: i64 = -1  # the market of this sample that was scored last
        self._day: i64 = NONE
        self.told: list[tuple[int, int, int, int]] | None = None
        """(market, when, our score, the others'), in thirds of a point: kept for who gives a list, and empties it."""

    # -- when --------------------------------------------------------------------------------------------------------

    def wake(self, market: Market, now_ns: i64) -> bool:
        """An order of ours is about to enter *market*: sample from now on, if it pays rewards; whether that is new."""
        if self._at_ns != NONE or not _pays(market):
            return False
        self._after(now_ns)
        return True

    def next_ns(self) -> i64:
        """When the next sample is taken, or the day ends for which something is owed; NONE while neither matters."""
        if self._tallies:
            end = (self._day + 1) * DAY_NS
            if self._at_ns == NONE or end <= self._at_ns:
                return end
        return self._at_ns

    def ends_day(self, now_ns: i64) -> bool:
        """Whether a day ends at *now_ns* for which something may be owed."""
        return len(self._tallies) > 0 and (self._day + 1) * DAY_NS <= now_ns

    def _after(self, now_ns: i64) -> None:
        """The first sample after *now_ns*: in this minute if its instant is still to come."""
        minute = now_ns // MINUTE_NS
        at_ns = self._instant(minute)
        if at_ns <= now_ns:
            minute += 1
            at_ns = self._instant(minute)
        self._minute = minute
        self._at_ns = at_ns

    def _instant(self, minute: i64) -> i64:
        return minute * MINUTE_NS + self._draws.below(minute, 0, MINUTE_NS)

    # -- what --------------------------------------------------------------------------------------------------------

    def turn(self, pits: list[Pit]) -> i64:
        """The market to be scored next in this sample, -1 when none is left."""
        at = self._last + 1
        while at < i64(len(pits)):
            pit = pits[at]
            if (pit.bid is not None or pit.ask is not None) and _pays(pit.market):
                return at
            at += 1
        return -1

    def sample(self, pits: list[Pit], book: VenueBook, now_ns: i64) -> None:
        """
        Score the market whose *book* this is, if it is its turn; after the last one wait for the next minute.

        An order may have ended in the very instant of the sample, so that another market's turn has come: its book is
        asked for again.
        """
        number = self.turn(pits)
        if number >= 0:
            if book.market is not pits[number].market:
                return
            if book.ready():
                self._score(pits[number], book, now_ns)
            self._last = number
            if self.turn(pits) >= 0:
                return
        self._last = -1
        self._at_ns = NONE
        if self.turn(pits) >= 0:
            self._minute += 1
            self._at_ns = self._instant(self._minute)

    def _score(self, pit: Pit, book: VenueBook, now_ns: i64) -> None:
        market = pit.market
        terms = terms_of(market.listing)
        assert terms is not None
        quotes = _quotes(pit, terms.age_ns, now_ns)
        bids = book.levels(BID, LARGEST)
        asks = book.levels(ASK, LARGEST)
        tally = self._tally(market, now_ns)
        min_size = int(terms.min_size)
        middle2 = midpoint2(joined(bids, quotes, BID), joined(asks, quotes, ASK), min_size)
        tally.samples += 1
        if middle2 == NONE:
            tally.idle += 1
            if self.told is not None:
                self.told.append((int(market.number), int(now_ns), 0, 0))
            return
        banded = in_band(middle2, terms.scale)
        ours = least(quote_score(terms, middle2, quotes), banded)
        others = others_at_most(book_score(terms, middle2, bids, asks), banded)
        if self.told is not None:
            self.told.append((int(market.number), int(now_ns), ours, others))
        if ours + others == 0:
            tally.idle += 1
        tally.shares += share(ours, others)

    def _tally(self, market: Market, now_ns: i64) -> Tally:
        if not self._tallies:
            self._day = now_ns // DAY_NS
        found = self._tallies.get(int(market.number))
        if found is None:
            found = Tally(market)
            self._tallies[int(market.number)] = found
        return found

    # -- how much ----------------------------------------------------------------------------------------------------

    def owed(self) -> list[Payment]:
        """What the day has come to so far, market by market."""
        return [
            Payment(self._tallies[number].market.first_instrument, self._tallies[number].earned())
            for number in sorted(self._tallies)
        ]

    def tallies(self) -> list[Tally]:
        """The day so far, market by market."""
        return [self._tallies[number] for number in sorted(self._tallies)]

    def close(self) -> None:
        """The day is over: what it came to was paid, or was too little."""
        self._tallies = {}


def _pays(market: Market) -> bool:
    """Whether quotes in *market* are rewarded; a pool that the catalogue does not state is none."""
    return market.listing.reward_spread > 0 and market.listing.reward_rate > 0


def _quotes(pit: Pit, age_ns: i64, now_ns: i64) -> list[Quote]:
    """Our orders that have rested long enough, in the first outcome's terms."""
    found: list[Quote] = []
    for side in (BID, ASK):
        for order in pit.orders(side):
            if now_ns - order.since_ns >= age_ns:
                found.append((int(order.side), int(order.price), int(order.left())))
    return found
