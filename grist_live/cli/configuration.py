"""Commands about the configuration and its keys."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import click

from grist_live.access import CAN
from grist_live.cli.common import board_of, fail
from grist_live.settings import Settings, load, masked, masked_outlet


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def config(as_json: bool) -> None:
    """Print the configuration with secrets masked, and all its problems with hints.

    \b
    python -m grist_live config
    """
    from grist_live.effects.check import check

    settings, problems = load()
    problems += check(settings)
    values = masked(settings)
    if as_json:
        found = [{"id": p.id, "severity": p.severity, "message": p.message, "hint": p.hint} for p in problems]
        outlets = {name: masked_outlet(table) for name, table in settings.outlets.items()}
        click.echo(
            json.dumps({"settings": values, "outlets": outlets, "problems": found}, ensure_ascii=False, indent=2)
        )
    else:
        click.echo(f"# {settings.path or 'no configuration file'}")
        for name, value in values.items():
            click.echo(f"{name} = {json.dumps(value, ensure_ascii=False)}")
        for board in settings.boards.values():
            click.echo(f"[boards.{board.name}] table {board.table}, document {board.doc or '(none)'}, {board.access}")
            for rule in board.rules:
                click.echo(f"  rule {rule.get('name')}: {rule.get('when')} → {_outlets(rule, settings)}")
        for name, table in settings.outlets.items():
            click.echo(f"[outlets.{name}] {json.dumps(masked_outlet(table), ensure_ascii=False)}")
        for problem in problems:
            click.echo(str(problem), err=True)
    sys.exit(1 if any(p.severity == "error" for p in problems) else 0)


def _outlets(rule: dict[str, Any], settings: Settings) -> str:
    """Name the outlets of a rule, and say which of them aren't there."""
    given = rule.get("do")
    names = [str(do.get("outlet")) for do in (given if isinstance(given, list) else [given]) if isinstance(do, dict)]
    return ", ".join(name if name in settings.outlets else f"{name} (asleep: no [outlets.{name}])" for name in names)


@click.command()
@click.argument("board", required=False)
@click.option("--days", type=float, help="Days that it holds (default: until its key is removed).")
@click.option("--name", default="", help="Whose it is: what they take is written down under this name.")
@click.option("--can", multiple=True, type=click.Choice(CAN), help="What it allows besides looking: to take rows.")
def token(board: str | None, days: float | None, name: str, can: tuple[str, ...]) -> None:
    """Make a viewer token: whoever has it may look at the board, and do no more than it says.

    \b
    python -m grist_live token interventions --days 30
    python -m grist_live token interventions --name "Inès Kerbrat" --can take
    """
    from grist_live.access import Access
    from grist_live.take import NAME, why_not

    settings, _ = load()
    chosen = board_of(settings, board or settings.default_board)
    if name and not NAME.fullmatch(name):
        fail(f"--name {name!r}: use 1 to 100 printable characters")
    expires = time.time() + days * 86_400 if days else None
    made = Access((), settings.token_keys).token(chosen, expires, name=name, can=can)
    if "take" in can and (reason := why_not(settings, chosen)):
        # The server may know more than this shell does.
        click.echo(f"as configured here, rows of board {chosen.name} can't be taken: {reason}", err=True)
    click.echo(made)


COMMANDS = (config, token)
