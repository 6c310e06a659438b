"""
`python -m benchmarks.side_by_side --lab DIR`: every contestant on the same feeds, in turns on one core, in one table.

DIR is a lab as the rivals' README makes it: `v311` (hftbacktest), `v312` (nautilus, if it is there), `floor`, and the
feeds as `.npz` and `.bin`. The rivals' scripts are copied there and run as they stand. Ratios are taken from the same
rounds, by medians. A row of the market-maker contract counts only if its answers are the known ones.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

import engine
from benchmarks.contestants import contract
from benchmarks.contestants.feeds import GRIDS, Grid

RANGES: Final = {"wide": (590_000, 610_000), "pm": (1, 99)}
RIVAL: Final = "hftbacktest mm roi"
"""Whom every figure of the contract is compared with."""
SPREAD: Final = 200
"""Instruments of the replay over many."""
TOLERANCE: Final = 1e-4


@frozen
class Job:
    """One contestant: its command, whom it is compared with, and whether it plays the contract."""

    label: str
    command: tuple[str, ...]
    beside: str
    plays: bool = True
    fresh: bool = False
    """The whole process is timed, by its wall clock."""


@define
class Row:
    """What the rounds gave of one contestant on one feed."""

    job: Job
    ns: list[float] = field(factory=list)
    refused: str = ""


def jobs(lab: Path, feed: str, told: argparse.Namespace) -> list[Job]:
    """The contestants on *feed*, those whose programs are there."""
    lowest, highest = RANGES[feed.split("_")[0]]
    grid = GRIDS[lowest, highest]
    array, records = str(lab / f"{feed}.npz"), str(lab / f"{feed}.bin")
    reach = (str(lowest), str(highest))
    rival, ours = str(lab / "v311/bin/python"), (sys.executable, "-m", "benchmarks.contestant", records)
    found = [
        Job("C, two books", (str(lab / "floor"), records, "mm", *reach, "3"), RIVAL),
        Job("C, one book", (str(lab / "floor"), records, "mm1", *reach, "3"), RIVAL),
        Job("hftbacktest mm hash", (rival, "bench_hft.py", array, "mm", "hash", "2"), RIVAL),
        Job(RIVAL, (rival, "bench_hft.py", array, "mm", "roi", "2"), RIVAL),
        Job("refold mm", (*ours, "mm", *reach, "3"), RIVAL),
        Job("refold mm, no sink", (*ours, "mm", *reach, "3", "--sink", "none"), RIVAL),
        Job("refold mm, from a journal", (*ours, "mm", *reach, "3", "--journal"), RIVAL),
        Job("refold mm, overlay", (*ours, "mm", *reach, "1", "--sink", "overlay"), RIVAL),
        Job("refold mm, Python strategy", (*ours, "mm_python", *reach, "3"), RIVAL),
        Job("refold mm, Python with a loop", (*ours, "mm_loop", *reach, "3"), RIVAL),
    ]
    if (lab / "v312/bin/python").exists():
        newer = (str(lab / "v312/bin/python"), "-W", "ignore", "bench_nautilus_v2.py", array)
        found.append(Job("nautilus rust mm", (*newer, "mm_own", "1", str(told.nautilus)), RIVAL))
    cold = (rival, str(Path(__file__).with_name("contestants") / "rival_cold.py"), array)
    subprocess.run([*cold, "--prepare"], check=True)
    found.append(Job("hftbacktest cold", (*cold, grid.tick, grid.lot, *reach), "hftbacktest cold", fresh=True))
    found.append(Job("refold cold", (*ours, "cold", *reach, "1"), "hftbacktest cold"))
    many = f"hftbacktest {SPREAD} instruments"
    found.append(Job(many, (rival, "bench_hft_multi.py", array, str(SPREAD), "roi"), many, plays=False))
    multi = (*ours, "fold_multi", str(SPREAD), *reach, "3")
    found.append(Job(f"refold {SPREAD} instruments", multi, many, plays=False))
    return found


def run(job: Job, lab: Path, told: argparse.Namespace, count: int) -> dict[str, Any]:
    """One turn of *job*: what it printed, with its nanoseconds an event. Raises RuntimeError where that is nothing."""
    pinned = ("taskset", "-c", str(told.cpu)) if shutil.which("taskset") else ()
    ours = job.command[0] == sys.executable
    started = time.perf_counter()
    done = subprocess.run(
        [*pinned, *job.command], cwd=engine.ROOT if ours else lab, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - started
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"')]
    if not lines:
        raise RuntimeError(f"{job.label}: {done.stderr[-500:]}")
    printed: dict[str, Any] = json.loads(lines[-1])
    if job.fresh:
        printed["ns_ev"] = took / count * 1e9
    return printed


def answers(printed: dict[str, Any], grid: Grid) -> dict[str, float]:
    """The contract's answers by our names, however a contestant spells them; fewer where it does not tell all."""
    told = ("steps", "nsub", "ncan", "fills", "position", "equity")
    found: dict[str, float] = {name: float(printed[name]) for name in told if name in printed}
    if "r" in printed:
        found |= dict(zip(("nsub", "ncan", "steps"), map(float, printed["r"]), strict=True))
    tick, lot = float(grid.tick), float(grid.lot)
    if "pos_lots" in printed:
        found |= {"position": printed["pos_lots"] * lot, "equity": printed["equity_ticklots"] * tick * lot}
    return found


