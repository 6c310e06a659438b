"""
The determinism matrix: one run, replayed and resimulated on every CPython found here, in odd surroundings.

A recording and a run on it are made once. Every cell of the matrix replays that run strictly and makes it anew, in a
process of its own: compiled or interpreted, under another hash seed, locale and time zone, in one process or two, from
the start or from a checkpoint. All must come to the same state digest, and to the same journal bytes.

Without --full the cells cover every pair of values; 3.12 then runs interpreted only, which saves a compilation, and
what is compiled for another Python than the running one is optimised less, which must not matter either.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matrix_envs import ROOT, RUNNING, VERSIONS, Broken, Environment, ask, build, interpreter

FRAMES = 12_000
EVERY = 4096
"""Inputs from one checkpoint to the next: three in this run."""
INTERPRETED_ONLY = ("3.12",)
TELL_EVERY = 8
"""Cells between two words on how far it is."""

KEEP_CHECKPOINTS = f"""
import sys
from pathlib import Path
from journal.disk import RealDisk
from journal.reader import open_journal
from replay.overlay import open_base
from replay.resume import Checkpoints
from replay.verify import replay_strictly, this_build

disk, path = RealDisk(), Path(sys.argv[1])
with open_journal(path, disk) as journal:
    kept = Checkpoints(disk, journal, this_build(), writing=True, every={EVERY})
    found = replay_strictly(journal, base=lambda run: open_base(disk, path, run, None), checkpoints=kept)
assert found.identical, found.divergence
print(kept.written, found.last_seq)
"""

FLOAT_SUM = """
from engine.kernel.strategy import BUY, Place

class Adds:
    def decide(self, view, wake):
        for key in wake.instruments:
            market = view.market(key)
            if market.best_bid is not None and not market.own_bids:
                sure = int({function}([0.1] * 10) * 1_000_000)
                yield Place(key, BUY, market.best_bid, 20_000_000, post_only=True, confidence=sure)
"""


@dataclass(frozen=True)
class Cell:
    """One row of the table."""

    kernel: tuple[str, bool]
    """Python version, and whether compiled."""
    hash_seed: str
    place: str
    zone: str
    jobs: int
    middle: bool

    def row(self) -> list[str]:
        """Its values, as they stand in the table."""
        version, compiled = self.kernel
        kernel = "compiled" if compiled else "interpreted"
        start = "checkpoint" if self.middle else "start"
        return [version, kernel, self.hash_seed, self.place, self.zone, str(self.jobs), start]


HEADING = ["python", "kernel", "hash seed", "locale", "time zone", "jobs", "from"]


@dataclass(frozen=True)
class Reference:
    """What every cell must come to."""

    folder: Path
    config: Path
    state: str
    bytes: str
    last_seq: int


def places() -> list[str]:
    """Locales to run under: Unicode, plain ASCII, and others where they are installed."""
    there = (ask(["locale", "-a"]) or "").split()
    odd = [name for name in there if name.lower().replace("-", "") in ("de_de.utf8", "tr_tr.utf8")]
    return ["C.UTF-8", "C (ASCII)", *odd]


def surroundings(cell: Cell) -> dict[str, str]:
    """The environment variables that a cell's locale, time zone and hash seed mean."""
    ascii_only = cell.place == "C (ASCII)"
    return {
        "LC_ALL": "C" if ascii_only else cell.place,
        "PYTHONUTF8": "0" if ascii_only else "1",
        "PYTHONCOERCECLOCALE": "0",
        "TZ": cell.zone,
        "PYTHONHASHSEED": cell.hash_seed,
    }


def every_pair(axes: Sequence[Sequence[object]]) -> Iterator[tuple[object, ...]]:
    """Few rows of *axes* that hold every pair of values of any two of them; greedy, and always the same ones."""
    rows = list(itertools.product(*(range(len(axis)) for axis in axes)))
    ways = list(itertools.combinations(range(len(axes)), 2))
    open_pairs = {(a, b, row[a], row[b]) for row in rows for a, b in ways}
    while open_pairs:
        best = max(rows, key=lambda row: sum((a, b, row[a], row[b]) in open_pairs for a, b in ways))
        open_pairs -= {(a, b, best[a], best[b]) for a, b in ways}
        yield tuple(axis[at] for axis, at in zip(axes, best, strict=True))


def cells(kernels: list[tuple[str, bool]], full: bool) -> list[Cell]:
    """The cells of the matrix, those of the running Python first: the others are still being built."""
    axes = (kernels, ("0", "12345"), places(), ("UTC", "Pacific/Apia"), (1, 2), (False, True))
    rows = itertools.product(*axes) if full else every_pair(axes)
    found = [Cell(*row) for row in rows]  # type: ignore[arg-type]
    return sorted(found, key=lambda cell: (cell.kernel[0] != RUNNING, cell.kernel))


def engine(environment: Environment, compiled: bool, more: dict[str, str], *arguments: str) -> tuple[int, Any]:
    """Run `engine ARGUMENTS --json`; returns its exit code and document."""
    command = [environment.python, "-m", "engine.runtime.cli", *arguments, "--json"]
    variables = {**environment.variables(compiled), **more}
    done = subprocess.run(command, cwd="/", env=variables, capture_output=True, check=False)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        raise Broken(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.decode()[-2000:]}") from None


def resimulate(environment: Environment, compiled: bool, more: dict[str, str], made: Path, config: Path) -> str:
    """Run the strategies of *config* on the recording beside *made* into *made*; returns its bytes' digest."""
    recording = str(made.parent / "recording")
    arguments = ["replay", recording, "--seed", "7", "--config", str(config), "--out", str(made)]
    code, said = engine(environment, compiled, more, *arguments)
    if code:
        raise Broken(f"resimulating ended with {code}: {said.get('error')}")
    manifests = [json.loads(path.read_bytes()) for path in sorted(made.glob("*.manifest.json"))]
    assert manifests, "an overlay is sealed"
    return " ".join(manifest["raw_blake2b"] for manifest in manifests)


