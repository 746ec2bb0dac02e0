"""What a runtime costs that has nothing to do."""

from collections.abc import Iterator

from benchmarks.measure import Figure, Work, on_tmpfs, side

MEANING = (
    "resident memory of a process that has loaded a settings file and runs one agent with nine built-in tools, "
    "connected to `openai`, before it is asked anything"
)


def figures() -> Iterator[Figure]:
    with on_tmpfs() as folder:
        yield Figure("memory of an idle runtime", side("idle", Work(folder, 0))["memory"], "MB", 55.0, MEANING)
