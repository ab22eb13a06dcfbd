"""List, kanban, timeline and a row's panel, and what of them stands in the address."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.dashboard import Dashboard
from e2e.server import Board, fill, many, record


def columns(seen: Dashboard) -> dict[str, list[int]]:
    """The kanban: status → rows, in their order."""
    script = """columns => Object.fromEntries(columns.map(column => [column.querySelector('h2 bdi').textContent,
      [...column.querySelectorAll('[data-row]')].map(row => Number(row.dataset.row))]))"""
    found: dict[str, list[int]] = seen.locator(".column").evaluate_all(script)
    return found


def test_views_are_switched_and_remembered_in_the_address(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.has_ids(2, 4, 1, 5)
    seen.view("kanban")
    assert seen.query() == "view=kanban"
    seen.until(lambda: columns(seen), {"En attente": [1, 5], "En cours": [2], "Bloqué": [4]})
    seen.filter("all")
    seen.until(lambda: columns(seen).get("Terminé"), [3])
    seen.page.reload()
    seen.until(lambda: columns(seen).get("Terminé"), [3])
    assert seen.query() == "view=kanban&show=all"
    seen.view("timeline")
    expect(seen.locator(".timeline .change")).to_have_count(5)
    seen.page.go_back()
    expect(seen.locator("main")).to_have_attribute("data-view", "kanban")
    seen.view("list")
    assert seen.query() == "show=all"


def test_the_kanban_follows_the_stream(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(f"{board.url}?view=kanban&show=all")
    seen.link("live")
    board.post(record(1, "En cours", "Normale"))
    seen.until(lambda: columns(seen).get("En cours"), [2, 1])
    expect(seen.row(1)).to_have_class(re.compile(r"\bflash\b"))
    board.post(record(6, "Perdu", "Normale"))  # a status that the board doesn't know
    seen.until(lambda: columns(seen).get("Autres"), [6])
    board.remove(6, 2)
    seen.until(lambda: columns(seen), {"En attente": [5], "En cours": [1], "Terminé": [3], "Bloqué": [4]})


def test_kanban_cards_are_whole(visit: Visit, board: Board) -> None:
    long = "D’un bout à l’autre de la longue rue de la République prolongée, entrée par la cour du fond"
    board.post(record(1, "En cours", Localisation=long, Commentaire="Très long commentaire " * 9))
    board.post(record(2, "En cours"))
    seen = visit().open(f"{board.url}?view=kanban")
    expect(seen.row(1).locator(".who")).to_be_visible()
    seen.fits()
    gap = "row => row.getBoundingClientRect().height - row.querySelector('.card').getBoundingClientRect().height"
    assert [round(seen.row(id).evaluate(gap)) for id in (1, 2)] == [0, 0], "a card is as high as what it says"


def test_5000_rows_in_the_kanban(visit: Visit, board: Board) -> None:
    rows = many(5000)
    for start in range(0, 5000, 1000):
        board.post(*rows[start : start + 1000])
    seen = visit().open(f"{board.url}?view=kanban")
    seen.link("live")
    first = seen.locator(".column").first
    expect(first.locator("[data-row]").nth(8)).to_be_attached()
    assert int(re.sub(r"\D", "", first.locator("h2 .number").inner_text())) > 1000
    assert seen.frame.evaluate("document.querySelectorAll('*').length") < 2500
    at_first = first.locator("[data-row]").count()
    cards = first.locator(".cards")
    for _ in range(5):  # as one scrolls down there are more, never an end that isn't one
        before = first.locator("[data-row]").count()
        cards.evaluate("cards => cards.scrollTop = cards.scrollHeight")
        expect(first.locator("[data-row]").nth(before + 5)).to_be_attached()
    others = seen.locator(".column").nth(1)
    assert others.locator("[data-row]").count() <= at_first + 12, "the other columns stay as they are"


def test_a_rows_panel_shows_all_and_its_history(visit: Visit, board: Board) -> None:
    fill(board)
    board.post(record(4, "En cours", "Haute", Agent="Aïcha", Commentaire="Dépanneuse en route"))
    board.post(record(4, "Bloqué", "Haute", Agent="Aïcha", Commentaire="Accès impossible"))
    seen = visit().open(board.url)
    panel = seen.open(4)
    expect(panel.locator("h2")).to_have_text("INT-4")
    expect(panel.locator(".detail-place")).to_have_text("4 rue de l’Église, Gap")
    expect(panel.locator(".cells")).to_contain_text("Accès impossible")
    expect(panel.locator(".change")).to_have_count(3)
    newest = " ".join(panel.locator(".change").first.inner_text().split())
    assert "Statut En cours → Bloqué" in newest and "Commentaire Dépanneuse en route → Accès impossible" in newest
    assert seen.query() == "row=4"
    seen.link("live")
    board.post(record(4, "Terminé", "Haute", Agent="Bruno", Commentaire="Accès impossible"))
    expect(panel.locator(".change")).to_have_count(4)
    expect(panel.locator(".change").first).to_contain_text("Bruno")
    expect(panel.locator(".status").first).to_have_text("Terminé")
    seen.page.reload()
    expect(seen.locator('.detail[data-detail="4"] .change')).to_have_count(4)
    board.remove(4)
    expect(seen.locator(".detail")).to_contain_text("Cette ligne n’est plus sur le tableau.")
    seen.do("close-detail")
    expect(seen.locator(".detail")).to_have_count(0)
    assert seen.query() == ""


def test_a_row_has_its_link_to_grist(visit: Visit, own_server: Callable[..., Board]) -> None:
    link = "https://grist.example.org/doc/abc#a1.s5.r{row}"
    board = own_server(board={"link": link, "link_public": True})
    board.post(record(7))
    there = visit().open(board.url).open(7).locator("[data-action=open-grist]")
    expect(there).to_have_attribute("href", link.replace("{row}", "7"))
    expect(there).to_have_attribute("rel", "noopener noreferrer")


def test_the_keyboard_goes_from_row_to_row(visit: Visit, board: Board) -> None:
    board.post(*many(60))
    seen = visit().open(board.url)
    seen.filter("all")
    seen.shown(60)
    ids = seen.ids()
    seen.locator(f'[data-open="{ids[0]}"]').focus()
    focused = "document.activeElement.dataset.open ?? document.activeElement.id"
    seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("ArrowDown")
    seen.until(lambda: seen.frame.evaluate(focused), str(ids[2]))
    seen.page.keyboard.press("Enter")
    expect(seen.locator(f'.detail[data-detail="{ids[2]}"]')).to_be_visible()
    seen.until(lambda: seen.frame.evaluate(focused), "detail-title")
    seen.page.keyboard.press("Escape")
    expect(seen.locator(".detail")).to_have_count(0)
    seen.until(lambda: seen.frame.evaluate(focused), str(ids[2]))
    seen.page.keyboard.press("End")
    seen.until(lambda: seen.frame.evaluate("document.activeElement.closest('.row')?.ariaPosInSet"), "60")
    seen.page.mouse.move(640, 600)
    seen.page.mouse.wheel(0, -5000)  # the focused row is far out of sight, and keeps the focus
    expect(seen.locator('[aria-posinset="1"]')).to_be_in_viewport()
    assert seen.frame.evaluate("document.activeElement.closest('.row')?.ariaPosInSet") == "60"


def test_single_keys_do_things_and_can_be_turned_off(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.has_ids(2, 4, 1, 5)
    seen.page.keyboard.press("2")
    expect(seen.locator("main")).to_have_attribute("data-view", "kanban")
    key = "key => dispatchEvent(new KeyboardEvent('keydown', {cancelable: true, ...key}))"
    seen.frame.evaluate(key, {"key": "&", "code": "Digit1"})  # a French keyboard's, unshifted
    expect(seen.locator("main")).to_have_attribute("data-view", "list")
    seen.frame.evaluate(key, {"key": "2", "code": "Digit2", "shiftKey": True})
    expect(seen.locator("main")).to_have_attribute("data-view", "kanban")
    seen.frame.evaluate(key, {"key": "!", "code": "Digit1", "shiftKey": True})  # an English one's
    seen.after_two_frames()
    expect(seen.locator("main")).to_have_attribute("data-view", "kanban")
    seen.page.keyboard.press("f")
    expect(seen.locator("[data-action=freeze]")).to_have_attribute("aria-pressed", "true")
    seen.page.keyboard.press("/")
    expect(seen.locator("[data-action=search]")).to_be_focused()
    seen.page.keyboard.type("3f")  # typed, not done
    expect(seen.locator("main")).to_have_attribute("data-view", "kanban")
    seen.locator("h1").click()
    seen.page.keyboard.press("?")
    seen.locator("[data-action=letters]").uncheck()
    seen.page.keyboard.press("Escape")
    seen.page.keyboard.press("1")
    seen.after_two_frames()
    expect(seen.locator("main")).to_have_attribute("data-view", "kanban")


def test_the_timeline_tells_who_what_and_when(visit: Visit, board: Board) -> None:
    fill(board)
    board.post(record(1, "En cours", "Haute", Agent="Aïcha"))
    seen = visit().open(f"{board.url}?view=timeline")
    expect(seen.locator(".timeline .change")).to_have_count(6)
    newest = seen.changes()[0]
    assert newest.startswith("INT-1, 1 rue de l’Église, Gap")
    for told in ("Agent Zoé Martin → Aïcha", "Statut En attente → En cours", "Priorité Normale → Haute", "à l’instant"):
        assert told in newest, newest
    seen.link("live")
    board.remove(5)
    seen.until(lambda: "Supprimée" in seen.changes()[0])
    board.post(record(8))
    seen.until(lambda: "Créée" in seen.changes()[0] or "première fois" in seen.changes()[0])
    seen.locator("[data-open-row='1']").first.click()
    expect(seen.locator('.detail[data-detail="1"]')).to_be_visible()


def test_the_timeline_goes_back_page_by_page(visit: Visit, board: Board) -> None:
    board.post(record(1))
    for n in range(130):
        board.commit(record(1, Commentaire=f"note {n}"))
    seen = visit().open(f"{board.url}?view=timeline")
    expect(seen.locator(".timeline .change").nth(11)).to_be_attached()
    assert seen.locator(".timeline .change").count() < 100

    def scrolled() -> bool:
        seen.page.mouse.wheel(0, 50_000)
        return seen.locator(".timeline .change").count() > 60

    seen.until(scrolled)
    seen.do("older")
    expect(seen.locator(".timeline .change")).to_have_count(131)
    expect(seen.locator(".timeline")).to_contain_text("C’est tout ce qui est gardé en mémoire.")


def test_after_a_reset_the_timeline_is_read_anew(visit: Visit, board: Board) -> None:
    """More than 500 changes at once come as one reset: they are in the history, and in no event."""
    board.post(record(1))
    seen = visit().open(f"{board.url}?view=timeline&row=1")
    seen.link("live")
    expect(seen.locator(".timeline .change")).to_have_count(1)
    board.commit(*(record(n, "En cours") for n in range(1, 602)))
    expect(seen.locator('.timeline [data-change-row="601"]')).to_be_visible()
    expect(seen.locator(".detail .change")).to_have_count(2)
    seen.link("live")


def test_what_was_missed_since_the_last_visit(visit: Visit, board: Board) -> None:
    board.journal.clock = lambda: time.time() - 1200
    board.commit(*(record(n) for n in range(1, 6)))
    board.journal.clock = time.time
    board.post(record(1, "En cours"), record(4, "En cours", "Haute"))
    visitor = visit()
    away = f"localStorage.setItem('grist-live:visit:{board.name}', String(Date.now() - 600_000))"  # ten minutes ago
    visitor.context.add_init_script(away)
    seen = visitor.open(board.url)
    expect(seen.locator(".missed")).to_contain_text("2 changements depuis votre dernière visite")
    seen.do("missed")
    expect(seen.locator(".timeline .change")).to_have_count(7)
    expect(seen.locator("[data-visit]")).to_have_count(1)
    lines = "list => [...list.children].map(line => line.className.split(' ')[0])"
    assert seen.locator(".timeline .changes").evaluate(lines)[:4] == ["day", "change", "change", "visit"]


def test_density_is_remembered(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    height = "row => Math.round(row.getBoundingClientRect().height)"
    assert seen.row(4).evaluate(height) == 48
    seen.do("settings")
    seen.locator('[data-choice="density:compact"]').click()
    seen.until(lambda: seen.row(4).evaluate(height), 32)
    seen.page.reload()
    seen.has_ids(2, 4, 1, 5)
    assert seen.row(4).evaluate(height) == 32


def test_counts_have_curves(visit: Visit, board: Board) -> None:
    fill(board)
    visitor = visit()
    began = time.time() - 86_400
    slots = [{"at": 600 * n + began, "counts": {"En attente": n % 5, "En cours": 2}} for n in range(144)]
    visitor.context.route("**/stats?*", lambda route: route.fulfill(json={"every": 600, "counts": slots}))
    seen = visitor.open(board.url)
    expect(seen.locator('[data-count="waiting"] .spark path')).to_have_attribute("d", re.compile(r"^M0\S* .*L60 "))
    expect(seen.locator('[data-count="urgent"] .spark')).to_have_count(0)
    seen.locator("[data-action=search]").fill("rue")
    expect(seen.locator(".spark")).to_have_count(0)  # they tell of the whole board
