"""Handing functions over: to a thread, to nobody, to a test's own steps."""

import threading

import pytest

from journal.background import Inline, Stepped, Threads


def test_a_thread_runs_functions_in_order_elsewhere_and_calls_back():
    background = Threads("t")
    ended = threading.Event()
    order = []
    futures = [background.run(lambda n=n: order.append(n) or threading.current_thread().name) for n in range(5)]
    last = background.run(lambda: 7, ended.set)

    assert last.result() == 7
    assert ended.wait(5)
    background.close()
    assert order == [0, 1, 2, 3, 4]
    assert all(future.result().startswith("t") for future in futures)


def test_inline_has_run_when_run_returns_and_keeps_the_exception_for_the_asker():
    called = []
    background = Inline()
    good = background.run(lambda: 1, lambda: called.append(1))
    bad = background.run(lambda: 1 // 0)
    background.close()

    assert (good.result(), called) == (1, [1])
    with pytest.raises(ZeroDivisionError):
        bad.result()


def test_stepped_runs_one_by_one_and_whoever_waits_runs_everything_before():
    background = Stepped()
    order = []
    first = background.run(lambda: order.append(1))
    second = background.run(lambda: order.append(2), lambda: order.append("then"))
    third = background.run(lambda: 1 // 0)
    dropped = background.run(lambda: order.append("dropped"))

    assert dropped.cancel()
    assert (first.done(), order) == (False, [])
    assert background.step()
    assert (first.done(), second.done(), order) == (True, False, [1])
    assert isinstance(third.exception(), ZeroDivisionError)
    assert order == [1, 2, "then"]
    assert second.result() is None
    background.close()
    assert not background.step()
    assert order == [1, 2, "then"]
