"""What a recording is made of, whatever its format: arrivals in order, and a count of every line that is none."""

from collections.abc import Iterator
from typing import Any, Final, final

import attrs

from engine.kernel import record
from journal.errors import JournalError

MOST_RANGES = 100_000
"""A recording with more runs of unplaced lines than this is none of the format it was taken for."""


class NotARecording(JournalError):
    """A file cannot be imported: it is damaged, or not what it was taken for. *advice* is what a person may do."""

    def __init__(
        self, message: str, advice: str = "see `engine journal import --help` for what can be imported"
    ) -> None:
        super().__init__(message)
        self.advice = advice


class NeedsAnswer(JournalError):
    """A file leaves something open that must not be guessed; *option* is what the person has to say."""

    def __init__(self, message: str, option: str) -> None:
        super().__init__(message)
        self.option = option


class Unplaceable(Exception):
    """One line, or one frame, that has no place in the journal; the text says why."""


@final
class Arrival:
    """One frame or reply that reached the recorder, or the news that its connection opened (*frame* is then empty)."""

    __slots__ = ("at_ns", "frame", "kind", "meta", "socket_ns", "src_ns")

    def __init__(self, at_ns: int, socket_ns: int, kind: int, src_ns: int, meta: bytes, frame: bytes) -> None:
        self.at_ns: Final = at_ns
        """Where it stands among others: the recorded time, never before that of the line above it."""
        self.socket_ns: Final = socket_ns
        """The recorded time itself, or NONE where the line has none."""
        self.kind: Final = kind
        self.src_ns: Final = src_ns
        self.meta: Final = meta
        self.frame: Final = frame


@attrs.define
class Unplaced:
    """Consecutive lines, *first* to *last* (from 1), that could not be placed for one reason."""

    first: int
    last: int
    reason: str


@attrs.define
class Tally:
    """What became of every line of one file: the lines placed and all the other counts add up to *lines*."""

    file: str
    format: str
    venue: str
    source: int = 0
    source_name: str = ""
    lines: int = 0
    frames: int = 0
    replies: int = 0
    connections: int = 0
    sent: int = 0
    """Lines that record what the recorder itself sent: no input, not journalled."""
    notes: int = 0
    """Lines in which the recorder speaks of itself, and blank ones: no input, not journalled."""
    joined: int = 0
    """Rows of an array that stand in the record of the row before."""
    venue_only: int = 0
    """Rows of an array for the exchange side only, which no client received: not journalled."""
    unplaced: list[Unplaced] = attrs.field(factory=list)
    without_time: int = 0
    """Placed lines without receive time: they took that of the line before."""
    time_backwards: int = 0
    """Placed lines with a time before the line above: they keep their place, and their time as socket time."""
    first_ns: int = record.NONE
    last_ns: int = record.NONE

    @property
    def unplaced_lines(self) -> int:
        """How many lines could not be placed."""
        return sum(run.last - run.first + 1 for run in self.unplaced)

    def refuse(self, number: int, reason: str) -> None:
        """
        Count line *number* as one that cannot be placed.

        Raises:
            NotARecording: so many cannot that the file must be something else.
        """
        runs = self.unplaced
        if runs and runs[-1].last == number - 1 and runs[-1].reason == reason:
            runs[-1].last = number
            return
        if len(runs) >= MOST_RANGES:
            where = f"line {number:,} and {MOST_RANGES:,} places before it"
            raise NotARecording(f"{self.file}: no {self.format} recording: {where} make no sense")
        runs.append(Unplaced(number, number, reason))

    def stamp(self, recorded_ns: int) -> int:
        """The place in time of a line recorded at *recorded_ns*: that, or the time of the line above if later."""
        if recorded_ns < self.last_ns:
            self.time_backwards += 1
            return self.last_ns
        if self.first_ns == record.NONE:
            self.first_ns = recorded_ns
        self.last_ns = recorded_ns
        return recorded_ns

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for ``--json``."""
        return {**attrs.asdict(self), "unplaced_lines": self.unplaced_lines}


Arrivals = Iterator[Arrival]
