"""
A market in which one knows what would happen to an order: for stresses of the adversary, each alone.

Every second begins with the middle `STEP` ticks higher, or lower, or where it was; on each side the touch is `HALF`
ticks away, `DEEP` lots, with nothing behind. A prober joins it, or takes all of it. Later in the second each side of
the touch trades `DEEP` + 50 lots, and then 60 pass through it: so without an adversary a taker fills whole, and of each
quote of `LOTS` lots 110 do. In every other stretch of four seconds there is a burst of changes first, far behind.
"""

from pathlib import Path
from random import Random
from struct import unpack

from attrs import evolve, field, frozen
from contract_model import BUY, DEPTH, SELL, TRADE, Row

from benchmarks.contestants import contract
from benchmarks.contestants.feeds import key_of, packed, read_feed
from benchmarks.contestants.made import START_NS, write_feed
from engine.kernel import codes, kinds
from engine.kernel.derived import CANCEL
from engine.kernel.request import decode_request
from replay.adversary_config import AdversaryConfig
from replay.config import read_config
from replay.feed import MemoryFeed
from replay.resimulation import Simulation
from replay.run import StrategySource

MS = 1_000_000
SECOND = 1_000 * MS
SECONDS = 40
STEP, HALF, DEEP, LOTS = 3, 2, 500, 150
LAG_NS = 10 * MS
ORDER_NS, REPORT_NS = 40 * MS, 30 * MS
BEAT_AT, AT_TOUCH, THROUGH = 110 * MS, 600 * MS, 800 * MS
"""When in a second the prober has its turn, and when there are trades."""

PROBER = '''
"""Every second it cancels what rests, and places an order on each side: at the touch, or through it."""

from engine.kernel.market import WAKE_STATUS, WAKE_TIMER
from engine.kernel.strategy import BUY, SELL, Cancel, Place, SetTimer


class Prober:
    def __init__(self, instrument, lots, first_ns, takes):
        self.instrument, self.lots, self.first_ns, self.takes = instrument, lots, first_ns, takes
        self.wants = int(WAKE_TIMER | WAKE_STATUS)

    def decide(self, view, wake):
        market = view.market(self.instrument)
        if not wake.timers:
            if wake.reasons(self.instrument) & WAKE_STATUS:
                yield SetTimer("beat", at_ns=self.first_ns, every_ns=1_000_000_000)
            return
        for order in (*market.own_bids, *market.own_asks):
            if not order.cancelling:
                yield Cancel(order)
        for side, joined, taken in ((BUY, market.best_bid, market.best_ask), (SELL, market.best_ask, market.best_bid)):
            if self.takes:
                yield Place(self.instrument, side, taken + (8 if side == BUY else -8), self.lots, tif="FAK")
            else:
                yield Place(self.instrument, side, joined, self.lots, post_only=True)
'''

CONFIG = """\
seed: 7
policy: simulation
strategies: []
venue:
  order_latency_ms: 40
  report_latency_ms: 30
  fills: partial
  clock: {offset_ms: 0, feed_latency_ms: 0}
"""


@frozen
class Fill:
    """A fill of ours. Venue time since the feed's start, side as in `engine.kernel.units`, ticks and lots."""

    at_ns: int
    request: int
    side: int
    tick: int
    lots: int
    maker: bool


@frozen
class Told:
    """What became of the prober's requests. Delays are from sending to arrival, and from there to our hearing of it."""

    orders: dict[int, tuple[int, int]] = field(factory=dict)
    """Side and tick, by number."""
    sent_ns: dict[int, int] = field(factory=dict)
    fills: list[Fill] = field(factory=list)
    refused: list[int] = field(factory=list)
    kept: list[int] = field(factory=list)
    """Of *asked* cancels those that the venue refused by mistake."""
    asked: list[int] = field(factory=list)
    arrivals: dict[int, int] = field(factory=dict)
    cancels: dict[int, int] = field(factory=dict)
    reports: list[int] = field(factory=list)

    @property
    def lots(self) -> int:
        """Lots filled."""
        return sum(one.lots for one in self.fills)


