"""How far content is trusted, and who may read it."""

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

_encode = json.JSONEncoder(separators=(",", ":")).encode


class Trust(IntEnum):
    """Integrity of content: whose word it is."""

    UNTRUSTED = 0
    MEMBER = 2
    OWNER = 3


@dataclass(frozen=True, slots=True)
class Label:
    """Travels with every event, tool result and memory. No readers means: public."""

    trust: Trust = Trust.UNTRUSTED
    readers: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()

    def join(self, other: "Label") -> "Label":
        """The label of something made from both: the lower trust, the readers common to both, every source."""
        if not self.readers or not other.readers:
            readers = self.readers or other.readers
        else:
            readers = self.readers & other.readers or frozenset({"nobody"})
        return Label(min(self.trust, other.trust), readers, self.sources | other.sources)

    def dump(self) -> str:
        """As stored: one line of JSON."""
        return _encode([self.trust.name.lower(), sorted(self.readers), sorted(self.sources)])

    @classmethod
    def load(cls, text: str) -> Self:
        trust, readers, sources = json.loads(text)
        return cls(Trust[trust.upper()], frozenset(readers), frozenset(sources))


OWNER = Label(Trust.OWNER, frozenset({"owner"}), frozenset({"cli"}))
