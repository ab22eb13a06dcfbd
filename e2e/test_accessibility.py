"""axe-core finds nothing (inside Grist: test_in_grist.py), keys reach everything, and nothing moves unasked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.server import Board, many, record

LOOKS: dict[str, dict[str, Any]] = {
    "day": {},
    "night": {"dark": True},
    "phone": {"phone": True},
    "phone at night": {"phone": True, "dark": True},
}


@pytest.mark.parametrize("look", LOOKS)
def test_standalone(visit: Visit, board: Board, look: str) -> None:
    board.post(*many(30))
    seen = visit(**LOOKS[look]).open(board.url)
    seen.filter("all")
    seen.shown(30)
    seen.link("live")
    seen.accessible()
    board.post(record(1, "Bloqué", "Urgente"))
    board.post({"id": "test-1", "fields": {"Agent": "Test"}})
    expect(seen.locator(".toast")).to_have_count(2)
    expect(seen.locator(".flash")).to_have_count(0)  # while it fades, colours are between two
    seen.accessible()
    seen.locator("[data-action=settings]").click()
    expect(seen.locator(".panel")).to_be_visible()
    seen.accessible()


@pytest.mark.parametrize("look", LOOKS)
def test_every_view(visit: Visit, board: Board, look: str) -> None:
    board.post(*many(30))
    board.post(record(1, "En cours", "Haute", Agent="Aïcha"), record(2, "Bloqué", "Basse", Commentaire=""))
    seen = visit(**LOOKS[look]).open(f"{board.url}?show=all&kind=Voirie&kind=Autre&kind=Signalisation&kind=Bâtiment")
    seen.link("live")
    for view in ("kanban", "timeline", "list"):
        seen.view(view)
        expect(seen.locator(".change" if view == "timeline" else "[data-row]").first).to_be_visible()
        seen.accessible()
    seen.do("filters")
    expect(seen.locator(".filter-panel")).to_be_visible()
    seen.accessible()
    seen.page.keyboard.press("Escape")
    seen.do("settings")
    seen.do("keys")
    seen.accessible()
    seen.page.keyboard.press("Escape")
    seen.open(1)
    expect(seen.locator(".detail .change")).to_have_count(2)
    board.post(record(40, "En attente", "Urgente"))
    expect(seen.locator(".alert, .alert-more").first).to_be_visible()
    expect(seen.locator(".flash")).to_have_count(0)
    seen.accessible()


@pytest.mark.parametrize("dark", [False, True], ids=["day", "night"])
def test_compact_frozen_and_late(visit: Visit, board: Board, dark: bool) -> None:
    board.post(*many(12))
    visitor = visit(dark=dark)
    visitor.context.add_init_script("localStorage.setItem('grist-live:density', 'compact')")
    seen = visitor.open(board.url)
    seen.link("live")
    seen.do("freeze")
    seen.accessible()
    board.remove(1, 2)
    board.post(record(50, "En cours", "Haute"))
    expect(seen.locator("[data-action=release]")).to_be_enabled()
    expect(seen.locator(".flash")).to_have_count(0)
    seen.accessible()


@pytest.mark.parametrize("dark", [False, True], ids=["day", "night"])
def test_an_empty_board(visit: Visit, board: Board, dark: bool) -> None:
    seen = visit(dark=dark).open(board.url)
    expect(seen.locator(".empty")).to_be_visible()
    seen.accessible()


@pytest.mark.parametrize("dark", [False, True], ids=["day", "night"])
def test_refused(visit: Visit, board: Board, dark: bool) -> None:
    visitor = visit(dark=dark)
    visitor.guard.expect("status of 401")
    visitor.context.route("**/snapshot", lambda route: route.fulfill(status=401, body="{}"))
    seen = visitor.open(board.url)
    expect(seen.locator(".setup")).to_be_visible()
    seen.accessible()


def test_the_keyboard_reaches_everything_in_order(visit: Visit, board: Board) -> None:
    board.post(*many(20))
    seen = visit().open(board.url)
    seen.link("live")
    reached = []
    name = "(({action, count, view, filter, open}) => action ?? count ?? view ?? filter ?? (open ? 'row' : ''))"
    name += "(document.activeElement.dataset)"
    for _ in range(18):
        seen.page.keyboard.press("Tab")
        reached.append(seen.frame.evaluate(name))
    counts = ["urgent", "total", "waiting", "active", "blocked", "done"]
    tools, views = ["search", "freeze", "sound", "settings"], ["list", "kanban", "timeline"]
    assert reached == [*tools, *counts, *views, "open", "all", "urgent", "filters", "row"]
    for _ in range(2):
        seen.page.keyboard.press("Shift+Tab")
    seen.page.keyboard.press("Enter")
    expect(seen.locator('[data-filter="urgent"]')).to_have_attribute("aria-pressed", "true")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert seen.frame.evaluate(outline) != "none", "one sees where one is"


def test_who_wants_no_motion_gets_none(visit: Visit, board: Board) -> None:
    board.post(record(1), record(2))
    seen = visit().open(board.url)
    seen.page.emulate_media(reduced_motion="reduce")
    seen.link("live")
    board.post(record(1, "Bloqué", "Urgente"))
    expect(seen.row(1).locator(".new")).to_be_visible()
    moving = "document.getAnimations().filter(a => a.effect.getComputedTiming().duration > 10).length"
    assert seen.frame.evaluate(moving) == 0


SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
    p { margin-bottom: 2em !important; }`);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""
CUT = """rows => rows.flatMap(row => {
  const outer = row.querySelector('.card').getBoundingClientRect();
  return [...row.querySelectorAll('bdi, time, .place, .id, .who, .kind')].filter(one => one.textContent.trim()
    && getComputedStyle(one).display !== 'none' && one.checkVisibility()).filter(one => {
    const inner = one.getBoundingClientRect();
    const high = inner.bottom > outer.bottom + 1 || inner.top < outer.top - 1;
    const cut = high && !one.closest('.comment'); // of a comment, two lines are enough
    return cut || inner.width < 16 || !one.matches('bdi') && inner.right > outer.right + 1;
  }).map(one => `${one.parentElement.className} ${one.className}: ${one.textContent}`);
})"""


@pytest.mark.parametrize("density", ["comfortable", "compact"])
@pytest.mark.parametrize("width", [320, 900, 1280])
def test_readers_may_space_their_texts(visit: Visit, board: Board, width: int, density: str) -> None:
    """WCAG 1.4.12: with the spacing it names, what a row says is still there."""
    board.post(*many(20))
    board.post(record(1, "En attente", "Urgente", Agent="Élodie Castagnier"))
    visitor = visit()
    visitor.context.add_init_script(f"localStorage.setItem('grist-live:density', '{density}')")
    seen = visitor.open(f"{board.url}?show=all")
    seen.page.set_viewport_size({"width": width, "height": 900})
    seen.link("live")
    seen.frame.evaluate(SPACED)
    seen.after_two_frames()
    assert seen.locator("[data-row]").evaluate_all(CUT) == []
    if density == "comfortable":
        expect(seen.row(1).locator(".who")).to_be_visible()
        high = "one => one.getBoundingClientRect().bottom <= one.closest('.card').getBoundingClientRect().bottom"
        assert seen.row(1).locator(".who").evaluate(high)
    assert seen.frame.evaluate("document.scrollingElement.scrollWidth") <= width


def test_the_exact_time_is_in_a_rows_name_and_panel(visit: Visit, board: Board) -> None:
    board.post(record(7))
    seen = visit().open(board.url)
    exact = "mercredi 18 novembre 2026 à 12:13:40"
    expect(seen.locator("[data-open='7']")).to_have_attribute(
        "aria-label", f"INT-7, 7 rue de l’Église, Gap, Normale, En attente, Zoé Martin, Mis à jour le {exact}"
    )
    expect(seen.open(7).locator(".updated")).to_have_text(f"Mis à jour le {exact}")


def test_two_statuses_of_the_same_name(visit: Visit, own_server: Callable[..., Board], numbers: Any) -> None:
    name = f"twins-{next(numbers)}"
    twins = [
        {"value": value, "label": {"fr": "Reçu", "en": "Received"}, "meaning": "waiting"} for value in ("mail", "phone")
    ]
    columns = [{"id": "T", "role": "title"}, {"id": "S", "role": "status", "type": "Choice", "choices": twins}]
    about = {"title": {"fr": "Demandes"}, "table": "Asked", "access": "public", "open": True, "columns": columns}
    board = own_server(name=name, boards={name: about})
    board.post({"id": 1, "T": "one", "S": "mail"}, {"id": 2, "T": "two", "S": "phone"})
    seen = visit().open(f"{board.url}?view=kanban")
    expect(seen.locator(".column h2", has_text="Reçu")).to_have_count(2)
    seen.accessible()


def test_few_colours_of_ones_own(visit: Visit, board: Board) -> None:
    """Windows' contrast themes take all backgrounds and shadows away."""
    board.post(*many(5), record(9, "En attente", "Urgente"))
    seen = visit().open(f"{board.url}?show=all")
    seen.page.emulate_media(forced_colors="active")
    seen.link("live")
    color = "(one, what) => getComputedStyle(one)[what]"
    page = seen.locator("body").evaluate(color, "backgroundColor")
    for chosen, other in (
        ("[data-count=total]", "[data-count=done]"),
        ("[data-filter=all]", "[data-filter=open]"),
        ("[data-view=list]:not(main)", "[data-view=kanban]:not(main)"),
    ):
        backgrounds = [seen.locator(one).evaluate(color, "backgroundColor") for one in (chosen, other)]
        assert backgrounds[0] != backgrounds[1], chosen
    dot = seen.locator(".dot").evaluate(color, "backgroundColor")
    bar = seen.row(9).locator(".card").evaluate("card => getComputedStyle(card, '::before').backgroundColor")
    badge = seen.row(9).locator(".priority").evaluate(color, "backgroundColor")
    assert page not in (dot, bar, badge)
    seen.do("settings")
    expect(seen.locator(".link-form .primary")).to_have_css("border-top-width", "1px")


