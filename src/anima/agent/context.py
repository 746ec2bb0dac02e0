"""Context: exactly what the model is shown, built so that its prefix stays the same bytes from step to step.

Persona, tools, the turns before, this turn. The window over earlier turns moves in jumps: it grows to twice
`history_turns`, then is cut back to it. This module does not know any provider's format.
"""

import asyncio
from collections.abc import Mapping, Sequence

from anima.agent.faculties import Faculties
from anima.vocabulary import Attachment, Context, Event, Image, Message, Step, ToolCall, Turn

INLINE = 20_000
"""Characters of an attached text that are shown; the rest is left out, visibly."""


class Past:
    """The earlier turns of one conversation, as messages; kept while the conversation is hot."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._turns: list[tuple[Message, ...]] = []

    @classmethod
    async def read(cls, turn: Turn, me: Faculties) -> "Past":
        """What was said before `turn`, from the journal."""
        past = cls(me.think.history_turns)
        most = max(2 * past._window - 1, 0)
        before = turn.events[0].number
        if before == 1 and not turn.conversation.startswith("fork:"):
            return past
        turns, total = await me.journal.history(turn.agent, turn.conversation, before, most)
        if most and total > most:
            turns = turns[-(past._window + (total - past._window) % past._window) :]
        for earlier in turns:
            past._turns.append(tuple(messages(earlier, await _files(earlier.events, me))))
        me.doubtful[turn.conversation] = await me.journal.unknowns(turn.agent, turn.conversation)
        return past

    def add(self, transcript: "Transcript") -> None:
        """One more turn has closed."""
        if not self._window:
            return
        self._turns.append(transcript.own)
        if len(self._turns) >= 2 * self._window:
            self._turns = self._turns[-self._window :]

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(message for turn in self._turns for message in turn)


class Transcript:
    """The messages of one turn behind those of its past; grows with the turn, and no message is made twice."""

    def __init__(self, past: Past) -> None:
        self._past = past.messages
        self._own: list[Message] = []
        self._events = self._steps = 0

    @property
    def own(self) -> tuple[Message, ...]:
        return tuple(self._own)

    async def context(self, turn: Turn, me: Faculties) -> Context:
        """What the model is shown for the next step of `turn`; every call so far must be answered."""
        await self._follow(turn, me)
        return Context(me.system, (*self._past, *self._own), me.tools.specs)

    async def close(self, turn: Turn, me: Faculties) -> None:
        """Take in the turn's end, so that the next turn sees it."""
        await self._follow(turn, me)
        if turn.notice:
            self._own.append(Message("assistant", turn.notice))

    async def _follow(self, turn: Turn, me: Faculties) -> None:
        events, steps = turn.events[self._events :], turn.steps[self._steps :]
        self._events, self._steps = len(turn.events), len(turn.steps)
        self._own += _weave(events, steps, await _files(events, me))


def messages(turn: Turn, files: Mapping[str, bytes]) -> list[Message]:
    """A whole turn as messages. `files` holds the attachments' bytes by hash."""
    own = _weave(turn.events, turn.steps, files)
    return [*own, Message("assistant", turn.notice)] if turn.notice else own


def _weave(events: Sequence[Event], steps: Sequence[Step], files: Mapping[str, bytes]) -> list[Message]:
    """Each event stands before the step that saw it first."""
    woven: list[Message] = []
    waiting = list(events)
    for step in steps:
        while waiting and waiting[0].step <= step.n:
            woven.append(_heard(waiting.pop(0), files))
        if step.kind == "think":
            woven += _thought(step)
    return woven + [_heard(event, files) for event in waiting]


def _thought(step: Step) -> list[Message]:
    calls = tuple(ToolCall(effect.tool, effect.arguments, effect.call_id, effect.unparsed) for effect in step.effects)
    said = Message("assistant", step.text, reasoning=step.reasoning, calls=calls)
    results = [
        Message("tool", effect.result or "", call_id=effect.call_id, tool=effect.tool, ok=effect.state == "done")
        for effect in step.effects
    ]
    return [said, *results]


def _heard(event: Event, files: Mapping[str, bytes]) -> Message:
    images: list[Image] = []
    texts = [event.text]
    for file in event.attachments:
        if file.mime.startswith("image/"):
            images.append(Image(file.mime, files[file.hash]))
        else:
            texts.append(_attached(file, files[file.hash]))
    return Message("user", "\n\n".join(texts), tuple(images))


def _attached(file: Attachment, data: bytes) -> str:
    head = f"[Attached file {file.name!r}, {file.mime}, {file.size} bytes"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return head + "; not text, not shown]"
    if len(text) > INLINE:
        return f"{head}; the first {INLINE} characters:]\n{text[:INLINE]}"
    return f"{head}:]\n{text}"


async def _files(events: Sequence[Event], me: Faculties) -> dict[str, bytes]:
    files = [file for event in events for file in event.attachments]
    return {file.hash: await asyncio.to_thread(me.read_file, file) for file in files}
