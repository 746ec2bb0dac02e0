"""Agents that rest, events that are set aside, turns that are stopped: by command, whether or not the home is open."""

import pytest

from tests.cli.chat_server import Say
from tests.service.homes import Service, until


def state(service: Service) -> str:
    return str(service.status["agents"][0]["state"])


def test_a_paused_agent_takes_events_and_begins_none_until_it_is_resumed(service: Service) -> None:
    service.provider.script += [Say("At last.")]
    service.start()
    assert service.run("agent", "pause", "arya").status == 0
    service.run("tell", "arya", "Later")
    assert (state(service), service.events()[0]["state"]) == ("paused", "queued")
    assert service.run("agent", "resume", "arya").status == 0
    until(lambda: service.events(state="answered"))


def test_a_pause_lasts_across_starts(service: Service) -> None:
    service.provider.script += [Say("At last.")]
    service.run("agent", "stop", "arya")
    service.run("tell", "arya", "Later")
    service.start()
    assert (state(service), service.events()[0]["state"]) == ("stopped", "queued")
    service.run("agent", "start", "arya", "--json")
    until(lambda: service.events(state="answered"))


def test_stopping_an_agent_ends_its_running_turn(service: Service) -> None:
    service.provider.script += [Say("So", hang=True)]
    service.start()
    asked = service.begin("ask", "arya", "Go on for ever", "--json")
    assert service.provider.asked.wait(20)
    assert state(service) == "running"
    service.run("agent", "stop", "arya")
    assert '"state": "stopped"' in asked.communicate(timeout=20)[0]
    assert asked.returncode == 1
    assert (state(service), service.events()[0]["state"]) == ("stopped", "dropped")


def test_a_turn_of_an_open_home_is_stopped_by_its_id(service: Service) -> None:
    service.provider.script += [Say("So", hang=True)]
    service.start()
    service.run("tell", "arya", "Go on for ever")
    assert service.provider.asked.wait(20)
    stopped = service.run("turn", "stop", "t1", "--json")
    assert (stopped.status, stopped.document["turn"]["state"]) == (0, "stopped")


def test_an_agent_nobody_knows_cannot_rest(service: Service) -> None:
    assert service.run("agent", "pause", "nobody").status == 1
    service.start()
    assert service.run("agent", "pause", "nobody", "--json").document["error"]["type"] == "not_found"


@pytest.mark.parametrize("open", [True, False])
def test_a_dead_letter_keeps_its_evidence_and_is_answered_once_it_is_requeued(service: Service, open: bool) -> None:
    service.provider.script += [Say(status=400), Say("Now it works.")]
    service.run("ask", "arya", "Try this")
    (dead,) = service.run("deadletter", "list", "--json").document["items"]
    assert (dead["id"], dead["state"], dead["step"], dead["attempts"]) == ("e1", "dead", 1, 1)
    assert len(dead["context"]) == 64
    assert "as scripted" in dead["error"]
    assert service.run("deadletter", "show", "e1").status == 0
    if open:
        service.start()
    assert service.run("deadletter", "requeue", "e1").status == 0
    if not open:
        service.start()
    until(lambda: service.events(state="answered"))
    assert service.run("deadletter", "requeue", "e1").status == 2


def test_a_dead_letter_can_be_dropped(service: Service) -> None:
    service.provider.script += [Say(status=400)]
    service.run("ask", "arya", "Try this")
    assert service.run("deadletter", "drop", "e1", "--json").document["state"] == "dropped"
    assert service.run("deadletter", "list", "--json").document["items"] == []
    assert service.run("deadletter", "drop", "e7").status == 1


def test_logs_tell_of_one_agent_alone(service: Service) -> None:
    service.provider.script += [Say("Yes.")]
    service.start()
    service.run("ask", "arya", "Are you there?")
    mine = service.run("logs", "--agent", "arya", "--json").lines
    assert any("turn t1 of arya is closed" in line["message"] for line in mine)
    assert service.run("logs", "--agent", "bran", "--json").lines == []
    assert "the home is open" in service.run("logs").out


def test_logs_follow_what_comes(service: Service) -> None:
    service.start()
    following = service.begin("logs", "-f", "--json")
    assert following.stdout is not None
    following.stdout.readline()
    service.run("stop")
    assert any("the home is closed" in following.stdout.readline() for _ in range(3))
    following.kill()
    following.communicate()
