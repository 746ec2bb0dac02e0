"""One agent alive: its lanes, its attempts, what becomes of an event that fails."""

import asyncio

import pytest

from anima import Agent, Mode, Runtime, tool
from anima.errors import (
    AgentBusy,
    BadKey,
    MalformedAnswer,
    NoModelReachable,
    NotFound,
    NothingToResume,
    StoreClosed,
    TurnStopped,
    UnfinishedTurn,
    Unreachable,
)
from anima.settings import RetrySettings
from anima.testing import Answer, FakeClock, ScriptedModel, ToolCall
from anima.vocabulary import Context, Event, EventState, StepDone
from tests.fakes import Home, the_turn

ONE = Mode(attend="asked")


async def settled(runtime: Runtime, event: str, *states: str) -> Event:
    """The event, once it has come to one of these states."""
    while True:
        kept = await runtime.store.event(event)
        if kept is not None and kept.state in states:
            return kept
        await asyncio.sleep(0)


async def test_an_event_that_fails_is_tried_again_after_each_delay_and_then_set_aside(home: Home) -> None:
    clock = FakeClock()
    model = ScriptedModel(lambda context: Answer(error=MalformedAnswer("half a JSON")))
    async with home.live(model, clock=clock, retry=RetrySettings(event_delays=(1.0, 10.0))) as runtime:
        event = await runtime.post("arya", "hi")
        for attempts, delay in [(1, 1.0), (2, 10.0)]:
            waiting = await settled(runtime, event, EventState.QUEUED)
            assert (waiting.attempts, waiting.error) == (attempts, "half a JSON")
            assert len(model.contexts) == attempts
            await clock.advance(delay)
            while len(model.contexts) == attempts:
                await asyncio.sleep(0)
        dead = await settled(runtime, event, EventState.DEAD)
    assert (dead.attempts, dead.error) == (3, "half a JSON")


async def test_what_cannot_succeed_is_set_aside_at_once(home: Home) -> None:
    async with home.live([Answer(error=BadKey("no such key"))]) as runtime:
        with pytest.raises(BadKey):
            await runtime.ask("arya", "hi")
        assert (await settled(runtime, "e1", EventState.DEAD)).attempts == 1


async def test_a_failing_event_does_not_hold_up_the_next_of_its_conversation(home: Home) -> None:
    def thinks(context: Context) -> Answer:
        bad = context.messages[-1].text == "bad"
        return Answer(error=MalformedAnswer("half")) if bad else Answer("good")

    async with home.live(thinks, clock=FakeClock()) as runtime:
        bad = await runtime.post("arya", "bad")
        assert await runtime.ask("arya", "next") == "good"
        assert (await settled(runtime, bad, EventState.QUEUED)).attempts == 1


async def test_while_no_model_can_be_reached_the_event_waits_and_counts_against_nobody(home: Home) -> None:
    clock, answers = FakeClock(), [Answer(error=Unreachable("cable cut")), Answer("back again")]
    async with home.live(lambda context: answers.pop(0), clock=clock) as runtime:
        with pytest.raises(Unreachable):
            await runtime.ask("arya", "hi")
        await settled(runtime, "e1", EventState.QUEUED)
        await clock.advance(5.0)
        await settled(runtime, "e1", EventState.ANSWERED)


async def test_several_messages_during_one_turn_are_all_answered(home: Home) -> None:
    posted = asyncio.Event()

    async def think_slowly(label: str) -> str:
        """Wait until the others have come."""
        await posted.wait()
        return label

    def thinks(context: Context) -> Answer:
        return Answer("yes") if posted.is_set() else Answer(calls=[ToolCall("think_slowly", {"label": "a"})])

    async with home.live(thinks, tool(think_slowly), parallel=4) as runtime:
        asked = [asyncio.create_task(runtime.ask("arya", "first"))]
        await settled(runtime, "e1", EventState.RUNNING)
        asked += [asyncio.create_task(runtime.ask("arya", text)) for text in ("second", "third")]
        await settled(runtime, "e3", EventState.QUEUED)
        posted.set()
        async with asyncio.timeout(10):
            assert await asyncio.gather(*asked) == ["yes", "yes", "yes"]


async def test_a_turn_that_is_tried_again_sees_what_came_before_it_and_not_what_went_on_meanwhile(home: Home) -> None:
    clock, shown = FakeClock(), list[list[str]]()

    def thinks(context: Context) -> Answer:
        shown.append([message.text for message in context.messages])
        return Answer(error=MalformedAnswer("half")) if len(shown) == 1 else Answer(f"answer {len(shown)}")

    async with home.live(thinks, clock=clock) as runtime:
        slow = await runtime.post("arya", "slow")
        await settled(runtime, slow, EventState.QUEUED)
        await runtime.ask("arya", "quick")
        await clock.advance(1.0)
        await settled(runtime, slow, EventState.ANSWERED)
        await runtime.ask("arya", "last")
    assert shown[2] == ["slow"]
    assert shown[3] == ["slow", "answer 3", "quick", "answer 2", "last"]


