"""The dashboard as a custom widget, in Grist's real interface: Grist says which rows there are, the stream is ahead."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from e2e import document
from e2e.conftest import Visit, Visitor
from e2e.dashboard import Dashboard
from e2e.server import Board, record
from e2e.site import Site
from e2e.test_tokens import KEY, token
from grist_live.board import make_board
from tests.redis_server import free_port

Start = Callable[..., Board]
Open = Callable[..., Dashboard]
Put = Callable[..., str]
URGENT = [20, 26, 30, 37]
"""Rows of the document that are urgent and not done, in their order."""


@pytest.fixture
def put(grist: Site, tmp_path: Path) -> Callable[..., str]:
    """Make a document whose widget is a board's; return the address at which Grist opens it."""

    def make(board: Board, options: dict[str, Any] | None = None, query: str = "", **more: Any) -> str:
        given = {"stream": board.stream, "token": "", "language": "fr"} if options is None else options
        name = f"{board.name}.grist"
        grist.documents[name] = document.prepare(
            tmp_path, f"{board.server.url}/widgets/dashboard.html{query}", given, **more
        )
        return f"{grist.url}/open/{name}"

    return make


@pytest.fixture
def open_board(colleague: Visitor, board: Board, put: Put) -> Open:
    """Open the test's board inside Grist, and wait until it is live."""

    def open(**more: Any) -> Dashboard:
        seen = colleague.open_in_grist(put(board, **more))
        seen.link("live", seconds=45)
        expect(seen.locator("[data-row]").first).to_be_visible()
        return seen

    return open


@pytest.fixture
def nobody() -> str:
    """An address on this machine at which nobody answers."""
    return f"http://127.0.0.1:{free_port()}"


def in_grist(page: Page, *actions: list[Any]) -> None:
    """Do what a user of Grist does, by the interface's own way to its document."""
    page.evaluate("actions => gristDocPageModel.gristDoc.get().docData.sendActions(actions)", list(actions))


def webhook_of(page: Page, id: int, **changes: Any) -> dict[str, Any]:
    """The row as Grist holds it, as its webhook would tell it: whole, flat; with these changes."""
    script = "id => gristDocPageModel.gristDoc.get().docData.getTable('Interventions').getRecord(id)"
    found: dict[str, Any] = page.evaluate(script, id)
    return found | changes


def without_id(told: dict[str, Any]) -> dict[str, Any]:
    """The cells that a user action writes."""
    return {name: cell for name, cell in told.items() if name not in ("id", "manualSort")}


def test_it_works(open_board: Open, board: Board) -> None:
    seen = open_board()
    seen.counts(total=40, urgent=4, waiting=20, active=9, blocked=3, done=8)
    assert seen.ids()[:4] == URGENT, "rows come from Grist: the board on the server is empty"
    assert board.rows() == {}
    expect(seen.row(20).locator(".place")).to_have_text("Nîmes, Arènes")
    expect(seen.locator(".pill-text")).to_have_text("En direct")  # the document's language, not the browser's
    assert seen.seen("flashes") == seen.seen("toasts") == []


def test_an_edit_typed_in_grist_shows(open_board: Open) -> None:
    seen = open_board(grid=True)
    line = seen.page.locator(".gridview_row", has_text="INT-2026-0009")
    line.locator(".field", has_text="Luc Moreau").click()
    seen.page.keyboard.type("Zoé d’Arc")
    seen.page.keyboard.press("Enter")
    expect(seen.row(9).locator(".who")).to_have_text("Zoé d’Arc")
    expect(seen.toast(9)).to_have_text("Zoé d’Arc : Marseille, Vieux-Port → En cours")
    expect(seen.row(9).locator(".time")).to_have_text("à l’instant")
    assert seen.seen("flashes") == [9] and len(seen.seen("toasts")) == 1


