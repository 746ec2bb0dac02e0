"""The two settings files as a whole: one agent's, and what the agents of a home share.

Nothing here knows how a file is read.
"""

from typing import Any

from pydantic import Field

from anima.settings.fields import NOT_ACTIVE_YET, Table
from anima.settings.later import (
    ApprovalsTable,
    Channels,
    ClusterTable,
    Triggers,
    WorkspaceTable,
)
from anima.settings.model_ref import ModelRef
from anima.settings.tables import (
    AgentTable,
    HeartbeatTable,
    LimitSettings,
    LlmSettings,
    MemorySettings,
    ObserveSettings,
    OwnerSettings,
    PeerSettings,
    RetrySettings,
    RuntimeSettings,
    StoreSettings,
    ThinkSettings,
    TimerTable,
    ToolSettings,
    WebSettings,
)


def _table(kind: type[Table]) -> Any:
    return Field(default_factory=kind)


def _later(default: Any = None) -> Any:
    return Field(default, json_schema_extra=NOT_ACTIVE_YET)


class _Shared(Table):
    """Tables that both files may hold."""

    observe: ObserveSettings = _table(ObserveSettings)
    owner: OwnerSettings = _table(OwnerSettings)
    runtime: RuntimeSettings = _table(RuntimeSettings)
    store: StoreSettings = _table(StoreSettings)
    peers: PeerSettings = _table(PeerSettings)
    approvals: ApprovalsTable | None = _later()
    channels: Channels = _later({})
    triggers: Triggers = _later(())
    web: WebSettings = _table(WebSettings)
    cluster: ClusterTable | None = _later()


class Defaults(Table):
    """How an agent works: what `[defaults]` may hold, and an agent's file overrides key by key."""

    llm: LlmSettings = _table(LlmSettings)
    tools: ToolSettings = _table(ToolSettings)
    memory: MemorySettings = _table(MemorySettings)
    think: ThinkSettings = _table(ThinkSettings)
    retry: RetrySettings = _table(RetrySettings)
    limits: LimitSettings = _table(LimitSettings)


class HomeSettings(_Shared):
    """`anima.toml`: what the agents of a home share."""

    defaults: Defaults = _table(Defaults)


class _Who(Table):
    """Who it is about; a class of its own so that it stands first."""

    agent: AgentTable


class AgentSettings(_Shared, Defaults, _Who):
    """`config.toml` or `agent.toml`: one agent.

    Once loaded, `agent.system_prompt` is the persona's text and `agent.workspace` is set, whichever way they were
    written; every path is absolute.
    """

    timer: TimerTable | None = None
    heartbeat: HeartbeatTable | None = None
    workspace: WorkspaceTable | None = _later()

    @property
    def models(self) -> tuple[ModelRef, ...]:
        """The models in the order they are asked."""
        return (self.llm.ref(), *(fallback.ref() for fallback in self.llm.fallback))

    @property
    def persona(self) -> str:
        """Who the agent is, in Markdown; empty where nothing says it."""
        return self.agent.system_prompt or ""


def schema(kind: type[Table] = AgentSettings) -> dict[str, Any]:
    """JSON Schema of a settings file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **kind.model_json_schema()}
