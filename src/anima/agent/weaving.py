"""Turns as messages: events as the user's, thoughts as the assistant's, each call with its result.

A message is made of rows alone, so that it is the same bytes whenever it is made. This module does not know which
turns are shown.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from anima.agent.faculties import Faculties
from anima.vocabulary import Attachment, Event, Image, Message, Step, ToolCall, Turn

Files = Mapping[str, bytes]
Note = Callable[[float], str]

INLINE = 20_000
"""Characters of an attached text that are shown; the rest is left out, visibly."""
PICTURE = 1_000
"""Tokens a picture is taken for."""


def size(told: Sequence[Message]) -> int:
    """About how many tokens these messages are: a quarter of their characters, and a page of text for a picture."""
    return sum(_characters(message) // 4 + PICTURE * len(message.images) + 4 for message in told)


def _characters(message: Message) -> int:
    reasons = sum(len(piece.text) for piece in message.reasoning)
    return len(message.text) + reasons + sum(len(call.name) + len(str(call.arguments)) for call in message.calls)


def clipped(text: str, most: int) -> str:
    """The text, or its beginning and how much of it is left out."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} characters more)"


def messages(turn: Turn, files: Files, note: Note) -> list[Message]:
    """A whole turn as messages. `files` holds the attachments' bytes by hash, `note` is told with each event."""
    own = weave(turn.events, turn.steps, files, note)
    return [*own, Message("assistant", turn.notice)] if turn.notice else own


def weave(events: Sequence[Event], steps: Sequence[Step], files: Files, note: Note) -> list[Message]:
    """Each event stands before the step that saw it first."""
    woven: list[Message] = []
    waiting = list(events)
    for step in steps:
        while waiting and waiting[0].step <= step.n:
            woven.append(_heard(waiting.pop(0), files, note))
        if step.kind == "think":
            woven += _thought(step)
    return woven + [_heard(event, files, note) for event in waiting]


def _thought(step: Step) -> list[Message]:
    calls = tuple(ToolCall(effect.tool, effect.arguments, effect.call_id, effect.unparsed) for effect in step.effects)
    said = Message("assistant", step.text, reasoning=step.reasoning, calls=calls)
    results = [
        Message("tool", effect.result or "", call_id=effect.call_id, tool=effect.tool, ok=effect.state == "done")
        for effect in step.effects
    ]
    return [said, *results]


def _heard(event: Event, files: Files, note: Note) -> Message:
    images: list[Image] = []
    texts = [event.text]
    for file in event.attachments:
        if file.mime.startswith("image/"):
            images.append(Image(file.mime, files[file.hash]))
        else:
            texts.append(_attached(file, files[file.hash]))
    texts.append(note(event.time))
    return Message("user", "\n\n".join(filter(None, texts)), tuple(images))


def _attached(file: Attachment, data: bytes) -> str:
    head = f"[Attached file {file.name!r}, {file.mime}, {file.size} bytes"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return head + "; not text, not shown]"
    if len(text) > INLINE:
        return f"{head}; the first {INLINE} characters:]\n{text[:INLINE]}"
    return f"{head}:]\n{text}"


async def files_of(events: Sequence[Event], me: Faculties) -> dict[str, bytes]:
    files = [file for event in events for file in event.attachments]
    return {file.hash: await asyncio.to_thread(me.read_file, file) for file in files}
