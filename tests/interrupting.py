"""Processes that a test interrupts, wherever the tests themselves run."""

import signal


def heed() -> None:
    """For Popen's `preexec_fn`: a shell's background job has interrupts ignored, and hands that on to its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def waiting_at(place: str, call: int) -> str:
    """
    A program for `python -c`: `engine`, but call number *call* of *place* says "here" on stderr, and waits.

    So a test meets it there, however slow or quick the machine. *place* is `module:Class.method`.
    """
    module, _, name = place.partition(":")
    owner, _, method = name.partition(".")
    return f"""
import os, time
from {module} import {owner}
real, calls = {owner}.{method}, []
def waiting(*given, **named):
    calls.append(0)
    if len(calls) == {call}:
        os.write(2, b"here\\n")
        time.sleep(600)
    return real(*given, **named)
{owner}.{method} = waiting
from engine.runtime.cli import main
main()
"""
