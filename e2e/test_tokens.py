"""A board that asks for a token: who has none is told so in a sentence, and told nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Request, expect

from e2e.conftest import Visit, Visitor
from e2e.server import Board, Server, many, record
from e2e.site import Site
from grist_live.access import Access
from grist_live.board import make_board

KEY = "key-that-signs-the-tokens-of-tests"
SENTENCE = "Ce tableau demande un jeton d’accès valable."


def token(board: Board, key: str = KEY, name: str = "", expires: float | None = None) -> str:
    return Access((), [key]).token(make_board(name or board.name, {"preset": "interventions"}), expires)


@pytest.fixture
def guarded(own_server: Callable[..., Board]) -> Board:
    board = own_server(token_keys=[KEY], board={"access": "token"})
    board.post(record(1), record(2, "En cours", "Urgente"))
    return board


def refused(visitor: Visitor) -> Visitor:
    visitor.guard.expect("status of 40[13]")
    return visitor


def test_without_a_token_one_is_told_so(visit: Visit, guarded: Board) -> None:
    seen = refused(visit()).open(guarded.url)
    seen.link("refused")
    expect(seen.locator(".setup")).to_contain_text(SENTENCE)
    expect(seen.locator("#token")).to_be_visible()
    expect(seen.locator("#address")).to_have_count(0)
    expect(seen.locator("[data-row]")).to_have_count(0)
    assert "Derniere_MAJ" not in seen.page.content(), "the page tells what the board holds"


def test_a_token_in_the_address_opens_it(visit: Visit, guarded: Board) -> None:
    seen = visit().open(f"{guarded.url}?token={token(guarded)}")
    seen.has_ids(2, 1)
    seen.link("live")
    guarded.post(record(1, "Bloqué"))
    expect(seen.toast(1)).to_contain_text("→ Bloqué")


def test_a_token_that_is_typed_is_kept_until_forgotten(visit: Visit, guarded: Board) -> None:
    seen = refused(visit()).open(guarded.url)
    seen.link("refused")
    seen.locator("#token").fill("nonsense")
    seen.locator(".link-form [type=submit]").click()
    seen.link("refused")
    expect(seen.locator(".link-form .error")).to_contain_text(SENTENCE)
    seen.locator("#token").fill(token(guarded))
    seen.locator(".link-form [type=submit]").click()
    seen.has_ids(2, 1)
    seen.link("live")
    seen.page.reload()
    seen.has_ids(2, 1)
    seen.link("live")
    seen.locator("[data-action=settings]").click()
    seen.locator("[data-action=forget]").click()
    seen.page.reload()
    seen.link("refused")
    expect(seen.locator("[data-row]")).to_have_count(0)


def test_another_boards_token_says_so(visit: Visit, guarded: Board) -> None:
    seen = refused(visit()).open(f"{guarded.url}?token={token(guarded, name='another')}")
    seen.link("refused")
    expect(seen.locator(".setup")).to_contain_text("Ce jeton d’accès n’ouvre pas ce tableau")


@pytest.mark.parametrize("how", ["expired", "revoked"])
def test_an_old_token_opens_nothing(visit: Visit, guarded: Board, how: str) -> None:
    old = token(guarded, expires=time.time() - 5) if how == "expired" else token(guarded, key="a-key-that-was-removed")
    seen = refused(visit("en-GB")).open(f"{guarded.url}?token={old}")
    seen.link("refused")
    expect(seen.locator(".setup")).to_contain_text("This board asks for a valid access token.")


def test_a_token_is_not_left_in_the_address_and_goes_nowhere_else(
    visit: Visit, own_server: Callable[..., Board], grist: Site
) -> None:
    link = grist.url + "/o/docs/{row}"
    board = own_server(token_keys=[KEY], board={"access": "token", "link": link}, cors_origins=[])
    board.post(record(1))
    visitor = visit()
    good = token(board)
    asked: list[Request] = []
    visitor.context.on("request", lambda request: asked.append(request))
    seen = visitor.open(f"{board.url}?view=kanban&token={good}#here")
    seen.link("live")
    seen.until(lambda: seen.page.url, f"{board.url}?view=kanban#here")
    panel = seen.open(1)
    with visitor.context.expect_page() as opened:
        panel.locator("[data-action=open-grist]").click()
    opened.value.wait_for_url(f"{grist.url}/**")
    assert good not in opened.value.evaluate("document.referrer + location.href + JSON.stringify(localStorage)")
    theirs = [one for one in asked if not one.url.startswith(board.server.url)]
    assert theirs and not [one for one in theirs if good in one.url + str(one.all_headers())]
    ours = [one.url for one in asked if good in one.url]
    assert len(ours) == 1, "after the page itself it travels in a header"
    seen.page.go_back()
    seen.page.reload()
    seen.has_ids(1)
    seen.link("live")  # it is kept in this browser
    assert good not in seen.page.url


def test_a_token_leaves_the_address_at_once(visit: Visit, guarded: Board) -> None:
    """Also while the server doesn't answer; the tab keeps it, and a reload opens the board."""
    visitor = visit()
    visitor.guard.expect("ERR_FAILED")
    visitor.context.route("**/snapshot*", lambda route: route.abort())
    seen = visitor.open(f"{guarded.url}?token={token(guarded)}&view=kanban")
    seen.link("offline")
    assert seen.query() == "view=kanban"
    visitor.context.unroute("**/snapshot*")
    seen.page.reload()
    seen.link("live")
    assert seen.frame.evaluate("sessionStorage.length") == 0


