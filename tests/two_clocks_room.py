"""
Small made-up feeds of several markets whose stamps do anything, and runs on them: for `slow_clocks`.

What is left out differs by design. What only raw inputs state (listings, connections, resolutions) is taken to happen
when we hear of it. A book that is found wrong (a gap, a contradiction) is one not to be traded on from when we know it,
not from when it went wrong: so no recorded book here is ever crossed, or contradicts itself.
"""

from random import Random
from typing import Any

import orjson
from attrs import define, field, frozen
from slow_clocks import Fact, Row, Told, facts, fill, venue_ns

from engine.kernel import events, kinds
from engine.kernel.events import EventBatch
from engine.kernel.record import NONE
from engine.kernel.units import ASK, BID, BUY, SELL
from journal.payloads import encode_venue_input
from replay.clock import offsets_of
from replay.config import RunConfig, read_config
from replay.decoded import Piece
from replay.decoders import newest
from replay.defaults import POLICY
from replay.feed import MemoryFeed
from replay.packed import Packed
from replay.rebuild import bare_kernel
from replay.run import RunStart, StrategySource
from replay.verify import this_build
from scenarios.sample.recording import START_NS, Sample, inputs

MS = 1_000_000
CATALOGUES, POLYMARKET, HFTBACKTEST = 2, 3, 4  # sources
KINDS = {POLYMARKET: int(kinds.POLYMARKET_MARKET), HFTBACKTEST: int(kinds.HFTBACKTEST_EVENTS)}
COARSE, FINE = 100, 10

RESTLESS = '''
"""Places, takes and cancels as its draws say."""

from engine.kernel.strategy import BUY, SELL, Cancel, CancelAll, Place, SetTimer


class Restless:
    def __init__(self, ppm=400_000, lots=1):
        self.ppm, self.lots = ppm, lots
        self.memory = [0]

    def decide(self, view, wake):
        self.memory = [self.memory[0] + 1]
        calls, draws = self.memory[0], view.draws("restless")
        if calls == 1:
            yield SetTimer("again", after_ns=70_000_000, every_ns=90_000_000)
        for number, key in enumerate(view.instruments):
            at = 10 * number
            if draws.chance(calls, at, self.ppm):
                yield from self.act(view, key, draws, calls, at)

    def act(self, view, key, draws, calls, at):
        market = view.market(key)
        bid, ask = market.best_bid, market.best_ask
        choice, side = draws.below(calls, at + 1, 12), (BUY, SELL)[draws.below(calls, at + 2, 2)]
        if bid is None or ask is None:
            return
        lots = (5_000_000 if "polymarket" in key else self.lots) * (1 + draws.below(calls, at + 3, 9))
        price = (bid if side == BUY else ask) + draws.below(calls, at + 4, 5) - 2
        if choice < 5:
            yield Place(key, side, price, lots, post_only=choice < 2)
        elif choice < 8:
            worst = ask + 1 if side == BUY else bid - 1
            yield Place(key, side, worst, lots, tif=("FOK", "FAK", "GTC")[choice - 5])
        elif choice == 8:
            yield Place(key, side, price, lots, tif="GTD", ttl_ns=1 + draws.below(calls, at + 5, 800_000_000))
        elif choice == 9:
            yield CancelAll(key)
        else:
            for order in market.own_orders[:2]:
                yield Cancel(order)
'''

CONFIG = """\
seed: {seed}
policy: simulation
strategies: []
venue:
  order_latency_ms: {order}
  cancel_latency_ms: {cancel}
  report_latency_ms: {report}
  queue: {queue}
  fills: {fills}
  self_trade: {self_trade}
  clock: {{offset_ms: {offset}, floor_ms: 1, feed_latency_ms: {feed}}}
"""


@frozen
class Room:
    """A feed, the run to play on it, and what happened at the venue meanwhile."""

    run: RunStart
    config: RunConfig
    feed: MemoryFeed
    start_ns: int
    """The venue's time of the first input."""
    happens: list[Fact]


