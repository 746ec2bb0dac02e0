"""Killed with SIGKILL at every named point of a turn, the program goes on at its next start and repeats nothing."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from anima.clock import SystemClock
from anima.store import Store
from anima.vocabulary import Turn

PROGRAM = Path(__file__).with_name("program.py")
ROOT = Path(__file__).parents[2]


def run(tmp_path: Path, fault: str = "") -> int:
    """One life of the program; its exit status, negative for a signal."""
    environment = {**os.environ, "ANIMA_FAULT": fault, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path / "home"), str(tmp_path / "ledger")],
        env=environment,
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


async def audit(tmp_path: Path, kills: int) -> tuple[Turn, Counter[str]]:
    """What must hold after any number of kills; returns the turn and the ledger for what must hold besides."""
    lines = Counter((tmp_path / "ledger").read_text().splitlines())
    store = await Store.open(tmp_path / "home" / "anima.db", SystemClock())
    turns, event, turn = await store.turns(), await store.event("e1"), await store.turn("t1")
    problems = await store.check()
    await store.aclose()
    assert problems == []
    assert [each.id for each in turns] == ["t1"]
    assert event is not None
    assert event.state == "answered"
    assert turn is not None
    assert turn.answer == "all done"
    assert [step.n for step in turn.steps] == [1, 2, 3, 4]
    for effect in turn.effects:
        seen = lines[f"{effect.tool} {effect.arguments['n']}"]
        if effect.tool == "pay":
            assert seen <= 1
            assert effect.state == "unknown" or (effect.state == "done" and seen == 1)
        if effect.tool == "put":
            keys = {line for line in lines if line.startswith("put ")}
            assert keys == {f"put 1 {effect.key}"}
        if effect.tool != "pay":
            assert effect.state == "done"
    models = sum(count for line, count in lines.items() if line.startswith("model "))
    assert 4 <= models <= 4 + kills
    return turn, lines


CROSSINGS = {
    "event.posted": 1,
    "turn.opened": 1,
    "model.called": 4,
    "step.written": 3,
    "effect.begun": 6,
    "effect.ran": 6,
    "effect.finished": 4,
    "turn.closing": 1,
    "turn.closed": 1,
}


@pytest.mark.parametrize("fault", [f"{name}:{n}" for name, most in CROSSINGS.items() for n in sorted({1, most})])
async def test_a_kill_at_a_named_point_loses_nothing_and_repeats_nothing(tmp_path: Path, fault: str) -> None:
    assert run(tmp_path, fault) == -signal.SIGKILL, "the point was never reached"
    assert run(tmp_path) == 0
    turn, lines = await audit(tmp_path, kills=1)
    models = sum(count for line, count in lines.items() if line.startswith("model "))
    paid_twice = re.match(r"model\.called|turn\.closing", fault) is not None
    assert models == 4 + paid_twice
    unknown = [effect.tool for effect in turn.effects if effect.state == "unknown"]
    begun = re.match(r"step\.written|effect\.(begun|ran|finished)", fault) is not None
    assert len(unknown) <= begun


async def test_many_kills_in_a_row_change_nothing_of_that(tmp_path: Path) -> None:
    faults = ["model.called:1", "effect.ran:2", "effect.finished:1", "effect.begun:1"]
    for fault in faults[:3]:
        assert run(tmp_path, fault) == -signal.SIGKILL
    assert run(tmp_path) == 0
    await audit(tmp_path, kills=3)
