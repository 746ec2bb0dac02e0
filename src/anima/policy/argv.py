"""Tells one plain command from a piece of shell script; it judges no command, and runs none."""

import re
import shlex

# A word means the same to a shell and to us only if it is made of these: safe characters, or quotes around text in
# which nothing is expanded. Whatever is not listed (`$ ; | & < > * ? ~ #` and newlines among it) is script.
_WORD = r"""(?:[A-Za-z0-9_@%+=:,./^-]|'[^'\x00-\x1f\x7f]*'|"[^"$`\\!\x00-\x1f\x7f]*")+"""
_COMMAND = re.compile(rf"[ \t]*{_WORD}(?:[ \t]+{_WORD})*[ \t]*")

# Words that only a shell understands: reserved ones, and builtins that change the shell itself.
_SHELL_ONLY = re.compile(
    r"""\.|:|alias|bg|break|builtin|case|cd|command|continue|declare|dirs|do|done|elif|else|esac|eval|exec|exit|export
    |fc|fg|fi|for|function|getopts|hash|if|in|jobs|let|local|popd|pushd|read|readonly|return|select|set|shift|shopt
    |source|suspend|then|time|times|trap|type|typeset|ulimit|umask|unalias|unset|until|wait|while""",
    re.VERBOSE,
)


def simple_argv(command: str) -> list[str] | None:
    """The words of one plain command, exactly as they would be run without a shell; None where a shell is needed.

    Refused are all operators, expansions, globs, escapes, assignments (`A=1 cmd`), comments and shell-only words.
    """
    if not _COMMAND.fullmatch(command):
        return None
    words = shlex.split(command)
    if not words[0] or "=" in words[0] or _SHELL_ONLY.fullmatch(words[0]):
        return None
    return words