class Log:
    """A sink that keeps what was told, on a grid whose tick and lot are one unit."""

    def __init__(self, unit: int) -> None:
        self.told = Told()
        self._unit, self._count, self._now_ns = unit, 0, 0
        self._cancelled_ns: dict[int, int] = {}

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        """An input: the venue's reports are read."""
        self._now_ns = recv_ns
        self._count += 1
        if kinds.SIM_ACKED <= kind <= kinds.SIM_CANCEL_REFUSED:
            self._report(kind, unpack(f"<{len(payload) // 8}q", payload))
        return self._count

    def _report(self, kind: int, words: tuple[int, ...]) -> None:
        told, number, venue_ns = self.told, words[0], words[1]
        told.reports.append(self._now_ns - venue_ns)
        if kind == kinds.SIM_ACKED:
            told.arrivals[number] = venue_ns - told.sent_ns[number]
        elif kind == kinds.SIM_REJECTED:
            told.refused.append(number)
        elif kind == kinds.SIM_FILLED:
            side, (price, size, flags) = told.orders[number][0], words[2:5]
            told.fills.append(
                Fill(
                    venue_ns - START_NS,
                    number,
                    side,
                    price // self._unit,
                    size // self._unit,
                    maker=flags & 1 == 1,
                )
            )
        elif kind == kinds.SIM_CANCELLED and number in self._cancelled_ns:
            told.cancels[number] = venue_ns - self._cancelled_ns[number]
        elif kind == kinds.SIM_CANCEL_REFUSED and words[2] == codes.VENUE_ERROR:
            told.kept.append(number)

    def append_derived(self, kind: int, schema: int, payload: bytes) -> int:
        """A derived record: the requests are kept."""
        self._count += 1
        if kind == kinds.REQUEST:
            request = decode_request(self._count, schema, payload)
            if request.what == CANCEL:
                self._cancelled_ns[int(request.target)] = self._now_ns
                self.told.asked.append(self._count)
            else:
                self.told.orders[self._count] = int(request.side), int(request.price) // self._unit
                self.told.sent_ns[self._count] = self._now_ns
        return self._count


def middles(seed: int) -> list[int]:
    """The middle in each second, and in the one after the last."""
    draws, found = Random(seed), [1000]
    while len(found) <= SECONDS:
        found.append(found[-1] + draws.choice((-STEP, 0, STEP)))
    return found


def is_hectic(second: int) -> bool:
    """Whether it begins with a burst of changes."""
    return second // 4 % 2 == 1


def rows(seed: int) -> list[Row]:
    """The feed."""
    found: list[Row] = []
    before = None
    for second, middle in enumerate(middles(seed)):
        start_ns = START_NS + second * SECOND

        def row(after_ns: int, kind: int, side: int, tick: int, lots: int, start_ns: int = start_ns) -> None:
            found.append(Row(start_ns + after_ns, start_ns + after_ns + LAG_NS, kind, side, tick, lots))

        for turn in range(40 if is_hectic(second) else 0):
            row(0, DEPTH, BUY, 800, 1 + turn)
        for side in (BUY, SELL):
            if before not in (None, middle):
                row(0, DEPTH, side, before - side * HALF, 0)
        for side in (BUY, SELL):  # also where nothing moved: what a taker of ours took is there again
            row(0, DEPTH, side, middle - side * HALF, DEEP)
        for at_ns, away, lots in () if second == SECONDS else ((AT_TOUCH, 0, DEEP + 50), (THROUGH, 1, 60)):
            for side in (SELL, BUY):
                row(at_ns, TRADE, side, middle + side * (HALF + away), lots)
        before = middle
    return found


def feed_of(folder: Path, seed: int) -> MemoryFeed:
    """The same, packed; written to *folder* on the way."""
    return packed(read_feed(write_feed(rows(seed), folder / f"{seed}.bin"), 1, 2))


def played(feed: MemoryFeed, adversary: AdversaryConfig | None, seed: int = 7, takes: bool = False) -> Told:
    """The prober on *feed* against *adversary*, whose chance is drawn from *seed*."""
    first_ns = START_NS + BEAT_AT
    parameters = {"instrument": key_of(0), "lots": DEEP if takes else LOTS, "first_ns": first_ns, "takes": takes}
    source = StrategySource("prober", "Prober", PROBER, "market_making", (key_of(0),), parameters)
    run = evolve(
        contract.start_of((source,)), seed=seed, policy=contract.POLICY.replace("tifs: [GTC]", "tifs: [GTC, FAK]")
    )
    config = evolve(read_config(CONFIG, "the room")[0], adversary=adversary)
    log = Log(10**8)
    found = Simulation(run, config, feed, log).play()
    assert found.faults == []
    assert set(found.verdicts) <= {"OK", "MODE_FORBIDS"}  # the mode, after many refusals
    return log.told
