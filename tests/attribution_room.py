"""Small runs in which everything happens that moves a profit: for tests of what was observed and of its attribution."""

from pathlib import Path
from random import Random

from attrs import evolve
from resimulations import JOINER, NOISY, Setting, write_recording

from engine.kernel import kinds
from engine.kernel.inputs import canonical
from journal.background import Inline
from journal.disk import RealDisk
from journal.reader import Journal, open_journal
from replay.config import RunConfig, read_config
from replay.defaults import POLICY
from replay.observe import Observer, observer_of
from replay.resimulation import Simulated, Simulation
from replay.run import RunStart, StrategySource
from replay.verify import this_build
from replay.without_own import feed_of
from scenarios.sample.recording import CATALOGUE_SOURCE, STREAM_SOURCE, Input, Recorder, Sample, inputs

SECOND = 1_000_000_000
DAY = 86_400 * SECOND

BUSY = (
    NOISY.replace("SELL, Cancel,", "SELL, Cancel, Merge, Split,")
    .replace(
        "        elif choice == 13:\n",
        """        elif choice == 14:
            yield Split(key, lots)
        elif choice == 15:
            yield Merge(key, lots)
        elif choice == 13:
""",
    )
    .replace('yield SetTimer("beat", after_ns=700_000_000, every_ns=900_000_000)', "yield Split(key, 2 * lots)")
)
"""Takes, makes, splits, merges, flattens, and has groups that have to be unwound."""


def market_data(seed: int, frames: int, day: bool) -> list[Input]:
    """Two markets of which one may be resolved before the end, and if *day*, the end of the day behind them."""
    random = Random(seed)
    sample = Sample(seed=seed, markets=2, frames=frames, disconnect_every=random.choice((0, 150)))
    given = list(inputs(sample))
    if random.random() < 0.5:
        at = random.randrange(len(given) // 2, len(given))
        while given[at][0] != kinds.POLYMARKET_MARKET:
            at -= 1
        speaker = Recorder(sample).venue.speakers[random.randrange(2)]
        frame = speaker.market_resolved(random.randrange(2), str(given[at][2] // 1_000_000).encode())
        payload = given[at][4][: given[at][4].index(b"{")] + frame
        given.insert(at + 1, (int(kinds.POLYMARKET_MARKET), STREAM_SOURCE, given[at][2], given[at][3], payload))
    if day:
        midnight = (given[-1][2] // DAY + 1) * DAY
        kind, source, _, _, payload = given[0]
        assert source == CATALOGUE_SOURCE
        given.append((kind, source, midnight + 5 * SECOND, midnight + 5 * SECOND, payload))
    return given


def configuration(random: Random, alone: bool) -> RunConfig:
    """A venue where trades may fail; a strategy that makes a market, and unless *alone* another that does anything."""
    text = f"""
seed: {random.randrange(1 << 30)}
strategies:
  - {{name: joiner, code: "joiner.py:JoinTouch", tier: {random.choice(("market_making", "directional"))},
      parameters: {{size_lots: {random.choice((20_000_000, 900_000_000))}, max_position_lots: 9_000_000_000}}}}
  - {{name: busy, code: "busy.py:Noisy", tier: {random.choice(("market_making", "box_arbitrage"))},
      parameters: {{ppm: 300_000}}}}
venue: {{order_latency_ms: {random.choice((1, 40, 400))}, report_latency_ms: {random.choice((1, 30, 600))}}}
money:
  conversion_ms: {random.choice((5, 700))}
  settlement: {{mined_ms: {random.choice((5, 300))}, confirmed_ms: {random.choice((5, 900))}, retried_ms: 50,
               retry_ppm: 200_000, failure_ppm: {random.choice((0, 300_000))}}}
"""
    config = read_config(text, "room.yaml")[0]
    return evolve(config, strategies=config.strategies[:1]) if alone else config


def opening_of(random: Random, keys: list[str]) -> bytes | None:
    """Positions from before, long and with a history, in some of the instruments; or nothing."""
    if random.random() < 0.5:
        return None
    positions: dict[str, object] = {}
    for key in keys:
        if random.random() < 0.6:
            size = random.randrange(1, 90) * 1_000_000
            positions[key] = {
                "size": size,
                "settled": size,
                "cost": str(size * random.randrange(1, 10_000)),
                "realised": str(random.randrange(-(10**12), 10**12)),
                "fees": str(random.randrange(10**10)),
                "income": str(random.randrange(10**9)),
                "traded": str(size * 5_000),
            }
    return canonical({"positions": positions})


class Log:
    """A sink that keeps every record."""

    def __init__(self) -> None:
        self.records: list[tuple[int, int, bytes]] = []

    def append_input(self, kind: int, schema: int, source: int, recv_ns: int, src_ns: int, payload: bytes) -> int:
        self.records.append((int(kind), recv_ns, payload))
        return len(self.records)

    def append_derived(self, kind: int, schema: int, payload: bytes) -> int:
        self.records.append((int(kind), 0, payload))
        return len(self.records)


class Room:
    """The run of *seed* on a small recording in *folder*: to be played again and again, observed or not."""

    def __init__(self, seed: int, folder: Path, frames: int = 300, day: bool = False, alone: bool = False) -> None:
        random = Random(seed)
        self.given = market_data(seed, frames, day)
        self.base = write_recording(folder, self.given)
        self.config = configuration(random, alone)
        speakers = Recorder(Sample(seed=seed, markets=2, frames=frames)).venue.speakers
        self.opening = opening_of(random, [f"polymarket:{token}" for one in speakers for token in one.tokens])
        self.horizon_ns = random.choice((200_000_000, SECOND, 10 * SECOND))

    def run(self, base: Journal) -> RunStart:
        """Its RUN_START on *base*."""
        sources = {"joiner": JOINER, "busy": BUSY}
        strategies = tuple(
            StrategySource(one.name, one.code.partition(":")[2], sources[one.name], one.tier, (), one.parameters)
            for one in self.config.strategies
        )
        return evolve(Setting(seed=self.config.seed, policy=POLICY).run(base), strategies=strategies)

    def play(self, log: Log | None, observed: bool) -> tuple[Simulated, Observer | None]:
        """Play it, into *log*."""
        with open_journal(self.base, RealDisk(), Inline()) as journal:
            run = self.run(journal)
            assert run.base is not None
            feed = feed_of(RealDisk(), journal, run.base, run.decoders, this_build(), Inline(), lambda note: None)
            simulation = Simulation(run, self.config, feed, log, self.opening)
            observer = observer_of(simulation, self.horizon_ns, SECOND) if observed else None
            return simulation.play(), observer
