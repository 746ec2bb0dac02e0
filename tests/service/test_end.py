"""A home is closed, its settings change: nothing is lost, nothing that was revoked lives on."""

import os
import signal

from tests.cli.chat_server import Say
from tests.service.homes import Service, until

SHELL = '[tools]\nenabled = ["shell"]\ngrants = ["shell"]\n'


def test_at_the_end_a_running_step_comes_to_its_durable_point_and_the_next_start_goes_on_from_there(
    service: Service,
) -> None:
    service.agent("arya", SHELL)
    service.provider.script += [Say(calls=(("shell", {"command": "touch begun; sleep 1; echo done"}),)), Say("Done.")]
    service.start()
    service.run("tell", "arya", "Work")
    begun = service.home / "agents" / "arya" / "workspace" / "begun"
    until(begun.exists)
    assert service.run("stop").status == 0
    (effect,) = service.run("turn", "show", "t1", "--json").document["turn"]["steps"][0]["effects"]
    assert (effect["state"], len(service.provider.requests)) == ("done", 1)
    service.start()
    until(lambda: service.events(state="answered"))
    assert len(service.provider.requests) == 2


def test_what_does_not_end_in_time_is_cut_off_and_taken_up_at_the_next_start(service: Service) -> None:
    (service.home / "anima.toml").write_text('[runtime]\nstop_timeout = "200ms"\n')
    service.provider.script += [Say("So", hang=True), Say("Back again.")]
    pid = service.start()
    service.run("tell", "arya", "Think")
    assert service.provider.asked.wait(20)
    os.kill(pid, signal.SIGTERM)
    until(lambda: not service.status["runtime"]["running"])
    assert service.events()[0]["state"] == "running"
    service.start()
    until(lambda: service.events(state="answered"))


def test_stop_now_does_not_wait(service: Service) -> None:
    service.provider.script += [Say("So", hang=True)]
    service.start()
    service.run("tell", "arya", "Think")
    assert service.provider.asked.wait(20)
    assert service.run("stop", "--now").status == 0
    assert service.events()[0]["attempts"] == 0


def test_settings_that_are_wrong_keep_the_old_ones_and_say_so(service: Service) -> None:
    service.provider.script += [Say("As before.")]
    path = service.agent("arya")
    service.start()
    right = path.read_text()
    path.write_text(right + "[nonsense\n")
    told = service.run("reload", "--json")
    assert (told.status, "agent.toml" in told.document["error"]["message"]) == (2, True)
    runtime = service.status["runtime"]
    assert (runtime["settings"], "agent.toml" in runtime["error"]) == ("last_good", True)
    assert service.run("ask", "arya", "Still there?").out == "As before.\n"
    path.write_text(right)
    assert service.run("reload").status == 0
    assert service.status["runtime"]["settings"] == "current"


def test_a_hangup_reads_the_settings_again(service: Service) -> None:
    path = service.agent("arya")
    pid = service.start()
    path.write_text(path.read_text() + "[nonsense\n")
    os.kill(pid, signal.SIGHUP)
    until(lambda: service.status["runtime"]["settings"] == "last_good")


def test_a_home_whose_file_is_wrong_at_boot_starts_with_the_last_good_one_and_without_any_right(
    service: Service,
) -> None:
    service.provider.script += [Say("Fine."), Say(calls=(("shell", {"command": "touch proof"}),)), Say("No.")]
    path = service.agent("arya", SHELL)
    service.start()
    service.run("ask", "arya", "Hello?")
    service.run("stop")
    path.write_text(path.read_text() + "[nonsense\n")
    service.start()
    until(lambda: service.status["runtime"]["settings"] == "last_good")
    ended = service.run("ask", "arya", "Touch it", "--json")
    assert (ended.document["answer"], [call["tool"] for call in ended.document["denied"]]) == ("No.", ["shell"])
    assert not (path.parent / "workspace" / "proof").exists()


def test_a_right_that_was_revoked_does_not_outlive_the_reload(service: Service) -> None:
    service.provider.script += [Say("Fine."), Say(calls=(("shell", {"command": "touch proof"}),)), Say("No.")]
    path = service.agent("arya", SHELL)
    service.start()
    service.run("ask", "arya", "Hello?")
    path.write_text(path.read_text().replace('grants = ["shell"]', ""))
    assert service.run("reload").status == 0
    ended = service.run("ask", "arya", "Touch it", "--json")
    assert [call["tool"] for call in ended.document["denied"]] == ["shell"]