def test_rows_come_and_go_with_grist(open_board: Open) -> None:
    seen = open_board()
    fields = {"Agent": "Zoé", "Localisation": "Gap", "Statut": "En cours", "Priorite": "Urgente"}
    in_grist(seen.page, ["AddRecord", "Interventions", None, fields])
    expect(seen.row(41).locator(".new")).to_have_text("Nouveau")
    seen.counts(total=41, urgent=5)
    expect(seen.toast(41)).to_have_text("Zoé : Gap → En cours")
    in_grist(seen.page, ["RemoveRecord", "Interventions", 41], ["RemoveRecord", "Interventions", 20])
    seen.counts(total=39, urgent=3)
    expect(seen.row(20)).to_have_count(0)
    in_grist(seen.page, ["UpdateRecord", "Interventions", 30, {"Derniere_MAJ": time.time()}])
    expect(seen.row(30).locator(".time")).to_have_text("à l’instant")
    assert seen.seen("flashes") == [41], "the time alone is no news"


def test_the_stream_is_ahead_of_grist_and_told_once(open_board: Open, visit: Visit, board: Board) -> None:
    seen, outside = open_board(), visit().open(board.url)
    outside.link("live")
    told = webhook_of(seen.page, 20, Agent="Zoé", Localisation="Gap", Statut="Bloqué")
    board.post(told)
    expect(seen.row(20).locator(".status")).to_have_text("Bloqué")
    expect(seen.row(20).locator(".place")).to_have_text("Gap")
    expect(seen.toast(20)).to_have_text("Zoé : Gap → Bloqué")
    assert webhook_of(seen.page, 20)["Statut"] == "En cours", "Grist doesn't know it yet"
    in_grist(seen.page, ["UpdateRecord", "Interventions", 20, without_id(told)])
    in_grist(seen.page, ["UpdateRecord", "Interventions", 26, {"Statut": "En cours"}])
    expect(seen.toast(26)).to_be_visible()  # which Grist told after the other
    assert seen.seen("flashes") == [20, 26]
    assert [toast["row"] for toast in seen.seen("toasts")] == [20, 26]
    seen.counts(total=40, urgent=4, blocked=4)
    assert outside.seen("flashes") == [20] and outside.seen("toasts")[0] == seen.seen("toasts")[0]


def test_grist_is_ahead_of_the_stream_and_told_once(open_board: Open, board: Board) -> None:
    seen = open_board()
    board.post(webhook_of(seen.page, 26), webhook_of(seen.page, 30))  # what the server knew before
    there, back = {"Statut": "Bloqué"}, {"Statut": "En attente"}
    in_grist(seen.page, ["UpdateRecord", "Interventions", 26, there])
    expect(seen.toast(26)).to_contain_text("→ Bloqué")
    in_grist(seen.page, ["UpdateRecord", "Interventions", 26, back])
    expect(seen.row(26).locator(".status")).to_have_text("En attente")
    seen.until(lambda: seen.seen("flashes"), [26, 26])
    for told in (there, back):
        board.post(webhook_of(seen.page, 26, **told))
    board.post(webhook_of(seen.page, 30, Statut="En cours"))
    expect(seen.row(30).locator(".new")).to_be_visible()
    expect(seen.row(26).locator(".status")).to_have_text("En attente")
    assert seen.seen("flashes") == [26, 26, 30]


def test_an_add_is_held_until_grist_shows_the_row(open_board: Open, board: Board) -> None:
    seen = open_board()
    board.post(record(41, "En cours", "Urgente"))
    board.post(webhook_of(seen.page, 26, Statut="Bloqué"))
    expect(seen.toast(26)).to_be_visible()  # the second has arrived: so has the first
    seen.counts(total=40, urgent=4)
    expect(seen.row(41)).to_have_count(0)
    in_grist(seen.page, ["AddRecord", "Interventions", None, without_id(record(41, "En cours", "Urgente"))])
    expect(seen.row(41)).to_be_visible()
    expect(seen.toast(41)).to_have_text("Zoé Martin : 41 rue de l’Église, Gap → En cours")
    seen.counts(total=41, urgent=5)
    in_grist(seen.page, ["UpdateRecord", "Interventions", 30, {"Statut": "En cours"}])
    expect(seen.row(30).locator(".status")).to_have_text("En cours")
    assert seen.seen("flashes").count(41) == 1
    assert [toast["row"] for toast in seen.seen("toasts")].count(41) == 1


