"""The widget where its users find it: by the gallery's list, under a path behind a proxy, on another web server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from playwright.sync_api import expect

from e2e import document
from e2e.conftest import Visit, Visitor
from e2e.dashboard import Dashboard
from e2e.proxy import Proxy
from e2e.server import Board, Server, record
from e2e.site import Site

Start = Callable[..., Board]


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy()
    yield proxy
    proxy.close()


@pytest.fixture
def behind(proxy: Proxy, own_server: Start, grist: Site) -> Board:
    """A board whose users only know the proxy."""
    board = own_server(public_url=proxy.url, grist_url=grist.url, heartbeat=1.0)
    proxy.target = board.server.url
    return board


def gallery(server: str) -> list[str]:
    """The addresses in a server's list, as Grist reads it: what an entry must have is there."""
    address = f"{server}/manifest.json"
    answer = requests.get(address, timeout=10)
    assert answer.ok and answer.headers["Content-Type"].startswith("application/json")
    entries: list[dict[str, Any]] = answer.json()
    for entry in entries:
        assert {"name", "widgetId", "url", "description", "authors"} <= entry.keys() and entry["published"] is True
        assert entry["accessLevel"] in ("none", "read table", "full") and entry["renderAfterReady"] in (True, False)
        assert entry["widgetId"].startswith("@") and entry["isGristLabsMaintained"] is False
    assert len({entry["widgetId"] for entry in entries}) == len(entries) > 0
    return [urljoin(address, entry["url"]) for entry in entries]


def add_to_page(colleague: Visitor, grist: Site, folder: Path, widget: str) -> Dashboard:
    """Choose a widget in the gallery: it has its address, and no options."""
    name = f"{folder.name}.grist"
    grist.documents[name] = document.prepare(folder, widget, {})
    return colleague.open_in_grist(f"{grist.url}/open/{name}")


def lives(seen: Dashboard, board: Board) -> None:
    """The rows are Grist's, and what the stream tells shows."""
    seen.counts(total=40, urgent=4)
    seen.link("live")
    board.commit(record(20, "Bloqué", "Urgente"))
    expect(seen.row(20).locator(".status")).to_have_attribute("data-meaning", "blocked")


def test_each_widget_of_the_gallery_starts(colleague: Visitor, house: Server, grist: Site, tmp_path: Path) -> None:
    for address in gallery(house.url):
        seen = add_to_page(colleague, grist, tmp_path, address)
        seen.counts(total=40, urgent=4)
        seen.link("live")


def test_so_it_does_under_a_path_behind_a_proxy(
    colleague: Visitor, behind: Board, proxy: Proxy, grist: Site, tmp_path: Path
) -> None:
    for address in gallery(proxy.url):
        assert address.startswith(f"{proxy.url}/widgets/")
        lives(add_to_page(colleague, grist, tmp_path, address), behind)


def test_the_boards_own_page_works_under_a_path(visit: Visit, behind: Board, proxy: Proxy) -> None:
    """Previously it asked for its stream beside the path, where nobody is."""
    behind.post(record(1), record(2, "En cours", "Urgente"))
    for address in (f"{proxy.url}/boards/{behind.name}?view=list", f"{proxy.url}/"):
        seen = visit().open(address)
        seen.has_ids(2, 1)
        seen.link("live")
        behind.post(record(1, "Bloqué", Agent=address))
        expect(seen.row(1).locator(".who")).to_have_text(address)


@pytest.fixture
def www(tmp_path: Path) -> Iterator[Site]:
    """Somebody's web server with an empty folder."""
    (tmp_path / "www").mkdir()
    site = Site(tmp_path / "www")
    yield site
    site.close()


def publish(board: Board, *arguments: str | Path) -> str:
    """Run the command as a user does; return what it said."""
    env = board.server.env | {"GRIST_LIVE_PUBLIC_URL": board.server.url}
    command = [sys.executable, "-m", "grist_live", "publish", *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def published(own_server: Start, grist: Site, www: Site, tmp_path: Path) -> Board:
    """A board whose widget was published on `www`, which sends the same Content-Security-Policy as our server."""
    board = own_server(cors_origins=[www.url], grist_url=grist.url)
    assert "dashboard.html" in publish(board, "--to", tmp_path / "www")
    ours = requests.get(f"{board.server.url}/widgets/dashboard.html", timeout=10)
    policy = ours.headers["Content-Security-Policy"]
    www.headers = {"Content-Security-Policy": policy.replace("connect-src 'self'", f"connect-src {board.server.url}")}
    return board


def test_a_published_widget_works_alone(visit: Visit, published: Board, www: Site) -> None:
    published.post(record(1), record(2, "En cours", "Urgente"))
    for file in ("dashboard.html", "grist-realtime-dashboard-widget.html"):
        seen = visit().open(f"{www.url}/{file}")
        seen.has_ids(2, 1)  # it knows its server, and asks for nothing
        seen.link("live")
    published.post(record(1, "Bloqué"))
    expect(seen.row(1).locator(".status")).to_have_text("Bloqué")


def test_a_published_widget_works_in_grist_by_its_own_list(
    colleague: Visitor, published: Board, www: Site, grist: Site, tmp_path: Path
) -> None:
    for address in gallery(www.url):
        assert address == f"{www.url}/dashboard.html"
        lives(add_to_page(colleague, grist, tmp_path, address), published)
