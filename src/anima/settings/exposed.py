"""Finds secrets written in the open: any text where a secret belongs, and whatever looks like a key anywhere.

It tells where, never what.
"""

import re
from collections.abc import Iterator
from typing import Any

from anima.settings.lines import KeyPath

_SECRET_KEY = re.compile(r"(?:^|[_-])(?:api[_-]?key|token|secret|password|passwd|passphrase)$", re.IGNORECASE)
_LOOKS_SECRET = re.compile(
    r"""
    (?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,} | (?:gsk|hf|xai|glpat|pplx|nvapi)[-_][A-Za-z0-9_-]{12,}
    | gh[opsur]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,} | xox[abeprs]-[A-Za-z0-9-]{10,}
    | AKIA[A-Z0-9]{16} | AIza[A-Za-z0-9_-]{30,} | eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*
    | [0-9]{8,10}:[A-Za-z0-9_-]{30,}
    """,
    re.VERBOSE,
)


def exposed(values: Any, at: KeyPath = ()) -> Iterator[KeyPath]:
    """Where in a document a secret's value stands."""
    if isinstance(values, str):
        name = next((part for part in reversed(at) if isinstance(part, str)), "")
        if _SECRET_KEY.search(name) or _LOOKS_SECRET.fullmatch(values.strip()):
            yield at
    elif isinstance(values, dict):
        for key, inner in values.items():
            yield from exposed(inner, (*at, key))
    elif isinstance(values, list):
        for n, inner in enumerate(values):
            yield from exposed(inner, (*at, n))
