"""`engine profile`: the worse worlds that a strategy can be resimulated in, and what a run teaches of a venue."""

from pathlib import Path

import click

from engine.runtime.commands import speaks
from engine.runtime.commands.journal_select import JOURNAL
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output


@click.group()
def profile() -> None:
    """Look at the adversaries that a resimulation can be given, and learn a venue's latencies from a run."""


@profile.command(
    name="list",
    epilog="A profile is used by engine replay JOURNAL --profile NAME. docs/reference/profiles.md shows what each does "
    "to a strategy.\n\nExamples:\n\n\b\n"
    "  engine profile list\n"
    "  engine profile list --json",
)
@speaks
def list_(output: Output) -> None:
    """Name the profiles that come along, and what each is about."""
    from journal.disk import RealDisk
    from replay.profiles import profile_names, read_profile

    disk = RealDisk()
    found = [read_profile(disk, name) for name in profile_names(disk)]
    if output.as_json:
        fields = [{"name": one.name, "about": one.about} for one in found]
        output.document("refold.profiles/1", {"profiles": fields})
        return
    output.table([["name", "about"], *([one.name, one.about] for one in found)], frozenset(), names_last=True)


@profile.command(
    epilog="Copy it to a file, change what it says, and name the file: engine replay JOURNAL --profile mine.yaml."
    "\n\nExamples:\n\n\b\n"
    "  engine profile show thin-books\n"
    "  engine profile show thin-books > mine.yaml"
)
@click.argument("name")
@speaks
def show(output: Output, name: str) -> None:
    """Print a profile with its comments: one that comes along by NAME, or a file."""
    from journal.disk import RealDisk
    from replay.config import BadConfig
    from replay.profiles import read_profile

    try:
        found = read_profile(RealDisk(), name)
    except BadConfig as error:
        raise CommandError(str(error), "engine profile list names them", Exit.USAGE) from error
    if output.as_json:
        fields = {"name": found.name, "about": found.about, "adversary": found.adversary, "text": found.text}
        output.document("refold.profile/1", fields)
        return
    output.lines(found.text.splitlines() or ["# no adversary"])


@profile.command(
    epilog="JOURNAL is that of a run: its own orders are what is measured. What is printed goes below venue: in a "
    "configuration, in place of its latencies.\n\nExamples:\n\n\b\n"
    "  engine profile learn run\n"
    "  engine profile learn run > learned.yaml"
)
@click.argument("journal", type=JOURNAL)
@speaks
def learn(output: Output, journal: Path) -> None:
    """Learn from a run how long orders, cancels and reports take."""
    from journal.reader import open_journal
    from replay.latency_learned import NothingToLearn
    from replay.latency_learned import learn as learn_latencies

    with open_journal(journal) as opened:
        try:
            found = learn_latencies(opened)
        except NothingToLearn as error:
            raise CommandError(str(error), "give the journal of a run, not a recording", Exit.USAGE) from error
    if output.as_json:
        output.document("refold.learned/1", found.fields())
        return
    output.lines(found.yaml().splitlines())
