"""Worker processes that make runs: what a sweep uses on one machine, behind `replay.sweep.executor.Executor`."""

import gc
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from engine.runtime.output import CommandError, counted
from replay.sweep.bench import Bench
from replay.sweep.executor import Run
from replay.sweep.plan import Plan, Task
from replay.sweep.store import Result

THREADS = Path("/proc/self/task")


class PoolLost(CommandError):
    """No worker is left: the system killed them all."""

    def __init__(self, tasks: int) -> None:
        super().__init__(
            f"the system killed every worker process, with {counted(tasks, 'run')} to go",
            "memory may be short: run the command again with fewer --jobs; it goes on from where this one ended",
        )


def forks_safely() -> bool:
    """Whether this process may be copied: on Linux, while it has one thread. Copies share what it has loaded."""
    return sys.platform == "linux" and THREADS.is_dir() and len(os.listdir(THREADS)) == 1


def _serve(ours: Connection, make: Callable[[], Run], others: Sequence[Connection]) -> None:
    """A worker: takes tasks from *ours*, sends (task, result). *others* are ends of its parent's that it inherited."""
    for end in others:
        end.close()  # held open here, they would keep siblings from hearing that the parent is gone
    run = make()
    while True:
        try:
            task = ours.recv()
            ours.send((task, _result(run, task)))
        except (EOFError, OSError):  # nobody is there any more
            return


def _result(run: Run, task: Task) -> Result | None:
    """The result, or None where it raises: errors lose their fields between processes, so the caller looks itself."""
    try:
        return run(task)
    except Exception:  # noqa: BLE001 - run again by the caller, who then raises it where it can be handled
        return None


class _Fresh:
    """Makes a worker's bench from a plan that was sent to it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __call__(self) -> Run:
        return Bench(self.plan, lambda note: None)


class _Worker:
    """One process, the pipe to it, and the task it is at work on."""

    def __init__(self, context: Any, make: Callable[[], Run], others: Sequence[Connection]) -> None:
        self.pipe, theirs = context.Pipe()
        inherited = (*others, self.pipe) if context.get_start_method() == "fork" else ()
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs, make, inherited), daemon=True)
        self.process.start()
        theirs.close()
        self.task: Task | None = None


class LocalPool:
    """
    Makes runs in *jobs* processes beside this one; a context manager, and an `Executor`.

    Where it is safe they are copies of this process, and share the market data that *bench* holds. Elsewhere they start
    fresh, and load it from *plan*. They never see an interrupt from the keyboard: whoever leaves the context ends them.
    A worker that is killed costs its run, which another makes again.

    It has to be entered while this process has no thread beside its own.
    """

    def __init__(self, jobs: int, plan: Plan, bench: Bench) -> None:
        self._jobs = jobs
        self._plan = plan
        self._bench = bench
        self._workers: list[_Worker] = []

    def map_unordered(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Result]]:
        """See `Executor`. Raises `PoolLost`, and what a run raises."""
        waiting, left = deque(tasks), len(tasks)
        self._give_all(waiting)
        while left:
            if not self._workers:
                raise PoolLost(left)
            standing = {worker.pipe: worker for worker in self._workers}
            for pipe in wait(list(standing)):
                assert isinstance(pipe, Connection)
                worker = standing[pipe]
                if worker not in self._workers:  # lost meanwhile, as another was
                    continue
                try:
                    task, result = pipe.recv()
                except (EOFError, OSError):
                    self._lose(worker, waiting)
                    continue
                self._give(worker, waiting)
                left -= 1
                yield task, self._bench(task) if result is None else result

    def _give(self, worker: _Worker, waiting: deque[Task]) -> None:
        worker.task = waiting.popleft() if waiting else None
        if worker.task is None:
            return
        try:
            worker.pipe.send(worker.task)
        except OSError:
            self._lose(worker, waiting)

    def _give_all(self, waiting: deque[Task]) -> None:
        """Give those something to do that have nothing; some may turn out to be lost on the way, others given to."""
        for worker in list(self._workers):
            if worker in self._workers and worker.task is None and waiting:
                self._give(worker, waiting)

    def _lose(self, worker: _Worker, waiting: deque[Task]) -> None:
        """A worker was killed, for want of memory perhaps: its run is made again by one that has nothing to do."""
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.terminate()
        worker.process.join()
        if worker.task is None:
            return
        waiting.appendleft(worker.task)
        self._give_all(waiting)

    def __enter__(self) -> "LocalPool":
        if forks_safely():
            context: Any = multiprocessing.get_context("fork")
            make: Callable[[], Run] = lambda: self._bench  # noqa: E731
            gc.collect()
            gc.freeze()  # a collection in a copy would touch, and so copy, all that is shared
        else:
            context, make = multiprocessing.get_context("spawn"), _Fresh(self._plan)
            resource_tracker.ensure_running()  # started with the first process, it would let all signals in again
        sys.stdout.flush()
        sys.stderr.flush()
        # A blocked signal stays blocked in the processes that are started here.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for _ in range(self._jobs):
                self._workers.append(_Worker(context, make, [worker.pipe for worker in self._workers]))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            gc.unfreeze()
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
