"""What a provider's failure means: a status and a text become one error of the tree, with what to do next.

It knows the words providers use, not how their answers are read.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from anima.errors import (
    BadKey,
    BadRequest,
    ContextTooLong,
    MalformedAnswer,
    ModelError,
    Overloaded,
    RateLimited,
    Refused,
)
from anima.models.encoding import parse

_TOO_LONG = (
    r"context[ _]length|context[ _]size|context window|maximum context|(prompt|input) is too long|request_too_large"
)
_BY_WORDS: tuple[tuple[re.Pattern[str], type[ModelError]], ...] = (
    (re.compile(r"insufficient_quota|credit balance is too low|invalid_api_key"), BadKey),
    (re.compile(_TOO_LONG), ContextTooLong),
    (re.compile(r"content_policy|content_filter|content management policy"), Refused),
)
_BY_TYPE: Mapping[str, type[ModelError]] = {
    "rate_limit_error": RateLimited,
    "rate_limit_exceeded": RateLimited,
    "overloaded_error": Overloaded,
    "api_error": Overloaded,
    "server_error": Overloaded,
    "timeout_error": Overloaded,
    "authentication_error": BadKey,
    "permission_error": BadKey,
    "billing_error": BadKey,
    "invalid_request_error": BadRequest,
    "not_found_error": BadRequest,
}
_BY_STATUS: Mapping[int, type[ModelError]] = {
    401: BadKey,
    402: BadKey,
    403: BadKey,
    408: Overloaded,
    409: Overloaded,
    413: ContextTooLong,
    425: Overloaded,
    429: RateLimited,
}
_HINTS: Mapping[type[ModelError], str] = {
    BadKey: "check llm.api_key, or the provider's environment variable, and the account behind it",
    ContextTooLong: "start afresh, attach less, or use a model with a larger context",
    Refused: "say it differently, or use another model",
    RateLimited: "wait, or add a model to llm.fallback",
    Overloaded: "wait, or add a model to llm.fallback",
    BadRequest: "check llm.model and llm.base_url",
    MalformedAnswer: "see that base_url speaks this provider's protocol",
}


def failure(model: str, status: int, told: str, key: str | None = None, wait: float | None = None) -> ModelError:
    """The error that an answer with this status and body is, or (status 200) a failure told in mid-stream.

    `key` is the secret that was sent: it is never repeated. `wait`: seconds the provider asks for.
    """
    kind, code, words = _explanation(told)
    if key:
        words = words.replace(key, "[key]")
    error = _class(status, f"{kind} {code} {words}".lower(), kind)
    answered = f"HTTP {status}" if status != 200 else "a failure"
    return error(f"{model} answered {answered}: {words or 'no reason given'}", _HINTS.get(error, ""), retry_after=wait)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds a provider asks to wait, from `retry-after-ms` or `Retry-After` (seconds, or a date)."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        asked = headers.get("retry-after", "")
        if re.fullmatch(r"\d+(\.\d+)?", asked):
            return float(asked)
        return max(0.0, parsedate_to_datetime(asked).timestamp() - now)
    except ValueError:
        return None


def brief(text: str, most: int = 300) -> str:
    """One line, cut visibly."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _class(status: int, words: str, kind: str) -> type[ModelError]:
    if status < 500:
        for pattern, error in _BY_WORDS:
            if pattern.search(words):
                return error
    if status == 200:
        return _BY_TYPE.get(kind, Overloaded)
    if status >= 500:
        return Overloaded
    if status < 400:
        return MalformedAnswer
    return _BY_STATUS.get(status, BadRequest)


def _explanation(text: str) -> tuple[str, str, str]:
    """A failure's type, code and words, as far as its body has them."""
    try:
        body = parse(text)
    except ValueError:
        return "", "", brief(text)
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return "", "", brief(str(error))
    words = error.get("message") or error.get("detail") or text
    return str(error.get("type") or ""), str(error.get("code") or ""), brief(str(words))
