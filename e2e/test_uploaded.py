"""The built file on somebody else's web server: it asks for our address, and our server must allow that site."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

import build
from e2e import document
from e2e.conftest import Visit, Visitor
from e2e.dashboard import Dashboard
from e2e.server import Board, record
from e2e.site import Site
from e2e.test_tokens import KEY, token

Start = Callable[..., Board]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, grist: Site) -> Iterator[Site]:
    """A web server with the file as it is built (`/plain`), and as it is built for a Grist server (`/for-grist`)."""
    folder = tmp_path_factory.mktemp("uploaded")
    build.build(folder / "plain")
    build.build(folder / "for-grist", grist_url=grist.url)
    site = Site(folder)
    yield site
    site.close()


def uploaded(site: Site, how: str = "plain") -> str:
    return f"{site.url}/{how}/widgets/dashboard.html"


def give(seen: Dashboard, address: str) -> None:
    seen.locator("#address").fill(address)
    seen.locator(".link-form [type=submit]").click()


def test_it_asks_for_the_address_and_remembers_it(visit: Visit, own_server: Start, elsewhere: Site) -> None:
    board = own_server(cors_origins=[elsewhere.url], name="interventions")
    board.post(record(1), record(2, "En cours", "Urgente"))
    seen = visit().open(uploaded(elsewhere))
    expect(seen.locator(".setup")).to_contain_text("Donnez l’adresse du serveur grist_live")
    give(seen, board.server.url)
    seen.has_ids(2, 1)
    seen.link("live")
    board.post(record(1, "Bloqué"))
    expect(seen.toast(1)).to_contain_text("→ Bloqué")
    seen.page.reload()
    seen.has_ids(2, 1)
    seen.link("live")


def test_what_is_no_address_is_told(visit: Visit, elsewhere: Site) -> None:
    seen = visit("en-GB").open(uploaded(elsewhere))
    for wrong in ("javascript:alert(1)", "live.example.org", "", "https://"):
        give(seen, wrong)
        expect(seen.locator(".link-form .error")).to_contain_text("This is not a web address.")
        expect(seen.locator("#address")).to_have_attribute("aria-invalid", "true")
    seen.link("none")


def test_a_server_that_does_not_allow_the_site_is_told(visit: Visit, own_server: Start, elsewhere: Site) -> None:
    board = own_server(cors_origins=["https://another.example.org"])
    board.post(record(1))
    visitor = visit()
    visitor.guard.expect("CORS policy", "Failed to load resource")
    seen = visitor.open(uploaded(elsewhere))
    give(seen, board.stream)
    notice = seen.locator(".notice[role=alert]")
    expect(notice).to_contain_text(f"Pas de réponse de {board.stream}.")
    expect(notice).to_contain_text(f"autorise les pages de {elsewhere.url} (son réglage cors_origins)")
    expect(seen.locator("[data-row]")).to_have_count(0)
    notice.locator("button").click()
    expect(seen.locator(".panel #address")).to_have_value(board.stream)


def test_a_token_board_works_from_elsewhere(visit: Visit, own_server: Start, elsewhere: Site) -> None:
    board = own_server(cors_origins=["*"], token_keys=[KEY], board={"access": "token"})
    board.post(record(1))
    visitor = visit()
    visitor.guard.expect("status of 401")
    seen = visitor.open(uploaded(elsewhere))
    give(seen, board.stream)
    expect(seen.locator(".setup .error")).to_contain_text("demande un jeton")
    seen.locator("#token").fill(token(board))
    give(seen, board.stream)
    seen.has_ids(1)
    seen.link("live")


def test_it_says_so_in_grist_when_it_does_not_know_its_grist(
    colleague: Visitor, grist: Site, elsewhere: Site, tmp_path: Path
) -> None:
    grist.documents["plain.grist"] = document.prepare(tmp_path, uploaded(elsewhere), {})
    seen = colleague.open_in_grist(f"{grist.url}/open/plain.grist")
    expect(seen.locator(".notice[role=alert]")).to_contain_text(re.compile("build.py --grist-url"))


def test_built_for_a_grist_it_works_in_it(
    colleague: Visitor, own_server: Start, grist: Site, elsewhere: Site, tmp_path: Path
) -> None:
    board = own_server(cors_origins=[elsewhere.url])
    options = {"stream": board.stream, "language": "fr"}
    grist.documents["uploaded.grist"] = document.prepare(tmp_path, uploaded(elsewhere, "for-grist"), options)
    seen = colleague.open_in_grist(f"{grist.url}/open/uploaded.grist")
    seen.counts(total=40, urgent=4)
    seen.link("live")
    board.commit(record(20, "Bloqué", "Urgente"))
    expect(seen.row(20).locator(".status")).to_have_text("Bloqué")
    assert seen.seen("flashes") == [20]


def test_built_for_a_grist_without_a_stream_it_shows_the_rows(
    colleague: Visitor, grist: Site, elsewhere: Site, tmp_path: Path
) -> None:
    widget = uploaded(elsewhere, "for-grist")
    grist.documents["no-stream.grist"] = document.prepare(tmp_path, widget, {"language": "fr"})
    seen = colleague.open_in_grist(f"{grist.url}/open/no-stream.grist")
    seen.counts(total=40)
    seen.link("none")
    expect(seen.locator(".notice")).to_contain_text("Donnez son adresse dans les réglages")
