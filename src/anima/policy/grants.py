"""Grants: what the owner allowed beforehand, as written in `[tools] grants`.

    "shell"                            every command
    "shell:git log *"                  one plain command, word by word; a last `*` stands for any further words
    "http"                             every fetch of an ordinary URL
    "http:GET:*.example.com:8443/v1/*"  method (or `*`), host, port unless the usual one, path; `*` in it: any text
    "my_tool"                          a tool, by its name

A grant turns ask into allow. Whatever is odd about a command or a URL is not covered. Knows no call and no agent.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from anima.policy.argv import simple_argv

_TOOL = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LABELS = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*"
_HOST = rf"{_LABELS}|\[[0-9a-f:.]+\]"
_HTTP_GRANT = re.compile(
    rf"(?P<method>[A-Z]+|\*):(?P<host>(?:\*\.)?{_LABELS}|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?(?P<path>/.*)?"
)
# Far narrower than the standard: two parsers may disagree about what is left out here, so it is never granted.
_URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[^\s\x00-\x1f\x7f#\\]*)?",
    re.IGNORECASE | re.ASCII,
)
_ODD_PATH = re.compile(r"//|(?:^|/)\.{1,2}(?:/|$)|%(?:2e|2f|5c|[01][0-9a-f]|7f|25)|%(?![0-9a-f]{2})", re.IGNORECASE)
_USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an ordinary URL leads: no user, no fragment, no dots or escapes that a server may read differently."""

    host: str
    port: int
    path: str
    usual_port: bool

    @property
    def name(self) -> str:
        """`host:port`, as written in `[tools] http_private`."""
        return f"{self.host}:{self.port}"

    @property
    def private(self) -> bool:
        """Whether the host itself says that it is no public one; a name may still lead to a private address."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return not ip_address(self.host.strip("[]")).is_global
        except ValueError:
            return False


def ordinary(url: str) -> Place | None:
    """The place of a URL, or None when anything about it is odd."""
    found = _URL.fullmatch(url)
    if not found:
        return None
    usual = _USUAL_PORTS[found["scheme"].lower()]
    port = int(found["port"] or usual)
    path = found["path"] or "/"
    if not 0 < port < 65536 or _ODD_PATH.search(path):
        return None
    return Place(found["host"].lower(), port, path, port == usual)


def covers_command(pattern: str, command: str) -> bool:
    """Whether `shell:<pattern>` covers the command: one plain command with the pattern's words."""
    argv = simple_argv(command)
    wanted = _words(pattern)
    if argv is None or wanted is None:
        return False
    words, any_rest = wanted
    return argv[: len(words)] == words and (any_rest or len(argv) == len(words))


def covers_request(pattern: str, method: str, place: Place) -> bool:
    """Whether `http:<pattern>` covers a request."""
    grant = _HTTP_GRANT.fullmatch(pattern)
    if not grant or grant["method"] not in ("*", method):
        return False
    if grant["port"] is None and not place.usual_port:
        return False
    if grant["port"] is not None and int(grant["port"]) != place.port:
        return False
    host = grant["host"]
    right_host = place.host.endswith(host[1:]) if host.startswith("*.") else place.host == host
    path = ".*".join(re.escape(part) for part in (grant["path"] or "/*").split("*"))
    return right_host and re.fullmatch(path, place.path) is not None


def check_grant(text: str) -> str | None:
    """What is wrong with a grant as written in the settings, or None."""
    tool, colon, pattern = text.partition(":")
    if not _TOOL.fullmatch(tool):
        return 'a grant begins with the name of a tool, as in "shell:git status"'
    if not colon:
        return None
    if tool == "shell":
        return None if _words(pattern) else 'write one plain command, as in "shell:git log *"; "shell" covers them all'
    if tool == "http":
        return (
            None if _HTTP_GRANT.fullmatch(pattern) else 'write "http:METHOD:host/path", as in "http:GET:example.com/*"'
        )
    return f'only shell and http take a pattern; write "{pattern if _TOOL.fullmatch(pattern) else tool}"'


def _words(pattern: str) -> tuple[list[str], bool] | None:
    """The words of a command pattern, and whether any may follow."""
    head, star, tail = pattern.strip().rpartition(" *")
    any_rest = bool(star) and not tail
    words = simple_argv(head if any_rest else pattern)
    return (words, any_rest) if words else None
