"""`anima conversation`: what was said, read from the journal. Only `compact` adds to it; nothing takes away from it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from anima.cli.ask import ask
from anima.cli.documents import Document, turn_document
from anima.cli.inert import one_line
from anima.cli.options import home_option, json_option
from anima.cli.output import print_items, print_json, print_table, say
from anima.clock import iso
from anima.errors import NotFound, UsageError
from anima.store import command, conversations
from anima.vocabulary import COMPACT, Event, Step, Turn

STORE = "anima.db"
ALL = 1_000_000_000
agent_option = click.option("--agent", help="Whose conversation [the only agent that has one of this name].")


@click.group(
    epilog="""\b
Examples:
  anima conversation list
  anima conversation show cli:main
"""
)
def conversation() -> None:
    """List, show, search, summarise and export conversations."""


@conversation.command(
    "list",
    epilog="""\b
Example:
  anima conversation list --agent arya --json
""",
)
@click.option("--agent", help="Only this agent's.")
@home_option
@json_option
def list_conversations(agent: str | None, home: Path, as_json: bool) -> None:
    """List conversations, the one something came to last first."""
    found: list[conversations.Conversation] = []
    if (home / STORE).exists():
        with command.reading(home / STORE) as db:
            found = conversations.conversations(db, agent)
    if as_json:
        print_items(
            [
                {
                    "agent": each.agent,
                    "conversation": each.name,
                    "turns": each.turns,
                    "events": each.events,
                    "began": iso(each.began),
                    "last": iso(each.last),
                }
                for each in found
            ]
        )
        return
    rows = [(each.agent, str(each.turns), iso(each.last) or "", each.name) for each in found]
    print_table(("AGENT", "TURNS", "LAST", "CONVERSATION"), rows)


@conversation.command(
    epilog="""\b
Examples:
  anima conversation show cli:main
  anima conversation show telegram:48151 --agent arya --limit 5 --json
"""
)
@click.argument("name", metavar="CONVERSATION")
@agent_option
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many turns at most.")
@home_option
@json_option
def show(name: str, agent: str | None, limit: int, home: Path, as_json: bool) -> None:
    """Show who said what in CONVERSATION, the last turns of it, oldest first."""
    agent, turns = _read(name, agent, limit, home)
    lines = [line for turn in turns for line in _lines(turn)]
    if as_json:
        print_json({"ok": True, "agent": agent, "conversation": name, "messages": lines})
        return
    for line in lines:
        say(f"{line['turn']} {line['role']}{_tool(line)}: {line['text']}")


@conversation.command(
    epilog="""\b
Example:
  anima conversation search "order 2025-99817" --agent arya
"""
)
@click.argument("words", metavar="TEXT")
@click.option("--agent", help="Only this agent's.")
@click.option("--conversation", "name", help="Only this one.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many at most.")
@home_option
@json_option
def search(words: str, agent: str | None, name: str | None, limit: int, home: Path, as_json: bool) -> None:
    """Find what was said and what tools returned that holds TEXT, the newest first."""
    found: list[conversations.Found] = []
    if (home / STORE).exists():
        with command.reading(home / STORE) as db:
            found = conversations.search(db, words, agent, name, limit)
    if as_json:
        print_items(
            [
                {
                    "agent": each.agent,
                    "conversation": each.conversation,
                    "turn": each.turn,
                    "role": each.role,
                    "text": each.text,
                    "time": iso(each.time),
                }
                for each in found
            ]
        )
        return
    rows = [(each.turn or "-", each.agent, each.conversation, each.role, _around(each.text, words)) for each in found]
    print_table(("TURN", "AGENT", "CONVERSATION", "ROLE", "TEXT"), rows)


@conversation.command(
    epilog="""\b
Example:
  anima conversation compact cli:main --agent arya
"""
)
@click.argument("name", metavar="CONVERSATION")
@agent_option
@home_option
@json_option
def compact(name: str, agent: str | None, home: Path, as_json: bool) -> int:
    """Let the agent's model summarise CONVERSATION up to its last turn. Nothing is deleted."""
    agent, _ = _read(name, agent, 1, home)
    words = {"name": agent, "text": COMPACT, "conversation": name, "attach": (), "home": home, "as_json": as_json}
    return int(click.get_current_context().invoke(ask, timeout=None, **words))


@conversation.command(
    epilog="""\b
Examples:
  anima conversation export cli:main > talk.md
  anima conversation export cli:main --json > talk.json
"""
)
@click.argument("name", metavar="CONVERSATION")
@agent_option
@home_option
@json_option
def export(name: str, agent: str | None, home: Path, as_json: bool) -> None:
    """Write all of CONVERSATION as Markdown, or whole with every step and call as one document (--json)."""
    agent, turns = _read(name, agent, ALL, home)
    if as_json:
        print_json({"ok": True, "agent": agent, "conversation": name, "turns": [turn_document(turn) for turn in turns]})
        return
    say(as_markdown(name, agent, turns))


def as_markdown(name: str, agent: str, turns: Sequence[Turn]) -> str:
    """A conversation as a document, without a newline at its end."""
    lines = [line for turn in turns for line in _lines(turn)]
    parts = [f"## {each['role']}{_tool(each)} ({each['turn']}, {each['time']})\n\n{each['text']}" for each in lines]
    return "\n\n".join([f"# {name} with {agent}", *parts])


def _read(name: str, agent: str | None, limit: int, home: Path) -> tuple[str, list[Turn]]:
    """Whose conversation it is, and its last turns. Raises NotFound, or UsageError when several agents have one."""
    with command.reading(home / STORE) as db:
        owners = [each.agent for each in conversations.conversations(db, agent) if each.name == name]
        if not owners:
            raise NotFound(f"there is no conversation {name!r}", "`anima conversation list` shows all")
        if len(owners) > 1:
            raise UsageError(f"several agents have a conversation {name!r}", f"--agent: {', '.join(sorted(owners))}")
        return owners[0], conversations.turns(db, owners[0], name, limit)


def _lines(turn: Turn) -> Iterator[Document]:
    """What was said in a turn, by whom, in the order the model was shown it."""
    waiting = list(turn.events)
    for step in turn.steps:
        while waiting and waiting[0].step <= step.n:
            yield _heard(turn, waiting.pop(0))
        yield from _thought(turn, step)
    yield from (_heard(turn, event) for event in waiting)
    if turn.notice or turn.error:
        yield {"role": "notice", "text": turn.notice or turn.error, "turn": turn.id, "time": iso(turn.closed)}


def _heard(turn: Turn, event: Event) -> Document:
    return {"role": "user", "text": event.text, "turn": turn.id, "time": iso(event.time), "event": event.id}


def _thought(turn: Turn, step: Step) -> Iterator[Document]:
    role = "assistant" if step.kind == "think" else step.kind
    if step.text:
        yield {"role": role, "text": step.text, "turn": turn.id, "time": iso(step.time)}
    for effect in step.effects:
        yield {
            "role": "tool",
            "text": effect.result or "",
            "turn": turn.id,
            "time": iso(effect.finished),
            "tool": effect.tool,
            "arguments": dict(effect.arguments),
            "state": effect.state,
            "effect": effect.id,
        }


def _tool(line: Document) -> str:
    return f" {line['tool']} ({line['state']})" if "tool" in line else ""


def _around(text: str, words: str) -> str:
    """The line of a text round the words."""
    place = max(text.lower().find(words.lower()) - 30, 0)
    return one_line(text[place : place + 200], 100)
