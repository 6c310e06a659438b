"""Runs for tests of resimulation: strategies as texts, a policy, and overlays made of both on small recordings."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from attrs import frozen

from engine.kernel import kinds
from engine.kernel.record import DERIVED
from journal.background import Inline
from journal.disk import Disk, RealDisk
from journal.reader import Journal, Record, open_journal
from journal.writer import Writer
from replay.config import RunConfig, StrategyConfig, VenueConfig
from replay.decoders import newest
from replay.guard import guarding
from replay.overlay import BASE_FILE, base_of, open_base, write_base_hint
from replay.resimulation import Simulated, Simulation, overlay_writer
from replay.run import RunStart, StrategySource
from replay.verify import StrictReplay, replay_strictly, this_build
from replay.without_own import feed_of
from scenarios.sample.recording import NAMES, START_NS, Input, Sample, inputs

ROOT = Path(__file__).resolve().parent.parent
POLICY = (ROOT / "config" / "trading_policy.yaml").read_text()
MS = 1_000_000

NOISY = '''
"""Does anything that is allowed, and some things that are not, as its seed says."""

from engine.kernel.strategy import BUY, SELL, Cancel, CancelAll, CancelTimer, Flatten, Place, SetTimer


class Noisy:
    def __init__(self, ppm=120_000, raises=False):
        self.ppm, self.raises = ppm, raises
        self.memory = {"calls": 0, "seen": []}

    def decide(self, view, wake):
        memory, draws = self.memory, view.draws("noise")
        memory["calls"] += 1
        calls = memory["calls"]
        memory["seen"] = [*memory["seen"], len(wake.changes)][-5:]
        if self.raises and calls == 40:
            raise ValueError(f"call {calls} of {id(self)}")
        if not draws.chance(calls, 0, 400_000 if wake.changes or wake.timers else self.ppm):
            return
        for number, key in enumerate(wake.instruments or view.instruments[:2]):
            yield from self.act(view.market(key), key, draws, calls, 100 * (number + 1))

    def act(self, market, key, draws, calls, at):
        choice = draws.below(calls, at, 16)
        bid, ask = market.best_bid, market.best_ask
        lots = 5_000_000 * (1 + draws.below(calls, at + 1, 4))
        if bid is None or ask is None:
            yield CancelAll(key, why="no touch")
        elif choice < 4:
            side = BUY if choice % 2 else SELL
            price = bid if side == BUY else ask
            yield Place(key, side, price + draws.below(calls, at + 2, 5) - 2, lots, post_only=choice < 2)
        elif choice < 6:
            yield Place(key, BUY, ask + 1, lots, tif="FOK" if choice == 4 else "FAK", tags=("take",))
        elif choice == 6:
            yield Place(key, BUY, bid, lots, tif="GTD", ttl_ns=1 + draws.below(calls, at + 3, 4_000_000_000))
        elif choice == 7:
            for order in market.own_orders:
                yield Cancel(order, why="enough")
        elif choice == 8:
            yield Flatten(key)
        elif choice == 9:
            yield SetTimer("again", after_ns=1 + draws.below(calls, at + 4, 2_000_000_000))
        elif choice == 10:
            yield SetTimer("beat", after_ns=700_000_000, every_ns=900_000_000)
        elif choice == 11:
            yield CancelTimer("beat")
        elif choice == 12:
            yield Place("polymarket:nowhere", BUY, 1, 1)
            yield Place(key, BUY, "0.5", lots)
        elif choice == 13:
            for leg in range(2):
                yield Place(key, BUY, bid - leg, lots, group=f"pair-{calls}-{at}", leg=leg, legs=2)
'''

JOINER = (ROOT / "engine" / "strategies" / "join_touch.py").read_text()


@frozen
class Setting:
    """What a run is made of, beside its base."""

    source: str = NOISY
    class_name: str = "Noisy"
    parameters: dict[str, Any] = {}  # noqa: RUF008 - never changed
    seed: int = 7
    order_ms: float = 40
    report_ms: float = 30
    policy: str = POLICY
    heuristics: str = ""
    """That part of its configuration, as its text has it."""

    @property
    def config(self) -> RunConfig:
        """Its configuration."""
        strategy = StrategyConfig("one", f"one.py:{self.class_name}", parameters=self.parameters)
        return RunConfig((strategy,), VenueConfig(self.order_ms, self.report_ms), seed=self.seed)

    def run(self, base: Journal) -> RunStart:
        """Its RUN_START on *base*."""
        strategy = StrategySource("one", self.class_name, self.source, "market_making", (), self.parameters)
        return RunStart(
            run_id="run",
            run_epoch=1,
            build=this_build(),
            decoders=newest(),
            strategies=(strategy,),
            config=self.heuristics,
            policy=self.policy,
            policy_digest="",
            seed=self.seed,
            environment="DEV",
            executor="simulated",
            platform="test",
            clock_source="base",
            base=base_of(base),
        )

    def run_on(self, base: Path) -> RunStart:
        """Its RUN_START on the journal at *base*."""
        with open_journal(base, RealDisk(), Inline()) as journal:
            return self.run(journal)


NERVOUS = """\
heuristics:
  {sample_ms: 10, recent_s: 0.3, long_s: 3, events_s: 1, dwell_s: 0.2, evidence: 1,
   crowding: {raised: 200, high: 500, edge_ticks: 2},
   compression: {raised: 100, high: 300, gates: high},
   toxicity: {raised: 200, high: 500, horizon_ms: 100}}
