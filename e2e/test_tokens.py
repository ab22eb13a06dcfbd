"""A board that asks for a token: who has none is told so in a sentence, and told nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from e2e.conftest import Visit, Visitor
from e2e.server import Board, Server, record
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


def test_a_board_that_is_not_there(visit: Visit, house: Server) -> None:
    visitor = visit()
    visitor.guard.expect("status of 404")
    page = visitor.page()
    answer = page.goto(f"{house.url}/boards/nothing")
    assert answer and answer.status == 404 and "nothing" in page.content()
