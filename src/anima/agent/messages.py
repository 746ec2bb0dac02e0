"""Messages to other agents: what a call sends, with its label and the chain of agents it went through.

Pure, but for the names of who lives here. It does not know how a message is delivered.
"""

from dataclasses import replace

from anima.agent.faculties import Faculties
from anima.agent.labels import label_of
from anima.vocabulary import OWNER, Effect, EffectState, NewEvent, Origin, Tell, Turn

MOST_HOPS = 8
"""Agents a message may go through."""


def send(effect: Effect, tell: Tell, turn: Turn, me: Faculties) -> tuple[Effect, NewEvent | None]:
    """The call as it stands once its message is on disk, and the message; a refused one is told to the model."""
    origin = turn.events[0].origin
    chain = (*(origin.chain if origin else ()), turn.agent)
    if wrong := _wrong(tell, chain, turn, me):
        return replace(effect, state=EffectState.FAILED, finished=me.clock.now(), result=wrong, label=OWNER), None
    lane = f"agent:{turn.agent}"
    message = NewEvent(
        tell.agent,
        f"{lane}/{turn.conversation}" if tell.ask else lane,
        tell.text,
        label_of(turn),
        lane,
        effect.key,
        awaited=tell.ask,
        origin=Origin(chain, effect.id if tell.ask else None),
    )
    if tell.ask:
        return replace(effect, state=EffectState.WAITING), message
    told = f"{tell.agent} has your message."
    return replace(effect, state=EffectState.DONE, finished=me.clock.now(), result=told, label=OWNER), message


def _wrong(tell: Tell, chain: tuple[str, ...], turn: Turn, me: Faculties) -> str:
    names = me.neighbours.names()
    if tell.agent == turn.agent:
        return "That is you."
    if tell.agent not in names:
        return f"No agent is called {tell.agent!r} here. There are: {', '.join(names)}."
    if tell.ask and tell.agent in chain:
        return f"{tell.agent} is waiting for this very answer; asking back would wait for ever."
    if len(chain) >= MOST_HOPS:
        return f"This message has gone through {len(chain)} agents; it goes no further."
    return ""
