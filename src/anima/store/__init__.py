"""Mailboxes, journal and outbox of a home, on disk. All SQL lives in this room.

`store.py` is its face; `sqlite.py` the engine, `opening.py`, `disk.py` and `wal.py` what it stands on; `mailbox.py`,
`journal.py`, `outbox.py`, `lease.py`, `residents.py`, `upkeep.py` the statements; `schema.py` the tables; `files.py`
the attachments.
"""

from anima.store.disk import Disk
from anima.store.files import Files
from anima.store.journal import Abandonment, Closing
from anima.store.lease import Lease
from anima.store.mailbox import Posted
from anima.store.residents import Resident, Standing
from anima.store.rows import pack
from anima.store.store import Store

__all__ = ["Abandonment", "Closing", "Disk", "Files", "Lease", "Posted", "Resident", "Standing", "Store", "pack"]
