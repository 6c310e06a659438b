"""
The venue: all markets on one clock, and the frames that a subscriber to all of them would be sent.

Activity is heavy-tailed: the market of rank r is as busy as 1/r. Some markets run towards an end of the price range and
get a finer grid there; one or two are short-lived and are settled.
"""

from bisect import bisect_right
from itertools import accumulate
from typing import Final, NamedTuple, final

from scenarios.sample.book import Book
from scenarios.sample.chance import Chance
from scenarios.sample.frames import Face, Speaker, face_of
from scenarios.sample.market import COARSE, FINE, Change, Character, SampleMarket, Trade

FRAMES_IN_8_EVENTS: Final = 13
"""Roughly: what the pace of drifting markets and the lives of short ones are reckoned with."""

_GAP_MS: Final = 9
_LULL_MS: Final = 700
_NEW_MARKET: Final = 3000  # events between two announcements, on average
_TITLES: Final = (
    "Will the made-up event {} happen by December 31?",
    "Sample match {}: home win?",
    "Sample asset {} up?",
)
_OUTCOMES: Final = (("Yes", "No"), ("Yes", "No"), ("Up", "Down"))


@final
class Participant:
    """One market with its voice, and when it will be settled (in events of the whole venue; 0: never)."""

    def __init__(self, market: SampleMarket, speaker: Speaker, settled_after: int) -> None:
        self.market: Final = market
        self.speaker: Final = speaker
        self.settled_after: Final = settled_after


class Role(NamedTuple):
    """What the market of one rank does: its *start* and *goal* in mills, and its *end* in percent of all events."""

    start: int
    goal: int
    end: int


# By rank of activity: runs up and is settled, runs down, is settled early, runs up late.
_ROLES: Final = {2: Role(925, 988, 0), 4: Role(85, 15, 0), 3: Role(800, 994, 45), 6: Role(300, 8, 70)}


def speaker_of(number: int, chance: Chance) -> Speaker:
    """A market's ids and names; *number* tells its category."""
    market = "0x" + chance.hex(64)
    tokens = (chance.token_id(), chance.token_id())
    kind = number % len(_TITLES)
    return Speaker(number, market, tokens, _OUTCOMES[kind], _TITLES[kind].format(number))


@final
class SampleVenue:
    """
    Every market of a sample. `now_ms` is the venue's clock.

    `next` lets one thing happen and returns the frames it is told in, all of one millisecond; with *silent*, nobody
    listens and nothing is written.
    """

    def __init__(self, seed: int, markets: int, events: int, start_ms: int) -> None:
        self.now_ms = start_ms
        self.events = 0
        self._seed: Final = seed
        self._total: Final = max(events, 1)
        self._chance: Final = Chance(seed, "venue")
        self._announced = 0
        ranks = self._chance.shuffled(range(markets))
        weights = [(1 << 20) // (rank + 1) for rank in ranks]
        share = sum(weights)
        self.participants: Final = [
            self._participant(number, rank, self._total * weights[number] // share) for number, rank in enumerate(ranks)
        ]
        self._open = list(self.participants)
        self._weights = weights
        self._limits = list(accumulate(weights))

    @property
    def speakers(self) -> list[Speaker]:
        """The voices of all markets, in the order of the catalogue."""
        return [one.speaker for one in self.participants]

    def dump(self) -> bytes:
        """The array of all books that a new subscription begins with, newline included; each at its last change."""
        books = [one.market.book.frame(token) for one in self._open for token in (0, 1)]
        return b"[" + b",".join(books) + b"]\n"

    def next(self, silent: bool = False) -> list[bytes]:
        """Let the next thing happen, at `now_ms` afterwards; returns its frames in order."""
        chance = self._chance
        self.events += 1
        if not chance.one_in(5):
            self.now_ms += 1 + (chance.waiting(_LULL_MS) if chance.one_in(500) else chance.waiting(_GAP_MS))
        at = b"%d" % self.now_ms
        if chance.one_in(_NEW_MARKET):
            return [] if silent else [self._announce(at)]
        one = self._open[bisect_right(self._limits, chance.below(self._limits[-1]))]
        if 0 < one.settled_after <= self.events and not silent:
            return [self._settle(one, at)]
        if chance.one_in(20):
            return self._burst(one, at, silent)
        before = _touch(one.market.book)
        changes, trades = one.market.next()
        return self._told(one, before, changes, trades, at, silent)

    # -- what is told ------------------------------------------------------------------------------------------------

    def _told(
        self,
        one: Participant,
        before: tuple[int, int],
        changes: list[Change],
        trades: list[Trade],
        at: bytes,
        silent: bool,
    ) -> list[bytes]:
        """Trades, the new touch, the change; after a trade both books; a new grid where the price asks for one."""
        book = one.market.book
        book.changed = at
        frames = []
        chance = self._chance
        for trade in trades:
            token = chance.below(2)
            transaction = b"" if chance.one_in(8) else b"0x" + chance.hex(64).encode()
            frame, book.last = one.speaker.last_trade_price(trade, token, transaction, at)
            frames.append(frame)
        first = chance.below(2)
        finer = one.market.wants_fine_grid()
        if not silent:
            if _touch(book) != before:
                frames += one.speaker.best_bid_ask(book, at)
            frames.append(one.speaker.price_change(changes, face_of(book), first, at))
            if trades:
                frames += self._books(book)
        if finer:
            book.tick = FINE
            if not silent:
                frames += one.speaker.tick_size_change(COARSE, FINE, at)
                frames += self._books(book)
        return [] if silent else frames

    def _burst(self, one: Participant, at: bytes, silent: bool) -> list[bytes]:
        """Several changes in one millisecond, each in its own frame; all state what holds after the last of them."""
        book = one.market.book
        before = _touch(book)
        changes = one.market.burst()
        if not changes:
            return []
        book.changed = at
        first = self._chance.below(2)
        if silent:
            return []
        face: Face = face_of(book)
        frames = one.speaker.best_bid_ask(book, at) if _touch(book) != before else []
        frames += [one.speaker.price_change([change], face, first, at) for change in changes]
        return frames

    def _books(self, book: Book) -> list[bytes]:
        return [book.frame(0), book.frame(1)]

    def _settle(self, one: Participant, at: bytes) -> bytes:
        place = self._open.index(one)
        del self._open[place], self._weights[place]
        self._limits = list(accumulate(self._weights))
        winner = 0 if one.market.fair > 500_000 else 1
        return one.speaker.market_resolved(winner, at)

    def _announce(self, at: bytes) -> bytes:
        self._announced += 1
        number = len(self.participants) + self._announced
        return speaker_of(number, Chance(self._seed, f"new market {number}")).new_market(at)

    # -- how markets begin -------------------------------------------------------------------------------------------

    def _participant(self, number: int, rank: int, events: int) -> Participant:
        chance = Chance(self._seed, f"market {number}")
        speaker = speaker_of(number + 1, chance)
        role = _ROLES.get(rank, Role(chance.between(120, 880), 0, 0))
        pull = 0
        if role.goal:  # there after a fifth of the market's events, or of its life
            pull = max(1, events * (role.end or 100) // 1500)
        restless = chance.between(200, 1800)
        last = b"0.%03d" % (role.start // COARSE * COARSE)
        changed = b"%d" % (self.now_ms - 1 - chance.waiting(30_000))
        book = Book(speaker.market, speaker.tokens, COARSE, last, changed)
        character = Character(role.start, role.goal, pull, restless)
        return Participant(SampleMarket(book, character, chance), speaker, self._total * role.end // 100)


def _touch(book: Book) -> tuple[int, int]:
    return book.bids.best(), book.asks.best()
