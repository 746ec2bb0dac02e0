"""One turn, from the event to the reply."""

import asyncio
from pathlib import Path

import pytest
from pydantic import BaseModel

from anima import Call, Closed, Runtime, ToolError, TurnFailed, tool
from anima.errors import LimitReached, MalformedAnswer
from anima.settings import LimitSettings, RetrySettings, ThinkSettings
from anima.testing import Answer, ScriptedModel, ToolCall
from anima.vocabulary import Context, EffectState, Finish, Text, TurnState, Usage
from tests.fakes import Home, built_in, the_turn

LOOK = ToolCall("look", {"n": 1}, "c1")
PAY = ToolCall("pay", {"n": 1}, "c2")
PUT = ToolCall("put", {"n": 1}, "c3")


async def test_an_answer_without_tools_takes_two_commits(home: Home) -> None:
    async with home.live(["hello"]) as runtime:
        before = runtime.store.commits
        assert await runtime.ask("arya", "hi") == "hello"
        assert runtime.store.commits == before + 2


async def test_a_turn_with_one_tool_call_takes_exactly_four_commits(home: Home) -> None:
    async with home.live([Answer(calls=[PAY]), "done"]) as runtime:
        before = runtime.store.commits
        assert await runtime.ask("arya", "pay") == "done"
        assert runtime.store.commits == before + 4
    assert home.ledger.lines == ["pay 1"]


async def test_the_model_is_shown_roles_calls_and_results(home: Home) -> None:
    model = ScriptedModel([Answer("let me look", calls=[LOOK]), "done"])
    async with home.live(model, persona="Dry.") as runtime:
        await runtime.ask("arya", "look")
    first, second = model.contexts
    assert first.system == "Dry."
    assert [spec.name for spec in first.tools] == ["look", "put", "pay"]
    assert [(message.role, message.text) for message in second.messages] == [
        ("user", "look"),
        ("assistant", "let me look"),
        ("tool", "saw 1"),
    ]
    assert second.messages[1].calls[0].id == second.messages[2].call_id == "c1"


async def test_the_context_of_a_step_begins_with_the_context_of_the_step_before(home: Home) -> None:
    model = ScriptedModel([Answer(calls=[LOOK]), Answer(calls=[PAY]), "done", "again"])
    async with home.live(model) as runtime:
        await runtime.ask("arya", "one")
        await runtime.ask("arya", "two")
    for before, after in zip(model.contexts, model.contexts[1:], strict=False):
        assert after.messages[: len(before.messages)] == before.messages
        assert (after.system, after.tools) == (before.system, before.tools)


async def test_reads_of_one_step_run_side_by_side_and_share_a_commit(home: Home) -> None:
    inside: list[int] = []
    both = asyncio.Event()

    @tool(effect="read")
    async def meet(n: int) -> str:
        """Meet."""
        inside.append(n)
        if len(inside) == 2:
            both.set()
        await both.wait()
        return f"met {n}"

    calls = [ToolCall("meet", {"n": 1}, "a"), ToolCall("meet", {"n": 2}, "b")]
    async with home.live([Answer(calls=calls), "done"], meet) as runtime:
        before = runtime.store.commits
        await runtime.ask("arya", "meet")
        assert runtime.store.commits == before + 4


async def test_calls_that_change_something_run_one_after_the_other_in_order(home: Home) -> None:
    calls = [ToolCall("pay", {"n": n}, f"c{n}") for n in (1, 2, 3)]
    async with home.live([Answer(calls=calls), "done"]) as runtime:
        turn = await the_turn(runtime.stream("arya", "pay all"))
    assert home.ledger.lines == ["pay 1", "pay 2", "pay 3"]
    assert [effect.state for effect in turn.effects] == [EffectState.DONE] * 3


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (ToolCall("pay", {"n": "many"}), "n"),
        (ToolCall("pay", {}, unparsed='{"n": 1'), "JSON"),
        (ToolCall("payy", {"n": 1}), "pay"),
        (ToolCall("pay", {"n": -1}), "n must not be negative"),
    ],
)
async def test_a_call_that_cannot_work_tells_the_model_why_and_the_turn_goes_on(
    home: Home, call: ToolCall, told: str
) -> None:
    model = ScriptedModel([Answer(calls=[call]), "sorry"])
    async with home.live(model) as runtime:
        turn = await the_turn(runtime.stream("arya", "pay"))
    assert turn.answer == "sorry"
    assert turn.effects[0].state == EffectState.FAILED
    assert told in model.contexts[1].messages[-1].text
    assert not model.contexts[1].messages[-1].ok


