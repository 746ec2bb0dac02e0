"""`anima torture`: the program survives it; a run repeats another; nothing is left behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anima.faults import POINTS
from anima.torture.life import Home, Snapshot
from anima.torture.plan import Kill
from anima.torture.torture import CHILD, Order, open_chamber, torture
from anima.torture.workload import errand_of

ANIMA = (sys.executable, "-c", "import sys; from anima.cli import main; sys.exit(main())")

ELSEWHERE = (
    *("archive.", "restore.", "import."),  # backups and moves
    *("command.", "fork.", "enroll.", "settle.", "keep_settings."),  # what a person changes
    *("schedule.", "unschedule.", "occurred."),  # timers
)
"""Points that no life of the tortured agent passes; their own tests kill there."""


async def test_killed_at_every_named_point_and_at_thirty_random_ones_no_promise_is_broken() -> None:
    report = await torture(Order(kills=30, seed=1, times=1), lambda _: None)
    assert report.violations == []
    never = [name for name, kills, _ in report.points() if not kills and not name.startswith(ELSEWHERE)]
    assert never == []
    named = [name for name in POINTS if not name.startswith(ELSEWHERE)]
    assert len(report.kills) == len(named) + 30


async def test_killed_by_the_clock_with_conversations_side_by_side_no_promise_is_broken() -> None:
    report = await torture(Order(kills=3, seed=1, by_clock=True), lambda _: None)
    assert report.violations == []
    assert [name for name, _, _ in report.points()] == ["clock"]


def told(look: Snapshot) -> list[object]:
    """What is on disk, without times and keys."""
    turns = [
        (turn.id, turn.state, [(step.n, step.context) for step in turn.steps], [(e.id, e.state) for e in turn.effects])
        for turn in look.turns.values()
    ]
    return [*((event.id, errand_of(event.text), event.state, event.attempts) for event in look.events), *turns]


async def test_a_kill_leaves_the_same_behind_in_every_run() -> None:
    kill = Kill("write_effects.committing", 5)
    left = []
    async with open_chamber(CHILD, parallel=1) as chamber:
        for round in (101, 102):
            home: Home = chamber.home(round)
            ending = await home.live(kill, parallel=1, patience=60.0)
            assert ending.killed, ending.stderr
            left.append(told(await home.look(killed=True)))
            await home.aclose()
    assert left[0] == left[1]
    assert any("intended" in str(row) for row in left[0])


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of its own, so that what is left behind is seen."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_one_document_and_leaves_nothing(room: Path) -> None:
    words = ("torture", "--kills", "2", "--seed", "7", "--by-clock", "--json")
    done = subprocess.run([*ANIMA, *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document == {
        "ok": True,
        "seed": 7,
        "kills": 2,
        "points": [{"name": "clock", "kills": 2, "violations": 0}],
        "violations": [],
    }


def descendants(pid: int) -> set[int]:
    """Every process below this one."""
    below: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            child = int(stat.parent.name)
            below |= {child, *descendants(child)}
    return below


async def test_interrupted_it_leaves_no_process_and_no_file(room: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(*ANIMA, "torture", "--kills", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    while not list(room.glob("anima-torture-*/home-*/anima.db")):
        await asyncio.sleep(0.01)
    below = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    await process.communicate()
    assert process.returncode == 130
    assert len(below) >= 2
    assert [pid for pid in below if _lives(pid)] == []


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
