"""The shell tool: one command in the workspace.

A plain command is run as exactly its words, without a shell, as the policy has judged it; anything else by /bin/sh.
"""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from anima.errors import ToolError
from anima.policy import simple_argv
from anima.sandbox.command import Result, recover, run
from anima.tools.tool import MAX_SECONDS, tool
from anima.vocabulary import Call

_CAP = 39_000  # characters of output: with the last line they stay within the cap of the tool
_MARGIN = 15.0  # seconds to end what a command leaves, within the tool's own time
_MOST = MAX_SECONDS - _MARGIN

Seconds = Annotated[float, Field(gt=0, le=_MOST)]


@tool(effect="once", sends=True, result="untrusted", timeout=MAX_SECONDS)
async def shell(command: str, call: Call, seconds: Seconds = 30.0) -> str:
    """Run a command in the workspace; gives what it prints and its exit status.

    command: one command line; it gets no input
    seconds: how long it may take, then it is ended with all that it started
    """
    if "\0" in command:
        raise ToolError("a command cannot hold a NUL character")
    call.workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
    argv = simple_argv(command) or ["/bin/sh", "-c", command]
    return _told(await run(argv, call.workspace, call.scratch, seconds, _CAP))


async def _recover(call: Call) -> str:
    found = await recover(call.scratch, _CAP)
    return _told(found) if found else ""


def _told(result: Result | None) -> str:
    """What the model is told; raises ToolError for a command that did not work."""
    if result is None:
        raise ToolError("nobody can tell how the command ended; it may have happened, wholly or in part")
    output = result.output and result.output.rstrip("\n") + "\n"
    if result.exit == 0:
        return f"{output}[exit status 0]"
    if result.exit is not None:
        raise ToolError(f"{output}[exit status {result.exit}]")
    if result.signal is not None:
        raise ToolError(f"{output}[ended by signal {result.signal}]")
    if result.timeout is not None:
        raise ToolError(f"{output}[ended after {result.timeout:g} s, with all that it had started]")
    raise ToolError("the command was interrupted before it began; it has not run")


shell = replace(shell, recover=_recover)
