"""Named points where a test may stop the program, each with what must hold when it dies there.

A point stands between two durable facts. Unarmed, passing one costs a look at an empty table. Points are armed only
through the environment variable ANIMA_FAULT, read once at import: `name:n` kills the process with SIGKILL at the n-th
crossing of `name`, several are separated by commas; no settings file and no tool can arm one. `anima torture` stops
the program at every one of them.
"""

import os
import signal

UNITS = (
    *("adopt", "post", "claim", "resume", "give_back", "write_step", "write_effects", "close_turn"),
    *("put_off", "abandon", "sent", "enroll", "settle", "keep_settings", "stop_waiting", "fork"),
    *("schedule", "unschedule", "occurred"),
)
"""What the store commits, by name; several may share a commit."""

POINTS = {
    "store.migrating": "the tables are of the old version: a migration is one commit",
    "store.migrated": "the tables are of the new version, and the file says so",
    "archive.keeping": "a backup or export is whole in its draft, read back; nothing has its name",
    "archive.kept": "the backup or export is on disk under its name",
    "restore.replacing": "the home is as it was, and marked as being restored",
    "restore.replaced": "all of the backup is in its place; the mark is still there, so nothing starts",
    "import.placing": "none of the agent's pages is in its place, and none of its rows is committed",
    "import.placed": "the agent's pages are in their place, and none of its rows is committed",
    "command.committing": "what a command changes in the store is written and not committed",
    "command.committed": "what a command changes in the store is on disk",
    "file.keeping": "nothing is called by the file's hash: its bytes are in a draft",
    "file.kept": "the whole file is there under its hash; whoever handed it over has not heard yet",
    **{f"{unit}.committing": f"{unit} is written and not committed: nothing of it is there" for unit in UNITS},
    **{f"{unit}.committed": f"all of {unit} is on disk; whoever asked has not heard yet" for unit in UNITS},
    "event.posted": "the event is on disk and its poster has not heard yet",
    "turn.opened": "the event is claimed and no model has been called",
    "model.called": "the model has answered and its answer is not on disk",
    "step.written": "the step and the intents of its calls are on disk; no call has begun",
    "effect.begun": "the call is about to run; its begin is on disk",
    "effect.ran": "the call has run and its result is not on disk",
    "effect.finished": "the result is on disk",
    "turn.closing": "the last answer is in memory only",
    "turn.closed": "events consumed, last step, reply and spend are on disk together",
    "outbox.sent": "the reply has been handed over and nobody has noted it",
    "outbox.acknowledged": "the reply is noted as handed over",
}

_left: dict[str, int] = {}


def arm(setting: str) -> None:
    """Arm `name:n` or several, separated by commas. Raises ValueError for a name that is no point."""
    for each in setting.split(","):
        name, _, crossing = each.partition(":")
        if name not in POINTS:
            raise ValueError(f"no fault point is called {name!r}")
        _left[name] = int(crossing or 1)


def reach(*words: str) -> None:
    """Pass the point called by these words, joined by dots; dies here when it is armed and its count has come."""
    if _left:
        _pass(".".join(words))


def left() -> dict[str, int]:
    """How many crossings each armed point still waits for."""
    return dict(_left)


def _pass(name: str) -> None:
    if name in _left:
        _left[name] -= 1
        if _left[name] == 0:
            os.kill(os.getpid(), signal.SIGKILL)


if os.environ.get("ANIMA_FAULT"):
    arm(os.environ["ANIMA_FAULT"])
