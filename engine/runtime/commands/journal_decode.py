"""`engine journal decode`: keep market data decoded beside its segments."""

from pathlib import Path

import click

from engine.runtime.commands import speaks
from engine.runtime.commands.journal_select import JOURNAL, WHICH, note_tail
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output


@click.command(
    epilog=f"{WHICH} What is written are caches for this build; they may be deleted. A segment that is still open is "
    "left alone.\n\nExamples:\n\n\b\n"
    "  engine journal decode journal/\n"
    "  engine journal decode journal.zst --json"
)
@click.argument("journal", type=JOURNAL)
@speaks
def decode(output: Output, journal: Path) -> None:
    """
    Decode the market data of sealed segments, so that resimulations need not.

    Writes a decoded sidecar (NNNNNNNN.events) beside each segment that has none of this build.
    """
    from journal.disk import RealDisk
    from journal.importer.files import size_of
    from journal.reader import open_journal
    from replay.decoders import newest
    from replay.sidecar import NoSidecar, open_sidecar, sidecar_path, write_sidecar
    from replay.verify import this_build

    disk, build, decoders = RealDisk(), this_build(), newest()
    written, kept = [], []
    with open_journal(journal, disk) as opened:
        sealed = [segment for segment in opened.segments if segment.sealed]
        if not sealed:
            raise CommandError(
                f"{journal}: no sealed segment", f"seal it first: engine journal seal {journal}", Exit.USAGE
            )
        with output.progress("decoding", len(sealed), "segments") as advance:
            for segment in sealed:
                try:
                    open_sidecar(disk, segment, decoders, build).close()
                    kept.append(sidecar_path(segment))
                except NoSidecar:
                    written.append(write_sidecar(disk, opened, segment, None, build))
                advance(1)
        if output.as_json:
            names = {"written": [str(path) for path in written], "kept": [str(path) for path in kept]}
            output.document("refold.journal.decode/1", {"journal": str(journal), **names})
            return
        output.lines([f"{path}: {size_of(disk, path):,} bytes" for path in written])
        output.lines([f"{path}: fits already" for path in kept])
        note_tail(output, opened)
