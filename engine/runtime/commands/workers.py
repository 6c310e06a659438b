"""Worker processes that verify pieces of a journal: the only place where a replay uses more than one."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from typing import Any

from replay.ranges import Piece, PieceAnswer, replay_piece

LOOK_S = 0.2
"""How often progress is looked at."""


class _Shared:
    """What a worker was given when it started."""

    stop: Event
    done: "Synchronized[int]"


class _Stopped(Exception):
    """The command has ended; nobody waits for this piece any more."""


def _start(stop: Event, done: "Synchronized[int]") -> None:
    _Shared.stop, _Shared.done = stop, done


def _advance(raw_bytes: int) -> None:
    if _Shared.stop.is_set():
        raise _Stopped
    with _Shared.done.get_lock():
        _Shared.done.value += raw_bytes


def _work(piece: Piece) -> PieceAnswer | None:
    """The answer, or None where it raises: errors lose their fields between processes, so the caller looks itself."""
    try:
        return replay_piece(piece, _advance)
    except Exception:  # noqa: BLE001 - replayed by the caller, who then raises it where it can be handled
        return None


class Workers:
    """
    Runs pieces in *jobs* processes; a context manager, and a `replay.ranges.Runner`.

    The processes are started fresh ("spawn"), so that they share nothing with this one. They never see an interrupt
    from the keyboard: whoever leaves the context, for whatever reason, stops them within a block.
    """

    def __init__(self, jobs: int, advance: Callable[[int], None]) -> None:
        context = multiprocessing.get_context("spawn")
        self._stop = context.Event()
        self._done: Synchronized[int] = context.Value("q", 0)
        self._pool = ProcessPoolExecutor(jobs, context, _start, (self._stop, self._done))
        self._told = 0
        self._advance = advance

    def __call__(self, pieces: list[Piece]) -> Iterator[PieceAnswer]:
        """The answers in the order of *pieces*. Raises what the first piece that fails raises."""
        # A blocked signal stays blocked in the processes that are started here.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            futures = [self._submit(piece) for piece in pieces]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        try:
            for piece, future in zip(pieces, futures, strict=True):
                found = self._result(future)
                yield replay_piece(piece, self._advance) if found is None else found
        finally:
            for future in futures:
                if future is not None:
                    future.cancel()

    def _submit(self, piece: Piece) -> "Future[PieceAnswer | None] | None":
        try:
            return self._pool.submit(_work, piece)
        except BrokenProcessPool:
            return None

    def _result(self, future: "Future[PieceAnswer | None] | None") -> PieceAnswer | None:
        """What the worker found; None where this process has to do its work."""
        if future is None:
            return None
        while not wait([future], LOOK_S).done:
            self._tell()
        self._tell()
        try:
            return future.result()
        except BrokenProcessPool:  # a worker was killed, for want of memory perhaps
            return None

    def _tell(self) -> None:
        done = self._done.value
        self._advance(done - self._told)
        self._told = done

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
