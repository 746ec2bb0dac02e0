"""A model's server that does exactly what a test scripts: right answers, wrong ones, and every way to fail between.

Real sockets, loopback only. It knows how HTTP is framed and how each provider's stream is written down, nothing of how
it is read.
"""

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Reply:
    """One answer: status, headers and pieces of a body, sent one by one.

    Then it ends (`end`), or is reset in the middle (`cut`), or nothing more comes until the client leaves (`hang`).
    """

    pieces: Sequence[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    then: Literal["end", "cut", "hang"] = "end"


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class ScriptedServer:
    """Its base URL, the replies it has left, what it was sent. `left` is set when a client leaves a hanging reply."""

    url: str
    script: list[Reply]
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        try:
            while request := await _request(reader):
                self.requests.append(request)
                await self._reply(self.script.pop(0), reader, writer)
        except ConnectionError:
            self.left.set()
        finally:
            writer.close()

    async def _reply(self, reply: Reply, reader: StreamReader, writer: StreamWriter) -> None:
        headers = {"transfer-encoding": "chunked", "content-type": "text/event-stream", **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for piece in reply.pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        if reply.then == "end":
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        elif reply.then == "cut":
            await writer.drain()
            raise ConnectionAbortedError
        elif not await reader.read(1):
            raise ConnectionResetError


@asynccontextmanager
async def scripted_server(*script: Reply) -> AsyncGenerator[ScriptedServer, None]:
    """Serves until the block ends."""
    served = ScriptedServer("", list(script))
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()


async def _request(reader: StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(head[0].split()[1], headers, body)


def events(*objects: object, done: bool = False) -> list[bytes]:
    """Server-sent events, one a piece, named by their `type` where they have one."""
    return [*(_event(each) for each in objects), *([b"data: [DONE]\n\n"] if done else [])]


def _event(each: object) -> bytes:
    name = f"event: {each['type']}\n" if isinstance(each, dict) and "type" in each else ""
    return f"{name}data: {json.dumps(each)}\n\n".encode()


def openai_stream(
    *deltas: Mapping[str, Any], finish: str | None = "stop", usage: Mapping[str, Any] | None = None
) -> list[bytes]:
    """An answer of OpenAI's, a piece a delta."""
    choices: list[Mapping[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    if finish:
        choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    chunks: Iterable[dict[str, Any]] = [_openai_chunk([choice]) for choice in choices]
    last = [_openai_chunk([], usage)] if usage else []
    return events(*chunks, *last, done=True)


def _openai_chunk(choices: list[Mapping[str, Any]], usage: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_750_000_000,
        "model": "m",
        "choices": choices,
        "usage": usage,
    }


def anthropic_stream(
    *blocks: tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]],
    stop: str = "end_turn",
    usage: Mapping[str, Any] | None = None,
) -> list[bytes]:
    """An answer of Anthropic's: blocks as they begin, each with its deltas."""
    told = usage or {"input_tokens": 10, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": told}
    pieces: list[Mapping[str, Any]] = [{"type": "message_start", "message": message}]
    for index, (block, deltas) in enumerate(blocks):
        pieces.append({"type": "content_block_start", "index": index, "content_block": block})
        pieces += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        pieces.append({"type": "content_block_stop", "index": index})
    pieces.append({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 7}})
    return events(*pieces, {"type": "message_stop"})


def anthropic_text(*texts: str) -> list[bytes]:
    """An answer of Anthropic's that is text alone."""
    return anthropic_stream(({"type": "text", "text": ""}, [{"type": "text_delta", "text": text} for text in texts]))


def ollama_stream(*messages: Mapping[str, Any], reason: str = "stop") -> list[bytes]:
    """An answer of Ollama's: a JSON object a line."""
    pieces: list[Mapping[str, Any]] = [{"model": "m", "message": message, "done": False} for message in messages]
    end = {"done": True, "done_reason": reason, "prompt_eval_count": 12, "eval_count": 5}
    pieces.append({"model": "m", "message": {"role": "assistant", "content": ""}, **end})
    return [json.dumps(piece).encode() + b"\n" for piece in pieces]
