"""axe-core finds nothing (inside Grist: test_in_grist.py), keys reach everything, and nothing moves unasked."""

from __future__ import annotations

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
