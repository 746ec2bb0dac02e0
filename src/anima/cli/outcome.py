"""How a turn ended for whoever asked: with an answer, or with which error and exit status.

This module does not know how it is shown.
"""

from collections.abc import Iterator

from anima.cli.documents import Document, denied, progress_document
from anima.errors import AnimaError, CallDenied, LimitReached, NoModelReachable, SettingsError, TurnFailed
from anima.vocabulary import Closed, Progress


def outcome(closed: Closed, way_on: str) -> AnimaError | None:
    """How the turn ended for its asker; None: with an answer. `way_on` says how to go on with what is kept."""
    turn = closed.result
    if isinstance(closed.error, NoModelReachable):
        hints = (closed.error.hint, way_on)
        return NoModelReachable(closed.error.message, "; ".join(hint for hint in hints if hint))
    if closed.error is not None:
        return closed.error if isinstance(closed.error, AnimaError) else TurnFailed(str(closed.error))
    if turn.limit is not None:
        return LimitReached(turn.notice, "raise the limit in the settings, or ask for less")
    if denied(turn) and not turn.steps[-1].text.strip():
        tools = ", ".join(sorted({effect.tool for effect in denied(turn)}))
        return CallDenied(f"{tools} was denied and there is no answer", "`[tools] grants` allows calls without asking")
    return None


def told(news: Progress) -> Document:
    """News as the line that other processes are told at the door of a home."""
    error = outcome(news, "it is kept and tried again by itself") if isinstance(news, Closed) else None
    return progress_document(news, error)


def named(document: Document) -> AnimaError | None:
    """The error that a document of another process names, as far as it is known here; None where it names none."""
    error = document.get("error")
    if not isinstance(error, dict):
        return None
    known = {kind.word(): kind for kind in _kinds(AnimaError) if kind is not SettingsError}
    return known.get(str(error["type"]), AnimaError)(str(error["message"]), str(error["hint"]))


def _kinds(kind: type[AnimaError]) -> Iterator[type[AnimaError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)
