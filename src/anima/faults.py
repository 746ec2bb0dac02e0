"""Named points where a test may stop the program.

Unarmed, reaching a point costs one look-up in an empty table. A point is armed only through the environment
variable ANIMA_FAULT, read once at import: `name:n` kills the process with SIGKILL at the n-th crossing of `name`;
no settings file and no tool can arm one. What must hold at each point is written beside its name.
"""

import os
import signal

POINTS = {
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
    """Arm `name:n`; for the tests of this module and the torture command."""
    name, _, crossing = setting.partition(":")
    if name not in POINTS:
        raise ValueError(f"no fault point is called {name!r}")
    _left[name] = int(crossing or 1)


def reach(name: str) -> None:
    """Pass a point; dies here when it is armed and its count has come."""
    if name in _left:
        _left[name] -= 1
        if _left[name] == 0:
            os.kill(os.getpid(), signal.SIGKILL)


if os.environ.get("ANIMA_FAULT"):
    arm(os.environ["ANIMA_FAULT"])
