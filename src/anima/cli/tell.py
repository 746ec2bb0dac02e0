"""`anima tell`: words for an agent of the home, on disk before the command ends; nobody waits for the answer.

Where the home is open they are handed in at its door; where it is not, they wait in its store for the next start.
"""

from typing import Any

import click

from anima.cli.message import Message, message_options
from anima.cli.outcome import named
from anima.cli.output import print_json, say
from anima.clock import Clock, SystemClock
from anima.runtime import door_of, knock
from anima.store import Disk, Files, Posted, command, residents, upkeep
from anima.store.mailbox import post
from anima.vocabulary import OWNER, NewEvent

SOURCE = "tell"


@click.command(
    epilog="""\b
Examples:
  anima tell arya "The parcel has come" --id parcel-17
  tail -1 build.log | anima tell arya - --conversation builds
"""
)
@message_options
@click.option("--id", help="Your own id for it: the same id twice is one event.")
def tell(id: str | None, **words: Any) -> int:
    """Give agent NAME a TEXT (`-`: read it from stdin); prints the event's id once it is on disk."""
    message, clock = Message(**words), SystemClock()
    key = id or clock.new_key()  # should the door be slow to answer, it is not told twice
    wish = {**message.wish, "do": "post", "text": message.read(), "source": SOURCE, "id": key}
    told = knock(door_of(message.home), wish)
    if told is None:
        posted = _leave(message, str(wish["text"]), key, clock)
        knock(door_of(message.home), {"do": "look", "agent": message.name})  # it may have been opened meanwhile
        told = {"ok": True, "event": posted.event.id, "duplicate": posted.duplicate}
    if error := named(told):
        raise error
    if message.as_json:
        print_json(told)
    else:
        say(f"event {told['event']} {'was there before' if told['duplicate'] else 'is on disk'}")
    return 0


def _leave(message: Message, text: str, key: str, clock: Clock) -> Posted:
    """Put the event into the store of a home that is not open. Raises NotFound, DuplicateEvent, StoreFull."""
    home, name = message.home, message.name
    files = tuple(Files(home / "files").keep(path) for path in message.attach)
    new = NewEvent(name, message.conversation, text, OWNER, SOURCE, key, files)
    with command.changing(home / "anima.db", fresh=True) as db:
        Disk().refuse_if_low(home / "anima.db")
        agent = upkeep.agent(db, name)
        if agent is None and message.settings.is_file():
            residents.enroll(db, [(name, clock.new_key())], clock.now(), None)
            agent = upkeep.agent(db, name)
        assert agent is not None
        return post(db, agent, new, clock.now(), claim=False)
