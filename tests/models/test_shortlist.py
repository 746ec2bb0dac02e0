"""Which tools a small model is offered, and what its arguments may be made of."""

import pytest

from anima.models.shortlist import about, from_request, named, signature
from anima.vocabulary import ToolSpec
from tests.models.hearing import ADD, ECHO, NOW


def spec(name: str, description: str, required: list[str], **types: str) -> ToolSpec:
    properties = {word: {"type": kind} for word, kind in types.items()}
    return ToolSpec(name, description, {"type": "object", "properties": properties, "required": required})


WRITE = spec("write_file", "Write a text file.", ["path", "content"], path="string", content="string")
LIST = spec("list_files", "List a folder.\n\nMore about it.", [], path="string")
GET = spec("http", "Make a request.", ["method", "url"], method="string", url="string")
TOOLS = (ADD, ECHO, NOW, WRITE, LIST, GET)


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ("What is 17 + 25? Use the add tool.", ["add"]),
        ("Use add, then WRITE_FILE.", ["add", "write_file"]),
        ("Say 'add' with echo", ["echo"]),
        ("What is an address?", []),
    ],
)
def test_a_tool_is_named_by_its_whole_name_outside_quotes(request_: str, names: list[str]) -> None:
    assert [tool.name for tool in named(TOOLS, request_)] == names


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ("What is 17 + 25?", ["add"]),
        ("What time is it?", ["now"]),
        ("Show me the folder", ["list_files"]),
        ("What is the capital of France?", []),
        ("Tell me 1 thing", []),
    ],
)
def test_a_tool_is_worth_offering_when_it_shares_words_or_numbers_with_the_request(
    request_: str, names: list[str]
) -> None:
    assert [tool.name for tool in about(TOOLS, request_)] == names


def bound(tool: ToolSpec, request: str, *results: str) -> dict[str, object]:
    properties: dict[str, dict[str, object]] = from_request(tool, request, results)["properties"]
    return {name: schema.get("enum", "free") for name, schema in properties.items()}


def test_arguments_are_copied_where_the_request_has_something_to_copy() -> None:
    assert bound(ADD, "Add 17 and -2.5") == {"a": [17, -2.5], "b": [17, -2.5]}
    assert bound(ADD, "Add one and 2") == {"a": "free", "b": "free"}
    assert bound(WRITE, "Write 'hello' to notes/a.txt") == {"path": ["notes/a.txt"], "content": ["hello"]}
    assert bound(WRITE, "Write a poem to poem.md") == {"path": ["poem.md"], "content": "free"}
    assert bound(WRITE, "Write the result to sum.txt", "42") == {"path": ["sum.txt"], "content": ["42"]}
    assert bound(GET, "GET http://127.0.0.1:80/a.html.") == {"method": "free", "url": ["http://127.0.0.1:80/a.html"]}
    assert bound(ECHO, "Echo “good morning”") == {"text": ["good morning"]}


def test_optional_arguments_are_left_out() -> None:
    assert bound(LIST, "List the folder notes.d") == {}


def test_a_signature_is_one_line() -> None:
    assert signature(LIST) == "list_files(): List a folder."
    assert signature(ADD) == "add(a, b): Add two numbers."
