"""
How results spread: one strategy on one recording under one profile, with many seeds.

`python -m scenarios.spread` prints the table of `docs/reference/profiles.md`; with `--page` it writes the nightly one,
`docs/reference/profile_spread.md`, unless the results of the first half of the seeds are unlike those of the second:
then it says where, and ends with 1. The recording is a made-up one, so the figures say what a profile changes, and not
what a strategy would earn.
"""

import argparse
import sys
from collections.abc import Sequence
from decimal import Decimal
from math import exp, sqrt
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen

from journal.background import Inline
from journal.disk import Disk, RealDisk
from journal.reader import Journal, open_journal
from journal.writer import Writer
from replay.config import RunConfig, read_config
from replay.outcome import simulated_fields
from replay.overlay import base_of
from replay.profiles import NONE, profile_names, read_profile
from replay.resimulation import Simulated, Simulation
from replay.run import RunStart
from replay.setup import Configured, run_of
from replay.verify import this_build
from replay.without_own import feed_of
from scenarios.sample.recording import NAMES, START_NS, Sample, inputs

SAMPLE = Sample(seed=7, markets=3, frames=6000, disconnect_every=0)

CONFIGURATION = """\
policy: simulation
strategies:
  - name: joiner
    code: engine.strategies.join_touch:JoinTouch
    parameters: {size_lots: 20_000_000, max_position_lots: 400_000_000, min_spread_ticks: 1}
venue:
  order_latency_ms: 40
  report_latency_ms: 30
  queue: power
  fills: partial
"""
"""The demo's strategy, with room for more fills, at a venue with queues and partial fills."""

LEVEL = 0.001
"""Sets of results are taken for unlike where two equal ones would look so different less often than this."""

FIGURES = ("pnl", "fills")
"""What of the results is compared."""


@frozen
class Result:
    """What one run came to: money in the only currency of the sample."""

    seed: int
    pnl: float
    fills: int
    orders: int


def write_sample(folder: Path, disk: Disk, sample: Sample = SAMPLE) -> Path:
    """The recording that results are measured on."""
    writer = Writer.create(folder, disk, Inline(), journal_id=sample.journal_id, wall_ns=START_NS, sources=NAMES)
    for kind, source, recv_ns, src_ns, payload in inputs(sample):
        writer.append_input(kind, 1, source, recv_ns, src_ns, payload)
    writer.close()
    return folder


def configured_with(disk: Disk, profile: str, configuration: str = CONFIGURATION) -> Configured:
    """*configuration* in the world of *profile*."""
    adversary = read_profile(disk, profile).adversary
    config, text = read_config(configuration, "the configuration", adversaries=(adversary,))
    return Configured(config, text, Path(), given=False, seeded=False)


def run_with(disk: Disk, base: Journal, chosen: Configured, seed: int) -> RunStart:
    """The run of what was *chosen* on *base* under *seed*."""
    return run_of(disk, chosen, seed, "", base_of(base), None)


def simulation_of(disk: Disk, base: Journal, run: RunStart, config: RunConfig) -> Simulation:
    """It, built."""
    assert run.base is not None
    feed = feed_of(disk, base, run.base, run.decoders, this_build(), Inline(), lambda note: None)
    return Simulation(run, config, feed)


def result_of(run: RunStart, simulated: Simulated) -> Result:
    """The figures of a run. Raises RuntimeError if its strategy raised: those would be figures of half a run."""
    if simulated.faults:
        raise RuntimeError(f"seed {run.seed}: {simulated.faults[0]}")
    pnl = simulated_fields("", run, simulated)["pnl"]
    total = sum((Decimal(one["total"]) for one in pnl.values()), Decimal(0))
    return Result(run.seed, float(total), simulated.fills, simulated.submitted)


def results(
    disk: Disk, base: Journal, profile: str, seeds: Sequence[int], configuration: str = CONFIGURATION
) -> list[Result]:
    """One run for each of *seeds*."""
    chosen = configured_with(disk, profile, configuration)
    found = []
    for seed in seeds:
        run = run_with(disk, base, chosen, seed)
        found.append(result_of(run, simulation_of(disk, base, run, chosen.config).play()))
    return found


# -- two sets of results -----------------------------------------------------------------------------------------------


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """The Kolmogorov-Smirnov statistic: the greatest distance between two empirical distribution functions."""
    points = sorted({*one, *other})
    return max(abs(_below(one, at) - _below(other, at)) for at in points)


def _below(sample: Sequence[float], at: float) -> float:
    return sum(value <= at for value in sample) / len(sample)


