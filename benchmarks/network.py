"""What a turn costs that thinks over HTTP, and how long a long call holds the event loop."""

from collections.abc import Iterator

from benchmarks.measure import ROUNDS, Figure, Work, compared, model_server, on_tmpfs, ratio, side

TURNS = 300


def figures() -> Iterator[Figure]:
    with model_server() as url:
        rounds = ratio(lambda: cpu("turns", url), lambda: cpu("floor", url))
        yield compared("a durable turn through HTTP, CPU", rounds, 1.5, TURN)
        stalls = [side("stall", Work("", 0, url=url)) for _ in range(ROUNDS)]
    for state in ("cold", "warm"):
        worst = max(stalls, key=lambda stall: stall[state])
        remark = f"{worst[state] / worst['floor']:.1f} x one `json.dumps` of the same messages"
        yield Figure(f"stall of a call with 400 messages, {state}", worst[state], "ms", 5.0, STALL[state], (), remark)


TURN = (
    "CPU of the same turn with the `openai` adapter, its model a scripted server in another process that streams / "
    "CPU of httpx2 reading the same streamed answers by hand, and the same four commits"
)
STALL = {
    "cold": "the longest time in which nothing else can run while 400 messages are encoded and sent for the first "
    "time; the median of nine calls, the worst of five runs",
    "warm": "the same, when those messages were sent before",
}


def cpu(name: str, url: str) -> float:
    with on_tmpfs() as folder:
        return side(name, Work(folder, TURNS, url=url))["cpu"]
