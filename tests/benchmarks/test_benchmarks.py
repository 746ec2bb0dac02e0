"""The programs that are measured do what the figures say they do, and the page tells every figure."""

import sqlite3
from pathlib import Path

from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.measure import Figure, Work, model_server, side
from benchmarks.page import page
from benchmarks.sides.floor import shown

STORY = """SELECT e.state, e.text, e.hash, t.state, s.text, s.stop, x.tool, x.arguments, x.class, x.decision, x.state,
    x.attempts, x.result, x.label, x.result_hash, o.state
    FROM events e JOIN turns t ON t.id = e.id JOIN steps s ON s.turn = t.id
    LEFT JOIN effects x ON x.turn = s.turn AND x.step = s.n JOIN outbox o ON o.turn = t.id
    WHERE s.kind = 'think' ORDER BY e.id, s.n"""


def _story(path: Path) -> list[tuple[object, ...]]:
    db = sqlite3.connect(path)
    try:
        return db.execute(STORY).fetchall()
    finally:
        db.close()


def _both(folder: Path, **how: object) -> list[list[tuple[object, ...]]]:
    """What a few turns of each side left in its store."""
    for name in ("turns", "floor"):
        assert side(name, Work(str(folder), 3, **how))["cpu"] > 0  # type: ignore[arg-type]
    return [_story(folder / "home" / "anima.db"), _story(folder / "floor.db")]


def test_the_floor_writes_the_rows_that_the_runtime_writes(tmp_path: Path) -> None:
    ours, floor = _both(tmp_path)
    assert len(ours) == 2 * 8
    assert ours == floor


def test_over_http_and_with_a_window_both_sides_read_the_same_answers(tmp_path: Path) -> None:
    with model_server() as url:
        ours, floor = _both(tmp_path, window=2, url=url)
    assert {row[4] for row in ours} == {"", "One was paid, as you asked."}
    assert ours == floor


def test_the_floors_window_moves_as_the_runtimes() -> None:
    assert [shown(2, number) for number in range(1, 9)] == [0, 1, 2, 3, 2, 3, 2, 3]


def test_the_page_tells_each_figure_its_target_and_whether_it_was_reached() -> None:
    figures = [
        Figure("fast", 1.501, "x", 2.0, "this / that", (1.4, 1.501, 1.6)),
        Figure("slow", 2.1, "ms", 2.0, "what it means", (), "3 x the floor"),
        Figure("odd", None, "", 4.0, "syncs", (), "not measured: strace is missing"),
    ]
    text = page({"All": figures})
    assert "| fast | 1.50 x (1.40 to 1.60) | ≤ 2 x | yes |" in text
    assert "| slow | 2.10 ms | ≤ 2 ms | **no** |" in text
    assert "- **slow**: what it means (3 x the floor)." in text
    assert "| odd | not measured: strace is missing | ≤ 4 | unknown |" in text


def test_a_benchmark_that_does_not_exist_is_named_with_those_that_do() -> None:
    assert main(["strat"]) == 2
    assert "turn" in BENCHMARKS
