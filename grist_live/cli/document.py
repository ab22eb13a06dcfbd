"""Commands about the Grist document."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import click

from grist_live.board import Board, make_board
from grist_live.cli.common import board_of, fail, stop_on
from grist_live.settings import Settings, load, load_or_fail, masked


@click.command()
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
    stop_on(problems, "file-missing", "file-broken", "setting-type", "env-type", "board", "url")
    if not settings.grist_api_key:
        fail("there is no API key: set GRIST_API_KEY, or write it to ~/.grist-api-key (Grist: Profile settings, API)")
    chosen = make_board(name, {"preset": preset}) if preset else board_of(settings, name)
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


@click.command()
@click.argument("board", required=False)
@click.option("--whole", is_flag=True, help="Read the whole table, not only what changed since the last time.")
def reconcile(board: str | None, whole: bool) -> None:
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
        fail("there is no API key: set GRIST_API_KEY, or write it to ~/.grist-api-key")
    for name in [board] if board else list(settings.boards):
        chosen = board_of(settings, name)
        if not chosen.doc:
            fail(f"board {name} names no document: run `python -m grist_live bootstrap DOC_ID`")
        owed = journal.owed(chosen)
        document = Document(settings.grist_url, chosen.doc, settings.grist_api_key)
        result = run(journal, chosen, document, whole=whole)
        journal.pay(chosen, owed)
        read = "the whole table" if result.whole else "what was touched"
        first = ", first fill" if result.first else ""
        click.echo(f"{name}: {read}: {result.rows} rows, {result.changes} changes{first}, {result.seconds:.2f} s")


COMMANDS = (bootstrap, reconcile)
