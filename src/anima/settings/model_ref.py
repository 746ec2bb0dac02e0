"""Which language model an agent thinks with, and how to reach it.

This module does not know how any provider is spoken to.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self

from anima.errors import UsageError
from anima.settings.secret import Secret

PROVIDERS = ("openai", "anthropic", "ollama", "local")
LOCAL_MODEL = "SmolLM2-135M-Instruct"


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in dollars per million tokens; `cached` is for input the provider had seen before."""

    input: float
    output: float
    cached: float | None = None


@dataclass(frozen=True, slots=True)
class ModelRef:
    """One model of one provider, as the settings name it.

    None means: the provider's usual one (`base_url`, `api_key`), unknown (`price`), or the model's own default.
    `context_window` and `max_output` are in tokens; `timeout` is how many seconds of silence are waited for.
    """

    provider: str
    model: str
    base_url: str | None = None
    api_key: Secret | None = None
    price: Price | None = None
    context_window: int | None = None
    max_output: int | None = None
    temperature: float | None = None
    timeout: float = 120.0

    @property
    def name(self) -> str:
        """`provider/model`."""
        return f"{self.provider}/{self.model}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """`"ollama/qwen3:8b"`; `"local"` alone is the model of last resort. Raises UsageError."""
        provider, _, model = text.partition("/")
        if provider not in PROVIDERS:
            near = get_close_matches(provider, PROVIDERS, n=1)
            known = f"did you mean {near[0]}?" if near else f"there are: {', '.join(PROVIDERS)}"
            raise UsageError(f"there is no provider {provider!r}", known)
        if not model and provider != "local":
            raise UsageError(f"{text!r} names no model", f'write "{provider}/MODEL"')
        return cls(provider, model or LOCAL_MODEL)
