"""The tables of a settings file, typed and bounded, each with its defaults.

Nothing here knows how a file is read, or what a mistake in it is called.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from anima.settings.fields import (
    Addresses,
    Bytes,
    FilePath,
    Seconds,
    SecretRef,
    Strings,
    Table,
    Timezone,
    Url,
    beside,
    key,
)
from anima.settings.model_ref import LOCAL_MODEL, ModelRef, Price

Provider = Literal["openai", "anthropic", "ollama", "local"]
LOOK_AROUND = "Look around. When nothing needs you, answer HEARTBEAT_OK."
"""What an agent is told by a timer that says nothing else."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def _agent_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("expected letters, digits, - and _, 64 at most, beginning with a letter or digit")
    return text


class AgentTable(Table):
    """Who the agent is."""

    name: Annotated[str, AfterValidator(_agent_name)] = Field(description="The agent's name: letters, digits, - and _.")
    persona: FilePath | None = key(None, "Who the agent is: a Markdown file [persona.md or SOUL.md beside this file].")
    system_prompt: str | None = key(None, "Who the agent is, written here instead of in a file.", max_length=1_000_000)
    workspace: FilePath | None = key(None, "The one folder its file tools see [workspace/ beside this file].")
    parallel: int = key(4, "How many conversations are worked on at a time.", ge=1, le=256)


class PriceTable(Table):
    """What a model costs, in dollars per million tokens."""

    input: float = Field(ge=0, le=1_000_000, description="Tokens sent.")
    output: float = Field(ge=0, le=1_000_000, description="Tokens answered.")
    cached: float | None = key(None, "Tokens sent that the provider had seen before.", ge=0, le=1_000_000)


class _ModelTable(Table):
    """One model and how to reach it."""

    provider: Provider | None = key(None, "Who serves the model.")
    model: str | None = key(
        None, "The model's name at its provider; for local also the path of a GGUF file.", min_length=1, max_length=300
    )
    base_url: Url | None = key(None, "Where the provider is; any server that speaks its API.")
    api_key: SecretRef | None = key(None, "Where the key is [the provider's usual variable].")
    price: PriceTable | None = key(None, "What the model costs, where it is not known already.")
    context_window: int | None = key(None, "Tokens the model can take.", ge=256, le=100_000_000)
    max_output: int | None = key(None, "Tokens one answer may have.", ge=1, le=10_000_000)
    temperature: float | None = key(None, "How freely the model chooses its words.", ge=0, le=2)
    timeout: Annotated[Seconds, Field(gt=0, le=3600)] = key(120.0, "How long a silent provider is waited for.")

    @field_validator("model")
    @classmethod
    def _find_gguf(cls, model: str | None, info: ValidationInfo) -> str | None:
        is_path = model is not None and model.endswith(".gguf") and info.data.get("provider") == "local"
        return str(beside(model, info)) if is_path and model else model

    def ref(self) -> ModelRef:
        """The model these words mean; no provider means the local one."""
        price = Price(self.price.input, self.price.output, self.price.cached) if self.price else None
        shared = self.model_dump(include={"base_url", "context_window", "max_output", "temperature", "timeout"})
        return ModelRef(
            self.provider or "local", self.model or LOCAL_MODEL, api_key=self.api_key, price=price, **shared
        )


def _split_name(value: object) -> object:
    """`"provider/model"` is short for a table."""
    if isinstance(value, str):
        provider, slash, model = value.partition("/")
        return {"provider": provider, "model": model} if slash else {"provider": provider}
    if not isinstance(value, (dict, FallbackTable)):
        raise ValueError('expected "provider/model" or a table')
    return value


class FallbackTable(_ModelTable):
    """A model that is asked when those before it cannot answer."""

    provider: Provider = Field(description="Who serves the model.")

    @model_validator(mode="after")
    def _names_a_model(self) -> Self:
        if self.model is None and self.provider != "local":
            raise ValueError(f'names no model; write "{self.provider}/MODEL"')
        return self


Fallback = Annotated[FallbackTable, BeforeValidator(_split_name, json_schema_input_type=str | FallbackTable)]


class LlmSettings(_ModelTable):
    """What the agent thinks with."""

    fallback: tuple[Fallback, ...] = key(
        (),
        'Models asked in turn when the first cannot answer: "provider/model" or a table.',
        strict=False,
        max_length=20,
    )


class ToolSettings(Table):
    """What an agent may do. Enabling a tool is not granting what it sends out."""

    enabled: Strings = key((), 'Tools by name; "module:function" is one of your own.')
    grants: Strings = key((), 'What may happen without asking, as in "shell:git status" or "http:GET:example.com/*".')
    http_private: Addresses = key((), 'Private addresses that a grant may reach, as in "127.0.0.1:11434".')


