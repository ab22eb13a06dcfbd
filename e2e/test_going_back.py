"""Where one comes from: closing a panel, going back and forward, and where the keyboard's focus goes then."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.dashboard import Dashboard
from e2e.server import Board, fill, record

FOCUSED = "document.activeElement.dataset.open ?? document.activeElement.tagName"


def closed(seen: Dashboard) -> None:
    seen.do("close-detail")
    expect(seen.locator(".detail")).to_have_count(0)


def test_closing_a_panel_keeps_the_filters_that_were_chosen_beside_it(visit: Visit, board: Board) -> None:
    fill(board)
    board.post(record(6, "Terminé", Commentaire="Feu éteint"))
    seen = visit().open(board.url)
    seen.open(4)
    seen.filter("all")
    seen.locator("[data-action=search]").fill("feu")
    seen.has_ids(6)
    closed(seen)
    seen.has_ids(6)
    assert seen.query() == "show=all&q=feu"


def test_closing_a_panel_keeps_the_view_that_one_went_to(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.open(4)
    seen.view("kanban")
    closed(seen)
    expect(seen.locator("main")).to_have_attribute("data-view", "kanban")
    assert seen.query() == "view=kanban"


def test_a_panel_that_is_closed_leaves_no_step_behind(visit: Visit, board: Board) -> None:
    """Back goes to where one was before the row, and a second Escape goes no further."""
    fill(board)
    seen = visit().open(f"{board.url}?q=gap")
    steps = seen.frame.evaluate("history.length")
    for _ in range(3):
        seen.open(4)
        seen.page.keyboard.press("Escape")
        seen.page.keyboard.press("Escape")
        expect(seen.locator(".detail")).to_have_count(0)
        seen.until(lambda: seen.frame.evaluate(FOCUSED), "4")
    assert seen.query() == "q=gap" and seen.frame.evaluate("history.length") == steps + 1
    seen.page.go_forward()
    expect(seen.locator('.detail[data-detail="4"]')).to_be_visible()
    seen.page.go_back()
    expect(seen.locator(".detail")).to_have_count(0)


def test_back_shows_other_rows_also_under_a_pointer_that_rests(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.filter("urgent")
    seen.has_ids(2)
    seen.view("kanban")
    seen.filter("all")
    seen.until(seen.locator("[data-row]").count, 5)
    for _ in range(2):
        seen.row(5).hover()
        seen.page.mouse.move(600, 500)
        seen.page.go_back()
        expect(seen.locator("main")).to_have_attribute("data-view", "list")
        seen.has_ids(2)
        seen.row(2).hover()
        seen.page.go_forward()
        seen.until(seen.locator("[data-row]").count, 5)


def test_the_focus_stays_among_the_rows_when_its_own_has_gone(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.link("live")
    seen.locator('[data-open="4"]').focus()
    board.remove(4)
    expect(seen.locator(".row.is-gone")).to_have_count(1)
    seen.page.keyboard.press("n")
    seen.has_ids(2, 1, 5)
    seen.until(lambda: seen.frame.evaluate(FOCUSED), "1")
    seen.page.keyboard.press("Enter")
    expect(seen.locator("#detail-title")).to_be_focused()
    board.remove(1)
    expect(seen.locator(".detail")).to_contain_text("Cette ligne n’est plus sur le tableau.")
    seen.page.keyboard.press("Escape")
    expect(seen.locator(".detail")).to_have_count(0)
    seen.until(lambda: seen.frame.evaluate(FOCUSED), "2")
