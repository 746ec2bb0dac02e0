"""A model server that knows its lines: asks for one tool call, then answers, in OpenAI's streamed format.

Prints its base URL and serves until it is terminated.
"""

import asyncio
import json
import re


def _event(delta: dict[str, object], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return (
        b"data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [choice]}).encode() + b"\n\n"
    )


def _call(**function: str) -> dict[str, object]:
    return {"tool_calls": [{"index": 0, **({"id": "c1"} if "name" in function else {}), "function": function}]}


_USAGE = b'data: {"id": "c", "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}\n\n'
_END = b"data: [DONE]\n\n"
_CALL = [
    _event({"role": "assistant", "content": ""}),
    _event(_call(name="pay", arguments="")),
    *(_event(_call(arguments=piece)) for piece in ('{"n"', ":", "1}")),
    *(_event({}, "tool_calls"), _USAGE, _END),
]
_ANSWER = [
    _event({"role": "assistant", "content": ""}),
    *(_event({"content": word}) for word in ("One ", "was ", "paid, ", "as ", "you ", "asked.")),
    *(_event({}, "stop"), _USAGE, _END),
]
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_PAID = re.compile(rb'"role": ?"tool"')


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of one connection. A tool is called where there is one, unless its result came last."""
    try:
        while True:
            length = _LENGTH.search(await reader.readuntil(b"\r\n\r\n"))
            body = await reader.readexactly(int(length[1]) if length else 0)
            writer.write(_HEAD)
            done = _PAID.match(body, body.rfind(b'"role"')) or b'"tools"' not in body
            for piece in _ANSWER if done else _CALL:
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                await writer.drain()
            writer.write(b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
