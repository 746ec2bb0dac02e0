"""The language of the REPL: what was typed, and what it means."""

import pytest

from anima.cli.repl.lines import (
    COMMANDS,
    Address,
    Line,
    Message,
    Nothing,
    Order,
    Question,
    Verb,
    complete,
    continued,
    parse,
)
from anima.errors import UsageError

NAMES = ("arya", "bran", "Sansa-2")

MEANS: list[tuple[str, Line]] = [
    ("", Nothing()),
    ("  \t ", Nothing()),
    ("hello", Message("hello")),
    ("hello there\n", Message("hello there")),
    # A space at the front, or several lines, are words.
    (" /quit", Message("/quit")),
    (" arya: hello", Message("arya: hello")),
    (" @nobody hello", Message("@nobody hello")),
    ("/quit\nor not", Message("/quit\nor not")),
    ("agent list\nand more", Message("agent list\nand more")),
    # Names.
    ("arya: hello", Message("hello", ("arya",))),
    ("Arya: hello", Message("hello", ("arya",))),
    ("sansa-2: hello", Message("hello", ("Sansa-2",))),
    ("arya: first\nsecond", Message("first\nsecond", ("arya",))),
    ("arya:", Address(("arya",))),
    ("arya:hello", Message("arya:hello")),
    ("Note: buy milk", Message("Note: buy milk")),
    ("http://example.com is down", Message("http://example.com is down")),
    ("@arya hello", Message("hello", ("arya",))),
    ("@arya, hello", Message("hello", ("arya",))),
    ("@arya: hello", Message("hello", ("arya",))),
    ("@arya @bran hello", Message("hello", ("arya", "bran"))),
    ("@bran @arya @bran hello", Message("hello", ("bran", "arya"))),
    ("@arya", Address(("arya",))),
    ("@arya @bran", Address(("arya", "bran"))),
    ("@all hello", Message("hello", ("Sansa-2", "arya", "bran"))),
    ("tell @bran hello", Message("tell @bran hello")),
    ("@arya tell @bran hello", Message("tell @bran hello", ("arya",))),
    ("@example.com is mine", Message("@example.com is mine")),
    ("me@example.com is me", Message("me@example.com is me")),
    # One asks another.
    ('arya: ask bran "who are you?"', Question("arya", "bran", "who are you?")),
    ('@arya ask @Bran "who are you?"', Question("arya", "bran", "who are you?")),
    ("arya: ask bran “who are you?”", Question("arya", "bran", "who are you?")),
    ('arya: ask bran "two\nlines"', Question("arya", "bran", "two\nlines")),
    ("arya: ask bran who he is", Message("ask bran who he is", ("arya",))),
    ('ask bran "who are you?"', Message('ask bran "who are you?"')),
    ('@arya @bran ask bran "x"', Message('ask bran "x"', ("arya", "bran"))),
    # Files.
    ("read @file:notes.md", Message("read notes.md", files=("notes.md",))),
    ("@file:a/b.md", Message("b.md", files=("a/b.md",))),
    ('arya: both @file:"my notes.md" @file:~/b', Message("both my notes.md b", ("arya",), ("my notes.md", "~/b"))),
    ("mail me@file:x", Message("mail me@file:x")),
    # Commands.
    ("/help", Order(Verb.HELP)),
    ("/history", Order(Verb.HISTORY)),
    ("/history 5", Order(Verb.HISTORY, ("5",))),
    ("/approve A1", Order(Verb.APPROVE, ("A1",))),
    ('/attach "my notes.md"', Order(Verb.ATTACH, ("my notes.md",))),
    # Sentences.
    ("agent list", Order(Verb.AGENTS)),
    ("agents list", Order(Verb.AGENTS)),
    ("agent create rob", Order(Verb.CREATE, ("rob",))),
    ("agent create rob --persona rob.persona", Order(Verb.CREATE, ("rob", "--persona", "rob.persona"))),
    (
        'agent start arya --every 5m --on-timer "look around"',
        Order(Verb.START, ("arya", "--every", "5m", "--on-timer", "look around")),
    ),
    ("agent start arya", Order(Verb.START, ("arya",))),
    ("agent stop arya", Order(Verb.REST, ("arya",))),
    ("agent stop doing that", Message("agent stop doing that")),
    ("memory arya", Order(Verb.MEMORY, ("arya",))),
    ("memory lane", Message("memory lane")),
    ("memory", Message("memory")),
    ("history clear arya", Order(Verb.FORGET, ("arya",))),
    ("set llm ollama/qwen3:8b", Order(Verb.MODEL, ("ollama/qwen3:8b",))),
    ("set llm free", Message("set llm free")),
    ("help", Order(Verb.HELP)),
    ("help me", Message("help me")),
    ("exit", Order(Verb.QUIT)),
]

MEANS_NOTHING = [
    ("/hlep", "did you mean /help?"),
    ("/", "begin the line with a space"),
    ("/etc/hosts is a file", "begin the line with a space"),
    ("/quit now", "takes nothing more"),
    ("/history 5 6", "takes [N]"),
    ("/attach", "takes FILE"),
    ("/attach my notes.md", "quote a word"),
    ('/attach "my', "a quote is not closed"),
    ("@nobody hello", "no agent is called 'nobody'"),
    ("@arya @brann hello", "did you mean bran?"),
    ("aryaa: hello", "did you mean arya?"),
    ('nobody: ask bran "x"', "no agent is called 'nobody'"),
    ('arya: ask nobody "x"', "no agent is called 'nobody'"),
    ('arya: ask arya "x"', "cannot ask itself"),
    ('agent create rob --persona "x', "a quote is not closed"),
]


@pytest.mark.parametrize(("typed", "meant"), MEANS, ids=[typed for typed, _ in MEANS])
def test_a_line_means(typed: str, meant: Line) -> None:
    assert parse(typed, NAMES) == meant


@pytest.mark.parametrize(("typed", "told"), MEANS_NOTHING, ids=[typed for typed, _ in MEANS_NOTHING])
def test_a_line_that_means_nothing_is_told_what_to_do(typed: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(typed, NAMES)
    assert told in f"{caught.value.message}; {caught.value.hint}"


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_command_is_understood(verb: Verb) -> None:
    usage = COMMANDS[verb][0]
    assert parse(f"/{verb} x" if usage else f"/{verb}", NAMES) == Order(verb, ("x",) if usage else ())


@pytest.mark.parametrize(
    ("line", "text"),
    [("more\\", "more"), ("\\", ""), ("a\\\\", None), ("a\\\\\\", "a\\\\"), ("whole", None), ("", None)],
)
def test_an_odd_backslash_at_the_end_says_that_there_is_more(line: str, text: str | None) -> None:
    assert continued(line) == text


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("/he", ["/help"]),
        ("/a", ["/agents", "/approve", "/attach"]),
        ("@b", ["@bran"]),
        ("hello @a", ["@arya"]),
        ("read @f", ["@file:"]),
        ("ar", ["arya:"]),
        ("hello ar", []),
        ("", []),
        ("memory ", ["Sansa-2", "arya", "bran"]),
        ("agent stop b", ["bran"]),
        ("arya: ask b", ["bran"]),
    ],
)
def test_what_may_be_meant_is_offered(typed: str, offered: list[str]) -> None:
    assert list(complete(typed, NAMES)) == offered
