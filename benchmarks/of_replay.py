"""What replay costs, everything included: strict, of a run, and with a strategy that quotes."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

from attrs import evolve

from benchmarks import bounds
from benchmarks.case import Case
from benchmarks.material import Material
from benchmarks.measure import NS_A_FRAME, Budget, Work
from engine import ROOT
from journal.background import Threads
from journal.reader import Journal, open_journal
from replay.config import RunConfig
from replay.decoded import AT_END, DecodedCursor
from replay.decoders import newest
from replay.feed import JournalFeed
from replay.machine import platform_tag
from replay.overlay import base_of, open_base, write_base_hint
from replay.rebuild import bare_kernel
from replay.resimulation import Simulated, Simulation, overlay_writer
from replay.run import RunStart
from replay.setup import configured, run_of
from replay.sidecar import write_sidecar
from replay.verify import replay_strictly, this_build

CONFIG = ROOT / "config" / "demo.yaml"
SEED = 7
END = 2**63 - 1


def of_blocks(path: Path) -> dict[str, bounds.Bound]:
    """What the bytes of a sealed journal cost at least; the first is what one thread must do to open and prove them."""
    with open_journal(path) as journal:
        frames = bounds.stored_frames(journal)
        raw = bounds.raw_blocks(journal)
    return {
        "zstd + BLAKE2b": bounds.decompressed_and_hashed(frames),
        "zstd": bounds.decompressed(frames),
        "BLAKE2b": bounds.hashed(raw),
        "C-like scan": bounds.scan(raw),
        "CRC": bounds.checksummed(raw),
    }


def strict(material: Material, of_sample: bool) -> Work:
    """Raw frames of a sealed journal, from open to state digest."""
    path = material.sample() if of_sample else material.mix()
    with open_journal(path) as journal:
        inputs = journal.last_seq - journal.first_seq + 1
        raw_len = sum(entry.raw_len for segment in journal.segments for entry in segment.entries)

    def once() -> None:
        with open_journal(path) as journal:
            answer = replay_strictly(journal)
            assert answer.kernel is not None
            answer.kernel.state_digest()
        assert inputs == answer.inputs

    origin = "generated" if of_sample else material.origin
    note = f"{inputs:,} {origin} frames, {raw_len / inputs:.0f} journal bytes each"
    return Work(lambda: once, inputs, of_blocks(path), note)


def decoded(material: Material, of_sample: bool) -> Work:
    """The same journal from its decoded sidecar, from open to state digest: what a second resimulation reads."""
    original = material.sample() if of_sample else material.mix()
    path = original.with_name(f"{original.name}-decoded")
    if not path.exists():
        copytree(original, path)
        with open_journal(path) as journal:
            for segment in journal.segments:
                write_sidecar(material.disk, journal, segment, None, this_build())
    with open_journal(path) as journal:
        inputs = journal.last_seq - journal.first_seq + 1

    def once() -> None:
        background = Threads("benchmark-decoded")
        try:
            with open_journal(path) as journal:
                cursor = DecodedCursor(bare_kernel())
                for piece in feed_of(material, journal, background).pieces():
                    assert piece.decoded
                    cursor.add(piece)
                    while cursor.fold_until(END) != AT_END:
                        pass
                    cursor.forget()
                cursor.kernel.state_digest()
        finally:
            background.close()

    sidecars = sum(one.stat().st_size for one in path.glob("*.events"))
    sealed = sum(one.stat().st_size for one in path.glob("*.zst"))
    note = f"sidecar {sidecars / 1e6:.1f} MB beside {sealed / 1e6:.1f} MB sealed"
    return Work(lambda: once, inputs, of_blocks(path), f"{note}; the bounds are those of the raw frames")


def refuse(why: str) -> None:
    """A sidecar just written has to be used."""
    raise AssertionError(why)


def demo_run(material: Material, base: Journal, with_strategies: bool = True) -> tuple[RunStart, RunConfig]:
    """The run of the demo's configuration on *base*."""
    chosen = configured(material.disk, None, CONFIG, None, ())
    if not with_strategies:
        chosen = evolve(chosen, config=evolve(chosen.config, strategies=()))
    return run_of(material.disk, chosen, SEED, platform_tag(), base_of(base), None), chosen.config


