"""No path leads out of a workspace, whatever it says and whatever lies there."""

import os
import socket
import threading
from pathlib import Path

import pytest

from anima.errors import ToolError
from anima.tools.workspace import Workspace

SECRET = "canary"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with links of every kind, beside a folder that nobody may see."""
    root, outside = tmp_path / "workspace", tmp_path / "workspace-evil"
    for folder in (root / "notes" / "deep", outside / "folder"):
        folder.mkdir(parents=True)
    (root / "notes" / "a.md").write_text("inside")
    (outside / "secret").write_text(SECRET)
    (outside / "folder" / "secret").write_text(SECRET)
    (root / "link").symlink_to(outside / "secret")
    (root / "relative").symlink_to("../workspace-evil/secret")
    (root / "loop").symlink_to("loop")
    (root / "up").symlink_to("..")
    (root / "out").symlink_to(outside)
    (root / "slash").symlink_to("/")
    (root / "inner").symlink_to("notes")
    (root / "notes" / "out").symlink_to(outside)
    (root / "fd").symlink_to("/proc/self/fd")
    (root / "dangling").symlink_to(outside / "made")
    os.mkfifo(root / "pipe")
    return root


OUTSIDE = [
    "/etc/passwd",
    "//etc/passwd",
    "/",
    "..",
    "../",
    "../workspace-evil/secret",
    "./../workspace-evil/secret",
    "notes/../../workspace-evil/secret",
    "notes/./../../workspace-evil/secret",
    "notes/deep/../../../workspace-evil/secret",
    "a/../../workspace-evil/secret",
    "missing/../../workspace-evil/secret",
    "{root}-evil/secret",
    "{root}/../workspace-evil/secret",
    "{root}/..",
    "{root}x",
    "link",
    "./link",
    "link/",
    "link/.",
    "{root}/link",
    "relative",
    "loop",
    "loop/x",
    "up/workspace-evil/secret",
    "up",
    "out/secret",
    "out/folder/secret",
    "out/",
    "slash/etc/passwd",
    "inner/a.md",
    "inner",
    "notes/out/secret",
    "notes/deep/../out/secret",
    "fd/0",
    "dangling",
    "dangling/x",
    "/proc/self/root/etc/passwd",
    "/proc/self/environ",
    "/proc/self/cwd/x",
    "/dev/stdin",
    "/dev/zero",
    "notes\x00/../../workspace-evil/secret",
    "\x00",
    "secret\x00.md",
    "\ud800",
    "pipe",
    "pipe/x",
    "notes/a.md/x",
    "notes/a.md/../../../workspace-evil/secret",
    "x" * 300,
    "y/" * 3000 + "z",
    "~root/x/..",
    "~/../../etc/passwd",
    "file:///etc/../etc/passwd",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_reads_what_is_not_a_file_of_the_workspace(path: str, root: Path) -> None:
    with pytest.raises(ToolError) as raised, Workspace(root).file(path.format(root=root)) as file:
        file.read()
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_writes_through_or_beyond_the_workspace(path: str, root: Path) -> None:
    before = snapshot(root.parent)
    with pytest.raises(ToolError):
        Workspace(root).write(path.format(root=root), b"overwritten", "token")
    assert {where: was for where, was in snapshot(root.parent).items() if where in before} == before
    assert not (root.parent / "workspace-evil" / "made").exists()


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_lists_a_folder_beyond_the_workspace(path: str, root: Path) -> None:
    with pytest.raises(ToolError), Workspace(root).folder(path.format(root=root)):
        pass


def snapshot(folder: Path) -> dict[str, object]:
    """What every file holds and every link says."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = os.readlink(path)
        elif path.is_file():
            found[str(path)] = path.read_bytes()
    return found


@pytest.mark.parametrize(
    "path",
    ["notes/a.md", "./notes/a.md", "notes//a.md", "notes/./a.md", "{root}/notes/a.md", "{root}//notes/a.md"],
)
def test_every_spelling_of_a_path_inside_is_the_same_file(path: str, root: Path) -> None:
    with Workspace(root).file(path.format(root=root)) as file:
        assert file.read() == b"inside"


@pytest.mark.parametrize(
    "name", ["ü", "…", "...", "..a", "a..", "-rf", " ", "a\nb", "CON", "~", "%2e%2e", "a\\..\\b", "."]
)
def test_odd_names_are_just_names(name: str, root: Path) -> None:
    path = f"odd/{name}/file" if name == "." else f"odd/{name}"
    Workspace(root).write(path, b"x", "token")
    with Workspace(root).file(path) as file:
        assert file.read() == b"x"


def test_a_workspace_behind_a_link_is_still_one(tmp_path: Path, root: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    aliased = Workspace(tmp_path / "alias")
    for path in ("notes/a.md", f"{tmp_path}/alias/notes/a.md", f"{root}/notes/a.md"):
        with aliased.file(path) as file:
            assert file.read() == b"inside"


def test_a_socket_and_a_pipe_do_not_make_an_open_wait(root: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        where = os.getcwd()
        os.chdir(root)
        listener.bind("socket")
        os.chdir(where)
        for name in ("socket", "pipe"):
            with pytest.raises(ToolError, match="no regular file"), Workspace(root).file(name):
                pass


def test_a_workspace_is_made_when_it_is_missing(tmp_path: Path) -> None:
    Workspace(tmp_path / "new" / "workspace").write("a/b/c", b"x", "token")
    assert (tmp_path / "new" / "workspace" / "a" / "b" / "c").read_bytes() == b"x"


def test_a_file_is_replaced_in_one_go_and_keeps_its_permissions(root: Path) -> None:
    script = root / "script"
    script.write_text("old")
    script.chmod(0o750)
    with script.open("rb") as reader:
        Workspace(root).write("script", b"new", "token")
        assert reader.read() == b"old"
    assert script.read_bytes() == b"new"
    assert script.stat().st_mode & 0o777 == 0o750


def test_writing_over_a_hard_link_leaves_its_other_name_alone(root: Path, tmp_path: Path) -> None:
    os.link(tmp_path / "workspace-evil" / "secret", root / "hard")
    Workspace(root).write("hard", b"new", "token")
    assert (tmp_path / "workspace-evil" / "secret").read_text() == SECRET


def test_what_an_interrupted_attempt_left_is_taken_up_by_the_next(root: Path) -> None:
    (root / ".token.part").write_text("half")
    Workspace(root).write("file", b"whole", "token")
    assert (root / "file").read_bytes() == b"whole"
    assert not (root / ".token.part").exists()


def test_a_folder_is_not_replaced_by_a_file(root: Path) -> None:
    with pytest.raises(ToolError, match="is a folder"):
        Workspace(root).write("notes", b"x", "token")
    with pytest.raises(ToolError, match="is a folder"):
        Workspace(root).write(".", b"x", "token")


def test_a_link_swapped_in_at_any_moment_never_leads_out(root: Path, tmp_path: Path) -> None:
    outside, real, aside = tmp_path / "workspace-evil" / "folder", root / "swap", root / "aside"
    real.mkdir()
    (real / "secret").write_text("harmless")
    (root / "trap").symlink_to(outside)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            os.rename(real, aside)
            os.rename(root / "trap", real)
            os.rename(real, root / "trap")
            os.rename(aside, real)

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen = set()
    for _ in range(2000):
        try:
            with Workspace(root).file("swap/secret") as file:
                seen.add(file.read())
        except ToolError:
            continue
    stop.set()
    swapper.join()
    assert seen <= {b"harmless"}
