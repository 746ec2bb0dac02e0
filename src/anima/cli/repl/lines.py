"""The language of the REPL: what was typed, and who lives here, in; what is meant, out. Pure.

It does not know who obeys, or whether anybody can.
"""

import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import PurePath

from anima.errors import UsageError

AS_TEXT = "begin the line with a space to say it as it is"
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
EVERYBODY = "all"


class Verb(StrEnum):
    """What a person may order."""

    AGENTS = "agents"
    NEW = "new"
    HISTORY = "history"
    MEMORY = "memory"
    TOOLS = "tools"
    MODEL = "model"
    STATUS = "status"
    STOP = "stop"
    APPROVE = "approve"
    DENY = "deny"
    COMPACT = "compact"
    EXPORT = "export"
    ATTACH = "attach"
    HELP = "help"
    QUIT = "quit"
    CREATE = "agent create"
    START = "agent start"
    REST = "agent stop"
    FORGET = "history clear"


COMMANDS = {
    Verb.AGENTS: ("", "who lives here"),
    Verb.NEW: ("", "begin anew; what was said is kept in memory"),
    Verb.HISTORY: ("[N]", "the last N exchanges"),
    Verb.MEMORY: ("[NAME]", "what is remembered"),
    Verb.TOOLS: ("", "what may be used, and what is allowed without asking"),
    Verb.MODEL: ("[PROVIDER/MODEL]", "what thinks; another one from now on"),
    Verb.STATUS: ("", "who is at work on what"),
    Verb.STOP: ("", "end the turns under way, as Ctrl-C does"),
    Verb.APPROVE: ("[ID]", "let a call run that waits for your yes"),
    Verb.DENY: ("[ID]", "do not let it run"),
    Verb.COMPACT: ("", "have what was said summarised"),
    Verb.EXPORT: ("[FILE]", "write this conversation as Markdown"),
    Verb.ATTACH: ("FILE", "send a file with your next message"),
    Verb.HELP: ("", "this"),
    Verb.QUIT: ("", "leave; Ctrl-D does it too"),
}
"""Every `/word`, with its argument and what it does."""

SENTENCES = (
    (Verb.AGENTS, re.compile(r"agents?\s+list")),
    (Verb.CREATE, re.compile(rf"agent\s+create\s+({NAME}(?:\s+--\S.*)?)")),
    (Verb.START, re.compile(rf"agent\s+start\s+({NAME}(?:\s+--\S.*)?)")),
    (Verb.REST, re.compile(rf"agent\s+stop\s+({NAME})")),
    (Verb.FORGET, re.compile(rf"history\s+clear\s+({NAME})")),
    (Verb.MODEL, re.compile(r"set\s+llm\s+([a-z]+/\S+)")),
    (Verb.HELP, re.compile(r"help|\?")),
    (Verb.QUIT, re.compile(r"quit|exit")),
)
"""Orders that look like sentences: those of the earlier runtime's REPL."""


@dataclass(frozen=True)
class Nothing:
    """An empty line."""


@dataclass(frozen=True)
class Message:
    """Words for agents (none named: those one speaks with now), and paths of files that go with them."""

    text: str
    to: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """`agent` is to ask `other`."""

    agent: str
    other: str
    text: str


@dataclass(frozen=True)
class Address:
    """Speak with these from now on."""

    to: tuple[str, ...]


@dataclass(frozen=True)
class Order:
    """Something the program is to do, and the words that say to whom or what."""

    verb: Verb
    words: tuple[str, ...] = ()


Line = Nothing | Message | Question | Address | Order


def parse(typed: str, names: Collection[str]) -> Line:
    """What a line means where `names` live. Raises UsageError for a command, a name or a quote that makes no sense.

    A line that begins with a space, and any text of several lines, is words and never an order.
    """
    text = typed.strip()
    if not text:
        return Nothing()
    if typed[0].isspace():
        return _message(text, ())
    if "\n" not in text and (order := _command(text) or _sentence(text, names)):
        return order
    return _mentioned(text, names) or _named(text, names) or _message(text, ())


def continued(line: str) -> str | None:
    """The line without the backslash at its end that says there is more to come; None when it is whole."""
    slashes = len(line) - len(line.rstrip("\\"))
    return line[:-1] if slashes % 2 else None


