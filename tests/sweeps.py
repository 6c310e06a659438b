"""Sweeps for tests: figures as runs have them, plans without journals, and a place with all that a real one takes."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from resimulations import JOINER, sample_recording

from journal.disk import RealDisk
from replay.config import RunConfig, read_config
from replay.run import Base, RunStart
from replay.setup import configured
from replay.sweep.plan import Market, Plan, Variant, code_digest, market_of, variant_of

CONFIG = """
seed: 5
policy: simulation
strategies:
  - name: one
    code: joiner.py:JoinTouch
    parameters: {size_lots: 20_000_000, max_position_lots: 100_000_000, min_spread_ticks: 1}
venue:
  order_latency_ms: {least_ms: 5, median_ms: 40, sigma: 0.8, most_ms: 900}
  report_latency_ms: 30
"""
"""A venue whose delays are drawn, so that seeds differ."""

FAILING = '''
class Failing:
    """Raises, exits or does nothing, as its parameter says."""

    def __init__(self, how="nothing", at=0):
        self.how, self.at = how, at
        self.memory = {"calls": 0}

    def decide(self, view, wake):
        self.memory["calls"] += 1
        if self.memory["calls"] == self.at:
            if self.how == "raise":
                raise ValueError("no way out")
            if self.how == "exit":
                raise SystemExit
        return ()
'''


def figures(pnl: Any = 0, fills: int = 1, unmarked: int = 0, currency: str = "pUSD") -> dict[str, Any]:
    """What `replay.sweep.figures.figures_of` gives, with this profit."""
    total = format(Decimal(pnl), "f")
    money = {"realised": total, "unrealised": "0", "fees": "0", "income": "0", "total": total, "unmarked": unmarked}
    return {"pnl": {currency: money}, "fills": fills, "orders": 2, "cancels": 1, "refused": 0, "state_digest": "d"}


def plan_of_points(count: int, markets: int = 1) -> Plan:
    """A plan of so many variants that nobody runs."""
    base = Base("id", 1, 2, "head")
    start = RunStart("id", 1, "build", {}, (), "", "", "", 0, "DEV", "simulated", "test", "base", base=base)
    config: RunConfig = read_config(CONFIG, "the test")[0]
    places = tuple(Market(Path("journal"), Path("journal"), base, None) for _ in range(markets))
    return Plan(places, tuple(Variant(str(at), config, (start,) * markets) for at in range(count)), "code")


def place_at(folder: Path, frames: int = 1500) -> Path:
    """In *folder*: two recordings `one` and `two`, a configuration, and the strategies that it and others name."""
    for number, name in enumerate(("one", "two")):
        sample_recording(folder / name, frames=frames, markets=2, seed=number + 1, losses=0)
    (folder / "joiner.py").write_text(JOINER)
    (folder / "failing.py").write_text(FAILING)
    (folder / "config.yaml").write_text(CONFIG)
    return folder


def planned(place: Path, *overrides: str, journals: tuple[str, ...] = ("one",), config: str = "config.yaml") -> Plan:
    """The plan of one configuration of *place* for each of *overrides*, or of the plain one."""
    disk = RealDisk()
    markets = tuple(market_of(disk, place / name, False) for name in journals)
    chosen = [
        configured(disk, None, place / config, None, (override,) if override else ()) for override in overrides or ("",)
    ]
    variants = tuple(variant_of(disk, "", one, markets, None, "test") for one in chosen)
    return Plan(markets, variants, code_digest(disk))
