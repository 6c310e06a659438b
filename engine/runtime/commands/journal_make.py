"""`engine journal seal | bundle | export | label`: make something of a journal."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.runtime.commands import speaks
from engine.runtime.commands.journal_select import JOURNAL, WHICH, note_tail, selected, selection_options
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output, counted

if TYPE_CHECKING:
    from journal.reader import Record
    from journal.select import Selection

FORMATS = ("jsonl", "jsonl.gz", "csv", "parquet", "arrow", "npz", "journal")
INCLUDE = click.option("--include-invalid", is_flag=True, help="Accept segments that a label marks invalid.")


@click.command(
    epilog="What --renew replaces is kept under its name with .bad behind it.\n\nExamples:\n\n\b\n"
    "  engine journal seal journal/\n"
    "  engine journal seal journal/ --renew       where `engine journal verify` finds an index or a manifest broken"
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--level", type=click.IntRange(1, 19), metavar="N", default=3, show_default=True, help="zstd's compression level."
)
@click.option(
    "--renew",
    is_flag=True,
    help="Also make anew what of sealed segments only repeats their blocks, and is broken: indexes and manifests.",
)
@speaks
def seal(output: Output, folder: Path, level: int, renew: bool) -> None:
    """
    Compress the finished segments of a folder.

    Every byte is compared before the original goes.
    """
    from engine.runtime.clock import RealClock
    from journal.disk import RealDisk
    from journal.renew import renew as make_anew
    from journal.seal import seal as seal_segment
    from journal.segment import Files, wal_path
    from journal.stored import open_wal

    disk, clock = RealDisk(), RealClock()
    done, left = [], []
    waiting = list(Files(disk, folder).wal)
    with output.progress("sealing", len(waiting), "segments") as advance:
        for number in waiting:
            segment = open_wal(disk, wal_path(folder, number))
            complete = segment.complete
            segment.close()
            if complete:
                done.append(seal_segment(disk, folder, number, sealed_ns=clock.wall_ns(), level=level))
            else:
                left.append(number)
            advance(1)
    renewed = make_anew(disk, folder, sealed_ns=clock.wall_ns()) if renew else []
    if output.as_json:
        import attrs

        fields = {"sealed": done, "open": left, "renewed": [attrs.asdict(one) for one in renewed]}
        output.document("refold.journal.seal/1", {"folder": str(folder), **fields})
        return
    for manifest in done:
        raw, stored = manifest["raw_bytes"], manifest["zst_bytes"]
        records = counted(manifest["records"], "record")
        output.lines(
            [f"segment {manifest['segment_no']}: {records}, {raw:,} to {stored:,} bytes, {manifest['status']}"]
        )
    for number in left:
        output.lines(
            [f"segment {number}: still open; its writer is at work, or was interrupted and the next start closes it"]
        )
    for one in renewed:
        things = " and ".join(name for name, made in (("index", one.index), ("manifest", one.manifest)) if made)
        output.lines([f"segment {one.segment}: {things} made anew from its blocks"])
    if not waiting and not renewed:
        output.lines(["nothing to seal, and nothing to renew" if renew else "nothing to seal"])


@click.command(
    epilog=f"{WHICH} Plain `zstd -d` unpacks a bundle.\n\nExample:\n\n\b\n  engine journal bundle journal/ -o day.zst"
)
@click.argument("journal", type=JOURNAL)
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The new file.")
@INCLUDE
@speaks
def bundle(output: Output, journal: Path, out: Path, include_invalid: bool) -> None:
    """
    Put all sealed segments into one file.

    They are checked first, and copied unchanged.
    """
    from journal.bundle import NotSealed
    from journal.bundle import bundle as make_bundle
    from journal.disk import RealDisk
    from journal.reader import open_journal
    from journal.verify import verify

    disk = RealDisk()
    with output.progress("checking", None) as advance:
        found = verify(disk, journal, advance)
    if not found.whole:
        raise CommandError(f"{journal}: {found.verdict}: {found.reason}", f"engine journal verify {journal}")
    for fault in found.beside:
        output.note(f"note: {fault.reason}; every block holds, and the bundle has an index of its own")
    if found.invalid and not include_invalid:
        label = found.invalid[0]
        sentence = f"{journal}: segment {label.segment} is marked invalid ({label.reason})"
        raise CommandError(sentence, "say --include-invalid to take it all the same")
    with open_journal(journal, disk) as opened:
        size = sum(entry.comp_len for segment in opened.segments for entry in segment.entries)
        try:
            with output.progress("copying", size) as advance:
                report = make_bundle(disk, opened.segments, out, advance)
        except NotSealed as error:
            raise CommandError(str(error), f"engine journal seal {journal}", Exit.USAGE) from error
    if output.as_json:
        import attrs

        output.document("refold.journal.bundle/1", attrs.asdict(report))
        return
    seqs = f"records {report.first_seq:,} to {report.last_seq:,}"
    output.lines(
        [f"{out}: {counted(len(report.segments), 'segment')}, {seqs}, {report.zst_bytes:,} bytes, head {report.head}"]
    )


@click.command(
    epilog=f"{WHICH} One row a record. Parquet, Arrow and CSV: of a venue input the frame is in `payload`, the times, "
    "connection and counter in columns of their own. CSV: `encoding` says whether `payload` is text or hex. journal: "
    "of a damaged journal, every record before the damage as a new journal of status SALVAGED. npz: the books and "
    "trades of one instrument, as rows that hftbacktest replays.\n\n"
    "Examples:\n\n\b\n"
    "  engine journal export journal/ -o frames.parquet\n"
    "  engine journal export journal/ --kind BINANCE_USDM --from 2024-08-08T23:55 -o part.jsonl.gz\n"
    "  engine journal export journal/ --instrument binance-usdm:BTCUSDT -o btcusdt.npz\n"
    "  engine journal export damaged/ --format journal -o saved/"
)
@click.argument("journal", type=JOURNAL)
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The new file (or folder).")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Without it, told by the ending of OUT.")
@click.option("--instrument", metavar="KEY", help="Of npz: the instrument, where the journal lists several.")
@selection_options
@click.option("--until-damage", is_flag=True, help="Of a damaged journal, write what stands before the damage.")
@INCLUDE
@speaks
def export(
    output: Output,
    journal: Path,
    out: Path,
    form: str | None,
    instrument: str | None,
    selection: "Selection",
    until_damage: bool,
    include_invalid: bool,
) -> None:
    """Write records as JSON lines, CSV, Parquet or Arrow IPC, or an instrument's books as an hftbacktest array."""
    from journal.disk import RealDisk
    from journal.export import export as write_export
    from journal.export import format_of
    from journal.labels import refuse_invalid
    from journal.reader import open_journal
    from journal.select import source_names

    form = form or ("npz" if out.name.endswith(".npz") else format_of(out))
    if instrument and form != "npz":
        raise click.UsageError("--instrument belongs to --format npz.")
    if form is None:
        raise click.UsageError(f"{out.name} does not end like a format; say --format.")
    disk = RealDisk()
    if not include_invalid:
        refuse_invalid(disk, journal)
    if form == "journal":
        if selection.is_narrow:
            raise click.UsageError("a journal is saved whole: --format journal takes no selection.")
        save(output, journal, out)
        return
    if form == "npz":
        if selection.is_narrow:
            raise click.UsageError("books need every record before them: --format npz takes no selection.")
        write_npz(output, journal, out, instrument or "", until_damage)
        return
    with open_journal(journal, disk) as opened:
        cut = UpToDamage(selected(opened, selection), until_damage)
        total = opened.last_seq - opened.first_seq + 1
        with output.progress("exporting", total, "records") as advance:
            written = write_export(cut, source_names(opened), out, form, disk, advance)
        note_tail(output, opened)
    if output.as_json:
        fields = {"journal": str(journal), "path": str(out), "format": form, "records": written, "damage": cut.damage}
        output.document("refold.journal.export/1", fields)
    else:
        output.lines([f"{out}: {counted(written, 'record')} as {form}"])
    if cut.damage is not None:
        output.note(f"Error: {cut.damage}.")
        raise click.exceptions.Exit(int(Exit.DAMAGED))


