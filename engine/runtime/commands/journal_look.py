"""`engine journal info | verify | cat | index`: look at a journal without changing it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.runtime.commands import speaks, speaks_lines
from engine.runtime.commands.journal_select import JOURNAL, WHICH, note_tail, selected, selection_options
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output, counted

if TYPE_CHECKING:
    from journal.select import Selection
    from journal.summary import Summary
    from journal.verify import Verification


@click.command(epilog=f"{WHICH}\n\nExample:\n\n\b\n  engine journal info journal/")
@click.argument("journal", type=JOURNAL)
@speaks
def info(output: Output, journal: Path) -> None:
    """
    Say what a journal holds.

    Records, times, kinds, sources, segments and their labels; from the manifests, without checking every byte.
    """
    from journal.disk import RealDisk
    from journal.summary import summarise

    summary = summarise(RealDisk(), journal)
    if output.as_json:
        output.document("refold.journal.info/1", summary.as_dict())
        return
    print_summary(output, summary)


def print_summary(output: Output, summary: "Summary") -> None:
    """Print a journal's summary as readable tables."""
    from journal.show import utc

    segments = summary.segments
    raw, stored = sum(one.raw_bytes for one in segments), sum(one.stored_bytes for one in segments)
    output.lines(
        [
            f"journal   {summary.journal_id}",
            f"path      {summary.path} ({summary.form}, {counted(len(segments), 'segment')})",
            f"records   {summary.records:,} (seq {summary.first_seq:,} to {summary.last_seq:,})",
            f"times     {utc_or_dash(summary.first_recv_ns)} to {utc_or_dash(summary.last_recv_ns)}",
            f"bytes     {raw:,} raw, {stored:,} stored",
            "",
        ]
    )
    rows = [("kind", "records"), *((name, f"{count:,}") for name, count in summary.by_kind.items())]
    output.table(rows, right=frozenset({1}))
    output.lines([""])
    named = [(str(one.number), one.name, f"{one.records:,}") for one in summary.sources]
    output.table([("source", "name", "records"), *named], right=frozenset({0, 2}))
    output.lines([""])
    # A label is told of in the notes, with its reason.
    table = [("segment", "state", "records", "first seq", "first received", "blocks", "stored bytes")]
    for segment in segments:
        state = segment.state if segment.status in (None, "SEALED_OK") else f"{segment.state}, {segment.status}"
        first = "-" if segment.first_recv_ns is None else utc(segment.first_recv_ns)[:19]
        counts = (f"{segment.records:,}", f"{segment.first_seq:,}", first, f"{segment.blocks:,}")
        table.append((str(segment.number), state, *counts, f"{segment.stored_bytes:,}"))
    output.table(table, right=frozenset({0, 2, 3, 5, 6}))
    output.lines(f"note: {note}" for note in summary.notes)


def utc_or_dash(ns: int | None) -> str:
    """*ns* as a time in UTC, or a dash."""
    from journal.show import utc

    return "-" if ns is None else utc(ns)


@click.command(
    epilog=f"{WHICH} Ends with 0 when everything holds and 3 otherwise. TORN: the last batch was never finished, "
    "nothing was done because of it, and the next writer cuts it off. CORRUPT: data once reported durable is damaged."
    "\n\nExample:\n\n\b\n  engine journal verify journal/ --json"
)
@click.argument("journal", type=JOURNAL)
@click.option("--include-invalid", is_flag=True, help="Accept segments that a label marks invalid.")
@speaks
def verify(output: Output, journal: Path, include_invalid: bool) -> None:
    """
    Check every byte of a journal.

    Checksums, chain, sequence, index and manifests; the first damage is named.
    """
    from journal.disk import RealDisk
    from journal.verify import verify as check

    with output.progress("verifying", None) as advance:
        found = check(RealDisk(), journal, advance)
    refused = bool(found.invalid) and not include_invalid
    if output.as_json:
        output.document("refold.journal.verify/1", {**found.as_dict(), "refused": refused})
    else:
        print_verification(output, found, refused)
    if found.verdict != "CLEAN" or refused:
        raise click.exceptions.Exit(int(Exit.DAMAGED))


def print_verification(output: Output, found: "Verification", refused: bool) -> None:
    """Print the verdict in a sentence or two."""
    segments = counted(len(found.segments), "segment")
    if found.verdict == "CLEAN":
        manifests = " and manifests" if any(one.manifest == "fits" for one in found.segments) else ""
        held = f"checksums, chain{',' if manifests else ' and'} sequence{manifests} hold"
        output.lines([f"CLEAN: {counted(found.records, 'record')} in {segments}: {held}"])
    else:
        good = f"every record up to {found.last_good_seq:,} is good" if found.last_good_seq else "no record is good"
        if found.whole:
            good = f"all {counted(found.records, 'record')} in {segments} are good: it stands beside the blocks"
        named = found.file is not None and found.file in found.reason
        reason = found.reason if named else f"{found.file}: at byte {found.offset}: {found.reason}"
        output.lines([f"{found.verdict}: {reason}", good])
    output.lines(f"note: {fault.reason}" for fault in found.beside if fault.reason != found.reason)
    missing = [one.file for one in found.segments if one.manifest == "missing"]
    output.lines(f"note: {file} has no manifest; its blocks were checked, its digests could not be" for file in missing)
    output.lines(f"note: {name} holds what a recovery cut off" for name in found.torn_files)
    for label in found.invalid:
        output.lines([f"segment {label.segment} is marked invalid since {label.labelled}: {label.reason}"])
    if refused:
        output.note("Next:  leave the marked segment out, or say --include-invalid")
    elif found.verdict != "CLEAN":
        output.note(f"Next:  {next_step(found)}")


