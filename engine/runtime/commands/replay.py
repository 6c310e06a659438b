"""`engine replay`: the same code on the same bytes, again."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.runtime.clock import RealClock
from engine.runtime.commands import speaks
from engine.runtime.commands.divergence import print_divergence
from engine.runtime.commands.journal_select import JOURNAL, PLACE, WHICH
from engine.runtime.commands.resimulation import resimulate
from engine.runtime.commands.verification import verify
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output, counted

if TYPE_CHECKING:
    from journal.reader import Journal
    from replay.verify import StrictReplay


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
    "  engine replay run/ --set venue.order_latency_ms=200 --set strategies.joiner.parameters.size_lots=5000000\n"
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
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change one value of the configuration.")
@click.option("--out", type=click.Path(path_type=Path), help="Keep the resimulation in this folder, as an overlay.")
@click.option("--strict", is_flag=True, help="Replay strictly; refuse options that would resimulate.")
@click.option("--resimulate", "forced", is_flag=True, help="Resimulate, with the recorded configuration and seed.")
@click.option("--wide", is_flag=True, help="Print names whole, however narrow the terminal is.")
@speaks
def replay(
    output: Output,
    journal: Path,
    start: str | None,
    until: str | None,
    base: Path | None,
    jobs: int,
    checkpoints: bool | None,
    include_invalid: bool,
    seed: int | None,
    config: Path | None,
    strategy: str | None,
    overrides: tuple[str, ...],
    out: Path | None,
    strict: bool,
    forced: bool,
    wide: bool,
) -> None:
    """
    Replay a journal: compare what it concluded, or resimulate.

    Everything is derived again from the inputs. A strict replay compares each derived record with the stored one, byte
    for byte; a resimulation plays a strategy against a simulated venue.
    """
    from journal.disk import RealDisk
    from journal.labels import refuse_invalid
    from journal.reader import open_journal
    from replay.answer import strict_fields, tail_fields
    from replay.choose import Asked, Contradiction, is_resimulation, recorded_run
    from replay.overlay import base_path

    disk, clock = RealDisk(), RealClock()
    output.wide = wide
    if not include_invalid:
        refuse_invalid(disk, journal)
    asked = Asked(seed, config is not None, strategy is not None, bool(overrides), strict, forced, out is not None)
    with open_journal(journal, disk) as opened:
        recorded = recorded_run(opened)
        if recorded is not None and recorded.base is not None and not include_invalid:
            refuse_invalid(disk, base_path(disk, journal, base))
        try:
            simulates = is_resimulation(asked, recorded, str(journal))
        except Contradiction as error:
            raise CommandError(str(error), f"type: {error.advice}", Exit.USAGE) from error
        if simulates:
            given = {"--from": start, "--until": until, "--jobs": jobs != 1 or None, "--checkpoints": checkpoints}
            refuse_strict_options([name for name, value in given.items() if value is not None])
            resimulate(
                output,
                journal,
                opened,
                recorded,
                seed=seed,
                config_path=config,
                strategy=strategy,
                overrides=overrides,
                out=out,
                base_path=base,
            )
            return
        started = clock.mono_ns()
        answer, notes = verify(
            output,
            journal,
            opened,
            start=start,
            until=until,
            jobs=jobs,
            checkpoints=checkpoints,
            base=base,
        )
        elapsed_s = (clock.mono_ns() - started) / 1e9
        cause = b"" if answer.divergence is None else record_bytes(opened, answer.divergence.cause)
        fields = strict_fields(str(journal), answer, cause)
        fields["tail"] = tail_fields(opened)
        part = part_of(answer, opened)
    for note in notes:
        output.note(f"note: {note}")
    fields["notes"] = notes
    fields["elapsed_s"] = round(elapsed_s, 6)
    fields["frames_per_s"] = round(answer.inputs / elapsed_s) if elapsed_s else None
    if output.as_json:
        output.document("refold.replay/1", fields)
    else:
        print_strict(output, answer, fields, part)
    if answer.divergence is not None:
        raise click.exceptions.Exit(int(Exit.DIVERGED))


def refuse_strict_options(given: list[str]) -> None:
    """A resimulation plays all of its base, in one process: what says otherwise is an error of usage."""
    if given:
        sentence = (
            f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} for a strict replay, this is a resimulation"
        )
        raise CommandError(sentence, f"leave {'it' if len(given) == 1 else 'them'} out", Exit.USAGE)


def record_bytes(journal: "Journal", seq: int) -> bytes:
    """The whole record *seq*, head included; empty when there is none."""
    for block in journal.blocks(seq, seq, verify_chain=False):
        cursor = block.cursor()
        while cursor.next():
            if cursor.seq == seq and not cursor.flags & 1:
                return block.data[cursor.offset : cursor.next_offset]
    return b""


def part_of(answer: "StrictReplay", journal: "Journal") -> str:
    """Which records were replayed, where these are not all that the journal holds: " from record 5 to 9"."""
    start = f" from record {answer.start_seq:,}" if answer.start_seq > journal.first_seq else ""
    if answer.last_seq >= journal.last_seq and not journal.segments[-1].unread:
        return start
    return f"{start} {'to' if start else 'up to record'} {answer.last_seq:,}"


def print_strict(output: Output, answer: "StrictReplay", fields: dict[str, Any], part: str) -> None:
    """Print what a strict replay found; *part* says of which records."""
    rate = f"{fields['frames_per_s']:,} a second" if fields["frames_per_s"] else "at once"
    output.lines(
        [f"{answer.inputs:,} inputs and {answer.derived:,} derived records in {fields['elapsed_s']:.2f} s, {rate}"]
    )
    if answer.divergence is not None:
        print_divergence(output, fields["divergence"], answer.compared, answer.other_build)
    elif answer.identical:
        output.lines([f"replay identical{part}: {answer.compared:,} derived records are equal byte for byte"])
        if answer.other_build:
            output.lines([f"note: recorded by build {fields['recorded_build']}, replayed by {fields['build']}"])
    else:
        output.lines([f"recorded without a kernel: bytes verified{part}, nothing to recompute"])
    tail = fields["tail"]
    if tail is not None:
        where = f"segment {tail['segment']}, byte {tail['offset']}: {tail['reason']}"
        bytes_ = counted(tail["bytes"], "byte")
        output.lines([f"NOT replayed: the last {bytes_} are no records ({where}); torn, or still being written"])
    if answer.unfinished:
        output.lines([f"note: the live end lacks {answer.unfinished} derived records; a recovery would write them"])
    share = fields["fast_path_share"]
    if share is not None:
        output.lines(
            [f"fast path {100 * share:.2f} % of the frames; {fields['unreadable_frames']:,} could not be read"]
        )
    print_markets(output, fields["markets"])
    unlisted = fields["unlisted_symbols"]
    if unlisted:
        events = sum(unlisted.values())
        output.lines([f"passed over: {events:,} events of {len(unlisted)} symbols that no catalogue input lists"])
    output.lines([f"state digest {fields['state_digest']}"])


def print_markets(output: Output, markets: list[dict[str, Any]], most: int = 30) -> None:
    """Print each market's touch, how many levels its sides have, and its tick; at most *most* markets."""
    if not markets:
        return
    rows = [["#", "book", "outcome", "bid", "offer", "levels", "tick", "market"]]
    for market in markets[:most]:
        state = "suspect" if market["suspect"] else ("valid" if market["valid"] else "invalid")
        state = state if market["winner"] is None else "settled"
        outcome = next(iter(market["outcomes"]), "") or "-"
        touch = [market["best_bid"] or "-", market["best_ask"] or "-"]
        levels = f"{market['bids']:,} + {market['asks']:,}"
        rows.append([str(market["number"]), state, outcome, *touch, levels, market["tick"], market["market"]])
    output.table(rows, frozenset({0, 3, 4, 5, 6}), names_last=True)
    if len(markets) > most:
        output.lines([f"and {len(markets) - most} more markets (--json lists all)"])
