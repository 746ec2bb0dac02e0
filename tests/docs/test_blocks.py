"""The runner of documents can fail: a block that does not do what it says is found."""

from pathlib import Path

import pytest

from tests.docs.blocks import BlockFailed, Desk, blocks

GOOD = [
    "```console\n$ echo one   two\none two\n$ true\n```",
    "```console\n$ printf 'a\\nb\\nc\\n'\na\nc\n```",
    "```console\n$ echo took 0.31 s\ntook ... s\n```",
    "```console exit=3\n$ true\n$ exit 3\n```",
    "```console exit=137\n$ kill -9 $$\n```",
    "```console\n$ echo a \\\n    b\na b\n```",
    "```bash\nx=1\ntest $x = 1\n```",
    "```python\nimport anima\nassert anima.tool\n```",
    "```python\nimport asyncio\nawait asyncio.sleep(0)\n```",
    "```toml file=x.toml\n[agent]\nname = 'a'\n```\n\n```console\n$ anima config check x.toml\nok\n```",
    "```toml exit=2\n[agent]\nnmae = 'a'\n```",
    "```toml\n[llm]\nprovider = 'local'\n```",
    "```python\nprint(40 + 2)\n```\n\n```text\n42\n```",
    "```console words=free\n$ echo a; echo b\na\nc\n```",
    "1. In a list:\n\n   ```console\n   $ echo x\n   x\n   ```",
    "```text\n$ false\n```",
    "<!-- not run: it would end the test -->\n```console\n$ false\n```",
    "````markdown\n```console\n$ false\n```\n````",
]
BAD = [
    ("```console\n$ false\n```", "exit status 1 instead of 0"),
    ("```console exit=1\n$ true\n```", "exit status 0 instead of 1"),
    ("```console exit=1\n$ false\n$ false\n```", "exit status 1 instead of 0"),
    ("```console\n$ echo one\ntwo\n```", "does not print 'two'"),
    ("```console\n$ printf 'a\\nb\\n'\nb\na\n```", "does not print 'a'"),
    ("```console\necho one\n```", "no line that begins"),
    ("```bash\nfalse\n```", "exit status 1"),
    ("```python\nraise SystemExit(3)\n```", "exit status 3"),
    ("```python\nawait nothing()\n```", "NameError"),
    ("```toml\n[agent]\nnmae = 'a'\n```", "did you mean name?"),
    ("```toml\n[llm]\nonly_a_piece = true\n```", "unknown key"),
    ("```python\nprint(40 + 2)\n```\n\n```text\n43\n```", "does not print"),
    ("```toml exit=2\n[agent]\nname = 'a'\n```", "right after all"),
    ("<!-- not run -->\n```console\n$ true\n```", "without a reason"),
    ("<!-- not run: -->\n```console\n$ true\n```", "without a reason"),
    ("<!-- not run: reason -->\n\n```console\n$ false\n```", "exit status 1"),
]


def run(document: str, folder: Path) -> None:
    desk = Desk.lay(folder)
    for block in blocks(document, "x.md"):
        if block.skipped is None:
            desk.run(block)


@pytest.mark.parametrize("document", GOOD, ids=range(len(GOOD)))
def test_a_document_that_tells_the_truth_passes(document: str, tmp_path: Path) -> None:
    run(document, tmp_path)


@pytest.mark.parametrize(("document", "told"), BAD, ids=range(len(BAD)))
def test_a_document_that_does_not_is_told_where(document: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(BlockFailed) as caught:
        run(document, tmp_path)
    assert told in str(caught.value)
    assert "x.md:" in str(caught.value)


def test_a_block_knows_its_line_and_options() -> None:
    (block,) = blocks("# Title\n\n```console exit=2 file=a.sh\n$ x\n```\n", "x.md")
    assert (block.place, block.language, block.options, block.text) == (
        "x.md:3",
        "console",
        {"exit": "2", "file": "a.sh"},
        "$ x\n",
    )
