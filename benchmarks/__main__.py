"""`python -m benchmarks`: measure everything here and print the table."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import asdict

import engine
from benchmarks import memory, of_journal, of_kernel, of_replay, of_strategies, of_sweep, table
from benchmarks.case import Case
from benchmarks.material import SIZES, Material
from benchmarks.measure import WARM_UPS, Budget, Figure, measure

SCHEMA = "refold.benchmarks/1"
CASES: tuple[Case, ...] = (
    *of_journal.CASES,
    *of_kernel.CASES,
    *of_replay.CASES,
    *of_strategies.CASES,
    *of_sweep.CASES,
)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    told = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    told.add_argument("cases", nargs="*", metavar="CASE", help="names, or beginnings of names; all without any")
    told.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    told.add_argument("--list", action="store_true", help="the names of the cases, and nothing measured")
    told.add_argument("--size", choices=SIZES, default="full", help="how much is measured")
    told.add_argument("--repetitions", type=int, default=0, help="of each case; 0: what the size says")
    told.add_argument("--alone", action="store_true", help="only as this process runs: no interpreted column")
    told.add_argument("--stages", action="store_true", help="also say where the time of a replay goes")
    told.add_argument("--memory", type=int, metavar="FRAMES", help="fold so many to see memory stay flat; 0: do not")
    told.add_argument("--folder", type=Path, help="where journals are written: the disk that is measured")
    told.add_argument("--data", type=Path, default=engine.ROOT.parent / "shared" / "data", help="recorded data, if any")
    return told


def wanted(names: Sequence[str]) -> list[Case]:
    """The cases that *names* begin; all of them for none."""
    return [case for case in CASES if not names or any(case.name.startswith(name) for name in names)]


def figures(cases: Sequence[Case], material: Material, repetitions: int) -> list[Figure]:
    """Every case measured, in order. A case is prepared, measured and forgotten before the next."""
    found = []
    for case in cases:
        say(case.what)
        work = case.prepare(material)
        found.append(measure(case.name, case.what, case.unit, work, repetitions, case.cores, case.budget))
    say("")
    return found


def say(what: str) -> None:
    """Tell a waiting person what is measured now."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


def interpreted(told: argparse.Namespace) -> dict[str, Figure]:
    """The same command in a process that runs the sources, on fewer items."""
    command = [sys.executable, "-m", "benchmarks", "--alone", "--json", "--memory", "0", "--data", str(told.data)]
    command += ["--size", "tiny" if told.size == "tiny" else "small", *told.cases]
    command += ["--folder", str(told.folder)] if told.folder else []
    environment = {key: value for key, value in os.environ.items() if key != "REFOLD_REQUIRE"}
    environment["REFOLD_PURE"] = "1"
    say("the interpreted column")
    done = subprocess.run(command, cwd=engine.ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    say("")
    return {one["name"]: figure_of(one) for one in json.loads(done.stdout)["figures"]}


def figure_of(fields: dict[str, Any]) -> Figure:
    """A figure from its JSON."""
    budget = fields.pop("budget")
    return Figure(budget=Budget(**budget) if budget else None, **fields)


def document(told: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Everything measured, as one document and as the lines of the table."""
    size = SIZES[told.size]
    material = Material(folder, told.data, size)
    found = figures(wanted(told.cases), material, told.repetitions or size.repetitions)
    slow = interpreted(told) if engine.COMPILED and not told.alone else {}
    fields: dict[str, Any] = {
        "schema": SCHEMA,
        "compiled": engine.COMPILED,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "size": size.name,
        "warm_ups": WARM_UPS,
        "binance_frames": material.origin,
        "figures": [asdict(one) for one in found],
        "interpreted": [asdict(one) for one in slow.values()],
    }
    how = "compiled" if engine.COMPILED else "interpreted"
    lines = [
        f"{how}, Python {fields['python']} on {fields['cores']} {fields['machine']} cores, size {size.name}, "
        f"Binance frames {material.origin}",
        "",
        *table.lines(table.rows(found, slow)),
    ]
    wanted_frames = told.memory if told.memory is not None else 0 if told.cases else size.memory_frames
    if wanted_frames:
        say("memory")
        grown = memory.measured_apart(material.sample(), wanted_frames)
        fields["memory"] = {**asdict(grown), "grown_mb": grown.grown_mb, "limit_mb": memory.LIMIT_MB}
        lines += ["", table.memory_line(grown)]
    if told.stages:
        from benchmarks.stages import report

        fields["stages"] = report(material)
        lines += table.stage_lines(fields["stages"])
    return fields, lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as told by the command line; returns the exit code. A missed budget is told, and is no error."""
    told = parser().parse_args(arguments)
    if told.list:
        print("\n".join(f"{case.name:24} {case.what}" for case in CASES))
        return 0
    if not wanted(told.cases):
        print(f"no case begins with {' or '.join(told.cases)}: see --list", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="refold-benchmarks-", dir=told.folder) as folder:
        fields, lines = document(told, Path(folder))
    print(json.dumps(fields, indent=2) if told.json else "\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
