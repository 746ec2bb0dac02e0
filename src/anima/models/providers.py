"""Opens models by name: which wire format, which address, which key, which connections.

The one place that knows all providers. To add one, write its file and a line in `connect`.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx2

from anima.clock import Clock
from anima.errors import BadKey, UsageError
from anima.models import anthropic, ollama, openai
from anima.models.fallback import FallbackModel
from anima.models.llama import Llama
from anima.models.local import LocalModel
from anima.models.model import NamedModel
from anima.models.smollm import find_gguf
from anima.models.wire import Dialect, Endpoint, HttpModel
from anima.sandbox.net import Reach, open_client
from anima.settings import ModelRef, RetrySettings, Secret


class Providers:
    """Every model of a runtime, with the connections and children they share. `models_dir` holds the GGUF files."""

    def __init__(self, clock: Clock, models_dir: Path) -> None:
        self._clock = clock
        self._models_dir = models_dir
        self._clients: dict[str, httpx2.AsyncClient] = {}
        self._llamas: dict[tuple[Path, int | None], Llama] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End every connection and every child."""
        await self._stack.aclose()

    def connect(self, ref: ModelRef) -> NamedModel:
        """The model that `ref` names; nothing is sent before it is asked. Raises UsageError for a URL that is none."""
        match ref.provider:
            case "local":
                return self._local(ref)
            case "openai":
                url = ref.base_url or os.environ.get("OPENAI_BASE_URL") or openai.OFFICIAL
                return self._http(ref, url, openai.OpenAI(ref, url == openai.OFFICIAL))
            case "anthropic":
                url = ref.base_url or os.environ.get("ANTHROPIC_BASE_URL") or anthropic.OFFICIAL
                url = url.rstrip("/").removesuffix("/v1")
                return self._http(ref, url, anthropic.Anthropic(ref, url == anthropic.OFFICIAL))
            case "ollama":
                url = ref.base_url or ollama.base_url(os.environ.get("OLLAMA_HOST", ""))
                return self._http(ref, url, ollama.Ollama(ref))
            case _:
                raise UsageError(f"there is no provider {ref.provider!r}")

    def chain(self, refs: Sequence[ModelRef], retry: RetrySettings) -> FallbackModel:
        """The first of `refs` that answers, each tried again as `retry` says."""
        return FallbackModel([self.connect(ref) for ref in refs], retry, self._clock)

    def _http(self, ref: ModelRef, url: str, dialect: Dialect) -> HttpModel:
        place = _place(url)
        if place not in self._clients:
            # The owner wrote this address down: it may be private, and at any port.
            client = open_client(Reach(frozenset({place}), any_port=True), ref.timeout)
            self._clients[place] = client
            self._stack.push_async_callback(client.aclose)
        return HttpModel(
            ref.name, Endpoint(url, self._clients[place], _key(ref, url), ref.timeout), dialect, self._clock
        )

    def _local(self, ref: ModelRef) -> LocalModel:
        gguf = find_gguf(self._models_dir, ref.model)
        llama = self._llamas.get((gguf, ref.context_window))
        if llama is None:
            llama = self._llamas[gguf, ref.context_window] = Llama(gguf, ref.context_window, self._clock)
            self._stack.push_async_callback(llama.aclose)
        return LocalModel(ref, llama, self._clock)


def _place(url: str) -> str:
    """`host:port` of a base URL."""
    try:
        split = urlsplit(url)
        port = split.port or {"http": 80, "https": 443}[split.scheme]
        host = split.hostname or ""
    except (ValueError, KeyError):
        host = ""
    if not host:
        raise UsageError(f"{url!r} is not a base URL", "write http://HOST:PORT/PATH, or https://")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _key(ref: ModelRef, url: str) -> Callable[[], str | None]:
    """Reads the key when it is needed. Only a maker's own server always wants one; others say so themselves."""
    secret = ref.api_key or Secret("env", f"{ref.provider.upper()}_API_KEY")
    needed = ref.api_key is not None or url in (openai.OFFICIAL, anthropic.OFFICIAL)

    def reveal() -> str | None:
        try:
            return secret.reveal()
        except BadKey:
            if needed:
                raise
            return None

    return reveal
