"""Takes one agent out of a home into an archive of its own, and brings it into another home.

This module does not know what the rows look like.
"""

import os
import re
import tempfile
import tomllib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from anima import faults
from anima.errors import StoreForeign, UsageError
from anima.store import archive, command, portable
from anima.store.archive import Manifest, sync_folder
from anima.store.backup import places
from anima.store.files import Files
from anima.store.forms import AGENT, NAME
from anima.store.held import Held, hold
from anima.store.lease import Lease
from anima.store.portable import Identity
from anima.store.residents import Standing
from anima.store.schema import MIGRATIONS
from anima.store.snapshot import facts

_NAME_KEY = re.compile(r"""^(\s*name\s*=\s*)(?:"[^"\n]*"|'[^'\n]*')""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Exported:
    """An export on disk: where, what it holds, which pages and attachments were not there to be taken."""

    path: Path
    manifest: Manifest
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """An agent that came in: who it is now, how many events it brought, what of its work is held."""

    agent: Identity
    events: int
    held: Held


def export_agent(name: str, home: Path, target: Path, now: float) -> Exported:
    """Write everything of an agent to `target`: one file where that ends in `.tar`, else a folder.

    Raises NotFound for no such agent, UsageError where `target` exists; nothing was written then.
    """
    if os.path.lexists(target):
        raise UsageError(f"{target} exists already", "name another with --to; nothing was changed")
    with tempfile.TemporaryDirectory(prefix=".export-", dir=target.absolute().parent) as place:
        rows = Path(place)
        with command.reading(home / "anima.db") as db:
            db.execute("BEGIN")
            agent, who = portable.find(db, name)
            attached = portable.write_rows(db, agent, rows)
            db.execute("ROLLBACK")
        wanted = _members(name, home, attached)
        taken = [(inside, path) for inside, path in wanted if path.is_file() and not path.is_symlink()]
        lines = [(f"{table}.jsonl", rows / f"{table}.jsonl") for table in portable.TABLES]
        about = {**facts(len(MIGRATIONS), now), "agent": asdict(who)}
        whole = target if target.suffix == ".tar" else rows / "whole.tar"
        manifest = archive.pack(whole, AGENT, about, [*lines, *taken])
        if whole != target:
            _lay_out(whole, target)
    return Exported(target, manifest, tuple(inside for inside, path in wanted if (inside, path) not in taken))


def _members(name: str, home: Path, attached: set[str]) -> list[tuple[str, Path]]:
    folder = f"agents/{name}/"
    pages = [place for place in places(home, workspaces=False) if place.startswith(folder)]
    files = [f"files/{hash}" for hash in sorted(attached)]
    return [(f"pages/{page.removeprefix(folder)}", home / page) for page in pages] + [(f, home / f) for f in files]


def _lay_out(whole: Path, target: Path) -> None:
    """An export as a folder: unpacked beside its place, and then given its name."""
    draft = whole.with_name("folder")
    archive.unpack(whole, AGENT, draft)
    faults.reach("archive.keeping")
    os.rename(draft, target)
    sync_folder(target.absolute().parent)
    faults.reach("archive.kept")


def import_agent(source: Path, home: Path, now: float, fresh_key: str, name: str | None = None) -> Imported:
    """Bring an exported agent into `home`, as `name` where that is given, with everything pending held.

    Its key stays; a second copy in one home needs a name of its own, and gets `fresh_key`. Its labels are believed as
    they stand. Raises UsageError for an agent that is here already, AgentBusy, StoreError for an export that is not
    right; nothing was changed then.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=home) as place:
        folder = Path(place) / "agent"
        manifest = archive.unpack(source, AGENT, folder)
        who = _identity(manifest, source)
        pages = _pages(folder, who.name, name or who.name)
        with command.changing(home / "anima.db", fresh=True) as db:
            taken, twin = portable.known(db, name or who.name, who.key)
            if twin is not None and name is None:
                raise UsageError(f"this agent lives here already, as {twin}", "--as NAME makes a copy of it")
            me = replace(who, name=name or who.name, key=who.key if twin is None else fresh_key)
            own = home / "agents" / me.name
            differing = [page for page in pages if (own / page.name).exists() and not _same(page, own / page.name)]
            if taken or differing:
                raise UsageError(f"an agent called {me.name} is here already", "--as NAME gives it another name")
            lease = Lease(own, me.name)
            try:
                hashes = _keep_files(home, folder)
                agent = portable.bring_in(db, me, folder, hashes)
                held = hold(db, now, agent)
                (events,) = db.execute("SELECT count(*) FROM events WHERE agent = ?", (agent,)).fetchone()
                _place(pages, own)
            finally:
                lease.release()
    return Imported(me, events, held)


def _identity(manifest: Manifest, source: Path) -> Identity:
    try:
        who = Identity(**manifest.facts["agent"])
        if not all(text is None or isinstance(text, str) for text in (who.note, who.template)):
            raise ValueError("note and template")
        if not re.fullmatch(NAME, who.name) or not re.fullmatch(r"[0-9a-z]{1,64}", who.key):
            raise ValueError("name and key")
        return replace(who, created=float(who.created), standing=Standing(who.standing))
    except (TypeError, KeyError, ValueError) as error:
        raise StoreForeign(f"{source} does not say whose it is", "nothing was changed") from error


def _keep_files(home: Path, folder: Path) -> set[str]:
    """The attachments, kept in the home by their hash; what stays of them when the import fails is nobody's."""
    kept = Files(home / "files")
    hashes = {kept.keep(path).hash for path in sorted((folder / "files").glob("*"))}
    if wrong := {path.name for path in (folder / "files").glob("*")} - hashes:
        raise StoreForeign(f"attachment {min(wrong)} has other bytes than its name says", "nothing was changed")
    return hashes


def _pages(folder: Path, old: str, new: str) -> list[Path]:
    """The agent's pages, its settings under the name it will have."""
    settings = folder / "pages" / "agent.toml"
    if settings.exists() and old != new:
        settings.write_text(_renamed(settings.read_text(encoding="utf-8"), new), encoding="utf-8")
        with settings.open("rb") as file:
            os.fsync(file.fileno())
    return sorted((folder / "pages").glob("*"))


def _renamed(text: str, name: str) -> str:
    """Settings with another `name` in `[agent]`, everything else as it was. Raises StoreForeign."""
    table, mark, rest = text.partition("[agent]")
    changed = (
        table + mark + re.sub(r"""(?m)^(\s*name\s*=\s*)(?:"[^"\n]*"|'[^'\n]*')""", rf'\g<1>"{name}"', rest, count=1)
    )
    try:
        if tomllib.loads(changed)["agent"]["name"] == name:
            return changed
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        pass
    raise StoreForeign("agent.toml of the export has no name that can be changed", "import it without --as")


def _same(page: Path, other: Path) -> bool:
    return other.is_file() and page.read_bytes() == other.read_bytes()


def _place(pages: list[Path], own: Path) -> None:
    """Put the pages where the agent lives; those that an import before this one left there are the same."""
    faults.reach("import.placing")
    for page in pages:
        os.rename(page, own / page.name)
    sync_folder(own)
    sync_folder(own.parent)
    faults.reach("import.placed")
