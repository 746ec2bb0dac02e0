"""`anima ask`: an agent of the home is asked, and its answer printed.

Where the home is open the question is handed in at its door; where it is not, that one conversation is worked on here.
"""

import asyncio
import sys
from typing import Any

import click

from anima.cli.answer import choose_answer
from anima.cli.console import Quiet
from anima.cli.errand import Errand, Order
from anima.cli.inert import stripped
from anima.cli.message import Message, message_options
from anima.cli.outcome import named
from anima.cli.output import complain, print_json, stdout_for_answers
from anima.clock import SystemClock
from anima.errors import AnimaError, NotAnswered
from anima.runtime import door_of, knock, talk


@click.command(
    epilog="""\b
Examples:
  anima ask arya "What did I ask you yesterday?"
  anima ask arya "Sum this up" --attach notes.md --timeout 60 --json

\b
Exit status: that of `anima run`, and 6 when it was accepted and is not answered in time.
"""
)
@message_options
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds to wait for the answer [no end].")
def ask(timeout: float | None, **words: Any) -> int:
    """Give agent NAME a TEXT (`-`: read it from stdin) and print its answer."""
    message = Message(**words)
    text = message.read()
    if knock(door_of(message.home), {"do": "status"}) is None:
        return _ask_here(message, text, timeout)
    return _ask_there(message, text, timeout)


def _ask_here(message: Message, text: str, timeout: float | None) -> int:
    """Own the agent for as long as this conversation takes."""
    order = Order(
        message.settings,
        text,
        message.conversation,
        message.attach,
        message.as_json,
        events=False,
        quiet=message.as_json,
        verbose=False,
        stats=False,
        resume=False,
        home=message.home,
    )
    with stdout_for_answers() as out:
        errand = Errand(order, choose_answer(out, as_json=message.as_json, events=False), Quiet())
        try:
            return asyncio.run(asyncio.wait_for(errand.run(), timeout))
        except TimeoutError:
            turn = errand.last.turn if errand.last else None
            error: AnimaError = _unanswered(message, turn and "e" + turn[1:], turn)
        except (KeyboardInterrupt, asyncio.CancelledError):
            error = errand.interrupted()
        except AnimaError as failure:
            error = failure
        errand.view.pause()
        errand.answer.fail(error)
        return error.exit_status


def _ask_there(message: Message, text: str, timeout: float | None) -> int:
    """Ask the home that is open, and wait for the end of the turn."""
    clock, event, turn = SystemClock(), None, None
    end = None if timeout is None else clock.monotonic() + timeout
    lines = talk(door_of(message.home), {**message.wish, "do": "ask", "text": text}, timeout)
    try:
        for line in lines:
            event, turn = line.get("event", event), line.get("turn", turn)
            if "document" in line or not line["ok"]:
                return _finish(message, line)
            if end is not None and clock.monotonic() > end:
                break
    except TimeoutError:
        pass
    raise _unanswered(message, event, turn)


def _finish(message: Message, line: dict[str, Any]) -> int:
    """Print what came of it, and only then note that it was printed."""
    document = line.get("document", line)
    error = named(document)
    if message.as_json:
        print_json(document)
    else:
        if document.get("answer"):
            answer = str(document["answer"])
            sys.stdout.write((stripped(answer) if sys.stdout.isatty() else answer) + "\n")
            sys.stdout.flush()
        if error is not None:
            complain(error)
    if document.get("state") == "closed":
        knock(door_of(message.home), {"do": "printed", "turn": document["turn"]})
    return error.exit_status if error else 0


def _unanswered(message: Message, event: object, turn: object) -> NotAnswered:
    return NotAnswered(
        f"{message.name} has it and has not answered in time",
        f"`anima event show {event}` shows how it stands" if event else "ask again",
        agent=message.name,
        conversation=message.conversation,
        event=event,
        turn=turn,
        state="open",
        answer="",
    )
