"""Whether the home is well, told over HTTP on loopback: `/healthz`, its loop is alive; `/readyz`, it takes events.

Two fixed pages and nothing of what an agent knows. This module does not know what being ready means.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

log = logging.getLogger("anima.runtime")

LONGEST = 8192
"""Bytes of a request's head."""
PATIENCE = 5.0
"""Seconds a request may take to come."""


@contextlib.asynccontextmanager
async def answering(port: int, ready: Callable[[], bool]) -> AsyncIterator[int | None]:
    """Answer on `port` of loopback while the block runs; 0 takes any free one. Gives the port; None: it is taken."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.LimitOverrunError, asyncio.IncompleteReadError):
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_page(head, ready))
                await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(serve, "127.0.0.1", port, limit=LONGEST)
    except OSError as error:
        log.warning("nobody will be told of the home's health: port %d: %s", port, error.strerror)
        yield None
        return
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


def _page(head: bytes, ready: Callable[[], bool]) -> bytes:
    method, _, path = head.split(b"\r\n", 1)[0].rpartition(b" ")[0].partition(b" ")
    if method not in (b"GET", b"HEAD"):
        return _response("405 Method Not Allowed", "only GET", method)
    if path == b"/healthz":
        return _response("200 OK", "ok", method)
    if path == b"/readyz":
        return _response("200 OK", "ready", method) if ready() else _response("503 Service Unavailable", "no", method)
    return _response("404 Not Found", "/healthz or /readyz", method)


def _response(status: str, text: str, method: bytes) -> bytes:
    body = f"{text}\n" if method != b"HEAD" else ""
    return (
        f"HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {len(text) + 1}\r\nconnection: close\r\n\r\n"
        + body
    ).encode()
