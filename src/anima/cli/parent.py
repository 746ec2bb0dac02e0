"""The small parent of a home in the background: starts its runtime again when that dies, and ends when it ends.

A program of its own that imports next to nothing: `python -m anima.cli.parent HOME`. It knows the runtime only by its
exit status: 0 is an end in good order.
"""

import os
import signal
import subprocess
import sys

MOST, WITHIN = 3, 60.0
"""So many deaths in so many seconds are borne."""

RUNTIME = (sys.executable, "-c", "import sys; from anima.cli import main; sys.exit(main())", "start", "--foreground")


def keep(home: str) -> int:
    """Run the home until it ends in good order or dies too often; returns its last exit status."""
    deaths: list[float] = []
    ending: list[int] = []
    while True:
        with subprocess.Popen([*RUNTIME, "--home", home]) as runtime:

            def pass_on(number: int, _frame: object, to: subprocess.Popen[bytes] = runtime) -> None:
                if number != signal.SIGHUP:
                    ending.append(number)
                to.send_signal(number)

            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, pass_on)
            status = runtime.wait()
        if status == 0 or ending:
            return status
        deaths = [*deaths[-MOST + 1 :], os.times().elapsed]
        sys.stderr.write(f"the runtime ended with status {status}\n")
        if len(deaths) == MOST and deaths[-1] - deaths[0] < WITHIN:
            sys.stderr.write(f"that was {MOST} times in {WITHIN:.0f} s: it is not started again\n")
            return 1


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1]))
