"""The whole way on a real Grist server: `GRIST_URL=… GRIST_API_KEY=… make test-grist`.

A document is made in the first workspace that the key may write to (or in GRIST_WORKSPACE_ID), and deleted in the end.
The server must be able to reach this machine's loopback addresses by its webhooks (ALLOWED_WEBHOOK_DOMAINS).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import Visit, Visitor, in_frame
from e2e.dashboard import Dashboard
from e2e.real_grist import Document, Grist, Setup
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.grist, pytest.mark.timeout(240)]
SAMPLES = 20
FAR = 40
"""Seconds that a webhook may take: Grist waits between two sendings, and longer after one that failed."""


@pytest.fixture(scope="module")
def setup(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    """A document that was bootstrapped with sample rows, and its server."""
    grist = Grist()
    document = Document(grist)
    server = Setup(document, redis_server.url, tmp_path_factory.mktemp("real"))
    try:
        server.bootstrap("--sample-data", str(SAMPLES))
        server.start()
        yield server
    finally:
        server.stop()
        document.delete()
        grist.close()


@pytest.fixture
def row(setup: Setup) -> int:
    """A new urgent row, so that it stands among the first."""
    given = {"Agent": "Zoé", "Localisation": "Gap", "Statut": "En attente", "Priorite": "Urgente"}
    [id] = setup.document.add(given)
    return id


@pytest.fixture
def outside(visit: Visit, setup: Setup, row: int) -> Dashboard:
    """The dashboard in a tab of its own, live, with the row in sight."""
    seen = visit().open(f"{setup.url}/?token={setup.token}")
    seen.link("live")
    expect(seen.row(row)).to_be_visible(timeout=FAR * 1000)
    return seen


@pytest.fixture
def inside(colleague: Visitor, setup: Setup, row: int) -> Dashboard:
    """The dashboard in Grist's own page, live, with the row in sight."""
    colleague.guard.not_ours(setup.document.grist.url)
    page = colleague.page()
    page.goto(setup.page)
    seen = in_frame(page)
    seen.link("live", seconds=60)
    expect(seen.row(row)).to_be_visible()
    return seen


def in_grist(page: Page, *actions: list[object]) -> None:
    """Do what a user does in Grist's page, by the page's own way to its document."""
    page.evaluate("actions => gristDocPageModel.gristDoc.get().docData.sendActions(actions)", list(actions))


def undo(page: Page) -> None:
    """Ctrl-Z, which Grist takes by this command."""
    page.evaluate("gristDocPageModel.gristDoc.get().getUndoStack().sendUndoAction()")


def shows(seen: Dashboard, row: int, status: str) -> None:
    expect(seen.row(row).locator(".status")).to_have_text(status, timeout=FAR * 1000)


def holds(setup: Setup, seen: Dashboard, row: int, status: str | None) -> None:
    """Wait until the server has it, too."""
    seen.until(lambda: (setup.board().get(row) or {}).get("statut"), status, seconds=FAR)


def test_it_works(setup: Setup, outside: Dashboard, inside: Dashboard, row: int) -> None:
    """The rows, and one edit in Grist, on the dashboard in its tab and in Grist."""
    total = len(setup.document.rows())
    assert total > SAMPLES
    for seen in (outside, inside):
        seen.counts(total=total)
        assert row not in seen.seen("flashes") or seen is outside
    before = {seen: seen.seen("flashes").count(row) for seen in (outside, inside)}
    setup.document.edit(row, Statut="Bloqué")
    for seen in (outside, inside):
        shows(seen, row, "Bloqué" if seen.locator("html").get_attribute("lang") == "fr" else "Blocked")
        expect(seen.row(row).locator(".new")).to_be_visible()
    holds(setup, outside, row, "Bloqué")
    inside.after_two_frames()
    for seen in (outside, inside):
        assert seen.seen("flashes").count(row) == before[seen] + 1
    assert setup.document.rows()[row]["Statut"] == "Bloqué"


