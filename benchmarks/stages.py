"""Where the time of a replay goes: the same work again with one stage left out, and what the threads' clocks say."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from attrs import frozen

from benchmarks import bounds
from benchmarks.material import Material
from benchmarks.measure import pinned
from benchmarks.of_replay import simulate
from engine.kernel.events import EventBatch, Symbols, Translator
from engine.kernel.step import Kernel
from journal.background import Threads
from journal.codec import Cursor
from journal.payloads import decode_venue_input
from journal.reader import open_journal
from replay.decoders import translators
from replay.strict import NEVER, StrictFold
from replay.verify import replay_strictly

T = TypeVar("T")


@frozen
class Stage:
    """One stage's share: nanoseconds for each frame."""

    name: str
    ns_a_frame: float


class Timed(Threads):
    """The helper thread, with a clock in its hand: processor time and wall time of what it ran."""

    def __init__(self) -> None:
        super().__init__("benchmark-reader")
        self.processor_ns = 0
        self.wall_ns = 0

    def run(self, function: Callable[[], T], then: Callable[[], None] | None = None) -> "Future[T]":
        """As `Threads.run`."""

        def timed() -> T:
            wall, processor = time.perf_counter_ns(), time.thread_time_ns()
            try:
                return function()
            finally:
                self.processor_ns += time.thread_time_ns() - processor
                self.wall_ns += time.perf_counter_ns() - wall

        return super().run(timed, then)


def threads(path: Path) -> dict[str, float]:
    """Seconds of one strict replay on two cores: in all, of each thread's processor, and of waiting."""
    with pinned(2):
        helper = Timed()
        wall, own = time.perf_counter_ns(), time.thread_time_ns()
        with open_journal(path, background=helper) as journal:
            waited = [0]
            blocks = journal.blocks

            def watched(*places: Any, **told: Any) -> Any:
                found = blocks(*places, **told)
                while True:
                    started = time.perf_counter_ns()
                    block = next(found, None)
                    waited[0] += time.perf_counter_ns() - started
                    if block is None:
                        return
                    yield block

            journal.blocks = watched  # type: ignore[method-assign]
            replay_strictly(journal)
            del journal.blocks
        own, wall = time.thread_time_ns() - own, time.perf_counter_ns() - wall
    return {
        "in all": wall / 1e9,
        "main thread, processor": own / 1e9,
        "main thread, waiting for a block": waited[0] / 1e9,
        "helper thread, processor": helper.processor_ns / 1e9,
        "helper thread, wall": helper.wall_ns / 1e9,
    }


def fastest(functions: dict[str, Callable[[], Any]], rounds: int = 5) -> dict[str, float]:
    """Processor seconds of the fastest call of each: in rounds, so that a busy while falls on all of them alike."""
    taken: dict[str, list[int]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            started = time.process_time_ns()
            function()
            taken[name].append(time.process_time_ns() - started)
    return {name: min(found) / 1e9 for name, found in taken.items()}


def fold_stages(path: Path) -> list[Stage]:
    """One thread's work on a sealed journal, by differences."""
    with open_journal(path) as journal, pinned(1):
        frames = journal.last_seq - journal.first_seq + 1
        stored = bounds.stored_frames(journal)
        blocks = [(block.data, block.start, block.end) for block in journal.blocks(verify_chain=False)]
        raw = [data for data, _, _ in blocks]
        read_all, read_none = translating(blocks)
        took = fastest(
            {
                "opened": bounds.decompressed(stored),
                "proven": bounds.hashed(raw),
                "bare": lambda: folded(blocks, Kernel(deaf())),
                "read": read_all,
                "called": read_none,
                "unproven": lambda: folded(blocks, Kernel(translators(None), hash_every=0)),
                "whole": lambda: folded(blocks, Kernel(translators(None))),
            }
        )
    read = took["read"] - took["called"]
    parts = (
        ("decompress (helper thread)", took["opened"]),
        ("block chain, BLAKE2b (helper thread)", took["proven"]),
        ("walk records, begin and end a step", took["bare"]),
        ("translate", read),
        ("fold: books, touch, digest", took["unproven"] - took["bare"] - read),
        ("prove books by their stated hashes", took["whole"] - took["unproven"]),
    )
    return [Stage(name, seconds / frames * 1e9) for name, seconds in parts]


def deaf() -> dict[int, Translator]:
    """Decoders that hear nothing: what is left is the walk and the step around a frame."""
    return {kind: Translator("none", Symbols("none")) for kind in translators(None)}


def folded(blocks: list[tuple[bytes, int, int]], kernel: Kernel) -> None:
    """All of *blocks* through *kernel*."""
    fold = StrictFold(kernel, False)
    for data, start, end in blocks:
        fold.fold(data, start, end, NEVER, False)


def translating(blocks: list[tuple[bytes, int, int]]) -> tuple[Callable[[], None], Callable[[], None]]:
    """Translate every frame from an interpreted loop, and the same loop over deaf decoders."""
    frames = []
    for data, start, end in blocks:
        cursor = Cursor(data, start, end)
        while cursor.next():
            if 0x0100 <= cursor.kind < 0x0F00:
                frames.append((int(cursor.kind), decode_venue_input(cursor.payload()).frame))
    batch = EventBatch()

    def run(decoders: dict[int, Translator]) -> Callable[[], None]:
        def once() -> None:
            for kind, frame in frames:
                batch.clear()
                decoders[kind].translate(frame, 0, len(frame), batch)

        return once

    return run(translators(None)), run(deaf())


def simulation_stages(material: Material) -> list[Stage]:
    """The demo's resimulation of the sample: what its parts add to folding the same frames."""
    path = material.sample()
    with open_journal(path) as journal, pinned(1):
        blocks = [(block.data, block.start, block.end) for block in journal.blocks(verify_chain=False)]
        frames = journal.last_seq - journal.first_seq + 1
        took = fastest(
            {
                "loaded": lambda: [None for _ in journal.blocks()],
                "fold": lambda: folded(blocks, Kernel(translators(None))),
                "idle": lambda: simulate(material, path, with_strategies=False),
                "trading": lambda: simulate(material, path),
            }
        )
    idle = took["idle"] - took["fold"] - took["loaded"]
    parts = (
        ("decompress and chain, on the same core", took["loaded"]),
        ("translate, fold, prove", took["fold"]),
        ("drive the simulation without a strategy", idle),
        ("settle, decide, admit, fill (strategy in Python)", took["trading"] - took["idle"]),
    )
    return [Stage(name, seconds / frames * 1e9) for name, seconds in parts]


def report(material: Material) -> dict[str, Any]:
    """Every stage of every replay, as plain values."""
    found: dict[str, Any] = {}
    for name, path in (("Binance mix", material.mix()), ("Polymarket sample", material.sample())):
        runs = [threads(path) for _ in range(3)]
        found[f"strict replay, {name}"] = {
            "seconds": {key: median(run[key] for run in runs) for key in runs[0]},
            "ns_a_frame": {stage.name: stage.ns_a_frame for stage in fold_stages(path)},
        }
    stages = {stage.name: stage.ns_a_frame for stage in simulation_stages(material)}
    found["resimulate, Polymarket sample"] = {"ns_a_frame": stages}
    return found
