"""What the audit is worth: each promise, broken on purpose in the real program, is found and called by its name."""

import sys
from pathlib import Path

import pytest

from anima.torture import audit
from anima.torture.life import Home
from anima.torture.plan import Kill
from anima.torture.torture import Report, open_chamber

SABOTAGE = Path(__file__).with_name("sabotage.py")

BREAKS = [
    ("acknowledge_before_the_commit", Kill("post.committing"), "lost_event"),
    ("forget_that_a_call_began", Kill("effect.ran", 4), "unrecorded_effect"),
    ("forget_that_a_call_began", Kill("effect.ran", 4), "repeated_effect"),
    ("run_a_call_again_whose_end_nobody_knows", Kill("effect.ran", 4), "repeated_effect"),
    ("take_a_call_for_done_that_was_cut_off", Kill("effect.begun", 4), "untrue_result"),
    ("give_up_a_call_that_never_began", Kill("effect.ran", 3), "needless_unknown"),
    ("send_a_message_after_its_call", Kill("settle.committing"), "torn_message"),
    ("lose_the_key", None, "changed_key"),
    ("let_two_workers_claim_one_event", None, "claimed_twice"),
    ("forget_the_last_step_on_resuming", Kill("effect.ran", 4), "repeated_model_call"),
    ("write_down_all_calls_but_the_last", None, "lost_call"),
    ("end_the_event_before_its_turn", Kill("close_turn.committing"), "torn_close"),
    ("say_something_else_than_what_is_on_disk", None, "wrong_answer"),
    ("close_without_a_reply", None, "lost_reply"),
    ("forget_that_a_reply_was_handed_over", None, "repeated_reply"),
    ("claim_the_newest_first", None, "out_of_order"),
    ("set_aside_without_a_reason", None, "lost_evidence"),
    ("take_every_message_for_a_new_one", None, "doubled_event"),
    ("take_in_a_file_without_its_bytes", None, "lost_file"),
    ("fall_over", None, "crashed"),
]


async def report_on(sabotage: str, kill: Kill | None) -> Report:
    async with open_chamber((sys.executable, str(SABOTAGE), sabotage), parallel=1, patience=10.0) as chamber:
        if kill is None:
            await chamber.measure()
        else:
            await chamber.inflict([[kill]])
        return chamber.report


@pytest.mark.parametrize(("sabotage", "kill", "kind"), BREAKS, ids=str)
async def test_a_broken_promise_is_found(sabotage: str, kill: Kill | None, kind: str) -> None:
    report = await report_on(sabotage, kill)
    assert kind in {violation.kind for violation in report.violations}


async def test_damage_on_disk_is_found(tmp_path: Path) -> None:
    home = Home(tmp_path, 1, (), 0)
    (tmp_path / "home-1" / "anima.db").write_bytes(b"SQLite format 3\0" + bytes(8176))
    findings = list(audit.at_death(await home.look(killed=True), []))
    assert [kind for kind, _ in findings] == ["damaged_store"]
    await home.aclose()
    assert list(tmp_path.iterdir()) == []


async def test_a_program_that_does_not_finish_is_stuck() -> None:
    async with open_chamber(
        (sys.executable, "-c", "import sys; sys.stdin.read()"), parallel=1, patience=0.2
    ) as chamber:
        await chamber.measure()
        assert "stuck" in {violation.kind for violation in chamber.report.violations}


async def test_a_point_that_is_not_passed_is_told() -> None:
    async with open_chamber((sys.executable, "-c", ""), parallel=1) as chamber:
        await chamber.inflict([[Kill("turn.opened", 4)]])
        assert "never_reached" in {violation.kind for violation in chamber.report.violations}
        assert chamber.report.kills == []


def test_every_kind_of_violation_is_found_by_a_test() -> None:
    here = {"damaged_store", "stuck", "never_reached"}
    assert {kind for _, _, kind in BREAKS} | here == set(audit.KINDS)
