"""`anima chat` in a home that somebody else keeps open."""

import signal
from pathlib import Path

import pytest

from tests.cli.chat_server import ChatServer, Say
from tests.cli.person import person
from tests.cli.program import Anima
from tests.service.homes import Service, until


@pytest.fixture
def open_home(service: Service) -> Service:
    service.agent("bran")
    service.start()
    return service


def test_the_same_words_get_the_same_answers(open_home: Service, provider: ChatServer, anima: Anima) -> None:
    provider.script = [Say("**One**."), Say("Two.")]
    done = anima("chat", "arya", stdin="first\n@bran second\n/status\n", OPENAI_API_KEY="none")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("**One**.\nTwo.\nthe home is open: process")


def test_ctrl_c_ends_the_turn_and_not_the_home(open_home: Service, provider: ChatServer) -> None:
    provider.script = [Say("Let me", hang=True), Say("Here.")]
    with person(open_home.surroundings, "chat", "arya") as someone:
        someone.sees("arya>")
        someone.types("hello\r")
        assert provider.asked.wait(30)
        someone.types("\x03")
        someone.sees("stopped")
        someone.sees("arya>")
        someone.types("hello?\r")
        someone.sees("Here.")
        someone.sees("arya>")
        someone.types("\x04")
        assert someone.leaves() == 0
    assert open_home.status["runtime"]["running"]


def test_a_turn_really_goes_on_when_the_terminal_is_closed(open_home: Service, provider: ChatServer) -> None:
    provider.script = [Say("I went on.", held=True)]
    with person(open_home.surroundings, "chat", "arya") as someone:
        someone.sees("arya>")
        someone.types("are you there?\r")
        assert provider.asked.wait(30)
        someone.closes_the_terminal()
    provider.go.set()
    assert until(lambda: open_home.events(state="answered"))
    with person(open_home.surroundings, "chat", "arya") as again:
        again.sees("arya to “are you there?”:")
        again.sees("I went on.")
        again.sees("arya>")
        again.types("\x04")
        assert again.leaves() == 0


def test_an_answer_that_comes_by_itself_is_shown_above_the_prompt(open_home: Service, provider: ChatServer) -> None:
    provider.script = [Say("The parcel, I see.")]
    with person(open_home.surroundings, "chat", "arya") as someone:
        someone.sees("arya>")
        assert open_home.run("tell", "arya", "The parcel has come").status == 0
        someone.sees("arya to “The parcel has come”:")
        someone.sees("The parcel, I see.")
        someone.sees("arya>")
        someone.types("\x04")
        assert someone.leaves() == 0


def test_when_the_home_is_closed_it_says_so_and_ends(open_home: Service, provider: ChatServer) -> None:
    with person(open_home.surroundings, "chat", "arya") as someone:
        someone.sees("arya>")
        assert open_home.run("stop").status == 0
        someone.sees("the home was closed")
        assert someone.leaves() == 1


def test_a_home_that_is_open_in_a_chat_answers_others_too(service: Service, provider: ChatServer) -> None:
    provider.script = [Say("Yes.")]
    with person(service.surroundings, "chat", "arya") as someone:
        someone.sees("arya>")
        assert service.run("ask", "arya", "Are you there?", "--conversation", "other").out == "Yes.\n"
        assert service.run("stop").status == 0
        someone.sees("the home was closed")
        assert someone.leaves() == 1


def test_killed_in_the_middle_of_a_turn_it_goes_on_with_the_next_start(
    service: Service, provider: ChatServer, home: Path
) -> None:
    provider.script = [Say("I am thin", hang=True), Say("I am back.")]
    with person(service.surroundings, "chat", "arya") as someone:
        someone.sees("arya>")
        someone.types("are you there?\r")
        assert provider.asked.wait(30)
        someone.program.send_signal(signal.SIGKILL)
        someone.program.wait()
    service.start()
    assert until(lambda: service.events(state="answered"))
    with person(service.surroundings, "chat", "arya") as again:
        again.sees("I am back.")
