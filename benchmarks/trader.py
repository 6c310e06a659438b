"""A kernel that trades one input at a time, each step timed alone."""

import time
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from benchmarks.material import Input, Material
from engine.kernel import kinds
from engine.kernel.record import DERIVED
from journal.reader import open_journal
from replay.overlay import span_fields
from replay.rebuild import kernel_of
from replay.run import RunStart
from replay.strict import is_kept


@frozen
class Step:
    """An input as a live loop would hand it to the kernel: its number and content."""

    seq: int
    input: Input


class Trader:
    """A run's steps again, from the first on; `took_ns` holds the time of each frame's step that decided something."""

    def __init__(self, run: RunStart, steps: list[Step]) -> None:
        self.kernel = kernel_of(run)
        self.steps = steps
        self.took_ns: list[int] = []

    def play(self) -> None:
        """All steps; the venue's answers are among them, and are not timed."""
        kernel = self.kernel
        took_ns = self.took_ns
        for one in self.steps:
            seq, given = one.seq, one.input
            started = time.perf_counter_ns()
            kernel.step(seq, given.recv_ns, given.kind, given.source, given.payload, 0, len(given.payload))
            took = time.perf_counter_ns() - started
            if kernel.out.records and is_kept(given.kind):
                took_ns.append(took)


def steps_of(material: Material, base: Path, run: Path) -> Iterator[Step]:
    """The inputs of the overlay at *run* in order, those of *base* in place of the spans that stand for them."""
    inputs = material.inputs(base)
    with open_journal(run) as journal:
        for record in journal.records():
            if record.flags & DERIVED:
                continue
            if record.kind != kinds.SPAN:
                yield Step(record.seq, Input(record.kind, record.source, record.recv_ns, record.payload))
                continue
            first, last = span_fields(record.payload)
            for one in inputs[first - 1 : last]:
                if is_kept(one.kind):
                    yield Step(record.seq, one)
