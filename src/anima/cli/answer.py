"""Where a run's answer goes: text to a terminal, text to a pipe, one document, or JSON lines. One of these each run.

They are handed progress as it comes and, at the end, how the turn ended. They know nothing of the console view.
"""

import sys
from typing import Protocol, TextIO

from anima.cli.documents import Document, answer_of, progress_document, run_document
from anima.cli.inert import stripped
from anima.cli.output import complain, error_document, print_json
from anima.errors import AnimaError
from anima.vocabulary import Closed, FellBack, Progress, Retried, StepDone, Token, ToolCalled


class Answer(Protocol):
    """`follow` takes each news but the last; `close` prints what is left to print and flushes; `fail` tells of a run
    that had no turn."""

    def follow(self, news: Progress) -> None: ...
    def close(self, closed: Closed, error: AnimaError | None) -> None: ...
    def fail(self, error: AnimaError) -> None: ...


class ClosedText:
    """Only the closed answer, byte for byte, for a pipe or a file."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def follow(self, news: Progress) -> None:
        pass

    def close(self, closed: Closed, error: AnimaError | None) -> None:
        if answer := answer_of(closed.result):
            out = self._out or sys.stdout
            out.write(answer + "\n")
            out.flush()
        if error is not None:
            complain(error)

    def fail(self, error: AnimaError) -> None:
        complain(error)


class Sheet(Protocol):
    """Where a terminal shows an answer: `write` takes a piece of it, `end_line` says that something else follows.
    `pause` clears what moves, before anybody else writes."""

    def write(self, text: str) -> None: ...
    def end_line(self) -> None: ...
    def pause(self) -> None: ...


class PlainSheet:
    """The text as it is, made inert."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out
        self._within_line = False

    def write(self, text: str) -> None:
        if text:
            out = self._out or sys.stdout
            out.write(stripped(text))
            out.flush()
            self._within_line = not text.endswith("\n")

    def end_line(self) -> None:
        if self._within_line:
            self.write("\n")

    def pause(self) -> None:
        pass


class StreamedText:
    """The answer as it is thought, for a terminal: marked where it was cut, never printed twice.

    `_shown` is what this step has streamed and still may be the answer.
    """

    def __init__(self, sheet: Sheet | None = None) -> None:
        self._sheet = sheet or PlainSheet()
        self._step = 0
        self._shown = ""

    def follow(self, news: Progress) -> None:
        match news:
            case Token(reasoning=False):
                if news.step != self._step:
                    self._step, self._shown = news.step, ""
                self._shown += news.text
                self._sheet.write(news.text)
            case Retried() | FellBack():
                self._cut()
            case StepDone() | ToolCalled():
                self._sheet.end_line()  # the console view writes on the same screen

    def close(self, closed: Closed, error: AnimaError | None) -> None:
        answer = answer_of(closed.result)
        if self._shown and answer.startswith(self._shown):
            self._sheet.write(answer[len(self._shown) :])
        else:
            self._cut()
            self._sheet.write(answer)
        self._sheet.end_line()
        if error is not None:
            complain(error)

    def fail(self, error: AnimaError) -> None:
        self._cut()
        complain(error)

    def _cut(self) -> None:
        """What was shown of this step is void."""
        if self._shown:
            self._sheet.write(" [cut off]")
        self._shown = ""
        self._sheet.end_line()


class OneDocument:
    """The run's document (`--json`)."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def follow(self, news: Progress) -> None:
        pass

    def close(self, closed: Closed, error: AnimaError | None) -> None:
        print_json(run_document(closed.result, error), self._out)

    def fail(self, error: AnimaError) -> None:
        print_json(error_document(error), self._out)


class Lines:
    """Progress as JSON lines (`--events`); the last one holds the document."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out
        self._where: Document = dict.fromkeys(("time", "agent", "conversation", "turn", "step"))

    def follow(self, news: Progress) -> None:
        line = progress_document(news)
        self._where = {key: line[key] for key in self._where}
        print_json(line, self._out)

    def close(self, closed: Closed, error: AnimaError | None) -> None:
        print_json(progress_document(closed, error), self._out)

    def fail(self, error: AnimaError) -> None:
        where = {key: error.details.get(key) or last for key, last in self._where.items()}
        print_json({"type": "closed", **where, "document": error_document(error)}, self._out)


def choose_answer(out: TextIO, *, as_json: bool, events: bool) -> Answer:
    """The form that was asked for; a stream only where stdout is a terminal."""
    if events:
        return Lines(out)
    if as_json:
        return OneDocument(out)
    return StreamedText(PlainSheet(out)) if out.isatty() else ClosedText(out)
