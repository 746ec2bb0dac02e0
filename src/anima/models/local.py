"""A model in a child process of our own: llama.cpp with any GGUF file.

It speaks llama.cpp's dialect of OpenAI's wire format, and reads tool calls and answers out of the JSON that a grammar
forces on the model. It does not know how the child is kept, nor how a context becomes a prompt.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing
from typing import Any

from anima.clock import Clock
from anima.models import openai
from anima.models.answer_text import AnswerText
from anima.models.encoding import encoded, parse
from anima.models.llama import Llama
from anima.models.prices import FREE
from anima.models.prompt import Prompt, prompt_of
from anima.models.wire import Endpoint, HttpModel
from anima.settings import ModelRef
from anima.vocabulary import Chunk, Context, Stop, Text, ToolCall, Usage

SMALL = 1_000_000_000
"""Bytes of a GGUF file below which a model is led by the hand."""
SMALL_OUTPUT = 256
"""Tokens of a small model's answer where nobody set a bound: it does not know when to stop."""
_STOPS = ["<|im_start|>", "<|im_end|>", "\n\nUser:", "\n\nHuman:"]


class LocalModel:
    """The model of one GGUF file. Nothing runs before it is asked."""

    def __init__(self, ref: ModelRef, llama: Llama, clock: Clock) -> None:
        self.name = ref.name
        self._ref = ref
        self._llama = llama
        self._clock = clock

    async def stream(self, context: Context) -> AsyncGenerator[Chunk, None]:
        """The answer, letter by letter; a tool call when it is whole."""
        serving = await self._llama.serve()
        small = self._llama.gguf.stat().st_size < SMALL
        most = context.max_output or self._ref.max_output or (SMALL_OUTPUT if small else None)
        dialect = Asked(prompt_of(context, self._llama.context, small), self._ref.temperature or 0.0, most)
        endpoint = Endpoint(serving.url, serving.client, lambda: serving.key, self._ref.timeout)
        async with aclosing(HttpModel(self.name, endpoint, dialect, self._clock).stream(context)) as chunks:
            async for chunk in chunks:
                yield chunk


class Asked:
    """llama.cpp's dialect, for one prompt."""

    path = "/v1/chat/completions"

    def __init__(self, prompt: Prompt, temperature: float, most: int | None) -> None:
        self._prompt = prompt
        self._temperature = temperature
        self._most = most

    def headers(self, key: str | None) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    def body(self, context: Context) -> Iterator[bytes]:  # noqa: ARG002 the prompt was made of it
        request: dict[str, Any] = {
            "messages": self._prompt.lines,
            "temperature": self._temperature,
            "stop": _STOPS,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._most is not None:
            request["max_tokens"] = self._most
        if self._prompt.schema is not None:
            shape = {"name": "reply", "schema": self._prompt.schema}
            request["response_format"] = {"type": "json_schema", "json_schema": shape}
        if self._prompt.loose:
            request["repeat_penalty"] = 1.1
        elif self._prompt.schema is None:
            request["stop"] = [*_STOPS, "\n\n"]
        yield encoded(request)

    def reader(self) -> "Reading":
        return Reading(in_json=self._prompt.schema is not None)


class Reading:
    """Reads one streamed answer, plain or in JSON."""

    def __init__(self, in_json: bool) -> None:
        self._plain = openai.Reading(FREE)
        self._answer = AnswerText() if in_json else None
        self._called = False

    @property
    def stop(self) -> Stop | None:
        return "calls" if self._called else self._plain.stop

    @property
    def ended(self) -> bool:
        return self._plain.ended

    def read(self, piece: Mapping[str, Any]) -> Iterable[Chunk]:
        chunks = self._plain.read(piece)
        return chunks if self._answer is None else [self._letters(self._answer, chunk) for chunk in chunks]

    def end(self) -> list[ToolCall]:
        """The call, if it was one; half a call, cut off by the bound on the answer, is none."""
        try:
            reply = parse(self._answer.written) if self._answer else {}
        except ValueError:
            return []
        if "tool" not in reply:
            return []
        self._called = True
        return [ToolCall(reply["tool"], reply["args"])]

    def usage(self) -> Usage:
        return self._plain.usage()

    def _letters(self, answer: AnswerText, chunk: Chunk) -> Chunk:
        return Text(answer.feed(chunk.text)) if isinstance(chunk, Text) else chunk
