"""`engine journal materialise`: make an overlay independent of where its base lies."""

from pathlib import Path

import click

from engine.runtime.commands import speaks
from engine.runtime.commands.journal_select import JOURNAL
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output, counted


@click.command(
    epilog="OVERLAY is what `engine replay ... --out` made. Both journals are copied unchanged and then read back: "
    "every number, checksum and chain hash stays.\n\nExample:\n\n\b\n"
    "  engine journal materialise run/ -o whole/\n"
    "  engine replay whole/"
)
@click.argument("overlay", type=JOURNAL)
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The new folder.")
@click.option("--base", type=JOURNAL, help="The journal the overlay stands on, where it is not where it was.")
@speaks
def materialise(output: Output, overlay: Path, out: Path, base: Path | None) -> None:
    """
    Put an overlay and its base into one folder.

    The folder replays alone, wherever it is carried.
    """
    import attrs

    from journal.disk import RealDisk
    from journal.labels import refuse_invalid
    from replay.materialise import NoOverlay
    from replay.materialise import materialise as put_together

    disk = RealDisk()
    refuse_invalid(disk, overlay)
    try:
        with output.progress("copying", None) as advance:
            made = put_together(disk, overlay, out, base, advance)
    except NoOverlay as error:
        raise CommandError(str(error), f"engine replay {overlay}", Exit.USAGE) from error
    if output.as_json:
        output.document("refold.journal.materialise/1", attrs.asdict(made))
        return
    records = f"{counted(made.records, 'record')} on {counted(made.base_records, 'record')} of its base"
    output.lines([f"{made.path}: {records}, {counted(made.files, 'file')}, {made.bytes:,} bytes"])
    output.note(f"Next: engine replay {made.replay}")
