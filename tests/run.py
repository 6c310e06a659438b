"""
The test command behind `make test`, `make nightly` and `.ci/run`.

    all      kernel and journal interpreted, with branch coverage, while the kernel compiles; then the suite, compiled
    matrix   one journal on every Python present, compiled and interpreted, in odd surroundings: one digest
    nightly  all of it, with what is too long for CI, and docs/reference/nightly.md written anew
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
RESULT = re.compile(r"\d+ passed.*")

done: list[tuple[str, str, float]] = []
"""Title, last result line and seconds of every command that ran."""


def run(title: str, command: Sequence[str], **variables: str) -> None:
    """Run *command* in the root, ending the whole run where it fails."""
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
    seconds = time.monotonic() - started
    print(f"== {title}: {seconds:.0f} s", flush=True)
    if process.returncode:
        sys.exit(process.returncode)
    done.append((title, result, seconds))


def write_nightly_page() -> None:
    """Write what ran, with its figures, to the documentation."""
    rows = "".join(f"| {title} | {result or 'done'} | {seconds:,.0f} s |\n" for title, result, seconds in done)
    NIGHTLY_PAGE.write_text(
        "# The nightly run\n\n"
        "`make nightly` runs what is too long for every change, and writes this page. It holds the last figures.\n\n"
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, Python {platform.python_version()}, "
        f"{os.cpu_count()} {platform.machine()} cores.\n\n"
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
        suite(asked.jobs)
        run("what is too long for CI", pytest(asked.jobs, "-m", "nightly"), HYPOTHESIS_PROFILE="nightly")
        run("determinism matrix, full", [sys.executable, str(ROOT / "tests" / "matrix.py"), "--full"])
        write_nightly_page()


if __name__ == "__main__":
    main()
