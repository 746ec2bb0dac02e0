"""A home is opened, dies, comes back by itself, and is closed."""

import os
import signal

from tests.service.homes import Service, until


def test_a_home_is_open_from_start_to_stop_and_says_so_either_way(service: Service) -> None:
    before = service.status
    assert before["runtime"]["running"] is False
    assert [(agent["name"], agent["state"]) for agent in before["agents"]] == [("arya", "idle")]
    pid = service.start()
    during = service.status
    assert (during["runtime"]["running"], during["runtime"]["pid"]) == (True, pid)
    assert during["runtime"].keys() >= before["runtime"].keys()
    assert service.run("stop").status == 0
    after = service.status
    assert after["runtime"]["running"] is False
    assert after["agents"][0]["id"] == during["agents"][0]["id"]


def test_a_home_is_opened_once(service: Service) -> None:
    pid = service.start()
    assert service.run("start").status == 1
    again = service.run("start", "--foreground")
    assert (again.status, f"process {pid}" in again.err) == (1, True)
    assert service.pid == pid


def test_a_runtime_that_is_killed_is_back_by_itself(service: Service) -> None:
    pid = service.start()
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: service.pid != pid)
    assert service.run("stop").status == 0
    assert service.status["runtime"]["running"] is False


def test_a_home_that_cannot_be_opened_says_why_and_leaves_nobody_behind(service: Service) -> None:
    (service.home / "anima.db").write_text("not a database " * 100)
    ended = service.run("start")
    assert ended.status == 1
    assert "not a database" in ended.err


def test_a_restart_is_a_new_program_in_the_same_process(service: Service) -> None:
    pid, since = service.start(), service.wish({"do": "status"})["since"]
    assert service.run("restart").status == 0
    assert service.pid == pid
    assert service.wish({"do": "status"})["since"] != since


def test_stop_where_nothing_runs_is_no_error(service: Service) -> None:
    assert service.run("stop").status == 0
