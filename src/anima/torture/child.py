"""The program that is killed: a home with one agent, who does every errand; its replies are handed to the ledger.

Usage: python -m anima.torture.child HOME PORT PLACE PARALLEL. It lives until every errand is answered or set aside,
and ends when its standard input does. With `parallel` 1 it works on one conversation at a time, so that the n-th
crossing of a point is the same moment in every run; it then also leaves its runtime once, in the middle of a turn,
and enters it again.
"""

import asyncio
import os
import sys
import threading
from pathlib import Path

from anima import faults
from anima.runtime import Agent, Runtime
from anima.settings import ModelRef, RetrySettings
from anima.tools.messages import ask_agent, tell_agent
from anima.tools.shell import shell
from anima.tools.tool import Tool, tool
from anima.torture.door import Door
from anima.torture.workload import AGENT, ERRANDS, GRANTED, OTHER, SOURCE, conversations
from anima.vocabulary import Call, EventState

ENDED = (EventState.ANSWERED, EventState.DEAD, EventState.DROPPED)
DELAYS = (0.02, 0.02, 0.02)
"""Seconds between the attempts of an event that fails."""


class Child:
    """One life. `stays` is how many runtimes it may yet leave in the middle of a turn."""

    def __init__(self, home: Path, door: Door, parallel: int) -> None:
        self._home = home
        self._door = door
        self._parallel = parallel
        self._leave = asyncio.Event()
        self._stays = 1 if parallel == 1 else 0

    async def live(self) -> None:
        """Post, work, deliver; from wherever the last life ended."""
        self._events = await self._tell("born")
        while True:
            async with self._runtime() as runtime:
                await self._post(runtime)
                if not await self._settle(runtime):
                    self._stays, self._leave = 0, asyncio.Event()
                    continue
                await self._deliver(runtime)
            break
        await self._tell("end", left=faults.left())

    def _runtime(self) -> Runtime:
        model = ModelRef("openai", "scripted", base_url=self._door.model, timeout=60.0)
        python = Path(sys.executable)
        agent = Agent(
            AGENT,
            model=model,
            tools=self._tools(),
            grants=[f"shell:'{python}' -I -S {GRANTED} *"],
            retry=RetrySettings(max_retries=0, event_delays=DELAYS),
            parallel=self._parallel,
        )
        other = Agent(OTHER, model=model, retry=agent.retry, parallel=self._parallel)
        return Runtime(self._home, [agent, other], approve=self._approve)

    async def _tell(self, kind: str, **facts: object) -> dict[str, str]:
        return await asyncio.to_thread(self._door.tell, kind, **facts)

    async def _post(self, runtime: Runtime) -> None:
        """As a careful sender does: again what nobody said yes to; and some again though somebody did."""
        for errand in ERRANDS:
            if errand.repeated or errand.name not in self._events:
                event = await runtime.post(
                    AGENT, errand.text, conversation=errand.conversation, id=errand.name, source=SOURCE
                )
                self._events = await self._tell("posted", errand=errand.name, event=event)
        parcel = self._home / "agents" / AGENT / "workspace" / GRANTED
        kept = await asyncio.to_thread(runtime.keep_file, parcel)
        await self._tell("kept", hash=kept.hash)
        await self._tell("ready")

    async def _settle(self, runtime: Runtime) -> bool:
        """Until every event has ended; False when the runtime is to be left before."""
        waiting = list(self._events.values())
        while waiting and not self._leave.is_set():
            event = await runtime.store.event(waiting[0])
            if event is None or event.state in ENDED:  # one that is not there is the audit's business
                waiting.pop(0)
            else:
                await asyncio.sleep(0.005)
        while not waiting and await runtime.store.pending(OTHER):
            await asyncio.sleep(0.005)
        return not waiting

    async def _deliver(self, runtime: Runtime) -> None:
        for conversation in conversations():
            while turn := await runtime.store.unprinted(AGENT, conversation, SOURCE):
                await self._tell("reply", turn=turn.id, text=turn.answer)
                await runtime.printed(turn.id)

    async def _approve(self, call: Call) -> bool:
        await self._tell("asked", command=call.arguments["command"])
        return True

    def _tools(self) -> list[Tool]:
        """Tools of every class, on the loop and in threads; each tells the ledger before it returns."""

        @tool(effect="read", result="trusted")
        async def look(label: str) -> str:
            """Look."""
            return await self._effect(label)

        @tool(effect="read", result="trusted")
        async def rest(label: str) -> str:
            """Rest: in the first runtime of a life, until it is left."""
            if self._stays:
                self._leave.set()
                await asyncio.Event().wait()
            return await self._effect(label)

        @tool(effect="idempotent", result="trusted")
        async def put(label: str, call: Call) -> str:
            """Put."""
            return await self._effect(label, call.effect_key)

        @tool(effect="idempotent", result="trusted")
        def stamp(label: str, call: Call) -> str:
            """Stamp."""
            self._door.tell("effect", label=label, key=call.effect_key)
            return f"did {label}"

        @tool(result="trusted")
        async def pay(label: str) -> str:
            """Pay."""
            return await self._effect(label)

        @tool(result="trusted")
        def sign(label: str) -> str:
            """Sign."""
            self._door.tell("effect", label=label, key=None)
            return f"did {label}"

        return [look, rest, put, stamp, pay, sign, shell, ask_agent, tell_agent]

    async def _effect(self, label: str, key: str | None = None) -> str:
        await self._tell("effect", label=label, key=key)
        return f"did {label}"


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    home, port, place, parallel = sys.argv[1:]
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout.write("born\n")
    sys.stdout.flush()
    asyncio.run(_live(Path(home), Door(int(port), place), int(parallel)))


async def _live(home: Path, door: Door, parallel: int) -> None:
    await Child(home, door, parallel).live()


if __name__ == "__main__":
    main()