"""
"""Heuristics that change their levels at the least occasion."""

JOINING = Setting(JOINER, "JoinTouch", {"size_lots": 20_000_000, "max_position_lots": 100_000_000})


def write_recording(folder: Path, given: Iterable[Input], disk: Disk | None = None, **settings: Any) -> Path:
    """A recording without a run of the inputs *given*."""
    writer = Writer.create(
        folder,
        disk or RealDisk(),
        Inline(),
        journal_id=bytes(range(16)),
        wall_ns=START_NS,
        sources=NAMES,
        **settings,
    )
    for kind, source, recv_ns, src_ns, payload in given:
        writer.append_input(kind, 1, source, recv_ns, src_ns, payload)
    writer.close()
    return folder


def sample_recording(folder: Path, frames: int = 500, markets: int = 3, seed: int = 7, losses: int = 150) -> Path:
    """A recording of made-up markets, in blocks small enough that spans cross them."""
    sample = Sample(seed=seed, markets=markets, frames=frames, disconnect_every=losses)
    return write_recording(folder, inputs(sample), block_target=20_000)


def resimulate(
    base: Path, setting: Setting, out: Path | None = None, disk: Disk | None = None, guard: bool = True
) -> Simulated:
    """Run *setting* on the journal *base*, into the overlay *out* or into nothing, under guard."""
    disk = disk or RealDisk()
    with open_journal(base, disk, Inline()) as journal, ExitStack() as guarded:
        run = setting.run(journal)
        if guard:
            guarded.enter_context(guarding(run.strategies))
        notes: list[str] = []
        assert run.base is not None
        feed = feed_of(disk, journal, run.base, run.decoders, this_build(), Inline(), notes.append)
        simulation = Simulation(run, setting.config, feed)
        if out is None:
            return simulation.play()
        writer = overlay_writer(out, disk, journal, simulation.run)
        simulation.sink = writer
        found = simulation.play()
        writer.close()
        write_base_hint(disk, out, base)
        return found


def strict(path: Path, disk: Disk | None = None, base: Path | None = None) -> StrictReplay:
    """The strict replay of an overlay (or of any journal)."""
    disk = disk or RealDisk()
    with open_journal(path, disk, Inline()) as journal:
        return replay_strictly(journal, base=lambda run: open_base(disk, path, run, base))


def records(path: Path, disk: Disk | None = None) -> list[Record]:
    """All data records of a journal."""
    with open_journal(path, disk or RealDisk(), Inline()) as journal:
        return list(journal.records())


def raw_bytes(path: Path) -> bytes:
    """All raw bytes of a sealed journal."""
    with open_journal(path, RealDisk(), Inline()) as journal:
        return b"".join(one.raw(number) for one in journal.segments for number in range(len(one.entries)))


def of_kind(found: list[Record], kind: int) -> list[Record]:
    """Those of one kind."""
    return [record for record in found if record.kind == kind]


def names(found: list[Record]) -> dict[str, int]:
    """How many records of each kind."""
    counts: dict[str, int] = {}
    for record in found:
        counts[kinds.name(record.kind)] = counts.get(kinds.name(record.kind), 0) + 1
    return counts


def rewritten(source: Path, target: Path, change: Callable[[Record], list[bytes]]) -> Path:
    """
    The journal *source* written anew, so that every checksum and the chain fit, with other payloads.

    *change* gives the payloads to write in place of a record: its own, another, none or several.
    """
    disk = RealDisk()
    with open_journal(source, disk, Inline()) as journal:
        header = journal.segments[0].header
        writer = Writer.create(
            target,
            disk,
            Inline(),
            journal_id=journal.journal_id,
            wall_ns=header.anchor_wall_ns,
            sources={number: name for number, name in journal.sources.items() if number > 1},
            block_target=header.block_target,
        )
        for record in journal.records():
            for payload in change(record):
                if record.flags & DERIVED:
                    writer.append_derived(record.kind, record.schema, payload)
                else:
                    writer.append_input(
                        record.kind, record.schema, record.source, record.recv_ns, record.src_ns, payload
                    )
        writer.close()
    if (source / BASE_FILE).exists():
        (target / BASE_FILE).write_bytes((source / BASE_FILE).read_bytes())
    return target
