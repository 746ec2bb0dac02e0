"""Tables that are known and do nothing yet: typed and bounded, so that a file written today is right tomorrow.

When one comes to life, it moves to `tables.py`. `file.py` marks which ones these are.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from anima.settings.fields import Seconds, SecretRef, Strings, Table, key


class Open(Table):
    """A table whose further keys are not fixed yet."""

    model_config = ConfigDict(extra="allow")


class ApprovalsTable(Table):
    """Who says yes to a call, and for how long the question stands."""

    approvers: Strings = key((), "People who may approve.")
    expires: Annotated[Seconds, Field(gt=0, le=31_536_000)] = key(86_400.0, "Then the answer is no.")


class WorkspaceTable(Table):
    """The agent's folder."""

    trusted: Strings = key((), 'Files whose text is the owner\'s word, as in "*.md".')


class ChannelTable(Open):
    """A place where people and agents talk."""

    enabled: bool = key(True, "Whether it is used.")
    token: SecretRef | None = key(None, "Where the channel's token is.")


class TriggerTable(Open):
    """A source of events with no person behind it."""

    name: str | None = key(None, "What it is called.", max_length=200)
    agent: str | None = key(None, "Whom it wakes.", max_length=64)


class ClusterTable(Open):
    """Runtimes that share a store."""


Channels = dict[Literal["telegram", "discord", "webhook", "terminal"], ChannelTable]
Triggers = Annotated[tuple[TriggerTable, ...], Field(strict=False, max_length=1000)]
