"""Long life: twenty agents under load, killed again and again, and whether anything grows or is lost.

    python -m benchmarks.soak [MINUTES] [SEED]

A child process lives in one home with twenty agents that use tools and write to each other. It is killed with SIGKILL
at random moments and started again. All the while its memory, files, threads and WAL are sampled. At the end every
event that was acknowledged must be answered, no payment may have been made twice, and the file must be sound. Writes
docs/soak.md and docs/soak.svg; exits 1 when something was lost, repeated or grew.
"""

import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from anima import Agent, Call, Context, Runtime, Tool, tool
from anima.clock import SystemClock
from anima.sandbox.net import Reach
from anima.testing import Answer, ScriptedModel, ToolCall
from anima.tools.catalog import load
from benchmarks.measure import ROOT

AGENTS = [f"agent{n}" for n in range(20)]
AT_A_TIME = 40
MOST_GROWTH = 1.25
"""How much more memory the last life may use than the second, after as many seconds."""


def note(path: Path, line: str) -> None:
    """One line that outlives the process."""
    with path.open("a") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


class Forgetful(ScriptedModel):
    """Two calls, then the answer; keeps no context."""

    def _next(self, context: Context) -> Answer:
        self.contexts.clear()
        asked = max(place for place, message in enumerate(context.messages) if message.role == "user")
        text, steps = context.messages[asked].text, len(context.messages) - asked
        if not text.startswith("work") or steps > 3:
            return Answer("done")
        if steps == 1:
            return Answer(calls=[ToolCall("pay", {"what": text}, "a")])
        name = AGENTS[hash(text) % len(AGENTS)]
        return Answer(calls=[ToolCall("tell_agent", {"agent": name, "text": f"thanks for {text}"}, "b")])


def tools(home: Path) -> list[Tool]:
    @tool(effect="once", result="trusted")
    async def pay(what: str, call: Call) -> str:
        """Pay."""
        note(home / "payments", f"{call.effect_key} {what}")
        return "paid"

    return [pay, *load(["tell_agent"], None, Reach(), SystemClock()).tools]


async def live(home: Path, life: int) -> None:
    """One life: work off what is left, and post more until killed; on SIGTERM finish what was begun and leave."""
    agents = [Agent(name, model=Forgetful([]), tools=tools(home)) for name in AGENTS]
    leave = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave.set)
    async with Runtime(home, agents) as runtime:

        async def post(lane: int) -> None:
            n = 0
            while not leave.is_set():
                n += 1
                id = f"{life}.{lane}.{n}"
                name = AGENTS[(lane + n) % len(AGENTS)]
                event = await runtime.post(name, f"work {id}", conversation=f"c:{lane % 5}", id=id)
                note(home / "acknowledged", event)
                while (kept := await runtime.store.event(event)) is None or kept.state not in ("answered", "dead"):
                    await asyncio.sleep(0.01)

        await asyncio.gather(*(post(lane) for lane in range(AT_A_TIME)))
        while any([await runtime.store.pending(name) for name in AGENTS]):
            await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Sample:
    """What the child had at one moment: seconds since the start and of this life, MB, files, threads, WAL in MB."""

    at: float
    life: int
    age: float
    memory: float
    files: int
    threads: int
    wal: float


def sample(child: int, home: Path, at: float, life: int, age: float) -> Sample | None:
    """Looks at a process from outside; None when it is just gone."""
    proc = Path(f"/proc/{child}")
    try:
        memory = int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        files, threads = len(list((proc / "fd").iterdir())), len(list((proc / "task").iterdir()))
        wal = (home / "anima.db-wal").stat().st_size / 1e6
    except OSError:
        return None
    return Sample(at, life, age, memory, files, threads, wal)


def soak(home: Path, seconds: float, chance: random.Random) -> list[Sample]:
    """Lives that end by SIGKILL, and a last one that ends in good order."""
    samples: list[Sample] = []
    start, life = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        born, life = time.monotonic(), life + 1
        last = seconds - (born - start) < 25
        span = seconds - (born - start) if last else chance.uniform(8, 20)
        command = [sys.executable, "-m", "benchmarks.soak", "live", str(home), str(life)]
        with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "0"}) as child:
            while (age := time.monotonic() - born) < span and child.poll() is None:
                if seen := sample(child.pid, home, time.monotonic() - start, life, age):
                    samples.append(seen)
                time.sleep(0.25)
            child.send_signal(signal.SIGTERM if last else signal.SIGKILL)
            status = child.wait(300)
        if status != (0 if last else -signal.SIGKILL):
            raise SystemExit(f"life {life} ended with {status}")
    return samples