def test_a_removal_on_the_stream_leaves_it_to_grist(open_board: Open, board: Board) -> None:
    seen = open_board()
    told = webhook_of(seen.page, 20, Statut="Bloqué")
    board.post(told)
    expect(seen.row(20).locator(".status")).to_have_text("Bloqué")
    board.remove(20)
    board.post(webhook_of(seen.page, 26, Statut="Bloqué"))
    expect(seen.toast(26)).to_be_visible()  # the later one has arrived
    expect(seen.row(20)).to_be_visible()
    seen.counts(total=40)
    in_grist(seen.page, ["RemoveRecord", "Interventions", 20])
    expect(seen.row(20)).to_have_count(0)
    board.post(told)  # undo brings a row back under its old id
    board.post(webhook_of(seen.page, 30, Statut="Bloqué"))
    expect(seen.row(30).locator(".new")).to_be_visible()
    expect(seen.row(20)).to_have_count(0)
    in_grist(seen.page, ["AddRecord", "Interventions", 20, without_id(told)])
    expect(seen.row(20).locator(".new")).to_be_visible()
    assert seen.seen("flashes").count(20) == 2


def test_a_filter_in_grist_limits_the_rows(open_board: Open, board: Board) -> None:
    seen = open_board(only={"Priorite": ["Urgente"]})
    seen.counts(total=5, urgent=4, done=1)
    seen.has_ids(*URGENT)
    board.post(record(1, "Bloqué", "Urgente"))  # a row that the filter hides: not ours to show
    board.post(webhook_of(seen.page, 20, Statut="Bloqué"))
    expect(seen.toast(20)).to_be_visible()
    seen.has_ids(*URGENT)
    seen.counts(total=5, urgent=4)
    in_grist(seen.page, ["UpdateRecord", "Interventions", 26, {"Priorite": "Basse"}])
    seen.counts(total=4, urgent=3)


def test_the_cursor_goes_both_ways(open_board: Open) -> None:
    seen = open_board(grid=True)
    cursor = "gristDocPageModel.gristDoc.get().viewModel.viewSections().all().find(s => s.parentKey() === 'record')"
    row = f"(() => {{ const v = {cursor}.viewInstance(); return v.cursor.getCursorPos().rowId; }})()"
    seen.open(26)
    seen.until(lambda: seen.page.evaluate(row), 26)
    line = seen.page.locator(".gridview_row", has_text="INT-2026-0025")
    line.locator(".field").nth(1).click()
    expect(seen.locator('.detail[data-detail="25"]')).to_be_visible()
    expect(seen.row(25).locator(".open")).to_have_attribute("tabindex", "0")


def test_columns_with_other_ids_are_mapped(open_board: Open, board: Board) -> None:
    names = {"Statut": "Etat", "Priorite": "Gravite", "Localisation": "Ou"}
    seen = open_board(renamed=names)
    seen.counts(total=40, urgent=4, waiting=20, active=9, blocked=3, done=8)
    expect(seen.row(20).locator(".place")).to_have_text("Nîmes, Arènes")
    expect(seen.locator(".toast")).to_have_count(0)  # what mapping changes, nobody has edited
    board.post(record(20, "Bloqué", "Urgente"))  # the stream speaks of the board's own ids
    expect(seen.row(20).locator(".status")).to_have_text("Bloqué")
    in_grist(seen.page, ["UpdateRecord", "Interventions", 26, {"Etat": "Bloqué", "Ou": "Gap"}])
    expect(seen.row(26).locator(".status")).to_have_text("Bloqué")
    expect(seen.row(26).locator(".place")).to_have_text("Gap")


def test_columns_that_are_mapped_to_nothing_are_named(open_board: Open) -> None:
    """Once one column is mapped, Grist delivers the mapped ones alone."""
    seen = open_board(mapped=["ID2", "Statut", "Priorite", "Derniere_MAJ"])
    told = seen.locator("[data-unmapped]")
    expect(told).to_contain_text("Associez-les dans Grist")
    expect(told).to_contain_text("vides : Agent, Localisation, Type, Commentaire.")
    seen.counts(total=40, urgent=4)


