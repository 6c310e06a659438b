"""
One resimulation from beginning to end, as the command and the notebook run it: guarded or not, watched or not, into an
overlay that appears when it is whole, or into nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from attrs import frozen

from journal.disk import Disk
from journal.reader import Journal
from journal.staging import staged
from replay.config import RunConfig
from replay.digests import write_digests
from replay.feed import Feed
from replay.guard import guarding
from replay.observe import Observer, observer_of
from replay.observe.grid import FINEST_NS, step_for
from replay.observed import Observed
from replay.opening import RECORDED, recorded_opening
from replay.outcome import simulated_fields
from replay.overlay import write_base_hint
from replay.resimulation import Simulated, Simulation, overlay_writer
from replay.run import RunStart
from replay.watch import Watch

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""A progress bar: given what is done and how many bytes there are, it is told the bytes done since the last time."""


@contextmanager
def no_bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """No progress bar."""
    yield lambda done: None


@frozen
class How:
    """
    How a run is made. None of it changes what the run decides.

    *out* is the new folder to keep it in, *sink* what is kept there: "overlay" every record, "digests" the DIGESTs.
    *guard* makes clocks, chance, files and the like raise within strategies. *watched* keeps a first example of every
    mistake, *tables* all that tables are made of, *observe* what a report tells; without any, and without *out*,
    payloads are not even formed.
    """

    out: Path | None = None
    sink: str = "overlay"
    guard: bool = False
    watched: bool = True
    tables: bool = False
    observe: bool = False


@frozen
class Produced:
    """
    What came of it. *watch* and *observed* are None for a run that was not watched or observed, *elapsed_ns* is the
    time that playing took.
    """

    simulated: Simulated
    watch: Watch | None
    elapsed_ns: int
    observed: Observed | None = None


@frozen
class Bench:
    """What a run is made with: the caller's disk, clock (nanoseconds) and progress bar."""

    disk: Disk
    clock: Callable[[], int]
    bar: Bar = no_bar


def produce(bench: Bench, run: RunStart, config: RunConfig, feed: Feed, base: Journal | None, how: How) -> Produced:
    """
    Play *run* on *feed*. *base* is the journal that it reads, which an overlay needs.

    Raises:
        BadStrategy, BadPolicy: the run cannot be built.
        Taken: something stands at `how.out`.
        NoOpening: it is to begin as the base's run did, and there is none.
        JournalError: as `Simulation.play`.
    """
    guarded = guarding(run.strategies, forbids=how.guard) if how.guard or how.watched else nullcontext()
    with guarded as guard:
        opening = None
        if run.opening == RECORDED:
            assert base is not None
            opening = recorded_opening(base, run)
        simulation = Simulation(run, config, feed, opening=opening)
        watch = None
        if how.watched and guard is not None:
            watch = Watch(simulation.kernel, guard, run.strategies, _files(config), how.tables)
            simulation.sink = watch
        observer = observer_of(simulation, step_ns=_step_of(base)) if how.observe else None
        if how.out is None:
            return _played(bench, simulation, watch, observer, base)
        assert base is not None
        with staged(bench.disk, how.out) as staging:
            if how.sink == "overlay":
                found = _into_overlay(bench, staging, simulation, watch, observer, base)
            else:
                bench.disk.make_dir(staging)
                found = _played(bench, simulation, watch, observer, base)
                result = simulated_fields(str(base.path), run, found.simulated)
                write_digests(bench.disk, staging, run, found.simulated, result)
            write_base_hint(bench.disk, staging, base.path.resolve())
        return found


def _into_overlay(
    bench: Bench, folder: Path, simulation: Simulation, watch: Watch | None, observer: Observer | None, base: Journal
) -> Produced:
    """Play into an overlay at *folder*."""
    writer = overlay_writer(folder, bench.disk, base, simulation.run)
    if watch is not None:
        watch.inner = writer
    elif observer is not None:
        observer.inner = writer
    else:
        simulation.sink = writer
    try:
        found = _played(bench, simulation, watch, observer, base)
        writer.close()
    finally:
        writer.abandon()
    return found


def _step_of(base: Journal | None) -> int:
    """With what step an observer's grid begins: of a feed nobody knows how long it is."""
    if base is None or not base.segments:
        return FINEST_NS
    return step_for(base.segments[-1].last_recv_ns - base.segments[0].first_recv_ns)


def _files(config: RunConfig) -> dict[str, str]:
    """What to call the file of each strategy, by its name."""
    found: dict[str, str] = {}
    for one in config.strategies:
        place = one.code.rpartition(":")[0]
        found[one.name] = Path(place).name if place.endswith(".py") else place
    return found


def _played(
    bench: Bench, simulation: Simulation, watch: Watch | None, observer: Observer | None, base: Journal | None
) -> Produced:
    total = 0 if base is None else sum(entry.raw_len for segment in base.segments for entry in segment.entries)
    started = bench.clock()
    with bench.bar("resimulating", total) as advance:
        simulated = simulation.play(advance)
    elapsed_ns = bench.clock() - started
    if watch is not None:
        watch.finish()
    observed = None if observer is None else observer.finish()
    return Produced(simulated, watch, elapsed_ns, observed)
