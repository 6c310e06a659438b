"""
Where runs are made: in this process, in a pool of them, or on a cluster.

An executor takes tasks and gives their results as they come. What does the work is a `Bench`; one is made in each
process, from a plan that can be sent there. A cluster engine (Ray, for instance: one actor for each bench) needs
nothing else: results are keyed by what they depend on, so a lost worker costs a run.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from replay.sweep.plan import Task
from replay.sweep.store import Result

Run = Callable[[Task], Result]
"""Makes one run; a `Bench` is one."""


class Executor(Protocol):
    """Makes runs somewhere."""

    def map_unordered(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Result]]:
        """Each of *tasks* with its result, in the order in which they are done. Raises what a run raises."""


class InProcess:
    """Makes runs here, one after the other."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def map_unordered(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Result]]:
        """See `Executor`."""
        for task in tasks:
            yield task, self._run(task)
