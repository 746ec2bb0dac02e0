"""Every command helps with an example; the tree of commands is walked as the program walks it."""

from collections.abc import Iterator

import click
import pytest

from anima.cli import COMMANDS
from anima.cli.root import root


def tree(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Every command below, by the words one types."""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            inner = click.Context(below, info_name=name, parent=context)
            yield inner.command_path, below
            yield from tree(below, inner)


def without_example(command: click.Command) -> Iterator[str]:
    for words, below in tree(command, click.Context(command, info_name="anima", **command.context_settings)):
        help = below.get_help(click.Context(below, **root.context_settings))
        if "Example" not in help or words.split()[1] not in help.partition("Example")[2]:
            yield words


def test_every_command_helps_with_an_example() -> None:
    assert list(without_example(root)) == []


def test_the_overview_names_every_command_once() -> None:
    help = root.get_help(click.Context(root))
    assert [name for name in COMMANDS if f"\n  {name} " not in help] == []


@pytest.mark.parametrize("epilog", [None, "Example:\n\n  something else"])
def test_a_command_without_an_example_is_found(epilog: str | None) -> None:
    group = click.Group("anima", commands=[click.Command("run", epilog=epilog)])
    assert list(without_example(group)) == ["anima run"]
