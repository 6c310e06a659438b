"""`engine replay`: the same code on the same bytes, again."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from engine.runtime.clock import RealClock
from engine.runtime.commands import speaks
from engine.runtime.commands.digests import check_digests
from engine.runtime.commands.journal_select import JOURNAL, PLACE, WHICH
from engine.runtime.commands.reports import no_run, refuse_report, report_again, tell_unreported
from engine.runtime.commands.resimulation import resimulate
from engine.runtime.commands.strict import part_of, print_strict
from engine.runtime.commands.verification import verify
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output

if TYPE_CHECKING:
    from journal.reader import Journal
    from replay.run import RunStart


class Given(NamedTuple):
    """The options of `engine replay`, as typed."""

    start: str | None
    until: str | None
    base: Path | None
    jobs: int
    checkpoints: bool | None
    include_invalid: bool
    seed: int | None
    config: Path | None
    strategy: str | None
    profile: str | None
    overrides: tuple[str, ...]
    opening: str | None
    out: Path | None
    sink: str
    report: Path | None
    guard: bool
    strict: bool
    forced: bool
    wide: bool


@click.command(
    epilog=f"{WHICH} Ends with 0 when nothing differs (or nothing could be compared), 3 when the journal is damaged "
    "and 4 when a derived record differs.\n\nExamples:\n\n\b\n"
    "  engine replay journal/                             every derived record, byte for byte\n"
    "  engine replay journal.zst --until 120000 --json    the state after record 120,000\n"
    "  engine replay journal/ --from 2024-08-08T23:54:15  from the nearest checkpoint before that time\n"
    "  engine replay journal/ --jobs 4                    the same answer, in four processes\n"
    "  engine replay recording/ --seed 7 --config demo.yaml --out run/\n"
    "                                                     what a strategy would have done; run/ replays strictly\n"
    "  engine replay run/ --seed 8                        the same run under another seed\n"
    "  engine replay recording/ --seed 7 --config demo.yaml --report report.html\n"
    "                                                     a page about the run, with the same figures in --json\n"
    "  engine replay run/ --set venue.order_latency_ms=200 --set strategies.joiner.parameters.size_lots=5000000\n"
    "  engine replay recording/ --seed 7 --strategy mine.py:Mine --guard\n"
    "                                                     one strategy, with the built-in venue and policy\n"
    "  engine replay run/ --profile thin-books            the same run in a worse world (engine profile list)\n"
    "  engine replay run/ --strategy mine.py:Mine --set strategies.Mine.parameters.size_lots=5000000"
)
@click.argument("journal", type=JOURNAL)
@click.option("--from", "start", metavar="SEQ|TIME", help=f"The first record to verify: {PLACE}.")
@click.option("--until", metavar="SEQ|TIME", help="The last record, itself included; as --from.")
@click.option("--base", type=JOURNAL, help="The journal an overlay stands on, where it is not where it was.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    metavar="N",
    help="Verify in so many processes, from checkpoints.",
)
@click.option(
    "--checkpoints/--no-checkpoints",
    default=None,
    help="Keep checkpoints beside the journal, or neither use nor keep any. Default: keep those of a long folder.",
)
@click.option("--include-invalid", is_flag=True, help="Accept segments that a label marks invalid.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    metavar="N",
    help="Resimulate under this seed, unless it is the recorded one.",
)
@click.option("--config", type=JOURNAL, help="Resimulate with the strategies and the venue of this file (YAML).")
@click.option(
    "--strategy",
    metavar="FILE.py:CLASS",
    help="Resimulate with this strategy alone; its parameters come from --set strategies.CLASS.parameters.NAME=VALUE.",
)
@click.option(
    "--profile",
    metavar="NAME|FILE",
    help="Resimulate in a worse world: a profile that comes along (engine profile list), a file of your own, or none.",
)
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change one value of the configuration.")
@click.option(
    "--opening",
    type=click.Choice(["flat", "recorded"]),
    help="Begin the resimulation with nothing (the default), or with what the recorded run began with.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Keep the resimulation in this folder.")
@click.option(
    "--sink",
    type=click.Choice(["overlay", "digests"]),
    default="overlay",
    show_default=True,
    help="What --out keeps: every record, or what a run is checked by when it is run again.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a report on the run: one HTML file, which needs no network.",
)
@click.option(
    "--guard",
    is_flag=True,
    help="Let clocks, chance, files, sockets and threads raise within strategies: it changes no honest run.",
)
@click.option("--strict", is_flag=True, help="Replay strictly; refuse options that would resimulate.")
@click.option("--resimulate", "forced", is_flag=True, help="Resimulate, with the recorded configuration and seed.")
@click.option("--wide", is_flag=True, help="Print names whole, however narrow the terminal is.")
@speaks
def replay(output: Output, journal: Path, **options: Any) -> None:
    """
    Replay a journal: compare what it concluded, or resimulate.

    Everything is derived again from the inputs. A strict replay compares each derived record with the stored one, byte
    for byte; a resimulation plays a strategy against a simulated venue.
    """
    from journal.disk import RealDisk
    from journal.labels import refuse_invalid
    from journal.reader import open_journal
    from replay.choose import recorded_run
    from replay.digests import holds_digests
    from replay.overlay import base_path

    given = Given(**options)
    disk = RealDisk()
    refuse_report(given.report)
    output.wide = given.wide
    if holds_digests(disk, journal):
        replay_digests(output, journal, given)
        return
    if not given.include_invalid:
        refuse_invalid(disk, journal)
    with open_journal(journal, disk) as opened:
        recorded = recorded_run(opened)
        if recorded is not None and recorded.base is not None and not given.include_invalid:
            refuse_invalid(disk, base_path(disk, journal, given.base))
        if is_resimulation(given, recorded, journal):
            refuse_strict_options(given, "this is a resimulation")
            resimulate_as(output, journal, opened, recorded, given)
        elif not replay_strictly(output, journal, opened, recorded, given):
            raise click.exceptions.Exit(int(Exit.DIVERGED))


def replay_digests(output: Output, folder: Path, given: Given) -> None:
    """Replay a run that is kept as its digests: run it again and compare them, or resimulate what it was made of."""
    from journal.disk import RealDisk
    from journal.labels import refuse_invalid
    from replay.digests import read_digests
    from replay.overlay import base_path

    disk = RealDisk()
    recorded = read_digests(disk, folder).run
    if not given.include_invalid:
        refuse_invalid(disk, base_path(disk, folder, given.base))
    if is_resimulation(given, recorded, folder):
        refuse_strict_options(given, "this is a resimulation")
        resimulate_as(output, folder, None, recorded, given)
        return
    refuse_strict_options(given, "this run is kept as its digests, and run again whole")
    if not check_digests(output, folder, given.base, given.report):
        raise click.exceptions.Exit(int(Exit.DIVERGED))


def resimulate_as(
    output: Output, path: Path, opened: "Journal | None", recorded: "RunStart | None", given: Given
) -> None:
    """Resimulate as the options say."""
    resimulate(
        output,
        path,
        opened,
        recorded,
        seed=given.seed,
        config_path=given.config,
        strategy=given.strategy,
        profile=given.profile,
        overrides=given.overrides,
        opening=given.opening,
        out=given.out,
        sink=given.sink,
        report=given.report,
        guard=given.guard,
        base_path=given.base,
    )


def is_resimulation(given: Given, recorded: "RunStart | None", journal: Path) -> bool:
    """Whether the options ask for a resimulation; what they cannot mean together is an error of usage."""
    from replay.choose import Asked, Contradiction
    from replay.choose import is_resimulation as chosen

    asked = Asked(
        given.seed,
        given.config is not None,
        given.strategy is not None,
        bool(given.overrides) or given.profile is not None or given.opening is not None,
        given.strict,
        given.forced,
        given.out is not None,
    )
    try:
        return chosen(asked, recorded, str(journal))
    except Contradiction as error:
        raise CommandError(str(error), error.advice, Exit.USAGE) from error


def refuse_strict_options(given: Given, because: str) -> None:
    """What plays all of its base, in one process, takes no option that says otherwise: an error of usage."""
    options = {
        "--from": given.start,
        "--until": given.until,
        "--jobs": given.jobs if given.jobs != 1 else None,
        "--checkpoints": given.checkpoints,
    }
    named = [name for name, value in options.items() if value is not None]
    if named:
        are, them = ("is", "it") if len(named) == 1 else ("are", "them")
        sentence = f"{' and '.join(named)} {are} for a strict replay of records, {because}"
        raise CommandError(sentence, f"leave {them} out", Exit.USAGE)


def replay_strictly(output: Output, path: Path, opened: "Journal", recorded: "RunStart | None", given: Given) -> bool:
    """Replay *opened* strictly and print what was found; returns whether nothing differs."""
    from replay.answer import strict_fields, tail_fields

    if given.report is not None and (recorded is None or recorded.base is None):
        raise no_run(path, recorded)
    if given.report is not None:
        refuse_strict_options(given, "a report tells of a whole run")
    clock = RealClock()
    started = clock.mono_ns()
    answer, notes = verify(
        output,
        path,
        opened,
        recorded,
        start=given.start,
        until=given.until,
        jobs=given.jobs,
        checkpoints=given.checkpoints,
        base=given.base,
    )
    elapsed_s = (clock.mono_ns() - started) / 1e9
    cause = b"" if answer.divergence is None else record_bytes(opened, answer.divergence.cause)
    fields = strict_fields(str(path), answer, cause)
    fields["tail"] = tail_fields(opened)
    fields["notes"] = notes
    fields["elapsed_s"] = round(elapsed_s, 6)
    fields["frames_per_s"] = round(answer.inputs / elapsed_s) if elapsed_s else None
    for note in notes:
        output.note(f"note: {note}")
    if not output.as_json:
        print_strict(output, answer, fields, part_of(answer, opened))
    fields["report"] = fields["figures"] = None
    if given.report is not None and answer.divergence is not None:
        tell_unreported(output, path)
    elif given.report is not None:
        digest = fields["state_digest"]
        fields["report"], fields["figures"] = report_again(output, path, recorded, given.base, digest, given.report)
    if output.as_json:
        output.document("refold.replay/1", fields)
    return answer.divergence is None


def record_bytes(journal: "Journal", seq: int) -> bytes:
    """The whole record *seq*, head included; empty when there is none."""
    for block in journal.blocks(seq, seq, verify_chain=False):
        cursor = block.cursor()
        while cursor.next():
            if cursor.seq == seq and not cursor.flags & 1:
                return block.data[cursor.offset : cursor.next_offset]
    return b""
