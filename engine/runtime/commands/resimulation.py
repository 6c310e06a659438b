"""The resimulating half of `engine replay`: build the run, play it into its sink, tell what came of it."""

from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.runtime.clock import RealClock
from engine.runtime.commands.journal_select import note_tail
from engine.runtime.commands.reports import told_by, write
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output, counted
from replay.machine import platform_tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.disk import Disk
    from journal.reader import Journal
    from replay.config import ClockConfig, RunConfig
    from replay.produce import How, Produced
    from replay.resimulation import Simulated
    from replay.run import RunStart
    from replay.taken import Taken
    from replay.watch import Watch


@contextmanager
def usable() -> "Iterator[None]":
    """What is wrong with a configuration, a policy or a strategy is an error of usage, and not of the journal."""
    from replay.config import BadConfig
    from replay.opening import NoOpening
    from replay.policy import BadPolicy
    from replay.strategies import BadStrategy

    try:
        yield
    except NoOpening as error:
        raise CommandError(str(error), error.advice, Exit.USAGE) from error
    except BadStrategy as error:
        advice = f"correct it; --set strategies.{error.name}.parameters.NAME=VALUE sets a parameter"
        raise CommandError(str(error), advice, Exit.USAGE) from error
    except (BadConfig, BadPolicy) as error:
        raise CommandError(str(error), "correct it and run the command again", Exit.USAGE) from error


def resimulate(
    output: Output,
    path: Path,
    opened: "Journal | None",
    recorded: "RunStart | None",
    *,
    seed: int | None,
    config_path: Path | None,
    strategy: str | None,
    profile: str | None,
    overrides: tuple[str, ...],
    opening: str | None,
    out: Path | None,
    sink: str,
    report: Path | None,
    guard: bool,
    base_path: Path | None,
) -> None:
    """Resimulate *opened*, or the base that the *recorded* run stands on, and print what came of it."""
    from journal.disk import RealDisk
    from journal.staging import refuse_taken
    from replay.overlay import base_of, open_base
    from replay.produce import How
    from replay.setup import configured, run_of

    disk = RealDisk()
    if out is not None:
        refuse_taken(disk, out)
    with usable():
        chosen = configured(disk, recorded, config_path, strategy, overrides, profile)
    feed = None if recorded is None or recorded.base is None else open_base(disk, path, recorded, base_path)
    base = opened if feed is None else feed.journal
    assert base is not None, "what is no journal has a run with a base"
    try:
        if seed is None:
            own = recorded is None or config_path is not None or chosen.seeded
            seed = chosen.config.seed if own or recorded is None else recorded.seed
        with usable():
            kept = recorded if config_path is None else None
            run = run_of(disk, chosen, seed, platform_tag(), base_of(base), kept, opening_of(opening, recorded))
        was = "no seed recorded" if recorded is None else f"recorded {recorded.seed}"
        if not output.as_json:
            output.lines([f"resimulation, seed {seed} ({was})"])
            if recorded is None and config_path is None:
                output.lines([f"built-in configuration: {described(chosen.config)}; --config and --set say otherwise"])
            if chosen.config.adversary is not None:
                output.lines([f"adversary: {chosen.config.adversary.name or 'the configured one'}"])
        note_tail(output, base)
        how = How(out, sink, guard, observe=report is not None or output.as_json)
        produced = play(output, disk, run, chosen.config, base, how)
    finally:
        if feed is not None:
            feed.close()
    tell(output, path, base.remarks, run, chosen.config.venue.clock, produced, out, report)


def opening_of(asked: str | None, recorded: "RunStart | None") -> str:
    """How to begin: as *asked*, or as the recorded resimulation did."""
    if asked is None and recorded is not None and recorded.base is not None:
        return recorded.opening
    return asked or "flat"


def described(config: "RunConfig") -> str:
    """What a configuration says of policy and venue, in a few words."""
    venue = config.venue
    return f"policy {config.policy}, orders take {venue.order_latency_ms} ms, reports {venue.report_latency_ms} ms"


def play(output: Output, disk: "Disk", run: "RunStart", config: "RunConfig", base: "Journal", how: "How") -> "Produced":
    """Run it into a folder, which appears when it is whole, or into nothing."""
    from journal.background import Threads
    from replay.produce import Bench, produce
    from replay.verify import this_build
    from replay.without_own import feed_of

    background = Threads("resimulation")
    try:
        assert run.base is not None
        feed = feed_of(disk, base, run.base, run.decoders, this_build(), background, output.note)
        bench = Bench(disk, RealClock().mono_ns, output.progress)
        with usable():
            return produce(bench, run, config, feed, base, how)
    except KeyboardInterrupt as error:
        raise CommandError("interrupted; no run was kept", "run the same command again", Exit.INTERRUPTED) from error
    except SystemExit as error:
        raise CommandError("a strategy called sys.exit; no run was kept", "let it return", Exit.USAGE) from error
    finally:
        background.close()


