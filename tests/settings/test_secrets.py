"""Secrets are references: their values are never in a file, a message or a repr, and are read only when needed."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from anima.errors import BadKey, Problem
from anima.settings import Secret
from tests.settings.conftest import Written

VALUE = "sk-proj-Zx81kd92mfQp04hT"

IN_THE_OPEN = [
    (f'[llm]\napi_key = "{VALUE}"\n', "llm.api_key"),
    (f'[llm]\napi_key = {{ env = "{VALUE}" }}\n', "llm.api_key.env"),
    (f'[llm]\napi_key = {{ env = "x", value = "{VALUE}" }}\n', "llm.api_key.value"),
    ('[llm]\napi_key = { env = "Zx81kd92-mfQp04hT" }\n', "llm.api_key"),
    ('[llm]\napi_key = ["Zx81kd92-mfQp04hT"]\n', "llm.api_key[0]"),
    ('[llm]\napi_key = "Zx81kd92-mfQp04hT"\n', "llm.api_key"),
    ('[llm]\ntoken = "Zx81kd92-mfQp04hT"\n', "llm.token"),
    (f'[llm]\nfallback = ["local", "{VALUE}"]\n', "llm.fallback[1]"),
    (f'[llm]\nprovider = "{VALUE}"\n', "llm.provider"),
    (f'[llm]\nbase_url = "https://me:{VALUE}@example.com/"\n', "llm.base_url"),
    (f'[llm]\nbase_url = "https://example.com/?key={VALUE}"\n', "llm.base_url"),
    (f'[[llm.fallback]]\nprovider = "openai"\nmodel = "x"\napi_key = "{VALUE}"\n', "llm.fallback[0].api_key"),
    ('[channels.telegram]\ntoken = "1234:Zx81kd92-mfQp04hT"\n', "channels.telegram.token"),
    ('[[triggers]]\nname = "x"\nwebhook_secret = "Zx81kd92-mfQp04hT"\n', "triggers[0].webhook_secret"),
]


@pytest.mark.parametrize(("text", "key"), IN_THE_OPEN, ids=[row[1] for row in IN_THE_OPEN])
def test_a_secret_in_the_open_is_an_error_that_does_not_repeat_it(
    mistakes: Callable[..., list[Problem]], text: str, key: str
) -> None:
    problems = mistakes(text)
    assert key in [problem.key for problem in problems]
    assert not any(part in repr(problems) for part in (VALUE, "Zx81kd92"))


def test_a_broken_line_does_not_repeat_a_secret(mistakes: Callable[..., list[Problem]]) -> None:
    assert VALUE not in repr(mistakes(f"[llm]\napi_key = {VALUE}\n"))
    assert VALUE not in repr(mistakes(f'[llm]\napi_key = "{VALUE}\n'))
    assert VALUE not in repr(mistakes(f'[llm]\napi_key = "x"\napi_key = "{VALUE}"\n'))
    assert VALUE not in repr(mistakes(f'[llm]\napi_key = "x"\napi_key = """\n{VALUE}"""\n'))


def test_words_that_only_speak_of_tokens_are_no_secret(written: Written) -> None:
    written('[limits]\ntokens = 5\n[owner]\nname = "sk-short"\n')


def test_a_reference_shows_where_it_leads_and_not_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", VALUE)
    secret = Secret("env", "SOME_KEY")
    assert secret.reveal() == VALUE
    assert str(secret) == '{ env = "SOME_KEY" }'
    assert VALUE not in repr(secret)


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(BadKey, match="SOME_KEY"):
        Secret("env", "SOME_KEY").reveal()


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{VALUE}\n")
    file.chmod(0o640)
    with pytest.raises(BadKey, match="others may read") as caught:
        Secret("file", str(file)).reveal()
    assert caught.value.hint == f"chmod 600 {file}"
    file.chmod(0o400)
    assert Secret("file", str(file)).reveal() == VALUE


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadKey, match="No such file"):
        Secret("file", str(tmp_path / "key")).reveal()


def test_an_empty_file_holds_no_secret(tmp_path: Path) -> None:
    (tmp_path / "key").touch(mode=0o600)
    with pytest.raises(BadKey, match="is not set"):
        Secret("file", str(tmp_path / "key")).reveal()


def test_a_credential_comes_from_the_folder_systemd_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadKey, match="handed over none"):
        Secret("credential", "key").reveal()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(BadKey, match="cannot be read"):
        Secret("credential", "key").reveal()
    (tmp_path / "key").write_text(VALUE)
    assert Secret("credential", "key").reveal() == VALUE


def test_a_keyring_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(BadKey, match="not installed"):
        Secret("keyring", "key").reveal()


def test_a_keyring_is_asked_for_animas_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = ModuleType("keyring")
    entries = {("anima", "key"): VALUE}
    keyring.get_password = lambda service, name: entries.get((service, name))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert Secret("keyring", "key").reveal() == VALUE
    with pytest.raises(BadKey, match="is not set"):
        Secret("keyring", "other").reveal()
