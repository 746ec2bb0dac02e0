"""How the child, and the commands it runs, tell the ledger what they do: one request each, by hand.

By hand because a child is started thousands of times, and a command must not need more than Python.
"""

import json
import socket
from dataclasses import dataclass
from typing import Any

PATIENCE = 30.0
"""Seconds the ledger has to answer."""

REPORT = """\
import json, socket, sys
place, port, label = sys.argv[1], int(sys.argv[2]), sys.argv[3]
body = json.dumps({"kind": "effect", "label": label, "key": None}).encode()
with socket.create_connection(("127.0.0.1", port), 30) as door:
    door.sendall(b"POST %s HTTP/1.0\\r\\ncontent-length: %d\\r\\n\\r\\n" % (place.encode(), len(body)) + body)
    sys.exit(b" 200 " not in door.recv(100))
"""
"""The script that a command runs: it tells the ledger its label. Needs the standard library alone."""


@dataclass(frozen=True)
class Door:
    """Where one life of the child finds the ledger."""

    port: int
    place: str

    @property
    def model(self) -> str:
        """The model's base URL."""
        return f"http://127.0.0.1:{self.port}{self.place}/v1"

    def tell(self, kind: str, **facts: object) -> dict[str, Any]:
        """Have something written down; returns once it is, with what the ledger knows."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as door, door.makefile("rwb") as file:
            body = json.dumps({"kind": kind, **facts}).encode()
            head = f"POST {self.place} HTTP/1.0\r\ncontent-length: {len(body)}\r\n\r\n"
            file.write(head.encode() + body)
            file.flush()
            known: dict[str, Any] = json.loads(file.read().partition(b"\r\n\r\n")[2])
        return known
