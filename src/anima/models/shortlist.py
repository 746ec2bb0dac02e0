"""What a small model is offered: the tools its task is about, and the words its arguments may be made of.

A model of a hundred million words picks the wrong one of five tools, and writes 'Hello, World!' where it was told
'hello'. So it is shown only what the request names or is about, and copies quoted texts, file names and numbers
instead of making them up. Larger models need none of this.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from anima.vocabulary import ToolSpec

_WORD = re.compile(r"[a-z]{3,}")
_QUOTED = re.compile(r"(?<!\w)(['\"`])(.+?)\1(?!\w)|[“‘](.+?)[”’]")
_FILE = re.compile(r"(?<![\w/.-])[\w/-]+(?:\.[\w/-]+)*\.[A-Za-z]\w{0,7}(?![\w/])")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*[A-Za-z])")
_URL = re.compile(r"https?://[^\s'\"<>]+[^\s'\"<>.,;:!?)]")
_NUMERIC = frozenset({"number", "integer"})
_COMMON = re.compile(
    r"(?:and|are|can|for|from|give|has|have|how|its|lines?|name|not|one|please|some|tell|text|that|the|them|then|there|"
    r"this|two|use|what|when|which|who|whole|will|with|you|your)"
)


def named(tools: Sequence[ToolSpec], request: str) -> list[ToolSpec]:
    """The tools that the request calls by name."""
    words = set(re.findall(r"\w+", _QUOTED.sub("", request).lower()))
    return [tool for tool in tools if tool.name.lower() in words]


def about(tools: Sequence[ToolSpec], request: str) -> list[ToolSpec]:
    """The tools that the request may be about: it shares a word with one's name or first line, or has its numbers."""
    words = _words(request)
    numbers = len(_NUMBER.findall(request))
    return [tool for tool in tools if words & _words(_title(tool)) or 0 < _numbers_wanted(tool) <= numbers]


def from_request(tool: ToolSpec, request: str, results: Sequence[str]) -> dict[str, Any]:
    """The tool's required parameters, bound to what the request, and the results so far, offer to copy."""
    urls = _URL.findall(request)
    request = _URL.sub("", request)
    files = _FILE.findall(request)
    quoted = [one or other for _, one, other in _QUOTED.findall(request) if (one or other) not in files]
    numbers = [float(number) if "." in number else int(number) for number in _NUMBER.findall(request)]
    properties = {}
    for name in tool.parameters.get("required", ()):
        schema = _properties(tool)[name]
        if _is_number(schema):
            copies: Sequence[object] = numbers if _numbers_wanted(tool) <= len(numbers) else ()
        elif "path" in name:
            copies = files
        elif "url" in name:
            copies = urls
        else:
            copies = (quoted or results) if schema.get("type") == "string" else ()
        properties[name] = {"enum": list(copies)} if copies else schema
    return {**tool.parameters, "properties": properties}


def signature(tool: ToolSpec) -> str:
    """One line: `add(a, b): Add two numbers.`"""
    parameters = ", ".join(tool.parameters.get("required", ()))
    return f"{tool.name}({parameters}): {tool.description.strip().partition(chr(10))[0]}"


def _title(tool: ToolSpec) -> str:
    return tool.name.replace("_", " ") + " " + tool.description.strip().partition("\n")[0]


def _words(text: str) -> set[str]:
    """Words that say something, without the ending of a plural."""
    return {word.removesuffix("s") for word in _WORD.findall(text.lower()) if not _COMMON.fullmatch(word)}


def _properties(tool: ToolSpec) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    return properties


def _numbers_wanted(tool: ToolSpec) -> int:
    return sum(_is_number(_properties(tool)[name]) for name in tool.parameters.get("required", ()))


def _is_number(schema: Mapping[str, Any]) -> bool:
    return all(part.get("type") in _NUMERIC for part in schema.get("anyOf", [schema]))
