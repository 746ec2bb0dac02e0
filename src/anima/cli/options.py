"""Options that many commands have, with one meaning each."""

from pathlib import Path

import click

from anima.errors import UsageError
from anima.settings import home_folder


def _home(_context: click.Context, _parameter: click.Parameter, given: Path | None) -> Path:
    return home_folder(given)


home_option = click.option(
    "--home",
    type=click.Path(path_type=Path),
    callback=_home,
    help="Where everything is kept [$ANIMA_HOME, ~/.anima].",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def check_conversation(name: str) -> None:
    """Raises UsageError for what cannot be a conversation's name."""
    if not name.isprintable() or not 0 < len(name) <= 200:
        raise UsageError("--conversation must be 1 to 200 printable characters", "for example cli:main")
