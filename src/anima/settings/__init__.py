"""Settings: TOML files in, typed values out; a mistake names its file, line, key and the nearest right name.

`load` is the door; `tables` says what a file may hold, `later` what does nothing yet. Nothing here knows what an
agent does with its settings.
"""

import os
from pathlib import Path

from anima.settings.fields import Table
from anima.settings.file import AgentSettings, HomeSettings, schema
from anima.settings.load import HOME_FILE, Loaded, load, load_home
from anima.settings.model_ref import LOCAL_MODEL, PROVIDERS, ModelRef, Price
from anima.settings.persona import Persona, Words
from anima.settings.secret import Secret
from anima.settings.tables import LOOK_AROUND, LimitSettings, RetrySettings, ThinkSettings, ToolSettings

__all__ = [
    "HOME_FILE",
    "LOCAL_MODEL",
    "LOOK_AROUND",
    "PROVIDERS",
    "AgentSettings",
    "HomeSettings",
    "LimitSettings",
    "Loaded",
    "ModelRef",
    "Persona",
    "Price",
    "RetrySettings",
    "Secret",
    "Table",
    "ThinkSettings",
    "ToolSettings",
    "Words",
    "home_folder",
    "load",
    "load_home",
    "schema",
]


def home_folder(given: Path | None = None) -> Path:
    """The home: `given`, else `$ANIMA_HOME`, else `~/.anima`; absolute."""
    return (given or Path(os.environ.get("ANIMA_HOME") or "~/.anima")).expanduser().absolute()