def test_with_full_access_columns_that_are_mapped_to_nothing_are_read_by_their_ids(open_board: Open) -> None:
    seen = open_board(access="full", mapped=["Statut"], only={"Priorite": ["Urgente"]})
    seen.counts(total=5, urgent=4, done=1)
    expect(seen.row(20).locator(".place")).to_have_text("Nîmes, Arènes")
    expect(seen.locator("[data-unmapped]")).to_have_count(0)
    in_grist(seen.page, ["UpdateRecord", "Interventions", 20, {"Localisation": "Gap", "Statut": "Bloqué"}])
    expect(seen.row(20).locator(".place")).to_have_text("Gap")
    expect(seen.row(20).locator(".status")).to_have_text("Bloqué")


def test_who_takes_a_row_that_grist_says_is_somebody_elses_is_told_whose(
    colleague: Visitor, board: Board, put: Put
) -> None:
    """Previously the last one to press the button had it."""
    seen = colleague.open_in_grist(put(board, access="full"))
    seen.link("live")
    in_grist(seen.page, ["UpdateRecord", "Interventions", 9, {"Priorite": "Urgente", "Statut": "En attente"}])
    alert = seen.locator('.alert[data-toast-row="9"]')
    alert.locator("[data-action=take]").click()
    alert.locator(".take-form input").fill("Zoé")
    seen.frame.evaluate("() => { window.setTimeout = () => 0; }")  # Grist's news are still on their way
    in_grist(seen.page, ["UpdateRecord", "Interventions", 9, {"Statut": "En cours", "Agent": "Paul Rossi"}])
    alert.locator(".take-form [type=submit]").click()
    expect(alert.locator(".error")).to_contain_text("Paul Rossi")
    assert webhook_of(seen.page, 9)["Agent"] == "Paul Rossi"


@pytest.mark.parametrize("renamed", [{}, {"Statut": "Etat", "Agent": "Qui"}], ids=["usual columns", "other ids"])
def test_taking_charge_writes_into_grist(colleague: Visitor, board: Board, put: Put, renamed: dict[str, str]) -> None:
    status, who = renamed.get("Statut", "Statut"), renamed.get("Agent", "Agent")
    seen = colleague.open_in_grist(put(board, access="full", renamed=renamed))
    seen.link("live")
    in_grist(seen.page, ["UpdateRecord", "Interventions", 9, {"Priorite": "Urgente", status: "En attente"}])
    alert = seen.locator('.alert[data-toast-row="9"]')
    alert.locator("[data-action=take]").click()
    alert.locator(".take-form input").fill("Zoé d’Arc")
    alert.locator(".take-form [type=submit]").click()
    expect(alert).to_have_count(0)
    expect(seen.toast(9)).to_have_text("Pris en charge par Zoé d’Arc : Marseille, Vieux-Port → En cours")
    found = webhook_of(seen.page, 9)
    assert (found[status], found[who]) == ("En cours", "Zoé d’Arc")


def test_what_grist_refuses_is_not_laid_at_the_readers_door(colleague: Visitor, board: Board, put: Put) -> None:
    """Previously nearly all that Grist said read "you may look at this board, but not change it"."""
    seen = colleague.open_in_grist(put(board, access="full"))
    seen.link("live")
    in_grist(seen.page, ["UpdateRecord", "Interventions", 9, {"Priorite": "Urgente", "Statut": "En attente"}])
    alert = seen.locator('.alert[data-toast-row="9"]')
    alert.locator("[data-action=take]").click()
    alert.locator(".take-form input").fill("Zoé")
    in_grist(seen.page, ["RemoveColumn", "Interventions", "Agent"])
    alert.locator(".take-form [type=submit]").click()
    expect(alert.locator(".error")).to_contain_text("Grist refuse : sa table n’est pas celle que le tableau attend")
    expect(alert.locator("[data-action=take]")).to_be_enabled()
    assert webhook_of(seen.page, 9)["Statut"] == "En attente"


def test_taking_charge_needs_full_access(open_board: Open) -> None:
    seen = open_board()
    in_grist(seen.page, ["UpdateRecord", "Interventions", 9, {"Priorite": "Urgente", "Statut": "En attente"}])
    expect(seen.locator('.alert[data-toast-row="9"] [data-action=show]')).to_be_visible()
    expect(seen.locator("[data-action=take]")).to_have_count(0)


