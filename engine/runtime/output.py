"""
How a command speaks.

Results go to stdout, and only they: readable lines, or with ``--json`` one document that names its schema. Progress and
remarks go to stderr, a progress bar only where a terminal shows it. What went wrong is one sentence and the next step.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import Any, final

import click
import orjson

from engine.runtime.exits import Exit

LEAST_CELL = 16
"""A column is not cut to less."""

Advance = Callable[[int], None]
"""Called with the units done since the last call."""


class CommandError(Exception):
    """
    A command cannot go on, for a reason that a person can act on.

    Args:
        sentence: where, what was found, what was expected.
        next_step: what to do about it, or an empty text.
        code: how the process ends.
    """

    def __init__(self, sentence: str, next_step: str = "", code: Exit = Exit.DAMAGED) -> None:
        super().__init__(sentence)
        self.sentence, self.next_step, self.code = sentence, next_step, code


@final
class Output:
    """
    The voice of one command: what ``--json`` and ``--debug`` said, and where text goes.

    `as_lines` is set where ``--json`` means one object a line, `wide` where no column may be cut.
    """

    def __init__(self) -> None:
        self.as_json = False
        self.as_lines = False
        self.debug = False
        self.wide = False

    def document(self, schema: str, fields: Mapping[str, Any]) -> None:
        """Print one JSON document to stdout, indented unless it is one of many; its first field names the schema."""
        option = orjson.OPT_APPEND_NEWLINE | (0 if self.as_lines else orjson.OPT_INDENT_2)
        self.write(orjson.dumps({"schema": schema, **fields}, default=str, option=option))

    def lines(self, lines: Iterable[str]) -> None:
        """Print readable *lines* to stdout."""
        self.write("".join(f"{line}\n" for line in lines).encode())

    def table(
        self, rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset(), names_last: bool = False
    ) -> None:
        """
        Print *rows* (the first is the heading) in columns; the columns numbered in *right* align right.

        With *names_last* the last column may be long: where the lines would be wider than the terminal it loses its
        middle, unless `wide` is set.
        """
        if names_last and sys.stdout.isatty() and not self.wide:
            rows = fitted(rows, get_terminal_size().columns)
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        self.lines(
            "  ".join(
                cell.rjust(width) if column in right else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        )

    def note(self, text: str) -> None:
        """Print a remark to stderr."""
        click.echo(text, err=True)

    def fail(self, error: CommandError) -> None:
        """Print what went wrong and what to do next; with ``--json`` also as a document on stdout."""
        self.note(f"Error: {error.sentence.rstrip('.')}.")
        if error.next_step:
            self.note(f"Next:  {error.next_step}")
        if self.as_json or self.as_lines:
            fields = {"error": error.sentence, "next_step": error.next_step or None, "exit_code": int(error.code)}
            self.document("refold.error/1", fields)

    @contextmanager
    def progress(self, title: str, total: int | None, unit: str = "bytes") -> Iterator[Advance]:
        """
        A progress bar on stderr while the block runs; nothing at all where stderr is no terminal.

        Args:
            title: what is being done.
            total: how many units there are, or None when that is not known.
            unit: "bytes", or the plural of what is counted.
        """
        if not sys.stderr.isatty():
            yield lambda done: None
            return
        # Imported here because a third of the start-up time would go into a bar that is rarely shown.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            ProgressColumn,
            Task,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.text import Text

        class Counted(ProgressColumn):
            """How many of how many, and of what."""

            def render(self, task: Task) -> Text:
                of_all = "" if task.total is None else f" of {max(task.total, task.completed):,.0f}"
                return Text(f"{task.completed:,.0f}{of_all} {unit}")

        counted: ProgressColumn = DownloadColumn() if unit == "bytes" else Counted()
        columns: tuple[ProgressColumn, ...] = (
            TextColumn("{task.description}"),
            BarColumn(),
            counted,
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=total)

            def advance(done: int) -> None:
                bar.advance(task, done)

            yield advance

    def write(self, data: bytes) -> None:
        """Write *data* to stdout as it is, at once."""
        self.stream(data)
        sys.stdout.buffer.flush()

    def stream(self, data: bytes) -> None:
        """Write *data* to stdout as it is, when the buffer is full or the command ends."""
        sys.stdout.buffer.write(data)


def counted(number: int, noun: str) -> str:
    """*number* and *noun*, which takes an s unless there is one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def fitted(rows: Sequence[Sequence[str]], columns: int) -> list[list[str]]:
    """*rows* with the middle of the last cells taken out, so that the lines of a table fit into so many *columns*."""
    *others, last = (max(len(row[column]) for row in rows) for column in range(len(rows[0])))
    room = max(columns - sum(others) - 2 * len(others), LEAST_CELL)
    return [[*row[:-1], row[-1] if last <= room else without_middle(row[-1], room)] for row in rows]


def without_middle(text: str, width: int) -> str:
    """*text* in at most *width* characters: its beginning and its end, which tell most long names apart."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"