def wrong(printed: dict[str, Any], grid: Grid, known: dict[str, float]) -> str:
    """Why a row of the contract does not count; empty if it does."""
    found = answers(printed, grid)
    for name, value in known.items():
        if name not in found:
            return f"does not tell {name}"
        if abs(found[name] - value) > TOLERANCE:
            return f"{name} is {found[name]:g}, not {value:g}"
    return ""


def reference(lab: Path, feed: str) -> tuple[dict[str, float], int]:
    """The right answers to *feed*, those of the C program that plays both clocks with two books; and its events."""
    lowest, highest = RANGES[feed.split("_")[0]]
    path = lab / f"{feed}.bin"
    command = [str(lab / "floor"), str(path), "mm", str(lowest), str(highest), "1"]
    printed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    found = answers(printed, GRIDS[lowest, highest])
    known = [one for one in contract.KNOWN.values() if one.nsub == printed["nsub"] and one.fills == printed["fills"]]
    assert not known or abs(known[0].equity - found["equity"]) < TOLERANCE
    return found, int(printed["n"])


def play(lab: Path, feed: str, told: argparse.Namespace) -> list[Row]:
    """All rounds on *feed*."""
    known, count = reference(lab, feed)
    grid = GRIDS[RANGES[feed.split("_")[0]]]
    rows = [Row(job) for job in jobs(lab, feed, told)]
    for number in range(told.rounds):
        for row in rows:
            print(f"{feed}, round {number + 1}: {row.job.label}", file=sys.stderr)
            printed = run(row.job, lab, told, count)
            row.ns.append(printed["ns_ev"])
            if row.job.plays:
                row.refused = row.refused or wrong(printed, grid, known)
            if told.out is not None:
                with told.out.open("a") as out:
                    out.write(json.dumps({"round": number, "feed": feed, **printed, "label": row.job.label}) + "\n")
    return rows


def table(feed: str, rows: Sequence[Row]) -> list[str]:
    """The rows for people; the ratio is to the contestant that each is compared with."""
    medians = {row.job.label: statistics.median(row.ns) for row in rows}
    lines = ["", f"{feed}: median ns an event (least..most), ratio"]
    for row in rows:
        median = medians[row.job.label]
        reach = f"{min(row.ns):.1f}..{max(row.ns):.1f}"
        told = f"does not count: {row.refused}" if row.refused else f"{median / medians[row.job.beside]:8.3f}"
        lines.append(f"  {row.job.label:28} {median:9.1f}  {reach:>18}  {told}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Play as told by the command line; 1 where one of our own rows does not count."""
    told = argparse.ArgumentParser(
        prog="python -m benchmarks.side_by_side",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    told.add_argument("--lab", type=Path, required=True)
    told.add_argument("--rounds", type=int, default=4)
    told.add_argument("--feeds", default="wide_5m,pm_5m", help="names of the lab's feeds, wide_... or pm_...")
    told.add_argument("--peers", type=Path, default=engine.ROOT.parent / "shared" / "peers", help="the rivals' scripts")
    told.add_argument("--nautilus", type=int, default=500_000, help="events that nautilus is given")
    told.add_argument("--cpu", type=int, default=min(os.sched_getaffinity(0)))
    told.add_argument("--out", type=Path, help="JSON lines of every turn, appended")
    found = told.parse_args(arguments)
    lab = found.lab.resolve()
    for script in found.peers.glob("*.py"):
        if not (lab / script.name).exists():
            shutil.copyfile(script, lab / script.name)
    code = 0
    for feed in found.feeds.split(","):
        rows = play(lab, feed, found)
        print("\n".join(table(feed, rows)), flush=True)
        code |= any(row.refused for row in rows if row.job.command[0] == sys.executable)
    return code


if __name__ == "__main__":
    sys.exit(main())
