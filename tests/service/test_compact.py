"""A conversation of an agent that is awake is summarised by the runtime that has it."""

from tests.cli.chat_server import Say
from tests.service.homes import Service


def test_an_agent_that_is_awake_summarises_when_it_is_asked_to(service: Service) -> None:
    service.provider.script += [Say("One."), Say("Two."), Say("They counted.")]
    service.start()
    for text in ("1?", "2?"):
        assert service.run("ask", "arya", text).status == 0
    ended = service.run("conversation", "compact", "cli:main", "--json")
    assert ended.document["answer"] == "What was said up to turn t1 is summarised."
    shown = service.run("conversation", "show", "cli:main", "--json").document["messages"]
    (summary,) = [line["text"] for line in shown if line["role"] == "summary"]
    assert summary.startswith("They counted.")
    assert [line["text"] for line in shown if line["role"] == "assistant"] == ["One.", "Two."], "nothing is deleted"
