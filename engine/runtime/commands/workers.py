"""Worker processes that verify pieces of a journal: the only place where a replay uses more than one."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from replay.ranges import Piece, PieceAnswer, replay_piece

LOOK_S = 0.2
"""How long this process waits for a worker before it looks again."""
LOOK_BYTES = 1 << 20
"""How much this process verifies before it looks whether a worker has nothing to do."""


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

    This process begins with the first piece at once and goes on in order, the others take pieces from the end: they
    take a moment to start, and a journal that is done by then has lost nothing by asking for them. They are started
    fresh ("spawn"), so that they share nothing with this one, and never see an interrupt from the keyboard: whoever
    leaves the context, for whatever reason, ends them.
    """

    def __init__(self, jobs: int, advance: Callable[[int], None]) -> None:
        self._advance = advance
        self._unseen = 0
        self._pieces: list[Piece] = []
        self._first_task = 0
        """Tasks are numbered on from call to call: what a worker still does for an earlier one is not mistaken."""
        self._open: list[int] = []
        self._found: dict[int, PieceAnswer | None] = {}
        resource_tracker.ensure_running()  # it would be started with the first process, and lets all signals in again
        # A blocked signal stays blocked in the processes that are started here.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            context = multiprocessing.get_context("spawn")
            self._workers = [_Worker(context) for _ in range(jobs - 1)]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def __call__(self, pieces: list[Piece]) -> Iterator[PieceAnswer]:
        """The answers in the order of *pieces*. Raises what the first piece that fails raises."""
        self._first_task += len(self._pieces)
        self._pieces, self._open, self._found = pieces, list(range(len(pieces))), {}
        for number in range(len(pieces)):
            found = self._taken(number)
            yield replay_piece(pieces[number], self._progress) if found is None else found

    def _taken(self, number: int) -> PieceAnswer | None:
        """What a worker found of piece *number*; None where this process has to do its work."""
        while number not in self._found and number not in self._open:
            self._look(LOOK_S)
        if number in self._open:
            self._open.remove(number)
        self._look()
        return self._found.pop(number, None)

    def _progress(self, raw_bytes: int) -> None:
        self._advance(raw_bytes)
        self._unseen += raw_bytes
        if self._unseen >= LOOK_BYTES:
            self._look()

    def _look(self, seconds: float = 0.0) -> None:
        """Take what workers have sent, wait for it if asked to, and hand out work."""
        self._unseen = 0
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
            self._open.append(worker.task - self._first_task)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: Any) -> None:
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
