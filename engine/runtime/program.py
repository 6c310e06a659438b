"""
The console script `engine`: from its first line to its last, an interrupt from the keyboard ends it with 130, quietly.

The command line itself handles interrupts while a command runs. Before and after, while Python loads modules or takes
itself down, an exception would come out as a traceback, or be lost in whatever code it happens to meet.
"""

import os
import signal
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130


def _leave(number: int = signal.SIGINT, frame: FrameType | None = None) -> NoReturn:
    os.write(2, b"Error: interrupted.\n")
    os._exit(INTERRUPTED)  # nothing is open yet, or any more


def main() -> NoReturn:
    """Load the command line and run the command."""
    # A shell's background job ignores interrupts, and goes on doing so.
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeded:
        signal.signal(signal.SIGINT, _leave)
    from engine.runtime.cli import engine

    try:
        if heeded:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        engine.main()
    except KeyboardInterrupt:  # a second one, while the first was told
        _leave()
    finally:
        if heeded:
            signal.signal(signal.SIGINT, _leave)
    raise AssertionError("Engine.main ends the process")


if __name__ == "__main__":
    main()
