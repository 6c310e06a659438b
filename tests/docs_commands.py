"""
The reference page of the commands, written from the commands themselves.

    python tests/docs_commands.py      writes docs/reference/commands.md anew

`tests/test_docs.py` compares the page with what stands here, so that no option is missing there.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "commands.md"

HEAD = """# Commands

Every command of `engine`, with its arguments and options. This page is made from the commands themselves by
`python tests/docs_commands.py`, and a test holds the two together; each command says the same when asked with `--help`.

Results go to stdout, progress and remarks to stderr. With `--json` a command prints one JSON document instead of
readable lines ([JSON documents](json_documents.md)); `engine journal cat --json` prints JSON lines. The exit code says
how a command ended ([exit codes](exit_codes.md)). An error is one sentence and a next step; `--debug` adds a traceback.
"""


def leaves(command: click.Command, path: tuple[str, ...] = ("engine",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below *command*, groups first, with the words that name it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, (*path, name))


def page(engine: click.Command) -> str:
    """The whole page."""
    parts = [HEAD]
    for path, command in leaves(engine):
        parts.append(section(path, command))
    return "\n".join(parts)


def section(path: tuple[str, ...], command: click.Command) -> str:
    """One command: what it does, how it is typed, its options, its examples."""
    context = click.Context(command, info_name=" ".join(path))
    usage = " ".join([*path, *command.collect_usage_pieces(context)])
    lines = [f"## {' '.join(path)}", "", prose(command.help or ""), "", "```text", usage, "```", ""]
    options = [one for one in command.params if isinstance(one, click.Option)]
    if options:
        lines += ["| option | meaning |", "|---|---|"]
        lines += [f"| {spelling(one, context)} | {meaning(one, context)} |" for one in options]
        lines.append("")
    if command.epilog:
        lines += [epilog(command.epilog), ""]
    return "\n".join(lines)


def spelling(option: click.Option, context: click.Context) -> str:
    """How an option is typed."""
    names = ", ".join(option.opts) + ("" if not option.secondary_opts else " / " + ", ".join(option.secondary_opts))
    value = "" if option.is_flag or option.count else " " + str(option.make_metavar(context))
    return f"`{names}{value}`".replace("|", "\\|")


def meaning(option: click.Option, context: click.Context) -> str:
    """What an option does, with its default, range and whether it must or may often be given."""
    record = option.get_help_record(context)
    text = "" if record is None else record[1]
    if option.multiple:
        text += "  [may be given several times]"
    return " ".join(text.split()).replace("|", "\\|").replace("*", "\\*").replace("<", "\\<")


def prose(text: str) -> str:
    """A docstring as one paragraph a paragraph."""
    paragraphs = [" ".join(part.split()) for part in text.strip().split("\n\n")]
    return "\n\n".join(paragraphs)


def epilog(text: str) -> str:
    """An epilog: paragraphs as prose, what click is told to leave alone as a block."""
    parts = []
    for part in text.strip().split("\n\n"):
        if part.startswith("\b\n"):
            rows = part.removeprefix("\b\n").splitlines()
            indent = min(len(row) - len(row.lstrip()) for row in rows if row.strip())
            parts.append("\n".join(["```text", *(row[indent:] for row in rows), "```"]))
        else:
            parts.append(" ".join(part.split()).replace("<", "\\<").replace("`\\<", "`<"))
    return "\n\n".join(parts)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from engine.runtime.cli import engine

    PAGE.write_text(page(engine), encoding="utf-8")
