"""The command line: `python -m grist_live COMMAND`. Each command is a docstring and a call."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from grist_live import __version__
from grist_live.board import Board, make_board
from grist_live.errors import UserError
from grist_live.settings import Problem, Settings, load, load_or_fail, masked


class Group(click.Group):
    """Turns the errors that our rooms raise into one line that says what to do."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            _fail(str(error))
        except BrokenPipeError:
            os._exit(0)
        except OSError as error:
            _fail(str(error))
        except Exception as error:
            from grist_live.journal import Unavailable  # not before: `serve` has no use for Redis

            if not isinstance(error, Unavailable):
                raise
            _fail(f"Redis doesn't answer ({error}): start it, or correct redis_url")


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(1)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="grist_live")
@click.option("--config", type=click.Path(dir_okay=False), help="Configuration file (default: grist-live.toml).")
def main(config: str | None) -> None:
    """Make a Grist table live: each change reaches every open dashboard.

    \b
    python -m grist_live bootstrap DOC_ID    prepare the document
    python -m grist_live serve               start the server
    python -m grist_live status              see how it is
    """
    if config:
        os.environ["GRIST_LIVE_CONFIG"] = config


@main.command()
@click.argument("doc_id")
@click.option("--server", help="The Grist server (default: grist_url).")
@click.option("--board", help="Name of the board (default: the default board).")
@click.option("--preset", help="Preset for a new board: a name, or a TOML file.")
@click.option("--access", type=click.Choice(["read table", "full"]), help="What the widget may do in Grist.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and change nothing.")
@click.option("--sample-data", type=click.IntRange(0, 100_000), default=0, help="Add so many made-up rows.")
def bootstrap(
    doc_id: str,
    server: str | None,
    board: str | None,
    preset: str | None,
    access: str | None,
    dry_run: bool,
    sample_data: int,
) -> None:
    """Prepare a Grist document: table, columns, webhook, page with the widget. DOC_ID may be its address.

    Nothing is created twice: a second run changes nothing, an interrupted one is completed.

    \b
    python -m grist_live bootstrap DOC_ID --dry-run
    python -m grist_live bootstrap https://grist.example.fr/doc/DOC_ID --sample-data 40
    """
    from grist_live.bootstrap import bootstrap as run
    from grist_live.grist import Document, parse_address

    found, doc = parse_address(doc_id)
    settings, problems = load(grist_url=server or found or None)
    name = board or (Path(preset).stem if preset and Path(preset).is_file() else settings.default_board)
    _stop_on(problems, "file-missing", "file-broken", "setting-type", "env-type", "board", "url")
    if not settings.grist_api_key:
        _fail("there is no API key: set GRIST_API_KEY, or write it to ~/.grist-api-key (Grist: Profile settings, API)")
    chosen = make_board(name, {"preset": preset}) if preset else _board(settings, name)
    bar = click.progressbar(length=sample_data, label="sample rows", file=sys.stderr) if sample_data else None
    with bar or contextlib.nullcontext():

        def progress(done: int, total: int) -> None:
            if bar:
                bar.update(done - bar.pos)

        result = run(
            settings,
            chosen,
            Document(settings.grist_url, doc, settings.grist_api_key),
            access=access,
            preset=preset or "",
            dry_run=dry_run,
            sample_data=sample_data,
            echo=click.echo,
            progress=progress,
        )
    for line in result.lines():
        click.echo(line)
    if not dry_run:
        _first_fill(result.settings, result.board)


def _first_fill(settings: Settings, board: Board) -> None:
    """Fill the board at once where Redis can be reached; else the work process does when it starts."""
    from grist_live.grist import Document
    from grist_live.journal import WEB, Journal, Unavailable, connect
    from grist_live.sources.reconcile import reconcile

    journal = Journal(connect(settings.redis_url))
    try:
        result = reconcile(journal, board, Document(settings.grist_url, board.doc, settings.grist_api_key))
    except Unavailable:
        click.echo(
            f"Redis doesn't answer at {masked(settings)['redis_url']}: `serve` will fill the board when it starts."
        )
        return
    click.echo(f"The board holds the table: {result.rows} rows, {result.changes} changes.")
    if not journal.living(WEB):
        click.echo("Next: python -m grist_live serve")


def _stop_on(problems: list[Problem], *ids: str) -> None:
    found = [str(p) for p in problems if p.id in ids and p.severity == "error"]
    if found:
        _fail("\n".join(found))


