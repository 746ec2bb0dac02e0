"""Which language models this machine offers: keys in the environment, an Ollama that runs, a local model on disk.

It looks and tells; it sends no key anywhere and reaches nothing but Ollama's own address.
"""

import json
import os
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}
USUAL = {"anthropic": "claude-sonnet-4-5", "openai": "gpt-5-mini"}
PATIENCE = 0.5
"""Seconds Ollama may take to answer."""


@dataclass(frozen=True)
class Offer:
    """A model an agent could think with, and how it was found."""

    provider: str
    model: str
    why: str


def offers() -> list[Offer]:
    """Every provider that could answer now, the strongest first; `local` is not among them, it is always possible."""
    found = [
        Offer(provider, USUAL[provider], f"${key} is set") for provider, key in KEYS.items() if os.environ.get(key)
    ]
    address = os.environ.get("OLLAMA_HOST") or "127.0.0.1:11434"
    found += [Offer("ollama", name, f"Ollama runs at {address}") for name in _ollama_models(address)[:1]]
    return found


def local_engine() -> bool:
    """Whether llama.cpp is installed (the extra `local`)."""
    return find_spec("xllamacpp") is not None


def local_models(home: Path) -> list[str]:
    """Names of the GGUF files in the home."""
    return sorted(path.stem for path in (home / "models").glob("*.gguf"))


def _ollama_models(address: str) -> list[str]:
    """Names of the models Ollama has at `host:port`; empty when nobody answers there."""
    place = urlsplit(address if "//" in address else f"//{address}")
    try:
        connection = HTTPConnection(place.hostname or "127.0.0.1", place.port or 11434, timeout=PATIENCE)
        connection.request("GET", "/api/tags")
        tags = json.loads(connection.getresponse().read(1_000_000))
        return [str(tag["name"]) for tag in tags["models"]]
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return []
