"""Where what is not trusted meets the world: the net guard, and the running of commands.

Nothing here knows of tools, models or turns, nor who allowed what.
"""