def write_npz(output: Output, journal: Path, out: Path, instrument: str, until_damage: bool) -> None:
    """Write the books and trades of one instrument as hftbacktest's event array."""
    from journal.disk import RealDisk
    from journal.reader import open_journal
    from replay.arrays import WhichInstrument, write_array

    disk = RealDisk()
    with open_journal(journal, disk) as opened:
        cut = UpToDamage(opened.records(), until_damage)
        total = opened.last_seq - opened.first_seq + 1
        try:
            with output.progress("exporting", total, "records") as advance:
                told = write_array(cut, instrument, out, disk, advance)
        except WhichInstrument as error:
            raise CommandError(f"{journal}: {error}", "name it with --instrument KEY", Exit.USAGE) from error
        note_tail(output, opened)
    if output.as_json:
        counts = {"levels": told.levels, "trades": told.trades, "books": told.books}
        left = {"stamped_later": told.stamped_later, "off_grid": told.off_grid}
        fields = {"journal": str(journal), "path": str(out), "format": "npz", "records": told.rows}
        fields |= {"instrument": told.key, **counts, **left, "damage": cut.damage}
        output.document("refold.journal.export/1", fields)
    else:
        output.lines(
            [f"{out}: {counted(told.rows, 'row')} of {told.key}, {told.levels:,} levels, {told.trades:,} trades"]
        )
        if told.stamped_later:
            late = counted(told.stamped_later, "record")
            output.lines([f"{late} with a venue time before that of the one above, written at the later time"])
        if told.off_grid:
            output.lines([f"{counted(told.off_grid, 'level')} between two ticks, left out"])
    if cut.damage is not None:
        output.note(f"Error: {cut.damage}.")
        raise click.exceptions.Exit(int(Exit.DAMAGED))


