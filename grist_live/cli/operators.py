"""Commands that show how the server is."""

from __future__ import annotations

import json
import sys
import time
from itertools import chain

import click

from grist_live.cli.common import board_of, fail
from grist_live.settings import load


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Show Redis, processes, boards, viewers, alerts; exit code 1 when something is wrong.

    \b
    python -m grist_live status --json
    """
    from grist_live import health, report
    from grist_live.journal import Journal, connect

    settings, _ = load()
    journal = Journal(connect(settings.redis_url))
    found = health.check(journal, settings.boards, bool(settings.grist_api_key), settings.outlets, details=True)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for line in report.lines(found, settings, journal):
            click.echo(line)
    sys.exit(0 if found["status"] == "healthy" else 1)


@click.command()
@click.option("--board", help="Board to test (default: the default board).")
@click.option("--url", help="Address of the server (default: its local address).")
@click.option("--alerts/--no-alerts", default=True, help="Send a test alert through every outlet (default: yes).")
def test(board: str | None, url: str | None, alerts: bool) -> None:
    """Send a test event from the webhook door to the stream, and a test alert through every outlet.

    \b
    python -m grist_live test --url https://live.example.fr
    """
    from grist_live.effects.probe import probe as probe_outlets
    from grist_live.probe import probe

    settings, _ = load()
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    target = (url or f"http://{host}:{settings.port}").rstrip("/")
    failed = False
    chosen = board_of(settings, board or settings.default_board)
    for leg in chain(probe(settings, chosen, target), probe_outlets(settings, chosen) if alerts else ()):
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


@click.command()
@click.argument("outlet", required=False)
@click.option("--forget", is_flag=True, help="Throw them away instead.")
def retry(outlet: str | None, forget: bool) -> None:
    """Send dead alerts again (default: of all outlets), after what kept them back was mended.

    \b
    python -m grist_live retry tchap
    """
    from grist_live.jobs import Jobs
    from grist_live.journal import Journal, connect

    settings, _ = load()
    if outlet and outlet not in settings.outlets:
        fail(f"there is no outlet {outlet}; there is: {', '.join(settings.outlets) or 'none'}")
    jobs = Jobs(Journal(connect(settings.redis_url)))
    for name in [outlet] if outlet else settings.outlets:
        act = jobs.drop if forget else jobs.revive
        count = sum(act(board, name, time.time()) for board in settings.boards.values())
        click.echo(f"{name}: {count} alerts {'thrown away' if forget else 'wait to be sent again'}")


COMMANDS = (status, test, retry, logs)
