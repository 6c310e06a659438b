"""The command line: `engine`, its command families, and how every one of them ends."""

import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import click

import engine as house
from engine._build import source_digest
from engine.runtime.commands import debug_option
from engine.runtime.exits import Exit
from engine.runtime.output import CommandError, Output
from journal.errors import JournalError, Locked, NotAJournal, Taken, Unreadable, WriterFailed
from journal.labels import MarkedInvalid

COMMANDS = {
    "ab": "engine.runtime.commands.ab:ab",
    "completion": "engine.runtime.commands.completion:completion",
    "journal": "engine.runtime.commands.journal:journal",
    "lint": "engine.runtime.commands.lint:lint",
    "profile": "engine.runtime.commands.profile:profile",
    "replay": "engine.runtime.commands.replay:replay",
    "sample": "engine.runtime.commands.sample:sample",
    "sweep": "engine.runtime.commands.sweep:sweep",
}
"""Name to ``module:attribute``. Modules are loaded when their command is named, so that `engine --version` is quick."""


def product_version() -> str:
    """The version of the installed distribution, or "unknown" when the tree runs uninstalled."""
    try:
        return version("refold")
    except PackageNotFoundError:
        return "unknown"


def _print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value or context.resilient_parsing:
        return
    mode = "compiled and tuned" if house.TUNED else "compiled" if house.COMPILED else "interpreted"
    click.echo(f"engine {product_version()}, build {source_digest(house.ROOT)}, {mode}")
    context.exit()


def _refuse_shadowed_packages() -> None:
    """Refuse to run when another distribution's `journal`, `replay`, ... would be imported instead of ours."""
    for name in house.HOUSE:
        spec = find_spec(name)
        origin = None if spec is None or spec.origin is None else Path(spec.origin).resolve()
        if origin is None or not origin.is_relative_to(house.ROOT):
            raise CommandError(
                f"the package {name!r} comes from {origin}, not from {house.ROOT}: another of that name is installed",
                "use a virtual environment of its own for this program",
                Exit.PREFLIGHT_REFUSED,
            )


class Engine(click.Group):
    """The group `engine`: loads its commands on demand, and turns every end of a command into an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all command families, in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command family, or None when there is none of that name."""
        where = COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, attribute = where.split(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; that nobody reads its output any more (`engine ... | head`) is no error."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Whatever still waits in the buffer must not be flushed to the closed pipe when the interpreter ends.
            with suppress(BrokenPipeError):
                sys.stdout.close()
            return int(Exit.OK)
        return result

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run the command that *args* name, and end the process with a code of `Exit`."""
        output = extra.setdefault("obj", Output())
        try:
            _refuse_shadowed_packages()
            code = super().main(args, prog_name or "engine", complete_var, standalone_mode=False, **extra)
            end: int = code if isinstance(code, int) else Exit.OK
        except BaseException as error:  # noqa: BLE001 - the last handler there is: every end gets its code here
            if isinstance(error, click.UsageError) and "--json" in (sys.argv[1:] if args is None else args):
                output.as_json = not output.as_lines  # what was typed wrongly may stand before it, or end the reading
            end = _end(error, output)
        sys.exit(int(end))


def _end(error: BaseException, output: Output) -> int:
    """Say what ended the command, and which exit code that is."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else Exit.OK
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if output.debug:
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        output.fail(CommandError("interrupted", code=Exit.INTERRUPTED))
        return Exit.INTERRUPTED
    if isinstance(error, click.UsageError):
        error.show()
        if output.as_json or output.as_lines:
            fields = {"error": error.format_message(), "next_step": None, "exit_code": int(Exit.USAGE)}
            output.document("refold.error/1", fields)
        return Exit.USAGE
    refusal = _as_refusal(error)
    output.fail(refusal)
    return refusal.code


def _as_refusal(error: BaseException) -> CommandError:
    """What a person is told about *error*."""
    if isinstance(error, CommandError):
        return error
    if isinstance(error, Locked):
        return CommandError(str(error), "wait until the other process has ended, or give another folder", Exit.USAGE)
    if isinstance(error, WriterFailed):
        return CommandError(str(error), "look at the disk (space, permissions, health), then run the command again")
    if isinstance(error, MarkedInvalid):
        return CommandError(str(error), "say --include-invalid to use it all the same")
    if isinstance(error, Taken):
        return CommandError(str(error), "choose another place, or remove what stands there", Exit.USAGE)
    if isinstance(error, NotAJournal):
        return CommandError(str(error), "name a journal's folder, one of its .wal or .zst files, or a bundle")
    if isinstance(error, Unreadable):
        return CommandError(str(error), "name the file itself, and check that you may read it")
    if isinstance(error, JournalError):
        return _without_base(error) or CommandError(str(error), "`engine journal verify` says how far it is good")
    if isinstance(error, click.ClickException):
        return CommandError(error.format_message())
    if isinstance(error, OSError):
        where = "" if error.filename is None else f"{error.filename}: "
        return CommandError(f"{where}{error.strerror or error}", "check that the path exists and that you may use it")
    refused = _refused_by_kernel(error)
    if refused is not None:
        return refused
    sentence = f"this is a bug in refold: {type(error).__name__}: {error}"
    return CommandError(sentence, "run it again with --debug and report what it prints", Exit.BUG)


def _without_base(error: JournalError) -> CommandError | None:
    """An overlay without its base is not damaged: somebody has to say where the base is."""
    from replay.overlay import NoBase, WrongBase

    if isinstance(error, NoBase | WrongBase):
        return CommandError(str(error), error.advice)
    return None


def _refused_by_kernel(error: BaseException) -> CommandError | None:
    """
    What the kernel cannot fold is the journal's fault: a checksum only says that it was written so. What it cannot
    keep of a strategy is the strategy's.
    """
    from engine.kernel.memory import UnfitMemory
    from engine.kernel.pack import Malformed
    from engine.kernel.seats import BLAMED
    from engine.kernel.step import UnknownKind

    blame = [note for note in getattr(error, "__notes__", []) if note.startswith(BLAMED)]
    if blame:
        return CommandError(f"{type(error).__name__} {blame[0]}", "run it again with --debug to see where", Exit.USAGE)
    if isinstance(error, UnfitMemory):
        return CommandError(str(error), "keep in its memory what the strategy contract allows", Exit.USAGE)
    if isinstance(error, UnknownKind):
        return CommandError(str(error), "replay it with the build that wrote it")
    if isinstance(error, Malformed):
        return CommandError(f"the journal holds an input that is none: {error}", "look at it with `engine journal cat`")
    return None


@click.group(
    cls=Engine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Results go to stdout, progress and remarks to stderr. Exit codes: 0 fine, 1 a bug of ours, 2 usage, "
    "3 input damaged or unreadable, 4 replay diverged, 5 invariant broken, 6 gate refused, 7 preflight refused, "
    "8 venue unreachable, 130 interrupted.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print version, build and whether the kernel runs compiled, and exit.",
)
@debug_option
def engine() -> None:
    """An event-sourced trading engine whose every decision can be replayed."""


def main() -> NoReturn:
    """The console script."""
    engine.main()
    raise AssertionError("Engine.main ends the process")


if __name__ == "__main__":
    main()