def save(output: Output, journal: Path, out: Path) -> None:
    """Copy what can be read of a damaged journal into a new one, and say what ended it."""
    from engine.runtime.clock import RealClock
    from journal.disk import RealDisk
    from journal.reader import open_journal
    from journal.salvage import salvage
    from replay.overlay import carry_base_hint

    disk = RealDisk()
    with open_journal(journal, disk) as opened:
        # A journal of its own, but the same one however often the same damaged journal is saved.
        own = blake2b(opened.journal_id + opened.head, digest_size=16, person=b"refold-salvage").digest()
    notes: list[str] = []
    made = salvage(
        disk,
        journal,
        out,
        journal_id=own,
        wall_ns=RealClock().wall_ns(),
        beside=lambda folder: notes.append(carry_base_hint(disk, journal, folder)),
    )
    for note in filter(None, notes):
        output.note(f"note: {note}; replay what was saved with --base")
    damage = None if made.damage is None else str(made.damage)
    if output.as_json:
        fields = {"first_seq": made.first_seq, "last_seq": made.last_seq, "segments": made.segments, "damage": damage}
        output.document("refold.journal.salvage/1", {"journal": str(journal), "path": str(out), **fields})
        return
    output.lines([f"{out}: records {made.first_seq:,} to {made.last_seq:,} in a new journal, status SALVAGED"])
    output.lines([] if damage is None else [f"what ended it: {damage}"])


class UpToDamage:
    """Records up to the first damage; `damage` then tells what it was, if damage was to be borne at all."""

    def __init__(self, records: "Iterable[Record]", bear: bool) -> None:
        self._records = records
        self._bear = bear
        self.damage: str | None = None

    def __iter__(self) -> "Iterator[Record]":
        from journal.errors import JournalError

        try:
            yield from self._records
        except JournalError as error:
            if not self._bear:
                raise
            self.damage = str(error)


@click.command(
    epilog="The label is a file beside the segment, whose bytes stay as they are. `info` shows it; `verify`, `bundle`, "
    "`export` and `engine replay` refuse the segment unless told --include-invalid.\n\nExample:\n\n\b\n"
    '  engine journal label journal/00000002.zst --invalid --reason "the clock was an hour off"'
)
@click.argument("segment", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--invalid/--valid", "invalid", default=None, help="Do not trust this segment / trust it again.")
@click.option("--reason", required=True, help="Why, for whoever meets the label later.")
@speaks
def label(output: Output, segment: Path, invalid: bool | None, reason: str) -> None:
    """Mark a segment as bad, or as good again, without touching it."""
    from engine.runtime.clock import RealClock
    from journal.disk import RealDisk
    from journal.labels import MOST_REASON, Label, write_label
    from journal.show import utc

    if invalid is None:
        raise click.UsageError("say --invalid (or --valid).")
    number, ending = segment.name.partition(".")[::2]
    if len(number) != 8 or not number.isdigit() or ending not in ("zst", "wal"):
        raise click.BadParameter(f"{segment.name} is no segment's file (like 00000001.zst).", param_hint="'SEGMENT'")
    if not reason.strip() or len(reason) > MOST_REASON or not reason.isprintable():
        raise click.BadParameter(f"a reason is one line of 1 to {MOST_REASON:,} characters.", param_hint="'--reason'")
    made = Label(int(number), invalid, reason.strip(), utc(RealClock().wall_ns()))
    path = write_label(RealDisk(), segment.parent, made)
    if output.as_json:
        output.document("refold.journal.label/1", {"path": str(path), **made.as_dict()})
        return
    output.lines([f"{path}: segment {int(number)} is {'marked invalid' if invalid else 'no longer marked invalid'}"])
