"""
`python -m benchmarks.contestant FEED.bin MODE LOWEST HIGHEST REPETITIONS`: this project beside its rivals.

Prints one JSON line as the others do. Reading the feed and packing it happens before the clock runs, as the others load
their arrays. Where the right answers are known, an unequal one ends with 1 and says which.

MODE: mm           the market-maker contract, its strategy compiled
      mm_python    the same, the strategy in ordinary Python
      cold         a fresh process, from a sealed journal with sidecars to the result; the process's start counts
      fold_multi K the first 2 million records spread over K instruments, folded, no strategy
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from attrs import asdict

from benchmarks.contestants import cold, contract
from benchmarks.contestants.feeds import Feed, packed, read_feed, spread
from journal.background import Threads
from journal.disk import RealDisk
from journal.writer import Writer
from replay import Run
from replay.feed import MemoryFeed
from replay.resimulation import ONLY_AT_THE_END, Simulated, Simulation

Played = TypeVar("Played", bound=Simulated | Run)

SINKS = ("none", "digests", "overlay")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    told = argparse.ArgumentParser(
        prog="python -m benchmarks.contestant",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    told.add_argument("feed", type=Path, metavar="FEED.bin")
    told.add_argument("mode", choices=("mm", "mm_python", "cold", "fold_multi"), metavar="MODE")
    told.add_argument("numbers", type=int, nargs="+", metavar="N", help="[K of fold_multi,] LOWEST HIGHEST REPETITIONS")
    told.add_argument("--folder", type=Path, help="where the journal of cold is kept; without it, beside the feed")
    told.add_argument(
        "--sink",
        choices=SINKS,
        default="digests",
        help="what a run keeps of itself; the digests are formed in either case, none only forgets them",
    )
    return told


def simulate(told: argparse.Namespace, feed: MemoryFeed) -> tuple[float, Simulated | Run]:
    """
    One run of the contract: (seconds from its first record to its result, the result).

    An overlay that people keep stands on a journal, and this feed is none: the records are written to a writer of ours.
    """
    if told.sink != "overlay":
        made = contract.played(feed, contract.strategy_of(told.mode == "mm", feed.first_recv_ns))
        return made.stats.elapsed_s, made
    run, config = contract.run_of(told.mode == "mm", feed.first_recv_ns)
    disk, background = RealDisk(), Threads("contestant")
    try:
        with tempfile.TemporaryDirectory(prefix="refold-contestant-") as folder:
            writer = Writer.create(
                Path(folder) / "run",
                disk,
                background,
                journal_id=bytes(16),
                wall_ns=feed.first_recv_ns,
                mono_ns=0,
                sources={3: "simulated"},
                sync_bytes=ONLY_AT_THE_END,
            )
            simulation = Simulation(run, config, feed, writer)
            started = time.perf_counter()
            found = simulation.play()
            writer.close()
            return time.perf_counter() - started, found
    finally:
        background.close()


def fold(feed: MemoryFeed) -> tuple[float, Run]:
    """One replay of *feed* without a strategy."""
    made = contract.played(feed)
    return made.stats.elapsed_s, made


def measured(repetitions: int, once: Callable[[], tuple[float, Played]]) -> tuple[list[float], Played]:
    """Each repetition's seconds, and the last one's result."""
    took: list[float] = []
    for _ in range(repetitions):
        seconds, found = once()
        took.append(seconds)
    return took, found


def line(told: argparse.Namespace, took: list[float], count: int) -> dict[str, Any]:
    """What every mode prints."""
    median = statistics.median(took)
    return {
        "label": contract.label(told.mode, told.sink),
        "n": count,
        "ns_ev": round(median / count * 1e9, 2),
        "median_s": round(median, 5),
        "wall_s": [round(one, 5) for one in took],
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def market_maker(told: argparse.Namespace, feed: Feed, repetitions: int) -> tuple[list[float], contract.Answers, int]:
    """Measure the contract: (seconds, answers, exit code)."""
    inputs = packed(feed)
    took, found = measured(repetitions, lambda: simulate(told, inputs))
    faults = len(found.faults) if isinstance(found, Simulated) else found.stats.faults
    if faults:
        print(f"the strategy raised {faults} exceptions", file=sys.stderr)
    return took, contract.answers(found, feed.start_ns), 1 if faults else 0


def cold_start(told: argparse.Namespace, feed: Feed, repetitions: int) -> tuple[list[float], contract.Answers, int]:
    """Measure fresh processes: (seconds, answers, exit code)."""
    journal = cold.prepare(feed, told.folder or told.feed.with_name(told.feed.name + ".journal"))
    rounds = [cold.timed(journal, feed.start_ns) for _ in range(repetitions)]
    return [took for took, _ in rounds], contract.Answers(**rounds[-1][1]), 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as told by the command line; returns the exit code."""
    told = parser().parse_args(arguments)
    assets = told.numbers.pop(0) if told.mode == "fold_multi" else 1
    lowest, highest, repetitions = told.numbers
    feed = read_feed(told.feed, lowest, highest)
    if told.mode == "fold_multi":
        inputs = spread(feed, assets)
        count = inputs.last_seq - 1 - assets
        took, found = measured(repetitions, lambda: fold(inputs))
        printed, code = {**line(told, took, count), "assets": assets, "inputs": found.stats.inputs}, 0
    else:
        measure = cold_start if told.mode == "cold" else market_maker
        took, answers, code = measure(told, feed, repetitions)
        printed = {**line(told, took, feed.count), **asdict(answers)}
        for name, (value, known) in contract.differences(answers, feed.digest).items():
            print(f"{name} is {value}, known is {known}", file=sys.stderr)
            code = 1
    print(json.dumps(printed), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
