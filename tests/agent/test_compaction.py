"""Compaction never deletes, and none of the field's known failures after one happens here."""

import asyncio
import re
from itertools import pairwise
from typing import Any

import pytest

from anima import tool
from anima.errors import ContextTooLong, Overloaded
from anima.settings import LimitSettings, RetrySettings, ThinkSettings
from anima.testing import Answer, ScriptedModel, ToolCall
from anima.vocabulary import Context, Turn
from tests.fakes import Home

TWO = ThinkSettings(history_turns=2)


async def talked(home: Home, model: ScriptedModel, *texts: str, **agent: Any) -> list[Turn]:
    """The turns of one conversation, each text asked in a program of its own."""
    turns = []
    for text in texts:
        async with home.live(model, **({"think": TWO} | agent)) as runtime:
            await runtime.ask("arya", text)
            turns.append((await runtime.store.turns("arya", limit=1))[0])
            found = await runtime.store.turn(turns[-1].id)
            assert found is not None
            turns[-1] = found
    return turns


def numbered(count: int) -> tuple[list[Answer | str], list[str]]:
    return [f"answer {n}" for n in range(1, count + 1)], [f"text {n}" for n in range(1, count + 1)]


def said(context: Context) -> list[str]:
    return [message.text for message in context.messages]


async def test_turns_that_leave_the_window_are_summarised_in_a_step_that_names_them(home: Home) -> None:
    answers, texts = numbered(5)
    model = ScriptedModel(answers, summary="They counted to two.")
    turns = await talked(home, model, *texts)
    summary, think = turns[4].steps
    assert (summary.kind, think.kind) == ("summary", "think")
    assert "covers:t1,t2 until:t2 past:t3 summary:t5.1" in summary.recipe
    assert "past:t3 summary:t5.1" in think.recipe
    shown = said(model.contexts[4])
    assert "They counted to two." in shown[0]
    assert "t2" in shown[0]
    assert shown[1:] == ["text 3", "answer 3", "text 4", "answer 4", "text 5"]
    assert turns[4].answer == "answer 5"


async def test_the_summary_is_of_what_leaves_and_stands_on_the_one_before(home: Home) -> None:
    answers, texts = numbered(7)
    model = ScriptedModel(answers, summary="A record.")
    await talked(home, model, *texts)
    first, second = (said(context)[0] for context in model.summarised)
    assert all(text in first for text in ("text 1", "answer 2"))
    assert "text 3" not in first
    assert all(text in second for text in ("A record.", "text 3", "answer 4"))
    assert "text 2" not in second


async def test_a_summary_is_never_made_twice_and_the_context_is_the_same_in_a_program_that_stays(home: Home) -> None:
    answers, texts = numbered(9)
    cold, hot = ScriptedModel(answers), ScriptedModel(answers)
    await talked(home, cold, *texts)
    async with home.live(hot, think=TWO) as runtime:
        for text in texts:
            await runtime.ask("arya", text, conversation="c:hot")
    assert len(cold.summarised) == len(hot.summarised) == 3
    numbers = re.compile(r"\bt\d+\b")
    for one, other in zip(cold.contexts, hot.contexts, strict=True):
        assert [numbers.sub("t", text) for text in said(one)] == [numbers.sub("t", text) for text in said(other)]


@pytest.mark.parametrize("summary", [Answer(error=Overloaded("busy")), Answer(" "), Answer(calls=[ToolCall("look")])])
async def test_a_failed_summary_keeps_the_text_and_never_fails_the_turn(home: Home, summary: Answer) -> None:
    answers, texts = numbered(6)
    model = ScriptedModel(answers, summary=summary)
    turns = await talked(home, model, *texts)
    assert [turn.answer for turn in turns] == [f"answer {n}" for n in range(1, 7)]
    assert said(model.contexts[4])[0] == "text 1", "the older turns stay for once"
    assert said(model.contexts[5])[0] == "text 4", "then the window is what it is without summaries"


async def test_what_a_failed_summary_left_out_comes_into_the_next_one(home: Home) -> None:
    answers, texts = numbered(8)
    model = ScriptedModel(answers, summary=Answer(error=Overloaded("busy")))
    await talked(home, model, *texts[:6])
    model._summary = "A record."
    await talked(home, model, *texts[6:])
    assert all(f"text {n}" in said(model.summarised[-1])[0] for n in range(1, 6))
    assert "A record." in said(model.contexts[7])[0]


