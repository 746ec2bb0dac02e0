"""Runs the blocks of a Markdown document as a reader would, one after the other, in a folder of their own.

    ```console exit=1       `$ ` lines are run; what follows must be printed, in that order (`...` stands for anything)
    ```console words=free   the same, but the last line is what a small model said, in its own words
    ```bash                 as console, or a script as a whole where no line begins with `$ `
    ```python               run as it is, `await` outside functions included; a ```text block right below is printed
    ```toml                 checked as an agent's settings, or as a piece of them (exit=2: and refused)
    ```toml file=config.toml      any block: kept under that name for the blocks after it

Times, seconds and keys may differ from what is shown. `<!-- not run: reason -->` on the line before a block leaves it
out. Nothing here knows what the documents are about.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from anima.app import describe
from anima.errors import SettingsError
from anima.settings import HOME_FILE, load, load_home

ROOT = Path(__file__).parents[2]
MODELS = ROOT / ".home" / "models"
RUN = frozenset({"bash", "console", "python", "sh", "toml"})
SHOWN = frozenset({"", "json", "text"})
"""Languages of drawings, documents, and what a block of Python prints."""
VARYING = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:[+-]\d\d:\d\d|Z)?|\d+\.\d+|\b[0-9a-f]{26}\b")
PATIENCE = 300
"""Seconds a command may take; a small model thinks slowly on a busy machine."""
PYTHON = """\
import ast, asyncio, inspect, pathlib, sys
code = compile(pathlib.Path(sys.argv[1]).read_text(), sys.argv[2], "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
outcome = eval(code, {"__name__": "__main__"})
if inspect.iscoroutine(outcome):
    asyncio.run(outcome)
"""


class BlockFailed(AssertionError):
    """A block did not do what its document says."""


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, its language, what else its first line says, its lines, why it is not run.

    `prints` are the lines of the text block right below a block of Python.
    """

    place: str
    language: str
    options: dict[str, str]
    text: str
    skipped: str | None = None
    prints: tuple[str, ...] = ()


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
            prints = _printed_below(lines[n + 1 :]) if language == "python" else ()
            yield Block(place, language, dict(re.findall(r"(\w+)=(\S+)", more)), body, reason, prints)
        n += 1


def _printed_below(lines: list[str]) -> tuple[str, ...]:
    """The lines of a text block that follows at once."""
    rest = iter(line for line in lines if line.strip())
    if next(rest, "").strip() != "```text":
        return ()
    return tuple(takewhile(lambda line: line.strip() != "```", rest))


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
    """Where a document's blocks are run: a folder that looks like a clone, and is the reader's home too.

    `provider` is the URL of somebody who stands in for every paid model.
    """

    folder: Path
    provider: str

    @classmethod
    def lay(cls, folder: Path, provider: str = "http://127.0.0.1:1") -> "Desk":
        """A fresh one. The programs and the bundled model are the clone's own; examples are copied."""
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("workspace"))
        for name in ("Makefile", "pyproject.toml", "requirements.lock"):
            shutil.copyfile(ROOT / name, folder / name)
        (folder / ".venv").mkdir()
        for part in ("bin", "lib", "pyvenv.cfg"):
            (folder / ".venv" / part).symlink_to(Path(sys.prefix, part))
        (folder / ".venv" / ".ready").touch()
        for home in (".home", ".anima"):
            (folder / home).mkdir(mode=0o700)
            if MODELS.is_dir():
                (folder / home / "models").symlink_to(MODELS)
        return cls(folder, provider)

    def run(self, block: Block) -> None:
        """Run one block. Raises BlockFailed, which names its place and what happened instead."""
        if file := block.options.get("file"):
            path = self.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        if block.language == "toml":
            self._check(block)
        elif block.language == "python" and not file:
            path = self.folder / ".block.py"
            path.write_text(block.text)
            python = [sys.executable, "-W", "error", "-c", PYTHON, str(path), block.place]
            self._expect(block, python, block.prints, last=True)
        elif block.language != "python":
            commands = list(_commands(block))
            for n, (command, expected) in enumerate(commands, 1):
                self._expect(block, ["bash", "-c", command], expected, last=n == len(commands))

    def _check(self, block: Block) -> None:
        """Settings, or a piece of an agent's."""
        path = self.folder / block.options.get("file", "piece.toml")
        whole = path.name == HOME_FILE or re.search(r"^\[agent\]", block.text, re.MULTILINE)
        path.write_text(block.text if whole else f'[agent]\nname = "arya"\n{block.text}')
        try:
            if path.name == HOME_FILE:
                load_home(path)
            elif problems := describe(load(path)).problems:
                raise SettingsError(problems)
            status = 0
        except SettingsError as error:
            status, said = error.exit_status, str(error)
        if status != int(block.options.get("exit", 0)):
            raise BlockFailed(f"{block.place} is {'right after all' if status == 0 else f'refused: {said}'}")

    def _expect(self, block: Block, command: list[str], expected: Sequence[str], *, last: bool) -> None:
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
            "PATH": f"{self.folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "USER": "you",
            "LANG": "C.UTF-8",
            "ANTHROPIC_BASE_URL": self.provider,
            "ANTHROPIC_API_KEY": "none",
            "OPENAI_BASE_URL": f"{self.provider}/v1",
            "OPENAI_API_KEY": "none",
            "OLLAMA_HOST": self.provider,
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
        shown = [line for line in output.replace("\0", "\\\n").splitlines() if line.strip()]
        yield command.replace("\0", "\\\n"), shown[:-1] if block.options.get("words") == "free" else shown


def _missing(printed: str, expected: Sequence[str]) -> str | None:
    """The first expected line that was not printed after those before it."""
    lines = iter([_loose(line) for line in printed.splitlines()])
    for line in expected:
        pattern = ".*".join(re.escape(part) for part in re.split(r"\.\.\.|…", _loose(line)))
        if not any(re.search(pattern, each) for each in lines):
            return line
    return None


def _loose(line: str) -> str:
    """A line without what differs from run to run; space counts once."""
    return " ".join(VARYING.sub("~", line).split())
