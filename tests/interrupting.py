"""Processes that a test interrupts, wherever the tests themselves run."""

import signal


def heed() -> None:
    """For Popen's `preexec_fn`: a shell's background job has interrupts ignored, and hands that on to its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
