"""`engine journal import`: public recordings into a journal."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.runtime.commands import speaks
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output, counted

if TYPE_CHECKING:
    from journal.importer.recording import Tally
    from journal.importer.run import ImportReport

FORMATS = ("auto", "hftbacktest", "jsonl", "cryptofeed", "npz")
VENUES = ("binance-spot", "binance-usdm", "polymarket", "polymarket-market", "polymarket-user", "hftbacktest")
SHOWN_RUNS = 20
FILE = click.Path(exists=True, dir_okay=False, readable=True, resolve_path=True, path_type=Path)

EXAMPLES = """Examples:

\b
  engine journal import usdm_btcusdt_20240808.gz --catalog exchangeInfo.json -o journal/
  engine journal import spot_*.gz usdm_*.gz -o day/             several recordings, merged by receive time
  engine journal import btcusdt_20240808.gz --venue binance-usdm -o journal/
  engine journal import frames.jsonl --catalog market.json -o journal/
  engine journal import btcusdt_20240808.npz --catalog assets.json -o journal/

Formats: hftbacktest (`<receive ns> <frame>`, plain or gzip), jsonl (objects with payload and recv_ns, recv_us or
recv_ms), cryptofeed (its raw text, with connections and HTTP replies), npz (hftbacktest's event arrays, also as .npy).
The frames are kept byte for byte with the time they were received. Ticks, lots, pairing and symbols are never guessed
from prices: they come from --catalog, from the addresses in the recording, from the file's name, or from --symbol."""


@click.command("import", epilog=EXAMPLES)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=FILE)
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The new journal's folder.")
@click.option(
    "--catalog",
    "catalogues",
    multiple=True,
    type=FILE,
    help="The venue's description of its instruments (exchangeInfo, market objects); journalled before the frames.",
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="auto", show_default=True, help="Of every SOURCE."
)
@click.option(
    "--venue",
    "venues",
    multiple=True,
    metavar="[FILE=]VENUE",
    help=f"Whose frames they are, where the file does not tell: {', '.join(VENUES)}. FILE: for that file name only.",
)
@click.option(
    "--symbol",
    "symbols",
    multiple=True,
    metavar="[FILE=]SYMBOL",
    help="The symbol of arrays, and of depth snapshots that name none. FILE: for that file name only.",
)
@click.option("--no-seal", is_flag=True, help="Leave the journal uncompressed, as a writer leaves it.")
@speaks
def import_command(
    output: Output,
    sources: tuple[Path, ...],
    out: Path,
    catalogues: tuple[Path, ...],
    form: str,
    venues: tuple[str, ...],
    symbols: tuple[str, ...],
    no_seal: bool,
) -> None:
    """
    Turn public recordings into a journal.

    Every frame is kept byte for byte, with the time it was received; every line is accounted for.
    """
    from engine.runtime.clock import RealClock
    from journal.background import Threads
    from journal.disk import RealDisk
    from journal.importer.files import size_of
    from journal.importer.recording import NeedsAnswer, NotARecording
    from journal.importer.run import Catalogue, import_recordings
    from journal.importer.sniff import Recording

    venue_for = Answers("--venue", venues, sources + catalogues)
    symbol_for = Answers("--symbol", symbols, sources)
    for _, venue in venue_for.given:
        if venue not in VENUES:
            raise click.BadParameter(f"{venue!r} is not one of {', '.join(VENUES)}.", param_hint="'--venue'")
    recordings = [
        Recording(path, "" if form == "auto" else form, stream_of(venue_for.of(path)), symbol_for.of(path).upper())
        for path in sources
    ]
    wanted = [Catalogue(path, catalogue_of(venue_for.of(path))) for path in catalogues]
    disk, clock, background = RealDisk(), RealClock(), Threads("import")
    started = clock.mono_ns()
    try:
        with output.progress("importing", sum(size_of(disk, path) for path in sources)) as advance:
            report = import_recordings(
                recordings,
                out,
                disk,
                background,
                catalogues=wanted,
                sealed_ns=None if no_seal else clock.wall_ns(),
                advance=advance,
            )
    except NeedsAnswer as error:
        what = "VENUE" if error.option == "--venue" else "SYMBOL"
        raise CommandError(
            str(error), f"add {error.option} {what} (see `engine journal import --help`)", Exit.USAGE
        ) from error
    except NotARecording as error:
        raise CommandError(str(error), error.advice) from error
    except KeyboardInterrupt as error:
        raise CommandError(
            "interrupted; no journal was made", "run the same command again", Exit.INTERRUPTED
        ) from error
    finally:
        background.close()
    elapsed_s = (clock.mono_ns() - started) / 1e9
    if output.as_json:
        output.document("refold.journal.import/1", {**report.as_dict(), "elapsed_s": round(elapsed_s, 3)})
        return
    print_report(output, report)
    if not catalogues:
        output.note("note: no --catalog: a replay will know neither ticks nor lots, and keep no books")
    lines = sum(tally.lines for tally in report.recordings)
    output.note(
        f"{elapsed_s:.1f} s, {lines / max(elapsed_s, 1e-9):,.0f} lines a second. Next: engine journal info {out}"
    )


