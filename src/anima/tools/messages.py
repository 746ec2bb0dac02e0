"""Tools by which an agent talks to other agents. What they send is committed with their result: once, or never.

They do not know where the other agent lives, nor who may talk to whom.
"""

from anima.tools.tool import Tool
from anima.vocabulary import Call, Tell


async def _tell(agent: str, text: str) -> Tell:
    """Send another agent a message. It is delivered for certain; an answer, if any, comes as a message of its own.

    agent: its name
    """
    return Tell(agent, text)


async def _ask(agent: str, text: str) -> Tell:
    """Ask another agent something and wait a while for its answer. A late answer comes as a message of its own.

    agent: its name
    """
    return Tell(agent, text, ask=True)


async def _list(call: Call) -> str:
    """The names of the agents that live here, a line each."""
    return "\n".join(name if name != call.agent else f"{name} (you)" for name in call.agents())


tell_agent = Tool(_tell, "tell_agent", "internal", result="trusted")
ask_agent = Tool(_ask, "ask_agent", "internal", result="trusted")
list_agents = Tool(_list, "list_agents", "read", result="trusted")
