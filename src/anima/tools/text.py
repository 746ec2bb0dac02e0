"""What a tool returned, as text that a model can be told and a store can keep."""

from pydantic_core import to_json


def as_text(value: object) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else to_json(value, fallback=str).decode()


_NOTICE = 60  # characters that the notice needs at most


def shorten(text: str, cap: int) -> str:
    """At most `cap` characters, head and tail with a notice between, and nothing that cannot be stored as UTF-8."""
    if len(text) > cap:
        half = max(cap - _NOTICE, 0) // 2
        text = f"{text[:half]}\n[... {len(text) - 2 * half:,} characters left out ...]\n{text[len(text) - half :]}"
    return text.encode(errors="replace").decode()
