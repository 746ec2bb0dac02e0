"""For your tests: a model that says what you scripted, a clock you turn, a store in memory.

model = ScriptedModel([Answer(calls=[ToolCall("add", {"a": 1, "b": 2})]), Answer("3")])
async with Runtime(agents=[Agent("arya", model=model, tools=[add])]) as runtime:   # no home: nothing is kept
    assert await runtime.ask("arya", "1 + 2?") == "3"
    assert model.contexts[1].messages[-1].text == "3"
"""

import asyncio
import heapq
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from anima.errors import ModelError
from anima.vocabulary import Chunk, Context, Finish, Text, ToolCall, Usage

__all__ = ["Answer", "FakeClock", "Script", "ScriptedModel", "ToolCall"]


@dataclass(frozen=True)
class Answer:
    """What a scripted model says once: text, calls, or an error; `usage` is what it claims to have cost."""

    text: str = ""
    calls: Sequence[ToolCall] = ()
    usage: Usage = field(default_factory=lambda: Usage(10, 5))
    error: ModelError | None = None


Script = Callable[[Context], Answer | str]


class ScriptedModel:
    """Plays a list of answers in order, or asks a function of the context for each.

    `contexts` are all it was shown. Beyond the end of its list it raises AssertionError. With a list, what it is asked
    to summarise is not played from it: it gives `summary`, and keeps those contexts in `summarised`.
    """

    def __init__(self, script: Sequence[Answer | str] | Script, summary: Answer | str = "They talked.") -> None:
        self.contexts: list[Context] = []
        self.summarised: list[Context] = []
        self._script = script
        self._summary = summary

    async def stream(self, context: Context) -> AsyncGenerator[Chunk, None]:
        """The next answer, its text in two pieces."""
        answer = self._next(context)
        if answer.error is not None:
            raise answer.error
        middle = len(answer.text) // 2
        for piece in (answer.text[:middle], answer.text[middle:]):
            if piece:
                yield Text(piece)
        for call in answer.calls:
            yield call
        yield Finish("calls" if answer.calls else "end", answer.usage, "scripted/model")

    def _next(self, context: Context) -> Answer:
        if context.purpose == "summary" and not callable(self._script):
            self.summarised.append(context)
            return Answer(self._summary) if isinstance(self._summary, str) else self._summary
        self.contexts.append(context)
        if callable(self._script):
            answer = self._script(context)
        else:
            place = len(self.contexts) - 1
            assert place < len(self._script), f"the script has {len(self._script)} answers and was asked once more"
            answer = self._script[place]
        return Answer(answer) if isinstance(answer, str) else answer


class FakeClock:
    """A clock that moves only by `advance`. Keys are numbered, chance is always one half."""

    def __init__(self, start: float = 1_750_000_000.0) -> None:
        self._now = start
        self._passed = 0.0
        self._keys = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._passed

    def set(self, now: float) -> None:
        """Set the wall clock, as an operator would; nobody's sleep changes."""
        self._now = now

    async def advance(self, seconds: float) -> None:
        """Let time pass; whoever sleeps until then wakes, in order, and runs before this returns."""
        target = self._passed + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, sleeper = heapq.heappop(self._sleepers)
            self._move(due)
            if not sleeper.done():
                sleeper.set_result(None)
            await self._settle()
        self._move(target)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        self._keys += 1
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._passed + seconds, self._keys, sleeper))
        await sleeper

    def new_key(self) -> str:
        self._keys += 1
        return f"key{self._keys:023d}"

    def chance(self) -> float:
        return 0.5

    def _move(self, passed: float) -> None:
        self._now += passed - self._passed
        self._passed = passed

    async def _settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
