"""A secret by reference: where its value is, never the value.

It does not know what a secret opens.
"""

import importlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from anima.errors import BadKey

SecretKind = Literal["env", "file", "keyring", "credential"]
KINDS: tuple[SecretKind, ...] = get_args(SecretKind)


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret's value is kept, as written `{ env = "NAME" }` in a settings file.

    `env`: an environment variable. `file`: a file that only its owner may read. `keyring`: an entry of the desktop's
    keyring, under the service `anima`. `credential`: one that systemd hands over (`LoadCredential=`).
    """

    kind: SecretKind
    name: str

    def reveal(self) -> str:
        """The value, read now. Raises BadKey, which names the place and never the value."""
        match self.kind:
            case "env":
                value = os.environ.get(self.name, "")
            case "file":
                value = _read_private(Path(self.name))
            case "keyring":
                value = _ask_keyring(self.name)
            case "credential":
                value = _read_credential(self.name)
        if not value.strip():
            raise BadKey(f"the secret {self} is not set", _HINTS[self.kind].format(name=self.name))
        return value.strip()

    def __str__(self) -> str:
        return f'{{ {self.kind} = "{self.name}" }}'


_HINTS = {
    "env": "export {name}=... in the environment that starts anima",
    "file": "write the value alone into {name}",
    "keyring": "keep it with `keyring set anima {name}`",
    "credential": "name it in the unit: LoadCredential={name}:/path",
}


def _read_private(path: Path) -> str:
    """A file's text, refused when anybody but its owner may touch it."""
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise BadKey(f"others may read the secret in {path} (mode {mode:04o})", f"chmod 600 {path}")
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadKey(f"the secret in {path} cannot be read: {reason}", "check the path and its owner") from error


def _ask_keyring(name: str) -> str:
    """An entry of the keyring package, an optional one: loaded by name, here alone."""
    try:
        keyring = importlib.import_module("keyring")
    except ImportError as error:
        raise BadKey(
            f"the secret {name} is in a keyring, and the package `keyring` is not installed",
            "pip install keyring, or use { env = ... } or { file = ... }",
        ) from error
    return str(keyring.get_password("anima", name) or "")


def _read_credential(name: str) -> str:
    """A credential that systemd put into a folder only this service can read."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise BadKey(f"there is no credential {name}: systemd has handed over none", _HINTS["credential"])
    try:
        return Path(folder, name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadKey(f"the credential {name} cannot be read", _HINTS["credential"].format(name=name)) from error
