"""What the commands share."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from grist_live.board import Board
from grist_live.settings import Problem, Settings


def fail(message: str) -> NoReturn:
    """End with one line that says what to do, and exit code 1."""
    click.echo(message, err=True)
    sys.exit(1)


def stop_on(problems: list[Problem], *ids: str) -> None:
    """Fail if the configuration has one of these problems."""
    found = [str(p) for p in problems if p.id in ids and p.severity == "error"]
    if found:
        fail("\n".join(found))


def check_effects(settings: Settings) -> None:
    """Fail if a rule or an outlet is wrong, with the line."""
    from grist_live.effects.check import check

    stop_on(check(settings), "rule", "outlet")


def board_of(settings: Settings, name: str) -> Board:
    """Return the board of that name; fail if there is none."""
    if name not in settings.boards:
        fail(f"there is no board {name}; there is: {', '.join(settings.boards)}")
    return settings.boards[name]
