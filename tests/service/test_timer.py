"""A timer of a home that is open: it goes off, is accounted for, and its silence reaches nobody."""

import pytest

from tests.cli.chat_server import Say
from tests.service.homes import Service, until


def test_a_timer_goes_off_in_an_open_home_and_survives_a_restart(service: Service) -> None:
    service.agent("arya", '[timer]\nevery = "1s"\nmessage = "Anything new?"\n')
    service.provider.script += [Say("HEARTBEAT_OK")] * 1000

    def went_off(times: int) -> bool:
        return len(service.run("timer", "history", "--json").document["items"]) >= times

    service.start()
    assert until(lambda: went_off(2))
    assert service.run("restart").status == 0
    assert until(lambda: went_off(4))
    assert service.run("stop").status == 0
    items = service.run("timer", "history", "--json").document["items"]
    assert {item["agent"] for item in items} == {"arya"}
    events = [item["event"] for item in items if item["event"]]
    assert len(events) == len(set(events)), "no time is told twice"
    (timer,) = service.run("timer", "list", "--json").document["items"]
    assert (timer["agent"], timer["every"]) == ("arya", 1.0)
    (talk,) = service.run("conversation", "list", "--json").document["items"]
    assert talk["conversation"] == "timer:heartbeat"


@pytest.mark.parametrize("point", ["post.committed", "occurred.committing", "occurred.committed", "schedule.committed"])
def test_a_timer_killed_at_any_point_tells_every_time_once(service: Service, point: str) -> None:
    service.agent("arya", '[timer]\nevery = "1s"\n')
    service.provider.script += [Say("HEARTBEAT_OK")] * 1000
    with service.begin("start", "--foreground", ANIMA_FAULT=f"{point}:1") as killed:
        assert killed.wait(20) == -9
    service.start()
    assert until(lambda: len(service.run("timer", "history", "--json").document["items"]) >= 2)
    assert service.run("stop").status == 0
    items = service.run("timer", "history", "--json").document["items"]
    told = [event for event in service.events() if event["source"] == "timer"]
    assert sorted(item["event"] for item in items if item["event"]) == sorted(event["id"] for event in told)
