"""The net guard against hostile URLs, with a real server on loopback that must not be reached."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpx2
import pytest

from anima.sandbox.net import Reach, is_public, open_client


@dataclass
class Server:
    """A loopback server that answers every request the same, and keeps the heads it was sent."""

    port: int = 0
    answer: bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ninside"
    heads: list[bytes] = field(default_factory=list)

    async def answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(host: str = "127.0.0.1") -> AsyncIterator[Server]:
    server = Server()
    listener = await asyncio.start_server(server.answer_one, host, 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


HOSTILE: list[str] = [
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://user:pass@127.0.0.1:{port}/",
    "http://example.com@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@example.com/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://\u2460\u2461\u2466.0.0.1:{port}/",
    "http://127\u30020\u30020\u30021:{port}/",
    "http://127.0.0.1%00.example.com:{port}/",
    "http://local%68ost:{port}/",
    "http://127.255.255.254:{port}/",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/",
]


@pytest.mark.parametrize("url", HOSTILE)
@pytest.mark.parametrize("any_port", [False, True])
async def test_no_spelling_of_a_url_reaches_an_internal_server(url: str, any_port: bool) -> None:
    async with serving() as server, open_client(Reach(any_port=any_port), timeout=2) as client:
        with pytest.raises((httpx2.TransportError, httpx2.InvalidURL)):
            await client.get(url.format(port=server.port))
        assert server.heads == []


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.1", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
        *("192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
        *("240.0.0.1", "255.255.255.255", "::", "::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1"),
        *("2001::1", "2001:db8::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:c0a8:101::1", "100::1"),
    ],
)
def test_an_address_that_is_not_global_unicast_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "172.32.0.1"]
)
def test_a_global_unicast_address_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_private_place_is_reached_when_it_is_named(host: str) -> None:
    async with serving() as server:
        place = f"{host}:{server.port}"
        async with open_client(Reach(private=frozenset({place}))) as client:
            assert (await client.get(f"http://{place}/")).text == "inside"


async def test_naming_a_private_place_opens_no_other_spelling_of_it() -> None:
    async with serving() as server, open_client(Reach(private=frozenset({f"127.0.0.1:{server.port}"}))) as client:
        with pytest.raises(httpx2.ConnectError, match=f"port {server.port}"):
            await client.get(f"http://localhost:{server.port}/")
        assert server.heads == []


async def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(2, 1, 6, "", ("93.184.216.34", 80)), (2, 1, 6, "", ("127.0.0.1", 80))]

    async def resolve(*_: object, **__: object) -> object:
        return answers

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve, raising=False)
    async with open_client(Reach()) as client:
        with pytest.raises(httpx2.ConnectError, match=r"127\.0\.0\.1, which is not a public address"):
            await client.get("http://rebinding.example/")


async def test_a_redirect_is_not_followed_unless_told_to() -> None:
    async with serving() as server, open_client(Reach(private=frozenset({f"127.0.0.1:{server.port}"}))) as client:
        server.answer = b"HTTP/1.1 302 Found\r\nlocation: /next\r\ncontent-length: 0\r\n\r\n"
        assert (await client.get(f"http://127.0.0.1:{server.port}/")).status_code == 302


async def test_a_followed_redirect_is_judged_like_any_connection() -> None:
    async with serving() as inner, serving() as outer:
        outer.answer = (
            f"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{inner.port}/\r\ncontent-length: 0\r\n\r\n".encode()
        )
        async with open_client(Reach(private=frozenset({f"127.0.0.1:{outer.port}"}))) as client:
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"http://127.0.0.1:{outer.port}/", follow_redirects=True)
        assert len(outer.heads) == 1
        assert inner.heads == []


async def test_no_cookie_is_kept() -> None:
    async with serving() as server, open_client(Reach(private=frozenset({f"127.0.0.1:{server.port}"}))) as client:
        server.answer = b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"
        for _ in range(2):
            await client.get(f"http://127.0.0.1:{server.port}/")
        assert b"cookie" not in server.heads[1].lower()


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as server, serving() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        async with open_client(Reach(private=frozenset({f"127.0.0.1:{server.port}"}))) as client:
            await client.get(f"http://127.0.0.1:{server.port}/")
        assert proxy.heads == []
