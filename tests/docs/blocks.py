"""Runs the blocks of a Markdown document as a reader would, one after the other, in a folder of their own.

    ```console exit=1       `$ ` lines are run; what follows must be printed, in that order (`...` stands for anything)
    ```bash                 the same, or a script as a whole where no line begins with `$ `
    ```python               run as it is, `await` outside functions included
    ```toml                 loaded as settings when it has an [agent] (exit=2: and refused)
    ```toml file=config.toml      any block: kept under that name for the blocks after it

`<!-- not run: reason -->` on the line before a block leaves it out. Nothing here knows what the documents are about.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from anima.errors import SettingsError
from anima.settings import load

ROOT = Path(__file__).parents[2]
RUN = frozenset({"bash", "console", "python", "sh", "toml"})
PATIENCE = 300
"""Seconds a command may take; a small model thinks slowly on a busy machine."""
PYTHON = """\
import ast, asyncio, inspect, sys
code = compile(open(sys.argv[1]).read(), sys.argv[2], "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
outcome = eval(code, {"__name__": "__main__"})
if inspect.iscoroutine(outcome):
    asyncio.run(outcome)
"""


class BlockFailed(AssertionError):
    """A block did not do what its document says."""


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, its language, what else its first line says, its lines, why it is not run."""

    place: str
    language: str
    options: dict[str, str]
    text: str
    skipped: str | None = None


def blocks(text: str, name: str) -> Iterator[Block]:
    """The blocks of a document that can be run. Raises BlockFailed for one left out without a reason."""
    lines = text.splitlines()
    n = 0
    while n < len(lines):
        opened = re.fullmatch(r"(\s*)(`{3,})(\w*)(.*)", lines[n])
        n += 1
        if not opened:
            continue
        begin, (margin, fence, language, more) = n, opened.groups()
        while n < len(lines) and lines[n].strip() != fence:
            n += 1
        if language in RUN:
            body = "\n".join(line.removeprefix(margin) for line in lines[begin:n]) + "\n"
            place = f"{name}:{begin}"
            reason = _reason(lines[begin - 2] if begin > 1 else "", place)
            yield Block(place, language, dict(re.findall(r"(\w+)=(\S+)", more)), body, reason)
        n += 1


def _reason(line: str, place: str) -> str | None:
    """Why the block below this line is not run; None when it is."""
    if not re.match(r"\s*<!--\s*not run", line):
        return None
    found = re.fullmatch(r"\s*<!-- not run: (\S.*\S) -->\s*", line)
    if not found:
        raise BlockFailed(f"{place} is left out without a reason: <!-- not run: reason -->")
    return found[1]


@dataclass(frozen=True)
class Desk:
    """Where a document's blocks are run: a folder that looks like a clone, and is the reader's home too."""

    folder: Path

    @classmethod
    def lay(cls, folder: Path) -> "Desk":
        """A fresh one. The environment and the bundled model are the clone's own; examples are copied."""
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("workspace"))
        shutil.copy(ROOT / "examples" / "persona.md", folder)
        for name in (".venv", "Makefile", "pyproject.toml", "requirements.lock", "src"):
            (folder / name).symlink_to(ROOT / name)
        (folder / ".home").mkdir(mode=0o700)
        if (ROOT / ".home" / "models").is_dir():
            (folder / ".home" / "models").symlink_to(ROOT / ".home" / "models")
        return cls(folder)

    def run(self, block: Block) -> None:
        """Run one block. Raises BlockFailed, which names its place and what happened instead."""
        if file := block.options.get("file"):
            path = self.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        if block.language == "toml":
            self._load(block)
        elif block.language == "python" and not file:
            path = self.folder / ".block.py"
            path.write_text(block.text)
            self._expect(block, [sys.executable, "-c", PYTHON, str(path), block.place], [], last=True)
        elif block.language != "python":
            commands = list(_commands(block))
            for n, (command, expected) in enumerate(commands, 1):
                self._expect(block, ["bash", "-c", command], expected, last=n == len(commands))

    def _load(self, block: Block) -> None:
        if not re.search(r"^\[agent\]", block.text, re.MULTILINE):
            return
        path = self.folder / block.options.get("file", "block.toml")
        path.write_text(block.text)
        try:
            load(path, self.folder / ".home")
            status = 0
        except SettingsError as error:
            status, said = error.exit_status, str(error)
        if status != int(block.options.get("exit", 0)):
            raise BlockFailed(f"{block.place} is {'right after all' if status == 0 else f'refused: {said}'}")

    def _expect(self, block: Block, command: list[str], expected: list[str], *, last: bool) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
            start_new_session=True,
        )
        said = f"{block.place}: {command[-1] if len(command) == 3 else block.language}\n{done.stdout}"
        status = 128 - done.returncode if done.returncode < 0 else done.returncode
        wanted = int(block.options.get("exit", 0)) if last else 0
        if status != wanted:
            raise BlockFailed(f"exit status {status} instead of {wanted}: {said}")
        if missing := _missing(done.stdout, expected):
            raise BlockFailed(f"does not print {missing!r}: {said}")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "ANIMA_HOME": str(self.folder / ".home"),
            "OLLAMA_HOST": "127.0.0.1:1",
        }


def _commands(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block, and the lines that should come of it."""
    text = block.text.replace("\\\n", "\0")
    if not re.search(r"^\$ ", text, re.MULTILINE):
        if block.language == "console":
            raise BlockFailed(f"{block.place} has no line that begins with `$ `")
        yield block.text, []
        return
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield (
            command.replace("\0", "\\\n"),
            [line for line in output.replace("\0", "\\\n").splitlines() if line.strip()],
        )


def _missing(printed: str, expected: list[str]) -> str | None:
    """The first expected line that was not printed after those before it; space counts once, `...` is anything."""
    lines = iter([" ".join(line.split()) for line in printed.splitlines()])
    for line in expected:
        pattern = ".*".join(re.escape(part) for part in re.split(r"\.\.\.|…", " ".join(line.split())))
        if not any(re.search(pattern, each) for each in lines):
            return line
    return None
