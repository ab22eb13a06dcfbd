"""The dashboard in a tab of its own, as its reader wants it: filters, sound, language, theme, a phone."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.server import Board, fill, many, record


def test_filters_and_counts_are_doors(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    for name, ids in (("all", [2, 4, 1, 5, 3]), ("urgent", [2]), ("open", [2, 4, 1, 5])):
        seen.filter(name)
        seen.has_ids(*ids)
        seen.shown(len(ids))
        expect(seen.locator(f'[data-filter="{name}"]')).to_have_attribute("aria-pressed", "true")
    for name, ids in (("waiting", [1, 5]), ("blocked", [4]), ("done", [3]), ("total", [2, 4, 1, 5, 3])):
        seen.locator(f'[data-count="{name}"]').click()
        seen.has_ids(*ids)
    seen.filter("urgent")
    seen.has_ids(2)
    seen.link("live")
    board.post(record(2, "Terminé", "Urgente"))  # leaves the filter while one looks
    expect(seen.locator(".empty")).to_contain_text("Aucune intervention urgente")
    seen.counts(urgent=0, done=2, total=5)
    seen.locator(".empty button").click()
    seen.shown(5)


def test_the_sound_is_remembered_and_can_be_muted(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    button = seen.locator("[data-action=sound]")
    seen.link("live")
    expect(button).to_have_attribute("aria-pressed", "false")
    board.post(record(1, "En cours"))
    expect(seen.toast(1)).to_be_visible()
    assert seen.seen("tones") == 0
    seen.page.reload()
    seen.link("live")
    button.click()
    expect(button).to_have_attribute("aria-label", "Son activé")
    board.post(record(5, "En cours"))
    seen.until(lambda: seen.seen("tones"), 2)
    seen.page.reload()
    seen.link("live")
    expect(button).to_have_attribute("aria-pressed", "true")
    seen.locator("h1").click()  # browsers want a click in the page before it may sound
    expect(button).to_have_attribute("aria-label", "Son activé")
    board.post(record(4, "En cours", "Urgente"))
    seen.until(lambda: seen.seen("tones"), 3)  # an urgent one sounds otherwise
    button.click()
    tones = seen.seen("tones")
    seen.page.wait_for_timeout(1100)  # a second between two sounds
    board.post(record(4, "Bloqué", "Urgente"))
    expect(seen.row(4).locator(".status")).to_have_text("Bloqué")
    assert seen.seen("tones") == tones
    seen.page.reload()
    expect(button).to_have_attribute("aria-pressed", "false")


def test_english_for_who_asks_for_it(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit("en-GB").open(board.url)
    seen.link("live")
    expect(seen.locator(".pill-text")).to_have_text("Live")
    expect(seen.locator('[data-filter="open"]')).to_have_text("Open")
    expect(seen.row(4).locator(".status")).to_have_text("Blocked")
    expect(seen.locator("html")).to_have_attribute("lang", "en")
    board.post(record(1, "En cours"))
    expect(seen.toast(1)).to_have_text("Zoé Martin: 1 rue de l’Église, Gap → In progress")
    seen.locator("[data-action=settings]").click()
    seen.locator('[data-choice="language:fr"]').click()
    expect(seen.locator(".pill-text")).to_have_text("En direct")
    seen.page.reload()
    expect(seen.locator(".pill-text")).to_have_text("En direct")
    expect(seen.row(4).locator(".status")).to_have_text("Bloqué")


def test_by_night_it_is_dark_and_one_may_choose(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit(dark=True).open(board.url)
    seen.has_ids(2, 4, 1, 5)
    assert seen.background() < 200
    seen.locator("[data-action=settings]").click()
    seen.locator('[data-choice="theme:light"]').click()
    seen.until(lambda: seen.background() > 600)
    seen.page.keyboard.press("Escape")
    expect(seen.locator(".panel")).to_have_count(0)
    expect(seen.locator("[data-action=settings]")).to_be_focused()
    seen.page.reload()
    seen.has_ids(2, 4, 1, 5)
    assert seen.background() > 600


def test_by_day_it_is_light(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.has_ids(2, 4, 1, 5)
    assert seen.background() > 600


@pytest.mark.parametrize("language", ["fr-FR", "en-GB"])
def test_it_fits_a_phone(visit: Visit, board: Board, language: str) -> None:
    board.post(*many(30))
    seen = visit(language, phone=True).open(board.url)
    seen.link("live")
    expect(seen.locator("[data-row]").first).to_be_visible()
    seen.fits()
    seen.locator('[data-filter="all"]').tap()
    seen.shown(30)
    board.post(record(1, "Bloqué", "Urgente", Agent="Marie-Antoinette de la Rochefoucauld-Montmorency"))
    expect(seen.toast(1)).to_be_visible()
    seen.fits()
    seen.locator("[data-action=settings]").tap()
    expect(seen.locator(".panel")).to_be_visible()
    seen.fits()
    box = seen.locator(".panel").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 360
    small = "all => all.map(b => b.getBoundingClientRect()).filter(b => b.height < 24 || b.width < 24).length"
    assert seen.locator("button").evaluate_all(small) == 0, "a finger is 24 px wide (WCAG 2.5.8)"


def test_what_others_left_in_the_storage_stops_nothing(visit: Visit, board: Board) -> None:
    fill(board)
    keys = ["muted", "density", "me", "sound", "notices", "letters", "theme", "language", "stream", "visit", "saved"]
    keys += [f"{key}:{board.name}" for key in ("visit", "saved", "place")] + [f"token:{board.stream}"]
    for value in ("{", "null", "7", '[{"name":1},null,3]', "\ufffd\n<b>"):
        visitor = visit()
        keep = f"for (const key of {json.dumps(keys)}) localStorage.setItem('grist-live:' + key, {json.dumps(value)})"
        visitor.context.add_init_script(keep)
        seen = visitor.open(board.url)
        seen.has_ids(2, 4, 1, 5)
        seen.link("live")
        seen.do("settings")
        expect(seen.locator('[data-sound="Normale"]')).to_be_checked()
        seen.page.keyboard.press("Escape")
        seen.do("filters")
        expect(seen.locator(".filter-panel")).to_be_visible()
