"""The net guard: the one way out for HTTP, of tools and of models.

It decides on the address that is connected to, at the moment of connecting: no spelling of a host, no second answer
of a name server and no redirect gets around it. It knows nothing of who asked, or why.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpcore2
import httpx2
from httpcore2 import SOCKET_OPTION, AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream

# IANA's special-purpose registries, written out: what `ipaddress.is_global` says differs between releases of Python.
_SPECIAL_V4 = tuple(
    IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
_NAT64 = IPv6Network("64:ff9b::/96")
_WEB_PORTS = frozenset({80, 443})
_HOST = re.compile(r"[A-Za-z0-9._:-]+")


@dataclass(frozen=True)
class Reach:
    """How far a client gets, beyond public hosts at ports 80 and 443.

    `private` holds `host:port` as written in a URL (`127.0.0.1:11434`, `localhost:8080`, `[::1]:80`): exactly these
    may be anywhere. `any_port` opens every port of public hosts.
    """

    private: frozenset[str] = frozenset()
    any_port: bool = False


def open_client(reach: Reach, timeout: float = 30.0) -> httpx2.AsyncClient:
    """A client that connects only within `reach`; each of its waits is `timeout` seconds at most. The caller closes it.

    It takes nothing but certificates (`SSL_CERT_FILE`) from the environment, follows no redirect unless told to, and
    keeps no cookies. A refused connection is an `httpx2.ConnectError` that says why.
    """
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    transport = _GuardedTransport(_Guard(reach))
    return httpx2.AsyncClient(transport=transport, timeout=timeout, trust_env=False, cookies=no_cookies)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is global unicast; an IPv6 address that wraps an IPv4 address is judged by that one."""
    if isinstance(address, IPv6Address):
        wrapped = _unwrap(address)
        if wrapped is None:
            return address in _GLOBAL_V6 and not any(address in network for network in _SPECIAL_V6)
        address = wrapped
    return not any(address in network for network in _SPECIAL_V4)


def _unwrap(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside one that is v4-mapped, 6to4 or NAT64."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


class _Guard(AsyncNetworkBackend):
    """Opens the connections of a pool, where `reach` allows it."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._plain = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        addresses = await self._judge(host, port, timeout)
        share = timeout and timeout / len(addresses)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._plain.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = failure or error
        raise failure or httpcore2.ConnectError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _judge(self, host: str, port: int, timeout: float | None) -> list[str]:
        """The addresses to connect to. One that may not be reached refuses them all."""
        host = host.strip("[]").lower()
        if not _HOST.fullmatch(host):
            raise httpcore2.ConnectError(f"{host!r} is not a host name")
        addresses = await _resolve(host, port, timeout)
        if _place(host, port) in self._reach.private:
            return addresses
        if port not in _WEB_PORTS and not self._reach.any_port:
            raise httpcore2.ConnectError(f"port {port} of {host} may not be reached: only 80 and 443 may")
        for address in addresses:
            if not is_public(ip_address(address)):
                raise httpcore2.ConnectError(f"{host} is at {address}, which is not a public address")
        return addresses


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _resolve(host: str, port: int, timeout: float | None) -> list[str]:
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass
    try:
        async with asyncio.timeout(timeout):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise httpcore2.ConnectTimeout(f"{host} was not resolved in {timeout:g} s") from error
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"{host} was not resolved: {error}") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _GuardedTransport(httpx2.AsyncBaseTransport):
    """One pool without TLS and, from the first `https` URL on, one with it: reading the certificates takes 70 ms."""

    def __init__(self, guard: _Guard) -> None:
        self._guard = guard
        self._plain = _pool(guard, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        self._secure: httpx2.AsyncHTTPTransport | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.scheme != "https":
            return await self._plain.handle_async_request(request)
        if self._secure is None:
            self._secure = _pool(self._guard, httpx2.create_ssl_context())
        return await self._secure.handle_async_request(request)

    async def aclose(self) -> None:
        await self._plain.aclose()
        if self._secure is not None:
            await self._secure.aclose()


def _pool(guard: _Guard, context: ssl.SSLContext) -> httpx2.AsyncHTTPTransport:
    transport = httpx2.AsyncHTTPTransport(verify=context)
    # httpx2 has no argument for a network backend; its pool has.
    transport._pool = httpcore2.AsyncConnectionPool(
        ssl_context=context,
        max_connections=100,
        max_keepalive_connections=20,
        keepalive_expiry=5.0,
        network_backend=guard,
    )
    return transport
