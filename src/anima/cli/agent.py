"""`anima agent`: who lives in a home: made, shown, changed, copied, renamed, taken away with a backup.

This module knows the words of the command line; `dwelling` does what they say.
"""

from pathlib import Path

import click

from anima.cli import agent_control
from anima.cli.documents import Document
from anima.cli.dwelling import AGENT_FILE, Dwellings, put_persona, rewrite, with_model
from anima.cli.options import home_option, json_option
from anima.cli.output import print_items, print_json, print_table, say
from anima.clock import SystemClock
from anima.errors import NotFound, SettingsError, UsageError
from anima.settings.persona import persona_text
from anima.store import command, residents

persona_option = click.option("--persona", metavar="FILE", type=click.Path(path_type=Path), help="Who it is: a file.")
model_option = click.option("--model", metavar="PROVIDER/MODEL", help="What it thinks with.")


@click.group(
    epilog="""\b
Examples:
  anima agent create arya --model anthropic/claude-sonnet-4-5
  anima agent list
"""
)
def agent() -> None:
    """Make, list, show, change, copy, rename and remove agents; let them work or rest."""


for control in (agent_control.pause, agent_control.resume, agent_control.stop, agent_control.start):
    agent.add_command(control)


@agent.command(
    epilog="""\b
Examples:
  anima agent create arya
  anima agent create bran --persona bran.md --model ollama/qwen3:8b
  anima agent create arya2 --from arya
"""
)
@click.argument("name")
@persona_option
@model_option
@click.option(
    "--from", "template", metavar="AGENT", help="Live by the settings of this agent, changes to them included."
)
@home_option
@json_option
def create(**words: object) -> None:
    """Make the agent NAME. With --from it is a row alone: a folder appears when something is written in it."""
    name, home, template = str(words["name"]), Path(str(words["home"])), words["template"]
    places = _places(home)
    persona, model = words["persona"], words["model"]
    if template is None:
        file = places.create(name, str(model) if model else None, persona if isinstance(persona, Path) else None)
        thinks = places.check(file).settings.models[0].name
        _done(words, {"agent": name, "folder": str(file.parent), "model": thinks}, f"{name} lives in {file.parent}")
        return
    if persona or model:
        raise UsageError("--from takes everything from another agent", "`anima agent copy` makes one to be changed")
    places.lodge(name, str(template))
    _done(words, {"agent": name, "template": template}, f"{name} lives by the settings of {template}")


@agent.command(
    "list",
    epilog="""\b
Example:
  anima agent list --json
""",
)
@home_option
@json_option
def list_agents(home: Path, as_json: bool) -> None:
    """List the agents of the home."""
    places = _places(home)
    known = _residents(home)
    folders = {file.parent.name for file in home.glob(f"agents/*/{AGENT_FILE}")}
    items = [_item(name, known.get(name), places) for name in sorted({*known, *folders})]
    if as_json:
        print_items(items)
        return
    rows = [tuple(str(item[key] or "-") for key in ("name", "state", "model", "template")) for item in items]
    print_table(("AGENT", "STATE", "MODEL", "TEMPLATE"), rows)


@agent.command(
    epilog="""\b
Example:
  anima agent show arya
"""
)
@click.argument("name")
@home_option
@json_option
def show(name: str, home: Path, as_json: bool) -> None:
    """Show who NAME is: its model, tools, grants, and its persona as it is now."""
    places = _places(home)
    loaded = places.check(places.settings_file(name))
    settings = loaded.settings
    document: Document = {
        **_item(name, _residents(home).get(name), places),
        "models": [ref.name for ref in settings.models],
        "settings": str(loaded.path),
        "workspace": str(settings.agent.workspace),
        "tools": list(settings.tools.enabled),
        "grants": list(settings.tools.grants),
        "persona": loaded.persona.read().text,
    }
    if as_json:
        print_json({"ok": True, "agent": document})
        return
    for key, value in document.items():
        if key != "persona":
            say(f"{key}: {', '.join(map(str, value)) if isinstance(value, list) else value or '-'}")
    say("persona:\n" + "\n".join(f"  | {line}" for line in str(document["persona"]).splitlines()))


@agent.command(
    epilog="""\b
Examples:
  anima agent edit arya
  anima agent edit arya --model ollama/qwen3:8b --persona calmer.md
"""
)
@click.argument("name")
@persona_option
@model_option
@home_option
@json_option
def edit(name: str, persona: Path | None, model: str | None, home: Path, as_json: bool) -> None:
    """Change NAME's persona or model; without either, open its settings in $EDITOR. A mistake changes nothing."""
    places = _places(home)
    file = places.settings_file(name)
    if file.parent.name != name:
        raise UsageError(f"{name} lives by the settings of {file.parent.name}", f"edit {file.parent.name}")
    if persona:
        persona_text(persona)  # a mistake in it changes nothing
    before = file.read_text(encoding="utf-8")
    text = with_model(before, model) if model else before
    if not (persona or model):
        text = click.edit(before, extension=".toml") or before
    try:
        rewrite(file, text)
        if persona:
            put_persona(places, name, persona)
        places.check(file)
    except SettingsError:
        rewrite(file, before)
        raise
    _done(
        {"as_json": as_json},
        {"agent": name, "settings": str(file)},
        f"{name} is changed; it holds from its next wake on",
    )


@agent.command(
    epilog="""\b
Example:
  anima agent rename arya no-one
"""
)
@click.argument("name")
@click.argument("new")
@home_option
@json_option
def rename(name: str, new: str, home: Path, as_json: bool) -> None:
    """Call the agent NAME by the name NEW. It keeps its past, its settings and its files."""
    _places(home).rename(name, new)
    _done({"as_json": as_json}, {"agent": new}, f"{name} is called {new} now")


@agent.command(
    epilog="""\b
Example:
  anima agent copy arya bran
"""
)
@click.argument("name")
@click.argument("new")
@home_option
@json_option
def copy(name: str, new: str, home: Path, as_json: bool) -> None:
    """Make NEW with the settings and pages of NAME. It begins without a past."""
    _places(home).copy(name, new)
    _done({"as_json": as_json}, {"agent": new}, f"{new} is a copy of {name}")


@agent.command(
    epilog="""\b
Example:
  anima agent remove arya
"""
)
@click.argument("name")
@home_option
@json_option
def remove(name: str, home: Path, as_json: bool) -> None:
    """Take the agent NAME out of the home. Its folder, and its past as an export, go to backups/."""
    kept = _places(home).remove(name)
    _done({"as_json": as_json}, {"agent": name, "backup": str(kept)}, f"{name} is gone; what it was is kept in {kept}")


def _places(home: Path) -> Dwellings:
    return Dwellings(home, SystemClock())


def _residents(home: Path) -> dict[str, residents.Resident]:
    if not (home / "anima.db").exists():
        return {}
    with command.reading(home / "anima.db") as db:
        return {each.name: each for each in residents.everybody(db)}


def _item(name: str, resident: residents.Resident | None, places: Dwellings) -> Document:
    """An agent as the list has it; `model` is None where its settings are wrong or elsewhere."""
    try:
        model = places.check(places.settings_file(name)).settings.models[0].name
    except (SettingsError, NotFound):
        model = None
    return {
        "name": name,
        "id": resident.key if resident else None,
        "state": str(resident.standing) if resident else "active",
        "model": model,
        "template": resident.template if resident else None,
    }


def _done(words: dict[str, object], document: Document, sentence: str) -> None:
    if words["as_json"]:
        print_json({"ok": True, **document})
    else:
        say(sentence)
