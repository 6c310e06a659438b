"""`engine journal`: make, look at, check and hand on journals."""

import click

from engine.runtime.commands.journal_decode import decode
from engine.runtime.commands.journal_import import import_command
from engine.runtime.commands.journal_look import cat, index, info, verify
from engine.runtime.commands.journal_make import bundle, export, label, seal
from engine.runtime.commands.journal_materialise import materialise


@click.group(
    epilog="Example:\n\n\b\n"
    "  engine journal import usdm_btcusdt_20240808.gz -o journal/\n"
    "  engine journal info journal/\n"
    "  engine journal verify journal/\n"
    "  engine journal cat journal/ --limit 10"
)
def journal() -> None:
    """Import, look at, check, seal and hand on journals."""


for command in (import_command, info, verify, cat, index, seal, decode, bundle, materialise, export, label):
    journal.add_command(command)
