"""How a command of the real program ended."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ended:
    """Exit status, stdout, stderr."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Its one document."""
        (document,) = self.lines
        return document

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Each line of stdout as a document."""
        return [json.loads(line) for line in self.out.splitlines()]


Anima = Callable[..., Ended]
