"""
The test command behind `make test`, `make nightly` and `.ci/run`.

    all      kernel and journal interpreted, with branch coverage, while the kernel compiles; then the suite, compiled
    matrix   one journal on every Python present, compiled and interpreted, in odd surroundings: one digest
    nightly  all of it, with what is too long for CI, and docs/reference/{nightly,profile_spread}.md written anew
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NIGHTLY_PAGE = ROOT / "docs" / "reference" / "nightly.md"
SPREAD_PAGE = NIGHTLY_PAGE.with_name("profile_spread.md")
RESULT = re.compile(r"\d+ (?:passed|runs of).*")
VERSIONS = re.compile(r"CPython (\S.*) found; running")

done: list[tuple[str, str, float]] = []
"""Title, last result line and seconds of every command that ran."""
failed: list[str] = []
"""Titles of those that failed."""
versions: list[str] = []
"""The Pythons that the determinism matrix found."""


def run(title: str, command: Sequence[str], last: bool = True, **variables: str) -> None:
    """Run *command* in the root; where it fails that ends the whole run, unless *last* is false."""
    print(f"== {title}", flush=True)
    started = time.monotonic()
    environment = {**os.environ, **variables}
    result = ""
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            found = RESULT.search(line)
            result = found.group(0).split(" in ")[0] if found else result
            versions.extend(VERSIONS.findall(line))
    seconds = time.monotonic() - started
    print(f"== {title}: {seconds:.0f} s", flush=True)
    if process.returncode:
        failed.append(title)
        if last:
            sys.exit(process.returncode)
    done.append((title, result, seconds))


def commit() -> str:
    """The commit that was tested, and whether files differ from it."""
    asked = ["git", "describe", "--always", "--dirty"]
    found = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    name = found.stdout.strip()
    if found.returncode or not name:
        return "no commit known"
    clean, dirty, _ = name.partition("-dirty")
    return f"commit {clean}" + (" and what was not committed yet" if dirty else "")


def write_nightly_page() -> None:
    """Write what ran, with its figures, to the documentation."""
    rows = "".join(f"| {title} | {result or 'done'} | {seconds:,.0f} s |\n" for title, result, seconds in done)
    beside = f"; the matrix with CPython {versions[-1]}" if versions else ""
    seconds = sum(seconds for _, _, seconds in done)
    NIGHTLY_PAGE.write_text(
        "# The nightly run\n\n"
        "`make nightly` runs what is too long for every change, and writes this page when all of it passed. It holds\n"
        "the last figures.\n\n"
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, {commit()}. CPython {platform.python_version()}{beside}; "
        f"{os.cpu_count()} {platform.machine()} cores, {seconds / 60:.0f} minutes.\n\n"
        f"| what | result | time |\n|---|---|---:|\n{rows}",
        encoding="utf-8",
    )


def compiled() -> bool:
    """Whether a compiled kernel is installed for this Python."""
    code = "import engine; raise SystemExit(not engine.COMPILED)"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True).returncode == 0


def pytest(jobs: int, *arguments: str) -> list[str]:
    """A pytest command of this Python, in *jobs* processes."""
    workers = ["-n", str(jobs)] if jobs > 1 else []
    return [sys.executable, "-m", "pytest", "-q", *workers, *arguments]


def suite(jobs: int) -> None:
    """The kernel and the journal interpreted under coverage while the kernel compiles; then the suite, compiled."""
    compiling = subprocess.Popen(["make", "--no-print-directory", "compile"], cwd=ROOT)
    covered = ["--cov", "--cov-branch", "--cov-report=term:skip-covered", "--cov-fail-under=100"]
    where = ["tests/journal", "tests/engine/kernel"]
    try:
        run(
            "kernel and journal, interpreted",
            pytest(max(1, jobs - 1), *covered, "-m", "not nightly", *where),
            REFOLD_PURE="1",
        )
    finally:
        code = compiling.wait()
    if code:
        sys.exit(code)
    if compiled():
        run("tests, compiled", pytest(jobs, "-m", "not nightly"), REFOLD_REQUIRE="compiled")
    else:
        print("== no compiled kernel could be built: the whole suite runs interpreted", flush=True)
        run("tests, interpreted", pytest(jobs, "-m", "not nightly"), REFOLD_PURE="1")


def main() -> None:
    """Read the command line and run what it names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("all", "matrix", "nightly"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    if asked.what == "all":
        suite(asked.jobs)
    elif asked.what == "matrix":
        run("determinism matrix", [sys.executable, str(ROOT / "tests" / "matrix.py")])
    else:
        nightly(asked.jobs)


def nightly(jobs: int) -> None:
    """Everything, the longest last. Where a part fails the others run all the same, but the page is not written."""
    matrix = [sys.executable, str(ROOT / "tests" / "matrix.py"), "--full"]
    spread = [sys.executable, "-m", "scenarios.spread", "--seeds", "200", "--page", str(SPREAD_PAGE)]
    print("== part 1 of 4: the suite, as for every change", flush=True)
    suite(jobs)
    print("== part 2 of 4: tests that are too long for it", flush=True)
    run("what is too long for CI", pytest(jobs, "-m", "nightly"), last=False, HYPOTHESIS_PROFILE="nightly")
    print("== part 3 of 4: two hundred seeds of every profile", flush=True)
    run("results under every profile", spread, last=False)
    print("== part 4 of 4: the determinism matrix, a quarter of an hour or more", flush=True)
    run("determinism matrix, full", matrix, last=False)
    if failed:
        sys.exit(f"== failed: {', '.join(failed)}; {NIGHTLY_PAGE.name} stays as it was")
    write_nightly_page()
    print(f"== all passed; written: {NIGHTLY_PAGE.relative_to(ROOT)}", flush=True)


if __name__ == "__main__":
    main()
