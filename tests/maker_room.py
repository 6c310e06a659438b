"""Books, parameters and own orders for tests of the rewards maker, from anything that picks whole numbers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from random import Random
from typing import Any

from attrs import define, field
from hypothesis import strategies as st

from engine.kernel.strategy import Cancel, Place
from engine.strategies.maker_parameters import MakerParameters
from engine.strategies.order_manager import Live
from engine.strategies.quoting import NOTHING, PARTS, Quotes, Situation, fair_price
from journal.importer.writing import ImportWriter
from replay.run import StrategySource
from replay.strategies import module_of
from scenarios.sample.book import Book
from scenarios.sample.chance import Chance
from scenarios.sample.recording import START_NS, Input, Recorder, Sample
from scenarios.sample.venue import speaker_of

M = 1_000_000
RULES = MakerParameters(size_lots=60 * M, max_position_lots=200 * M)
SEEN = Situation(
    whole_ticks=100,
    bid=48,
    bid_lots=300 * M,
    ask=52,
    ask_lots=300 * M,
    middle=50_000,
    reward_spread=4_500,
    reward_lots=50 * M,
    least_lots=5 * M,
    held=0,
)
"""A book of 0.48 and 0.52 on the coarse grid that rewards 50 shares within 4.5 cents."""

Pick = Callable[[int, int], int]
"""Any whole number from the first to the second."""


def drawn(data: st.DataObject) -> Pick:
    """Picks that Hypothesis makes, one by one: slow, and made small when something fails."""
    return lambda least, most: data.draw(st.integers(least, most))


def random(seed: int) -> Pick:
    """Picks that follow from one *seed*: a hundred times as fast."""
    return Random(seed).randint


def parameters(pick: Pick) -> MakerParameters:
    """Any parameters of prices and sizes."""
    low = pick(0, 400)
    return MakerParameters(
        size_lots=pick(1, 300 * M),
        max_position_lots=pick(1, 500 * M),
        step_lots=(1, 7, 10_000, M)[pick(0, 3)],
        half_spread_mills=pick(0, 80),
        least_edge_mills=pick(0, 30),
        skew_mills=pick(0, 60),
        improve_ticks=pick(0, 5),
        reach_percent=pick(0, 99),
        lean_percent=pick(0, 100),
        rewarded_only=pick(0, 1) == 1,
        min_price_mills=low,
        max_price_mills=pick(low + 1, 999),
        max_spread_mills=pick(0, 400),
        zone_mills=pick(0, 40),
    )


def situation(pick: Pick) -> Situation:
    """Any uncrossed book, position and terms, on the coarse grid and on the finer ones."""
    whole = (100, 1000, 10_000)[pick(0, 2)]
    bid = pick(1, whole - 2)
    ask = pick(bid + 1, min(bid + whole // 8 + 1, whole - 1))
    spread = pick(0, 1) * pick(1, whole * 100)
    return Situation(
        whole_ticks=whole,
        bid=bid,
        bid_lots=pick(1, 1000 * M),
        ask=ask,
        ask_lots=pick(1, 1000 * M),
        middle=(bid + ask) * PARTS // 2 + (0, 0, -500, 500, -3000, 3000)[pick(0, 5)],
        reward_spread=spread,
        reward_lots=pick(0, 200 * M) if spread else 0,
        least_lots=(1, 5 * M)[pick(0, 1)],
        held=pick(-500 * M, 500 * M),
        trade=pick(0, whole * PARTS),
        trade_percent=pick(0, 100),
        widen=pick(0, 3 * PARTS),
        nearer=pick(0, 3 * PARTS),
    )


def orders(pick: Pick, near: int, lots: int) -> list[Live]:
    """Up to four own orders about a price and a size."""
    return [Live(near + pick(-4, 4), max(1, lots * pick(1, 12) // 10)) for _ in range(pick(0, 4))]


def assert_legal(seen: Situation, rules: MakerParameters, quotes: Quotes) -> None:
    """What the venue, its rewards, the band and the bounds ask of quotes, in other words than the code's."""
    bid, ask = quotes
    fair = fair_price(seen, rules)
    for quote, toward, touch in ((bid, 1, seen.bid), (ask, -1, seen.ask)):
        if quote is None:
            continue
        assert quote.low_ticks <= quote.price_ticks <= quote.high_ticks
        for price in (quote.low_ticks, quote.price_ticks, quote.high_ticks):
            assert 1 <= price <= seen.whole_ticks - 1
            assert rules.min_price_mills * seen.whole_ticks <= price * PARTS <= rules.max_price_mills * seen.whole_ticks
            assert price < seen.ask if toward > 0 else price > seen.bid  # it rests
            assert (fair - price * PARTS) * toward > 0
            if seen.reward_spread:
                assert abs(price * PARTS - seen.middle) < seen.reward_spread  # it scores
        assert (fair - quote.price_ticks * PARTS) * toward >= rules.least_edge_mills * seen.whole_ticks + seen.widen
        assert (quote.price_ticks - touch) * toward <= rules.improve_ticks
        assert quote.lots % rules.step_lots == 0
        assert max(seen.least_lots, seen.reward_lots) <= quote.low_lots <= quote.lots <= quote.high_lots
        assert (seen.held + toward * quote.high_lots) * toward == rules.max_position_lots
    if bid is not None and ask is not None:
        assert bid.high_ticks < ask.low_ticks
    if not seen.reward_spread and rules.rewarded_only:
        assert quotes == NOTHING


