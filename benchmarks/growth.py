"""What a long conversation costs: bytes, CPU, memory."""

from collections.abc import Iterator

from benchmarks.measure import Figure, Work, compared, model_server, on_tmpfs, ratio, side

TURNS, WINDOW = 1_000, 20
FOREVER = 10_000


def figures() -> Iterator[Figure]:
    with on_tmpfs() as folder:
        grown = side("growing", Work(folder, FOREVER, window=WINDOW))
    yield Figure("bytes of turn 1,000", grown["growth"], "x", 1.2, BYTES)
    with model_server() as url:
        yield compared(
            "1,000 turns through HTTP, CPU", ratio(lambda: cpu("turns", url), lambda: cpu("floor", url)), 1.0, CPU
        )
    yield compared("1,000 turns in process, CPU", ratio(lambda: cpu("turns"), lambda: cpu("floor")), 4.0, IN_PROCESS)
    yield Figure("memory from turn 2,000 to turn 10,000", grown["memory"], "MB", 2.0, MEMORY)


BYTES = (
    "bytes written by a turn at turn 1,000 / bytes written by one at turn 10 of the same conversation; medians of 50 "
    "turns, so that checkpoints are left out"
)
CPU = (
    f"CPU of 1,000 turns of one conversation with a window of {WINDOW} to {2 * WINDOW - 1} turns / CPU of the floor, "
    "which loads that window from its store and encodes it for each call, as a program must that keeps nothing in "
    "memory; what leaves the window Anima has summarised by the model, which the floor has not"
)
IN_PROCESS = "the same without HTTP: here the floor is asked for its JSON and commits alone"
MEMORY = "what the process grows by over 8,000 further turns of one conversation"


def cpu(name: str, url: str = "") -> float:
    with on_tmpfs() as folder:
        return side(name, Work(folder, TURNS, window=WINDOW, url=url))["cpu"]
