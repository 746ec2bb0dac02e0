"""`anima completion`: prints what a shell needs to complete anima's words."""

import click
from click.shell_completion import get_completion_class

from anima.cli.root import root


@click.command(
    epilog="""\b
Example:
  eval "$(anima completion bash)"                                    # in ~/.bashrc
  anima completion fish > ~/.config/fish/completions/anima.fish
"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print completion for your shell."""
    found = get_completion_class(shell)
    if found is not None:
        click.echo(found(root, {}, "anima", "_ANIMA_COMPLETE").source())
