"""Commands that run the processes."""

from __future__ import annotations

import signal
import sys

import click

from grist_live import __version__
from grist_live.cli.common import check_effects
from grist_live.settings import load_or_fail


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--workers", type=int, help="Number of web processes.")
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Start the web process and the work process.

    \b
    python -m grist_live serve --port 8484 --workers 2
    """
    from grist_live.supervisor import Supervisor, web_command, work_command

    settings = load_or_fail(host=host, port=port, workers=workers)
    check_effects(settings)
    env = {
        "GRIST_LIVE_HOST": settings.host,
        "GRIST_LIVE_PORT": str(settings.port),
        "GRIST_LIVE_WORKERS": str(settings.workers),
    }
    click.echo(f"grist_live {__version__} on {settings.url}", err=True)
    command = web_command(settings.host, settings.port, settings.workers)
    sys.exit(Supervisor(command, work_command(), env).run())


@click.command()
def work() -> None:
    """Run the work process alone (beside your own gunicorn): it reconciles the boards and sends alerts.

    \b
    gunicorn -k gevent grist_live.wsgi:app & python -m grist_live work
    """
    from grist_live.journal import Journal, connect
    from grist_live.logs import configure
    from grist_live.worker import Worker

    settings = load_or_fail()
    check_effects(settings)
    configure(settings, "work")
    worker = Worker(settings, Journal(connect(settings.redis_url)))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.request_stop())
    worker.run()


@click.command()
@click.option("--port", type=int, default=8484, envvar="PORT", show_default=True, help="Port on 127.0.0.1.")
def demo(port: int) -> None:
    """Show everything on this machine: embedded Redis, sample rows, agents that edit them.

    \b
    python -m grist_live demo --port 9000
    """
    from grist_live.demo import run

    sys.exit(run(port, click.echo))


COMMANDS = (serve, work, demo)
