"""`engine sample`: a made-up recording, for trying things out."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.runtime.commands import speaks
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output, counted

if TYPE_CHECKING:
    from scenarios.sample.recording import SampleReport

EXAMPLES = """Examples:

\b
  engine sample -o sample/                                    200,000 frames of 20 markets
  engine sample -o small/ --markets 3 --frames 5000 --seed 1
  engine sample -o calm/ --disconnect-every 0                 a connection that never breaks

The frames are what Polymarket's market channel would have sent, to the last byte: books, changes with their hashes,
trades, finer price grids, settled markets, lost connections. The same options give the same records everywhere."""


@click.command(epilog=EXAMPLES)
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="The new journal's folder.")
@click.option(
    "--markets",
    type=click.IntRange(1, 5000),
    metavar="N",
    default=20,
    show_default=True,
    help="How many markets trade.",
)
@click.option(
    "--frames",
    type=click.IntRange(1),
    metavar="N",
    default=200_000,
    show_default=True,
    help="At least so many frames of the venue.",
)
@click.option(
    "--seed", type=click.IntRange(0), metavar="N", default=7, show_default=True, help="What all chance comes from."
)
@click.option(
    "--disconnect-every",
    type=click.IntRange(0),
    metavar="N",
    default=40_000,
    show_default=True,
    help="Frames between two losses of the connection, on average; 0: it never breaks.",
)
@click.option("--no-seal", is_flag=True, help="Leave the journal uncompressed, as a writer leaves it.")
@speaks
def sample(
    output: Output, out: Path, markets: int, frames: int, seed: int, disconnect_every: int, no_seal: bool
) -> None:
    """
    Make a recording of made-up markets.

    It becomes a journal like an imported one, catalogue included.
    """
    from engine.runtime.clock import RealClock
    from journal.background import Threads
    from journal.disk import RealDisk
    from scenarios.sample.recording import Sample, write_sample

    wanted = Sample(seed, markets, frames, disconnect_every)
    clock, background = RealClock(), Threads("sample")
    started = clock.mono_ns()
    try:
        with output.progress("recording", frames, "frames") as advance:
            report = write_sample(
                wanted,
                out,
                RealDisk(),
                background,
                sealed_ns=None if no_seal else clock.wall_ns(),
                advance=advance,
            )
    except KeyboardInterrupt as error:
        raise CommandError(
            "interrupted; no journal was made", "run the same command again", Exit.INTERRUPTED
        ) from error
    finally:
        background.close()
    elapsed_s = (clock.mono_ns() - started) / 1e9
    if output.as_json:
        output.document("refold.sample/1", {**report.as_dict(), "elapsed_s": round(elapsed_s, 3)})
        return
    print_report(output, report)
    rate = report.frames / max(elapsed_s, 1e-9)
    output.note(f"{elapsed_s:.1f} s, {rate:,.0f} frames a second. Next: engine journal info {out}")


def print_report(output: Output, report: "SampleReport") -> None:
    """Print what was made, in two lines."""
    from journal.show import utc

    output.lines(
        [
            f"{report.journal}: {report.records:,} records, {utc(report.first_ns)} to {utc(report.last_ns)}",
            f"{report.frames:,} frames of {counted(report.markets, 'market')}, seed {report.seed}, "
            f"the connection lost {counted(report.disconnects, 'time')}",
        ]
    )
