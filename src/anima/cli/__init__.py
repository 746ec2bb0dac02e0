"""The command line: `anima …`. Answers what needs no command itself, and loads each command by name only when asked.

Nothing is imported here beyond what Python has loaded anyway, so that `anima --version` and `anima --help` cost
little more than starting Python. This module does not know what any command does.
"""

import os
import sys

from anima import __version__

# name: where it is, what it does. The one place commands are listed, in the order people read them.
COMMANDS = {
    "init": ("anima.cli.init:init", "Make a home with one agent"),
    "run": ("anima.cli.run:run", "Give an agent a task and wait for its answer"),
    "chat": ("anima.cli.chat:chat", "Talk with the agents of the home"),
    "start": ("anima.cli.start:start", "Bring the home to life; its agents answer by themselves"),
    "stop": ("anima.cli.start:stop", "Close the home; nothing is lost"),
    "restart": ("anima.cli.start:restart", "Close the home and open it again"),
    "service": ("anima.cli.unit:service", "Open the home when this machine starts"),
    "reload": ("anima.cli.start:reload", "Read the settings again; wrong ones change nothing"),
    "status": ("anima.cli.status:status", "Show whether the home is open, and how its agents are"),
    "ask": ("anima.cli.ask:ask", "Ask an agent of the home and wait for its answer"),
    "tell": ("anima.cli.tell:tell", "Tell an agent of the home something, without waiting"),
    "agent": ("anima.cli.agent:agent", "Make, list, show, change, copy, rename and remove agents"),
    "turn": ("anima.cli.turn:turn", "List, show and stop turns"),
    "event": ("anima.cli.event:event", "List and show events; let held ones go on"),
    "deadletter": ("anima.cli.deadletter:deadletter", "See to events set aside after repeated failure"),
    "logs": ("anima.cli.logs:logs", "Show what the home says about its work"),
    "conversation": ("anima.cli.conversation:conversation", "List, show, search, summarise and export what was said"),
    "timer": ("anima.cli.timer:timer", "Show timers, and what became of their times"),
    "tool": ("anima.cli.tool:tool", "List the tools an agent can be given"),
    "model": ("anima.cli.model:model", "Fetch, list and test language models"),
    "config": ("anima.cli.config:config", "Check, show and describe settings"),
    "backup": ("anima.cli.backup:backup", "Back up the home into one verified file"),
    "restore": ("anima.cli.backup:restore", "Bring the home back from a backup"),
    "export": ("anima.cli.portable:export", "Write all of an agent in an open format"),
    "import": ("anima.cli.portable:import_", "Bring an exported agent into the home"),
    "store": ("anima.cli.store:store", "Show what the store holds; remove old results"),
    "doctor": ("anima.cli.doctor:doctor", "Look for what is wrong, and say what to do"),
    "torture": ("anima.cli.torture:torture_command", "Kill the program again and again, and audit what is left"),
    "completion": ("anima.cli.completion:completion", "Print completion for your shell"),
}

OVERVIEW = """Usage: anima COMMAND ...

The home an AI agent lives in: it answers, uses tools, and survives every crash.

Commands:
{commands}

Options:
  --version   Print the version
  --help      Print this; `anima COMMAND --help` has examples

Start here:
  anima init
  anima run ~/.anima/agents/anima/agent.toml "What is in my workspace?"
"""


def main() -> int:
    """The program `anima`: runs what `sys.argv` says and returns its exit status."""
    _open_streams()
    words = sys.argv[1:]
    completing = "_ANIMA_COMPLETE" in os.environ
    if not completing and (not words or words[0] in ("--help", "-h")):
        return _print(overview())
    if not completing and words[0] in ("--version", "-V"):
        return _print(f"anima {__version__}\n")
    __import__("anima.cli.root")  # importlib alone would cost a tenth of starting Python
    return int(sys.modules["anima.cli.root"].launch(words))


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has gone; Python would complain once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


def overview() -> str:
    """What `anima --help` prints."""
    return OVERVIEW.format(commands="\n".join(f"  {name:<13}{help}" for name, (_, help) in COMMANDS.items()))


def _open_streams() -> None:
    """Stand in for streams the caller has closed: else the next file opened, the store perhaps, would be one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
