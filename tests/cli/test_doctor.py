"""`anima doctor` finds what is wrong and says what to do."""

import os
from pathlib import Path
from typing import Any

from tests.cli.program import Anima


def checks(anima: Anima, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Its exit status, and its checks by name."""
    done = anima("doctor", "--json", **environment)
    assert done.document["ok"] is (done.status == 0)
    return done.status, {check["name"]: check for check in done.document["checks"]}


def test_a_machine_without_a_home_is_well_and_hears_how_to_make_one(anima: Anima, home: Path) -> None:
    status, found = checks(anima)
    assert status == 0
    assert set(found) == {"python", "home", "permissions", "store", "disk", "models", "clock"}
    assert "anima init" in found["home"]["hint"]
    assert not home.exists()


def test_a_fresh_home_is_well(here: Anima, home: Path) -> None:
    here("init")
    status, found = checks(here)
    assert status == 0
    assert "anima" in found["home"]["message"]


def test_a_home_others_can_read_is_told_with_the_command_that_mends_it(here: Anima, home: Path) -> None:
    here("init")
    (home / "anima.toml").chmod(0o644)
    status, found = checks(here)
    assert status == 1
    assert str(home / "anima.toml") in found["permissions"]["message"]
    assert found["permissions"]["hint"].startswith("chmod ")


def test_somebody_else_s_database_is_told_and_left_alone(here: Anima, home: Path) -> None:
    home.mkdir(mode=0o700)
    store = home / "anima.db"
    store.write_bytes(os.urandom(8192))
    store.chmod(0o600)
    before = store.read_bytes()
    status, found = checks(here)
    assert (status, found["store"]["ok"]) == (1, False)
    assert found["store"]["hint"]
    assert store.read_bytes() == before


def test_a_key_counts_as_a_model_and_is_not_shown(anima: Anima) -> None:
    _, found = checks(anima, ANTHROPIC_API_KEY="secret-value")
    assert "anthropic" in found["models"]["message"]
    assert "secret-value" not in str(found)


def test_it_reads_as_text(anima: Anima) -> None:
    told = anima("doctor")
    assert told.status == 0
    assert "ok   python: 3." in told.out
