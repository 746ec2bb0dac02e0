"""What a local model is asked: a context as plain messages, and the JSON its answer must be.

Tools are described in the system text and offered as a JSON schema, which works with models that never learnt tools. A
small model is led by the hand: it sees only the tools its task is about, and is asked for one thing at a time. This
module does not know how a model is reached.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anima.models.encoding import dump
from anima.models.shortlist import about, from_request, named, signature
from anima.vocabulary import Context, Message, ToolSpec

_HOW = 'Reply in JSON: {"tool": NAME, "args": {...}} to use a tool, else {"answer": TEXT}. Tools:'
_SAY = "Say what it returned, in one short sentence."
_UNSEEN = "[a picture, which this model cannot see]"
_ANSWER = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
_BRIEF = 600
_LETTERS_PER_TOKEN = 2

Line = dict[str, str]


@dataclass(frozen=True)
class Prompt:
    """Messages, and the JSON schema of the answer (None: plain text).

    `loose`: the model chooses its own words and may go round in circles; else it only repeats what it was told.
    """

    lines: list[Line]
    schema: Mapping[str, Any] | None = None
    loose: bool = True


def prompt_of(context: Context, window: int, small: bool) -> Prompt:
    """The prompt for a context, the oldest messages left out where a window of so many tokens could not hold them."""
    if small:
        return _leading(context)
    budget = window * _LETTERS_PER_TOKEN
    lines = _merged(_recent([_line(message, bool(context.tools), budget // 2) for message in context.messages], budget))
    if not context.tools:
        return Prompt([*_system(context.system), *lines])
    how = [_HOW, *(f"{signature(tool)} {dump(tool.parameters)}" for tool in context.tools)]
    choices = [_call(tool, tool.parameters) for tool in context.tools]
    return Prompt([*_system("\n".join([context.system, *how])), *lines], _one_of([*choices, _ANSWER], context.tools))


def _leading(context: Context) -> Prompt:
    """One thing at a time: a tool that was named or that may help, then an answer from what it returned."""
    places = [place for place, message in enumerate(context.messages) if message.role == "user"]
    turn = context.messages[places[-1] if places else 0 :]
    request = _cut(turn[0].text, 2 * _BRIEF) if turn else ""
    results = [message for message in turn if message.role == "tool"]
    persona = _cut(context.system, _BRIEF)
    told = _told(results)
    tools = _offer(context.tools, request, results)
    if tools:
        how = "\n".join([persona, _HOW, *map(signature, tools)]).strip()
        copied = [result.text.strip() for result in results]
        bound = [from_request(tool, request, copied) for tool in tools]
        loose = any("enum" not in part for parameters in bound for part in parameters["properties"].values())
        choices = [*map(_call, tools, bound), *([] if named(tools, request) else [_ANSWER])]
        return Prompt([*_system(how), _user("\n\n".join([request, *told]))], _one_of(choices, tools), loose)
    if told:
        return Prompt([*_system(persona), _user("\n\n".join([request, *told, _SAY]))], loose=False)
    before = [_line(message, False, _BRIEF) for message in context.messages[: places[-1] if places else 0]]
    return Prompt([*_system(persona), *_merged([*_recent(before, 2 * _BRIEF), *map(_shown, turn)])])


def _told(results: Sequence[Message]) -> list[str]:
    """What came of the calls so far, in the one sentence that a small model repeats without mistakes."""
    parts = [f'the {result.tool} tool returned "{_cut(result.text.strip(), _BRIEF)}"' for result in results]
    return ["T" + ", and ".join(parts)[1:] + "."] if parts else []


def _offer(tools: Sequence[ToolSpec], request: str, results: Sequence[Message]) -> list[ToolSpec]:
    """Tools worth offering now: those named and not used yet; before any was used, those the request is about."""
    used = {result.tool for result in results}
    if not all(result.ok for result in results):
        return []
    by_name = named(tools, request)
    return [tool for tool in by_name if tool.name not in used] if by_name or used else about(tools, request)


def _call(tool: ToolSpec, parameters: Mapping[str, Any]) -> dict[str, Any]:
    arguments = {word: value for word, value in parameters.items() if word != "$defs"}
    properties = {"tool": {"const": tool.name}, "args": arguments}
    return {"type": "object", "properties": properties, "required": ["tool", "args"]}


def _one_of(choices: Sequence[Mapping[str, Any]], tools: Sequence[ToolSpec]) -> dict[str, Any]:
    """The schema that allows any one; what their parts refer to stands at its root."""
    shared = {name: part for tool in tools for name, part in tool.parameters.get("$defs", {}).items()}
    return {"oneOf": list(choices), **({"$defs": shared} if shared else {})}


def _line(message: Message, in_json: bool, most: int) -> Line:
    """One message as a model without tools can read it."""
    if message.role == "tool":
        return _user(f"The {message.tool} tool returned: {_cut(message.text, most)}")
    if message.role == "user":
        return {**_shown(message), "content": _cut(_shown(message)["content"], most)}
    parts = [dump({"answer": message.text}) if in_json else message.text] if message.text else []
    if in_json:
        parts += [dump({"tool": call.name, "args": call.arguments}) for call in message.calls]
    return {"role": "assistant", "content": _cut("\n".join(parts), most)}


def _shown(message: Message) -> Line:
    return _user("\n".join([message.text, *(_UNSEEN for _ in message.images)]))


def _recent(lines: Sequence[Line], budget: int) -> list[Line]:
    """The last lines that fit, the very last in any case; they begin with the user's."""
    kept: list[Line] = []
    for line in reversed(lines):
        budget -= len(line["content"])
        if budget < 0 and kept:
            break
        kept.insert(0, line)
    while kept and kept[0]["role"] != "user":
        kept.pop(0)
    return kept


def _merged(lines: Sequence[Line]) -> list[Line]:
    """Neighbours of one role as one message: some chat templates want the roles to take turns."""
    merged: list[Line] = []
    for line in lines:
        if merged and merged[-1]["role"] == line["role"]:
            parts = (merged[-1]["content"], line["content"])
            merged[-1] = {**line, "content": "\n\n".join(part for part in parts if part)}
        else:
            merged.append(line)
    return merged


def _system(text: str) -> Iterator[Line]:
    if text.strip():
        yield {"role": "system", "content": text.strip()}


def _user(text: str) -> Line:
    return {"role": "user", "content": text}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} [… {len(text) - most} characters cut]"
