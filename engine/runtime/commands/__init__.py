"""
The commands, one file per family; `engine.runtime.cli` lists them.

Every command takes its `Output` first, and ``--json`` and ``--debug`` like all others: decorate it with `speaks`, or
with `speaks_lines`.
"""

from collections.abc import Callable
from typing import Any

import click

from engine.runtime.output import Output


def _set_flag(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and parameter.name is not None:
        setattr(context.ensure_object(Output), parameter.name, True)


def debug_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--debug``: with it, an error prints where in our code it arose."""
    text = "When something goes wrong, print the traceback too."
    return click.option("--debug", is_flag=True, expose_value=False, callback=_set_flag, help=text)(function)


def speaks(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json`` and ``--debug`` to a command, and hand it its `Output` as first argument."""
    return _speaks(function, "as_json", "Print one JSON document instead of readable lines.")


def speaks_lines(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `speaks`, for a command that with ``--json`` prints one JSON object a line, an error too."""
    return _speaks(function, "as_lines", "Print JSON lines, one object a record, instead of readable ones.")


def _speaks(function: Callable[..., Any], flag: str, text: str) -> Callable[..., Any]:
    decorated = click.make_pass_decorator(Output, ensure=True)(function)
    decorated = click.option("--json", flag, is_flag=True, expose_value=False, callback=_set_flag, help=text)(decorated)
    return debug_option(decorated)
