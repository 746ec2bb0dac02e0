"""The control door: the owner of an agent does what another process of the same person asks for."""

import asyncio
import socket
from pathlib import Path

import pytest

from anima import tool
from anima.errors import TurnStopped
from anima.runtime import door_of, knock
from anima.testing import Answer, ToolCall
from tests.fakes import Home


def at(home: Home) -> Path:
    assert home.folder is not None
    return door_of(home.folder / "agents" / "arya")


async def test_a_turn_is_stopped_through_the_door_and_whoever_waits_is_told(home: Home) -> None:
    begun = asyncio.Event()

    @tool(effect="once")
    async def hang() -> str:
        """Hang."""
        begun.set()
        await asyncio.Event().wait()
        return ""

    async with home.live([Answer(calls=[ToolCall("hang")])], hang) as runtime:
        asked = asyncio.create_task(runtime.ask("arya", "go"))
        await begun.wait()
        reply = await asyncio.to_thread(knock, at(home), {"do": "stop_turn", "turn": "t1"})
        assert reply == {"ok": True, "turn": "t1"}
        with pytest.raises(TurnStopped):
            await asked


@pytest.mark.parametrize("wish", [b"{}", b"[]", b"nonsense", b'{"do": "stop_turn", "turn": 7}', b'{"do": "fly"}'])
async def test_a_wish_that_makes_no_sense_is_answered_and_the_door_stays_open(home: Home, wish: bytes) -> None:
    def send() -> bytes:
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(str(at(home)))
            door.sendall(wish + b"\n")
            return door.makefile("rb").readline()

    async with home.live(["hi"]) as runtime:
        assert b'"ok": false' in await asyncio.to_thread(send)
        assert await runtime.ask("arya", "hello") == "hi"


async def test_an_unknown_turn_is_an_error_at_the_door_too(home: Home) -> None:
    async with home.live([]):
        reply = await asyncio.to_thread(knock, at(home), {"do": "stop_turn", "turn": "t99"})
    assert reply is not None
    assert reply["ok"] is False


async def test_the_door_is_private_and_gone_when_nobody_is_there(home: Home) -> None:
    async with home.live([]):
        assert at(home).stat().st_mode & 0o777 == 0o600
    assert not at(home).exists()
    assert knock(at(home), {"do": "stop_turn", "turn": "t1"}) is None


async def test_a_socket_left_by_a_dead_owner_is_no_hindrance(home: Home) -> None:
    at(home).parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(at(home)))
    assert knock(at(home), {"do": "stop_turn", "turn": "t1"}) is None
    async with home.live(["hi"]) as runtime:
        assert await runtime.ask("arya", "hello") == "hi"


def test_a_home_with_a_long_path_has_its_door_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    assert len(str(door_of(deep))) <= 100
    assert door_of(deep) != door_of(tmp_path / ("y" * 120))
