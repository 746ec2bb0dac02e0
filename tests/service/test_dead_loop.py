"""A loop that stands still does not stay so."""

from tests.cli.chat_server import Say
from tests.service.homes import Service, until

TOOLS = '''
import time, pathlib
from anima import tool

@tool(effect="once", result="trusted")
async def block() -> str:
    """Block the loop, the first time."""
    mark = pathlib.Path(__file__).with_name("mark")
    if not mark.exists():
        mark.write_text("")
        time.sleep(60)
    return "done"
'''


def test_a_loop_that_stands_still_restarts_the_runtime_and_the_effect_follows_its_class(service: Service) -> None:
    folder = service.agent("arya", '[tools]\nenabled = ["block:block"]\n').parent
    (folder / "block.py").write_text(TOOLS)
    (service.home / "anima.toml").write_text('[runtime]\nstalled_after = "1s"\n')
    service.provider.script += [Say(calls=(("block", {}),)), Say("Done.")]
    pid = service.start()
    service.run("tell", "arya", "Block")
    until(lambda: service.events(state="answered"))
    assert service.pid != pid
    (effect,) = service.run("turn", "show", "t1", "--json").document["turn"]["steps"][0]["effects"]
    assert effect["state"] == "unknown"