class Answers:
    """What an option says: for every file, or with ``FILE=`` for one file name."""

    def __init__(self, option: str, values: Sequence[str], files: Sequence[Path]) -> None:
        names = {path.name for path in files}
        self.given = [(value.rpartition("=")[0], value.rpartition("=")[2]) for value in values]
        for file, _ in self.given:
            if file and Path(file).name not in names:
                raise click.BadParameter(f"no file given is called {file!r}.", param_hint=f"'{option}'")

    def of(self, path: Path) -> str:
        """The answer for *path*: the one for its name, else the one for all, else an empty text."""
        own = [value for file, value in self.given if file and Path(file).name == path.name]
        general = [value for file, value in self.given if not file]
        return (own or general or [""])[-1]


def stream_of(venue: str) -> str:
    """The stream that a recording of *venue* holds when nothing else is said."""
    return "polymarket-market" if venue == "polymarket" else venue


def catalogue_of(venue: str) -> str:
    """The venue whose catalogue is meant by the name of one of its streams."""
    return "polymarket" if venue.startswith("polymarket") else venue


def print_report(output: Output, report: "ImportReport") -> None:
    """Print what was imported, file by file, and which lines could not be placed."""
    from journal.show import utc

    output.lines([f"{report.journal}: {report.records:,} records, {utc(report.first_ns)} to {utc(report.last_ns)}"])
    rows = [("source", "name", "file", "format", "lines", "frames", "replies", "unplaced")]
    for one in report.catalogues:
        documents = f"{one.documents:,}"
        rows.append((str(one.source), one.source_name, one.file, "catalogue", "", "", documents, ""))
    for tally in report.recordings:
        counts = (tally.lines, tally.frames, tally.replies, tally.unplaced_lines)
        named = (str(tally.source), tally.source_name, tally.file, tally.format)
        rows.append((*named, *(f"{count:,}" for count in counts)))  # type: ignore[arg-type]
    output.table(rows, right=frozenset({0, 4, 5, 6, 7}))
    for tally in report.recordings:
        output.lines(remarks(tally))
    runs = [(tally.file, run) for tally in report.recordings for run in tally.unplaced]
    for file, run in runs[:SHOWN_RUNS]:
        where = f"line {run.first:,}" if run.first == run.last else f"lines {run.first:,} to {run.last:,}"
        output.lines([f"not placed: {file}, {where}: {run.reason}"])
    if len(runs) > SHOWN_RUNS:
        output.lines([f"not placed: {len(runs) - SHOWN_RUNS:,} more places; --json lists all"])


def remarks(tally: "Tally") -> list[str]:
    """What a reader should know of a file beyond its counts, one line each."""
    line, record, whose = "line", "line", "the line before"
    if tally.format == "npz":
        line, record, whose = "row", "record", "the first that has one"
    told = [
        (tally.without_time, line, f"without receive time, given that of {whose}"),
        (tally.time_backwards, record, f"with a time before that of the {record} above, kept in place"),
        (tally.sent, line, "of what the recorder sent, not journalled"),
        (tally.notes, line, "blank or of the recorder itself, not journalled"),
        (tally.joined, line, "in the record of the row before, as both their times are equal"),
        (tally.venue_only, line, "for the exchange side only, not journalled"),
    ]
    return [f"{tally.file}: {counted(count, unit)} {what}" for count, unit, what in told if count]
