"""Words for agents of a home, whether or not it is open."""

import os
import signal

import pytest

from tests.cli.chat_server import Say
from tests.service.homes import Service, until

KEYS = (
    *("ok", "agent", "conversation", "event", "turn", "state", "answer", "steps", "usage", "model", "seconds"),
    *("denied", "unknown"),
)


@pytest.mark.parametrize("open", [True, False])
def test_ask_prints_the_same_document_whether_or_not_the_home_is_open(service: Service, open: bool) -> None:
    service.provider.script += [Say("Yes.")]
    if open:
        service.start()
    ended = service.run("ask", "arya", "Are you there?", "--json")
    assert ended.status == 0, ended.err
    assert ended.document.keys() >= {*KEYS}
    assert (ended.document["answer"], ended.document["state"], ended.document["ok"]) == ("Yes.", "closed", True)
    assert ended.document["conversation"] == "cli:main"


@pytest.mark.parametrize("open", [True, False])
def test_what_is_not_answered_in_time_is_accepted_all_the_same(service: Service, open: bool) -> None:
    service.provider.script += [Say("So", hang=True)]
    if open:
        service.start()
    ended = service.run("ask", "arya", "Quick!", "--timeout", "1", "--json")
    assert ended.status == 6
    assert (ended.document["error"]["type"], ended.document["event"]) == ("not_answered", "e1")
    assert service.events()[0]["state"] == "running"


@pytest.mark.parametrize("open", [True, False])
def test_what_fails_fails_alike_whether_or_not_the_home_is_open(service: Service, open: bool) -> None:
    service.provider.script += [Say(status=401)]
    if open:
        service.start()
    ended = service.run("ask", "arya", "Hello?", "--json")
    assert (ended.status, ended.document["error"]["type"], ended.document["state"]) == (1, "bad_key", "failed")
    assert service.run("ask", "nobody", "Hello?").status == 1


@pytest.mark.parametrize("open", [True, False])
def test_tell_returns_once_the_event_is_on_disk_and_the_same_id_is_one_event(service: Service, open: bool) -> None:
    service.provider.script += [Say("Noted.")] * 2
    if open:
        service.start()
    first = service.run("tell", "arya", "The parcel has come", "--id", "p17", "--json")
    assert (first.status, first.document) == (0, {"ok": True, "event": "e1", "duplicate": False})
    again = service.run("tell", "arya", "The parcel has come", "--id", "p17", "--json")
    assert again.document == {"ok": True, "event": "e1", "duplicate": True}
    other = service.run("tell", "arya", "Another text", "--id", "p17", "--json")
    assert (other.status, other.document["error"]["type"]) == (1, "duplicate_event")
    assert service.run("tell", "nobody", "Hello?").status == 1
    if not open:
        assert service.events()[0]["state"] == "queued"
        service.start()
    (event,) = until(lambda: service.events(state="answered"))
    assert (event["source"], event["text"], event["conversation"]) == ("tell", "The parcel has come", "cli:main")


def test_ask_without_a_service_works_off_its_conversation_and_leaves_the_others(service: Service) -> None:
    service.provider.script += [Say("One."), Say("Two.")]
    service.run("tell", "arya", "one")
    service.run("tell", "arya", "elsewhere", "--conversation", "other")
    assert service.run("ask", "arya", "two", "--json").document["answer"] == "Two."
    assert [event["text"] for event in service.events(state="queued")] == ["elsewhere"]


def test_a_question_survives_the_death_of_the_home_and_is_answered_once(service: Service) -> None:
    service.provider.script += [Say("So", hang=True), Say("Back again.")]
    pid = service.start()
    service.run("tell", "arya", "Hold on")
    assert service.provider.asked.wait(20)
    os.kill(pid, signal.SIGKILL)
    until(lambda: service.events(state="answered"))
    turns = service.run("turn", "list", "--json").document["items"]
    assert [turn["state"] for turn in turns] == ["closed"]
    assert len(service.provider.requests) == 2


def test_an_answer_that_was_printed_is_noted_as_handed_over(service: Service) -> None:
    service.provider.script += [Say("Yes.")]
    service.start()
    turn = service.run("ask", "arya", "Are you there?", "--json").document["turn"]
    assert until(lambda: service.run("turn", "show", turn, "--json").document["turn"]["printed"])