def test_the_widgets_own_address_may_say_what_to_show(colleague: Visitor, board: Board, put: Put) -> None:
    address = put(board, query="?view=kanban&kind=Voirie")
    seen = colleague.open_in_grist(address)
    expect(seen.locator("main")).to_have_attribute("data-view", "kanban")
    expect(seen.locator(".chip")).to_have_text("Voirie")
    seen.view("list")
    seen.frame.evaluate("setTimeout(() => location.reload())")
    expect(seen.locator(".chip")).to_have_text("Voirie")
    expect(seen.locator("main")).to_have_attribute("data-view", "list")  # the browser remembers
    expect(seen.locator("[data-row]").first).to_be_visible()


def test_who_has_chosen_nothing_follows_the_owners_choice(colleague: Visitor, board: Board, put: Put) -> None:
    for view in ("kanban", "timeline"):
        seen = colleague.open_in_grist(put(board, query=f"?view={view}"))
        expect(seen.locator("main")).to_have_attribute("data-view", view)
        seen.link("live")
        expect(seen.locator("[data-row], .timeline, .empty").first).to_be_attached()


@pytest.mark.parametrize("appearance", ["dark", "light"])
def test_the_theme_follows_grist_not_the_browser(colleague: Visitor, board: Board, put: Put, appearance: str) -> None:
    dark = appearance == "dark"
    name = f"Grist{appearance.title()}"
    theme: dict[str, Any] = {"themeAppearance": appearance, "themeSyncWithOs": "false", "themeName": name}
    seen = colleague.open_in_grist(put(board), dark=not dark, **theme)
    expect(seen.row(20)).to_be_visible()
    seen.until(lambda: seen.background() < 250 if dark else seen.background() > 600)
    text = "getComputedStyle(document.documentElement).getPropertyValue('--grist-theme-text')"
    assert seen.frame.evaluate(text) == ("#efefef" if dark else "#262633"), "Grist's own colours are taken"
    seen.accessible()


def test_a_token_of_the_document_opens_the_stream(colleague: Visitor, own_server: Start, grist: Site, put: Put) -> None:
    board = own_server(grist_url=grist.url, token_keys=[KEY], board={"access": "token"})
    seen = colleague.open_in_grist(put(board, {"stream": board.stream, "token": token(board), "language": "fr"}))
    seen.counts(total=40)
    seen.link("live")
    board.post({"id": 20, "fields": {"Statut": "Bloqué"}})  # the rest of the row is not known to the server
    expect(seen.toast(20)).to_have_text("Claire Martin : Nîmes, Arènes → Bloqué")
    expect(seen.row(20).locator(".place")).to_have_text("Nîmes, Arènes")


def test_without_a_token_rows_show_and_the_reason_is_told(
    colleague: Visitor, own_server: Start, grist: Site, put: Put
) -> None:
    board = own_server(grist_url=grist.url, token_keys=[KEY], board={"access": "token"})
    colleague.guard.expect("status of 401")
    described = make_board(board.name, {"preset": "interventions"}).describe()  # as bootstrap writes it
    seen = colleague.open_in_grist(put(board, {"stream": board.stream, "language": "fr", "board": described}))
    seen.link("refused")
    seen.counts(total=40, urgent=4)
    expect(seen.row(20)).to_be_visible()
    expect(seen.locator(".notice[role=alert]")).to_contain_text("Ce tableau demande un jeton d’accès valable.")


def test_a_server_that_dies_leaves_the_rows(colleague: Visitor, own_server: Start, grist: Site, put: Put) -> None:
    board = own_server(grist_url=grist.url)
    colleague.guard.expect(r"Failed to load resource|net::ERR_")
    seen = colleague.open_in_grist(put(board))
    seen.link("live")
    board.server.kill()
    seen.link("offline")
    expect(seen.locator(".pill")).to_contain_text("Hors ligne depuis")
    seen.counts(total=40)
    in_grist(seen.page, ["UpdateRecord", "Interventions", 20, {"Statut": "Bloqué"}])  # Grist is still there
    expect(seen.row(20).locator(".status")).to_have_text("Bloqué")
    board.server.start()
    seen.link("live", seconds=60)
    board.post(record(26, "Bloqué", "Urgente"))
    expect(seen.row(26).locator(".status")).to_have_text("Bloqué")