def audit(home: Path, samples: list[Sample]) -> Iterator[str]:
    """What is wrong, a line each."""
    db = sqlite3.connect(home / "anima.db")
    states = {f"e{id}": state for id, state in db.execute("SELECT id, state FROM events")}
    for event in (home / "acknowledged").read_text().split():
        if states.get(event) != "answered":
            yield f"{event} was acknowledged and is {states.get(event)}"
    paid = Counter(line.partition(" ")[2] for line in (home / "payments").read_text().splitlines())
    yield from (f"{what} was paid {times} times" for what, times in paid.items() if times > 1)
    told = db.execute("SELECT count(*), count(DISTINCT source_id) FROM events WHERE source LIKE 'agent:%'").fetchone()
    if told[0] != told[1]:
        yield f"{told[0] - told[1]} messages between agents are there twice"
    yield from (str(line) for (line,) in db.execute("PRAGMA integrity_check") if line != "ok")
    lives = sorted({each.life for each in samples})
    if len(lives) > 2:
        early, late = (typical(samples, life) for life in (lives[1], lives[-1]))
        yield from (f"{name} grew from {before:.1f} to {after:.1f}" for name, before, after in grown(early, late))


def typical(samples: list[Sample], life: int) -> Sample:
    """The sample of a life at the age of seven seconds."""
    return min((each for each in samples if each.life == life), key=lambda each: abs(each.age - 7))


def grown(early: Sample, late: Sample) -> list[tuple[str, float, float]]:
    pairs = [(name, getattr(early, name), getattr(late, name)) for name in ("memory", "files", "threads")]
    return [(name, before, after) for name, before, after in pairs if after > MOST_GROWTH * before + 2]


def report(home: Path, samples: list[Sample], wrong: list[str], minutes: float) -> str:
    db = sqlite3.connect(home / "anima.db")
    (events,), (turns,) = (db.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("events", "turns"))
    lives = sorted({each.life for each in samples})
    rows = [typical(samples, life) for life in lives]
    lines = [
        "# Soak",
        "",
        f"Made by `make soak MINUTES={minutes:g}`: twenty agents, {AT_A_TIME} conversations under way, killed with",
        f"SIGKILL {len(lives) - 1} times. {events} events, {turns} turns.",
        "",
        "\n".join(f"* {line}" for line in wrong) or "Nothing was lost, nothing was done twice, nothing grew.",
        "",
        "Each life at the age of seven seconds:",
        "",
        "| life | memory, MB | open files | threads | WAL, MB |",
        "|---|---|---|---|---|",
        *(f"| {each.life} | {each.memory:.0f} | {each.files} | {each.threads} | {each.wal:.1f} |" for each in rows),
        "",
        "![memory and WAL over time](soak.svg)",
        "",
    ]
    return "\n".join(lines)


def plot(samples: list[Sample]) -> str:
    """Memory and WAL over time as SVG; a line for each life."""
    width, height = 720, 240
    longest = max(each.at for each in samples)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + 20}" font-size="11">']
    for name, colour, word in (("memory", "#2563eb", "memory"), ("wal", "#d97706", "WAL")):
        most = max(getattr(each, name) for each in samples) or 1
        for life in sorted({each.life for each in samples}):
            dots = " ".join(
                f"{each.at / longest * width:.1f},{height - getattr(each, name) / most * (height - 20):.1f}"
                for each in samples
                if each.life == life
            )
            parts.append(f'<polyline points="{dots}" fill="none" stroke="{colour}"/>')
        place = 10 if name == "memory" else 200
        parts.append(f'<text x="{place}" y="{height + 15}" fill="{colour}">{word}, up to {most:.0f} MB</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main(minutes: float, seed: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        samples = soak(home, minutes * 60, random.Random(seed))
        wrong = list(audit(home, samples))
        text = report(home, samples, wrong, minutes)
        (ROOT / "docs" / "soak.md").write_text(text)
        (ROOT / "docs" / "soak.svg").write_text(plot(samples))
    print(text)
    print(json.dumps({"ok": not wrong, "seed": seed}))
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["live"]:
        asyncio.run(live(Path(sys.argv[2]), int(sys.argv[3])))
    else:
        raise SystemExit(main(float((sys.argv[1:2] or ["2"])[0]), int((sys.argv[2:3] or ["1"])[0])))