async def test_many_outages_never_make_a_dead_letter(home: Home) -> None:
    clock, outages = FakeClock(), 12
    calls: list[int] = []

    def thinks(context: Context) -> Answer:
        calls.append(1)
        return Answer(error=Unreachable("cable cut")) if len(calls) <= outages else Answer("back")

    async with home.live(thinks, clock=clock) as runtime:
        event = await runtime.post("arya", "hi")
        for before in range(1, outages + 1):
            while len(calls) < before:
                await asyncio.sleep(0)
            await settled(runtime, event, EventState.QUEUED)
            await clock.advance(600.0)
        await settled(runtime, event, EventState.ANSWERED)


async def test_conversations_run_side_by_side_up_to_the_agents_parallel(home: Home) -> None:
    inside, most, go = 0, 0, asyncio.Event()

    @tool(effect="read")
    async def meet() -> str:
        """Meet."""
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        if inside == 2:
            go.set()
        await go.wait()
        inside -= 1
        return "met"

    def thinks(context: Context) -> Answer:
        return Answer("done") if context.messages[-1].role == "tool" else Answer(calls=[ToolCall("meet")])

    async with home.live(thinks, meet, parallel=2) as runtime:
        asks = [runtime.ask("arya", "meet", conversation=f"c:{n}") for n in range(6)]
        assert await asyncio.gather(*asks) == ["done"] * 6
    assert most == 2


async def test_a_strict_actor_does_one_thing_at_a_time(home: Home) -> None:
    inside: list[str] = []

    @tool(effect="read")
    async def alone(name: str) -> str:
        """Alone."""
        inside.append(f"in {name}")
        await asyncio.sleep(0)
        inside.append(f"out {name}")
        return name

    def thinks(context: Context) -> Answer:
        name = context.messages[0].text
        done = context.messages[-1].role == "tool"
        return Answer(name) if done else Answer(calls=[ToolCall("alone", {"name": name})])

    async with home.live(thinks, alone, parallel=1) as runtime:
        await asyncio.gather(*(runtime.ask("arya", name, conversation=f"c:{name}") for name in "abc"))
    assert inside == ["in a", "out a", "in b", "out b", "in c", "out c"]


async def test_everybody_who_asks_in_one_conversation_at_once_is_answered_in_order(home: Home) -> None:
    async with home.live(lambda context: context.messages[-1].text) as runtime:
        texts = ["a", "b", "c", "d"]
        assert await asyncio.gather(*(runtime.ask("arya", text) for text in texts)) == texts


async def test_asking_a_person_holds_no_slot(home: Home) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def decide(call: object) -> bool:
        asked.set()
        await answer.wait()
        return False

    from tests.fakes import built_in

    def thinks(context: Context) -> Answer:
        if context.messages[0].text == "ask":
            told = context.messages[-1].role == "tool"
            return Answer("no then") if told else Answer(calls=[ToolCall("shell", {"command": "ls"})])
        return Answer("quick")

    async with home.live(thinks, *built_in("shell"), approve=decide, parallel=1) as runtime:
        slow = asyncio.create_task(runtime.ask("arya", "ask", conversation="c:1"))
        await asked.wait()
        assert await runtime.ask("arya", "hello", conversation="c:2") == "quick"
        answer.set()
        assert await slow == "no then"


async def test_a_program_that_dies_again_and_again_on_one_event_sets_it_aside(home: Home) -> None:
    async with home.live(["never"], mode=ONE) as runtime:
        await runtime.post("arya", "poison")
        for _ in range(4):
            await runtime.store.resume("t1")  # what a start does just before the process dies
    async with home.live([]) as runtime:
        dead = await settled(runtime, "e1", EventState.DEAD)
    assert "4 times" in (dead.error or "")


async def test_in_asked_mode_one_attempt_is_made_and_the_rest_is_left_alone(home: Home) -> None:
    async with home.live(["never"], mode=ONE) as runtime:
        await runtime.post("arya", "left alone", conversation="c:other")
    async with home.live([Answer(error=MalformedAnswer("half"))], mode=ONE) as runtime:
        with pytest.raises(MalformedAnswer):
            await the_turn(runtime.stream("arya", "hi", source="cli"))
        other, mine = await runtime.store.event("e1"), await runtime.store.event("e2")
    assert other is not None
    assert mine is not None
    assert (other.state, mine.state) == ("queued", "dead")


