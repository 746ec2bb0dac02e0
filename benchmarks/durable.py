"""What a durable turn costs beside the same four commits by hand, and how often it syncs."""

from collections.abc import Iterator

from benchmarks.measure import Figure, Work, compared, on_disk, on_tmpfs, ratio, side, syncs

TURNS = 1_000
LANES = 32
MISSING = "not measured: strace is missing"


def figures() -> Iterator[Figure]:
    yield compared("a durable turn, CPU", ratio(lambda: cpu("turns"), lambda: cpu("floor")), 4.0, TURN)
    with on_tmpfs() as folder:
        yield _syncs("syncs of a lone turn", [Work(f"{folder}/{n}", n) for n in (10, 20)], 4.0, ALONE)
    for agents in (1, 8):
        with on_disk() as folder:
            works = [Work(f"{folder}/{n}", n, LANES, agents) for n in (10 * LANES, 30 * LANES)]
            shape = f"{agents} x {LANES // agents} conversations"
            yield _syncs(f"syncs of a turn, {shape} at a time", works, 0.5, SHARED)


TURN = (
    "CPU of a turn with one tool call, its model scripted and in process, its store on tmpfs / CPU of the same rows "
    "in the same four commits, written by hand and handed from asyncio to one writer thread"
)
ALONE = "fsync and fdatasync calls of one turn, counted by strace between two checkpoints: one for each commit"
SHARED = "the same, of turns that run side by side on a disk, checkpoints included: turns share their commits"


def cpu(name: str) -> float:
    with on_tmpfs() as folder:
        return side(name, Work(folder, TURNS))["cpu"]


def _syncs(name: str, works: list[Work], target: float, meaning: str) -> Figure:
    """Syncs of a turn: what the longer work needs more, so that opening and closing the store is left out."""
    counts = [syncs(work) for work in works]
    less, more = counts
    if less is None or more is None:
        return Figure(name, None, "", target, meaning, remark=MISSING)
    return Figure(name, (more - less) / (works[1].turns - works[0].turns), "", target, meaning)
