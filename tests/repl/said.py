"""What a scripted server was asked, and what it says in these tests."""

from tests.cli.chat_server import ChatServer, Say

ADD = Say(calls=(("add", {"a": 17, "b": 25}),))
LOOK = Say(calls=(("shell", {"command": "echo it ran >> ran"}),))


def asked(server: ChatServer, request: int = -1) -> str:
    """What the person said last in a request."""
    said = [message["content"] for message in server.requests[request]["messages"] if message["role"] == "user"]
    return str(said[-1])
