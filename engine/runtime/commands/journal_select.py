"""The options by which a command takes some records of a journal, and what they mean."""

from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.runtime.output import Output, counted

if TYPE_CHECKING:
    from journal.reader import Journal, Record
    from journal.select import Selection

JOURNAL = click.Path(exists=True, path_type=Path)
WHICH = "JOURNAL is a folder, a segment (.wal, .zst) or a bundle."
PLACE = "a sequence number, or a time in UTC like 2024-08-08T23:54:15.5"


def selection_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--from``, ``--until``, ``--kind``, ``--source`` and ``--limit``; the command gets them as *selection*."""

    @wraps(function)
    def command(
        *args: Any, start: str | None, end: str | None, kinds: Any, sources: Any, limit: int | None, **rest: Any
    ) -> Any:
        from journal.select import Selection

        return function(*args, selection=Selection(start, end, kinds, sources, limit), **rest)

    for option in (
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after so many records."),
        click.option("--source", "sources", multiple=True, help="Only this source: a name, a pattern or a number."),
        click.option(
            "--kind", "kinds", multiple=True, help="Only this kind: a name, a pattern like 'BINANCE_*', a number."
        ),
        click.option("--until", "end", metavar="SEQ|TIME", help="The last record, itself included; as --from."),
        click.option("--from", "start", metavar="SEQ|TIME", help=f"The first record: {PLACE}."),
    ):
        command = option(command)
    return command


def selected(journal: "Journal", selection: "Selection") -> "Iterator[Record]":
    """The records chosen; a word that chooses nothing is an error of usage."""
    from journal.select import BadSelection, select

    try:
        return select(journal, selection)
    except BadSelection as error:
        raise click.BadParameter(f"{error}.", param_hint=f"'{error.what}'") from error


def note_tail(output: Output, journal: "Journal") -> None:
    """Tell of bytes that are no records, or not yet, and of a broken index: a reader sees less than the file."""
    for remark in journal.remarks:
        output.note(f"note: {remark}")
    last = journal.segments[-1]
    if last.unread:
        assert last.checker is not None
        where = f"{last.path}, from byte {last.checker.offset} on"
        lost = counted(last.unread, "byte")
        output.note(f"note: the last {lost} are no records, torn or still being written ({where})")
