"""What may be asked at the door of a home in which a runtime lives: each wish and what is done about it.

This module does not know how wishes come in, nor what the command line makes of the answers.
"""

from asyncio import Event
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from anima.errors import UsageError
from anima.runtime.door import Line, Wish
from anima.runtime.runtime import Runtime
from anima.store import Standing
from anima.vocabulary import OWNER, Closed, NewEvent, Progress

Told = Callable[[Progress], Line]
"""News of a turn as a line of machine output."""


class Reception:
    """Answers wishes by a runtime. `status`, `reload` and `end` are asked of whoever keeps the home alive."""

    def __init__(
        self,
        runtime: Runtime,
        told: Told,
        status: Callable[[], Line],
        reload: Callable[[], Awaitable[Line]],
        end: Callable[[Wish], None],
    ) -> None:
        self._runtime = runtime
        self._told = told
        self._status = status
        self._reload = reload
        self._end = end

    async def answer(self, wish: Wish) -> AsyncGenerator[Line, None]:
        """The lines that answer a wish. Raises UsageError for one nobody knows, or what doing it raises."""
        match wish:
            case {"do": "ask", "agent": str(), "text": str()}:
                async with aclosing(self._ask(wish)) as lines:
                    async for line in lines:
                        yield line
            case {"do": "watch", "conversation": str(conversation)}:
                async with aclosing(self._watch(conversation)) as lines:
                    async for line in lines:
                        yield line
            case {"do": "post", "agent": str(), "text": str()}:
                yield await self._post(wish)
            case {"do": "look", "agent": str(agent)}:
                self._runtime.household.look(agent)
                yield {}
            case {"do": "printed", "turn": str(turn)}:
                await self._runtime.printed(turn)
                yield {"turn": turn}
            case {"do": "stop_turn", "turn": str(turn)}:
                await self._runtime.stop_turn(turn)
                yield {"turn": turn}
            case {"do": "settle", "agent": str(agent), "standing": str(standing)} if standing in [*Standing]:
                await self._runtime.household.settle(agent, Standing(standing))
                yield {"agent": agent}
            case {"do": "status"}:
                yield self._status()
            case {"do": "reload"}:
                yield await self._reload()
            case {"do": "end"}:
                self._end(wish)
                yield {}
                await Event().wait()  # whoever asked hears of the end by the end of this connection
            case _:
                raise UsageError(
                    f"nobody here knows the wish {wish.get('do')!r}", "use one version of anima on both sides"
                )

    async def _post(self, wish: Wish) -> Line:
        posted = await self._runtime.household.post(self._event(wish))
        return {"event": posted.event.id, "duplicate": posted.duplicate}

    async def _ask(self, wish: Wish) -> AsyncGenerator[Line, None]:
        """Which event it is, once that is on disk; then the news of its turn, the last of which is its end."""
        new = replace(self._event(wish), awaited=True)
        watch = self._runtime.gallery.watch(lambda news: news.agent == new.agent)
        try:
            posted = await self._runtime.household.post(new)
            turn = "t" + posted.event.id[1:]
            yield {"type": "accepted", "agent": new.agent, "conversation": new.conversation, "event": posted.event.id}
            async for news in watch:
                if news.turn == turn:
                    yield self._told(news)
                    if isinstance(news, Closed):
                        return
        finally:
            watch.close()

    async def _watch(self, conversation: str) -> AsyncGenerator[Line, None]:
        """That somebody looks, then the news of everybody's turns in one conversation, without end."""
        watch = self._runtime.gallery.watch(lambda news: news.conversation == conversation)
        try:
            yield {"type": "watching", "conversation": conversation}
            async for news in watch:
                yield self._told(news)
        finally:
            watch.close()

    def _event(self, wish: Wish) -> NewEvent:
        """The event that a wish is about; whoever comes in by this door is the owner."""
        attachments = wish.get("attachments")
        files = [str(each) for each in attachments] if isinstance(attachments, list) else []
        id = wish.get("id")
        return NewEvent(
            str(wish["agent"]),
            str(wish.get("conversation") or "cli:main"),
            str(wish["text"]),
            OWNER,
            str(wish.get("source") or "cli"),
            None if id is None else str(id),
            tuple(self._runtime.keep_file(Path(path)) for path in files),
        )
