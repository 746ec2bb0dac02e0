"""What may happen only in one place happens only there. An allowance has its reason beside it."""

from tests.house import rules
from tests.house.rules import broken, package

TAKES_EVERY_EXCEPTION = {
    "runtime/attempt.py": "whatever fails in a turn is that event's failure alone",
    "tools/toolbox.py": "whatever a tool raises is told to the model",
    "tools/running.py": "whatever a tool raises in its thread is raised again on the loop",
    "tools/modules.py": "whatever a user's module raises is an ImportError",
    "tools/isolated.py": "whatever a tool raises is handed over to the process that asked",
    "store/sqlite.py": "whatever a unit raises is handed to whoever submitted it; the thread must live",
}
LOADS_BY_NAME = {
    "__init__.py": "public names are loaded when first used",
    "cli/__init__.py": "a command is loaded when it is called",
    "cli/root.py": "a command is loaded when it is called",
    "cli/chat.py": "what only a terminal needs is loaded on one",
    "settings/secret.py": "the keyring package is optional",
    "tools/catalog.py": "a tool is loaded when it is enabled",
    "tools/modules.py": "a user's own tools",
    "tools/isolated.py": "a user's own tools, in another process",
}
REACHES_OUT = {
    "sandbox/net.py": "it is the guard",
    "models": "through the guard, each with its own wire format",
    "tools/http.py": "through the guard",
    "cli/surroundings.py": "asks $OLLAMA_HOST whether Ollama is there; no model has a say in it",
}


def test_time_and_chance_come_from_the_clock() -> None:
    assert broken(rules.own_time_or_chance, package(), {"clock.py": "it is the clock"}) == []


def test_no_module_keeps_state() -> None:
    assert broken(rules.module_state, package(), {"faults.py": "counts down to where a test stops the program"}) == []


def test_no_exception_is_taken_unseen() -> None:
    assert broken(rules.broad_except, package(), TAKES_EVERY_EXCEPTION) == []


def test_no_import_hides_in_a_function() -> None:
    assert broken(rules.hidden_import, package()) == []


def test_modules_are_loaded_by_name_only_where_that_is_the_point() -> None:
    assert broken(rules.import_by_name, package(), LOADS_BY_NAME) == []


def test_only_the_store_speaks_sql() -> None:
    allowed = {"store": "all SQL lives here", "cli/doctor.py": "tells SQLite's version"}
    assert broken(rules.speaks_sql, package(), allowed) == []


def test_sql_takes_parameters() -> None:
    allowed = {"store/migration.py": "a pragma takes no parameters; the values are our own numbers"}
    assert broken(rules.built_sql, package(), allowed) == []


def test_no_data_becomes_code() -> None:
    assert broken(rules.revives_objects, package()) == []


def test_every_way_to_the_network_passes_the_guard() -> None:
    assert broken(rules.reaches_out, package(), REACHES_OUT) == []
