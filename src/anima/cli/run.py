"""`anima run`: one task for one agent, in this process, durably.

This module knows the words of the command line; `errand` does what they say.
"""

import asyncio
from pathlib import Path
from typing import Any

import click

from anima.cli.answer import choose_answer
from anima.cli.console import Quiet
from anima.cli.errand import Errand, Order
from anima.cli.output import stdout_for_answers
from anima.errors import AnimaError


@click.command(
    epilog="""\b
Examples:
  anima run config.toml "Add 2 and 3, then write the sum to sum.txt"
  git diff | anima run config.toml - --attach notes.md
  anima run config.toml --resume
  anima run config.toml "..." --json | jq -r .answer

\b
Exit status: 0 answered, 1 failed, 2 usage or settings, 3 no model reachable (the task is kept),
4 a limit was reached, 5 a call was denied and there is no answer, 130 interrupted (go on with --resume).
"""
)
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("task", required=False)
@click.option("--conversation", default="cli:main", show_default=True, help="The lasting exchange to speak in.")
@click.option("--attach", multiple=True, type=click.Path(path_type=Path), help="An image or a file, 20 MB at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of the answer.")
@click.option("--events", is_flag=True, help="Print progress as JSON lines; the last holds the document.")
@click.option("--quiet", is_flag=True, help="Print nothing but the answer and errors.")
@click.option("--verbose", is_flag=True, help="Show context sizes, timings, tokens and money.")
@click.option("--stats", is_flag=True, help="Print the metrics at the end, on stderr.")
@click.option("--resume", is_flag=True, help="Go on where unfinished work of this conversation stopped.")
@click.option("--home", type=click.Path(path_type=Path), help="Where everything is kept [$ANIMA_HOME, ~/.anima].")
def run(**words: Any) -> int:
    """Give the agent of the file CONFIG a TASK (`-`: read it from stdin) and print its answer."""
    order = Order(**words)
    with stdout_for_answers() as out:
        errand = Errand(order, choose_answer(out, as_json=order.as_json, events=order.events), Quiet())
        try:
            return asyncio.run(errand.run())
        except (KeyboardInterrupt, asyncio.CancelledError):
            error: AnimaError = errand.interrupted()
        except AnimaError as failure:
            error = failure
        errand.view.pause()
        errand.answer.fail(error)
        return error.exit_status
