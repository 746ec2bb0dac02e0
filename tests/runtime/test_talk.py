"""Agents that tell and ask each other."""

import asyncio
from pathlib import Path

import pytest

from anima import Agent, Mode, Runtime
from anima.testing import Answer, FakeClock, ScriptedModel, ToolCall
from anima.vocabulary import Context, EffectState, Turn
from tests.fakes import built_in, the_turn

TALK = built_in("tell_agent", "ask_agent", "list_agents")


def agent(name: str, script: object, **more: object) -> Agent:
    return Agent(name, model=ScriptedModel(script), tools=TALK, **more)  # type: ignore[arg-type]


def ask(who: str, text: str) -> Answer:
    return Answer(calls=[ToolCall("ask_agent", {"agent": who, "text": text}, f"ask-{who}")])


def tell(who: str, text: str) -> Answer:
    return Answer(calls=[ToolCall("tell_agent", {"agent": who, "text": text}, f"tell-{who}")])


async def closed(runtime: Runtime, text: str, who: str) -> Turn:
    """The first closed turn of `who` opened by `text`."""
    while True:
        for head in await runtime.store.turns(who):
            turn = await runtime.store.turn(head.id)
            if turn and turn.state == "closed" and turn.events[0].text.startswith(text):
                return turn
        await asyncio.sleep(0)


async def test_an_answer_of_another_agent_is_the_result_of_the_call(tmp_path: Path) -> None:
    arya = agent("arya", [ask("gendry", "how many swords?"), "gendry has 12"])
    gendry = agent("gendry", ["12"])
    async with Runtime(tmp_path, [arya, gendry]) as runtime:
        turn = await the_turn(runtime.stream("arya", "ask gendry", conversation="c:1"))
        asked = await closed(runtime, "how many", "gendry")
    assert turn.answer == "gendry has 12"
    assert (turn.effects[0].state, turn.effects[0].result) == (EffectState.DONE, "12")
    assert (asked.conversation, asked.events[0].source) == ("agent:arya/c:1", "agent:arya")


async def test_a_message_is_told_once_and_begins_a_turn_of_its_own(tmp_path: Path) -> None:
    arya = agent("arya", [tell("gendry", "the king is dead"), "told"])
    gendry = agent("gendry", ["long live the king"])
    async with Runtime(tmp_path, [arya, gendry]) as runtime:
        turn = await the_turn(runtime.stream("arya", "tell gendry"))
        heard = await closed(runtime, "the king", "gendry")
    assert turn.effects[0].result == "gendry has your message."
    assert heard.conversation == "agent:arya"
    assert heard.events[0].label.sources >= {"python"}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (ask("nobody", "?"), "No agent is called 'nobody'"),
        (tell("arya", "hello me"), "That is you"),
    ],
)
async def test_a_message_that_cannot_be_sent_tells_the_model_why(tmp_path: Path, call: Answer, told: str) -> None:
    model = ScriptedModel([call, "ok"])
    async with Runtime(tmp_path, [Agent("arya", model=model, tools=TALK)]) as runtime:
        turn = await the_turn(runtime.stream("arya", "go"))
    assert turn.effects[0].state == EffectState.FAILED
    assert told in model.contexts[1].messages[-1].text


async def test_who_may_be_told_is_the_owners_word(tmp_path: Path) -> None:
    arya = agent("arya", [tell("cersei", "hello"), "not allowed"], may_tell=("gendry", "s*"))
    async with Runtime(tmp_path, [arya, agent("cersei", [])]) as runtime:
        turn = await the_turn(runtime.stream("arya", "go"))
        assert await runtime.store.turns("cersei") == []
    assert turn.effects[0].state == EffectState.DENIED


async def test_an_agent_that_waits_cannot_be_asked_back_in_the_same_chain(tmp_path: Path) -> None:
    arya = agent("arya", [ask("gendry", "well?"), "fine"])
    gendry = agent("gendry", [ask("arya", "what do you mean?"), "I cannot ask back"])
    async with Runtime(tmp_path, [arya, gendry]) as runtime:
        turn = await the_turn(runtime.stream("arya", "go"))
        asked = await closed(runtime, "well?", "gendry")
    assert turn.effects[0].result == "I cannot ask back"
    assert "waiting for this very answer" in (asked.effects[0].result or "")


async def test_a_message_goes_through_eight_agents_at_most(tmp_path: Path) -> None:
    def passes_on(context: Context) -> Answer:
        last = context.messages[-1]
        return Answer("done") if last.role == "tool" else tell("b" if context.system == "a" else "a", "again")

    agents = [agent(name, passes_on, persona=name) for name in "ab"]
    async with Runtime(tmp_path, agents) as runtime:
        await runtime.ask("a", "start")
        while len(turns := [*await runtime.store.turns("a"), *await runtime.store.turns("b")]) < 8 or any(
            turn.state != "closed" for turn in turns
        ):
            await asyncio.sleep(0)
        last = max(turns, key=lambda turn: int(turn.id[1:]))
        whole = await runtime.store.turn(last.id)
    assert whole is not None
    assert "goes no further" in (whole.effects[0].result or "")


