"""
The test command behind `make test`, `make nightly` and `.ci/run`.

    all      the suite against the compiled kernel, then the kernel and the journal interpreted, with branch coverage
    matrix   one journal on every Python present, compiled and interpreted, in odd surroundings: one digest
    nightly  all of it, with what is too long for CI, and docs/reference/nightly.md written anew
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(title: str, command: list[str], **variables: str) -> float:
    """Run *command* in the root, ending the whole run where it fails; returns its seconds."""
    print(f"== {title}", flush=True)
    started = time.monotonic()
    environment = {**os.environ, **variables}
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    seconds = time.monotonic() - started
    print(f"== {title}: {seconds:.0f} s", flush=True)
    if code:
        sys.exit(code)
    return seconds


def compiled() -> bool:
    """Whether a compiled kernel is installed for this Python."""
    code = "import engine; raise SystemExit(not engine.COMPILED)"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def pytest(*arguments: str) -> list[str]:
    """A pytest command of this Python."""
    return [sys.executable, "-m", "pytest", "-q", *arguments]


def suite(jobs: int) -> None:
    """The suite compiled, then the kernel and the journal interpreted under coverage."""
    workers = ["-n", str(jobs)] if jobs > 1 else []
    if compiled():
        run("tests, compiled", pytest(*workers, "-m", "not nightly"), REFOLD_REQUIRE="compiled")
    else:
        print("== no compiled kernel is installed: the whole suite runs interpreted", flush=True)
        run("tests, interpreted", pytest(*workers, "-m", "not nightly"), REFOLD_PURE="1")
    covered = ["--cov", "--cov-branch", "--cov-report=term:skip-covered", "--cov-fail-under=100"]
    where = ["tests/journal", "tests/engine/kernel"]
    run("kernel and journal, interpreted", pytest(*workers, *covered, "-m", "not nightly", *where), REFOLD_PURE="1")


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
        run("nightly", pytest("-n", str(asked.jobs), "-m", "nightly"), HYPOTHESIS_PROFILE="nightly")
        run("determinism matrix, full", [sys.executable, str(ROOT / "tests" / "matrix.py"), "--full"])


if __name__ == "__main__":
    main()