async def test_the_step_limit_ends_the_turn_with_what_there_is(home: Home) -> None:
    thinks = lambda context: Answer("so far", calls=[LOOK])  # noqa: E731
    async with home.live(thinks, think=ThinkSettings(max_iterations=2)) as runtime:
        with pytest.raises(LimitReached) as caught:
            await runtime.ask("arya", "look for ever")
        turn = await runtime.store.turn("t1")
    assert str(caught.value.details["answer"]).startswith("so far\n\nStopped after 2 model calls")
    assert turn is not None
    assert (turn.state, turn.limit) == (TurnState.CLOSED, "steps")


async def test_the_token_and_dollar_limits_end_the_turn(home: Home) -> None:
    thinks = lambda context: Answer("x", calls=[LOOK], usage=Usage(50, 10, 0, 0.02))  # noqa: E731
    for limits, name in [(LimitSettings(tokens=100), "tokens"), (LimitSettings(dollars=0.03), "dollars")]:
        async with home.live(thinks, limits=limits) as runtime:
            turn = await the_turn(runtime.stream("arya", "look"))
        assert (turn.limit, len(turn.steps)) == (name, 2)


async def test_the_time_limit_cuts_a_model_off_and_keeps_what_it_had_said(home: Home) -> None:
    class Slow:
        async def stream(self, context: Context):  # type: ignore[no-untyped-def]
            yield Text("I was saying")
            await asyncio.Event().wait()
            yield Finish("end", Usage(), "slow/model")

    async with home.live(Slow(), limits=LimitSettings(seconds=0.05)) as runtime:
        turn = await the_turn(runtime.stream("arya", "talk"))
    assert turn.limit == "seconds"
    assert turn.answer.startswith("I was saying")


async def test_a_models_own_time_out_is_not_the_turns(home: Home) -> None:
    class Late:
        async def stream(self, context: Context):  # type: ignore[no-untyped-def]
            raise TimeoutError("the model's own")
            yield

    async with home.live(Late(), retry=RetrySettings(event_delays=())) as runtime:
        with pytest.raises(TurnFailed, match="the model's own"):
            await runtime.ask("arya", "hi")


async def test_a_call_that_needs_a_yes_is_denied_where_nobody_can_be_asked(home: Home) -> None:
    model = ScriptedModel([Answer(calls=[ToolCall("shell", {"command": "rm -rf /"})]), "I may not"])
    async with home.live(model, *built_in("shell")) as runtime:
        turn = await the_turn(runtime.stream("arya", "delete"))
    assert turn.effects[0].state == EffectState.DENIED
    assert turn.effects[0].begun is None
    assert "nobody could be asked" in model.contexts[1].messages[-1].text


@pytest.mark.parametrize("yes", [True, False])
async def test_a_person_is_shown_the_exact_call_and_their_word_holds(home: Home, yes: bool) -> None:
    asked: list[Call] = []

    async def decide(call: Call) -> bool:
        asked.append(call)
        return yes

    script = [Answer(calls=[ToolCall("shell", {"command": "echo out"})]), "done"]
    async with home.live(script, *built_in("shell"), approve=decide) as runtime:
        turn = await the_turn(runtime.stream("arya", "echo"))
    assert [(call.tool, call.arguments) for call in asked] == [("shell", {"command": "echo out"})]
    effect = turn.effects[0]
    assert (effect.decision, effect.state) == (("approved", "done") if yes else ("denied", "denied"))
    assert ("out" in (effect.result or "")) is yes


async def test_what_arrives_while_a_tool_runs_is_seen_at_the_next_step(home: Home) -> None:
    runtime: Runtime

    @tool(effect="read")
    async def slow() -> str:
        """Slow."""
        await runtime.post("arya", "and another thing")
        return "done"

    model = ScriptedModel([Answer(calls=[ToolCall("slow")]), "both answered"])
    async with home.live(model, slow) as runtime:
        turn = await the_turn(runtime.stream("arya", "first"))
        folded = await runtime.store.event("e2")
    assert [message.text for message in model.contexts[1].messages if message.role == "user"] == [
        "first",
        "and another thing",
    ]
    assert [event.text for event in turn.events] == ["first", "and another thing"]
    assert folded is not None
    assert (folded.turn, folded.state) == ("t1", "answered")


