"""`anima export` and `anima import`: one agent, from home to home, in an open format."""

from dataclasses import asdict
from pathlib import Path

import click

from anima.cli.backup import contents, say_held
from anima.cli.options import home_option, json_option
from anima.cli.output import print_json, say, tell
from anima.clock import SystemClock
from anima.store.move import export_agent, import_agent


@click.command(
    "export",
    epilog="""\b
Examples:
  anima export arya
  anima export arya --to arya-folder
""",
)
@click.argument("agent")
@click.option("--to", type=click.Path(path_type=Path), help="A file NAME.tar, or else a folder to make [AGENT.tar].")
@home_option
@json_option
def export(agent: str, to: Path | None, home: Path, as_json: bool) -> None:
    """Write all of AGENT as JSON lines, Markdown pages and attachments; it stays where it is."""
    done = export_agent(agent, home, to or Path(f"{agent}.tar"), SystemClock().now())
    if as_json:
        print_json(
            {"ok": True, "agent": agent, "path": str(done.path), **contents(done.manifest), "left_out": done.left_out}
        )
        return
    say(f"{done.path} holds {agent}: {len(done.manifest.files)} files")
    for name in done.left_out:
        tell(f"left out: {name} is not there, or no regular file")


@click.command(
    "import",
    epilog="""\b
Examples:
  anima import arya.tar
  anima import arya.tar --as bran
""",
)
@click.argument("source", metavar="FILE|DIR", type=click.Path(path_type=Path, exists=True))
@click.option("--as", "name", metavar="NAME", help="The name it has here [its own].")
@home_option
@json_option
def import_(source: Path, name: str | None, home: Path, as_json: bool) -> None:
    """Bring an exported agent into the home. What was pending is held until `anima event release`."""
    clock = SystemClock()
    done = import_agent(source, home, clock.now(), clock.new_key(), name)
    if as_json:
        print_json({"ok": True, **asdict(done), "agent": done.agent.name, "key": done.agent.key})
        return
    say(f"{done.agent.name} lives in {home} now, with {done.events} events")
    say_held(done.held)
