"""One conversation with the runtime that grows and grows; prints what its late turns cost more than its early ones.

`growth`: bytes that turns 1,001 to 1,050 wrote for each byte of turns 6 to 55, medians of both, so that checkpoints
fall out. `memory`: MB the process has grown by from turn 2,000 on.
"""

import asyncio
import statistics
from pathlib import Path

from anima import Runtime
from benchmarks.measure import Work
from benchmarks.sides.process import WARM, given, memory, tell
from benchmarks.sides.turns import agents, lane

SAMPLE = 50
EARLY, LATE, SETTLED = WARM, 1_000, 2_000


def written() -> int:
    """Bytes this process has written to files so far, all threads together; sockets are not in it."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("wchar:")).split()[1])


async def sample(runtime: Runtime, first: int, work: Work) -> float:
    """The bytes of a turn: the median of the next `SAMPLE`."""
    sizes = []
    for n in range(first, first + SAMPLE):
        before = written()
        await lane(runtime, 0, range(n, n + 1), work)
        sizes.append(written() - before)
    return statistics.median(sizes)


async def main(work: Work) -> None:
    async with Runtime(f"{work.folder}/home", agents(work)) as runtime:
        await lane(runtime, 0, range(EARLY), work)
        early = await sample(runtime, EARLY, work)
        await lane(runtime, 0, range(EARLY + SAMPLE, LATE), work)
        late = await sample(runtime, LATE, work)
        await lane(runtime, 0, range(LATE + SAMPLE, SETTLED), work)
        settled = memory()
        await lane(runtime, 0, range(SETTLED, work.turns), work)
        tell(growth=late / early, memory=memory() - settled)


if __name__ == "__main__":
    asyncio.run(main(given()))
