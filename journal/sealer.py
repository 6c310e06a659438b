"""
Sealing in a process of its own, out of the way of whoever trades: ``python -m journal.sealer FOLDER NUMBER``.

Ends with 0 when the segment is sealed, 3 with one sentence when it cannot be, 75 when another process is at it.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from journal.disk import RealDisk
from journal.errors import JournalError, Locked
from journal.frames import LEVEL
from journal.manifest import STATUSES, STOP_REASONS
from journal.seal import seal

NICENESS = 19
SEALED, FAILED, BUSY = 0, 3, 75


def spawn(
    directory: Path, number: int, stop_reason: str | None = None, status: str | None = None
) -> "subprocess.Popen[bytes]":
    """Start sealing a complete segment in a niced process; the caller reaps it."""
    command = [sys.executable, "-P", "-m", "journal.sealer", str(directory), str(number)]
    command += ["--stop-reason", stop_reason] if stop_reason else []
    command += ["--status", status] if status else []
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.DEVNULL)


def main(arguments: list[str] | None = None) -> int:
    """Seal one segment as told by the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="journal.sealer", description="Seal one complete segment of a journal.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("number", type=int)
    parser.add_argument("--level", type=int, default=LEVEL)
    parser.add_argument("--stop-reason", choices=STOP_REASONS)
    parser.add_argument("--status", choices=STATUSES)
    told = parser.parse_args(arguments)
    os.nice(NICENESS)
    try:
        seal(
            RealDisk(),
            told.directory,
            told.number,
            sealed_ns=time.time_ns(),
            level=told.level,
            stop_reason=told.stop_reason,
            status=told.status,
        )
    except Locked:
        return BUSY
    except (JournalError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED
    return SEALED


if __name__ == "__main__":  # pragma: no cover - runs in a process of its own
    sys.exit(main())