def test_without_storage_a_token_is_known_until_the_page_closes(visit: Visit, guarded: Board) -> None:
    visitor = refused(visit())
    for store in ("localStorage", "sessionStorage"):
        gone = "{ get() { throw new DOMException('no', 'SecurityError'); } }"
        visitor.context.add_init_script(f"Object.defineProperty(window, '{store}', {gone})")
    seen = visitor.open(f"{guarded.url}?token={token(guarded)}")
    seen.link("live")
    assert seen.query() == ""
    seen.page.reload()
    seen.link("refused")
    seen.locator("#token").fill(token(guarded))
    seen.locator(".link-form [type=submit]").click()
    seen.link("live")


def test_the_newest_token_counts(visit: Visit, guarded: Board) -> None:
    """One that is kept gives way to the one in the address; a bad one in the address leaves the kept one alone."""
    visitor = refused(visit())
    old, new = token(guarded, expires=time.time() + 3), token(guarded)
    seen = visitor.open(f"{guarded.url}?token={old}")
    seen.link("live")
    seen.link("refused")
    expect(seen.locator(".notice[role=alert]")).to_contain_text(SENTENCE)
    seen = visitor.open(f"{guarded.url}?token={new}")
    seen.link("live")
    seen = visitor.open(f"{guarded.url}?token=nonsense")
    seen.link("refused")
    seen.page.reload()
    seen.link("live")


def test_a_board_of_grists_readers_opens_by_a_token_of_ours_too(
    visit: Visit, own_server: Callable[..., Board], grist: Site
) -> None:
    """Walls and phones outside Grist have no token of Grist's."""
    given = {"access": "grist", "doc": "aDocumentOfGrists"}
    board = own_server(token_keys=[KEY], board=given, grist_url=grist.url, grist_api_key="a-key")
    board.post(record(1))
    seen = refused(visit("en-GB")).open(f"{board.url}?token=eyJhbGciOi.a.b")
    seen.link("refused")
    expect(seen.locator(".pill")).to_have_text("Not connected")
    expect(seen.locator(".setup")).to_contain_text("This board asks for a valid access token.")
    seen.locator("#token").fill(token(board))
    seen.locator(".link-form [type=submit]").click()
    seen.has_ids(1)
    seen.link("live")


def test_a_board_that_is_not_there(visit: Visit, house: Server) -> None:
    visitor = visit()
    visitor.guard.expect("status of 404")
    page = visitor.page()
    answer = page.goto(f"{house.url}/boards/nothing")
    assert answer and answer.status == 404
    expect(page.locator("h1")).to_have_text("Il n’y a rien à cette adresse")
    page.locator("a").click()
    assert page.url == f"{house.url}/"


def test_what_was_missed_is_told_also_to_who_types_the_token(visit: Visit, guarded: Board) -> None:
    visitor = refused(visit())
    away = f"localStorage.setItem('grist-live:visit:{guarded.name}', String(Date.now() - 3600_000))"
    visitor.context.add_init_script(away)
    seen = visitor.open(f"{guarded.url}?priority=Urgente")
    seen.link("refused")
    seen.locator("#token").fill(token(guarded))
    seen.locator(".link-form [type=submit]").click()
    seen.has_ids(2)
    missed = seen.locator(".missed span")
    expect(missed).to_have_text("1 changement depuis votre dernière visite")  # of two: the filter's
    seen.do("filters")
    seen.do("clear")
    expect(missed).to_have_text("2 changements depuis votre dernière visite")
    seen.do("missed-close")
    expect(missed).to_have_count(0)


def test_more_than_can_be_counted_is_said_to_be_more(visit: Visit, own_server: Callable[..., Board]) -> None:
    board = own_server()
    board.post(*many(1000))
    board.post(record(2000))
    visitor = visit("en-GB")
    away = f"localStorage.setItem('grist-live:visit:{board.name}', String(Date.now() - 3600_000))"
    visitor.context.add_init_script(away)
    seen = visitor.open(board.url)
    expect(seen.locator(".missed span")).to_have_text("More than 1,000 changes since your last visit")
