"""A thread cannot be ended from outside; it is named instead."""

from tests.cli.chat_server import Say
from tests.service.homes import Service, until

TOOL = '''
import threading
from anima import tool

@tool(effect="once", result="trusted")
def stick() -> str:
    """Stick."""
    threading.Event().wait()
    return ""
'''


def test_a_thread_that_does_not_return_is_abandoned_named_and_its_effect_unknown(service: Service) -> None:
    folder = service.agent("arya", '[tools]\nenabled = ["stick:stick"]\n').parent
    (folder / "stick.py").write_text(TOOL)
    service.provider.script += [Say(calls=(("stick", {}),)), Say("Yes.")]
    service.start()
    service.run("tell", "arya", "Stick")
    turn = until(lambda: service.run("turn", "list", "--json").document["items"])[0]["id"]
    until(lambda: service.run("turn", "show", turn, "--json").document["turn"]["steps"])
    stopped = service.run("turn", "stop", turn, "--json").document["turn"]
    assert stopped["steps"][0]["effects"][0]["state"] == "unknown"
    assert service.status["runtime"]["abandoned"] == ["abandoned tool stick"]
    assert "stick" in service.run("status").out
    assert service.run("ask", "arya", "Still there?").out == "Yes.\n"