@define
class Book:
    """A recorded market as its maker has it: levels by price units of the first outcome, never crossed."""

    market: str
    symbols: tuple[str, ...]
    source: int
    tick: int
    middle: int
    unit: int  # of sizes
    scale: int = 0
    levels: tuple[dict[int, int], dict[int, int]] = field(factory=lambda: ({}, {}))

    def row(self, side: int, price: int, size: int, outcome: int) -> Row:
        """The level as *outcome* states it."""
        if outcome:
            side, price = 1 - side, self.scale - price
        return int(events.LEVEL_SET), self.symbols[outcome], side, price, size

    def change(self, random: Random, outcome: int) -> Row:
        """One level changes."""
        side = random.choice((int(BID), int(ASK)))
        other = self.levels[1 - side]
        away = random.randint(0, 3) * self.tick
        size = random.choice((0, 0, 1, 2, 5, 9)) * self.unit
        if side == BID:
            best = min(other, default=self.middle + self.tick)
            price = best - self.tick - away
        else:
            best = max(other, default=self.middle - self.tick)
            price = best + self.tick + away
        price = max(2 * COARSE, min(price, self.scale - 2 * COARSE)) if self.scale else price
        if size and other and (price >= best if side == BID else price <= best):
            size = 0
        self.levels[side].pop(price, None)
        if size:
            self.levels[side][price] = size
        return self.row(side, price, size, outcome)

    def snapshot(self, random: Random, outcome: int) -> list[Row]:
        """A new full book."""
        at = self.middle + random.randint(-3, 3) * self.tick
        for side, step in ((BID, -self.tick), (ASK, self.tick)):
            self.levels[side].clear()
            for place in range(1, random.randint(2, 5)):
                self.levels[side][at + place * step] = random.randint(1, 9) * self.unit
        found: list[Row] = [(int(events.SNAPSHOT), self.symbols[outcome], 0, 0, 0)]
        for side in (int(BID), int(ASK)):
            found += [self.row(side, price, size, outcome) for price, size in self.levels[side].items()]
        return [*found, (int(events.SNAPSHOT_END), self.symbols[outcome], 0, 0, 0)]

    def changes(self, random: Random, most: int) -> list[Row]:
        """A change set of one level or more."""
        outcome = random.randrange(len(self.symbols))
        found: list[Row] = [(int(events.DIFF), self.symbols[outcome], 0, 0, 0)]
        found += [self.change(random, outcome) for _ in range(random.randint(1, most))]
        return [*found, (int(events.DIFF_END), self.symbols[outcome], 0, 0, 0)]

    def trade(self, random: Random) -> Row:
        """Someone trades, near the middle."""
        outcome = random.randrange(len(self.symbols))
        side = random.choice((int(BUY), int(SELL), int(events.SIDE_UNKNOWN)))
        best = min(self.levels[ASK], default=self.middle) if side == BUY else max(self.levels[BID], default=self.middle)
        price = best + random.randint(-1, 1) * self.tick
        size = random.randint(1, 6) * self.unit
        if outcome:
            price, side = self.scale - price, {int(BUY): int(SELL), int(SELL): int(BUY)}.get(side, side)
        return int(events.TRADED), self.symbols[outcome], price, size, side

    def regrid(self) -> list[Row]:
        """The other grid: the levels are not known until a full book comes."""
        old, self.tick = self.tick, FINE if self.tick == COARSE else COARSE
        self.middle = self.middle // COARSE * COARSE
        for levels in self.levels:
            levels.clear()
        return [(int(events.TICK_CHANGED), symbol, old, self.tick, 0) for symbol in self.symbols[:1]]