def complete(typed: str, names: Collection[str]) -> Iterator[str]:
    """What the last word typed may become: a command, a name, or a word that stands behind them."""
    word = typed[re.search(r"\S*$", typed).start() :] if typed else ""  # type: ignore[union-attr]
    first = len(word) == len(typed)
    if first and word.startswith("/"):
        yield from (f"/{verb}" for verb in COMMANDS if f"/{verb}".startswith(word))
    elif word.startswith("@"):
        yield from (f"@{name}" for name in (*sorted(names), "file:") if f"@{name}".startswith(word))
    elif first and word:
        yield from (f"{name}:" for name in sorted(names) if name.startswith(word))
    elif re.fullmatch(rf"(?:/memory|memory|agent\s+(?:start|stop)|history\s+clear|{NAME}:\s+ask)\s+\S*", typed):
        yield from (name for name in sorted(names) if name.startswith(word))


def known(name: str, names: Collection[str]) -> str | None:
    """The name that is meant, whatever its capitals; None where nobody is called that."""
    if name in names:
        return name
    alike = [each for each in names if each.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else None


def nobody(name: str, names: Collection[str]) -> UsageError:
    """That nobody is called `name`, and who may be meant."""
    near = get_close_matches(name, names, n=1)
    return UsageError(f"no agent is called {name!r} here", f"did you mean {near[0]}?" if near else AS_TEXT)


def _command(text: str) -> Order | None:
    if not text.startswith("/"):
        return None
    word, _, rest = text[1:].partition(" ")
    if word not in COMMANDS:
        near = get_close_matches(word, [str(verb) for verb in COMMANDS], n=1)
        raise UsageError(f"there is no command /{word}", f"did you mean /{near[0]}? Or {AS_TEXT}" if near else AS_TEXT)
    words, usage = _words(rest), COMMANDS[Verb(word)][0]
    least, most = int(usage[:1] not in ("", "[")), int(bool(usage))
    if not least <= len(words) <= most:
        raise UsageError(f"/{word} takes {usage or 'nothing more'}", "quote a word that holds spaces")
    return Order(Verb(word), words)


def _sentence(text: str, names: Collection[str]) -> Order | None:
    for verb, shape in SENTENCES:
        if found := shape.fullmatch(text):
            return Order(verb, _words(found[1]) if shape.groups else ())
    word, _, name = text.partition(" ")
    if word == "memory" and (who := known(name.strip(), names)):
        return Order(Verb.MEMORY, (who,))
    return None


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"a quote is not closed: {text}", AS_TEXT) from error


def _mentioned(text: str, names: Collection[str]) -> Line | None:
    """`@arya @gendry words`: for those named first; `@all` is everybody."""
    to: list[str] = []
    rest = text
    while found := re.match(rf"@({NAME})(?![-\w./@])(?!:\S)[,:]?\s*", rest):
        who = known(found[1], names)
        if who is None and found[1] != EVERYBODY:
            raise nobody(found[1], names)
        to += [who] if who else sorted(names)
        rest = rest[found.end() :]
    return _for(tuple(dict.fromkeys(to)), rest, names) if to else None


def _named(text: str, names: Collection[str]) -> Line | None:
    """`arya: words`. A word nobody is called is no address, unless it is almost one or somebody is to be asked."""
    found = re.match(rf"({NAME}):(?:\s+|$)", text)
    if not found:
        return None
    who, rest = known(found[1], names), text[found.end() :]
    if who is not None:
        return _for((who,), rest, names)
    if _asking(rest) or get_close_matches(found[1].casefold(), [name.casefold() for name in names], n=1, cutoff=0.8):
        raise nobody(found[1], names)
    return None


def _for(to: tuple[str, ...], rest: str, names: Collection[str]) -> Line:
    if not rest:
        return Address(to)
    asking = _asking(rest)
    if asking is None or len(to) > 1:
        return _message(rest, to)
    other = known(asking[1], names)
    if other is None:
        raise nobody(asking[1], names)
    if other == to[0]:
        raise UsageError(f"{other} cannot ask itself", "name another agent")
    return Question(to[0], other, asking[2].strip())


def _asking(text: str) -> re.Match[str] | None:
    return re.fullmatch(rf'ask\s+@?({NAME})\s+["“](.+)["”]', text, re.DOTALL)


def _message(text: str, to: tuple[str, ...]) -> Message:
    """Each `@file:path` becomes the file's name in the text."""
    files: list[str] = []

    def take(found: re.Match[str]) -> str:
        files.append(found[1] or found[2])
        return PurePath(files[-1]).name

    text = re.sub(r'(?<!\S)@file:(?:"([^"\n]+)"|(\S+))', take, text)
    return Message(text, to, tuple(files))
