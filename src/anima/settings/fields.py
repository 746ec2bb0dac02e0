"""Types of single values: durations, paths, secrets, addresses. Each says in words what it expects.

Validation takes `context={"folder": Path}`, the folder of the file: what is relative is relative to that. Messages
never hold the value they refuse.
"""

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationInfo
from pydantic import WithJsonSchema as Schema
from pydantic.config import JsonDict

from anima.settings.secret import KINDS, Secret

NOT_ACTIVE_YET: JsonDict = {"x-anima": "not active yet"}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(B|KB|MB|GB)")
_SIZES = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")


class Table(BaseModel):
    """Base of every table: nothing unknown, nothing converted, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


def key(default: Any, description: str, *, later: bool = False, **bounds: Any) -> Any:
    """A key of a table; `later` marks one that is known and does nothing yet."""
    extra = NOT_ACTIVE_YET if later else None
    return Field(default, description=description, json_schema_extra=extra, **bounds)


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value.strip())
    if not found:
        raise ValueError('expected a duration such as "30s", "5m", "1h" or "2d", or a number of seconds')
    return float(found[1]) * _UNITS[found[2]]


def _size(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = _SIZE.fullmatch(value.strip())
    if not found:
        raise ValueError('expected a size such as "500MB" or "2GB", or a number of bytes')
    return int(float(found[1]) * _SIZES[found[2]])


def _path(value: object, info: ValidationInfo) -> object:
    return beside(value, info) if isinstance(value, str) else value


def beside(text: str, info: ValidationInfo) -> Path:
    """A path as a settings file means it: relative to that file, `~` is the user's own folder."""
    if not text or "\0" in text:
        raise ValueError("expected a path")
    folder: Path = (info.context or {}).get("folder", Path())
    try:
        return folder / Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError("expected a path; there is no such user's folder") from error


def _secret(value: object, info: ValidationInfo) -> Secret:
    if isinstance(value, Secret):
        return value
    expected = 'expected where the secret is, as in { env = "NAME" } (or file, keyring, credential), and not its value'
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(expected)
    ((kind, name),) = value.items()
    if kind not in KINDS or not isinstance(name, str) or not name.strip():
        raise ValueError(expected)
    if kind == "env" and not _VARIABLE.fullmatch(name):
        raise ValueError('expected the name of an environment variable, as in { env = "OPENAI_API_KEY" }')
    if kind in ("keyring", "credential") and "/" in name:
        raise ValueError(f"expected the name of a {kind}, without slashes")
    return Secret(kind, str(beside(name, info)) if kind == "file" else name)


def _url(text: str) -> str:
    expected = 'expected a URL such as "https://api.example.com/v1"'
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError as error:
        raise ValueError(expected) from error
    if url.scheme not in ("http", "https") or not host or not text.isprintable() or " " in text:
        raise ValueError(expected)
    if "@" in url.netloc or url.query or url.fragment:
        raise ValueError(f"{expected}, without user, password or query: those belong into api_key")
    return text.rstrip("/")


def _address(text: str) -> str:
    found = _ADDRESS.fullmatch(text)
    if not found or not 0 < int(found[2]) < 65_536:
        raise ValueError('expected host and port, as in "127.0.0.1:11434"')
    return text.lower()


def _timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError('expected the name of a time zone, as in "Europe/Lisbon"')
    return name


def _one_or_other(kind: str, pattern: re.Pattern[str]) -> Schema:
    return Schema({"anyOf": [{"type": kind, "minimum": 0}, {"type": "string", "pattern": f"^{pattern.pattern}$"}]})


_SECRET_SCHEMA = {
    "type": "object",
    "description": "Where the secret is, never its value.",
    "properties": {kind: {"type": "string"} for kind in KINDS},
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}

Seconds = Annotated[float, BeforeValidator(_seconds), _one_or_other("number", _DURATION)]
Bytes = Annotated[int, BeforeValidator(_size), _one_or_other("integer", _SIZE)]
Strings = Annotated[tuple[str, ...], Field(strict=False, max_length=1000)]
FilePath = Annotated[Path, BeforeValidator(_path), Schema({"type": "string"})]
SecretRef = Annotated[Secret, PlainValidator(_secret), Schema(_SECRET_SCHEMA)]
Url = Annotated[str, AfterValidator(_url)]
Address = Annotated[str, AfterValidator(_address)]
Addresses = Annotated[tuple[Address, ...], Field(strict=False, max_length=1000)]
Timezone = Annotated[str, AfterValidator(_timezone)]
