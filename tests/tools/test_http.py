"""The http tool against a real server on loopback."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from anima.sandbox.net import Reach
from anima.tools.http import http_within
from anima.tools.toolbox import Outcome, Toolbox
from anima.vocabulary import Call


@dataclass
class Server:
    """Answers by path, and keeps what it was sent: request line, headers in lower case, body."""

    port: int = 0
    answers: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def say(self, path: str, status: str, body: bytes = b"", **headers: str) -> None:
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.answers[path] = f"HTTP/1.1 {status}\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
                headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append((line, headers, body))
                writer.write(self.answers.get(line.split()[1], b""))
                if line.split()[1] not in self.answers:
                    break
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[Server]:
    server = Server()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    yield server
    listener.close()


async def fetch(server: Server, method: str, path: str, **arguments: Any) -> Outcome:
    tool = http_within(Reach(private=frozenset({f"127.0.0.1:{server.port}"})))
    url = path if "://" in path else server.url + path
    call = Call("http", {"method": method, "url": url, **arguments}, "arya", "cli:main", Path("w"), "key-7")
    outcome = await Toolbox([tool]).run(call)
    assert outcome.label == "untrusted"
    return outcome


async def test_a_fetch_gives_status_headers_and_text(server: Server) -> None:
    server.say("/", "200 OK", "é".encode("latin-1"), content_type="text/plain; charset=latin-1", x_powered_by="x")
    outcome = await fetch(server, "get", "/")
    assert outcome == Outcome(True, "HTTP 200 OK\ncontent-type: text/plain; charset=latin-1\n\né", "untrusted")
    line, headers, _ = server.requests[0]
    assert line == "GET / HTTP/1.1"
    assert "idempotency-key" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_change_carries_the_key_of_its_effect(server: Server, method: str) -> None:
    server.say("/", "204 No Content")
    assert (await fetch(server, method, "/", headers={"X-A": "b"}, body="text")).ok
    line, headers, body = server.requests[0]
    assert line.startswith(method)
    assert (headers["idempotency-key"], headers["x-a"], body) == ("key-7", "b", b"text")


async def test_an_object_is_sent_as_json(server: Server) -> None:
    server.say("/", "200 OK")
    await fetch(server, "POST", "/", body={"a": [1, "é"]})
    _, headers, body = server.requests[0]
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {"a": [1, "é"]}


def test_the_effect_of_a_request_is_that_of_its_method() -> None:
    tool = http_within(Reach())
    classes = {
        method: tool.effect_class({"method": method}) for method in ("GET", "head", "PUT", "DELETE", "POST", "X")
    }
    assert classes == {
        "GET": "read",
        "head": "read",
        "PUT": "idempotent",
        "DELETE": "idempotent",
        "POST": "once",
        "X": "once",
    }


async def test_an_error_of_the_server_is_told_with_its_body(server: Server) -> None:
    server.say("/", "404 Not Found", b"nothing here", content_type="text/plain")
    outcome = await fetch(server, "GET", "/")
    assert outcome == Outcome(False, "HTTP 404 Not Found\ncontent-type: text/plain\n\nnothing here", "untrusted")


async def test_a_redirect_on_the_same_host_is_followed(server: Server) -> None:
    server.say("/a", "302 Found", location="/b")
    server.say("/b", "200 OK", b"there", content_type="text/plain")
    assert (await fetch(server, "GET", "/a")).text.endswith("there")


@pytest.mark.parametrize("there", ["http://localhost:{port}/b", "http://127.0.0.1:1/b", "https://127.0.0.1:{port}/b"])
async def test_a_redirect_elsewhere_is_left_to_a_new_request(server: Server, there: str) -> None:
    there = there.format(port=server.port)
    server.say("/a", "302 Found", location=there)
    outcome = await fetch(server, "GET", "/a", headers={"Authorization": "Bearer canary"})
    assert f"location: {there}\n[it leads elsewhere" in outcome.text
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_change_is_never_sent_on_by_a_redirect(server: Server, method: str) -> None:
    server.say("/a", "307 Temporary Redirect", location="/b")
    assert "was not followed" in (await fetch(server, method, "/a")).text
    assert len(server.requests) == 1


async def test_redirects_in_a_circle_end(server: Server) -> None:
    server.say("/a", "302 Found", location="/a")
    assert "redirects more than 5 times" in (await fetch(server, "GET", "/a")).text
    assert len(server.requests) == 5


@pytest.mark.parametrize("name", ["Host", "Content-Length", "transfer-encoding", "Proxy-Authorization", "Connection"])
async def test_headers_that_decide_where_and_how_are_ours(server: Server, name: str) -> None:
    outcome = await fetch(server, "GET", "/", headers={name: "x"})
    assert outcome.text == f"the headers {name} cannot be set"
    assert server.requests == []


@pytest.mark.parametrize(
    "headers", [{"X": "a\r\nY: b"}, {"X\r\nY": "b"}, {"X": "a\nb"}, {"": "x"}, {"X": "\u2028"}, {"X Y": "z"}]
)
async def test_headers_cannot_smuggle_others(server: Server, headers: dict[str, str]) -> None:
    assert not (await fetch(server, "GET", "/", headers=headers)).ok
    assert server.requests == []


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "GET / HTTP/1.1\r\n", ""])
async def test_other_methods_are_refused(server: Server, method: str) -> None:
    assert "is not a method this tool has" in (await fetch(server, method, "/")).text


@pytest.mark.parametrize(
    "url", ["http://localhost:{port}/", "http://127.1:{port}/", "http://10.0.0.1/", "ftp://x/", "x"]
)
async def test_what_is_out_of_reach_is_not_connected_to(server: Server, url: str) -> None:
    outcome = await fetch(server, "GET", "x://" if url == "x" else url.format(port=server.port))
    assert "was not reached" in outcome.text
    assert server.requests == []


async def test_a_body_without_end_is_cut_off(server: Server) -> None:
    server.say("/", "200 OK", gzip.compress(b"\0" * 20_000_000), content_encoding="gzip")
    assert "sends more than 10,000,000 bytes" in (await fetch(server, "GET", "/")).text


async def test_bytes_that_are_no_text_are_only_counted(server: Server) -> None:
    server.say("/", "200 OK", b"\x89PNG", content_type="image/png")
    assert (await fetch(server, "GET", "/")).text.endswith("[4 bytes that are no text]")


async def test_an_unknown_charset_is_read_as_utf8(server: Server) -> None:
    server.say("/", "200 OK", "é".encode(), content_type="text/plain; charset=klingon")
    assert (await fetch(server, "GET", "/")).text.endswith("é")


async def test_a_connection_that_breaks_off_says_whether_the_change_may_have_happened(server: Server) -> None:
    assert "may have been received" not in (await fetch(server, "GET", "/missing")).text
    assert "may have been received" in (await fetch(server, "POST", "/missing")).text
