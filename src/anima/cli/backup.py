"""`anima backup` and `anima restore`: a home into one file, and back."""

from dataclasses import asdict
from pathlib import Path

import click

from anima.cli.options import home_option, json_option
from anima.cli.output import print_json, print_table, say, tell
from anima.clock import SystemClock, iso
from anima.settings import HOME_FILE, load_home
from anima.store.archive import Manifest
from anima.store.backup import back_up
from anima.store.held import Held
from anima.store.restore import look
from anima.store.restore import restore as bring_back


@click.command(
    epilog="""\b
Examples:
  anima backup
  anima backup --to /media/disk/anima.tar --workspaces
"""
)
@click.option("--to", type=click.Path(path_type=Path), help="The file to make [HOME/backups/anima-TIME.tar].")
@click.option("--workspaces", is_flag=True, help="Take the agents' workspaces, too.")
@home_option
@json_option
def backup(to: Path | None, workspaces: bool, home: Path, as_json: bool) -> None:
    """Back up the home into one verified file, while agents are at work. Old ones of its own are removed."""
    settings = home / HOME_FILE
    keep = load_home(settings).settings.store.backups if settings.exists() else 7
    made = back_up(home, SystemClock().now(), to=to, workspaces=workspaces, keep=keep)
    if as_json:
        print_json(
            {
                "ok": True,
                "path": str(made.path),
                **contents(made.manifest),
                "left_out": made.left_out,
                "removed": [str(path) for path in made.removed],
            }
        )
        return
    say(f"{made.path} holds {_summary(made.manifest)}")
    for name in made.left_out:
        tell(f"left out: {name} is not a regular file")
    for path in made.removed:
        tell(f"removed: {path} ([store] backups = {keep})")


@click.command(
    epilog="""\b
Examples:
  anima restore --list ~/.anima/backups/anima-20260102T030405Z.tar
  anima restore ~/.anima/backups/anima-20260102T030405Z.tar --force
"""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--list", "listing", is_flag=True, help="Verify the backup and show what it holds; touch nothing.")
@click.option("--force", is_flag=True, help="Replace what is in the home; it is kept in backups/replaced-TIME.")
@home_option
@json_option
def restore(file: Path, listing: bool, force: bool, home: Path, as_json: bool) -> None:
    """Bring the home back from a backup. What was pending is held until `anima event release`."""
    if listing:
        _show(look(file), as_json)
        return
    done = bring_back(file, home, SystemClock().now(), force=force)
    if as_json:
        replaced = None if done.replaced is None else str(done.replaced)
        print_json(
            {"ok": True, "home": str(home), **contents(done.manifest), "held": asdict(done.held), "replaced": replaced}
        )
        return
    say(f"{home} is as it was {iso(done.manifest.facts.get('time'))}: {_summary(done.manifest)}")
    if done.replaced:
        say(f"what was there before is in {done.replaced}")
    say_held(done.held)


def say_held(held: Held) -> None:
    """What waits for the owner now, and how it is let go."""
    if held.unknown:
        say(f"unknown outcome: {', '.join(held.unknown)}; these are not run again")
    if held.events or held.replies:
        say(f"held events: {held.events}, held replies: {held.replies}; `anima event release ID` lets one go on")


def contents(manifest: Manifest) -> dict[str, object]:
    """An archive in a document."""
    return {
        "time": iso(manifest.facts.get("time")),
        "program": manifest.facts.get("program"),
        "schema": manifest.facts.get("schema"),
        "files": [{"name": name, **asdict(member)} for name, member in manifest.files.items()],
    }


def _show(manifest: Manifest, as_json: bool) -> None:
    if as_json:
        print_json({"ok": True, **contents(manifest)})
        return
    facts = manifest.facts
    say(f"taken {iso(facts.get('time'))} by anima {facts.get('program')}, store version {facts.get('schema')}")
    print_table(("BYTES", "FILE"), [(str(member.size), name) for name, member in manifest.files.items()])


def _summary(manifest: Manifest) -> str:
    size = sum(member.size for member in manifest.files.values())
    return f"{len(manifest.files)} files, {size / 1e6:.1f} MB"
