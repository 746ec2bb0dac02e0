"""Who is alive: agents, their actors, who watches them."""

from anima.runtime.agent import Agent
from anima.runtime.door import door_of, knock
from anima.runtime.runtime import Mode, Runtime

__all__ = ["Agent", "Mode", "Runtime", "door_of", "knock"]
