"""Taking charge on the board's own page: the server writes to Grist, everybody sees it, and a refusal says what to do.

The whole way is real: browser, server, work process, Redis; Grist is the tests' stand-in, which can be made to fail.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from e2e.conftest import Visit
from e2e.dashboard import Dashboard
from e2e.server import OPEN, Server
from e2e.test_tokens import KEY
from grist_live.access import Access
from grist_live.board import load_preset, make_board
from tests.redis_server import RedisServer
from tests.standin_grist import OWNER, StandinDocument, StandinGrist

TABLE = "Interventions"
TAKE = "[data-action=take]"


class Office:
    """A server whose boards are documents of a Grist; the second board is there to be spoilt."""

    def __init__(self, server: Server, grist: StandinGrist, documents: dict[str, StandinDocument]) -> None:
        self.server, self.grist, self.documents = server, grist, documents
        self.board, self.spoilt = documents

    def url(self, token: str, board: str = "") -> str:
        return f"{self.server.url}/boards/{board or self.board}?token={token}"

    def token(self, name: str = "", may: tuple[str, ...] = ("take",), board: str = "", **more: Any) -> str:
        return Access((), [KEY]).token(make_board(board or self.board, OPEN), name=name, can=may, **more)

    def urgent(self, board: str = "") -> int:
        """Somebody enters an urgent row in Grist; return its id."""
        row = {"Statut": "En attente", "Priorite": "Urgente", "Localisation": "Gap", "ID2": "INT-7", "Agent": ""}
        [id] = self.documents[board or self.board].add_records(TABLE, [row])
        return id

    def cells(self, row: int) -> tuple[Any, Any]:
        found = self.documents[self.board].rows(TABLE)[row]
        return found["Statut"], found["Agent"]

    def writes(self) -> list[Any]:
        """What was written by REST since the test began."""
        return [body for _, path, body in self.grist.changes() if path.endswith("/apply")]


@pytest.fixture(scope="module")
def open_office(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with StandinGrist() as grist:
        columns = [{"id": c.id, "type": c.type, "isFormula": False} for c in load_preset("interventions").columns]
        documents = {name: grist.add_document() for name in ("taking", "taking-spoilt")}
        for doc in documents.values():
            doc.apply([["AddTable", TABLE, columns]])
        boards = {name: OPEN | {"access": "token", "doc": doc.id} for name, doc in documents.items()}
        settings = {"boards": boards, "grist_url": grist.url, "grist_api_key": OWNER, "token_keys": [KEY]}
        server = Server(redis_server.url, tmp_path_factory.mktemp("office"), list(documents), settings, "serve")
        try:
            server.start()
            yield Office(server, grist, documents)
        finally:
            server.stop()


@pytest.fixture
def office(open_office: Office) -> Iterator[Office]:
    """The office, with nothing left of the test before."""
    open_office.grist.requests.clear()
    yield open_office
    open_office.grist.faults.clear()
    for doc in open_office.documents.values():
        doc.delete(TABLE, *doc.rows(TABLE))


def alert(seen: Dashboard, row: int) -> Locator:
    return seen.locator(f'.alert[data-toast-row="{row}"]')


def test_it_works(visit: Visit, office: Office) -> None:
    taker = visit().open(office.url(office.token("Zoé Pham")))
    onlooker = visit("en-GB").open(office.url(office.token(may=())))
    for one in (taker, onlooker):
        one.link("live")
    row = office.urgent()
    expect(alert(onlooker, row).locator("[data-action=show]")).to_be_visible()
    expect(onlooker.locator(TAKE)).to_have_count(0)
    alert(taker, row).locator(TAKE).click()
    for one in (taker, onlooker):
        expect(alert(one, row)).to_have_count(0)
    expect(taker.toast(row)).to_have_text("Pris en charge par Zoé Pham : Gap → En cours")
    expect(onlooker.toast(row)).to_have_text("Taken by Zoé Pham: Gap → In progress")
    for one in (taker, onlooker):
        expect(one.row(row).locator(".who")).to_have_text("Zoé Pham")
    assert office.writes() == [[["UpdateRecord", TABLE, row, {"Statut": "En cours", "Agent": "Zoé Pham"}]]]
    assert office.cells(row) == ("En cours", "Zoé Pham")
    assert [t["kind"] for t in taker.seen("toasts") if t["row"] == row] == ["alert", "taken"], "told once"


def test_who_only_looks_is_offered_nothing_and_the_server_agrees(visit: Visit, office: Office) -> None:
    token = office.token(may=())
    row = office.urgent()
    visitor = visit()
    visitor.guard.expect("status of 403")
    seen = visitor.open(office.url(token))
    seen.link("live")
    panel = seen.open(row)
    expect(panel.locator(".cells")).to_be_visible()
    expect(seen.locator(TAKE)).to_have_count(0)
    tried = """([row, token]) => fetch(`${location.pathname}/rows/${row}/take`, {method: 'POST', body: '{"by":"Zoé"}',
      headers: {Authorization: `Bearer ${token}`, 'Content-Type': 'application/json'}}).then(answer => answer.status)"""
    assert seen.frame.evaluate(tried, [row, token]) == 403 and office.writes() == []


def test_without_a_name_in_the_token_one_gives_it(visit: Visit, office: Office) -> None:
    row = office.urgent()
    seen = visit().open(office.url(office.token()))
    seen.link("live")
    panel = seen.open(row)
    panel.locator(TAKE).click()
    panel.locator(".take-form input").fill("Inès Kerbrat")
    panel.locator(".take-form [type=submit]").click()
    expect(panel.locator(".status").first).to_have_text("En cours")
    assert office.cells(row) == ("En cours", "Inès Kerbrat")


def test_of_two_at_the_same_instant_one_wins_and_the_other_is_told_who(visit: Visit, office: Office) -> None:
    row = office.urgent()
    panels = {}
    for name in ("Zoé", "Luc"):
        visitor = visit("en-GB")
        visitor.guard.expect("status of 409")
        seen = visitor.open(office.url(office.token(name)))
        seen.link("live")
        panels[name] = seen, seen.open(row)
        expect(panels[name][1].locator(TAKE)).to_be_enabled()
    at = (time.time() + 0.5) * 1000
    click = f"setTimeout(() => document.querySelector('.detail {TAKE}').click(), {at} - Date.now())"
    for seen, _ in panels.values():
        seen.frame.evaluate(click)
    for _, panel in panels.values():
        expect(panel.locator(".status").first).to_have_text("In progress")
    status, winner = office.cells(row)
    assert status == "En cours" and len(office.writes()) == 1
    for name, (_, panel) in panels.items():
        told = [] if name == winner else [f"Already taken by {winner}."]
        expect(panel.locator(".error")).to_have_text(told)
        expect(panel.locator(TAKE)).to_have_count(0)


Spoil = Callable[[StandinGrist], Any]
AWAY = "Grist ne répond pas pour l’instant. Réessayez"
KEY_MAY_NOT = "Le serveur ne peut pas écrire dans Grist : sa clé d’API est révoquée, ou en lecture seule. Prévenez"
REFUSALS: dict[str, tuple[Spoil, str]] = {
    "5xx": (lambda grist: grist.fail(503, path="/apply"), AWAY),
    "no answer": (lambda grist: grist.drop(path="/apply"), AWAY),
    "access rules": (lambda grist: grist.fail(403, path="/apply", body={"error": "Blocked by …"}), KEY_MAY_NOT),
    "key revoked": (lambda grist: grist.revoke(OWNER), KEY_MAY_NOT),
}


@pytest.mark.parametrize(("spoil", "sentence"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_says_what_to_do_and_one_can_try_again(
    visit: Visit, office: Office, spoil: Spoil, sentence: str
) -> None:
    row = office.urgent()
    visitor = visit()
    visitor.guard.expect("status of 50[23]")
    seen = visitor.open(office.url(office.token("Zoé")))
    seen.link("live")
    panel = seen.open(row)
    users = dict(office.grist.keys)
    try:
        spoil(office.grist)
        panel.locator(TAKE).click()
        expect(panel.locator(".error")).to_contain_text(sentence)
        expect(panel.locator(TAKE)).to_be_enabled()
        assert office.cells(row) == ("En attente", "")
    finally:
        office.grist.keys.update(users)
    panel.locator(TAKE).click()
    expect(panel.locator(".status").first).to_have_text("En cours")
    expect(panel.locator(".error")).to_have_count(0)
    assert office.cells(row) == ("En cours", "Zoé")


def test_what_grist_wrote_too_late_to_say_so_shows_by_itself(visit: Visit, office: Office) -> None:
    row = office.urgent()
    visitor = visit("en-GB")
    visitor.guard.expect("status of 503")
    seen = visitor.open(office.url(office.token("Zoé")))
    seen.link("live")
    panel = seen.open(row)
    office.grist.slow(7, path="/apply")
    panel.locator(TAKE).click()
    expect(panel.locator(TAKE)).to_be_disabled()
    expect(panel.locator(".error")).to_contain_text("had it been written all the same, it will show here")
    expect(panel.locator(".status").first).to_have_text("In progress")
    assert office.cells(row) == ("En cours", "Zoé") and len(office.writes()) == 1


def test_a_column_that_was_removed_is_for_the_administrator(visit: Visit, office: Office) -> None:
    row = office.urgent(office.spoilt)
    visitor = visit()
    visitor.guard.expect("status of 502")
    seen = visitor.open(office.url(office.token("Zoé", board=office.spoilt), office.spoilt))
    seen.link("live")
    panel = seen.open(row)
    expect(panel.locator(TAKE)).to_be_enabled()
    office.documents[office.spoilt].apply([["RemoveColumn", TABLE, "Agent"]])
    panel.locator(TAKE).click()
    expect(panel.locator(".error")).to_contain_text("(une colonne supprimée, par exemple). Prévenez")
    assert office.writes() == []


def test_a_token_that_ends_while_the_page_is_open(visit: Visit, office: Office) -> None:
    row = office.urgent()
    visitor = visit()
    visitor.guard.expect("status of 401")
    seen = visitor.open(office.url(office.token("Zoé", expires=time.time() + 4)))
    seen.link("live")
    panel = seen.open(row)
    seen.link("refused")
    expect(seen.locator(".notice[role=alert]")).to_contain_text("demande un jeton d’accès valable")
    expect(seen.row(row)).to_be_visible()  # what was known stays
    panel.locator(TAKE).click()
    expect(panel.locator(".error")).to_contain_text("votre jeton d’accès n’est plus valable. Demandez-en un autre.")
    seen.locator(".notice button").click()
    seen.locator("#token").fill(office.token("Inès"))
    seen.locator(".link-form [type=submit]").click()
    seen.link("live")
    expect(panel.locator(TAKE)).to_be_enabled()
    panel.locator(TAKE).click()
    expect(panel.locator(".status").first).to_have_text(re.compile("En cours"))
    assert office.cells(row) == ("En cours", "Inès")
