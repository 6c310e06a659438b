"""`engine lint`: what in a strategy's file breaks its promises, found without running it."""

from pathlib import Path

import click

from engine.runtime.commands import speaks
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output, counted


@click.command(
    epilog="Each finding names its rule; docs/reference/lint.md says why it is one. A comment allows a finding, on its "
    "line or alone on the line before: # refold: allow CODE reason. Ends with 0 when nothing is found, else with 7."
    "\n\nExamples:\n\n\b\n"
    "  engine lint mine.py\n"
    "  engine lint strategies/*.py --json"
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@speaks
def lint(output: Output, files: tuple[Path, ...]) -> None:
    """
    Find what breaks a strategy's promises.

    Clocks, chance, sets in their own order, hash and id, floats that differ between machines, files, sockets, threads,
    the environment, and state outside its memory: whatever would let a replay decide otherwise.
    """
    from journal.disk import RealDisk
    from replay.config import BadConfig, read_file
    from replay.lint import Finding
    from replay.lint import lint as linted

    disk = RealDisk()
    findings: list[Finding] = []
    allowed = 0
    for path in files:
        try:
            text = read_file(disk, path)
        except BadConfig as error:
            raise CommandError(str(error), "name the Python file of a strategy", Exit.USAGE) from error
        found = linted(text, str(path))
        findings.extend(found.findings)
        allowed += found.allowed
    if output.as_json:
        fields = [
            {
                "file": one.file,
                "line": one.line,
                "column": one.column,
                "code": one.code,
                "message": one.message,
                "instead": one.instead,
            }
            for one in findings
        ]
        output.document(
            "refold.lint/1", {"files": [str(path) for path in files], "findings": fields, "allowed": allowed}
        )
    else:
        for one in findings:
            output.lines([f"{one.file}:{one.line}:{one.column}: {one.code} {one.message}", f"    {one.instead}"])
        clean = counted(len(findings), "finding") if findings else "nothing found"
        output.lines([f"{clean} in {counted(len(files), 'file')}{f'; {allowed} allowed' if allowed else ''}"])
    if findings:
        raise click.exceptions.Exit(int(Exit.PREFLIGHT_REFUSED))