@pytest.mark.parametrize("what", ["filters", "row"])
def test_a_sheet_on_a_phone_is_all_there_is_until_one_taps_beside_it(visit: Visit, board: Board, what: str) -> None:
    board.post(*many(20))
    seen = visit(phone=True).open(board.url)
    seen.link("live")
    if what == "filters":
        seen.do("filters")
    else:
        seen.locator("[data-open]").first.click()
    sheet = seen.locator(".filter-panel, .detail")
    expect(sheet).to_have_attribute("aria-modal", "true")
    for part in (".bars", "main"):
        expect(seen.locator(part)).to_have_attribute("inert", "")
    seen.accessible()
    seen.page.touchscreen.tap(180, 20)
    expect(sheet).to_have_count(0)
    expect(seen.locator("main")).not_to_have_attribute("inert", "")
    expect(seen.locator(".panel")).to_have_count(0)  # the tap has pressed nothing


@pytest.mark.parametrize("panel", ["filters", "settings"])
def test_a_click_beside_a_panel_closes_it(visit: Visit, board: Board, panel: str) -> None:
    board.post(*many(40))
    seen = visit().open(board.url)
    seen.link("live")
    seen.do(panel)
    seen.locator(".panel h2").click()
    expect(seen.locator(".panel")).to_be_visible()
    free = {"x": 1150 if panel == "filters" else 100, "y": 20}
    seen.locator("[data-open]").nth(3).click(position=free)  # and does what it does
    expect(seen.locator(".panel")).to_have_count(0)
    expect(seen.locator(".detail")).to_be_visible()