def likeness(one: Sequence[float], other: Sequence[float]) -> float:
    """
    How often two samples of one distribution would be as far apart as these are, or farther: the two-sample test's p.

    Source: Stephens (1970), J. Royal Stat. Soc. B 32: Kolmogorov's limit with his correction for finite samples; ties,
    as in counts, only make it larger.
    """
    n = len(one) * len(other) / (len(one) + len(other))
    x = (sqrt(n) + 0.12 + 0.11 / sqrt(n)) * distance(one, other)
    if x < 0.2:
        return 1.0
    return min(1.0, max(0.0, 2 * sum((1 if k % 2 else -1) * exp(-2 * k * k * x * x) for k in range(1, 101))))


# -- pages -------------------------------------------------------------------------------------------------------------


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)


def spread(values: Sequence[float]) -> float:
    """The standard deviation of a sample."""
    middle = mean(values)
    return sqrt(sum((value - middle) * (value - middle) for value in values) / max(1, len(values) - 1))


def table(found: dict[str, list[Result]]) -> list[str]:
    """Means and spreads by profile, as a table of a page."""
    lines = ["| profile | orders | fills | PnL | PnL a fill |", "|---|---:|---:|---:|---:|"]
    for name, runs in found.items():
        pnl, fills = [one.pnl for one in runs], [float(one.fills) for one in runs]
        each = sum(pnl) / sum(fills) if sum(fills) else 0.0
        orders = mean([float(one.orders) for one in runs])
        lines.append(
            f"| {name} | {orders:,.0f} | {mean(fills):,.1f} ± {spread(fills):,.1f} | {mean(pnl):+,.2f} ±"
            f" {spread(pnl):,.2f} | {each:+,.3f} |"
        )
    return lines


def halves_table(found: dict[str, list[Result]]) -> list[str]:
    """For each profile how like the results of the first half of the seeds are to those of the second."""
    lines = ["| profile | seeds | PnL: D | p | fills: D | p |", "|---|---:|---:|---:|---:|---:|"]
    for name, runs in found.items():
        cells = []
        for figure in FIGURES:
            one, other = halves(runs, figure)
            cells += [f"{distance(one, other):.3f}", f"{likeness(one, other):.3f}"]
        lines.append(f"| {name} | {len(one)} + {len(other)} | {' | '.join(cells)} |")
    return lines


def halves(runs: Sequence[Result], figure: str) -> tuple[list[float], list[float]]:
    """One *figure* of the first half of the *runs*, and of the second."""
    values = [float(getattr(run, figure)) for run in runs]
    return values[: len(values) // 2], values[len(values) // 2 :]


def alike(found: dict[str, list[Result]]) -> dict[tuple[str, str], float]:
    """By profile and figure the p of the first half of the seeds against the second."""
    return {(name, figure): likeness(*halves(runs, figure)) for name, runs in found.items() for figure in FIGURES}


def page(found: dict[str, list[Result]]) -> str:
    """The nightly page."""
    seeds = len(next(iter(found.values())))
    return "\n".join(
        [
            "# How results spread under each profile",
            "",
            f"`python -m scenarios.spread --seeds {seeds} --page FILE` wrote it: {seeds} seeds of every profile,",
            "the demo's strategy on a made-up recording ([profiles](profiles.md) says which). Means, and standard",
            "deviations over seeds.",
            "",
            *table(found),
            "",
            "The first half of the seeds against the second: the two-sample Kolmogorov-Smirnov test. Were both of one",
            f"distribution, a D as great as this would be met with a probability of p; below {LEVEL} the nightly run",
            "fails, and this page stays as it was.",
            "",
            *halves_table(found),
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all profiles, and print their table or write the page; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scenarios.spread", description="How results spread over seeds.")
    parser.add_argument("--seeds", type=int, default=20, help="seeds 1 to N of every profile")
    parser.add_argument("--page", type=Path, help="write the nightly page here, instead of printing a table")
    asked = parser.parse_args(arguments)
    if asked.seeds < 2:
        parser.error("--seeds: two halves need 2 seeds at least")
    disk = RealDisk()
    with (
        TemporaryDirectory() as folder,
        open_journal(write_sample(Path(folder) / "sample", disk, SAMPLE), disk) as base,
    ):
        found = {name: results(disk, base, name, range(1, asked.seeds + 1)) for name in [NONE, *profile_names(disk)]}
    if asked.page is None:
        print("\n".join(table(found)))
        return 0
    likely = alike(found)
    unlike = [f"{figure} under {name}: p = {p:.1g}" for (name, figure), p in likely.items() if p < LEVEL]
    if unlike:
        print(f"the two halves of the seeds are unlike: {', '.join(unlike)}", file=sys.stderr)
        return 1
    asked.page.write_text(page(found), encoding="utf-8")
    runs = sum(map(len, found.values()))
    print(f"{runs} runs of {len(found)} profiles, halves of the seeds alike (p {min(likely.values()):.3f} or more)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
