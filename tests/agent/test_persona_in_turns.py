"""A persona in a turn: read again when it changes, its version in every step, the day with each message."""

from pathlib import Path

from anima.settings import Persona
from anima.testing import FakeClock, ScriptedModel
from tests.fakes import Home


async def test_a_changed_persona_holds_from_the_next_turn_on_and_each_step_says_which_it_was(
    home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "persona.md"
    file.write_text("Dry.")
    model = ScriptedModel(["one", "two", "three"])
    async with home.live(model, persona=Persona((file,), "arya")) as runtime:
        await runtime.ask("arya", "a")
        await runtime.ask("arya", "b")
        file.write_text("Kinder.")
        await runtime.ask("arya", "c")
        turns = [await runtime.store.turn(f"t{n}") for n in (1, 2, 3)]
    assert [context.system for context in model.contexts] == ["Dry.", "Dry.", "Kinder."]
    versions = [turn.steps[0].recipe.split()[0] for turn in turns if turn]
    assert versions[0] == versions[1] != versions[2]


async def test_the_day_is_told_with_each_message_and_stays_what_it_was(home: Home) -> None:
    clock = FakeClock(1_767_268_800.0)  # noon of the first day of 2026, in UTC
    model = ScriptedModel(["one", "two", "three"])
    persona = Persona(("Today: {{date}}.",), "arya", zone="UTC")
    async with home.live(model, persona=persona, clock=clock) as runtime:
        await runtime.ask("arya", "a")
        await clock.advance(86_400.0)
        await runtime.ask("arya", "b")
    async with home.live(model, persona=persona, clock=clock) as runtime:
        await runtime.ask("arya", "c")
    shown = [message.text for message in model.contexts[2].messages if message.role == "user"]
    assert shown == ["a\n\n[Thursday, 2026-01-01]", "b\n\n[Friday, 2026-01-02]", "c\n\n[Friday, 2026-01-02]"]
    assert len({context.system for context in model.contexts}) == 1


async def test_a_persona_in_words_may_name_its_agent(home: Home) -> None:
    model = ScriptedModel(["hi"])
    async with home.live(model, persona="You are {{name}}.") as runtime:
        await runtime.ask("arya", "a")
    assert model.contexts[0].system == "You are arya."
