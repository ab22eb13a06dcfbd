"""The command that looks for what is wrong."""

from __future__ import annotations

import json
import sys

import click

from grist_live.cli.common import board_of
from grist_live.settings import load


@click.command()
@click.argument("board", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quick", is_flag=True, help="Don't wait for a ping of the stream, which takes a heartbeat.")
def doctor(board: str | None, as_json: bool, quick: bool) -> None:
    """Look for what goes wrong in real life, and say what to do; exit code 1 on an error. It changes nothing.

    \b
    python -m grist_live doctor interventions
    python -m grist_live doctor --quick --json
    """
    from grist_live.doctor import examine
    from grist_live.effects.check import check

    settings, problems = load()
    problems += check(settings)
    chosen = board_of(settings, board or settings.default_board)
    findings = []
    for finding in examine(settings, problems, chosen, quick=quick):
        findings.append(finding)
        if not as_json:
            click.echo(str(finding))
    counts = {s: sum(f.severity == s for f in findings) for s in ("error", "warning", "info", "ok")}
    if as_json:
        told = {"board": chosen.name, "counts": counts, "findings": [f.as_dict() for f in findings]}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        click.echo(f"{counts['error']} error(s), {counts['warning']} warning(s), {counts['ok']} in order")
    sys.exit(1 if counts["error"] else 0)


COMMANDS = (doctor,)
