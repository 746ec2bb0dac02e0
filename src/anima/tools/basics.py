"""The smallest tools: they touch nothing."""

from anima.clock import Clock, iso
from anima.tools.tool import Tool, tool


@tool(effect="read", result="trusted")
async def echo(text: str) -> str:
    """Give a text back as it is."""
    return text


@tool(effect="read", result="trusted")
async def add(a: int | float, b: int | float) -> int | float:
    """Add two numbers."""
    return a + b


def now_by(clock: Clock) -> Tool:
    """The tool `now`, by a clock."""

    @tool(effect="read", result="trusted")
    async def now() -> str | None:
        """The date and time now, with the time zone."""
        return iso(clock.now())

    return now