def test_another_site_may_not_embed_it(colleague: Visitor, own_server: Start, put: Put) -> None:
    board = own_server(grist_url="https://grist.example.org")
    colleague.guard.expect("frame-ancestors")
    seen = colleague.open_in_grist(put(board))
    seen.until(lambda: "chrome-error" in seen.frame.url)
    assert seen.frame.evaluate("document.body.innerText").count("Interventions") == 0


def test_without_access_to_the_table_it_says_what_to_do(colleague: Visitor, board: Board, put: Put) -> None:
    seen = colleague.open_in_grist(put(board, access="none"))
    expect(seen.locator(".notice[role=alert]")).to_contain_text("choisissez l’accès « Lire la table sélectionnée »")


def test_a_wrong_grist_address_is_told(
    colleague: Visitor, own_server: Start, grist: Site, put: Put, nobody: str
) -> None:
    board = own_server(grist_url=nobody, frame_ancestors=[grist.url])
    colleague.guard.expect("Failed to load resource", "net::ERR_")
    seen = colleague.open_in_grist(put(board))
    expect(seen.locator(".notice[role=alert]")).to_contain_text(f"could not be loaded from {nobody}")


def by_grist(board: Board) -> dict[str, Any]:
    """The widget's options as bootstrap writes them for a board whose readers Grist knows."""
    described = make_board(board.name, {"preset": "interventions", "access": "grist"}).describe()
    return {"stream": board.stream, "language": "fr", "board": described}


def partial(status: int, body: dict[str, Any]) -> Callable[[Any], None]:
    return lambda route: route.fulfill(status=status, json=body)


def test_who_may_read_all_gets_the_stream_by_grists_word(
    colleague: Visitor, own_server: Start, grist: Site, put: Put
) -> None:
    """Grist-static makes no access tokens, and our server would ask a real Grist: both are stood in for."""
    board = own_server(grist_url=grist.url, token_keys=[KEY], board={"access": "token"})
    asked: list[Any] = []

    def answer(route: Any) -> None:
        asked.append(route.request.post_data_json)
        route.fulfill(json={"success": True, "token": token(board), "expires": time.time() + 6})

    stand_in(colleague, answer)
    seen = colleague.open_in_grist(put(board, by_grist(board), access="full"))
    seen.link("live", seconds=45)
    board.post(webhook_of(seen.page, 20, Statut="Bloqué"))
    expect(seen.row(20).locator(".status")).to_have_text("Bloqué")
    assert asked[0] == {"token": "a token of Grist's"}
    seen.until(lambda: len(asked) >= 2, seconds=15)  # it is made new before it ends
    assert "offline" not in seen.seen("links")


def test_who_sees_a_part_is_told_and_keeps_the_rows(
    colleague: Visitor, own_server: Start, grist: Site, put: Put
) -> None:
    board = own_server(grist_url=grist.url, token_keys=[KEY], board={"access": "token"})
    colleague.guard.expect("status of 403")
    stand_in(colleague, partial(403, {"error": "you see a part", "reason": "partial"}))
    seen = colleague.open_in_grist(put(board, by_grist(board), access="full"))
    expect(seen.locator(".notice")).to_contain_text("Vous voyez une partie de ce document")
    seen.link("none")
    seen.counts(total=40, urgent=4)


def test_without_full_access_it_says_what_grists_word_needs(
    colleague: Visitor, own_server: Start, grist: Site, put: Put
) -> None:
    board = own_server(grist_url=grist.url, token_keys=[KEY], board={"access": "token"})
    seen = colleague.open_in_grist(put(board, by_grist(board)))
    expect(seen.locator(".notice")).to_contain_text("choisissez l’accès « Accès complet au document »")
    seen.counts(total=40)


def stand_in(colleague: Visitor, answer: Callable[[Any], None]) -> None:
    """On this visitor's next page Grist has a token for its user, and our server answers so to it."""
    script = """const wait = setInterval(() => {
      if (!window.grist?.docApi) return;
      clearInterval(wait);
      grist.docApi.getAccessToken = async () => ({token: "a token of Grist's"});
    }, 1);"""
    plain = colleague.page

    def page() -> Page:
        made = plain()
        made.add_init_script(script)
        made.route("**/token", answer)
        return made

    colleague.page = page  # type: ignore[method-assign]