async def test_in_asked_mode_unfinished_work_comes_first_and_is_resumed(home: Home) -> None:
    down: list[Answer | str] = [Answer(error=NoModelReachable("none reachable"))]
    async with home.live(down, mode=ONE) as runtime:
        with pytest.raises(NoModelReachable):
            await the_turn(runtime.stream("arya", "hi", source="cli", conversation="cli:main"))
    async with home.live(["hello"], mode=ONE) as runtime:
        with pytest.raises(UnfinishedTurn) as caught:
            await the_turn(runtime.stream("arya", "another", source="cli", conversation="cli:main"))
        assert caught.value.details["event"] == "e1"
        turn = await the_turn(runtime.resume("arya", "cli:main"))
        assert turn.answer == "hello"
        unseen = await the_turn(runtime.resume("arya", "cli:main"))
        assert unseen.id == turn.id
        await runtime.printed(turn.id)
        with pytest.raises(NothingToResume):
            await the_turn(runtime.resume("arya", "cli:main"))


async def test_an_agent_has_one_owner_and_the_others_of_the_home_are_free(home: Home) -> None:
    async with home.live([]):
        with pytest.raises(AgentBusy):
            async with home.live([]):
                pass
        async with Runtime(home.folder, [Agent("sansa", model=ScriptedModel(["hi"]))]) as other:
            assert await other.ask("sansa", "hello") == "hi"
    async with home.live(["free again"]) as runtime:
        assert await runtime.ask("arya", "hello") == "free again"


async def test_an_unknown_agent_is_an_error_that_names_the_known(home: Home) -> None:
    async with home.live([]) as runtime:
        with pytest.raises(NotFound, match="nobody") as caught:
            await runtime.ask("nobody", "hi")
    assert "arya" in caught.value.hint


async def test_without_a_home_nothing_is_kept() -> None:
    for _ in range(2):
        async with Home(None).live(["hi"]) as runtime:
            assert await runtime.ask("arya", "hello") == "hi"
            assert [turn.id for turn in await runtime.store.turns()] == ["t1"]


async def test_history_moves_in_jumps_and_is_the_same_after_a_restart(home: Home) -> None:
    from anima.settings import ThinkSettings

    shown: list[int] = []
    for n in range(1, 11):
        model = ScriptedModel([f"answer {n}"])
        async with home.live(model, think=ThinkSettings(history_turns=2)) as runtime:
            await runtime.ask("arya", f"text {n}")
        shown.append(sum(message.text.startswith("text") for message in model.contexts[0].messages))
    model = ScriptedModel([f"answer {n}" for n in range(1, 11)])
    async with home.live(model, think=ThinkSettings(history_turns=2)) as runtime:
        for n in range(1, 11):
            await runtime.ask("arya", f"text {n}", conversation="c:hot")
    hot = [sum(message.text.startswith("text") for message in context.messages) for context in model.contexts]
    assert shown == hot
    assert max(hot) == 4
    assert hot[-1] >= 3


async def test_a_failing_store_is_told_to_whoever_waits_and_nobody_hangs(home: Home) -> None:
    @tool(effect="read")
    async def unplug() -> str:
        """Unplug."""
        await runtime.store.aclose()
        return "unplugged"

    async with home.live([Answer(calls=[ToolCall("unplug")]), "never"], unplug) as runtime:
        with pytest.raises(StoreClosed):
            await the_turn(runtime.stream("arya", "go"))


async def test_an_event_stopped_while_it_waits_for_a_slot_never_runs(home: Home) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    @tool(effect="read")
    async def hold() -> str:
        """Hold."""
        begun.set()
        await go.wait()
        return "held"

    def thinks(context: Context) -> Answer:
        assert context.messages[0].text != "stopped"
        return Answer("done") if context.messages[-1].role == "tool" else Answer(calls=[ToolCall("hold")])

    async with home.live(thinks, hold, parallel=1) as runtime:
        first = asyncio.create_task(runtime.ask("arya", "first", conversation="c:1"))
        await begun.wait()
        second = asyncio.create_task(runtime.ask("arya", "stopped", conversation="c:2"))
        await settled(runtime, "e2", EventState.QUEUED, EventState.RUNNING)
        await runtime.stop_turn("t2")
        with pytest.raises(TurnStopped):
            await second
        go.set()
        assert await first == "done"
        assert (await settled(runtime, "e2", EventState.DROPPED)).turn in (None, "t2")


async def test_a_turn_that_ends_while_it_is_being_stopped_is_told_and_remembered(home: Home) -> None:
    model = ScriptedModel(["one", "two"])
    async with home.live(model) as runtime:
        asked = asyncio.ensure_future(runtime.ask("arya", "first"))
        async for news in runtime.watch():
            if isinstance(news, StepDone):  # its last commit is under way
                break
        with pytest.raises(NotFound):
            await runtime.stop_turn(news.turn)
        async with asyncio.timeout(10):
            assert await asked == "one"
        await runtime.ask("arya", "second")
    assert [message.text for message in model.contexts[-1].messages] == ["first", "one", "second"]
