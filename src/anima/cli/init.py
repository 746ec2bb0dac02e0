"""`anima init`: makes a home with one agent; it asks on a terminal, else takes what it finds. It overwrites nothing."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from anima.cli.options import json_option
from anima.cli.output import print_json, say
from anima.cli.surroundings import Offer, offers
from anima.errors import UsageError
from anima.settings import LOCAL_MODEL, home_folder

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
MODEL = re.compile(r"local|[a-z]+/[A-Za-z0-9._:/@+-]+")
LOCAL = Offer("local", LOCAL_MODEL, "a small model inside this program; needs no key and no server")

SHARED = """\
# What all agents of this home share. `anima config schema` describes every key.
[owner]
name = "{owner}"
"""

AGENT = """\
# One agent. `anima config check` finds mistakes; `anima config show` tells where each value came from.
[agent]
name = "{name}"
persona = "persona.md"

[llm]
provider = "{provider}"
model = "{model}"
{fallback}
[tools]
enabled = ["now", "list_files", "read_file", "write_file"]
"""

PERSONA = """\
You are {name}. You are brief, kind and exact.
Say what you did, and say so when you do not know.
"""


@dataclass(frozen=True)
class Plan:
    """What the new home will hold."""

    name: str
    owner: str
    model: Offer

    def files(self, home: Path) -> dict[Path, str]:
        """Every file of the home, and its text."""
        agent = home / "agents" / self.name
        fallback = "" if self.model.provider == "local" else 'fallback = ["local"]\n'
        settings = AGENT.format(name=self.name, provider=self.model.provider, model=self.model.model, fallback=fallback)
        return {
            home / "anima.toml": SHARED.format(owner=self.owner),
            agent / "agent.toml": settings,
            agent / "persona.md": PERSONA.format(name=self.name),
        }


@click.command(
    epilog="""\b
Examples:
  anima init
  anima init ./home --name arya --model anthropic/claude-sonnet-4-5
"""
)
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--name", help="The agent's name [anima].")
@click.option("--model", metavar="PROVIDER/MODEL", help="What it thinks with [what this machine offers, else local].")
@json_option
def init(folder: Path | None, name: str | None, model: str | None, as_json: bool) -> None:
    """Make a home with one agent in DIR ($ANIMA_HOME, else ~/.anima). Nothing that exists is overwritten."""
    home = home_folder(folder)
    _refuse_a_home(home)
    asking = sys.stdin.isatty() and sys.stderr.isatty() and not as_json
    plan = Plan(_name(name, asking), _owner(asking), choose_model(model, asking))
    files = plan.files(home)
    write_files(home, files)
    settings = home / "agents" / plan.name / "agent.toml"
    if as_json:
        print_json({"ok": True, "home": str(home), "agent": plan.name, "files": [str(path) for path in files]})
        return
    where = "" if home == home_folder(None) else f" --home {home}"
    say(f"{plan.name} lives in {home} and thinks with {plan.model.provider}/{plan.model.model}: {plan.model.why}")
    say(f'try: anima run {settings}{where} "What day is it?"')


def _refuse_a_home(home: Path) -> None:
    if (home / "anima.toml").exists():
        raise UsageError(f"{home} is a home already", "name another DIR; nothing was changed")


def _name(given: str | None, asking: bool) -> str:
    if given is None:
        given = click.prompt("What is your agent called?", default="anima", err=True) if asking else "anima"
    if not NAME.fullmatch(given):
        raise UsageError(f"{given!r} cannot be an agent's name", "use letters, digits, - and _, 64 at most")
    return given


def _owner(asking: bool) -> str:
    owner = os.environ.get("USER") or "owner"
    if asking:
        owner = click.prompt("And you?", default=owner, err=True)
    return re.sub(r'[\x00-\x1f"\\\x7f]', "", owner)


def choose_model(given: str | None, asking: bool) -> Offer:
    """What a new agent thinks with: what was asked for, else what this machine offers. Raises UsageError."""
    if given is not None:
        provider, _, model = given.partition("/")
        if not MODEL.fullmatch(given):
            raise UsageError(f"{given!r} is not a model", "write PROVIDER/MODEL, for example ollama/qwen3:8b")
        return Offer(provider, model or LOCAL.model, "as you asked")
    choices = [*offers(), LOCAL]
    if not asking or len(choices) == 1:
        return choices[0]
    for n, offer in enumerate(choices, 1):
        click.echo(f"  {n}. {offer.provider}/{offer.model} ({offer.why})", err=True)
    chosen = click.prompt("What does it think with?", type=click.IntRange(1, len(choices)), default=1, err=True)
    return choices[chosen - 1]


def write_files(home: Path, files: dict[Path, str]) -> None:
    """Make every folder (0700) and file (0600); the first that exists stops it before anything was written."""
    if existing := [path for path in files if path.exists()]:
        raise UsageError(f"{existing[0]} exists already", "name another DIR or --name; nothing was changed")
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not any(home.iterdir()):
        home.chmod(0o700)
    for path, text in files.items():
        for folder in (path.parent.parent, path.parent):
            if folder != home.parent:
                folder.mkdir(exist_ok=True, mode=0o700)
        with open(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
