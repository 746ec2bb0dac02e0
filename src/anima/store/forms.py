"""The two kinds of archive anima writes, with every name each may hold; what has no place here is not unpacked.

This module does not know how an archive is read or written.
"""

import re

from anima.store.archive import Form

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_PAGE = r"[^/.][^/]*\.md"
_FILE = r"files/[0-9a-f]{64}"

HOME = Form(
    "anima-home",
    1,
    re.compile(
        rf"anima\.db|anima\.toml|agents/{NAME}/(?:agent\.toml|{_PAGE}|workspace/.+)|{_FILE}",
        re.DOTALL,
    ),
)
"""A backup: the store, the settings, each agent's pages, attachments; workspaces where they were asked for."""

AGENT = Form(
    "anima-agent",
    1,
    re.compile(rf"(?:events|turns|steps|effects|replies)\.jsonl|pages/(?:agent\.toml|{_PAGE})|{_FILE}"),
)
"""An export: one agent's rows as JSON lines, its pages, its attachments."""

OWN_BACKUP = re.compile(r"anima-\d{8}T\d{6}Z(?:-before-\d+)?(?:-\d+)?\.tar")
"""Names anima gives to backups by itself; only such files it removes again."""
