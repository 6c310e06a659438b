"""What strategies cost: each decision timed alone, in a resimulation, in ordinary Python."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any

from benchmarks.case import Case
from benchmarks.material import Material
from benchmarks.measure import US, Budget, Work
from benchmarks.of_replay import SEED, feed_of
from engine.kernel.market import WAKE_TOUCH
from journal.background import Threads
from journal.reader import open_journal
from replay.machine import platform_tag
from replay.overlay import base_of
from replay.resimulation import Simulated, Simulation
from replay.run import RunStart
from replay.setup import configured, run_of
from replay.strategies import module_of

CONFIG = Path(__file__).resolve().parent.parent / "config" / "rewards_maker.yaml"


@contextmanager
def timed(run: RunStart, took_ns: list[int]) -> Iterator[None]:
    """Note in *took_ns* how long the run's first strategy takes for each decision that a touch alone asked for."""
    strategy = run.strategies[0]
    found = vars(module_of(strategy))[strategy.class_name]
    decide = found.decide

    @wraps(decide)
    def decide_timed(self: Any, view: Any, wake: Any) -> Any:
        started = time.perf_counter_ns()
        wanted = decide(self, view, wake)
        took = time.perf_counter_ns() - started
        if not wake.timers and not wake.changes and all(wake.reasons(key) & WAKE_TOUCH for key in wake.instruments):
            took_ns.append(took)
        return wanted

    found.decide = decide_timed
    try:
        yield
    finally:
        found.decide = decide


def simulate(material: Material, base: Path, took_ns: list[int]) -> Simulated:
    """Resimulate *base* with the rewards maker's configuration, each decision timed."""
    chosen = configured(material.disk, None, CONFIG, None, ())
    background = Threads("benchmark-decide")
    try:
        with open_journal(base) as journal:
            run = run_of(material.disk, chosen, SEED, platform_tag(), base_of(journal), None)
            with timed(run, took_ns):
                return Simulation(run, chosen.config, feed_of(material, journal, background)).play()
    finally:
        background.close()


def percentile(took_ns: list[int], percent: int) -> float:
    """The time in seconds that *percent* of the decisions did not take longer than."""
    return sorted(took_ns)[len(took_ns) * percent // 100] / 1e9


def deciding(material: Material, percent: int) -> Work:
    """The rewards maker's `decide`, woken on a change of the touch: from its call until it has answered."""
    base = material.sample()
    took_ns: list[int] = []
    found = simulate(material, base, took_ns)
    acted = f"{found.submitted:,} orders, {found.fills:,} fills"
    note = f"{len(took_ns):,} decisions woken by a touch, {acted}; strategy interpreted, view compiled"

    def begin() -> Callable[[], Any]:
        took_ns.clear()
        return lambda: simulate(material, base, took_ns)

    return Work(begin, 1, {}, note, partial(percentile, took_ns, percent))


CASES = (
    Case(
        "maker-median", "rewards maker decides, median", US, lambda material: deciding(material, 50), budget=Budget(30)
    ),
    Case("maker-p99", "rewards maker decides, p99", US, lambda material: deciding(material, 99), budget=Budget(100)),
)
