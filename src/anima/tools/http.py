"""The http tool: one request, within the reach of the net guard.

A redirect is followed only to the same host: where else it leads is a new request, and for the policy to judge.
"""

import json
from typing import Any

import httpx2

from anima.errors import ToolError
from anima.sandbox.net import Reach, open_client
from anima.tools.tool import Tool, tool
from anima.vocabulary import Call, EffectClass

_CLASSES: dict[str, EffectClass] = {
    "GET": "read",
    "HEAD": "read",
    "PUT": "idempotent",
    "DELETE": "idempotent",
    "POST": "once",
    "PATCH": "once",
}
_MOST = 10_000_000  # bytes of a body, unpacked
_REDIRECTS = 5
_WAIT = 20.0  # seconds for each wait; together they stay within the time-out of a tool
# A request goes where its URL says, and is framed by us.
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"})

Body = str | dict[str, Any] | list[Any] | None


def http_within(reach: Reach) -> Tool:
    """The tool `http`, for one reach."""

    @tool(effect=_classify, sends=True, result="untrusted")
    async def http(method: str, url: str, call: Call, headers: dict[str, str] | None = None, body: Body = None) -> str:
        """Make one HTTP request; gives its status, its main headers and its text.

        method: GET, HEAD, POST, PUT, PATCH or DELETE
        url: an http or https URL, whole
        headers: by name
        body: text, or an object that is sent as JSON
        """
        request = _request(method, url, headers or {}, body, call)
        async with open_client(reach, _WAIT) as client:
            try:
                return await _fetch(client, request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as error:
                raise ToolError(f"{url} was not reached: {error}") from error
            except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
                hint = "" if _classify(method) == "read" else "it may have been received all the same"
                raise ToolError(f"{url} gave no answer: {str(error) or type(error).__name__}", hint) from error

    return http


def _classify(method: object = "") -> EffectClass:
    return _CLASSES.get(str(method).upper(), "once")


def _request(method: str, url: str, headers: dict[str, str], body: Body, call: Call) -> httpx2.Request:
    method = method.upper()
    if method not in _CLASSES:
        raise ToolError(f"{method} is not a method this tool has", f"use one of {', '.join(_CLASSES)}")
    ours = sorted(name for name in headers if name.lower() in _OURS or name.lower().startswith("proxy-"))
    if ours:
        raise ToolError(f"the headers {', '.join(ours)} cannot be set")
    sent = httpx2.Headers({"user-agent": "anima", "accept": "*/*", "accept-encoding": "gzip, deflate"})
    if _CLASSES[method] != "read":
        sent["idempotency-key"] = call.effect_key
    if body is not None and not isinstance(body, str):
        sent["content-type"] = "application/json"
        body = json.dumps(body)
    try:
        sent.update(headers)
        return httpx2.Request(method, url, headers=sent, content=None if body is None else body.encode())
    except (httpx2.InvalidURL, UnicodeEncodeError) as error:
        raise ToolError(f"the request cannot be made: {error}") from error


async def _fetch(client: httpx2.AsyncClient, request: httpx2.Request) -> str:
    for _ in range(_REDIRECTS):
        response = await client.send(request, stream=True)
        try:
            following = response.next_request
            if following is None or not _same_host(request.url, following.url) or request.method not in ("GET", "HEAD"):
                return await _shown(response)
        finally:
            await response.aclose()
        request = following
    raise ToolError(f"{request.url} redirects more than {_REDIRECTS} times")


def _same_host(here: httpx2.URL, there: httpx2.URL) -> bool:
    """Whether a redirect stays with its host: at the same port, or from http to https at the usual ones."""
    upgraded = (here.scheme, here.port, there.scheme, there.port) == ("http", None, "https", None)
    return here.host == there.host and (upgraded or (here.scheme, here.port) == (there.scheme, there.port))


async def _shown(response: httpx2.Response) -> str:
    """Status, the headers that matter to a model, and the body."""
    names = ("content-type", "location", "retry-after", "last-modified", "etag")
    head = [f"HTTP {response.status_code} {response.reason_phrase}".rstrip()]
    head += [f"{name}: {response.headers[name]}" for name in names if name in response.headers]
    if response.is_redirect:
        head.append("[it leads elsewhere and was not followed: make that request yourself if it is wanted]")
    text = "\n".join(head) + "\n\n" + await _body(response)
    if response.is_error:
        raise ToolError(text)
    return text


async def _body(response: httpx2.Response) -> str:
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > _MOST:
            raise ToolError(f"{response.url} sends more than {_MOST:,} bytes")
    kind = response.headers.get("content-type", "")
    if b"\0" in data or kind.startswith(("image/", "audio/", "video/", "application/octet-stream")):
        return f"[{len(data):,} bytes that are no text]"
    try:
        return data.decode(response.encoding or "utf-8", errors="replace")
    except LookupError:
        return data.decode(errors="replace")
