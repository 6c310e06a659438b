"""Exit codes of every command, in one place: scripts and CI decide by these numbers."""

from enum import IntEnum


class Exit(IntEnum):
    """What the number says, once the command is over."""

    OK = 0
    """It did what was asked."""
    BUG = 1
    """A bug of ours: the command met something that it should never meet."""
    USAGE = 2
    """The command was typed in a way that cannot be followed; nothing was done."""
    DAMAGED = 3
    """A file is damaged, is no journal or recording, or could not be read or written."""
    DIVERGED = 4
    """A replay gave other derived records, or another state, than the journal holds."""
    INVARIANT = 5
    """Something that must never happen did: the journal is intact, the state it folds to is not."""
    GATE_REFUSED = 6
    """A gate or a mode forbids it."""
    PREFLIGHT_REFUSED = 7
    """A check before start failed."""
    VENUE_UNREACHABLE = 8
    """The venue did not answer."""
    INTERRUPTED = 130
    """Stopped from the keyboard."""
