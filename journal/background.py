"""The one place for threads: what blocks (a sync) or can run ahead (decompression, hashing) is handed over here."""

import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")

HANDOVER_S = 5e-6
"""
How long a thread that wants the interpreter waits before it asks for it. Python's own 5 ms would let the folding thread
keep it for thousands of records while the next block waits to be decompressed.
"""


class Background(Protocol):
    """Runs functions elsewhere, one after the other, in the order given."""

    def run(self, function: Callable[[], T], then: Callable[[], None] | None = None) -> "Future[T]":
        """Start *function*; its result or exception is in the future. *then* is called, elsewhere, once it is there."""

    def close(self) -> None:
        """Wait for what was started and end."""


class Threads:
    """One helper thread, started with the first task."""

    def __init__(self, name: str) -> None:
        sys.setswitchinterval(min(HANDOVER_S, sys.getswitchinterval()))
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    def run(self, function: Callable[[], T], then: Callable[[], None] | None = None) -> "Future[T]":
        future = self._pool.submit(function)
        if then is not None:
            future.add_done_callback(lambda _: then())
        return future

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def _settle(future: "Future[T]", function: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except Exception as error:  # noqa: BLE001 - as in a thread: whoever asks for the result gets the exception
        future.set_exception(error)


class Inline:
    """No thread at all: each function has run when `run` returns."""

    def run(self, function: Callable[[], T], then: Callable[[], None] | None = None) -> "Future[T]":
        future: Future[T] = Future()
        _settle(future, function)
        if then is not None:
            then()
        return future

    def close(self) -> None:
        """Nothing to wait for."""


class _Waiting(Future[T]):
    """Whoever asks for the result of a function that waits lets everything up to it run: nobody else would."""

    def __init__(self, step: Callable[[], bool]) -> None:
        super().__init__()
        self._step = step

    def result(self, timeout: float | None = None) -> T:
        while not self.done():
            self._step()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        while not self.done():
            self._step()
        return super().exception(timeout)


class Stepped:
    """For simulations: functions wait until `step` runs the oldest, so a test decides when a sync ends."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()

    def run(self, function: Callable[[], T], then: Callable[[], None] | None = None) -> "Future[T]":
        future = _Waiting[T](self.step)

        def work() -> None:
            _settle(future, function)
            if then is not None:
                then()

        self._waiting.append(work)
        return future

    def step(self) -> bool:
        """Run the oldest waiting function; False when none waits."""
        if not self._waiting:
            return False
        self._waiting.popleft()()
        return True

    def close(self) -> None:
        while self.step():
            pass
