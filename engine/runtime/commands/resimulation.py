"""The resimulating half of `engine replay`: build the run, play it into its sink, tell what came of it."""

import platform
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.runtime.clock import RealClock
from engine.runtime.commands.journal_select import note_tail
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.background import Background
    from journal.disk import Disk
    from journal.reader import Journal
    from journal.writer import Writer
    from replay.config import RunConfig
    from replay.resimulation import Simulated, Simulation
    from replay.run import RunStart


def platform_tag() -> str:
    """What floats beyond the promised operations may depend on: operating system, machine and C library."""
    library, version = platform.libc_ver()
    return "-".join(part for part in (platform.system().lower(), platform.machine(), library, version) if part)


@contextmanager
def usable() -> "Iterator[None]":
    """What is wrong with a configuration, a policy or a strategy is an error of usage, and not of the journal."""
    from replay.config import BadConfig
    from replay.policy import BadPolicy
    from replay.strategies import BadStrategy

    try:
        yield
    except BadStrategy as error:
        advice = f"correct it; --set strategies.{error.name}.parameters.NAME=VALUE sets a parameter"
        raise CommandError(str(error), advice, Exit.USAGE) from error
    except (BadConfig, BadPolicy) as error:
        raise CommandError(str(error), "correct it and run the command again", Exit.USAGE) from error


def resimulate(
    output: Output,
    path: Path,
    opened: "Journal",
    recorded: "RunStart | None",
    *,
    seed: int | None,
    config_path: Path | None,
    strategy: str | None,
    overrides: tuple[str, ...],
    out: Path | None,
    sink: str,
    base_path: Path | None,
) -> None:
    """Resimulate *opened*, or the base it stands on, and print what came of it."""
    from journal.disk import RealDisk
    from journal.staging import refuse_taken
    from replay.overlay import base_of, open_base
    from replay.setup import configured, run_of

    disk = RealDisk()
    if out is not None:
        refuse_taken(disk, out)
    with usable():
        chosen = configured(disk, recorded, config_path, strategy, overrides)
    feed = None if recorded is None or recorded.base is None else open_base(disk, path, recorded, base_path)
    base = opened if feed is None else feed.journal
    try:
        if seed is None:
            own = recorded is None or config_path is not None or chosen.seeded
            seed = chosen.config.seed if own or recorded is None else recorded.seed
        with usable():
            run = run_of(disk, chosen, seed, platform_tag(), base_of(base), recorded if config_path is None else None)
        was = "no seed recorded" if recorded is None else f"recorded {recorded.seed}"
        if not output.as_json:
            output.lines([f"resimulation, seed {seed} ({was})"])
        note_tail(output, base)
        simulated, elapsed_s = play(output, disk, run, chosen.config, base, out, sink)
    finally:
        if feed is not None:
            feed.close()
    tell(output, path, base.remarks, run, simulated, elapsed_s, out)


def play(
    output: Output, disk: "Disk", run: "RunStart", config: "RunConfig", base: "Journal", out: Path | None, sink: str
) -> tuple["Simulated", float]:
    """Run it into *out*, which appears when it is whole, or into nothing; and how long it took."""
    from journal.background import Threads
    from journal.staging import staged
    from replay.digests import write_digests
    from replay.feed import JournalFeed
    from replay.outcome import simulated_fields
    from replay.overlay import write_base_hint
    from replay.resimulation import Simulation
    from replay.verify import this_build

    background = Threads("resimulation")
    try:
        feed = JournalFeed(disk, base, run.decoders, this_build(), background, output.note)
        with usable():
            simulation = Simulation(run, config, feed)
        if out is None:
            return played(output, simulation, base)
        with staged(disk, out) as staging:
            if sink == "overlay":
                found, elapsed_s = into_overlay(output, disk, staging, background, simulation, base)
            else:
                disk.make_dir(staging)
                found, elapsed_s = played(output, simulation, base)
                write_digests(disk, staging, run, found, simulated_fields(str(base.path), run, found))
            write_base_hint(disk, staging, base.path.resolve())
        return found, elapsed_s
    except KeyboardInterrupt as error:
        raise CommandError("interrupted; no run was kept", "run the same command again", Exit.INTERRUPTED) from error
    finally:
        background.close()