def next_step(found: "Verification") -> str:
    """What to do about a journal that is not CLEAN."""
    if found.verdict == "TORN":
        return (
            "nothing, if a writer is at work or was interrupted: the next start cuts the tail off and keeps it; "
            "otherwise fetch another copy"
        )
    if found.whole:
        if Path(found.path).is_dir():
            return f"`engine journal seal {found.path} --renew` makes it anew from the blocks"
        return f"`engine journal bundle {found.path} -o NEW.zst` writes the blocks with a new index"
    if found.last_good_seq:
        return "keep the files as they are; `engine journal export --format journal` saves what can be read"
    return "keep the files as they are, and fetch another copy: nothing can be read of this one"


@click.command(
    epilog=f"{WHICH} One line a record: sequence number, time of receipt, kind, source, cause, payload."
    "\n\nExamples:\n\n\b\n"
    "  engine journal cat journal/ --from 100 --until 120\n"
    "  engine journal cat journal/ --from 2024-08-08T23:55 --kind 'BINANCE_*_DEPTH' --width 0\n"
    "  engine journal cat journal/ --source binance-usdm --limit 5 --json | jq .payload.frame\n"
    "  engine journal cat journal/ --raw > frames.jsonl         the frames alone, byte for byte, one a line"
)
@click.argument("journal", type=JOURNAL)
@selection_options
@click.option(
    "--width",
    type=click.IntRange(min=0),
    metavar="N",
    default=160,
    show_default=True,
    help="Characters of payload; 0: all.",
)
@click.option("--raw", is_flag=True, help="Print payloads only, byte for byte; of venue inputs the frame as received.")
@speaks_lines
def cat(output: Output, journal: Path, selection: "Selection", width: int, raw: bool) -> None:
    """Print records readably, or as JSON lines."""
    import orjson

    from journal.disk import RealDisk
    from journal.labels import read_labels
    from journal.reader import open_journal
    from journal.select import source_names
    from journal.show import as_fields, as_line, frame_of

    if raw and output.as_lines:
        raise click.UsageError("--raw and --json exclude each other.")
    disk = RealDisk()
    if disk.is_dir(journal):
        for label in read_labels(disk, journal).values():
            if label.invalid:
                output.note(f"note: segment {label.segment} is marked invalid: {label.reason}")
    with open_journal(journal, disk) as opened:
        names = source_names(opened)
        record = None
        for record in selected(opened, selection):
            if raw:
                line = frame_of(record.kind, record.payload)
            elif output.as_lines:
                line = orjson.dumps(as_fields(record, names))
            else:
                line = as_line(record, names, width).encode()
            output.stream(line + b"\n")
        if record is None:
            held = f"{opened.first_seq:,} to {opened.last_seq:,}" if opened.last_seq >= opened.first_seq else "none"
            output.note(f"note: no record selected; the journal's are {held}")
        note_tail(output, opened)


@click.command(
    epilog=f"{WHICH} The index is a cache: readers that find it broken make it anew, in memory. To store it anew: "
    "`engine journal seal FOLDER --renew`, or for a file alone `engine journal bundle`.\n\nExamples:\n\n\b\n"
    "  engine journal index journal/00000001.zst\n"
    "  engine journal index journal/ --rebuild --json"
)
@click.argument("journal", type=JOURNAL)
@click.option(
    "--rebuild", is_flag=True, help="Make the index anew from the blocks, and compare it with the stored one."
)
@speaks
def index(output: Output, journal: Path, rebuild: bool) -> None:
    """Print the block index and the seek table of sealed files."""
    from journal.disk import RealDisk
    from journal.tables import describe_tables, sealed_files

    disk = RealDisk()
    files = sealed_files(disk, journal)
    if not files:
        raise CommandError(f"{journal}: no sealed segment", f"seal it first: engine journal seal {journal}", Exit.USAGE)
    found = [describe_tables(disk, path, rebuild) for path in files]
    if output.as_json:
        output.document("refold.journal.index/1", {"files": [one.as_dict() for one in found]})
    for one in [] if output.as_json else found:
        output.lines([f"{one.path}: {counted(len(one.blocks), 'block')}, {one.raw_len:,} raw bytes, head {one.head}"])
        # What fits into 80 columns: the records of a block are told by the numbers, and --json tells all.
        rows = [("block", "raw from", "bytes", "file from", "bytes", "last seq", "last received")]
        for number, b in enumerate(one.blocks):
            figures = (number, b.raw_off, b.raw_len, b.file_off, b.comp_len, b.last_seq)
            last = utc_or_dash(b.last_recv_ns if b.data_records else None)[:19]
            rows.append((*(f"{figure:,}" for figure in figures), last))  # type: ignore[arg-type]
        output.table(rows, right=frozenset(range(6)))
        output.lines([f"stored index: {one.stored}"])
    if any(one.stored not in ("good", "equal") for one in found):
        raise click.exceptions.Exit(int(Exit.DAMAGED))
