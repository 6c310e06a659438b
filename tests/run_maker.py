"""Small journals that hold a run: RUN_START, inputs, and what a kernel concluded from each; with faults on request."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Unpack

from attrs import evolve

from engine.kernel import kinds
from engine.kernel.record import NONE
from engine.kernel.step import Kernel
from journal.background import Inline
from journal.disk import Disk, RealDisk
from journal.seal import seal
from journal.settings import Settings
from journal.writer import Writer
from replay.decoders import newest
from replay.rebuild import kernel_of
from replay.run import RunStart, StrategySource
from replay.verify import this_build
from scenarios.sample.recording import NAMES, START_NS, Input, Sample, inputs

RUN = RunStart(
    run_id="run-1",
    run_epoch=1,
    build=this_build(),
    decoders=newest(),
    strategies=(),
    config="",
    policy="",
    policy_digest="",
    seed=7,
    environment="DEV",
    executor="record",
    platform="test",
    clock_source="journal",
)

Derived = tuple[int, int, bytes]
"""kind, schema, payload of one derived record."""
Change = Callable[[int, Kernel, list[Derived]], list[Derived]]
"""Given an input's number, the kernel behind it and what it concluded: what the journal is to hold instead."""


def honest(seq: int, kernel: Kernel, concluded: list[Derived]) -> list[Derived]:
    """What was concluded is what is written."""
    return concluded


def concluded_by(kernel: Kernel) -> list[Derived]:
    """What *kernel* concluded from its last input."""
    return [(record.kind, record.schema, record.payload) for record in kernel.out.records]


def start_input(run: RunStart) -> Input:
    """The RUN_START of *run*."""
    return int(kinds.RUN_START), 1, START_NS, int(NONE), run.payload()


def stop_input(recv_ns: int) -> Input:
    """A RUN_STOP: the end of a run, with a DIGEST that states the whole state."""
    return int(kinds.RUN_STOP), 1, recv_ns, int(NONE), b'{"reason":"end"}'


def run_of(strategies: Iterable[StrategySource] = (), seed: int = 7) -> RunStart:
    """A run of this build, with *strategies*."""
    return evolve(RUN, strategies=tuple(strategies), seed=seed)


def write_run(
    folder: Path,
    given: Iterable[Input],
    *,
    run: RunStart = RUN,
    kernel: Kernel | None = None,
    change: Change = honest,
    sealed: bool = False,
    stop: bool = True,
    disk: Disk | None = None,
    **settings: Unpack[Settings],
) -> Kernel:
    """
    Write the inputs *given* as a run, each followed by what the kernel concluded (as *change* lets it); returns the
    kernel at the end. *kernel* is the run's own unless another, a planted liar perhaps, takes its place.
    """
    disk = disk or RealDisk()
    writer = Writer.create(
        folder, disk, Inline(), journal_id=bytes(range(16)), wall_ns=START_NS, sources=NAMES, **settings
    )
    kernel = kernel or kernel_of(run)
    last_ns = START_NS
    for kind, source, recv_ns, src_ns, payload in (start_input(run), *given):
        last_ns = recv_ns
        append(writer, kernel, (kind, source, recv_ns, src_ns, payload), change)
    if stop:
        append(writer, kernel, stop_input(last_ns), change)
    writer.close()
    if sealed:
        for number in range(1, writer.segment_no + 1):
            seal(disk, folder, number, sealed_ns=START_NS)
    return kernel


def append(writer: Writer, kernel: Kernel, item: Input, change: Change = honest) -> int:
    """Append one input and its group; returns the input's number."""
    kind, source, recv_ns, src_ns, payload = item
    seq = writer.append_input(kind, 1, source, recv_ns, src_ns, payload)
    kernel.step(seq, recv_ns, kind, source, payload, 0, len(payload))
    for derived in change(seq, kernel, concluded_by(kernel)):
        writer.append_derived(*derived)
    return seq


def sample_inputs(frames: int, markets: int = 2, seed: int = 7, disconnect_every: int = 0) -> list[Input]:
    """A sample recording's inputs, in memory."""
    return list(inputs(Sample(seed=seed, markets=markets, frames=frames, disconnect_every=disconnect_every)))


def long_inputs(
    total: int, frames: int = 400, markets: int = 2, disconnect_every: int = 0, kept: bool = False
) -> list[Input]:
    """
    *total* inputs, cheap ones between the *frames* of a sample: long enough for several DIGESTs, quick to fold.

    With *kept* the cheap ones are such that a resimulation keeps them.
    """
    kind, filler = (kinds.CONNECTION, b'{"n":%d,"state":"up"}') if kept else (kinds.CLOCK, b'{"wall_ns":%d}')
    given = sample_inputs(frames, markets, disconnect_every=disconnect_every)
    found: list[Input] = []
    for number in range(total):
        if number * len(given) // total != (number - 1) * len(given) // total:
            found.append(given[number * len(given) // total])
        else:
            found.append((int(kind), 1, found[-1][2], int(NONE), filler % number))
    return found
