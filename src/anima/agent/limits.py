"""Limits of one turn: steps, seconds of active time, tokens, dollars. Pure; waits are not active time.

A summary is no part of the turn it was made in: making room must not be what ends it. This module does not know what
happens when a limit is reached.
"""

from dataclasses import dataclass

from anima.agent.faculties import Faculties
from anima.vocabulary import Turn, Usage


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that ends a turn: its name (`steps`, `seconds`, `tokens`, `dollars`), and what the person is told."""

    name: str
    sentence: str


def limit_reached(turn: Turn, me: Faculties) -> Limit | None:
    """The first limit this turn has reached, or None. Asked before every model call."""
    thoughts = [step for step in turn.steps if step.kind == "think"]
    if len(thoughts) >= me.think.max_iterations:
        return Limit("steps", f"Stopped after {len(thoughts)} model calls (think.max_iterations).")
    if seconds_left(turn, me) <= 0:
        return out_of_time(me)
    usage = sum((step.usage for step in thoughts), Usage())
    if me.limits.tokens is not None and usage.input + usage.output >= me.limits.tokens:
        return Limit("tokens", f"Stopped after {usage.input + usage.output} tokens (limits.tokens).")
    if me.limits.dollars is not None and (usage.dollars or 0.0) >= me.limits.dollars:
        return Limit("dollars", f"Stopped after {usage.dollars:.4f} dollars (limits.dollars).")
    return None


def out_of_time(me: Faculties) -> Limit:
    """The limit of active time."""
    return Limit("seconds", f"Stopped after {me.limits.seconds:g} seconds (limits.seconds).")


def seconds_left(turn: Turn, me: Faculties) -> float:
    """Active seconds this turn may still take: model calls and tools so far are counted, waits are not."""
    thought = sum(step.seconds for step in turn.steps if step.kind == "think")
    acted = sum(effect.seconds for effect in turn.effects)
    return me.limits.seconds - thought - acted
