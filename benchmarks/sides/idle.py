"""A runtime with one agent, made from a settings file as `anima run` makes it, and asked nothing; prints its memory."""

import asyncio
from pathlib import Path

from anima.app import describe, open_runtime
from anima.settings import load
from benchmarks.measure import Work
from benchmarks.sides.process import given, memory, tell

SETTINGS = """
[agent]
name = "arya"
system_prompt = "You are Arya."
[llm]
provider = "openai"
model = "gpt-5"
[tools]
enabled = ["read_file", "write_file", "edit_file", "list_files", "search_files", "http", "shell", "now", "add"]
"""


async def main(work: Work) -> None:
    path = Path(work.folder) / "config.toml"
    path.write_text(SETTINGS)
    loaded = load(path)
    async with open_runtime(loaded, describe(loaded).agent, Path(work.folder) / "home", None):
        await asyncio.sleep(0.1)
        tell(memory=memory())


if __name__ == "__main__":
    asyncio.run(main(given()))
