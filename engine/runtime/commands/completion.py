"""`engine completion`: the script that teaches a shell our commands and options."""

import click
from click.shell_completion import get_completion_class


@click.command(
    epilog="Examples:\n\n\b\n"
    "  engine completion bash > ~/.local/share/bash-completion/completions/engine\n"
    '  engine completion zsh > "${fpath[1]}/_engine"\n'
    "  engine completion fish > ~/.config/fish/completions/engine.fish"
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    found = get_completion_class(shell)
    assert found is not None, shell
    click.echo(found(context.find_root().command, {}, "engine", "_ENGINE_COMPLETE").source())
