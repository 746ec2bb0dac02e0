"""Settings: TOML files in, typed values out; a mistake names its file, line, key and the nearest right name.

Nothing here knows what an agent does with its settings.
"""

import os
from pathlib import Path

from anima.settings.model_ref import LOCAL_MODEL, PROVIDERS, ModelRef, Price
from anima.settings.secret import Secret
from anima.settings.tables import LimitSettings, RetrySettings, ThinkSettings, ToolSettings

__all__ = [
    "LOCAL_MODEL",
    "PROVIDERS",
    "LimitSettings",
    "ModelRef",
    "Price",
    "RetrySettings",
    "Secret",
    "ThinkSettings",
    "ToolSettings",
    "home_folder",
]


def home_folder(given: Path | None = None) -> Path:
    """The home: `given`, else `$ANIMA_HOME`, else `~/.anima`; absolute."""
    return (given or Path(os.environ.get("ANIMA_HOME") or "~/.anima")).expanduser().absolute()