@define
class Stamps:
    """When inputs reach us, and what time they state: mostly rising, sometimes anything."""

    random: Random
    wild: bool
    recv_ns: int = START_NS + 5_000 * MS
    usual_ns: int = 20 * MS
    pause_ns: int = 1_500 * MS

    def next(self) -> tuple[int, int]:
        """recv_ns and src_ns of the next input."""
        random = self.random
        self.recv_ns += random.choice((0, 0, 1, random.randint(1, 2 * MS), random.randint(1, 60 * MS)))
        if random.random() < 0.02:
            self.recv_ns += self.pause_ns
        lag_ns = self.usual_ns + random.choice((0, 0, random.randint(0, 15 * MS)))
        if self.wild:
            choice = random.random()
            if choice < 0.1:
                return self.recv_ns, int(NONE)
            if choice < 0.2:
                lag_ns = random.randint(0, 400) * MS
            elif choice < 0.25:
                lag_ns = random.choice((1_900, 2_000, 2_001, 2_019, 2_020, 5_000)) * MS
            elif choice < 0.3:
                lag_ns = -random.randint(0, 50) * MS
        return self.recv_ns, (self.recv_ns - lag_ns) // MS * MS if random.random() < 0.5 else self.recv_ns - lag_ns


def make_room(seed: int, count: int = 250, wild: bool = True) -> Room:
    """The room of *seed*, with *count* inputs."""
    random = Random(seed)
    said, books, market_of = _listed()
    stamps = Stamps(random, wild, pause_ns=random.choice((100, 1_500, 2_500, 2_500, 20_000)) * MS)
    for book in books:
        recv_ns, _ = stamps.next()
        said.append(Told(KINDS[book.source], book.source, recv_ns, recv_ns, book.snapshot(random, 0)))
    for _ in range(count):
        said.append(_next(random, books, stamps))
    for place, told in enumerate(said):
        if told.snapshot:
            # Its last change's time: long ago, and not that of the market's last one, to which it would have to be the
            # mirror image.
            told.src_ns = START_NS + place
    config = read_config(
        CONFIG.format(
            seed=seed,
            order=random.choice(("0", "5", "40", "{least_ms: 1, median_ms: 20, sigma: 1.0, most_ms: 300}")),
            cancel=random.choice(("0", "3", "60")),
            report=random.choice(("0", "5", "25", "{least_ms: 1, median_ms: 9, sigma: 1.5, most_ms: 200}")),
            queue=random.choice(("conservative", "risk_averse", "power")),
            fills=random.choice(("whole", "partial")),
            self_trade=random.choice(("none", "trade", "cancel_newest", "cancel_oldest")),
            offset=random.choice(("auto", "0", "19", "-30")),
            feed=random.choice(("0", "1", "7")),
        ),
        "the room",
    )[0]
    feed = MemoryFeed(_pieces(random, said), said[0].recv_ns, {1: "engine", 2: "catalogues", 3: "poly", 4: "hft"})
    clock = config.venue.clock
    offsets_ns, latency_ns = offsets_of(clock, feed), round(clock.feed_latency_ms * MS)
    start_ns = venue_ns(said[0], offsets_ns[CATALOGUES], latency_ns)
    return Room(_run(seed), config, feed, start_ns, facts(said, market_of, offsets_ns, latency_ns))


def _next(random: Random, books: list[Book], stamps: Stamps) -> Told:
    book = random.choice(books)
    recv_ns, src_ns = stamps.next()
    told = Told(KINDS[book.source], book.source, recv_ns, src_ns)
    choice = random.random()
    if choice < 0.55:
        told.rows = book.changes(random, random.choice((1, 1, 3)))
    elif choice < 0.8:
        told.rows = [book.trade(random)]
        if random.random() < 0.3:
            told.rows += book.changes(random, 2)
    elif choice < 0.87 and book.source == POLYMARKET:
        # What one frame says of two markets.
        for one in random.sample([one for one in books if one.source == POLYMARKET], 2):
            told.rows += [one.trade(random), *one.changes(random, 2)]
    elif choice < 0.94:
        told.rows = book.snapshot(random, random.randrange(len(book.symbols)))
    elif choice < 0.97:
        status = random.choice(
            (events.STATUS_TRADING, events.STATUS_TRADING, events.STATUS_HALTED, events.STATUS_CLOSED)
        )
        told.rows = [(int(events.STATUS), book.symbols[0], int(status), 0, 0)]
    elif book.source == POLYMARKET:
        told.rows = book.regrid()
        if random.random() < 0.5:
            told.rows += book.snapshot(random, 0)
    else:
        told.rows = book.changes(random, 6)
    if any(row[0] in (events.SNAPSHOT, events.TICK_CHANGED) for row in told.rows):
        # Never at one instant with what came before: what reaches us comes first, and gives or takes the book at once.
        stamps.recv_ns += 1
        told.recv_ns += 1
    return told