def tell(
    output: Output,
    path: Path,
    notes: list[str],
    run: "RunStart",
    clock: "ClockConfig",
    produced: "Produced",
    out: Path | None,
    report: Path | None,
) -> None:
    """Print what a resimulation came to, and write its report; *notes* on how it was done have been printed."""
    from replay.mistakes import as_fields
    from replay.outcome import simulated_fields
    from replay.report.fields import figures

    simulated, watch = produced.simulated, produced.watch
    assert watch is not None
    elapsed_s = produced.elapsed_ns / 1e9
    fields: dict[str, Any] = simulated_fields(str(path), run, simulated)
    fields["faults"] = [as_fields(fault) for fault in watch.faults]
    fields["refusals"] = [as_fields(refusal) for refusal in watch.refusals]
    fields["elapsed_s"] = round(elapsed_s, 6)
    fields["frames_per_s"] = round(simulated.inputs / elapsed_s) if elapsed_s else None
    fields["out"] = None if out is None else str(out)
    fields["notes"] = notes
    if output.as_json:
        told = told_by(path, run, produced)
        fields["figures"] = figures(told)
        fields["report"] = None if report is None else write(output, report, told)
        output.document("refold.replay/1", fields)
        return
    output.lines(
        [
            f"{simulated.inputs:,} inputs and {simulated.derived:,} derived records in {elapsed_s:.2f} s, "
            f"{fields['frames_per_s']:,} inputs a second",
            f"orders {simulated.submitted:,}, cancels {simulated.cancels:,}, fills {simulated.fills:,}",
        ]
    )
    output.lines(met(simulated, clock))
    counts = ", ".join(f"{name} {count:,}" for name, count in simulated.counts.items())
    output.lines([f"derived: {counts}"])
    if simulated.verdicts:
        verdicts = ", ".join(f"{name} {count:,}" for name, count in simulated.verdicts.items())
        output.lines([f"verdicts: {verdicts}"])
    print_positions(output, fields["positions"])
    output.lines(earned(fields))
    if not run.policy and simulated.verdicts:
        output.note(
            "note: the configuration names no policy, and without one no order is admitted; "
            "--set policy=simulation permits everything, in simulations only"
        )
    print_mistakes(output, watch)
    output.lines([f"state digest {fields['state_digest']}"])
    if report is not None:
        write(output, report, told_by(path, run, produced))
    if out is not None:
        output.note(f"Next: engine replay {out}")


def met(simulated: "Simulated", clock: "ClockConfig") -> list[str]:
    """What was taken of the clocks, and of the base."""
    lines = [clock_line(source, offset_ns, clock) for source, offset_ns in simulated.clock_offsets_ns.items()]
    if simulated.clamped:
        older = counted(simulated.clamped, "input")
        lines.append(f"{older} older than 2 s when heard of, and taken as 2 s old at the venue")
    if simulated.unready:
        lines.append(f"{counted(simulated.unready, 'instant')} met a book not fit to be traded on at the venue")
    if simulated.taken is not None:
        lines.append(taken_out(simulated.taken))
    return lines


def earned(fields: dict[str, Any]) -> list[str]:
    """What was made in each currency, what became of complete sets, and what is still to be paid."""
    lines: list[str] = []
    for currency, pnl in fields["pnl"].items():
        split = f"realised {pnl['realised']}, unrealised {pnl['unrealised']}, fees {pnl['fees']}"
        if Decimal(pnl["income"]):
            split += f", income {pnl['income']}"
        without = f"; {counted(pnl['unmarked'], 'position')} without a mark not in it" if pnl["unmarked"] else ""
        lines.append(f"PnL {pnl['total']} {currency}: {split}{without}")
    if fields["sets"]:
        lines.append(f"complete sets: {sets_text(fields['sets'])}")
    accrued = accrued_text(fields["accrued"])
    if accrued:
        lines.append(f"not yet paid at the end: {accrued}")
    return lines


def clock_line(source: str, offset_ns: int, clock: "ClockConfig") -> str:
    """How the clock of *source* was taken to run, in a sentence."""
    how = f"auto, fastest input {clock.floor_ms:g} ms" if clock.offset_ms == "auto" else "as configured"
    return f"clock of {source}: {abs(offset_ns) / 1e6:,.1f} ms {'behind' if offset_ns < 0 else 'ahead of'} ours ({how})"


def accrued_text(accrued: list[dict[str, str]]) -> str:
    """Rebates and rewards not paid yet, by currency; empty where nothing was earned."""
    sums: dict[tuple[str, str], Decimal] = {}
    for one in accrued:
        what = one["reason"], one["currency"]
        sums[what] = sums.get(what, Decimal(0)) + Decimal(one["amount"])
    return ", ".join(f"{reason}s of {amount} {currency}" for (reason, currency), amount in sums.items() if amount)


def sets_text(sets: list[dict[str, str]]) -> str:
    """What became of complete sets, all markets together."""
    words = (("split", "split"), ("merged", "merged"), ("refused", "not converted"), ("held", "held to resolution"))
    sums = [(sum((Decimal(one[name]) for one in sets), Decimal(0)), word) for name, word in words]
    return ", ".join(f"{total:f} {word}" for total, word in sums if total)


def taken_out(taken: "Taken") -> str:
    """What was taken out of the base, in a sentence."""
    what = f"{counted(taken.orders, 'order')}, {counted(taken.fills, 'fill')}, {counted(taken.levels, 'level')} reduced"
    uncertain = f"; {counted(taken.uncertain, 'order')} of unknown fate kept" if taken.uncertain else ""
    return f"the base's own orders were taken out: {what}{uncertain}"


def print_mistakes(output: Output, watch: "Watch", most: int = 10) -> None:
    """Print the faults, with their tracebacks where that is asked for, and the first refusal of each kind."""
    for fault in watch.faults:
        output.note(fault.text())
        if output.debug:
            output.note(fault.traceback)
    refusals = watch.refusals
    for refusal in refusals[:most]:
        output.note(refusal.text())
    if len(refusals) > most:
        output.note(f"and {counted(len(refusals) - most, 'more kind')} of refusals (--json lists all)")


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
