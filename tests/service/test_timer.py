"""A timer of a home that is open: it goes off, is accounted for, and its silence reaches nobody."""

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
