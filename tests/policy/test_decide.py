"""What may happen without asking, as tables."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anima.policy import Grants, check_grant, decide, simple_argv
from anima.vocabulary import OWNER, Call


def call(tool: str, doubtful: bool = False, **arguments: Any) -> Call:
    return Call(tool, arguments, "arya", "cli:main", Path("workspace"), "key", doubtful=doubtful)


def verdict(asked: Call, *grants: str, private: tuple[str, ...] = ()) -> str:
    enabled = frozenset({"shell", "http", "read_file", "my_tool"})
    return decide(asked, OWNER, Grants(enabled, grants, frozenset(private))).verdict


def test_a_tool_that_is_not_enabled_is_denied_and_the_model_hears_which_are() -> None:
    decision = decide(call("shell", command="ls"), OWNER, Grants(frozenset({"echo", "add"}), ("shell",)))
    assert decision.verdict == "deny"
    assert decision.reason == "the tool shell is not enabled; enabled: add, echo"


def test_an_enabled_tool_that_sends_nothing_is_allowed() -> None:
    assert verdict(call("read_file", path="a")) == "allow"


@pytest.mark.parametrize("asked", [call("shell", command="ls"), call("http", method="GET", url="https://a.example/")])
def test_enabling_shell_or_http_is_not_granting_it(asked: Call) -> None:
    assert verdict(asked) == "ask"
    assert verdict(asked, "read_file", "my_tool") == "ask"


@pytest.mark.parametrize("grants", [(), ("my_tool",)])
def test_a_call_whose_equal_has_an_unknown_outcome_asks_whatever_the_grants(grants: tuple[str, ...]) -> None:
    assert verdict(call("my_tool", doubtful=True, n=1), *grants) == "ask"
    assert verdict(call("shell", doubtful=True, command="ls"), "shell", *grants) == "ask"


def test_a_doubtful_call_of_a_tool_that_is_not_enabled_stays_denied() -> None:
    assert verdict(call("other", doubtful=True)) == "deny"


@pytest.mark.parametrize(
    ("grant", "command", "expected"),
    [
        ("shell", "rm -rf / ; echo $HOME", "allow"),
        ("shell", "git status", "allow"),
        ("shell:git status", "git status", "allow"),
        ("shell:git status", "  git   status ", "allow"),
        ("shell:git status", "git 'status'", "allow"),
        ("shell:git status", "git status -s", "ask"),
        ("shell:git status", "git", "ask"),
        ("shell:git status", "git statusx", "ask"),
        ("shell:git status", "/usr/bin/git status", "ask"),
        ("shell:git status", "sudo git status", "ask"),
        ("shell:git status", "env -S 'git status'", "ask"),
        ("shell:git status", "git status; id", "ask"),
        ("shell:git status", "git status\nid", "ask"),
        ("shell:git status", "git status && id", "ask"),
        ("shell:git status", "git status & id", "ask"),
        ("shell:git status", "git status | cat", "ask"),
        ("shell:git status", "git status > f", "ask"),
        ("shell:git status", "git status `id`", "ask"),
        ("shell:git status", "git status $(id)", "ask"),
        ("shell:git status", "git$IFS'status'", "ask"),
        ("shell:git status", "A=1 git status", "ask"),
        ("shell:git status", "git status #", "ask"),
        ("shell:git *", "git", "allow"),
        ("shell:git *", "git log --oneline -n 3", "allow"),
        ("shell:git *", "git log --format='%h %s'", "allow"),
        ("shell:git *", 'git commit -m "a; b"', "allow"),
        ("shell:git *", 'git commit -m "$(id)"', "ask"),
        ("shell:git *", 'git commit -m "`id`"', "ask"),
        ("shell:git *", "git log *", "ask"),
        ("shell:git *", "git log ~", "ask"),
        ("shell:git *", "git log {a,b}", "ask"),
        ("shell:git *", "git log \\\nid", "ask"),
        ("shell:git *", "git log 'unclosed", "ask"),
        ("shell:git *", "gitx log", "ask"),
        ("shell:git *", "git\x00log", "ask"),
        ("shell:git *", "", "ask"),
        ("shell:", "ls", "ask"),
        ("shell:*", "ls", "ask"),
        ("shellx", "ls", "ask"),
    ],
)
def test_a_shell_grant_covers_exactly_its_command(grant: str, command: str, expected: str) -> None:
    assert verdict(call("shell", command=command), grant) == expected


@pytest.mark.parametrize("command", [None, 5, ["git", "status"]])
def test_a_command_that_is_no_text_is_asked_about(command: object) -> None:
    assert verdict(call("shell", command=command), "shell:git *") == "ask"


@pytest.mark.parametrize("command", ["cd /", "exec id", "eval id", ". f", "export A", "time id", "if id", "A=1", "''"])
def test_a_command_only_a_shell_understands_is_no_plain_command(command: str) -> None:
    assert simple_argv(command) is None


@settings(max_examples=300, deadline=None)
@given(st.text("ab '\"$\\=;*~#{}\n-/`!()?[]&|<>%\t", max_size=14))
def test_a_plain_command_means_to_a_shell_what_it_means_here(command: str) -> None:
    argv = simple_argv(command)
    if argv is not None:
        said = subprocess.run(["/bin/sh", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True).stdout
        assert said.decode().split("\0")[:-1] == argv


API = "http:GET:api.example.com/*"


@pytest.mark.parametrize(
    ("grant", "method", "url", "expected"),
    [
        ("http", "POST", "https://anything.example/x?y=1", "allow"),
        ("http", "GET", "https://anything.example:8443/", "ask"),
        ("http", "GET", "https://user@anything.example/", "ask"),
        ("http:", "GET", "https://a.example/", "ask"),
        (API, "GET", "https://api.example.com/v1", "allow"),
        (API, "get", "https://api.example.com/v1", "allow"),
        (API, "GET", "http://api.example.com/v1", "allow"),
        (API, "GET", "HTTPS://API.EXAMPLE.COM/v1?q=a%20b", "allow"),
        (API, "GET", "https://api.example.com", "allow"),
        (API, "GET", "https://api.example.com:443/", "allow"),
        (API, "GET", "https://api.example.com:80/", "ask"),
        (API, "GET", "https://api.example.com:8443/", "ask"),
        (API, "POST", "https://api.example.com/v1", "ask"),
        (API, "HEAD", "https://api.example.com/v1", "ask"),
        (API, "GET", "https://example.com/", "ask"),
        (API, "GET", "https://xapi.example.com/", "ask"),
        (API, "GET", "https://api.example.com.evil.example/", "ask"),
        (API, "GET", "https://api.example.com./", "ask"),
        (API, "GET", "https://evil.example/api.example.com/", "ask"),
        (API, "GET", "https://api.example.com@evil.example/", "ask"),
        (API, "GET", "https://evil.example#api.example.com/", "ask"),
        (API, "GET", "https://evil.example\\@api.example.com/", "ask"),
        (API, "GET", "https://api.example.com\\.evil.example/", "ask"),
        (API, "GET", "https://evil.example\x00.api.example.com/", "ask"),
        (API, "GET", "https://api.example.com%00/", "ask"),
        (API, "GET", "https://api%2eexample.com/", "ask"),
        (API, "GET", "https://ap\u0131.example.com/", "ask"),
        (API, "GET", "https://api\u3002example\u3002com/", "ask"),
        (API, "GET", " https://api.example.com/", "ask"),
        (API, "GET", "https://api.example.com/ x", "ask"),
        (API, "GET", "https://api.example.com/\r\nHost: evil.example", "ask"),
        (API, "GET", "https:/api.example.com/", "ask"),
        (API, "GET", "//api.example.com/", "ask"),
        (API, "GET", "ftp://api.example.com/", "ask"),
        (API, "GE\u0166", "https://api.example.com/", "ask"),
        ("http:GET:a.example/v1/*", "GET", "https://a.example/v1/users", "allow"),
        ("http:GET:a.example/v1/*", "GET", "https://a.example/v1", "ask"),
        ("http:GET:a.example/v1/*", "GET", "https://a.example/v2/users", "ask"),
        ("http:GET:a.example/v1/*", "GET", "https://a.example/v1/../v2", "ask"),
        ("http:GET:a.example/v1/*", "GET", "https://a.example/v1/./x", "ask"),
        ("http:GET:a.example/v1/*", "GET", "https://a.example/v1/%2e%2e/v2", "ask"),
        ("http:GET:a.example/v1/*", "GET", "https://a.example/v1/%252e%252e/v2", "ask"),
        ("http:GET:a.example/v1/*", "GET", "https://a.example/v1/%2fv2", "ask"),
        ("http:GET:a.example/v1/*", "GET", "https://a.example/v1//v2", "ask"),
        ("http:GET:a.example/v1/*", "GET", "https://a.example/V1/x", "ask"),
        ("http:GET:a.example/v1/*/x", "GET", "https://a.example/v1/a/x", "allow"),
        ("http:GET:a.example/v1/*/x", "GET", "https://a.example/v1/a/y", "ask"),
        ("http:GET:a.example/v.", "GET", "https://a.example/v1", "ask"),
        ("http:*:a.example", "DELETE", "https://a.example/deep/path", "allow"),
        ("http:GET:*.example.com/*", "GET", "https://a.b.example.com/", "allow"),
        ("http:GET:*.example.com/*", "GET", "https://example.com/", "ask"),
        ("http:GET:*.example.com/*", "GET", "https://badexample.com/", "ask"),
        ("http:GET:a.example:8443/*", "GET", "https://a.example:8443/", "allow"),
        ("http:GET:a.example:8443/*", "GET", "https://a.example/", "ask"),
    ],
)
def test_an_http_grant_covers_exactly_its_requests(grant: str, method: str, url: str, expected: str) -> None:
    assert verdict(call("http", method=method, url=url), grant) == expected


@pytest.mark.parametrize(
    ("grants", "private", "url", "expected"),
    [
        ((), (), "http://127.0.0.1:8080/", "deny"),
        (("http",), (), "http://127.0.0.1:8080/", "deny"),
        (("http",), (), "http://localhost/", "deny"),
        (("http",), (), "http://[::1]/", "deny"),
        (("http",), (), "http://169.254.169.254/latest", "deny"),
        ((), ("127.0.0.1:8080",), "http://127.0.0.1:8080/", "ask"),
        (("http",), ("127.0.0.1:8080",), "http://127.0.0.1:8080/", "allow"),
        (("http",), ("[::1]:8080",), "http://[::1]:8080/", "allow"),
        (("http",), ("127.0.0.1:8080",), "http://127.0.0.1:8081/", "deny"),
        (("http:GET:127.0.0.1:8080/*",), ("127.0.0.1:8080",), "http://127.0.0.1:8080/", "allow"),
        (("http:GET:127.0.0.1/*",), ("127.0.0.1:8080",), "http://127.0.0.1:8080/", "ask"),
    ],
)
def test_a_private_address_needs_a_grant_and_an_opening(
    grants: tuple[str, ...], private: tuple[str, ...], url: str, expected: str
) -> None:
    assert verdict(call("http", method="GET", url=url), *grants, private=private) == expected


def test_a_grant_never_narrows_another() -> None:
    asked = call("http", method="GET", url="https://b.example/")
    assert verdict(asked, "http:GET:a.example/*", "http") == "allow"


@pytest.mark.parametrize("arguments", [{}, {"url": 5, "method": "GET"}, {"url": "https://a.example/", "method": None}])
def test_a_request_that_makes_no_sense_is_not_covered(arguments: dict[str, Any]) -> None:
    assert verdict(call("http", **arguments), "http") == "ask"


@pytest.mark.parametrize(
    "grant",
    [
        *("shell", "http", "my_tool", "shell:git status", "shell:git *", "shell:find . -name '*.py'"),
        *("http:GET:api.example.com/*", "http:*:*.example.com", "http:GET:127.0.0.1:8080/*", "http:GET:[::1]:80/x"),
    ],
)
def test_a_right_grant_has_no_problem(grant: str) -> None:
    assert check_grant(grant) is None


@pytest.mark.parametrize(
    ("grant", "problem"),
    [
        ("", "name of a tool"),
        ("git status", "name of a tool"),
        ("shell:", "one plain command"),
        ("shell:*", "one plain command"),
        ("shell:git * -s", "one plain command"),
        ("shell:git status; id", "one plain command"),
        ("http:", "http:METHOD:host/path"),
        ("http:get:a.example/*", "http:METHOD:host/path"),
        ("http:GET:https://a.example/*", "http:METHOD:host/path"),
        ("http:GET:*/*", "http:METHOD:host/path"),
        ("http:GET:a.*.example/*", "http:METHOD:host/path"),
        ("my_tools:weather", 'write "weather"'),
    ],
)
def test_a_wrong_grant_is_told_with_what_would_be_right(grant: str, problem: str) -> None:
    assert problem in (check_grant(grant) or "")
