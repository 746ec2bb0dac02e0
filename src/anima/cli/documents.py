"""Turns and progress as documents: the fixed words of machine output (contracts), written in one place.

This module does not know where a document goes.
"""

from dataclasses import fields

from anima.clock import iso
from anima.errors import AnimaError
from anima.vocabulary import Closed, Effect, EffectState, Event, Progress, Step, StepDone, Turn, TurnState, Usage

Document = dict[str, object]


def run_document(turn: Turn, error: AnimaError | None = None) -> Document:
    """What `run --json` prints: a turn as its asker sees it. `seconds` is active time: models and tools, no waits."""
    document: Document = {
        "ok": error is None,
        "agent": turn.agent,
        "conversation": turn.conversation,
        "event": turn.events[0].id,
        "turn": turn.id,
        "state": turn.state,
        "answer": answer_of(turn),
        "steps": len(turn.steps),
        "usage": usage_document(turn.usage),
        "model": turn.steps[-1].model if turn.steps else None,
        "seconds": round(active_seconds(turn), 3),
        "denied": [
            {"id": effect.id, "tool": effect.tool, "arguments": dict(effect.arguments)} for effect in denied(turn)
        ],
        "unknown": [effect.id for effect in turn.effects if effect.state == EffectState.UNKNOWN],
    }
    if error is not None:
        document["error"] = {"type": error.type, "message": error.message, "hint": error.hint}
    return document


def answer_of(turn: Turn) -> str:
    """What a closed turn sends back; words of one that did not close are no answer."""
    return turn.answer if turn.state == TurnState.CLOSED else ""


def denied(turn: Turn) -> list[Effect]:
    """The calls of a turn that somebody or the policy refused."""
    return [effect for effect in turn.effects if effect.state == EffectState.DENIED]


def active_seconds(turn: Turn) -> float:
    """Seconds its models and tools took; waits are not counted."""
    return sum(step.seconds for step in turn.steps) + sum(effect.seconds for effect in turn.effects)


def usage_document(usage: Usage) -> Document:
    return {"input": usage.input, "output": usage.output, "cached": usage.cached, "dollars": usage.dollars}


def turn_headline(turn: Turn) -> Document:
    """A turn in a list."""
    return {
        "id": turn.id,
        "agent": turn.agent,
        "conversation": turn.conversation,
        "state": turn.state,
        "opened": iso(turn.opened),
        "closed": iso(turn.closed),
    }


def turn_document(turn: Turn) -> Document:
    """A turn whole: its events, every step, every effect."""
    return {
        **turn_headline(turn),
        "events": [event_document(event) for event in turn.events],
        "steps": [_step_document(step) for step in turn.steps],
        "answer": answer_of(turn),
        "usage": usage_document(turn.usage),
        "limit": turn.limit,
        "error": turn.error,
        "printed": iso(turn.printed),
    }


def event_document(event: Event) -> Document:
    """An event as in `event list`."""
    return {
        "id": event.id,
        "agent": event.agent,
        "conversation": event.conversation,
        "source": event.source,
        "text": event.text,
        "state": event.state,
        "turn": event.turn,
        "time": iso(event.time),
        "attempts": event.attempts,
        "attachments": [file.name for file in event.attachments],
    }


def _step_document(step: Step) -> Document:
    return {
        "n": step.n,
        "kind": step.kind,
        "model": step.model,
        "usage": usage_document(step.usage),
        "text": step.text,
        "stop": step.stop,
        "time": iso(step.time),
        "seconds": round(step.seconds, 3),
        "context": step.context,
        "recipe": step.recipe,
        "effects": [_effect_document(effect) for effect in step.effects],
    }


def _effect_document(effect: Effect) -> Document:
    return {
        "id": effect.id,
        "key": effect.key,
        "tool": effect.tool,
        "arguments": dict(effect.arguments),
        "class": effect.effect_class,
        "decision": effect.decision,
        "state": effect.state,
        "attempts": effect.attempts,
        "begun": iso(effect.begun),
        "finished": iso(effect.finished),
        "seconds": round(effect.seconds, 3),
        "result": effect.result,
        "trust": effect.label.trust.name.lower() if effect.label else None,
    }


def progress_document(news: Progress, error: AnimaError | None = None) -> Document:
    """One line of `--events`. The last one, `closed`, holds the run's document; `error` is how the run ended."""
    line: Document = {"type": news.type}
    for field in fields(news):
        if field.name not in ("result", "error") or not isinstance(news, Closed):
            line[field.name] = getattr(news, field.name)
    line["time"] = iso(news.time)
    if isinstance(news, StepDone):
        line["usage"] = usage_document(news.usage)
    if isinstance(news, Closed):
        line["document"] = run_document(news.result, error)
    return line
