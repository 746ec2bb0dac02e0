"""The outside world: a process that answers as the model's server and writes down all it is asked for.

Usage: python -m anima.torture.ledger FOLDER. It prints its port, serves loopback alone and ends with its standard
input. Requests go to `/ROUND/LIFE`; each is a line of `FOLDER/ROUND.jsonl` before it is answered. It is never killed,
and knows nothing of stores.
"""

import contextlib
import hashlib
import json
import shlex
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from anima.torture.workload import ASKED, BY_NAME, GRANTED, OTHER, Said, say

PATIENCE = 30.0
"""Seconds the model waits until the events of a life are posted."""


class Ledger:
    """Everything that was asked for, by round."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._some = threading.Condition()
        self._accepted: dict[str, dict[str, str]] = {}
        self._ready: set[tuple[str, str]] = set()

    def write(self, round: str, life: str, entry: Mapping[str, Any]) -> dict[str, str]:
        """Keep an entry; returns the events of this round whose sender has heard that they are accepted."""
        with self._some:
            with (self._folder / f"{round}.jsonl").open("a") as file:
                file.write(json.dumps({"life": int(life), **entry}) + "\n")
            accepted = self._accepted.setdefault(round, {})
            if entry["kind"] == "posted":
                accepted[entry["errand"]] = entry["event"]
            if entry["kind"] == "ready":
                self._ready.add((round, life))
                self._some.notify_all()
            return dict(accepted)

    def wait_until_ready(self, round: str, life: str) -> None:
        """Until all events of this life are posted: so the same kill always finds the same events in their lanes."""
        with self._some:
            self._some.wait_for(lambda: (round, life) in self._ready, PATIENCE)


def serve(folder: Path) -> ThreadingHTTPServer:
    """A server on a free port of loopback; the caller runs it."""
    ledger = Ledger(folder)

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            _, round, life, *rest = self.path.split("/")
            data = self.rfile.read(int(self.headers["content-length"]))
            with contextlib.suppress(ConnectionError):
                if rest:
                    ledger.wait_until_ready(round, life)
                    said = say(json.loads(data)["messages"])
                    digest = hashlib.sha256(data).hexdigest()
                    ledger.write(round, life, {"kind": "model", "errand": said.errand, "n": said.n, "context": digest})
                    self._answer("text/event-stream", stream(said, server.server_port, f"/{round}/{life}"))
                else:
                    self._answer("application/json", json.dumps(ledger.write(round, life, json.loads(data))))

        def _answer(self, mime: str, text: str) -> None:
            self.send_response(200)
            self.send_header("content-type", mime)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    return server


def stream(said: Said, port: int, place: str) -> str:
    """The answer as OpenAI's server-sent events; half an answer is cut off before it says anything."""
    if not (said.text or said.calls):
        return 'data: {"choices": [{"index": 0'
    delta: dict[str, Any] = {"content": said.text}
    for n, (tool, label) in enumerate(said.calls):
        name, arguments = _call(tool, label, f"{place} {port}")
        function = {"name": name, "arguments": json.dumps(arguments)}
        call = {"index": n, "id": label, "type": "function", "function": function}
        delta.setdefault("tool_calls", []).append(call)
    reason = "tool_calls" if said.calls else "stop"
    pieces: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
        {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 5}},
    ]
    return "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces) + "data: [DONE]\n\n"


def _call(tool: str, label: str, address: str) -> tuple[str, dict[str, str]]:
    """The name and arguments of a call; a command tells its label to the ledger at this address."""
    if tool in ("ask", "tell"):
        return f"{tool}_agent", {"agent": OTHER, "text": BY_NAME[label].text}
    if tool in ("shell", "order"):
        script = GRANTED if tool == "shell" else ASKED
        return "shell", {"command": f"{shlex.quote(sys.executable)} -I -S {script} {address} {label}"}
    return tool, {"label": label}


def main() -> None:
    server = serve(Path(sys.argv[1]))
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
