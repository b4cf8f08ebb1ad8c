"""`janee completion`: the script that makes a shell complete commands."""

from __future__ import annotations

import click

from janee.errors import UsageError


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the shell completion script.

    For bash: janee completion bash > ~/.local/share/bash-completion/completions/janee
    """
    from click.shell_completion import get_completion_class

    from janee.cli.main import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError("USAGE", f"there is no completion for {shell}")
    click.echo(kind(cli, {}, "janee", "_JANEE_COMPLETE").source())
