"""The report of `engine replay --report`: where it may stand, of which run it tells, and what is said of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output

if TYPE_CHECKING:
    from replay.produce import Produced
    from replay.report.told import Told
    from replay.run import RunStart


def refuse_report(target: Path | None) -> None:
    """Say at once, before a run is played, that a report cannot be written to *target*."""
    from journal.disk import RealDisk
    from replay.report.write import NoFolder, refuse_target

    if target is None:
        return
    try:
        refuse_target(RealDisk(), target)
    except NoFolder as error:
        raise CommandError(str(error), "make the folder, or name another place", Exit.USAGE) from error


def told_by(path: Path, run: "RunStart", produced: "Produced") -> "Told":
    """What a report tells of *run*, which was played on *path* and observed."""
    from replay.report.make import told_of

    assert produced.observed is not None
    return told_of(str(path), run, produced.simulated, produced.observed)


def write(output: Output, target: Path, told: "Told") -> dict[str, Any]:
    """Write the report and say where it is; returns its members of a document."""
    from journal.disk import RealDisk
    from replay.report.make import write_report

    written = write_report(RealDisk(), target, told)
    if not output.as_json:
        output.lines([f"report {written.path}, {written.size:,} bytes"])
    return {"path": str(written.path), "bytes": written.size}


def report_again(
    output: Output, path: Path, recorded: "RunStart | None", base_given: Path | None, digest: str, target: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Report on a run that was replayed strictly: it is played again, because a strict replay meets no simulated venue.

    *digest* is the state that the strict replay came to, and the second run has to come to the same. Returns the
    report's members of a document, and the figures.
    """
    from engine.runtime.commands.resimulation import play, usable
    from journal.disk import RealDisk
    from replay.config import read_config
    from replay.overlay import open_base
    from replay.produce import How
    from replay.report.fields import figures

    if recorded is None or recorded.base is None:
        raise no_run(path, recorded)
    base = open_base(RealDisk(), path, recorded, base_given)
    try:
        with usable():
            config, _ = read_config(recorded.config, "the recorded configuration")
        produced = play(output, RealDisk(), recorded, config, base.journal, How(watched=False, observe=True))
    finally:
        base.close()
    told = told_by(path, recorded, produced)
    if told.digest != digest:
        sentence = f"{path}: played again for the report, the run came to another state ({told.digest}, not {digest})"
        raise CommandError(sentence, "it was recorded by another build: resimulate it with --resimulate", Exit.DIVERGED)
    return write(output, target, told), figures(told)


def tell_unreported(output: Output, path: Path) -> None:
    """Say why a run that differs has no report, and how to have one."""
    again = f"engine replay {path} --resimulate --report FILE"
    output.note(
        f"note: no report was written, for the run replays otherwise; {again} tells of it as this build plays it"
    )


def no_run(path: Path, recorded: "RunStart | None") -> CommandError:
    """Why there is nothing to report on."""
    if recorded is None:
        sentence = f"--report tells of a run, and {path} is a recording without one"
        return CommandError(sentence, f"type: engine replay {path} --config CONFIG.yaml --report FILE", Exit.USAGE)
    sentence = f"--report tells of a resimulation, and the run in {path} was none"
    return CommandError(sentence, f"type: engine replay {path} --resimulate --report FILE", Exit.USAGE)
