"""A server that speaks OpenAI's chat format, streamed, and says what a test scripted; real sockets, loopback only."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Say:
    """One answer: text, then tool calls (name and arguments). `status` other than 200 is an error instead; `hang`
    says the text and then nothing more, until the server ends; `held` says nothing until `go` is set."""

    text: str = ""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    status: int = 200
    hang: bool = False
    held: bool = False


@dataclass
class ChatServer:
    """Its address, what it will say, and every request it got. `asked` is set when a request has come."""

    url: str
    script: list[Say] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """Serves until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    chat = ChatServer(f"http://127.0.0.1:{server.server_port}/v1")
    server.RequestHandlerClass = type("Chat", (_Chat,), {"chat": chat})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield chat
    finally:
        chat.ended.set()
        chat.go.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Chat(BaseHTTPRequestHandler):
    chat: ChatServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.chat.requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        say = self.chat.script.pop(0)
        if say.held:
            self.chat.asked.set()
            self.chat.go.wait()
        if say.status != 200:
            self._send(say.status, "application/json", [json.dumps({"error": {"message": "as scripted"}})])
        else:
            self._send(200, "text/event-stream", _stream(say))
        self.chat.asked.set()
        if say.hang:
            self.chat.ended.wait()

    def _send(self, status: int, mime: str, parts: list[str]) -> None:
        self.send_response(status)
        self.send_header("content-type", mime)
        self.send_header("connection", "close")
        self.end_headers()
        for part in parts:
            self.wfile.write(part.encode())
            self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


def _stream(say: Say) -> list[str]:
    deltas: list[dict[str, Any]] = [{"content": say.text}] if say.text else []
    for n, (name, arguments) in enumerate(say.calls):
        function = {"name": name, "arguments": json.dumps(arguments)}
        deltas.append({"tool_calls": [{"index": n, "id": f"call_{n}", "type": "function", "function": function}]})
    events: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    if not say.hang:
        reason = "tool_calls" if say.calls else "stop"
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        events.append({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 4}})
    lines = [f"data: {json.dumps({'model': 'scripted', **event})}\n\n" for event in events]
    return lines if say.hang else [*lines, "data: [DONE]\n\n"]