async def test_a_late_answer_is_a_message_of_its_own(tmp_path: Path) -> None:
    clock, go = FakeClock(), asyncio.Event()

    class Slow:
        async def stream(self, context: Context):  # type: ignore[no-untyped-def]
            await go.wait()
            async for chunk in ScriptedModel(["12"]).stream(context):
                yield chunk

    arya_model = ScriptedModel([ask("gendry", "how many?"), "I shall hear later", "now I know: 12"])
    agents = [Agent("arya", model=arya_model, tools=TALK), Agent("gendry", model=Slow())]
    async with Runtime(tmp_path, agents, clock=clock) as runtime:
        asked = asyncio.create_task(runtime.ask("arya", "ask gendry", conversation="c:1"))
        while (turn := await runtime.store.turn("t1")) is None or turn.effects[0].state != "waiting":
            await asyncio.sleep(0)
        await clock.advance(61.0)
        assert await asked == "I shall hear later"
        go.set()
        late = await closed(runtime, "[gendry answers", "arya")
    assert late.conversation == "c:1"
    assert late.events[0].text.endswith("12")


async def test_something_new_in_the_conversation_ends_the_wait(tmp_path: Path) -> None:
    go = asyncio.Event()

    class Slow:
        async def stream(self, context: Context):  # type: ignore[no-untyped-def]
            await go.wait()
            async for chunk in ScriptedModel(["12"]).stream(context):
                yield chunk

    arya_model = ScriptedModel([ask("gendry", "how many?"), "never mind then", "late answer heard"])
    agents = [Agent("arya", model=arya_model, tools=TALK), Agent("gendry", model=Slow())]
    async with Runtime(tmp_path, agents) as runtime:
        asked = asyncio.create_task(runtime.ask("arya", "ask gendry"))
        while (turn := await runtime.store.turn("t1")) is None or turn.effects[0].state != "waiting":
            await asyncio.sleep(0)
        await runtime.post("arya", "never mind")
        assert await asked == "never mind then"
        assert [m.text for m in arya_model.contexts[1].messages if m.role == "user"] == ["ask gendry", "never mind"]
        go.set()
        await closed(runtime, "[gendry answers", "arya")


async def test_a_wait_survives_the_end_of_the_process_and_the_answer_comes_once(tmp_path: Path) -> None:
    class Silent:
        async def stream(self, context: Context):  # type: ignore[no-untyped-def]
            await asyncio.Event().wait()
            yield

    agents = [agent("arya", [ask("gendry", "how many?")]), Agent("gendry", model=Silent())]
    async with Runtime(tmp_path, agents) as runtime:
        await runtime.post("arya", "ask gendry")
        while (turn := await runtime.store.turn("t1")) is None or turn.effects[0].state != "waiting":
            await asyncio.sleep(0)
    model = ScriptedModel(["gendry said 12"])
    again = [Agent("arya", model=model, tools=TALK), agent("gendry", ["12"])]
    async with Runtime(tmp_path, again) as runtime:
        turn = await closed(runtime, "ask gendry", "arya")
        assert [len(await runtime.store.turns(name)) for name in ("arya", "gendry")] == [1, 1]
    assert turn.effects[0].result == "12"
    assert model.contexts[0].messages[-1].text == "12"


async def test_a_question_whose_turn_fails_is_answered_with_that(tmp_path: Path) -> None:
    def breaks(context: Context) -> Answer:
        raise ZeroDivisionError

    from anima.settings import RetrySettings

    arya = agent("arya", [ask("gendry", "well?"), "gendry is ill"])
    gendry = agent("gendry", breaks, retry=RetrySettings(event_delays=()))
    async with Runtime(tmp_path, [arya, gendry]) as runtime:
        turn = await the_turn(runtime.stream("arya", "go"))
    assert turn.effects[0].state == EffectState.FAILED
    assert "gendry gave no answer" in (turn.effects[0].result or "")


async def test_each_asking_conversation_is_a_lane_of_its_own_at_the_asked(tmp_path: Path) -> None:
    def asks(context: Context) -> Answer:
        return Answer("heard") if context.messages[-1].role == "tool" else ask("gendry", context.messages[-1].text)

    async with Runtime(tmp_path, [agent("arya", asks), agent("gendry", lambda context: "yes")]) as runtime:
        await asyncio.gather(*(runtime.ask("arya", f"q{n}", conversation=f"c:{n}") for n in range(5)))
        lanes = {turn.conversation for turn in await runtime.store.turns("gendry")}
    assert lanes == {f"agent:arya/c:{n}" for n in range(5)}


async def test_in_asked_mode_another_agents_message_is_kept_and_nobody_is_woken(tmp_path: Path) -> None:
    arya = agent("arya", [tell("gendry", "hello"), "told"])
    async with Runtime(tmp_path, [arya, agent("gendry", [])], mode=Mode("asked")) as runtime:
        await runtime.ask("arya", "go")
        assert await runtime.store.pending("gendry") == [("agent:arya", False, 0.0)]