@main.command()
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
    env = {
        "GRIST_LIVE_HOST": settings.host,
        "GRIST_LIVE_PORT": str(settings.port),
        "GRIST_LIVE_WORKERS": str(settings.workers),
    }
    click.echo(f"grist_live {__version__} on {settings.url}", err=True)
    command = web_command(settings.host, settings.port, settings.workers)
    sys.exit(Supervisor(command, work_command(), env).run())


@main.command()
def work() -> None:
    """Run the work process alone (beside your own gunicorn): it reconciles the boards.

    \b
    gunicorn -k gevent grist_live.wsgi:app & python -m grist_live work
    """
    from grist_live.journal import Journal, connect
    from grist_live.logs import configure
    from grist_live.worker import Worker

    settings = load_or_fail()
    configure(settings, "work")
    worker = Worker(settings, Journal(connect(settings.redis_url)))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.request_stop())
    worker.run()


@main.command()
@click.option("--port", type=int, default=8484, envvar="PORT", show_default=True, help="Port on 127.0.0.1.")
def demo(port: int) -> None:
    """Show everything on this machine: embedded Redis, sample rows, agents that edit them.

    \b
    python -m grist_live demo --port 9000
    """
    from grist_live.demo import run

    sys.exit(run(port, click.echo))


@main.command()
@click.argument("board", required=False)
def reconcile(board: str | None) -> None:
    """Compare a board (default: all) with its Grist table now.

    \b
    python -m grist_live reconcile interventions
    """
    from grist_live.grist import Document
    from grist_live.journal import Journal, connect
    from grist_live.sources.reconcile import reconcile as run

    settings = load_or_fail()
    journal = Journal(connect(settings.redis_url))
    if not settings.grist_api_key:
        _fail("there is no API key: set GRIST_API_KEY, or write it to ~/.grist-api-key")
    for name in [board] if board else list(settings.boards):
        chosen = _board(settings, name)
        if not chosen.doc:
            _fail(f"board {name} names no document: run `python -m grist_live bootstrap DOC_ID`")
        owed = journal.owed(chosen)
        result = run(journal, chosen, Document(settings.grist_url, chosen.doc, settings.grist_api_key))
        journal.pay(chosen, owed)
        first = ", first fill" if result.first else ""
        click.echo(f"{name}: {result.rows} rows, {result.changes} changes{first}, {result.seconds:.2f} s")


@main.command()
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


@main.command()
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
    for leg in probe(settings, _board(settings, board or settings.default_board), target):
        click.echo(str(leg))
        failed = failed or not leg.ok
    sys.exit(1 if failed else 0)


@main.command()
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


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def config(as_json: bool) -> None:
    """Print the configuration with secrets masked, and all its problems with hints.

    \b
    python -m grist_live config
    """
    settings, problems = load()
    values = masked(settings)
    if as_json:
        found = [{"id": p.id, "severity": p.severity, "message": p.message, "hint": p.hint} for p in problems]
        click.echo(json.dumps({"settings": values, "problems": found}, ensure_ascii=False, indent=2))
    else:
        click.echo(f"# {settings.path or 'no configuration file'}")
        for name, value in values.items():
            click.echo(f"{name} = {json.dumps(value, ensure_ascii=False)}")
        for board in settings.boards.values():
            click.echo(f"[boards.{board.name}] table {board.table}, document {board.doc or '(none)'}, {board.access}")
        for problem in problems:
            click.echo(str(problem), err=True)
    sys.exit(1 if any(p.severity == "error" for p in problems) else 0)


@main.command()
@click.argument("board", required=False)
@click.option("--days", type=float, help="Days that it holds (default: until its key is removed).")
def token(board: str | None, days: float | None) -> None:
    """Make a viewer token: whoever has it may look at the board, and no more.

    \b
    python -m grist_live token interventions --days 30
    """
    from grist_live.access import Access

    settings, _ = load()
    chosen = _board(settings, board or settings.default_board)
    expires = time.time() + days * 86_400 if days else None
    click.echo(Access((), settings.token_keys).token(chosen, expires))


def _board(settings: Settings, name: str) -> Board:
    if name not in settings.boards:
        _fail(f"there is no board {name}; there is: {', '.join(settings.boards)}")
    return settings.boards[name]


def _shortcut(command: str) -> Callable[[], None]:
    return lambda: main.main(args=[command, *sys.argv[1:]], prog_name=Path(sys.argv[0]).name)


status_main = _shortcut("status")
test_main = _shortcut("test")
logs_main = _shortcut("logs")