def simulate(material: Material, base: Path, with_strategies: bool = True) -> Simulated:
    """Resimulate *base* into no sink."""
    background = Threads("benchmark-simulate")
    try:
        with open_journal(base) as journal:
            run, config = demo_run(material, journal, with_strategies)
            return Simulation(run, config, feed_of(material, journal, background)).play()
    finally:
        background.close()


def simulate_overlay(material: Material, base: Path, out: Path) -> Simulated:
    """Resimulate *base* into an overlay at *out*."""
    background = Threads("benchmark-overlay")
    try:
        with open_journal(base) as journal:
            run, config = demo_run(material, journal)
            writer = overlay_writer(out, material.disk, journal, run)
            found = Simulation(run, config, feed_of(material, journal, background), writer).play()
            writer.close()
        write_base_hint(material.disk, out, base.resolve())
    finally:
        background.close()
    return found


def feed_of(material: Material, journal: Journal, background: Threads) -> JournalFeed:
    """The inputs of *journal*, decoded anew unless a sidecar lies there."""
    return JournalFeed(material.disk, journal, newest(), this_build(), background, refuse)


def simulated_run(material: Material) -> Path:
    """The overlay of the demo's run on the sample."""
    out = material.folder / "run"
    if not out.exists():
        simulate_overlay(material, material.sample(), out)
    return out


def resimulating(material: Material, overlay: bool) -> Work:
    """The demo's strategy on the sample: frames, strategy in ordinary Python, orders, simulated venue, digests."""
    base = material.sample()
    found = simulate(material, base)
    note = f"{found.submitted:,} orders, {found.fills:,} fills, {found.derived:,} derived records; strategy interpreted"
    if not overlay:
        return Work(lambda: lambda: simulate(material, base), found.inputs, of_blocks(base), note)

    def begin() -> Callable[[], Any]:
        out = material.new_folder()
        return lambda: simulate_overlay(material, base, out)

    return Work(begin, found.inputs, {"no sink": lambda: simulate(material, base)}, note)


def strict_overlay(material: Material) -> Work:
    """The overlay of that run: the base's frames folded again, every derived record compared byte for byte."""
    base = material.sample()
    out = simulated_run(material)

    def once() -> int:
        with open_journal(out) as journal:
            answer = replay_strictly(journal, base=lambda run: open_base(material.disk, out, run, base))
            assert answer.identical
            return answer.inputs

    inputs = once()
    return Work(lambda: once, inputs, of_blocks(base), "bounds of the base's bytes")


STRICT = Budget(800.0, 400.0)

CASES = (
    Case("strict-mix", "strict replay, Binance mix", NS_A_FRAME, lambda m: strict(m, False), 2, STRICT),
    Case("strict-mix-one-core", "same, one core for both threads", NS_A_FRAME, lambda m: strict(m, False)),
    Case("strict-sample", "strict replay, Polymarket sample", NS_A_FRAME, lambda m: strict(m, True), 2),
    Case("strict-sample-one-core", "same, one core for both threads", NS_A_FRAME, lambda m: strict(m, True)),
    Case("decoded-mix", "replay from the sidecar, Binance mix", NS_A_FRAME, lambda m: decoded(m, False), 2),
    Case("decoded-sample", "replay from the sidecar, sample", NS_A_FRAME, lambda m: decoded(m, True), 2),
    Case("strict-run", "strict replay of a run's overlay", NS_A_FRAME, strict_overlay, 2),
    Case("resimulate", "resimulate, no sink", NS_A_FRAME, lambda m: resimulating(m, False), 2),
    Case(
        "resimulate-overlay",
        "resimulate into an overlay",
        NS_A_FRAME,
        lambda m: resimulating(m, True),
        2,
        Budget(2.0, None, "bound"),
    ),
)
