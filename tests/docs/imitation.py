"""A provider for documents: speaks Anthropic's, OpenAI's and Ollama's wire format, and answers by what it is asked.

It stands in for the paid models of README and docs, so that their blocks run as they are printed. It does not know
which document asks.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """What it says to a request whose text holds `heard`: first the call, if there is one, then the text."""

    heard: str
    text: str
    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def imitation(script: tuple[Line, ...]) -> Iterator[str]:
    """Serves on the loopback until the block ends; gives `http://host:port`. The first line that fits is said."""
    handler = type("Imitation", (_Provider,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Provider(BaseHTTPRequestHandler):
    script: tuple[Line, ...] = ()
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send("application/json", json.dumps({"models": [{"name": "qwen3:8b"}]}))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        line = self._line(asked["messages"])
        calls = bool(line.tool) and not _is_result(asked["messages"][-1])
        match self.path:
            case "/v1/messages":
                self._send("text/event-stream", "".join(_events(_anthropic(line, calls))))
            case "/v1/chat/completions":
                self._send("text/event-stream", "".join(_events(_openai(line, calls))) + "data: [DONE]\n\n")
            case "/api/chat":
                self._send("application/x-ndjson", json.dumps(_ollama(line, calls)) + "\n")
            case _:
                self.send_error(404)

    def _line(self, messages: list[Json]) -> Line:
        heard = next(text for message in reversed(messages) if (text := _words(message)))
        return next((line for line in self.script if line.heard in heard), Line("", "That is all I know."))

    def _send(self, mime: str, text: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("content-type", mime)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def _words(message: Json) -> str:
    """What a person said in a message; nothing in one of the model's or of a tool's."""
    if message["role"] != "user":
        return ""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content if block["type"] == "text")


def _is_result(message: Json) -> bool:
    content = message["content"]
    return message["role"] == "tool" or (isinstance(content, list) and content[0]["type"] == "tool_result")


def _events(pieces: Iterator[Json]) -> Iterator[str]:
    for piece in pieces:
        yield f"data: {json.dumps(piece)}\n\n"


def _anthropic(line: Line, calls: bool) -> Iterator[Json]:
    yield {"type": "message_start", "message": {"usage": {"input_tokens": 412}}}
    if calls:
        block: Json = {"type": "tool_use", "id": "toolu_1", "name": line.tool, "input": {}}
        delta: Json = {"type": "input_json_delta", "partial_json": json.dumps(dict(line.arguments))}
    else:
        block, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": line.text}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    reason = "tool_use" if calls else "end_turn"
    yield {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 25}}
    yield {"type": "message_stop"}


def _openai(line: Line, calls: bool) -> Iterator[Json]:
    function = {"name": line.tool, "arguments": json.dumps(dict(line.arguments))}
    called = {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}
    yield {"choices": [{"index": 0, "delta": called if calls else {"content": line.text}}]}
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}]}
    yield {"choices": [], "usage": {"prompt_tokens": 412, "completion_tokens": 25}}


def _ollama(line: Line, calls: bool) -> Json:
    function = {"name": line.tool, "arguments": dict(line.arguments)}
    said = {"tool_calls": [{"function": function}]} if calls else {"content": line.text}
    return {
        "message": {"role": "assistant", **said},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 412,
        "eval_count": 25,
    }
