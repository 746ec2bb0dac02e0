"""A thought: one model call, its chunks gathered into a step.

It does not know what becomes of the step.
"""

from collections.abc import AsyncGenerator
from functools import cached_property

from anima import faults
from anima.agent.faculties import Faculties
from anima.errors import MalformedAnswer
from anima.vocabulary import (
    Chunk,
    Context,
    Fallback,
    FellBack,
    Finish,
    Reasoning,
    Retried,
    Retry,
    Step,
    StepDone,
    Text,
    Token,
    ToolCall,
    Turn,
    Usage,
)


class Thought:
    """What a model says to one context. `step` is what it has said so far, `calls` the tools it asks for.

    `recipe` names the rows that the context was made of.
    """

    def __init__(self, turn: Turn, context: Context, me: Faculties, recipe: str = "") -> None:
        self.n = len(turn.steps) + 1
        self.calls: list[ToolCall] = []
        self._turn, self._context, self._me = turn, context, me
        self._recipe = f"{me.recipe} {recipe}".rstrip()
        self._time, self._started = me.clock.now(), me.clock.monotonic()
        self._texts: list[str] = []
        self._reasons: list[Reasoning] = []
        self._musing: list[str] = []
        self._finish: Finish | None = None

    async def follow(self) -> None:
        """Listen to the model until it has finished. Raises ModelError; what was said until then is kept."""
        stream = self._me.model.stream(self._context)
        try:
            async for chunk in stream:
                self._take(chunk)
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
        if self._finish is None:
            raise MalformedAnswer("the model's answer has no end", "try again, or use another model")
        faults.reach("model.called")
        step = self.step
        self._tell(
            StepDone, model=step.model, usage=step.usage, seconds=step.seconds, messages=len(self._context.messages)
        )

    @cached_property
    def step(self) -> Step:
        """What was said, as it stands when first asked for: complete once `follow` has returned, cut off before."""
        finish = self._finish or Finish("length", Usage(), "unknown/cut-off")
        return Step(
            self.n,
            finish.model,
            "".join(self._texts),
            finish.usage,
            finish.stop,
            self._context.digest,
            self._time,
            self._me.clock.monotonic() - self._started,
            self._context.purpose,
            self._recipe,
            reasoning=(*self._reasons, *([Reasoning("".join(self._musing))] if self._musing else [])),
        )

    def _take(self, chunk: Chunk) -> None:
        match chunk:
            case Text(text):
                self._texts.append(text)
                self._tell(Token, text=text)
            case Reasoning(text):
                self._reason(chunk)
                self._tell(Token, text=text, reasoning=True)
            case ToolCall():
                self.calls.append(chunk)
            case Finish():
                self._finish = chunk
            case Retry(model, error, delay, attempt):
                self._start_over()
                self._tell(Retried, model=model, error=error, delay=delay, attempt=attempt)
            case Fallback(model, error, following):
                self._start_over()
                self._tell(FellBack, model=model, error=error, next=following)

    def _reason(self, piece: Reasoning) -> None:
        """Pieces belong together until one carries the provider's proof."""
        self._musing.append(piece.text)
        if piece.proof:
            self._reasons.append(Reasoning("".join(self._musing), piece.proof))
            self._musing = []

    def _start_over(self) -> None:
        self._texts, self._reasons, self._musing, self.calls = [], [], [], []

    def _tell(self, kind: type, **news: object) -> None:
        if kind is Token and self._context.purpose != "think":
            return  # no part of the answer
        self._me.tell(kind, self._turn, self.n, **news)
