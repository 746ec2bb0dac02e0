"""A model behind HTTP: sends a context, reads the streamed answer, tells every way this can fail.

It does not know a provider's format: a Dialect writes the request and reads the answer. It does not try again either:
`fallback` does.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import httpx2

from anima.clock import Clock
from anima.errors import MalformedAnswer, Unreachable
from anima.models.encoding import dump, parse
from anima.models.failure import brief, failure, retry_after
from anima.models.own_turn import OwnTurn
from anima.vocabulary import Chunk, Context, Finish, Stop, ToolCall, Usage

LONGEST_LINE = 4_000_000
"""Bytes of one line of an answer; a longer one is not an answer."""
CONNECT = 10.0
"""Seconds to wait for a connection, at most."""
_LONGEST_REFUSAL = 65_536
_DRAIN = 0.2
_BREATH = 64


class Reader(Protocol):
    """Reads one answer. `stop`: why it stopped, once the provider has said so. `ended`: nothing of it is to come."""

    @property
    def stop(self) -> Stop | None: ...

    @property
    def ended(self) -> bool: ...

    def read(self, piece: Mapping[str, Any]) -> Iterable[Chunk]:
        """The chunks in one JSON object of the stream. Raises ModelError for one that tells of a failure."""
        ...

    def end(self) -> Iterable[ToolCall]:
        """The calls that were not complete before the end."""
        ...

    def usage(self) -> Usage: ...


class Dialect(Protocol):
    """A provider's wire format. `path` is added to the base URL."""

    path: str

    def headers(self, key: str | None) -> dict[str, str]: ...

    def body(self, context: Context) -> Iterator[bytes]:
        """The request's body in pieces, one for each message at least."""
        ...

    def reader(self) -> Reader: ...


@dataclass(frozen=True)
class Endpoint:
    """Where requests go: base URL, client, key (asked for at every call, raises BadKey), seconds of silence allowed."""

    url: str
    client: httpx2.AsyncClient
    key: Callable[[], str | None]
    timeout: float


class HttpModel:
    """The model `name` (`provider/model`) at an endpoint, spoken to in a dialect."""

    def __init__(self, name: str, endpoint: Endpoint, dialect: Dialect, clock: Clock) -> None:
        self.name = name
        self._endpoint = endpoint
        self._dialect = dialect
        self._clock = clock
        self._url = httpx2.URL(endpoint.url.rstrip("/") + dialect.path)
        self._timeout = httpx2.Timeout(endpoint.timeout, connect=min(CONNECT, endpoint.timeout))

    async def stream(self, context: Context) -> AsyncGenerator[Chunk, None]:
        """The answer as the provider streams it, cut where the model begins to speak for the user."""
        body = await _gather(self._dialect.body(context))
        reader, own, said = self._dialect.reader(), OwnTurn(), False
        async with aclosing(self._pieces(body, reader)) as pieces:
            async for piece in pieces:
                for chunk in self._read(reader, piece):
                    said = True
                    if mine := own.take(chunk):
                        yield mine
        calls = tuple(reader.end())
        finish = Finish(self._stop(reader, said or bool(calls)), reader.usage(), self.name)
        for rest in own.rest():
            yield rest
        for call in calls:
            if own.take(call):
                yield call
        yield replace(finish, stop="end") if own.over else finish

    def _stop(self, reader: Reader, said: bool) -> Stop:
        """Why the answer stopped. Raises Unreachable for half an answer, MalformedAnswer for none."""
        if reader.stop is None and said:
            raise Unreachable(f"{self.name}: the connection was cut in the middle of the answer")
        if reader.stop is None or (reader.stop == "end" and not said and not reader.usage().output):
            raise MalformedAnswer(f"{self.name} sent no answer", "see that base_url speaks this provider's protocol")
        return reader.stop

    def _read(self, reader: Reader, piece: Mapping[str, Any]) -> Iterable[Chunk]:
        try:
            return reader.read(piece)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise MalformedAnswer(f"{self.name} sent an answer of an unknown shape: {brief(dump(piece))}") from error

    async def _pieces(self, body: bytes, reader: Reader) -> AsyncGenerator[Mapping[str, Any], None]:
        """The JSON objects of the answer, from server-sent events or from lines of JSON."""
        rest = b""
        async with self._answer(body) as answer:
            async for data in answer:
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    if piece := self._parse(line):
                        yield piece
                    if reader.ended or line.startswith(b"data: [DONE]"):
                        await _drain(answer)
                        return
                if len(rest) > LONGEST_LINE:
                    raise MalformedAnswer(f"{self.name} sent a line of more than {LONGEST_LINE} bytes")
            if piece := self._parse(rest):
                yield piece

    @asynccontextmanager
    async def _answer(self, body: bytes) -> AsyncGenerator[AsyncIterator[bytes], None]:
        """The bytes of the answer to a request. A refusal, and every failure on the way, is raised as what it means."""
        key = self._endpoint.key()
        headers = {"content-type": "application/json", "accept-encoding": "identity", **self._dialect.headers(key)}
        try:
            response = await self._send(body, headers)
            async with aclosing(response), aclosing(response.aiter_raw()) as answer:
                if response.status_code != 200:
                    told = (await _head(answer)).decode(errors="replace")
                    wait = retry_after(response.headers, self._clock.now())
                    raise failure(self.name, response.status_code, told, key, wait)
                yield answer
        except httpx2.TimeoutException as error:
            raise Unreachable(
                f"{self.name} at {self._url.host} did not answer within {self._endpoint.timeout:g} s",
                "see that the server is well, or give it more time",
            ) from error
        except httpx2.RequestError as error:
            raise Unreachable(
                f"{self.name} at {self._url.host} cannot be reached: {error or type(error).__name__}",
                "see that the server runs and that base_url is right",
            ) from error

    async def _send(self, body: bytes, headers: dict[str, str]) -> httpx2.Response:
        """Twice, as a kept connection may have been closed meanwhile; llama.cpp does so after each streamed answer."""
        request = partial(
            self._endpoint.client.build_request, "POST", self._url, content=body, headers=headers, timeout=self._timeout
        )
        try:
            return await self._endpoint.client.send(request(), stream=True)
        except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
            return await self._endpoint.client.send(request(), stream=True)

    def _parse(self, line: bytes) -> Mapping[str, Any] | None:
        """The JSON object in one line of the stream, if there is one. Raises what it tells of a failure."""
        text = line.removeprefix(b"data:").strip().decode(errors="replace")
        if not text.startswith("{"):
            return None
        try:
            piece: dict[str, Any] = parse(text)
        except ValueError as error:
            raise MalformedAnswer(f"{self.name} sent broken JSON: {brief(text)}") from error
        if piece.get("error"):
            raise failure(self.name, 200, text)
        return piece


async def _gather(pieces: Iterator[bytes]) -> bytes:
    """Joined. Encoding a long history for the first time lets others run now and then."""
    gathered: list[bytes] = []
    for piece in pieces:
        gathered.append(piece)
        if len(gathered) % _BREATH == 0:
            await asyncio.sleep(0)
    return b"".join(gathered)


async def _head(answer: AsyncIterator[bytes]) -> bytes:
    """As much of a refusal as anybody reads."""
    head = b""
    async for data in answer:
        head += data
        if len(head) >= _LONGEST_REFUSAL:
            break
    return head


async def _drain(answer: AsyncIterator[bytes]) -> None:
    """Read to the end of the body, which follows at once, so that the connection can be used again."""
    try:
        async with asyncio.timeout(_DRAIN):
            async for _ in answer:
                pass
    except TimeoutError:
        pass