async def test_what_arrives_during_the_last_model_call_is_the_next_turn(home: Home) -> None:
    answered = asyncio.Event()

    class Busy:
        calls = 0

        async def stream(self, context: Context):  # type: ignore[no-untyped-def]
            self.calls += 1
            if self.calls == 1:
                await runtime.post("arya", "late")
            else:
                answered.set()
            yield Text(f"answer {self.calls}")
            yield Finish("end", Usage(), "busy/model")

    async with home.live(Busy()) as runtime:
        assert await runtime.ask("arya", "first") == "answer 1"
        await answered.wait()


async def test_an_event_somebody_waits_on_is_never_folded(home: Home) -> None:
    asks: list[asyncio.Task[str]] = []

    @tool(effect="read")
    async def slow() -> str:
        """Slow."""
        asks.append(asyncio.create_task(runtime.ask("arya", "second")))
        await asyncio.sleep(0)
        await runtime.store.turns()
        return "done"

    async with home.live([Answer(calls=[ToolCall("slow")]), "one", "two"], slow) as runtime:
        assert await runtime.ask("arya", "first") == "one"
        assert await asks[0] == "two"


async def test_an_answer_can_be_a_validated_object(home: Home) -> None:
    class City(BaseModel):
        name: str
        people: int

    model = ScriptedModel(['{"name": "Lyon"}', '```json\n{"name": "Lyon", "people": 520000}\n```'])
    async with home.live(model) as runtime:
        city = await runtime.ask("arya", "a city", answer=City)
    assert city == City(name="Lyon", people=520_000)


async def test_an_object_that_never_fits_is_an_error_not_a_guess(home: Home) -> None:
    async with home.live(["no", "never"]) as runtime:
        with pytest.raises(MalformedAnswer):
            await runtime.ask("arya", "a number", answer=int)


async def test_files_come_with_an_event_and_are_shown_in_later_turns_too(home: Home, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("the code is 7")
    (tmp_path / "dot.png").write_bytes(b"\x89PNG....")
    (tmp_path / "blob.bin").write_bytes(b"\xff\xfe\x00")
    model = ScriptedModel(["seen", "still seen"])
    async with home.live(model) as runtime:
        files = [runtime.keep_file(tmp_path / name) for name in ("note.txt", "dot.png", "blob.bin")]
        await the_turn(runtime.stream("arya", "look", attachments=files))
        await runtime.ask("arya", "and now?")
    for context in model.contexts:
        shown = context.messages[0]
        assert "the code is 7" in shown.text
        assert "blob.bin" in shown.text
        assert "not shown" in shown.text
        assert [(image.mime, image.data) for image in shown.images] == [("image/png", b"\x89PNG....")]


async def test_a_bug_in_a_model_is_that_events_failure_alone(home: Home) -> None:
    def thinks(context: Context) -> str:
        if context.messages[-1].text == "boom":
            raise ZeroDivisionError
        return "fine"

    async with home.live(thinks, retry=RetrySettings(event_delays=())) as runtime:
        with pytest.raises(TurnFailed):
            await runtime.ask("arya", "boom")
        assert await runtime.ask("arya", "hello") == "fine"
        turn = await runtime.store.turn("t1")
    assert turn is not None
    assert (turn.state, turn.events[0].state) == ("failed", "dead")


async def test_a_tool_may_report_how_far_it_is(home: Home) -> None:
    @tool(effect="read")
    async def count(call: Call) -> str:
        """Count."""
        call.progress("half way")
        return "done"

    async with home.live([Answer(calls=[ToolCall("count")]), "ok"], count) as runtime:
        news = [progress async for progress in runtime.stream("arya", "count")]
    assert [progress.type for progress in news if progress.type != "token"] == [
        "turn_opened",
        "step",
        "tool_call",
        "tool_result",
        "tool_result",
        "step",
        "closed",
    ]
    assert isinstance(news[-1], Closed)


async def test_a_tool_error_can_be_raised_with_what_to_change(home: Home) -> None:
    @tool(effect="read")
    def find(name: str) -> str:
        """Find."""
        raise ToolError(f"no {name}; try 'arya'")

    model = ScriptedModel([Answer(calls=[ToolCall("find", {"name": "x"})]), "ok"])
    async with home.live(model, find) as runtime:
        await runtime.ask("arya", "find x")
    assert "no x; try 'arya'" in model.contexts[1].messages[-1].text
