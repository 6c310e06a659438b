"""A process at work on a plan: it opens each journal once, keeps its packed market data, and makes run after run."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final

from journal.background import Inline
from journal.disk import Disk, RealDisk
from journal.errors import JournalError
from journal.reader import Journal, open_journal
from replay.decoded import Piece
from replay.feed import Feed
from replay.mistakes import Place, fault
from replay.overlay import base_of
from replay.resimulation import Runaway, Simulated, Simulation
from replay.run import RunStart
from replay.sweep.figures import figures_of
from replay.sweep.plan import Market, Plan, Task
from replay.sweep.store import Result
from replay.taken import Taken
from replay.without_own import feed_of

KEPT_BYTES: Final = 1 << 30
"""Packed market data that a process keeps in memory, of all journals together: about four million inputs."""


Observing = Callable[[Simulation], Callable[[Simulated], dict[str, Any]]]
"""Has a run observed; the answer gives its figures by purse, once it is over."""


class Changed(JournalError):
    """A journal is not what it was when the sweep began."""

    def __init__(self, market: Market) -> None:
        super().__init__(f"{market.base} was written to while the sweep ran: let it run on a journal that is at rest")


class KeptFeed:
    """*feed* with all of its *pieces* in memory, to be read again and again. See `replay.feed.Feed`."""

    def __init__(self, feed: Feed, pieces: list[Piece]) -> None:
        self._pieces = pieces
        self._lags = feed.least_lags()
        self.first_seq = feed.first_seq
        self.last_seq = feed.last_seq
        self.first_recv_ns = feed.first_recv_ns
        self.sources = feed.sources
        self.path_counts = feed.path_counts
        self.taken: Taken | None = feed.taken

    def pieces(self) -> Iterator[Piece]:
        """See `Feed`."""
        yield from self._pieces

    def least_lags(self) -> dict[int, int]:
        """See `Feed`."""
        return self._lags


class Bench:
    """
    Makes the runs of *plan*; a context manager. Where it was made by forking, what it loaded is shared.

    *note* is told of journals that are too large to be kept in memory. Their market data is read anew for each run.

    Raises:
        Changed, JournalError: a journal is not what the plan says, or damaged.
    """

    def __init__(self, plan: Plan, note: Callable[[str], None], kept_bytes: int = KEPT_BYTES) -> None:
        self._plan = plan
        self._disk: Disk = RealDisk()
        self._open = ExitStack()
        self._room = kept_bytes
        self._journals: list[Journal] = []
        self._feeds: list[KeptFeed | None] = []
        self._observing: Observing | None = None
        if plan.observed:
            from replay.sweep.observed import observing  # what it takes is half as much again, and rarely wanted

            self._observing = observing
        try:
            for number, market in enumerate(plan.markets):
                journal = self._open.enter_context(open_journal(market.base, self._disk, Inline()))
                if base_of(journal) != market.told:
                    raise Changed(market)
                self._journals.append(journal)
                self._feeds.append(self._load(number, journal, note))
        except BaseException:
            self._open.close()
            raise

    def __call__(self, task: Task) -> Result:
        """
        What *task* comes to. That a strategy fails is a result; what else is raised is not.

        Raises:
            JournalError: the journal is damaged.
        """
        start = self._plan.start(task)
        feed = self._feeds[task.market] or self._fresh(task.market, start, lambda note: None)
        simulation = Simulation(start, self._plan.variants[task.variant].config, feed)
        observing = None if self._observing is None else self._observing(simulation)
        try:
            found = simulation.play()
        except Runaway as error:
            return Result({}, str(error))
        except SystemExit:
            return Result({}, "a strategy called sys.exit; let it return")
        figures = figures_of(found)
        if observing is not None:
            figures["purses"] = observing(found)
        return Result(figures, failure_of(start, found))

    def close(self) -> None:
        """Close the journals."""
        self._open.close()

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fresh(self, market: int, start: RunStart, note: Callable[[str], None]) -> Feed:
        journal = self._journals[market]
        assert start.base is not None
        return feed_of(self._disk, journal, start.base, start.decoders, start.build, Inline(), note)

    def _load(self, number: int, journal: Journal, note: Callable[[str], None]) -> KeptFeed | None:
        """All of *journal* packed; None where it is too large."""
        start = self._plan.variants[0].starts[number]
        feed = self._fresh(number, start, note)
        pieces: list[Piece] = []
        room = self._room
        for piece in feed.pieces():
            room -= len(piece.data)
            if room < 0:
                note(
                    f"note: {journal.path} is too large to be kept in memory: each run reads it anew "
                    f"(engine journal decode {journal.path} makes that quicker)"
                )
                return None
            pieces.append(piece)
        self._room = room
        return KeptFeed(feed, pieces)


def failure_of(start: RunStart, found: Simulated) -> str:
    """Why the run counts for nothing: the first exception of a strategy, which muted it; empty without one."""
    if not found.faults:
        return ""
    text = found.faults[0]
    name, _, rest = text.partition(", called for input ")
    seq = rest.partition(":")[0]
    source = next((one.source for one in start.strategies if one.name == name), "")
    told = fault(text, name, Place(int(seq), 0, ""), source, "")
    where = "" if told.line is None else f", line {told.line}"
    return f"strategy {name!r} raised {told.error} (record {int(seq):,}{where}) and was muted"
