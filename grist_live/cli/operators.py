"""Commands that show how the server is."""

from __future__ import annotations

import json
import sys

import click

from grist_live.cli.common import board_of
from grist_live.settings import load


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Show Redis, processes, boards, viewers; exit code 1 when something is wrong.

    \b
    python -m grist_live status --json
    """
    from grist_live import health, report
    from grist_live.journal import Journal, connect

    settings, _ = load()
    journal = Journal(connect(settings.redis_url))
    found = health.check(journal, settings.boards, bool(settings.grist_api_key))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for line in report.lines(found, settings, journal):
            click.echo(line)
    sys.exit(0 if found["status"] == "healthy" else 1)


@click.command()
@click.option("--board", help="Board to test (default: the default board).")
@click.option("--url", help="Address of the server (default: its local address).")
def test(board: str | None, url: str | None) -> None:
    """Send a test event through the webhook door and wait for it on the stream.

    \b
    python -m grist_live test --url https://live.example.fr
    """
    from grist_live.probe import probe

    settings, _ = load()
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    target = (url or f"http://{host}:{settings.port}").rstrip("/")
    failed = False
    for leg in probe(settings, board_of(settings, board or settings.default_board), target):
        click.echo(str(leg))
        failed = failed or not leg.ok
    sys.exit(1 if failed else 0)


@click.command()
@click.argument("name", type=click.Choice(["web", "work", "redis", "nginx", "nginx-error"]), default="web")
@click.option("--follow", "-f", is_flag=True, help="Wait for more.")
@click.option("--lines", "-n", default=50, show_default=True, help="Number of lines.")
def logs(name: str, follow: bool, lines: int) -> None:
    """Show a log.

    \b
    python -m grist_live logs --follow work
    """
    from grist_live.logs import find, tail

    settings, _ = load()
    try:
        for line in tail(find(settings, name), lines, follow):
            click.echo(line)
    except KeyboardInterrupt:
        pass


COMMANDS = (status, test, logs)
