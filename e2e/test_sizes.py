"""From a small section of Grist to a screen on a wall."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.dashboard import Dashboard
from e2e.server import Board, many, record

IN_SIGHT = "rows => rows.filter(row => row.getBoundingClientRect().bottom <= innerHeight).length"


def sized(visit: Visit, url: str, width: int, height: int) -> Dashboard:
    seen = visit().open("about:blank")
    seen.page.set_viewport_size({"width": width, "height": height})
    seen.page.goto(url)
    seen.link("live")
    return seen


def test_a_narrow_page_has_all_that_a_wide_one_has(visit: Visit, board: Board) -> None:
    board.post(*many(20))
    seen = sized(visit, board.url, 400, 700)
    expect(seen.locator("h1")).to_have_text("Interventions")
    assert seen.locator("h1").evaluate("one => one.scrollWidth <= one.clientWidth"), "the title can be read"
    expect(seen.do("freeze")).to_have_attribute("aria-pressed", "true")
    expect(seen.locator(".pill .incomplete .unseen")).to_contain_text("sans les suppressions")
    seen.locator(".pill").click()
    expect(seen.locator(".panel .viewers")).to_have_text("1 lecteur")
    expect(seen.locator(".link-state")).to_contain_text("clé d’API")
    seen.fits()


def test_a_small_section_of_grist_shows_rows(visit: Visit, board: Board) -> None:
    board.post(*many(20))
    seen = sized(visit, board.url, 400, 300)
    assert seen.locator("[data-row]").evaluate_all(IN_SIGHT) >= 3
    seen.fits()
    tops = "rows => rows.map(row => Math.round(row.getBoundingClientRect().top)).sort((a, b) => a - b)"
    places: list[int] = seen.locator("[data-row]").evaluate_all(tops)
    assert {low - high for high, low in zip(places, places[1:], strict=False)} == {44}, "as high as they are apart"


def test_a_wall_is_read_from_afar(visit: Visit, board: Board) -> None:
    board.post(*many(60))
    seen = sized(visit, board.url, 3840, 2160)
    size = float(seen.locator(".place").first.evaluate("one => parseFloat(getComputedStyle(one).fontSize)"))
    assert size >= 30
    assert seen.locator("[data-row]").evaluate_all(IN_SIGHT) >= 12
    seen.fits()


def test_toasts_leave_the_rows_in_sight(visit: Visit, board: Board) -> None:
    board.post(*many(30))
    seen = visit().open(f"{board.url}?show=all")
    seen.link("live")
    for id in range(1, 5):
        board.post({"id": f"test-{id}", "fields": {"Agent": f"Test {id}"}})
    expect(seen.locator(".toast:visible")).to_have_count(3)
    assert seen.locator(".corner").evaluate("one => one.getBoundingClientRect().height") < 200
    assert seen.locator(".corner").evaluate("one => one.getBoundingClientRect().width") <= 320


def test_alerts_leave_the_rows_in_sight(visit: Visit, board: Board) -> None:
    board.post(*many(30))
    seen = visit().open(f"{board.url}?show=all")
    seen.link("live")
    board.post(*(record(id, "En attente", "Urgente", Commentaire="Feu éteint") for id in (101, 102)))
    expect(seen.locator(".alert:visible")).to_have_count(2)
    for id in range(1, 4):
        board.post({"id": f"test-{id}", "fields": {"Agent": f"Test {id}"}})
    expect(seen.locator(".toast:not(.alert)")).to_have_count(3)
    expect(seen.locator(".toast:not(.alert):visible")).to_have_count(1)
    assert seen.locator(".corner").evaluate("one => one.getBoundingClientRect().height") < 280


def test_an_empty_column_says_so_at_its_top(visit: Visit, board: Board) -> None:
    board.post(record(1, "En attente"))
    seen = visit().open(f"{board.url}?view=kanban")
    top = "one => one.getBoundingClientRect().top - one.parentElement.getBoundingClientRect().top"
    assert seen.locator(".column .hint").first.evaluate(top) < 60
