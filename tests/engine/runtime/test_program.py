"""The console script: an interrupt ends it with 130 and one sentence, however early or late it comes."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from interrupting import heed

from engine.runtime.exits import Exit
from engine.runtime.program import INTERRUPTED

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = "from engine.runtime.program import main; main()"
WAITS = "import sys, time; print('here', file=sys.stderr, flush=True); time.sleep(60)"
AT_EXIT = f"import atexit; atexit.register(exec, {WAITS!r}, {{}}); "
IN_COMMAND = f"import click; click.Context.exit = lambda *_: exec({WAITS!r}, {{}}); "


def interrupted(program: str, path: Path = ROOT, preexec: Callable[[], object] = heed) -> tuple[int, str]:
    """The end of *program*, interrupted when it says that it is there: exit code, and what was said after that."""
    environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}", "REFOLD_PURE": "1", "REFOLD_REQUIRE": ""}
    with subprocess.Popen(
        [sys.executable, "-c", program, "--version"],
        env=environment,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=preexec,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        if preexec is not heed:
            process.terminate()
        said = process.stderr.read()
    return process.returncode, said.lstrip("\n")  # click ends the line on which a terminal shows the ^C


def test_an_interrupt_while_it_loads_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text(WAITS)

    assert interrupted(PROGRAM, tmp_path) == (Exit.INTERRUPTED, "Error: interrupted.\n")


@pytest.mark.parametrize("before", [IN_COMMAND, AT_EXIT], ids=["in a command", "when all is done"])
def test_an_interrupt_at_any_later_time_ends_it_in_the_same_way(before: str) -> None:
    assert interrupted(before + PROGRAM) == (Exit.INTERRUPTED, "Error: interrupted.\n")


def test_a_background_job_goes_on_ignoring_interrupts(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text(WAITS)

    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    assert interrupted(PROGRAM, tmp_path, ignore) == (-signal.SIGTERM, "")


def test_its_number_is_that_of_every_command() -> None:
    assert INTERRUPTED == Exit.INTERRUPTED
