"""An old backup repeats nothing by itself; what its owner starts goes on where it was."""

from pathlib import Path

from anima import Mode, ToolError, tool
from anima.store import command
from anima.store.backup import back_up
from anima.store.held import release
from anima.store.restore import restore
from anima.testing import Answer, ToolCall
from anima.vocabulary import Context, EffectState, EventState, NewEvent
from tests.fakes import Home, the_turn
from tests.store.homes import MEMBER, fill

NOW = 1_767_323_045.0


@tool(effect="once", result="trusted")
async def do_once(n: int, s: str) -> str:
    """Do it, once."""
    raise ToolError("it must not run")


def think(context: Context) -> Answer:
    """Say what the tools said; the first time of something new, call one."""
    said = [message.text for message in context.messages if message.role == "tool"]
    if "something new" in context.messages[-1].text:
        return Answer(calls=[ToolCall("look", {"n": 1}, "a")])
    return Answer(" | ".join(said) or "nothing was done")


async def restored(tmp_path: Path) -> Home:
    """A home brought back in the middle of everything."""
    old = tmp_path / "old"
    old.mkdir()
    await fill(old)
    restore(back_up(old, NOW, to=tmp_path / "b.tar").path, tmp_path / "home", NOW)
    return Home(tmp_path / "home")


async def test_nothing_of_a_restored_home_starts_by_itself_and_new_work_is_done(tmp_path: Path) -> None:
    home = await restored(tmp_path)
    async with home.live(think, do_once) as runtime:
        turn = await the_turn(runtime.stream("arya", "something new", conversation="cli:once"))
        assert turn.answer == "saw 1"
        left = [await runtime.store.event(f"e{n}") for n in (3, 4, 5, 6, 7, 9)]
    assert {event.state for event in left if event} == {EventState.HELD}
    assert home.ledger.lines == ["look 1"]


async def test_a_released_turn_goes_on_and_its_begun_call_is_not_run_again(tmp_path: Path) -> None:
    home = await restored(tmp_path)
    with command.changing(tmp_path / "home" / "anima.db") as db:
        release(db, "e5")
    async with home.live(think, do_once, mode=Mode("asked")) as runtime:
        turn = await the_turn(runtime.resume("arya", "cli:once"))
    assert turn.effects[0].state == EffectState.UNKNOWN
    assert "a copy of this home was made" in turn.answer


async def test_a_held_turn_can_be_stopped_instead(tmp_path: Path) -> None:
    home = await restored(tmp_path)
    async with home.live(think, do_once) as runtime:
        stopped = await runtime.stop_turn("t5")
        assert stopped.state == "stopped"
        assert stopped.events[0].state == EventState.DROPPED
        await runtime.store.post(NewEvent("arya", "cli:x", "still here?", MEMBER))
