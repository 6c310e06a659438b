"""
`python -m benchmarks.training`: what runs do most, done once each, for a build that counts what is done.

`make tuned` compiles the kernel anew by these counts. Nothing is measured here, and nothing but the counts is kept.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import benchmarks.__main__ as measured
from benchmarks.contestants import contract
from benchmarks.contestants.feeds import packed, read_feed
from benchmarks.contestants.made import make_rows, write_feed

_ROWS = 300_000
_WIDE, _NARROW = 2, 1
"""Seeds of a feed of either kind."""
_CASES = ("append", "replay", "resimulate", "translate", "maker")


def contests(folder: Path) -> None:
    """A market maker on a made-up feed, compiled and in ordinary Python, and the feed spread over many instruments."""
    for seed in (_WIDE, _NARROW):
        feed = read_feed(write_feed(make_rows(seed, _ROWS), folder / f"{seed}.bin"), 0, 0)
        for strategy in contract.CLASSES:
            contract.played(packed(feed), contract.strategy_of(strategy, feed.start_ns))


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it all; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="refold-training-") as folder:
        contests(Path(folder))
    return measured.main(["--alone", "--size", "small", "--repetitions", "1", "--memory", "0", *_CASES])


if __name__ == "__main__":
    sys.exit(main())
