"""What a local model is asked: the large one everything, the small one thing at a time."""

import json
from typing import Any

from anima.models.prompt import Prompt, prompt_of
from anima.vocabulary import Context, Image, Message, ToolCall, ToolSpec
from tests.models.hearing import ADD, ECHO, NOW

TALK = (Message("user", "I am Bob."), Message("assistant", "Hello, Bob."))
CALLED = (
    Message("user", "What is 17 + 25? Use add."),
    Message("assistant", "Let me see.", calls=(ToolCall("add", {"a": 17, "b": 25}, "c"),)),
    Message("tool", "42", call_id="c", tool="add"),
)


def large(*messages: Message, tools: tuple[ToolSpec, ...] = (), window: int = 4096) -> Prompt:
    return prompt_of(Context("You are Arya.", messages, tools), window, small=False)


def small(*messages: Message, tools: tuple[ToolSpec, ...] = (ADD, ECHO, NOW)) -> Prompt:
    return prompt_of(Context("You are Arya.", messages, tools), 4096, small=True)


def choices(prompt: Prompt) -> list[str]:
    """Names of the tools that the answer's shape allows, and `answer`."""
    assert prompt.schema is not None
    found: list[dict[str, Any]] = prompt.schema["oneOf"]
    return [choice["properties"].get("tool", {"const": "answer"})["const"] for choice in found]


def test_a_large_model_sees_the_whole_conversation_in_the_shape_it_answers_in() -> None:
    prompt = large(*TALK, *CALLED, tools=(ADD, ECHO))
    assert [line["role"] for line in prompt.lines] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert prompt.lines[2]["content"] == '{"answer":"Hello, Bob."}'
    assert prompt.lines[4]["content"] == '{"answer":"Let me see."}\n{"tool":"add","args":{"a":17,"b":25}}'
    assert "42" in prompt.lines[5]["content"]
    assert all(word in prompt.lines[0]["content"] for word in ("You are Arya.", "add(a, b)", "echo(text)"))
    assert choices(prompt) == ["add", "echo", "answer"]


def test_without_tools_a_conversation_is_plain() -> None:
    prompt = large(*TALK, Message("user", "Who am I?", images=(Image("image/png", b"x"),)))
    assert prompt.schema is None
    assert [line["content"] for line in prompt.lines][1:3] == ["I am Bob.", "Hello, Bob."]
    assert "picture" in prompt.lines[3]["content"]


def test_what_the_window_cannot_hold_is_left_out_from_the_oldest_on() -> None:
    old = [Message("user" if n % 2 == 0 else "assistant", f"{n} " + "word " * 100) for n in range(20)]
    prompt = large(*old, Message("user", "And now?"), window=1000)
    assert sum(len(line["content"]) for line in prompt.lines) < 2500
    assert prompt.lines[1]["role"] == "user"
    assert prompt.lines[-1]["content"] == "And now?"


def test_one_message_beyond_all_bounds_is_cut_visibly() -> None:
    prompt = large(Message("user", "x" * 100_000), window=1000)
    assert "characters cut" in prompt.lines[-1]["content"]
    assert len(prompt.lines[-1]["content"]) < 1100


def test_shared_definitions_stand_at_the_root_of_the_shape() -> None:
    parameters = {"$defs": {"P": {"type": "string"}}, "type": "object", "properties": {"p": {"$ref": "#/$defs/P"}}}
    prompt = large(Message("user", "x"), tools=(ToolSpec("t", "T.", parameters),))
    assert prompt.schema is not None
    assert prompt.schema["$defs"] == {"P": {"type": "string"}}
    assert "$defs" not in json.dumps(prompt.schema["oneOf"]).replace("#/$defs/P", "")


def test_a_small_model_is_offered_only_the_tool_that_was_named() -> None:
    prompt = small(*TALK, Message("user", "What is 17 + 25? Use add."))
    assert choices(prompt) == ["add"]
    assert "echo" not in prompt.lines[0]["content"]
    assert not prompt.loose


def test_a_small_model_may_also_answer_where_no_tool_was_named() -> None:
    assert choices(small(Message("user", "What is 17 + 25?"))) == ["add", "answer"]


def test_a_small_model_is_asked_for_the_answer_once_it_has_the_result() -> None:
    prompt = small(*CALLED)
    assert prompt.schema is None
    assert 'The add tool returned "42".' in prompt.lines[-1]["content"]


def test_a_small_model_uses_the_next_tool_that_was_named() -> None:
    task = Message("user", "Use add on 1 and 2, then echo.")
    prompt = small(task, *CALLED[1:])
    assert choices(prompt) == ["echo"]
    assert '"enum": ["42"]' in json.dumps(prompt.schema)


def test_after_a_failed_call_a_small_model_tells_what_went_wrong() -> None:
    prompt = small(
        Message("user", "Use add, then echo."), CALLED[1], Message("tool", "no such number", tool="add", ok=False)
    )
    assert prompt.schema is None
    assert "no such number" in prompt.lines[-1]["content"]


def test_a_small_model_talks_plainly_when_no_tool_fits_and_remembers_the_conversation() -> None:
    prompt = small(*TALK, Message("user", "What is my name?"))
    assert prompt.schema is None
    assert [line["content"] for line in prompt.lines] == [
        "You are Arya.",
        "I am Bob.",
        "Hello, Bob.",
        "What is my name?",
    ]
