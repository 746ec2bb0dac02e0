"""The one function that every call passes, exactly once, before it runs."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from anima.policy.grants import covers_command, covers_request, ordinary
from anima.vocabulary import Call, Label, Verdict


@dataclass(frozen=True)
class Grants:
    """What an agent's owner has settled: `enabled` tools by name, the rest as in the settings."""

    enabled: frozenset[str]
    grants: tuple[str, ...] = ()
    http_private: frozenset[str] = frozenset()
    may_tell: tuple[str, ...] = ("*",)
    may_ask: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and its reason in words for the model and the person."""

    verdict: Verdict
    reason: str


def decide(call: Call, label: Label, grants: Grants) -> Decision:
    """Whether a call may run: allow, ask a person first, or deny. `label` is that of all the turn has read so far."""
    del label  # Enforcing labels comes later; every caller hands them over from the first day.
    if call.tool not in grants.enabled:
        names = ", ".join(sorted(grants.enabled)) or "none"
        return Decision("deny", f"the tool {call.tool} is not enabled; enabled: {names}")
    decision = _sends(call, grants)
    if call.doubtful and decision.verdict == "allow":
        return Decision("ask", "an equal earlier call may have happened: nobody can tell how it ended")
    return decision


def _sends(call: Call, grants: Grants) -> Decision:
    """The verdict by what the call would send out of the house."""
    match call.tool:
        case "shell":
            return _shell(call, grants)
        case "http":
            return _http(call, grants)
        case "tell_agent":
            return _talk(call, grants.may_tell, "may_tell")
        case "ask_agent":
            return _talk(call, grants.may_ask, "may_ask")
    return Decision("allow", f"{call.tool} is enabled")


def _talk(call: Call, names: tuple[str, ...], key: str) -> Decision:
    agent = call.arguments.get("agent")
    if isinstance(agent, str) and any(fnmatchcase(agent, name) for name in names):
        return Decision("allow", f"[peers] {key} has {agent}")
    return Decision("deny", f"[peers] {key} does not have {agent}")


def _shell(call: Call, grants: Grants) -> Decision:
    command = call.arguments.get("command")
    for grant in grants.grants:
        pattern = grant.removeprefix("shell:")
        narrow = pattern != grant and isinstance(command, str) and covers_command(pattern, command)
        if grant == "shell" or narrow:
            return Decision("allow", f'granted by "{grant}"')
    return Decision("ask", "no grant covers this command")


def _http(call: Call, grants: Grants) -> Decision:
    url, method = call.arguments.get("url"), call.arguments.get("method")
    place = ordinary(url) if isinstance(url, str) else None
    if place is None or not isinstance(method, str) or not method.isascii():
        return Decision("ask", "no grant covers an unusual URL")
    opened = place.name in grants.http_private
    if place.private and not opened:
        return Decision("deny", f"{place.name} is a private address; the owner opens it with [tools] http_private")
    for grant in grants.grants:
        pattern = grant.removeprefix("http:")
        narrow = pattern != grant and covers_request(pattern, method.upper(), place)
        if narrow or (grant == "http" and (place.usual_port or opened)):
            return Decision("allow", f'granted by "{grant}"')
    return Decision("ask", "no grant covers this request: a fetch sends what its URL says")
