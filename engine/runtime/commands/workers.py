"""Worker processes that verify pieces of a journal: the only place where a replay uses more than one."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from engine.runtime.clock import Clock, RealClock
from replay.ranges import Piece, PieceAnswer, joined, replay_piece

LOOK_S = 0.2
"""How long this process waits for a worker before it looks again."""
LOOK_BYTES = 1 << 18
"""How much this process verifies before it looks whether a worker has nothing to do."""
PATIENCE_S = 0.25
PAYS_S = 0.6
"""Workers are started once this process has worked so long, and has so long to go at its pace: each takes a second's
half to start, and where a helper thread unpacks blocks beside the fold, two cores are busy without any."""


def _serve(ours: Connection) -> None:
    """A worker: takes (task, piece) from *ours*; sends the bytes done as numbers, and at last (task, answer)."""
    while True:
        try:
            task, piece = ours.recv()
            ours.send((task, _answer(piece, ours.send)))
        except (EOFError, OSError):  # nobody is there any more
            return


def _answer(piece: Piece, advance: Callable[[int], None]) -> PieceAnswer | None:
    """The answer, or None where it raises: errors lose their fields between processes, so the caller looks itself."""
    try:
        return replay_piece(piece, advance)
    except Exception:  # noqa: BLE001 - replayed by the caller, who then raises it where it can be handled
        return None


class _Worker:
    """One process, the pipe to it, and the task it is at work on."""

    def __init__(self, context: Any) -> None:
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self.task: int | None = None
        self.lost = False


class Workers:
    """
    Runs pieces in *jobs* processes, this one among them; a context manager, and a `replay.ranges.Runner`.

    *advance* is told the raw bytes done since the last call, of about *raw_bytes* in all.

    This process begins with its share at once, in one go. Where enough is left to do, it starts the others, which take
    pieces from the end: a journal that is soon done loses nothing by asking for several. They are
    started fresh ("spawn"), so that they share nothing with this one, and never see an interrupt from the keyboard:
    whoever leaves the context, for whatever reason, ends them.
    """

    def __init__(self, jobs: int, advance: Callable[[int], None], raw_bytes: int) -> None:
        self._jobs = jobs
        self._advance = advance
        self._raw_bytes = raw_bytes
        self._clock: Clock = RealClock()
        self._began_ns = 0
        self._done = 0
        self._unseen = 0
        self._pieces: list[Piece] = []
        self._first_task = 0
        """Tasks are numbered on from call to call: what a worker still does for an earlier one is not mistaken."""
        self._open: list[int] = []
        self._found: dict[int, PieceAnswer | None] = {}
        self._workers: list[_Worker] = []

    def _start(self) -> None:
        resource_tracker.ensure_running()  # it would be started with the first process, and lets all signals in again
        # A blocked signal stays blocked in the processes that are started here.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            context = multiprocessing.get_context("spawn")
            while len(self._workers) < self._jobs - 1:
                self._workers.append(_Worker(context))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _pays(self) -> bool:
        """Whether to start workers now."""
        worked_s = (self._clock.mono_ns() - self._began_ns) / 1e9
        left = self._raw_bytes - self._done
        return worked_s >= PATIENCE_S and worked_s * left >= PAYS_S * self._done

    def __call__(self, pieces: list[Piece]) -> Iterator[tuple[Piece, PieceAnswer]]:
        """The pieces in order with their answers. Raises what the first piece that fails raises."""
        self._first_task += len(self._pieces)
        self._pieces, self._open, self._found = pieces, list(range(len(pieces))), {}
        self._began_ns, self._done = self._clock.mono_ns(), 0
        number = 0
        while number < len(pieces):
            self._look()
            own = self._share(number)
            if own:
                self._open = [one for one in self._open if one >= number + own]
                piece = joined(pieces[number : number + own])
                yield piece, replay_piece(piece, self._progress)
                number += own
            elif number in self._found:
                found = self._found.pop(number)
                yield pieces[number], replay_piece(pieces[number], self._progress) if found is None else found
                number += 1
            else:
                self._look(LOOK_S)

    def _share(self, number: int) -> int:
        """How many of the pieces from *number* on this process does next, in one go; 0 where a worker has that one."""
        if number not in self._open:
            return 0
        standing = self._open.index(number)
        ahead = next((at for at, one in enumerate(self._open[standing:]) if one != number + at), None)
        ahead = len(self._open) - standing if ahead is None else ahead
        # What is left once it is clear that no worker pays is done without another restored state.
        return max(1, ahead // self._jobs) if self._workers or number == 0 else ahead

    def _progress(self, raw_bytes: int) -> None:
        self._advance(raw_bytes)
        self._done += raw_bytes
        self._unseen += raw_bytes
        if self._unseen >= LOOK_BYTES:
            self._look()

    def _look(self, seconds: float = 0.0) -> None:
        """Take what workers have sent, wait for it if asked to, and hand out work."""
        self._unseen = 0
        if self._open and not self._workers and self._jobs > 1 and self._pays():
            self._start()
        standing = {worker.pipe: worker for worker in self._workers if not worker.lost}
        for pipe in wait(list(standing), seconds):
            assert isinstance(pipe, Connection)
            self._take(standing[pipe])
        for worker in standing.values():
            if worker.task is None and not worker.lost and self._open:
                self._give(worker, self._open.pop())

    def _take(self, worker: _Worker) -> None:
        """What one worker has sent: bytes done, or an answer."""
        try:
            while worker.pipe.poll():
                said = worker.pipe.recv()
                if isinstance(said, int):
                    self._advance(said)
                else:
                    worker.task = None
                    self._found[said[0] - self._first_task] = said[1]
        except (EOFError, OSError):
            self._lose(worker)

    def _give(self, worker: _Worker, number: int) -> None:
        worker.task = self._first_task + number
        try:
            worker.pipe.send((worker.task, self._pieces[number]))
        except OSError:
            self._lose(worker)

    def _lose(self, worker: _Worker) -> None:
        """A worker was killed, for want of memory perhaps: its piece is open again."""
        worker.lost = True
        if worker.task is not None and worker.task >= self._first_task:
            self._open = sorted([*self._open, worker.task - self._first_task])

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: Any) -> None:
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
