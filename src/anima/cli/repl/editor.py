"""A line typed at a terminal, with history, completion and several lines.

A backslash at the end of a line, Alt-Enter, or a paste makes a text of several lines. It does not know what lines
mean.
"""

import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.patch_stdout import patch_stdout

from anima.cli.repl.lines import complete, continued


class Words(Completer):
    """Completes commands and names."""

    def __init__(self, names: Callable[[], Collection[str]]) -> None:
        self._names = names

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        typed = document.text_before_cursor
        word = len(typed.split()[-1]) if typed and not typed[-1].isspace() else 0
        for found in complete(typed, self._names()):
            yield Completion(found + ("" if found.endswith(":") and found.startswith("@") else " "), -word, found)


class Editor:
    """Reads from a terminal. What is typed is kept in `history`, for its owner alone."""

    def __init__(self, history: Path, names: Callable[[], Collection[str]]) -> None:
        os.close(os.open(history, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        self._session: PromptSession[str] = PromptSession(
            history=FileHistory(history),
            completer=Words(names),
            complete_while_typing=False,
            key_bindings=_keys(),
            multiline=True,
        )

    async def read(self, prompt: str) -> str | None:
        """What is typed; None when it ends (Ctrl-D). Raises KeyboardInterrupt for Ctrl-C."""
        with patch_stdout(raw=True):  # what is shown meanwhile stands above the line
            try:
                return await self._session.prompt_async(prompt, handle_sigint=False)
            except EOFError:
                return None


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.is_cursor_at_the_end and continued(buffer.document.current_line) is not None:
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys
