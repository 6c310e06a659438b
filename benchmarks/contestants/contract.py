"""The market-maker contract as a run of ours: what is configured, what came out, and what has to."""

from pathlib import Path
from typing import Any, Final, Literal

from attrs import asdict, frozen

import engine
from benchmarks.contestants.feeds import key_of
from engine.kernel.portfolio import Holding
from engine.runtime.commands.resimulation import platform_tag
from replay import Run, resimulate
from replay.config import RunConfig, read_config
from replay.decoders import newest
from replay.feed import Feed
from replay.resimulation import Simulated
from replay.run import RunStart, StrategySource, text_digest
from replay.verify import this_build

Sink = Literal["none", "digests", "overlay"]
Strategy = Literal["mm", "mm_python", "mm_loop"]
"""The contract's strategy compiled, in ordinary Python, and in Python that looks through its orders by itself."""
CLASSES: Final[dict[Strategy, str]] = {"mm": "SteadyMaker", "mm_python": "PlainMaker", "mm_loop": "LoopMaker"}

STEP_NS: Final = 100_000_000
LOTS: Final = 10
SEED: Final = 7

CONFIG: Final = """\
seed: 7
policy: contract.yaml
strategies: []
venue:
  order_latency_ms: 5
  report_latency_ms: 5
  clock:
    offset_ms: 0
    feed_latency_ms: 0
"""

POLICY: Final = """\
version: contract-1
settlements:
  USD:
    max_account_notional: "1000000000"
    max_event_notional: "1000000000"
    max_market_notional: "1000000000"
    max_strategy_notional: "1000000000"
    max_order_notional: "1000000000"
rules:
  - match: "hftbacktest:*"
    max_lots: 1_000_000_000
    min_price: "0.000001"
    max_price: "1000000000"
    tifs: [GTC]
orders:
  max_open: 1000
  max_per_minute: 5_000
  max_ttl_ms: 1000
  flatten_ticks: 0
  rescue_ticks: 0
  self_cross: venue
  min_resting_ms: 0
  order_to_trade:
    window_ms: 0
    free: 0
    per_fill: 0
data:
  max_age_ms: 0
gates:
  latch_ms: 60_000
"""

COMPILED: Final = "from engine.strategies.steady_maker import SteadyMaker\n"
"""The source text that a compiled strategy is recorded by: its code is part of the build."""


@frozen
class Answers:
    """What a contestant came to; position and equity in the feed's own units."""

    steps: int
    nsub: int
    ncan: int
    fills: int
    position: float
    equity: float


KNOWN: Final = {
    "c944cb27df28a78e77ff5a5d2d391687": Answers(94_665, 62_000, 54_341, 8_524, 1.34, 31.69),
    "e6884659fd092d50c29fe10b0e078fd5": Answers(94_693, 61_868, 54_172, 8_473, 250.0, 2174.55),
    "118ffef46ce3b872b61fd2d97f032e11": Answers(3_716, 2_409, 2_124, 327, 0.21, -1.015),
    "7d5b05c3dba93c5b8555066416f36ae1": Answers(3_761, 2_414, 2_091, 348, 20.0, 73.2),
}
"""By the digest of the feed's file: wide and pm of 5 million records, wide and pm of 200,000, all of seed 7."""


def run_of(strategy: Strategy, start_ns: int) -> tuple[RunStart, RunConfig]:
    """The run on a feed that starts at *start_ns*, and its configuration."""
    return start_of((strategy_of(strategy, start_ns),)), read_config(CONFIG, "the contract")[0]


def strategy_of(strategy: Strategy, start_ns: int) -> StrategySource:
    """The contract's strategy on a feed that starts at *start_ns*, written in that way."""
    parameters = {"instrument": key_of(0), "lots": LOTS, "first_ns": start_ns + STEP_NS}
    name = CLASSES[strategy]
    source = COMPILED if strategy == "mm" else Path(__file__).with_name("plain_maker.py").read_text("utf-8")
    return StrategySource(name, name, source, "market_making", (key_of(0),), parameters)


def played(base: Feed | Path, *strategies: StrategySource, sink: Sink = "digests", out: Path | None = None) -> Run:
    """The contract as anyone would run it, as fast as that goes: no examples of mistakes, no tables."""
    venue = read_config(CONFIG, "the contract")[0].venue
    return resimulate(
        base, strategy=strategies, venue=venue, policy=POLICY, seed=SEED, sink=sink, out=out, guard=False, tables=False
    )


def start_of(strategies: tuple[StrategySource, ...]) -> RunStart:
    """RUN_START of a run with *strategies*."""
    return RunStart(
        run_id=text_digest(CONFIG),
        run_epoch=1,
        build=this_build(),
        decoders=newest(),
        strategies=strategies,
        config=CONFIG,
        policy=POLICY,
        policy_digest=text_digest(POLICY),
        seed=SEED,
        environment="DEV",
        executor="simulated",
        platform=platform_tag(),
        clock_source="base",
    )


def answers(found: Simulated | Run, start_ns: int) -> Answers:
    """What a run came to."""
    kernel = found.kernel
    counted = found if isinstance(found, Simulated) else found.stats
    (holding,) = kernel.trading.desk.portfolio.holdings
    return Answers(
        steps=(int(kernel.trading.next_due()) - start_ns) // STEP_NS - 1,  # the timer waits for the step after the last
        nsub=counted.submitted,
        ncan=counted.cancels,
        fills=counted.fills,
        position=int(holding.size) / 10**8,
        equity=round(_equity(holding) / 10**16, 6),
    )


def _equity(holding: Holding) -> int:
    """What cash and position are worth at the middle of the client's last touch, as money; exact to a half."""
    book, market = holding.instrument.market.book, holding.instrument.market
    middle = int(book.best_bid() + book.best_ask()) * int(market.tick)
    return holding.realised - holding.fees - holding.cost + int(holding.size) * middle // 2


def differences(found: Answers, digest: str) -> dict[str, tuple[Any, Any]]:
    """(found, known) by name, where *found* is not what is known of the feed of *digest*."""
    known = KNOWN.get(digest)
    if known is None:
        return {}
    pairs = ((name, value, getattr(known, name)) for name, value in asdict(found).items())
    return {name: (value, wanted) for name, value, wanted in pairs if abs(value - wanted) > 1e-9}


def label(mode: str, sink: str) -> str:
    """What the table calls this contestant."""
    how = "" if engine.COMPILED else " interpreted"
    return f"refold{how} {mode}" + ("" if sink == "digests" else f" {sink}")
