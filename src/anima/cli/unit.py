"""`anima service`: the home as a service of this machine's person, under systemd or launchd.

It writes one file, after showing it, and says which command takes it into use. This module does not start anything.
"""

import os
import sys
from pathlib import Path
from xml.sax.saxutils import escape

import click

from anima.cli.options import home_option
from anima.cli.output import say
from anima.errors import NotFound, UsageError
from anima.runtime import door_of, knock

PROGRAM = (sys.executable, "-c", "import sys; from anima.cli import main; sys.exit(main())")

SYSTEMD = """[Unit]
Description=Anima: the home of agents at {home}
After=network-online.target

[Service]
Type=notify
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=1
WatchdogSec=60
TimeoutStopSec=30
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=full
ProtectControlGroups=yes
ProtectKernelTunables=yes
RestrictSUIDSGID=yes
LockPersonality=yes

[Install]
WantedBy=default.target
"""

LAUNCHD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>anima</string>
  <key>ProgramArguments</key><array>{arguments}</array>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
  <key>Umask</key><integer>63</integer>
  <key>ExitTimeOut</key><integer>30</integer>
</dict>
</plist>
"""


@click.group(
    "service",
    epilog="""\b
Examples:
  anima service install
  anima service status
""",
)
def service() -> None:
    """Open the home when this machine starts, by systemd or launchd."""


@service.command(
    epilog="""\b
Examples:
  anima service install
  anima service install --yes
"""
)
@click.option("--yes", is_flag=True, help="Write it without asking.")
@home_option
def install(yes: bool, home: Path) -> int:
    """Show the unit for this home, and write it."""
    place, text, use = _unit(home)
    say(text)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"{place} was not written: nobody could be asked", "--yes writes it without asking")
        click.confirm(f"Write it to {place}?", abort=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    say(f"{place} is written; take it into use: {use}")
    return 0


@service.command(
    epilog="""\b
Example:
  anima service uninstall
"""
)
@home_option
def uninstall(home: Path) -> int:
    """Remove the unit; the home itself stays as it is."""
    place, _, _ = _unit(home)
    if not place.exists():
        raise NotFound(f"there is no {place}", "`anima service install` writes it")
    place.unlink()
    say(f"{place} is removed; a home that is open stays open until `anima stop`")
    return 0


@service.command(
    "status",
    epilog="""\b
Example:
  anima service status
""",
)
@home_option
def unit_status(home: Path) -> int:
    """Show whether the unit is written, whether it is as it would be written now, and whether the home is open."""
    place, text, use = _unit(home)
    written = place.read_text(encoding="utf-8") if place.exists() else None
    if written is None:
        say("no unit is written; `anima service install` writes it")
    else:
        say(f"{place} is {'as it should be' if written == text else 'of another home or program'}; {use}")
    say("the home is open" if knock(door_of(home), {"do": "status"}) else "the home is closed")
    return 0 if written == text else 1


def _unit(home: Path) -> tuple[Path, str, str]:
    """Where the unit belongs, what it says, and how it is taken into use."""
    command = [*PROGRAM, "start", "--foreground", "--home", str(home)]
    if sys.platform == "darwin":
        arguments = "".join(f"<string>{escape(word)}</string>" for word in command)
        place = Path.home() / "Library" / "LaunchAgents" / "anima.plist"
        return place, LAUNCHD.format(arguments=arguments), f"launchctl load {place}"
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    unit = SYSTEMD.format(home=str(home).replace("%", "%%"), command=" ".join(map(_quoted, command)))
    return folder / "systemd" / "user" / "anima.service", unit, "systemctl --user enable --now anima"


def _quoted(word: str) -> str:
    """A word of a command line, as systemd reads it."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{plain}"'
