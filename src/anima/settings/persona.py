"""Who an agent is, in words: the files of its folder joined into one text, read again when one of them changes.

The persona first, then `USER.md` (whom it works for) and `AGENTS.md` (how it works). `{{name}}` and `{{owner}}` stand
for names, `{{date}}` for the day, which is told with each message: in the text it would make it another one every day.
A `.persona` file of the earlier runtime holds `system_prompt` and facts to begin with (`memory.KEY = "fact"`). This
module does not know what is done with the words.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from anima.errors import Problem, SettingsError
from anima.settings.reading import read, read_text

log = logging.getLogger("anima.settings")

BESIDE = ("USER.md", "AGENTS.md")
"""Files beside an agent's settings that are read after its persona, in this order."""
MOST, MOST_OF_ALL = 20_000, 60_000
"""Characters of one part, and of all of them; what is more is left out, visibly."""

_PLACE = re.compile(r"\{\{ ?(name|owner|date) ?\}\}")
_DATE = "(the date is told with each message)"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Stamp = tuple[int, int, int] | None


@dataclass(frozen=True)
class Words:
    """A persona as it is now. `dated`: it wants to know the day, in the time zone `zone` (the machine's if None)."""

    text: str = ""
    dated: bool = False
    zone: str | None = None

    def note(self, seconds: float) -> str:
        """What a message that came at `seconds` (wall time) is told with; empty when nobody wants to know."""
        if not self.dated:
            return ""
        day = datetime.fromtimestamp(seconds, ZoneInfo(self.zone) if self.zone else None)
        return f"[{_DAYS[day.weekday()]}, {day:%Y-%m-%d}]"


class Persona:
    """An agent's persona: `parts` are files, or words as they are; only the first must be there.

    `name` and `owner` are put in their places.
    """

    def __init__(
        self, parts: Sequence[Path | str], name: str, owner: str | None = None, zone: str | None = None
    ) -> None:
        self._parts = parts
        self._names = {"name": name, "owner": owner or "your owner", "date": _DATE}
        self._zone = zone
        self._stamps: list[Stamp] | None = None
        self._words = Words()

    def read(self) -> Words:
        """The words as the files are now. While one of them cannot be read, they stay what they were."""
        stamps = [_stamp(part) for part in self._parts if isinstance(part, Path)]
        if stamps != self._stamps:
            try:
                self._words = self._join()
            except SettingsError as error:
                log.warning("%s stays as before: %s", self._names["name"], error)
            self._stamps = stamps
        return self._words

    def _join(self) -> Words:
        texts: list[str] = []
        left = MOST_OF_ALL
        for place, part in enumerate(self._parts):
            if place and isinstance(part, Path) and not part.is_file():
                continue
            text = persona_text(part) if isinstance(part, Path) else part.strip()
            text = _cut(text, min(MOST, left), part.name if isinstance(part, Path) else "system_prompt")
            left -= min(len(text), left)
            texts += [text] if text else []
        joined = "\n\n".join(texts)
        dated = any(found[1] == "date" for found in _PLACE.finditer(joined))
        return Words(_PLACE.sub(lambda found: self._names[found[1]], joined), dated, self._zone)


def persona_text(path: Path) -> str:
    """What one file says. Raises SettingsError when it cannot be read, or a `.persona` file is not right."""
    if path.suffix != ".persona":
        return read_text(path).strip()
    values = read(path).values
    prompt, memory = values.get("system_prompt", ""), values.get("memory", {})
    if not isinstance(prompt, str):
        raise SettingsError([Problem(str(path), None, "system_prompt", "expected text in quotes")])
    if not isinstance(memory, dict):
        raise SettingsError([Problem(str(path), None, "memory", 'expected facts, as in memory.name = "Ada"')])
    facts = [f"- {key}: {fact}" for key, fact in memory.items()]
    return "\n".join([prompt.strip(), *(["", "What you know from the start:", *facts] if facts else [])]).strip()


def _cut(text: str, most: int, name: str) -> str:
    return text if len(text) <= most else f"{text[:most]}\n[{name} goes on: {len(text) - most} characters are left out]"


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
