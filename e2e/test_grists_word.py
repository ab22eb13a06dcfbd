"""Boards that open by Grist's word, the whole way: the widget's token, our server's question, Grist's answer.

The page is Grist's real interface; who may read what is said by the tests' stand-in, which real Grist's REST was
recorded for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e import document
from e2e.conftest import Visitor
from e2e.dashboard import Dashboard
from e2e.server import Board
from e2e.site import DIST, Site
from e2e.test_tokens import KEY
from grist_live.board import make_board
from tests.standin_grist import OUTSIDER, OWNER, VIEWER, StandinDocument, StandinGrist

PLUGIN_API = "grist-plugin-api.js"


@pytest.fixture
def words() -> Iterator[StandinGrist]:
    """Who may read what."""
    with StandinGrist() as standin:
        yield standin


@pytest.fixture
def doc(words: StandinGrist) -> StandinDocument:
    return words.add_document()


@pytest.fixture
def open_as(
    colleague: Visitor,
    own_server: Callable[..., Board],
    grist: Site,
    words: StandinGrist,
    doc: StandinDocument,
    tmp_path: Path,
) -> Callable[..., Dashboard]:
    """Open the widget as somebody for whom Grist makes such tokens."""

    def open(make_token: Callable[[], str]) -> Dashboard:
        board = own_server(
            grist_url=words.url,
            grist_api_key=OWNER,
            frame_ancestors=[grist.url],
            token_keys=[KEY],
            board={"access": "grist", "doc": doc.id},
        )
        described = make_board(board.name, {"preset": "interventions", "access": "grist"}).describe()
        options = {"stream": board.stream, "language": "fr", "board": described}
        widget = f"{board.server.url}/widgets/dashboard.html"
        grist.documents["word.grist"] = document.prepare(tmp_path, widget, options, access="full")
        script = """const wait = setInterval(() => {
          if (!window.grist?.docApi) return;
          clearInterval(wait);
          grist.docApi.getAccessToken = async () => ({token: await window.tokenOfGrists()});
        }, 1);"""
        plain = colleague.page

        def page() -> Page:
            made = plain()
            made.expose_function("tokenOfGrists", make_token)
            made.add_init_script(script)
            made.route(f"{words.url}/{PLUGIN_API}", lambda route: route.fulfill(path=DIST / PLUGIN_API))
            return made

        colleague.page = page  # type: ignore[method-assign]
        return colleague.open_in_grist(f"{grist.url}/open/word.grist")

    return open


def test_access_that_grist_takes_away_ends_with_the_next_token(
    colleague: Visitor, open_as: Callable[..., Dashboard], words: StandinGrist, doc: StandinDocument
) -> None:
    colleague.guard.expect("status of 403")
    seen = open_as(lambda: words.access_token(doc.id, 6, VIEWER))
    seen.link("live", seconds=45)
    seen.counts(total=40, urgent=4)
    asked = [path for _, path, _ in words.requests if "compare" in path]
    seen.until(lambda: len([p for _, p, _ in words.requests if "compare" in p]) > len(asked))  # made new in time
    seen.link("live")
    words.partial_readers.add(VIEWER)
    seen.link("none", seconds=20)
    expect(seen.locator(".notice")).to_contain_text("Vous voyez une partie de ce document")
    seen.counts(total=40, urgent=4)


def test_who_may_not_read_the_document_gets_no_stream(
    colleague: Visitor, open_as: Callable[..., Dashboard], words: StandinGrist, doc: StandinDocument
) -> None:
    colleague.guard.expect("status of 403")
    seen = open_as(lambda: words.access_token(doc.id, 60, OUTSIDER))
    expect(seen.locator(".notice")).to_contain_text("Grist n’a pas pu confirmer")
    seen.link("none")
    seen.counts(total=40)


def test_a_token_that_grist_does_not_know_opens_nothing(colleague: Visitor, open_as: Callable[..., Dashboard]) -> None:
    colleague.guard.expect("status of 401")
    seen = open_as(lambda: "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln")
    expect(seen.locator(".notice")).to_contain_text("Grist n’a pas pu confirmer")
    seen.link("none")


def test_while_grist_can_not_be_asked_the_link_is_offline_and_is_tried_again(
    colleague: Visitor, open_as: Callable[..., Dashboard], words: StandinGrist, doc: StandinDocument
) -> None:
    colleague.guard.expect("status of 503")
    words.fail(503, times=99, path="compare")
    seen = open_as(lambda: words.access_token(doc.id, 60, VIEWER))
    seen.link("offline", seconds=45)
    expect(seen.locator(".notice")).to_have_count(0)  # previously: "no server is set"
    seen.counts(total=40)
    words.faults.clear()
    seen.locator(".pill").click()  # sooner than it would by itself
    seen.link("live")