def test_a_second_bootstrap_has_nothing_to_do(setup: Setup) -> None:
    before = setup.config.read_text()
    columns = setup.document.ask("GET", "/tables/Interventions/columns")
    webhooks = [w["fields"] for w in setup.document.ask("GET", "/webhooks")["webhooks"]]
    said = setup.bootstrap()
    assert "Nothing to do." in said and "✓" not in said.split("Nothing to do.")[1]
    assert setup.config.read_text() == before
    assert setup.document.ask("GET", "/tables/Interventions/columns") == columns
    assert [w["fields"] for w in setup.document.ask("GET", "/webhooks")["webhooks"]] == webhooks and len(webhooks) == 1
    assert len([t for t in setup.document.ask("GET", "/tables")["tables"] if t["id"].startswith("Interventions")]) == 1


def test_a_row_is_added_and_deleted(setup: Setup, outside: Dashboard, inside: Dashboard) -> None:
    fields = {"Agent": "Aïcha", "Localisation": "Gap", "Statut": "En cours", "Priorite": "Urgente"}
    [id] = setup.document.add(fields)
    for seen in (outside, inside):
        expect(seen.row(id).locator(".place")).to_have_text("Gap", timeout=FAR * 1000)
        expect(seen.row(id).locator(".new")).to_be_visible()
    expect(outside.toast(id)).to_have_text("Aïcha : Gap → En cours")
    holds(setup, outside, id, "En cours")
    setup.document.remove(id)
    expect(inside.row(id)).to_have_count(0)  # Grist itself tells it
    expect(outside.row(id)).to_have_count(0)  # no webhook tells of a deletion, the live source does
    assert id not in setup.board()
    said = setup.run("reconcile", "--whole")
    assert re.search(r"the whole table: \d+ rows, 0 changes", said), said


def test_undo_of_an_edit(setup: Setup, outside: Dashboard, inside: Dashboard, row: int) -> None:
    in_grist(inside.page, ["UpdateRecord", "Interventions", row, {"Statut": "En cours"}])
    shows(outside, row, "En cours")
    holds(setup, outside, row, "En cours")
    later = setup.document.rows()[row]["Derniere_MAJ"]
    undo(inside.page)
    shows(outside, row, "En attente")
    expect(inside.row(row).locator(".status[data-meaning=waiting]")).to_be_visible()
    holds(setup, outside, row, "En attente")
    assert setup.document.rows()[row]["Derniere_MAJ"] < later, "undo sets the time back: it is no clock"


def test_undo_of_a_deletion(setup: Setup, outside: Dashboard, inside: Dashboard, row: int) -> None:
    in_grist(inside.page, ["RemoveRecord", "Interventions", row])
    expect(inside.row(row)).to_have_count(0)
    setup.run("reconcile")
    expect(outside.row(row)).to_have_count(0)
    undo(inside.page)
    expect(inside.row(row)).to_be_visible()
    expect(outside.row(row)).to_be_visible(timeout=FAR * 1000)  # Grist tells it as an add
    holds(setup, outside, row, "En attente")


def test_what_happens_while_the_server_is_away_is_caught_up(
    setup: Setup, outside: Dashboard, visitors: list[Visitor], row: int
) -> None:
    [other] = setup.document.add({"Agent": "Luc", "Localisation": "Digne", "Statut": "En cours", "Priorite": "Urgente"})
    expect(outside.row(other)).to_be_visible(timeout=FAR * 1000)
    visitors[0].guard.expect(r"Failed to load resource|net::ERR_")
    setup.kill()
    outside.link("offline")
    setup.document.edit(row, Statut="Bloqué")
    setup.document.remove(other)
    setup.start()
    outside.link("live", seconds=90)
    shows(outside, row, "Bloqué")
    expect(outside.row(other)).to_have_count(0, timeout=FAR * 1000)
    assert set(setup.board()) == set(setup.document.rows())


def test_after_many_edits_board_and_table_are_the_same(setup: Setup, outside: Dashboard, row: int) -> None:
    for n in range(60):
        setup.document.edit(row, Commentaire=f"n° {n}", Statut=["En cours", "Bloqué", "En attente"][n % 3])
    expect(outside.row(row).locator(".comment")).to_have_text("n° 59", timeout=FAR * 1000)
    assert setup.board()[row]["commentaire"] == "n° 59"
    table = {id: (f["Agent"], f["Statut"], f["Commentaire"]) for id, f in setup.document.rows().items()}
    assert {id: (r["agent"], r["statut"], r["commentaire"]) for id, r in setup.board().items()} == table


def test_status_and_test_say_that_all_is_well(setup: Setup) -> None:
    said = setup.run("status")
    assert "interventions" in said, said
    setup.run("test")
