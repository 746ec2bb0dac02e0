"""What may happen: one pure function says allow, ask or deny for one call with its label.

`decide` is the function, `grants` reads what the owner allowed beforehand, `argv` tells a plain command from a shell
script. Nothing here does input or output, or knows who would be asked.
"""

from anima.policy.argv import simple_argv
from anima.policy.decide import Decision, Grants, decide
from anima.policy.grants import check_grant

__all__ = ["Decision", "Grants", "check_grant", "decide", "simple_argv"]