def into_overlay(
    output: Output,
    disk: "Disk",
    folder: Path,
    background: "Background",
    simulation: "Simulation",
    base: "Journal",
) -> tuple["Simulated", float]:
    """Run it into a sealed overlay at *folder*."""
    from replay.resimulation import overlay_writer

    writer = overlay_writer(folder, disk, background, base, simulation.run)
    simulation.sink = writer
    try:
        found, elapsed_s = played(output, simulation, base)
    finally:
        writer.close()
    seal_overlay(output, disk, folder, writer)
    return found, elapsed_s


def played(output: Output, simulation: "Simulation", base: "Journal") -> tuple["Simulated", float]:
    """Play the run to its end; what came of it, and the seconds it took."""
    clock = RealClock()
    total = sum(entry.raw_len for segment in base.segments for entry in segment.entries)
    started = clock.mono_ns()
    with output.progress("resimulating", total) as advance:
        try:
            found = simulation.play(advance)
        except SystemExit as error:
            raise CommandError("a strategy called sys.exit; no run was kept", "let it return", Exit.USAGE) from error
    return found, (clock.mono_ns() - started) / 1e9


def seal_overlay(output: Output, disk: "Disk", folder: Path, writer: "Writer") -> None:
    """Compress the overlay's segments. They are sealed at the time of its last record: equal runs are equal files."""
    from journal.seal import seal
    from journal.segment import Files, wal_path

    numbers = Files(disk, folder).wal
    total = 0
    for number in numbers:
        file = disk.open_read(wal_path(folder, number))
        total += file.size()
        file.close()
    with output.progress("sealing", total) as advance:
        for number in numbers:
            seal(disk, folder, number, sealed_ns=writer.last_recv_ns, advance=advance)


def tell(
    output: Output,
    path: Path,
    notes: list[str],
    run: "RunStart",
    simulated: "Simulated",
    elapsed_s: float,
    out: Path | None,
) -> None:
    """Print what a resimulation came to; *notes* on how it was done have been printed."""
    from replay.outcome import simulated_fields

    fields: dict[str, Any] = simulated_fields(str(path), run, simulated)
    fields["elapsed_s"] = round(elapsed_s, 6)
    fields["frames_per_s"] = round(simulated.inputs / elapsed_s) if elapsed_s else None
    fields["out"] = None if out is None else str(out)
    fields["notes"] = notes
    if output.as_json:
        output.document("refold.replay/1", fields)
        return
    output.lines(
        [
            f"{simulated.inputs:,} inputs and {simulated.derived:,} derived records in {elapsed_s:.2f} s, "
            f"{fields['frames_per_s']:,} inputs a second",
            f"orders {simulated.submitted:,}, cancels {simulated.cancels:,}, fills {simulated.fills:,}",
        ]
    )
    counts = ", ".join(f"{name} {count:,}" for name, count in simulated.counts.items())
    output.lines([f"derived: {counts}"])
    if simulated.verdicts:
        verdicts = ", ".join(f"{name} {count:,}" for name, count in simulated.verdicts.items())
        output.lines([f"verdicts: {verdicts}"])
    print_positions(output, fields["positions"])
    for currency, pnl in fields["pnl"].items():
        split = f"realised {pnl['realised']}, unrealised {pnl['unrealised']}, fees {pnl['fees']}"
        without = f"; {counted(pnl['unmarked'], 'position')} without a mark not in it" if pnl["unmarked"] else ""
        output.lines([f"PnL {pnl['total']} {currency}: {split}{without}"])
    if not run.policy and simulated.verdicts:
        output.note("note: the configuration names no policy, and without one no order is admitted")
    for fault in fields["faults"]:
        output.note(f"a strategy raised an exception and is muted:\n{fault}")
    output.lines([f"state digest {fields['state_digest']}"])
    if out is not None:
        output.note(f"Next: engine replay {out}")


def print_positions(output: Output, positions: list[dict[str, Any]], most: int = 40) -> None:
    """Print every position, at most *most* of them; money is in the settlement currency."""
    if not positions:
        return
    rows = [["#", "outcome", "position", "cost", "realised", "unrealised", "fees", "currency", "instrument"]]
    for one in positions[:most]:
        figures = [one["position"], one["cost"], one["realised"], one["unrealised"] or "-", one["fees"]]
        rows.append([str(one["number"]), one["outcome"] or "-", *figures, one["currency"], one["instrument"]])
    output.table(rows, frozenset({0, 2, 3, 4, 5, 6}), names_last=True)
    if len(positions) > most:
        output.lines([f"and {counted(len(positions) - most, 'more position')} (--json lists all)"])
