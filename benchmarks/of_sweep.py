"""
What a sweep costs beside two plain processes that share its runs between them: the same runs, start-up included.

`python -m benchmarks.of_sweep JOURNAL CONFIG POINTS SEEDS PART` is such a process: it loads the market data once, and
makes every second run in a bare loop.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.case import Case
from benchmarks.material import Material
from benchmarks.measure import MS, Budget, Work
from engine import ROOT
from journal.background import Inline
from journal.disk import RealDisk
from journal.reader import open_journal
from replay.config import RunConfig
from replay.feed import MemoryFeed
from replay.machine import platform_tag
from replay.overlay import base_of
from replay.resimulation import Simulation
from replay.run import RunStart
from replay.setup import configured, run_of, start_of
from replay.sweep.figures import figures_of
from replay.verify import this_build
from replay.without_own import feed_of
from scenarios.sample.recording import Sample, write_sample

PROCESSES: Final = 2
CONFIGURATION: Final = """\
policy: simulation
strategies:
  - name: joiner
    code: engine.strategies.join_touch:JoinTouch
    parameters: {size_lots: 20_000_000, max_position_lots: 100_000_000, min_spread_ticks: 1}
venue:
  order_latency_ms: {least_ms: 10, median_ms: 40, sigma: 0.5, most_ms: 500}
  report_latency_ms: 30
"""
SHAPES: Final = {"full": (10_000, 4, 50), "small": (500, 2, 4), "tiny": (200, 2, 2)}
"""Frames, points and seeds, by the size of the material."""


def plain(journal: Path, config: Path, points: int, seeds: int, part: int) -> None:
    """Every run of the sweep whose number is *part*, modulo `PROCESSES`, one after the other."""
    disk = RealDisk()
    with open_journal(journal, disk) as opened:
        base = base_of(opened)
        chosen = configured(disk, None, config, None, ())
        run = run_of(disk, chosen, 0, platform_tag(), base, None)
        feed = feed_of(disk, opened, base, run.decoders, this_build(), Inline(), lambda note: None)
        kept = MemoryFeed(list(feed.pieces()), feed.first_recv_ns, feed.sources)
        for point in range(points):
            override = f"strategies.joiner.parameters.min_spread_ticks={point + 1}"
            chosen = configured(disk, None, config, None, (override,))
            run = run_of(disk, chosen, 0, platform_tag(), base, None)
            for seed in range(1, seeds + 1):
                if (point * seeds + seed) % PROCESSES == part:
                    figures_of(Simulation(with_seed(run, chosen.config, seed), chosen.config, kept).play())


def with_seed(run: RunStart, config: RunConfig, seed: int) -> RunStart:
    """*run* under another seed."""
    assert run.base is not None
    return start_of(config, run.config, run.policy, run.strategies, seed, run.platform, run.base)


def sweeping(material: Material) -> Work:
    """A sweep from its command line to its table, into a store that holds nothing."""
    frames, points, seeds = SHAPES[material.size.name]
    journal = material.folder / "swept"
    if not journal.exists():
        write_sample(Sample(frames=frames), journal, material.disk, Inline(), sealed_ns=None)
    config = material.folder / "swept.yaml"
    config.write_text(CONFIGURATION)
    python = [sys.executable, "-m"]
    words = ["sweep", str(journal), "--config", str(config), "--seeds", f"1..{seeds}", "--jobs", str(PROCESSES)]
    words += ["--grid", f"strategy.min_spread_ticks=1..{points}"]

    def sweep(out: Path) -> None:
        command = [*python, "engine.runtime.program", *words, "--out", str(out)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    def plainly() -> None:
        command = [*python, "benchmarks.of_sweep", str(journal), str(config), str(points), str(seeds)]
        started = [subprocess.Popen([*command, str(part)], cwd=ROOT) for part in range(PROCESSES)]
        assert [process.wait() for process in started] == [0] * PROCESSES

    def begin() -> Callable[[], None]:
        out = material.new_folder()
        return lambda: sweep(out)

    note = f"{points * seeds} runs of {frames:,} frames, from the command line to the table; nothing known before"
    return Work(begin, points * seeds, {"two plain processes": plainly}, note)


CASES = (Case("sweep", "a sweep in two processes, each run", MS, sweeping, PROCESSES, Budget(1 / 0.9, None, "bound")),)

if __name__ == "__main__":
    plain(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:6]))
