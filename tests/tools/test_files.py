"""The file tools, as a model uses them."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anima.tools.files import edit_file, list_files, read_file, search_files, write_file
from anima.tools.toolbox import Outcome, Toolbox
from anima.vocabulary import Call

BOX = Toolbox([read_file, write_file, edit_file, list_files, search_files])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    return root


def call(root: Path, tool: str, _key: str = "key-1", **arguments: Any) -> Call:
    return Call(tool, arguments, "arya", "cli:main", root, _key, scratch=root.parent / "scratch" / _key)


async def run(root: Path, tool: str, **arguments: Any) -> Outcome:
    outcome = await BOX.run(call(root, tool, **arguments))
    assert outcome.label == "trusted"
    return outcome


async def test_a_file_is_read_whole(root: Path) -> None:
    (root / "a").write_text("one\r\ntwo\n")
    assert (await run(root, "read_file", path="a")).text == "one\r\ntwo\n"


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [(2, None, "two\nthree"), (2, 2, "two\n"), (None, 2, "one\ntwo\n"), (1, 99, "one\ntwo\nthree"), (3, 3, "three")],
)
async def test_some_lines_of_a_file_are_read(root: Path, start: int | None, end: int | None, text: str) -> None:
    (root / "a").write_text("one\ntwo\nthree")
    assert (await run(root, "read_file", path="a", start=start, end=end)).text == text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"path": "b"}, "there is no 'b'\nlist_files shows what there is"),
        ({"path": "."}, "'.' is a folder"),
        ({"path": "binary"}, "'binary' is no text: 3 bytes"),
        ({"path": "big"}, "'big' has 10,000,001 bytes\nread some of its lines, with start and end"),
        ({"path": "big", "start": 1}, "these lines of 'big' have more than 10,000,000 bytes\nread fewer of them"),
        ({"path": "a", "start": 9}, "'a' has 1 lines only"),
        ({"path": "a", "start": 3, "end": 2}, "end (2) comes before start (3)"),
        ({"path": "a", "start": 0}, "the argument start is wrong: input should be greater than or equal to 1, got 0"),
    ],
)
async def test_what_cannot_be_read_says_what_to_do(root: Path, arguments: dict[str, Any], said: str) -> None:
    (root / "a").write_text("one\n")
    (root / "binary").write_bytes(b"\x00\xff\x00")
    with (root / "big").open("wb") as file:
        file.truncate(10_000_001)
    assert await run(root, "read_file", **arguments) == Outcome(False, said, "trusted")


async def test_writing_makes_the_folders_and_says_how_much(root: Path) -> None:
    outcome = await run(root, "write_file", path="a/b.txt", content="é")
    assert outcome.text == "wrote 2 bytes to a/b.txt"
    assert (root / "a" / "b.txt").read_text() == "é"
    assert [path.name for path in (root / "a").iterdir()] == ["b.txt"]


async def test_an_edit_replaces_exactly_one_place_and_no_other_byte(root: Path) -> None:
    (root / "a").write_bytes(b"\xff one\r\ntwo\n")
    outcome = await run(root, "edit_file", path="a", old="one", new="eins")
    assert outcome == Outcome(True, "replaced 3 characters in a by 4", "trusted")
    assert (root / "a").read_bytes() == b"\xff eins\r\ntwo\n"


@pytest.mark.parametrize(
    ("old", "said"), [("three", "does not occur"), ("o", "occurs 2 times"), ("", "old is empty"), ("One", "not occur")]
)
async def test_an_edit_that_is_not_clear_changes_nothing(root: Path, old: str, said: str) -> None:
    (root / "a").write_text("one two")
    outcome = await run(root, "edit_file", path="a", old=old, new="x")
    assert not outcome.ok
    assert said in outcome.text
    assert (root / "a").read_text() == "one two"


async def test_an_edit_that_had_happened_before_a_crash_is_not_made_again(root: Path) -> None:
    (root / "a").write_text("x")
    asked = call(root, "edit_file", path="a", old="x", new="xx")
    assert (await BOX.run(asked)).ok
    assert (await BOX.run(replace(asked, attempt=2))).ok
    assert (root / "a").read_text() == "xx"


async def test_an_edit_that_had_not_happened_before_a_crash_is_made(root: Path) -> None:
    (root / "a").write_text("x")
    asked = call(root, "edit_file", path="a", old="x", new="xx")
    await BOX.run(asked)
    (root / "a").write_text("x")
    assert (await BOX.run(replace(asked, attempt=2))).ok
    assert (root / "a").read_text() == "xx"


async def test_an_edit_of_a_file_that_changed_during_a_crash_is_told(root: Path) -> None:
    (root / "a").write_text("x")
    asked = call(root, "edit_file", path="a", old="x", new="xx")
    await BOX.run(asked)
    (root / "a").write_text("x and more")
    outcome = await BOX.run(replace(asked, attempt=2))
    assert "was changed by something else" in outcome.text
    assert (root / "a").read_text() == "x and more"


async def test_another_edit_is_not_taken_for_a_repeated_one(root: Path) -> None:
    (root / "a").write_text("x")
    for key, text in [("key-1", "xx"), ("key-2", "xxx")]:
        old = (root / "a").read_text()
        assert (await BOX.run(call(root, "edit_file", key, path="a", old=old, new=text))).ok
    assert (root / "a").read_text() == "xxx"


async def test_a_listing_marks_folders_and_links(root: Path) -> None:
    assert (await run(root, "list_files")).text == "(empty)"
    (root / "b").mkdir()
    (root / "a").touch()
    (root / "c").symlink_to("/")
    assert (await run(root, "list_files")).text == "a\nb/\nc (link, not followed)"
    assert (await run(root, "list_files", path="b")).text == "(empty)"
    assert (await run(root, "list_files", path="a")).text == "'a' is not a folder, or lies below a file"


async def test_a_search_shows_path_line_and_text(root: Path) -> None:
    (root / "b").mkdir()
    (root / "b" / "x.md").write_text("nothing\nthe needle\n")
    (root / "a.md").write_text("a needle\n")
    (root / "binary").write_bytes(b"needle\x00")
    (root / "link").symlink_to("/etc")
    (root / "twin").symlink_to("a.md")
    os.mkfifo(root / "pipe")
    found = await run(root, "search_files", pattern=r"ne+dle$")
    assert found.text == "a.md:1: a needle\nb/x.md:2: the needle"
    assert (await run(root, "search_files", pattern="needle", path="b")).text == "b/x.md:2: the needle"
    assert (await run(root, "search_files", pattern="needle", path="a.md")).text == "a.md:1: a needle"
    assert (await run(root, "search_files", pattern="straw")).text == "no match"
    assert "there is no 'z'" in (await run(root, "search_files", pattern="x", path="z")).text


async def test_a_wrong_pattern_is_told(root: Path) -> None:
    outcome = await run(root, "search_files", pattern="(")
    assert "'(' is no regular expression" in outcome.text


async def test_a_pattern_that_takes_for_ever_is_ended(root: Path) -> None:
    (root / "a").write_text("a" * 60)
    impatient = replace(search_files, timeout=1.0)
    outcome = await Toolbox([impatient]).run(call(root, "search_files", pattern="(a+)+b"))
    assert outcome.text == "search_files took longer than 1 s and was ended"


async def test_many_matches_are_cut_with_a_notice(root: Path) -> None:
    (root / "a").write_text("needle\n" * 300)
    lines = (await run(root, "search_files", pattern="needle")).text.splitlines()
    assert len(lines) == 201
    assert "more matches" in lines[-1]
