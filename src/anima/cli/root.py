"""The root command: finds commands by name, and turns every way of failing into words and an exit status.

It knows no command but the table; each one returns its exit status, or None for 0.
"""

import sys
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from io import TextIOWrapper

import click
from click.shell_completion import CompletionItem

from anima.cli import COMMANDS, overview
from anima.cli.output import report
from anima.errors import AnimaError, UsageError

INTERRUPTED = 130


class Root(click.Group):
    """Commands of the table, loaded when named; a plural is the same command (`anima turns`)."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = cmd_name if cmd_name in COMMANDS else cmd_name.removesuffix("s")
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None:
            near = get_close_matches(args[0], COMMANDS, n=1)
            meant = f"did you mean `anima {near[0]}`?" if near else "`anima --help` lists all commands"
            raise UsageError(f"there is no command {args[0]!r}", meant)
        return super().resolve_command(ctx, args)

    def shell_complete(self, _ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """From the table alone: pressing Tab loads no command."""
        return [CompletionItem(name, help=help) for name, (_, help) in COMMANDS.items() if name.startswith(incomplete)]

    def get_help(self, _ctx: click.Context) -> str:
        return overview()


root = Root("anima", context_settings={"help_option_names": ["-h", "--help"]})


def launch(words: list[str]) -> int:
    """Run a command; returns the exit status. Nothing a user can do ends in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return root.main(words, prog_name="anima", standalone_mode=False) or 0
    except click.UsageError as error:
        failure: AnimaError = UsageError(error.format_message(), _help_of(error.ctx))
    except click.ClickException as error:
        failure = UsageError(error.format_message())
    except AnimaError as error:
        failure = error
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except OSError as error:
        what = error.strerror or str(error)
        failure = AnimaError(
            f"{error.filename}: {what}" if error.filename else what,
            "check the path, its permissions and the free disk space",
        )
    return report(failure, as_json="--json" in _options(words))


def _help_of(context: click.Context | None) -> str:
    return f"`{context.command_path if context else 'anima'} --help` has examples"


def _options(words: list[str]) -> Iterator[str]:
    """The words before `--`: after it, they are text."""
    for word in words:
        if word == "--":
            return
        yield word
