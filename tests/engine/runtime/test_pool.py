"""The pool of processes: every run is made once, also where processes are killed, or cannot be copied."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from sweeps import place_at, planned

from engine.runtime.commands import pool as pool_module
from engine.runtime.commands.pool import LocalPool, PoolLost, forks_safely
from journal.errors import JournalError
from replay.sweep.bench import Bench
from replay.sweep.executor import InProcess
from replay.sweep.plan import Plan, Task
from replay.sweep.store import Result

SEEDS = (1, 2, 3, 4, 5)

copying = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes start fresh")
warned = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
"""Pythons from 3.12 on warn of copies while there are threads, of pytest's plugins here; these do not concern them."""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return planned(place_at(tmp_path_factory.mktemp("pool"), frames=300))


@pytest.fixture(scope="module")
def expected(plan: Plan) -> dict[Task, Result]:
    with Bench(plan, print) as bench:
        return dict(InProcess(bench).map_unordered(plan.tasks(SEEDS)))


@warned
@pytest.mark.parametrize("copies", [pytest.param(True, marks=copying), False])
def test_runs_made_in_processes_are_those_made_here(
    plan: Plan, expected: dict[Task, Result], copies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "forks_safely", lambda: copies)
    with Bench(plan, print) as bench, LocalPool(2, plan, bench) as pool:
        found = list(pool.map_unordered(plan.tasks(SEEDS)))

    assert len(found) == len(SEEDS)
    assert dict(found) == expected


def test_a_killed_workers_run_is_made_by_another(plan: Plan, expected: dict[Task, Result]) -> None:
    with Bench(plan, print) as bench, LocalPool(2, plan, bench) as pool:
        runs = pool.map_unordered(plan.tasks(SEEDS))
        found = [next(runs)]
        victim = next(worker for worker in pool._workers if worker.task is not None)
        assert victim.process.pid is not None
        os.kill(victim.process.pid, signal.SIGKILL)
        found.extend(runs)

        assert len(pool._workers) == 1
    assert len(found) == len(SEEDS)
    assert dict(found) == expected


def test_when_all_are_killed_that_is_said_and_nothing_waits_for_ever(plan: Plan) -> None:
    with Bench(plan, print) as bench, LocalPool(2, plan, bench) as pool:
        for worker in pool._workers:
            worker.process.kill()
        with pytest.raises(PoolLost, match="the system killed every worker process, with 5 runs to go"):
            list(pool.map_unordered(plan.tasks(SEEDS)))


def test_workers_that_are_killed_together_are_each_lost_once(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_: object) -> list[object]:
        for worker in pool._workers:
            worker.process.kill()
            worker.process.join()
        return [worker.pipe for worker in pool._workers]  # the one at work first, then the one that takes over

    monkeypatch.setattr(pool_module, "wait", killed)
    with Bench(plan, print) as bench, LocalPool(2, plan, bench) as pool, pytest.raises(PoolLost, match="with 1 run to"):
        list(pool.map_unordered(plan.tasks((1,))))


@copying
@warned
def test_what_a_run_raises_is_raised_here_whole(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "forks_safely", lambda: True)

    class Broken(Bench):
        def __call__(self, task: Task) -> Result:
            if task.seed == 3:
                error = JournalError("damaged")
                error.add_note(f"in process {os.getpid()}")
                raise error
            return super().__call__(task)

    with (
        Broken(plan, print) as bench,
        LocalPool(2, plan, bench) as pool,
        pytest.raises(JournalError, match="damaged") as raised,
    ):
        list(pool.map_unordered(plan.tasks(SEEDS)))

    assert raised.value.__notes__ == [f"in process {os.getpid()}"]


def test_leaving_the_pool_ends_its_processes(plan: Plan) -> None:
    with Bench(plan, print) as bench:
        with LocalPool(3, plan, bench) as pool:
            processes = [worker.process for worker in pool._workers]
            assert len(processes) == 3
            next(pool.map_unordered(plan.tasks(SEEDS)))

        assert [process.is_alive() for process in processes] == [False] * 3


@copying
def test_a_process_with_threads_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a listing that stands still: a thread that has been joined may be in the real one a moment longer."""
    monkeypatch.setattr(pool_module, "THREADS", tmp_path)
    (tmp_path / "100").mkdir()

    assert forks_safely()
    (tmp_path / "101").mkdir()
    assert not forks_safely()
    monkeypatch.setattr(pool_module, "THREADS", tmp_path / "absent")
    assert not forks_safely()


@copying
def test_the_threads_of_this_process_are_listed() -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert str(thread.native_id) in os.listdir(pool_module.THREADS)
        assert not forks_safely()
    finally:
        end.set()
        thread.join()