async def test_a_turn_cut_off_after_its_summary_does_not_make_it_again(home: Home) -> None:
    answers, texts = numbered(4)
    model = ScriptedModel([*answers, Answer(error=Overloaded("busy")), "answer 5"])
    await talked(home, model, *texts)
    async with home.live(model, think=TWO, retry=RetrySettings(event_delays=(0.0,))) as runtime:
        await runtime.post("arya", "text 5")
        while len(model.contexts) < 5:
            await asyncio.sleep(0)
    async with home.live(model, think=TWO) as runtime:
        await runtime.store.put_off(await runtime.store.load("t5"), 0.0, "busy")
    async with home.live(model, think=TWO) as runtime:
        while (await runtime.store.event("e5")).state != "answered":  # type: ignore[union-attr]
            await asyncio.sleep(0)
    assert len(model.summarised) == 1
    assert model.contexts[4].digest == model.contexts[5].digest


async def test_a_summary_counts_to_no_limit_of_the_turn(home: Home) -> None:
    answers, texts = numbered(5)
    limits = LimitSettings(tokens=10)
    turns = await talked(
        home, ScriptedModel(answers), *texts, limits=limits, think=ThinkSettings(history_turns=2, max_iterations=1)
    )
    assert [turn.limit for turn in turns] == [None] * 5


async def test_between_two_jumps_the_prefix_stays_the_same_bytes_from_step_to_step_and_turn_to_turn(home: Home) -> None:
    def thinks(context: Context) -> Answer:
        if context.purpose == "summary":
            return Answer("A record.")
        return Answer("done") if context.messages[-1].role == "tool" else Answer(calls=[ToolCall("look", {"n": 1})])

    model = ScriptedModel(thinks)
    await talked(home, model, *(f"text {n}" for n in range(12)), think=ThinkSettings(history_turns=3))
    thoughts = [context for context in model.contexts if context.purpose == "think"]
    jumps = 0
    for before, after in pairwise(thoughts):
        assert (before.system, before.tools) == (after.system, after.tools)
        if after.messages[: len(before.messages)] != before.messages:
            jumps += 1
    assert jumps == len(model.contexts) - len(thoughts) == 2


