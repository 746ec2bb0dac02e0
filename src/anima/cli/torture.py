"""`anima torture`: kills the real program again and again, and audits what is left."""

import asyncio

import click

from anima.cli.options import json_option
from anima.cli.output import print_json, print_table, say, tell
from anima.torture.torture import Order, Report, torture


@click.command(
    "torture",
    epilog="""\b
Examples:
  anima torture
  anima torture --kills 1000 --seed 1
  anima torture --kills 100 --by-clock --json
""",
)
@click.option("--kills", type=click.IntRange(0), default=30, show_default=True, help="Random kills.")
@click.option("--seed", type=int, default=1, show_default=True, help="What they are drawn from.")
@click.option(
    "--times",
    type=click.IntRange(1, 3),
    default=3,
    show_default=True,
    help="Kills at every named point before: in its first, middle and last crossing.",
)
@click.option("--by-clock", is_flag=True, help="Kill at moments of the wall clock instead; no run repeats another.")
@json_option
def torture_command(kills: int, seed: int, times: int, by_clock: bool, as_json: bool) -> int:
    """Kill the program at every named point and at random ones, restart it, and audit what is left.

    A scripted agent does its errands in a temporary home while SIGKILL ends it again and again; a ledger in a process
    of its own sees every effect and every model call. Nothing of yours is touched, and nothing stays behind. Exit
    status 1 when a promise was broken.
    """
    order = Order(kills, seed, times, by_clock)
    report = asyncio.run(torture(order, lambda made: tell(f"{made} kills") if made % 50 == 0 else None))
    if as_json:
        print_json(document(order, report))
    else:
        show(order, report)
    return 1 if report.violations else 0


def document(order: Order, report: Report) -> dict[str, object]:
    """The report as one document."""
    points = [{"name": name, "kills": kills, "violations": broken} for name, kills, broken in report.points()]
    violations = [{"kind": each.kind, "point": each.point, "evidence": each.evidence} for each in report.violations]
    return {
        "ok": not violations,
        "seed": order.seed,
        "kills": len(report.kills),
        "points": points,
        "violations": violations,
    }


def show(order: Order, report: Report) -> None:
    """The report as a table, then every broken promise."""
    rows = [(str(kills), str(broken), name) for name, kills, broken in report.points()]
    print_table(("KILLS", "VIOLATIONS", "POINT"), rows)
    say("")
    for violation in report.violations:
        say(f"{violation.kind} after {violation.point}: {violation.evidence}")
    say(f"{len(report.kills)} kills, seed {order.seed}: {len(report.violations)} violations")
