"""
`python -m benchmarks.contestant FEED.bin MODE LOWEST HIGHEST REPETITIONS`: this project beside its rivals.

Prints one JSON line as the others do. Every run is one of `replay.resimulate`. Where the right answers are known, an
unequal one ends with 1 and says which.

MODE: mm           the market-maker contract, its strategy compiled
      mm_python    the same, the strategy in ordinary Python
      mm_loop      the same, in Python that looks through its orders itself in place of `market.quote`
      cold         mm in a fresh process, from a sealed journal with sidecars
      fold_multi K the first 2 million records spread over K instruments, folded, no strategy

`ns_ev` is the median time divided by the feed's records. Timed is, from packed inputs in memory (a feed is read and
packed before, as the others load their arrays): the run, from its first record to its result. With `--journal`, and
always with an overlay, which stands on a journal: the whole call, from opening the journal to the result, with the
overlay sealed. `cold`: the whole process, from its start to its end. The journal is made before, and kept.
"""

import argparse
import gc
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict

from benchmarks.contestants import cold, contract
from benchmarks.contestants.feeds import Feed, packed, read_feed, spread
from replay import Run
from replay.feed import MemoryFeed

SINKS = ("none", "digests", "overlay")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    told = argparse.ArgumentParser(
        prog="python -m benchmarks.contestant",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    told.add_argument("feed", type=Path, metavar="FEED.bin")
    told.add_argument("mode", choices=(*contract.CLASSES, "cold", "fold_multi"), metavar="MODE")
    told.add_argument("numbers", type=int, nargs="+", metavar="N", help="[K of fold_multi,] LOWEST HIGHEST REPETITIONS")
    told.add_argument("--journal", action="store_true", help="from a sealed journal with sidecars, as users have one")
    told.add_argument("--folder", type=Path, help="where that journal is kept; without it, beside the feed")
    told.add_argument(
        "--sink",
        choices=SINKS,
        default="digests",
        help="what a run keeps of itself; the digests are formed in either case, none only forgets them",
    )
    return told


def simulate(told: argparse.Namespace, base: MemoryFeed | Path, start_ns: int) -> tuple[float, Run]:
    """One run of the contract on packed inputs or on a journal: (seconds, its result)."""
    strategy = contract.strategy_of(told.mode, start_ns)
    if isinstance(base, MemoryFeed):
        made = contract.played(base, strategy, sink=told.sink)
        return made.stats.elapsed_s, made
    with tempfile.TemporaryDirectory(prefix="refold-contestant-") as folder:
        out = Path(folder) / "run" if told.sink == "overlay" else None
        started = time.perf_counter()
        made = contract.played(base, strategy, sink=told.sink, out=out)
        return time.perf_counter() - started, made


def fold(feed: MemoryFeed) -> tuple[float, Run]:
    """One replay of *feed* without a strategy."""
    made = contract.played(feed)
    return made.stats.elapsed_s, made


def measured(repetitions: int, once: Callable[[], tuple[float, Run]]) -> tuple[list[float], Run]:
    """Each repetition's seconds, and the last one's result."""
    took: list[float] = []
    for _ in range(repetitions):
        gc.collect()  # what one repetition leaves behind is not the next one's
        seconds, found = once()
        took.append(seconds)
    return took, found


def line(told: argparse.Namespace, took: list[float], count: int) -> dict[str, Any]:
    """What every mode prints."""
    median = statistics.median(took)
    return {
        "label": contract.label(told.mode, told.sink) + (" journal" if told.journal and told.mode != "cold" else ""),
        "n": count,
        "ns_ev": round(median / count * 1e9, 2),
        "median_s": round(median, 5),
        "wall_s": [round(one, 5) for one in took],
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def market_maker(told: argparse.Namespace, feed: Feed, repetitions: int) -> tuple[list[float], contract.Answers, int]:
    """Measure the contract: (seconds, answers, exit code)."""
    base = journal_of(told, feed) if told.journal or told.sink == "overlay" else packed(feed)
    took, found = measured(repetitions, lambda: simulate(told, base, feed.start_ns))
    if found.stats.faults:
        print(f"the strategy raised {found.stats.faults} exceptions", file=sys.stderr)
    return took, contract.answers(found, feed.start_ns), 1 if found.stats.faults else 0


def journal_of(told: argparse.Namespace, feed: Feed) -> Path:
    """The sealed journal of *feed*, made if it is not there."""
    return cold.prepare(feed, told.folder or told.feed.with_name(told.feed.name + ".journal"))


def cold_start(told: argparse.Namespace, feed: Feed, repetitions: int) -> tuple[list[float], contract.Answers, int]:
    """Measure fresh processes: (seconds, answers, exit code)."""
    journal = journal_of(told, feed)
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