async def test_the_window_is_cut_to_what_fits_the_model_and_is_the_same_after_a_restart(home: Home) -> None:
    texts = [f"text {n} " + "long " * 300 for n in range(12)]  # 375 tokens each
    cold, hot = ScriptedModel(["answer"] * 12), ScriptedModel(["answer"] * 12)
    wide: dict[str, Any] = {"think": ThinkSettings(history_turns=20), "context_window": 4000}
    turns = await talked(home, cold, *texts, **wide)
    async with home.live(hot, **wide) as runtime:
        for text in texts:
            await runtime.ask("arya", text, conversation="c:hot")
    sizes = [sum(len(text) for text in said(context)) // 4 for context in cold.contexts]
    assert max(sizes) <= 2000, "half the window is left for the answer"
    assert sum("summary" in [step.kind for step in turn.steps] for turn in turns) >= 2
    assert [len(said(context)) for context in cold.contexts] == [len(said(context)) for context in hot.contexts]
    for before, after in pairwise(cold.contexts):
        grown = after.messages[: len(before.messages)] == before.messages
        assert grown or len(after.messages) < len(before.messages), "it grows at its end, or jumps"


async def test_a_context_that_proves_too_long_is_shortened_and_wedges_no_conversation(home: Home) -> None:
    def thinks(context: Context) -> Answer:
        return Answer(error=ContextTooLong("too long")) if len(context.messages) > 4 else Answer("fine")

    model = ScriptedModel(thinks)
    turns = await talked(home, model, *(f"text {n}" for n in range(6)), think=ThinkSettings(history_turns=20))
    assert [turn.answer for turn in turns] == ["fine"] * 6


async def test_after_a_compaction_a_finished_task_is_told_as_done_and_is_not_the_last_message(home: Home) -> None:
    answers, texts = numbered(4)
    done: list[Answer | str] = [Answer(calls=[ToolCall("pay", {"n": 1})]), "Paid."]
    model = ScriptedModel([*done, *answers])
    await talked(home, model, "Pay invoice INV-2041.", *texts[:4])
    shown = said(model.contexts[-1])
    assert "do not do it again" in shown[0]
    assert shown[-1] == "text 4"
    assert not any(message.calls for message in model.contexts[-1].messages), "the call left with its whole turn"
    assert "(done): paid 1" in said(model.summarised[0])[0]
    assert home.ledger.lines == ["pay 1"]


async def test_after_a_compaction_the_question_just_asked_and_the_agents_own_are_still_there(home: Home) -> None:
    model = ScriptedModel(["a", "b", "c", "Which colour do you want?", "Red it is."])
    await talked(home, model, "1", "2", "3", "Paint the door.", "Red.")
    assert said(model.contexts[4])[-3:] == ["Paint the door.", "Which colour do you want?", "Red."]


@pytest.mark.parametrize("window", [1500, 2500, 6000])
async def test_even_a_tiny_window_keeps_the_turn_before_whole(home: Home, window: int) -> None:
    long = "word " * 200
    model = ScriptedModel([f"{long} Which colour?"] * 6)
    await talked(home, model, *(f"text {n}" for n in range(6)), context_window=window)
    assert said(model.contexts[-1])[-3:-1] == ["text 4", f"{long} Which colour?"]


async def test_no_cut_parts_a_call_from_its_result(home: Home) -> None:
    calls = [ToolCall("look", {"n": 1}, "a"), ToolCall("look", {"n": 2}, "b")]
    script: list[Answer | str] = [Answer(calls=calls), "seen"] * 9
    for window in (None, 1200):
        model = ScriptedModel(script)
        await talked(home, model, *(f"text {n}" for n in range(9)), context_window=window)
        for context in model.contexts:
            asked = [call.id for message in context.messages for call in message.calls]
            told = [message.call_id for message in context.messages if message.role == "tool"]
            assert asked == told


async def test_the_last_message_is_the_one_to_answer_whatever_was_cut(home: Home) -> None:
    answers, texts = numbered(12)
    model = ScriptedModel(answers)
    turns = await talked(home, model, *texts)
    for n, (context, turn) in enumerate(zip(model.contexts, turns, strict=True), 1):
        assert (context.messages[-1].role, context.messages[-1].text) == ("user", f"text {n}")
        assert turn.answer == f"answer {n}"


async def test_asks_promises_and_ids_are_carried_word_for_word_through_every_summary(home: Home) -> None:
    first = "Remind me on Friday about order 2025-99817. My address is bo@example.com."
    answers: list[Answer | str] = ["I will remind you on Friday.", *(f"answer {n}" for n in range(8))]
    model = ScriptedModel(answers, summary="They talked about nothing in particular.")
    await talked(home, model, first, *(f"text {n}" for n in range(8)))
    assert len(model.summarised) == 3
    note = said(model.contexts[-1])[0]
    assert 't1, asked: "Remind me on Friday about order 2025-99817."' in note
    assert 't1, promised: "I will remind you on Friday."' in note
    assert "2025-99817" in note.rpartition("ids: ")[2]
    assert "bo@example.com" in note.rpartition("ids: ")[2]


async def test_new_ends_an_episode_and_later_contexts_begin_clean(home: Home) -> None:
    for hot in (False, True):
        model = ScriptedModel(["one", "two", "three"], summary="They met.")
        conversation = f"c:{hot}"
        async with home.live(model) as runtime:
            await runtime.ask("arya", "hello", conversation=conversation)
            assert await runtime.ask("arya", "/new", conversation=conversation) == "A new episode begins."
            if hot:
                await runtime.ask("arya", "again", conversation=conversation)
        async with home.live(model) as runtime:
            await runtime.ask("arya", "again", conversation=conversation)
        assert said(model.contexts[1]) == ["again"]
        assert len(model.summarised) == 1, "the episode's summary is kept"


async def test_only_a_known_person_may_end_an_episode(home: Home) -> None:
    model = ScriptedModel(["one", "two"])
    async with home.live(model) as runtime:
        await runtime.ask("arya", "hello")
        event = await runtime.post("arya", "/new", trust="untrusted")
        while (await runtime.store.event(event)).state != "answered":  # type: ignore[union-attr]
            await asyncio.sleep(0)
    assert said(model.contexts[1]) == ["hello", "one", "/new"]


async def test_new_is_never_folded_into_the_turn_under_way(home: Home) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    @tool(effect="read")
    async def hold() -> str:
        """Hold."""
        begun.set()
        await go.wait()
        return "held"

    model = ScriptedModel([Answer(calls=[ToolCall("hold")]), "done", "fresh"])
    async with home.live(model, hold) as runtime:
        await runtime.post("arya", "hold")
        await begun.wait()
        for text in ("and listen", "/new", "who am I?"):
            last = await runtime.post("arya", text)
        go.set()
        while (await runtime.store.event(last)).state != "answered":  # type: ignore[union-attr]
            await asyncio.sleep(0)
    assert said(model.contexts[1])[-1] == "and listen"
    assert said(model.contexts[2]) == ["who am I?"]


async def test_compact_summarises_at_once_all_but_the_last_turn(home: Home) -> None:
    answers, texts = numbered(4)
    model = ScriptedModel(answers, summary="A record.")
    await talked(home, model, *texts[:3], think=ThinkSettings(history_turns=20))
    (turn,) = await talked(home, model, "/compact")
    assert turn.answer == "What was said up to turn t2 is summarised."
    await talked(home, model, texts[3])
    shown = said(model.contexts[3])
    assert "A record." in shown[0]
    assert shown[1:] == ["text 3", "answer 3", "text 4"]


async def test_without_a_window_nothing_is_summarised(home: Home) -> None:
    answers, texts = numbered(4)
    model = ScriptedModel(answers)
    await talked(home, model, *texts, think=ThinkSettings(history_turns=0))
    assert [said(context) for context in model.contexts] == [[text] for text in texts]
    assert model.summarised == []
