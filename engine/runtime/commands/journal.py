"""`engine journal`: make, look at, check and hand on journals."""

import click

from engine.runtime.commands.journal_import import import_command


@click.group()
def journal() -> None:
    """Import, look at, check, seal and hand on journals."""


for command in (import_command,):
    journal.add_command(command)