def _listed() -> tuple[list[Told], list[Book], dict[str, str]]:
    """The catalogues, the books of what they list, and the market of every symbol."""
    kind, _, recv_ns, src_ns, payload = next(iter(inputs(Sample(markets=2, frames=1))))
    said = [Told(kind, CATALOGUES, recv_ns, src_ns, payload=payload)]
    perpetual = {"symbol": "A0", "kind": "perpetual", "tick_size": "0.1", "lot_size": "1", "settlement": "USD"}
    body = orjson.dumps({"venue": "hftbacktest", "markets": [{**perpetual, "fee_ppm": 100}]})
    payload = encode_venue_input(int(NONE), 0, 1, 0, b"", body)
    said.append(Told(int(kinds.HFTBACKTEST_CATALOGUE), CATALOGUES, recv_ns, recv_ns, payload=payload))
    kernel = bare_kernel()
    for number, told in enumerate(said, 1):
        kernel.step(number, recv_ns, told.kind, told.source, told.payload, 0, len(told.payload))
    books: list[Book] = []
    for market in kernel.data.listings.markets:
        binary = market.binary
        books.append(
            Book(
                market.key,
                market.listing.symbols,
                POLYMARKET if binary else HFTBACKTEST,
                int(market.tick),
                5_000 if binary else 1_000 * int(market.tick),
                5_000_000 if binary else int(market.lot),
                int(market.price_scale) if binary else 0,
            )
        )
    return said, books, {symbol: book.market for book in books for symbol in book.symbols}


def _pieces(random: Random, said: list[Told]) -> list[Piece]:
    """Packed in pieces of a few inputs."""
    symbols: dict[str, list[str]] = {"polymarket": [], "hftbacktest": []}
    venue_of = {POLYMARKET: "polymarket", HFTBACKTEST: "hftbacktest"}
    most = random.choice((1, 3, 40))
    batch = EventBatch()
    seq, found = 0, []
    out = Packed(0)
    first = 1
    for place, told in enumerate(said):
        seq += random.choice((1, 1, 1, 2))
        if told.payload:
            out.raw(seq, told.recv_ns, told.src_ns, told.kind, told.source, told.payload)
        else:
            known = symbols[venue_of[told.source]]
            fill(None, batch, told.kind, told.rows, told.src_ns, lambda text, known=known: _number(known, text))
            assert out.events(seq, told.recv_ns, told.src_ns, told.kind, told.source, batch)
        if random.randrange(most) == 0 or place == len(said) - 1:
            lags = out.lags
            least = {source: int(lag.least_ns) for source, lag in lags.items()}
            longest = {source: int(lag.most_ns) for source, lag in lags.items() if lag.most_ns != NONE}
            found.append(Piece(out.take(seq), symbols, first, seq, 100, least, longest, True))
            first = seq + 1
    return found


def _number(known: list[str], text: str) -> int:
    if text not in known:
        known.append(text)
    return known.index(text)


def _run(seed: int) -> RunStart:
    parameters: dict[str, Any] = {"ppm": 150_000}
    strategy = StrategySource("one", "Restless", RESTLESS, "market_making", (), parameters)
    return RunStart(
        run_id="two-clocks",
        run_epoch=1,
        build=this_build(),
        decoders=newest(),
        strategies=(strategy,),
        config="",
        policy=POLICY,
        policy_digest="",
        seed=seed,
        environment="DEV",
        executor="simulated",
        platform="test",
        clock_source="base",
    )
