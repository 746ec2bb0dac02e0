"""Who is alive: agents, their actors, who watches them."""

from anima.runtime.agent import Agent
from anima.runtime.door import door_of, knock, listen, talk
from anima.runtime.household import Found
from anima.runtime.keeping import Keeper, Terms
from anima.runtime.reception import Told
from anima.runtime.runtime import Mode, Runtime

__all__ = ["Agent", "Found", "Keeper", "Mode", "Runtime", "Terms", "Told", "door_of", "knock", "listen", "talk"]
