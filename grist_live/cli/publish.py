"""Commands about the widgets' files."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

import click

from grist_live.cli.common import fail, stop_on
from grist_live.settings import Settings, load, origin


@click.command()
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="A web server's folder.")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when what is there isn't current.")
@click.option("--doc", "doc_id", help="Let the dashboard in this document load the files from --url.")
@click.option("--url", help="Address of the folder, or of the file (with --doc; default: our own server).")
def publish(folder: Path | None, check: bool, doc_id: str | None, url: str | None) -> None:
    """Put the widgets on another web server, and let a document use them there.

    \b
    python -m grist_live publish --to /var/www/grist-widgets
    python -m grist_live publish --to /var/www/grist-widgets --check
    python -m grist_live publish --doc DOC_ID --url https://www.example.fr/grist-widgets/
    """
    if not folder and not doc_id:
        fail("say where to: --to FOLDER, or --doc DOC_ID (see --help)")
    if check and not folder:
        fail("say which folder to check: --to FOLDER")
    if url and (not doc_id or urlsplit(url).scheme not in ("http", "https")):
        fail("--url goes with --doc, and is an http(s) address: https://www.example.fr/grist-widgets/")
    if doc_id and folder and not url:
        fail(f"say at which address Grist's users find {folder}: --url https://…")
    settings, problems = load()
    stop_on(problems, "file-missing", "file-broken", "setting-type", "env-type", "board", "url")
    if folder:
        _files(settings, folder, check)
    if doc_id and not check:
        _point(doc_id, url)


def _files(settings: Settings, folder: Path, check: bool) -> None:
    from grist_live import publish as files

    wanted = files.files(settings)
    if check:
        stale = files.stale(folder, wanted)
        click.echo(f"{folder}: not current: {', '.join(stale)}" if stale else f"{folder}: current")
        sys.exit(1 if stale else 0)
    written = files.publish(folder, wanted)
    click.echo(f"{folder}: wrote {', '.join(written)}" if written else f"{folder}: current")
    if not settings.public_url:
        click.echo("public_url isn't set, so these pages ask their readers for the server's address", err=True)


def _point(doc_id: str, url: str | None) -> None:
    from grist_live.bootstrap.point import point
    from grist_live.grist import Document, parse_address
    from grist_live.publish import address

    server, doc = parse_address(doc_id)
    settings, _ = load(grist_url=server or None)
    boards = [board for board in settings.boards.values() if board.doc and _same(board.doc, doc)]
    if not boards:
        fail(f"no board has the document {doc}: run `python -m grist_live bootstrap {doc}` first")
    if not settings.grist_api_key:
        fail("there is no API key: set GRIST_API_KEY, or write it to ~/.grist-api-key (Grist: Profile settings, API)")
    widget = address(url) if url else ""
    document = Document(settings.grist_url, doc, settings.grist_api_key)
    done = [line for board in boards for line in point(settings, board, document, widget)]
    for line in done:
        click.echo(f"✓ {line}")
    if not done:
        click.echo("Nothing to do.")
    theirs = origin(widget)
    if theirs and theirs != origin(settings.url) and not {theirs, "*"} & set(settings.cors_origins):
        click.echo(f'Its pages may not read our streams yet: set cors_origins = ["{theirs}"]', err=True)


def _same(one: str, other: str) -> bool:
    """Tell whether two ids are of one document: an address has the first 12 characters of the whole id."""
    short, long = sorted((one, other), key=len)
    return short == long or len(short) >= 12 and long.startswith(short)


COMMANDS = (publish,)