def make_reference(environment: Environment, folder: Path) -> Reference:
    """The recording, the run on it with its checkpoints, and what they come to."""
    compiled = environment.compiled
    sample = ["--frames", str(FRAMES), "--markets", "8", "--disconnect-every", "3000"]
    engine(environment, compiled, {}, "sample", "-o", str(folder / "recording"), *sample)
    config = ROOT / "config" / "demo.yaml"
    digest = resimulate(environment, compiled, {}, folder / "run", config)
    variables = environment.variables(compiled)
    keep = [environment.python, "-c", KEEP_CHECKPOINTS, str(folder / "run")]
    done = subprocess.run(keep, cwd="/", env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(done.stderr[-2000:])
    written, last_seq = (int(word) for word in done.stdout.split())
    assert written >= 2, "a run of this length has several checkpoints"
    said = engine(environment, compiled, {}, "replay", str(folder / "run"))[1]
    return Reference(folder, config, said["state_digest"], digest, last_seq)


def try_cell(number: int, cell: Cell, environment: Environment, reference: Reference) -> tuple[str, str, float]:
    """Replay and resimulate; returns the state's digest, the journal's, seconds. Raises Broken where they differ."""
    started = time.monotonic()
    compiled, more = cell.kernel[1], surroundings(cell)
    arguments = ["replay", str(reference.folder / "run"), "--jobs", str(cell.jobs)]
    if cell.middle:
        arguments += ["--from", str(reference.last_seq // 2)]
    code, said = engine(environment, compiled, more, *arguments)
    if code or said["identical"] is not True or said["from_checkpoint"] is not cell.middle:
        found = {name: said.get(name) for name in ("identical", "from_checkpoint", "divergence", "error")}
        raise Broken(f"strict replay ended with {code}: {found}")
    digest = resimulate(environment, compiled, more, reference.folder / f"run-{number}", reference.config)
    if (said["state_digest"], digest) != (reference.state, reference.bytes):
        raise Broken(f"state {said['state_digest']}, journal {digest}; expected {reference.state}, {reference.bytes}")
    return said["state_digest"], digest, time.monotonic() - started


def planted(function: str, old: Environment, new: Environment, folder: Path) -> int:
    """The exit code of *new*, replaying a run made under *old* by a strategy that adds floats with *function*."""
    name = function.rpartition(".")[2]
    source = FLOAT_SUM.replace("{function}", function)
    (folder / f"{name}.py").write_text("import math\n" + source if "math." in function else source)
    config = folder / f"{name}.yaml"
    policy = ROOT / "config" / "trading_policy.yaml"
    strategies = f"strategies: [{{name: adds, code: '{name}.py:Adds'}}]"
    venue = "venue: {order_latency_ms: 40, report_latency_ms: 30}"
    config.write_text(f"policy: {policy}\n{strategies}\n{venue}\n")
    made = folder / f"run-{name}"
    resimulate(old, old.compiled, {}, made, config)
    same, said = engine(old, False, {}, "replay", str(made))
    if same or said["identical"] is not True:
        raise Broken(f"{function}: the run does not even replay under the Python that made it")
    code, said = engine(new, new.compiled, {}, "replay", str(made))
    if code == 4 and said["divergence"]["found"]["kind"] != "INTENT":
        raise Broken(f"{function}: diverged at {said['divergence']['seq']}, which is no INTENT")
    return code


def print_table(rows: list[list[str]]) -> None:
    """Print *rows* in columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())


def try_planted(environments: dict[str, Environment], folder: Path) -> tuple[int, list[str]]:
    """
    Whether the matrix would see a strategy that the contract does not cover, and passes one that it does.

    Builtin `sum` adds floats with compensation since 3.12, `math.fsum` is exact in all versions. Returns how many
    were tried, and what failed.
    """
    if "3.11" not in environments or len(environments) < 2:
        print("planted failure: not tried, it takes 3.11 and a later Python")
        return 0, []
    old, new = environments["3.11"], environments[max(environments)]
    failures = []
    for function, expected in (("sum", 4), ("math.fsum", 0)):
        code = planted(function, old, new, folder)
        verdict = "as expected" if code == expected else f"EXPECTED {expected}"
        print(f"planted: {function} over floats, run under 3.11, replayed under {new.version}: exit {code}, {verdict}")
        failures += [] if code == expected else [f"planted {function}: exit {code}, expected {expected}"]
    return 2, failures


def built(version: str, folder: Path, compiling: bool, quick: bool) -> Environment:
    """The environment of *version*, with a line that says how long it took."""
    started = time.monotonic()
    environment = build(version, folder, compiling, quick)
    way = "the running one" if version == RUNNING else "compiled" if environment.compiled else "interpreted only"
    print(f"{version}: {way}, ready after {time.monotonic() - started:.0f} s", flush=True)
    return environment


def run(full: bool, jobs: int, folder: Path) -> int:
    """Build, try every cell, print the table; returns the number of failures."""
    found = [version for version in VERSIONS if interpreter(version) is not None]
    print(f"CPython {', '.join(found)} found; running {RUNNING}", flush=True)
    with ThreadPoolExecutor(jobs) as pool:
        compiling = [version for version in found if full or version == RUNNING or version not in INTERPRETED_ONLY]
        order = sorted(found, key=lambda version: (version not in compiling, version))  # what compiles begins first
        builds = {version: pool.submit(built, version, folder, version in compiling, not full) for version in order}
        running = build(RUNNING, folder, True, False)
        kernels = [(version, way) for version in found for way in (True, False) if version in compiling or not way]
        if not running.compiled:
            print(f"no compiled kernel is installed for {RUNNING}: it is tried interpreted only")
            kernels = [kernel for kernel in kernels if kernel != (RUNNING, True)]
        reference = make_reference(running, folder)
        wanted = cells(kernels, full)
        tried: list[Future[tuple[str, str, float]]] = [
            pool.submit(lambda n, c: try_cell(n, c, builds[c.kernel[0]].result(), reference), number, cell)
            for number, cell in enumerate(wanted)
        ]
        failures = report(wanted, tried)
        tries, missed = try_planted({version: future.result() for version, future in builds.items()}, folder)
    failures += missed
    tries += len(wanted)
    print(f"state digest {reference.state}\njournal bytes {reference.bytes}")
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{tries - len(failures)} passed, {len(failures)} failed")
    return len(failures)


def report(wanted: list[Cell], tried: list[Future[tuple[str, str, float]]]) -> list[str]:
    """Print how far it is, and at the end the table; returns what failed."""
    rows, failures = [[*HEADING, "state", "journal", "seconds"]], []
    started = time.monotonic()
    for number, (cell, future) in enumerate(zip(wanted, tried, strict=True)):
        if number % TELL_EVERY == 0:
            print(f"{number} of {len(wanted)} cells, {time.monotonic() - started:.0f} s", flush=True)
        try:
            state, digest, seconds = future.result()
            rows.append([*cell.row(), state[:12], digest[:12], f"{seconds:.1f}"])
        except Broken as error:
            rows.append([*cell.row(), "FAILED", "-", "-"])
            failures.append(f"{' '.join(cell.row())}: {error}")
    print_table(rows)
    return failures


def main() -> None:
    """Read the command line and run the matrix in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the whole product, not only every pair")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="cells and builds at a time")
    asked = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="refold-matrix-") as folder:
        try:
            failed = run(asked.full, asked.jobs, Path(folder).resolve())
        except Broken as error:
            print(f"FAILED {error}")
            failed = 1
    print(f"in {time.monotonic() - started:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
