"""The dashboard in a tab of its own: what one sees, and what an edit in Grist does to it."""

from __future__ import annotations

import re
from collections.abc import Callable

import requests
from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.dashboard import Dashboard
from e2e.server import Board, Server, fill, many, record


def test_it_works(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.has_ids(2, 4, 1, 5)
    seen.counts(total=5, urgent=1, waiting=2, active=1, blocked=1, done=1)
    seen.shown(4)
    seen.link("live")
    expect(seen.locator("h1")).to_have_text("Interventions")
    row = seen.row(4)
    expect(row.locator(".place")).to_have_text("4 rue de l’Église, Gap")
    expect(row.locator(".who")).to_have_text("Zoé Martin")
    expect(row.locator(".kind")).to_have_text("Voirie")
    expect(row.locator(".comment")).to_have_text("Nid-de-poule")
    expect(row.locator(".id")).to_have_text("INT-4")
    expect(row.locator(".status[data-meaning=blocked]")).to_have_text("Bloqué")
    expect(row.locator(".priority[data-level='2']")).to_have_text("Haute")
    assert seen.seen("flashes") == seen.seen("toasts") == [], "nothing is new to who has just come"
    expect(seen.locator(".new")).to_have_count(0)


def test_the_front_page_is_the_default_board(visit: Visit, house: Server) -> None:
    requests.post(f"{house.url}/webhook/grist-realtime", json=[record(1)], timeout=10).raise_for_status()
    seen = visit().open(f"{house.url}/")
    seen.has_ids(1)
    seen.link("live")


def test_an_edit_arrives(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.has_ids(2, 4, 1, 5)
    seen.link("live")
    board.post(record(1, "En cours", "Normale", Agent="Aïcha Benali"))
    expect(seen.row(1).locator(".status")).to_have_text("En cours")
    expect(seen.row(1).locator(".new")).to_have_text("Nouveau")
    expect(seen.toast(1)).to_have_text("Aïcha Benali : 1 rue de l’Église, Gap → En cours")
    expect(seen.locator("[role=status]")).to_have_text("Aïcha Benali : 1 rue de l’Église, Gap → En cours (INT-1)")
    seen.counts(total=5, waiting=1, active=2, urgent=1)
    assert seen.seen("flashes") == [1] and len(seen.seen("toasts")) == 1
    expect(seen.locator(".flash")).to_have_count(0)  # it is over by itself
    assert board.rows()[1]["statut"] == "En cours"


def test_a_new_row_appears_and_a_deleted_one_goes(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.has_ids(2, 4, 1, 5)
    seen.link("live")
    board.post(record(6, "En attente", "Urgente"))
    seen.has_ids(6, 2, 4, 1, 5)
    expect(seen.toast(6)).to_have_text("Urgent : 6 rue de l’Église, Gap")
    seen.counts(total=6, urgent=2, waiting=3)
    board.remove(6, 4)
    seen.has_ids(2, 1, 5)
    seen.counts(total=4, urgent=1, blocked=0)
    removed = [toast for toast in seen.seen("toasts") if toast["kind"] == "remove"]
    assert [t["text"] for t in removed if t["row"] == 6] == ["Zoé Martin : 6 rue de l’Église, Gap, supprimée"]
    assert seen.seen("flashes") == [6]


def test_what_only_touches_the_time_is_no_news(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.link("live")
    board.post(record(1, Derniere_MAJ=1_795_009_999))
    board.post(record(5, "En cours", "Basse"))  # the second has arrived: so has the first
    expect(seen.toast(5)).to_be_visible()
    assert seen.seen("flashes") == [5] and len(seen.seen("toasts")) == 1


def test_urgent_first_then_priority_then_time(visit: Visit, board: Board) -> None:
    board.post(
        *(record(10 + i, "En cours", priority) for i, priority in enumerate(["Basse", "Normale", "Haute", "Urgente"])),
        *(record(20 + i, "En cours", priority) for i, priority in enumerate(["Basse", "Normale", "Haute", "Urgente"])),
        record(30, "Terminé", "Urgente"),
    )
    seen = visit().open(board.url)
    seen.has_ids(23, 13, 22, 12, 21, 11, 20, 10)
    seen.filter("all")
    seen.has_ids(23, 13, 22, 12, 21, 11, 20, 10, 30)
    seen.link("live")
    board.post(record(10, "En cours", "Urgente", Derniere_MAJ=1_795_100_000))
    seen.has_ids(10, 23, 13, 22, 12, 21, 11, 20, 30)
    expect(seen.row(10)).to_have_class(re.compile(r"\bis-urgent\b"))
    expect(seen.row(30)).not_to_have_class(re.compile(r"\bis-urgent\b"))


def test_two_browsers_see_the_same(visit: Visit, board: Board) -> None:
    board.post(*many(12))
    one, two = visit().open(board.url), visit("en-GB", dark=True).open(board.url)
    for seen in (one, two):
        seen.filter("all")
        seen.shown(12)
        seen.link("live")
    for n in range(1, 13):
        board.post(record(n, ["En attente", "En cours", "Bloqué", "Terminé"][n % 4], Agent=f"Agent {n}"))
    board.remove(3)
    board.post(record(13, "En cours", "Urgente"))
    for seen in (one, two):
        seen.counts(total=12, urgent=1, active=4, waiting=3, blocked=3, done=2)
        expect(seen.row(13)).to_be_visible()
        expect(seen.row(3)).to_have_count(0)
    assert one.ids() == two.ids()
    assert one.locator(".who").all_inner_texts() == two.locator(".who").all_inner_texts()


def test_viewers_are_counted(visit: Visit, own_server: Callable[..., Board]) -> None:
    board = own_server(heartbeat=0.5)
    one = visit().open(board.url)
    expect(one.locator(".viewers")).to_have_text("1 lecteur")
    two = visit().open(board.url)
    expect(one.locator(".viewers")).to_have_text("2 lecteurs")
    two.page.close()
    expect(one.locator(".viewers")).to_have_text("1 lecteur")


def test_a_test_event_is_shown_as_a_test_and_never_counted(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.link("live")
    board.post({"id": "test-123", "fields": {"Agent": "Test Agent", "Localisation": "Marseille"}})
    toast = seen.locator('.toast[data-toast="test"]')
    expect(toast).to_contain_text("Test Événement de test reçu : Test Agent, Marseille")
    seen.counts(total=5)
    seen.shown(4)
    assert seen.seen("flashes") == [] and len(board.rows()) == 5


def test_a_burst_is_told_as_one_number(visit: Visit, board: Board) -> None:
    board.post(*(record(n) for n in range(1, 31)))
    seen = visit().open(board.url)
    seen.link("live")
    board.post(*(record(n, "En cours") for n in range(1, 21)))
    seen.counts(active=20, waiting=10)
    expect(seen.locator('.toast[data-toast="many"]')).to_contain_text("20 lignes modifiées")
    assert len(seen.seen("toasts")) <= 2 and seen.locator(".toast").count() <= 4


def test_an_import_of_600_rows_is_all_there(visit: Visit, board: Board) -> None:
    board.post(record(1))
    seen = visit().open(board.url)
    seen.link("live")
    board.commit(*(record(n, "En cours") for n in range(2, 602)))
    seen.counts(total=601, active=600)
    seen.link("live")
    board.post(record(1, "Bloqué", "Urgente"))
    expect(seen.row(1).locator(".status")).to_have_text("Bloqué")


def positions(seen: Dashboard) -> list[str]:
    found: list[str] = seen.locator("[data-row]").evaluate_all("rows => rows.map(row => row.ariaPosInSet)")
    return found


def test_5000_rows(visit: Visit, board: Board) -> None:
    rows = many(5000)
    for start in range(0, 5000, 1000):
        board.post(*rows[start : start + 1000])
    seen = visit().open(board.url)
    seen.filter("all")
    seen.shown(5000)
    seen.link("live")
    expect(seen.locator('[data-count="total"] .count-n')).to_have_text(re.compile(r"^5\s000$"))
    seen.page.mouse.move(600, 600)
    for _ in range(5):
        seen.page.mouse.wheel(0, 2000)
    seen.until(lambda: min(map(int, positions(seen))) > 100)
    seen.page.keyboard.press("End")
    expect(seen.locator('[aria-posinset="5000"]')).to_be_in_viewport()
    seen.page.keyboard.press("Home")
    expect(seen.locator('[aria-posinset="1"]')).to_be_in_viewport()
    seen.page.mouse.move(5, 5)  # away from the rows: who reads them holds them
    board.post(record(2500, "Bloqué", "Urgente", Derniere_MAJ=1_795_900_000))
    expect(seen.row(2500)).to_have_attribute("aria-posinset", "1")
    expect(seen.toast(2500)).to_be_visible()
    assert seen.frame.evaluate("document.querySelectorAll('*').length") < 1500
    spent = "new Promise(done => { const start = performance.now();"
    spent += " document.querySelector('[data-filter=urgent]').click();"
    spent += " requestAnimationFrame(() => setTimeout(() => done(performance.now() - start))); })"
    assert seen.frame.evaluate(spent) < 1000, "a click shows at once"