class MemorySettings(Table):
    """Where an agent's turns and memories are kept."""

    backend: Literal["sqlite", "in_memory"] = key("sqlite", "in_memory keeps nothing.")
    path: FilePath | None = key(None, "The store's file [anima.db in the home].")
    embeddings: str | None = key(None, "The model that finds memories by meaning.", later=True, max_length=300)


class ThinkSettings(Table):
    """How an agent thinks."""

    max_iterations: int = key(10, "Steps a turn may take.", ge=1, le=1000)
    auto_memory: bool = key(True, "Recall what fits before every turn.", later=True)
    max_memory_entries: int = key(10, "Memories recalled at most.", later=True, ge=0, le=1000)
    history_turns: int = key(20, "Earlier turns of the conversation that are shown.", ge=0, le=1000)
    reflection: bool = key(False, "Think over finished turns.", later=True)


class RetrySettings(Table):
    """How often a model is asked again, and how often an event is tried again."""

    max_retries: int = key(3, "Further tries of one model.", ge=0, le=20)
    initial_delay_ms: int = key(100, "Wait before the first of them, in milliseconds.", ge=0, le=600_000)
    max_delay_ms: int = key(5000, "The longest wait, in milliseconds.", ge=0, le=600_000)
    exponential_base: float = key(2.0, "How much longer each wait is than the one before.", ge=1, le=10)
    event_delays: tuple[Annotated[Seconds, Field(ge=0, le=604_800)], ...] = key(
        (1.0, 10.0, 60.0),
        "Waits before a failed event is tried again; then it is a dead letter.",
        strict=False,
        max_length=20,
    )


class LimitSettings(Table):
    """What a turn may take, and a day."""

    seconds: Annotated[Seconds, Field(gt=0, le=86_400)] = key(120.0, "Active time of a turn; waits are not counted.")
    tokens: int | None = key(None, "Tokens of a turn, sent and answered.", ge=1)
    dollars: float | None = key(None, "Money of a turn, where prices are known.", ge=0, le=1_000_000)
    tokens_per_day: int | None = key(None, "Tokens of a day.", later=True, ge=1)
    dollars_per_day: float = key(5.0, "Money of a day, where prices are known.", later=True, ge=0, le=1_000_000)


class ObserveSettings(Table):
    """What is shown of the work."""

    verbose: bool = key(False, "Show context sizes, timings, tokens and money.")


class OwnerSettings(Table):
    """Whose agents these are."""

    name: str | None = key(None, "What the owner is called.", max_length=200)
    timezone: Timezone | None = key(None, "The owner's time zone, as in \"Europe/Lisbon\" [the machine's].")
    language: str | None = key(None, 'The owner\'s language, as in "en" or "pt-BR".', max_length=35)


class RuntimeSettings(Table):
    """The process that keeps agents alive."""

    parallel: int | None = key(None, "What `parallel` is for agents that say nothing.", ge=1, le=256)
    stop_timeout: Annotated[Seconds, Field(ge=0, le=3600)] = key(10.0, "Time turns have when the home is closed.")
    hung_after: Annotated[Seconds, Field(gt=0, le=86_400)] = key(
        900.0, "A turn that gives no sign of life for so long is cut off and has failed."
    )
    stalled_after: Annotated[Seconds, Field(ge=1, le=3600)] = key(
        30.0, "A process whose loop stands still for so long ends itself, to be started again."
    )


class StoreSettings(Table):
    """The store's upkeep. It belongs to the home, so only `anima.toml` is asked."""

    low_water: Bytes | None = key(
        None, 'Free space below which nothing new is taken, as in "100MB" [200 MB, or 5 % of a smaller disk].', ge=0
    )
    backups: int = key(7, "Backups of its own that anima keeps; 0 keeps all.", ge=0, le=1000)
    keep_contexts: Annotated[Seconds, Field(ge=0)] = key(0.0, "How long contexts are kept whole.", later=True)


class PeerSettings(Table):
    """Which other agents this one may talk to."""

    may_tell: Strings = key(("*",), "Agents it may send messages to.")
    may_ask: Strings = key(("*",), "Agents it may ask and wait for.")


class TimerTable(Table):
    """Wakes the agent again and again."""

    every: Annotated[Seconds, Field(ge=1, le=31_536_000)] = key(1800.0, 'How often, as in "30m".')
    message: str = key(LOOK_AROUND, "What the agent is told.", max_length=10_000)


class HeartbeatTable(Table):
    """The timer, as the earlier Rust runtime wrote it."""

    enabled: bool = key(True, "Whether it ticks.")
    interval: Annotated[Seconds, Field(ge=1, le=31_536_000)] = key(1800.0, "How often.")


class WebSettings(Table):
    """The HTTP door, on loopback. It belongs to the home, so only `anima.toml` is asked."""

    port: int = key(8793, "Its port; 0 is any free one.", ge=0, le=65_535)
