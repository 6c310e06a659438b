"""How a case is measured: repeated on one pinned core, each repetition beside its bounds, the median told."""

import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

from attrs import field, frozen

from engine import COMPILED

WARM_UPS = 1
STARVED = 1.2
"""From this ratio of wall time to processor time on, a repetition did not have the cores it could use."""


@frozen
class Unit:
    """How seconds and an amount become a figure: time for each or, as *rate*, amount in a second."""

    text: str
    scale: float
    rate: bool = False

    def figure(self, seconds: float, amount: float) -> float:
        """The figure for *amount* done in *seconds*."""
        return amount / seconds / self.scale if self.rate else seconds / amount * self.scale


NS_A_FRAME = Unit("ns/frame", 1e9)
NS_A_RECORD = Unit("ns/record", 1e9)
NS_AN_EVENT = Unit("ns/event", 1e9)
US = Unit("us", 1e6)
MS = Unit("ms", 1e3)
MB_S = Unit("MB/s", 1e6, rate=True)
RECORDS_S = Unit("records/s", 1.0, rate=True)
LINES_S = Unit("lines/s", 1.0, rate=True)


@frozen
class Work:
    """
    What a case times.

    Args:
        begin: makes everything ready, untimed, and returns the function whose call is one repetition.
        amount: what one repetition does, in what the case's unit counts.
        bounds: name to a function that does, on the same bytes, the least that the work cannot do without. The first
            one stands in the table.
        note: what a reader of the figure should know.
        figure: takes the place of the time measured, for a figure that the repetition finds itself (a percentile), in
            seconds.
    """

    begin: Callable[[], Callable[[], Any]]
    amount: float
    bounds: dict[str, Callable[[], Any]] = field(factory=dict)
    note: str = ""
    figure: Callable[[], float] | None = None


@frozen
class Budget:
    """What must hold and what is aimed at; *of* is "figure", or "bound" for the ratio to the first bound."""

    must: float
    aim: float | None = None
    of: str = "figure"


@frozen
class Figure:
    """One measured case."""

    name: str
    what: str
    value: float
    unit: str
    best: float
    processor: float
    """The same figure from the processor time of all threads, the least of the repetitions: what a busy machine leaves
    as it is. It says nothing of waiting for a disk."""
    noise: float
    """How far the median lies above the best repetition, as a share of it."""
    repetitions: int
    ratios: dict[str, float]
    """Name of a bound to how many times its time the work took; medians over the same repetitions."""
    budget: Budget | None = None
    verdict: str = ""
    note: str = ""


def seconds_of(function: Callable[[], Any]) -> float:
    """How long one call takes."""
    started = time.perf_counter_ns()
    function()
    return max(1, time.perf_counter_ns() - started) / 1e9


@contextmanager
def pinned(cores: int) -> Iterator[None]:
    """Keep this thread, and those it starts meanwhile, on *cores* of the cores it may use; where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[-cores:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def measure(
    name: str, what: str, unit: Unit, work: Work, repetitions: int, cores: int = 1, budget: Budget | None = None
) -> Figure:
    """
    Repeat *work* after `WARM_UPS` repetitions that do not count, its bounds timed right behind each repetition.

    The garbage collector stays as it is in production, on; it is run to its end before each repetition, untimed.
    """
    taken: list[float] = []
    worked: list[float] = []
    found: dict[str, list[float]] = {bound: [] for bound in work.bounds}
    with pinned(cores):
        for number in range(WARM_UPS + repetitions):
            once = work.begin()
            gc.collect()
            busy = time.process_time_ns()
            seconds = seconds_of(once)
            busy = time.process_time_ns() - busy
            if work.figure is not None:
                seconds = work.figure() * work.amount
                busy = 0
            del once
            beside = {bound: seconds_of(function) for bound, function in work.bounds.items()}
            if number >= WARM_UPS:
                taken.append(seconds)
                worked.append(busy / 1e9 or seconds)
                for bound, least in beside.items():
                    found[bound].append(seconds / least)
    middle, least = median(taken), min(taken)
    value = unit.figure(middle, work.amount)
    processor = unit.figure(min(worked), work.amount)
    ratios = {bound: median(values) for bound, values in found.items()}
    return Figure(
        name=name,
        what=what,
        value=value,
        unit=unit.text,
        best=unit.figure(least, work.amount),
        processor=processor,
        noise=middle / least - 1,
        repetitions=repetitions,
        ratios=ratios,
        budget=budget,
        verdict="" if budget is None else verdict(budget, value, unit.rate, list(ratios.values()), processor),
        note=work.note,
    )


def verdict(budget: Budget, value: float, rate: bool, ratios: Sequence[float], processor: float) -> str:
    """
    Whether *budget* is kept: "missed", "ok", or "ok, aim met"; budgets are for the compiled kernel.

    A figure that is missed only because others had the cores, which its *processor* time tells, says so.
    """
    if not COMPILED:
        return "not judged"
    if budget.of == "bound":
        value, processor, rate = ratios[0], ratios[0], False

    def kept(value: float, limit: float) -> bool:
        return value >= limit if rate else value <= limit

    if not kept(value, budget.must):
        starved = value < processor / STARVED if rate else value > processor * STARVED
        return "missed, on busy cores" if starved else "missed"
    return "ok, aim met" if budget.aim is not None and kept(value, budget.aim) else "ok"