# -- recordings --------------------------------------------------------------------------------------------------------


class _Noise:
    """A market on one clock whose touch jumps about with every step, as the sample's recorder listens to one."""

    def __init__(self, seed: int, step_ms: int, start_ms: int) -> None:
        self.now_ms = start_ms
        self.speakers = [speaker_of(1, Chance(seed, "noise"))]
        self._step_ms = step_ms
        self._random = Random(seed)
        self._middle = 500
        self._book()

    def _book(self) -> None:
        """A new book: five levels a side around a middle that wanders, and trembles by up to three ticks."""
        pick = self._random.randint
        self._middle = min(800, max(200, self._middle + 10 * pick(-1, 1)))
        centre = self._middle + 10 * pick(-3, 3)
        one = self.speakers[0]
        self.book = Book(one.market, one.tokens, 10, b"0.500", b"%d" % self.now_ms)
        apart = 10 * pick(1, 2)
        for level in range(5):
            self.book.bids.add(centre - apart - 10 * level, 100 * pick(50, 900))
            self.book.asks.add(centre + apart + 10 * level, 100 * pick(50, 900))

    def dump(self) -> bytes:
        """Both books, as a new subscription is told them."""
        return b"[" + self.book.frame(0) + b"," + self.book.frame(1) + b"]\n"

    def next(self, silent: bool = False) -> list[bytes]:
        """The next step."""
        self.now_ms += self._step_ms
        self._book()
        return [self.book.frame(0), self.book.frame(1)]


def noisy_inputs(seed: int, minutes: int, step_ms: int) -> Iterator[Input]:
    """A recording of so many *minutes* of one market whose midpoint jumps every *step_ms*."""
    steps = minutes * 60_000 // step_ms
    recorder = Recorder(Sample(seed=seed, markets=1, frames=2 * steps, disconnect_every=0))
    noise = _Noise(seed, step_ms, START_NS // 1_000_000 + 200)
    recorder.venue = noise  # type: ignore[misc, assignment]
    held: list[Input] = []

    class Held:
        def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
            held.append((kind, source, recv_ns, src_ns, payload))
            return 0

    for _ in recorder.steps(ImportWriter(Held())):
        yield from held
        held.clear()


# -- what a run did ----------------------------------------------------------------------------------------------------


@define
class Watched:
    """What a maker did in a run: when it made calls, and the farthest its positions could have gone."""

    calls_ns: list[int] = field(factory=list)
    worst: dict[str, int] = field(factory=dict)
    """By market, the largest position either way if all open orders of a side filled, ever seen."""
    held: int = 0
    """The largest net position there was."""
    decisions: int = 0

    def most_calls(self, stretch_ns: int) -> int:
        """The most calls in any stretch of so many ns."""
        most = first = 0
        for at, now_ns in enumerate(self.calls_ns):
            while self.calls_ns[first] <= now_ns - stretch_ns:
                first += 1
            most = max(most, at - first + 1)
        return most

    def look(self, market: Any) -> None:
        """See one market's position and orders."""
        held = market.net_lots
        longest = held + sum([one.rest_lots for one in market.own_bids])
        shortest = held - sum([one.rest_lots for one in market.own_asks])
        self.worst[market.key] = max(self.worst.get(market.key, 0), longest, -shortest)
        self.held = max(self.held, abs(held))


@contextmanager
def watching(recorded: StrategySource) -> Iterator[Watched]:
    """Watch each decision of the recorded maker while the block runs."""
    watched = Watched()
    found = vars(module_of(recorded))[recorded.class_name]
    decide = found.decide

    @wraps(decide)
    def decide_watched(self: Any, view: Any, wake: Any) -> Any:
        wanted = decide(self, view, wake)
        watched.decisions += 1
        watched.calls_ns += [view.now_ns for one in wanted if isinstance(one, Place | Cancel)]
        for key, known in self.memory["markets"].items():
            if known:
                watched.look(view.market(key))
        return wanted

    found.decide = decide_watched
    try:
        yield watched
    finally:
        found.decide = decide
