"""What the tortured agent is given to do, and what its scripted model says to it. Pure.

An errand is an event whose text says which tools to call, step by step; so the model needs no memory of its own, and
every call has a label that no other call bears. Shared by the child, the ledger and the audit.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AGENT, OTHER, SOURCE = "arya", "gendry", "torture"
"""Who does the errands, whom the agent talks to, and the door by which events come."""
GRANTED, ASKED = "report.py", "order.py"
"""Scripts in the workspace that tell the ledger a label: one runs by a grant, the other by a person's yes."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One event. `steps` are the tools of each step; `fails`: the model never answers it after these.

    `repeated`: its sender posts it again in every life, though he has heard that it was accepted.
    """

    name: str
    conversation: str
    steps: tuple[tuple[str, ...], ...] = ()
    fails: bool = False
    repeated: bool = False

    @property
    def text(self) -> str:
        return json.dumps({"errand": self.name, "steps": self.steps, "fails": self.fails})

    @property
    def labels(self) -> dict[str, str]:
        """Every call it asks for, by its label: the tool."""
        return {
            f"{self.name}.{n}.{place}": tool
            for n, step in enumerate(self.steps, 1)
            for place, tool in enumerate(step, 1)
        }


ERRANDS = (
    Errand("orders-1", "orders"),
    Errand("orders-2", "orders", (("look", "look"), ("put", "pay", "sign"), ("shell",))),
    Errand("orders-3", "orders"),  # arrives while orders-2 is under way, and is folded into it
    Errand("letters-1", "letters"),
    Errand("letters-2", "letters", repeated=True),
    Errand("letters-3", "letters", (("stamp", "pay"), ("order",))),
    Errand("rests-1", "rests", (("rest",), ("pay",))),
    Errand("failures-1", "failures", (("pay",),), fails=True),
    Errand("failures-2", "failures"),  # goes on while failures-1 waits for its next attempt
    Errand("talks-1", "talks", (("ask", "tell"),)),
)
TOLD = (Errand("talks-1.1.1", f"agent:{AGENT}/talks"), Errand("talks-1.1.2", f"agent:{AGENT}"))
"""What the other agent hears: each bears the label of the call that sends it."""
BY_NAME = {errand.name: errand for errand in (*ERRANDS, *TOLD)}


def errand_of(text: str) -> str:
    """The errand's name in the text of an event."""
    return str(json.loads(text)["errand"])


@dataclass(frozen=True, slots=True)
class Said:
    """What the model says at step `n` of a turn that `errand` opened; neither text nor calls: half an answer."""

    errand: str
    n: int
    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()


def say(messages: Sequence[Mapping[str, Any]]) -> Said:
    """The script: what comes next after these messages, in OpenAI's format."""
    turn = _last_turn(messages)
    asked = [json.loads(message["content"]) for message in turn if message["role"] == "user"]
    name, steps = asked[0]["errand"], asked[0]["steps"]
    n = 1 + sum(message["role"] == "assistant" for message in turn)
    if n <= len(steps):
        return Said(name, n, calls=tuple((tool, f"{name}.{n}.{place}") for place, tool in enumerate(steps[n - 1], 1)))
    if asked[0]["fails"]:
        return Said(name, n)
    return Said(name, n, "+".join(each["errand"] for each in asked))


def _last_turn(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What came after the last final answer."""
    turn: list[Mapping[str, Any]] = []
    for message in messages:
        turn.append(message)
        if message["role"] == "assistant" and not message.get("tool_calls"):
            turn = []
    return [message for message in turn if message["role"] != "system"]


def conversations() -> Iterator[str]:
    """Each conversation once, in the order they begin."""
    yield from dict.fromkeys(errand.conversation for errand in ERRANDS)
