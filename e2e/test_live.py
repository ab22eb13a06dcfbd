"""What changes while somebody reads: rows keep their places, marks wait to be seen, alerts to be taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from e2e.conftest import Visit
from e2e.dashboard import Dashboard
from e2e.server import Board, fill, many, record
from e2e.test_tokens import KEY, token


def waiting(seen: Dashboard) -> int:
    button = seen.locator("[data-action=release]")
    return int(button.get_attribute("data-waiting") or 0) if button.count() else 0


def test_rows_keep_their_places_while_frozen(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.has_ids(2, 4, 1, 5)
    seen.link("live")
    seen.do("freeze")
    expect(seen.locator("[data-action=release]")).to_have_text("Figé")
    board.post(record(5, "Bloqué", "Urgente"), record(9, "En cours", "Haute"), record(4, "Terminé", "Haute"))
    board.remove(1)
    expect(seen.row(5).locator(".status")).to_have_text("Bloqué")
    expect(seen.row(1).locator(".gone")).to_have_text("Supprimée")
    seen.until(lambda: waiting(seen), 4)
    seen.has_ids(2, 4, 1, 5)
    expect(seen.locator("[data-action=release]")).to_have_text("4 changements en attente")
    seen.counts(total=5, urgent=2)  # counts tell how it is
    seen.do("release")
    seen.has_ids(5, 2, 9)
    expect(seen.locator("[data-action=freeze]")).to_have_attribute("aria-pressed", "true")
    board.post(record(7, "En cours", "Urgente"))
    seen.until(lambda: waiting(seen), 1)
    expect(seen.locator("[data-action=release]")).to_have_text("1 nouvelle")
    seen.do("freeze")
    seen.has_ids(7, 5, 2, 9)


def test_who_has_frozen_the_rows_may_search_among_them(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.has_ids(2, 4, 1, 5)
    seen.link("live")
    frozen = seen.do("freeze")
    board.post(record(9, "En cours", "Urgente"))
    seen.until(lambda: waiting(seen), 1)
    seen.locator("[data-action=search]").fill("gap")
    seen.has_ids(9, 2, 4, 1, 5)  # the order begins anew, with all that match
    expect(frozen).to_have_attribute("aria-pressed", "true")
    board.post(record(8, "En cours", "Urgente"))
    seen.until(lambda: waiting(seen), 1)
    seen.filter("urgent")
    seen.has_ids(9, 8, 2)
    expect(frozen).to_have_attribute("aria-pressed", "true")
    board.remove(8)
    seen.until(lambda: waiting(seen), 1)
    expect(seen.locator("[data-action=release]")).to_have_text("1 changement en attente")


@pytest.mark.parametrize("how", ["hover", "focus", "scroll"])
def test_rows_keep_their_places_while_somebody_reads(visit: Visit, board: Board, how: str) -> None:
    board.post(*many(60))
    seen = visit().open(board.url)
    seen.filter("all")
    seen.shown(60)
    seen.link("live")
    ids = seen.ids()
    if how == "hover":
        seen.page.mouse.move(640, 400)
    elif how == "focus":
        seen.locator(f'[data-open="{ids[2]}"]').focus()
    else:
        seen.page.mouse.move(640, 400)
        seen.page.mouse.wheel(0, 1200)
        seen.until(lambda: seen.frame.evaluate("scrollY > 1000"))
        seen.page.mouse.move(5, 5)
    seen.after_two_frames()
    ids = seen.ids()
    top = seen.locator(f'[data-row="{ids[-1]}"]').bounding_box()
    board.post(record(99, "En cours", "Urgente"))
    seen.until(lambda: waiting(seen), 1)
    assert seen.ids() == ids
    assert seen.locator(f'[data-row="{ids[-1]}"]').bounding_box() == top
    seen.do("release")
    expect(seen.row(99)).to_have_attribute("aria-posinset", "1")
    expect(seen.row(99)).to_be_in_viewport()


def test_the_kanban_holds_its_cards_too(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(f"{board.url}?view=kanban")
    seen.link("live")
    seen.row(5).hover()
    board.post(record(1, "En cours"))
    expect(seen.row(1).locator(".status")).to_have_text("En cours")
    expect(seen.locator('[data-column="0"] [data-row="1"]')).to_have_count(1)
    seen.page.mouse.move(5, 5)
    expect(seen.locator('[data-column="1"] [data-row="1"]')).to_have_count(1)


def test_the_timeline_waits_while_somebody_reads(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(f"{board.url}?view=timeline")
    seen.link("live")
    expect(seen.locator(".change")).to_have_count(5)
    seen.locator(".change").nth(2).hover()
    seen.after_two_frames()
    board.post(record(1, "En cours"))
    seen.until(lambda: waiting(seen), 1)
    expect(seen.locator(".change")).to_have_count(5)
    seen.do("release")
    expect(seen.locator(".change")).to_have_count(6)


def test_a_pointer_that_was_left_there_does_not_hold_the_rows_all_day(visit: Visit, board: Board) -> None:
    fill(board)
    visitor = visit()
    visitor.context.add_init_script("Date.now = (now => () => now() + (window.__later ?? 0))(Date.now)")
    seen = visitor.open(board.url)
    seen.link("live")
    seen.row(5).hover()
    board.post(record(5, "En cours", "Urgente"))
    seen.until(lambda: waiting(seen), 1)
    seen.has_ids(2, 4, 1, 5)
    seen.frame.evaluate("__later = 61_000")
    board.post(record(4, "Bloqué", "Haute", Agent="Aïcha"))
    seen.has_ids(5, 2, 4, 1)


@pytest.mark.parametrize("view", ["list", "kanban"])
def test_a_change_flashes_in_the_colour_of_its_status(visit: Visit, board: Board, view: str) -> None:
    fill(board)
    visitor = visit()
    watch = """window.__flashed = {};
    new MutationObserver(() => document.querySelectorAll('[data-row].flash').forEach(row => {
      const bar = getComputedStyle(row.querySelector('.card'), '::after');
      const icon = row.querySelector('.status .icon') ?? row.closest('.column').querySelector('h2 .icon');
      __flashed[row.dataset.row] = [bar.borderLeftColor, getComputedStyle(icon).color, bar.animationDuration];
    })).observe(document, {subtree: true, childList: true, attributes: true})"""
    visitor.context.add_init_script(watch)
    seen = visitor.open(f"{board.url}?show=all&view={view}")
    seen.link("live")
    for row, status in ((1, "En cours"), (4, "Terminé"), (5, "Bloqué")):
        board.post(record(row, status))
        seen.until(lambda row=row: str(row) in seen.frame.evaluate("__flashed"))
    flashed = seen.frame.evaluate("__flashed")
    assert [(bar == icon, lasts) for bar, icon, lasts in flashed.values()] == [(True, "1.2s")] * 3, flashed
    assert len({bar for bar, _, _ in flashed.values()}) == 3, "each status has its own"


def test_what_nobody_has_seen_stays_marked(visit: Visit, board: Board) -> None:
    board.post(*many(60))
    seen = visit().open(f"{board.url}?show=all")
    seen.shown(60)
    seen.link("live")
    last = seen.frame.evaluate("document.title")
    assert last == "Interventions"
    low = seen.page
    low.keyboard.press("End")
    expect(seen.locator('[aria-posinset="60"]')).to_be_in_viewport()
    bottom = seen.ids()[-1]
    low.keyboard.press("Home")
    expect(seen.locator('[aria-posinset="1"]')).to_be_in_viewport()
    board.post(record(bottom, "Terminé", "Basse", Derniere_MAJ=1_700_000_000))
    expect(seen.locator("[data-action=unread]")).to_have_text("1 non lue")
    assert seen.frame.evaluate("document.title") == "(1) Interventions"
    seen.filter("urgent")
    expect(seen.locator("[data-action=unread]")).to_have_count(0)  # none of those on show
    seen.filter("all")
    seen.do("unread")
    expect(seen.row(bottom)).to_be_in_viewport()
    expect(seen.row(bottom).locator(".new")).to_be_visible()
    expect(seen.locator("[data-action=unread]")).to_have_count(0)


def test_after_a_reset_all_is_where_it_was(visit: Visit, board: Board) -> None:
    board.post(*many(80))
    seen = visit().open(f"{board.url}?show=all&q=e")
    seen.link("live")
    seen.page.mouse.move(640, 400)
    seen.page.mouse.wheel(0, 900)
    seen.until(lambda: seen.frame.evaluate("scrollY > 800"))
    seen.locator(".open").nth(12).click()
    expect(seen.locator(".detail")).to_be_visible()
    before = seen.frame.evaluate("[scrollY, document.querySelector('.detail').dataset.detail]")
    with seen.page.expect_response("**/snapshot*"):
        board.commit(*(record(n, "En cours") for n in range(200, 901)))  # more than 500: one reset
    seen.until(lambda: waiting(seen) > 100)
    assert seen.frame.evaluate("[scrollY, document.querySelector('.detail').dataset.detail]") == before
    assert "q=e" in seen.query() and "row=" in seen.query()
    seen.link("live")


def test_an_urgent_alert_stays_until_somebody_takes_it(visit: Visit, board: Board) -> None:
    fill(board)
    seen, other = visit().open(board.url), visit("en-GB", dark=True).open(board.url)
    for one in (seen, other):
        one.link("live")
    board.post(record(6, "En attente", "Urgente", Commentaire="Fuite de gaz"))
    alert = seen.locator('.alert[data-toast-row="6"]')
    expect(alert.locator(".toast-text")).to_have_text("Urgent : 6 rue de l’Église, Gap")
    expect(alert.locator(".toast-more")).to_have_text("INT-6 · Fuite de gaz")
    expect(seen.locator("[role=alert].unseen")).to_have_text("Urgent : 6 rue de l’Église, Gap (INT-6)")
    expect(alert.locator("[data-action=take]")).to_have_count(0)  # who only looks can't take it
    seen.page.wait_for_timeout(6500)  # longer than any toast
    expect(alert).to_be_visible()
    board.post(record(6, "En cours", "Urgente", Agent="Aïcha"))
    expect(alert).to_have_count(0)
    expect(seen.toast(6)).to_have_text("Pris en charge par Aïcha : 6 rue de l’Église, Gap → En cours")
    expect(other.toast(6)).to_have_text("Taken by Aïcha: 6 rue de l’Église, Gap → In progress")
    expect(seen.locator("[role=alert].unseen")).to_have_text("")
    board.post(record(6, "En attente", "Urgente"))  # given back: it is cried again
    expect(seen.locator("[role=alert].unseen")).to_have_text("Urgent : 6 rue de l’Église, Gap (INT-6)")


def test_an_alert_put_aside_is_still_counted_also_after_a_reload(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.link("live")
    board.post(record(6, "En attente", "Urgente"))
    seen.do("dismiss")
    expect(seen.locator("[data-alerts]")).to_have_text("1 urgence à prendre en charge")
    seen.page.wait_for_timeout(2100)  # a snapshot may be 2 s old, and the rest of it a replay, which is news
    seen.page.reload()
    seen.do("alerts")
    seen.has_ids(6, 2)


def guarded(own_server: Callable[..., Board]) -> Board:
    board = own_server(token_keys=[KEY], board={"access": "token"})
    board.post(record(1), record(2, "En attente", "Urgente", Agent=""))
    return board


def allow(visitor: Any, answer: Callable[[Route], None], name: str | None = None) -> None:
    """As a server answers whose Grist can be written to: its own tests are in tests/."""
    told = {"name": name, "can": ["take"], "expires": None}
    visitor.context.route("**/viewer", lambda route: route.fulfill(json=told))
    visitor.context.route("**/take", answer)


def test_taking_charge_asks_for_a_name_once(visit: Visit, own_server: Callable[..., Board]) -> None:
    board = guarded(own_server)
    bodies: list[Any] = []

    def answer(route: Route) -> None:
        bodies.append((route.request.url.rpartition("/boards/")[2], route.request.post_data_json))
        assert route.request.headers["authorization"].startswith("Bearer ")
        row = int(route.request.url.split("/")[-2])
        board.commit(record(row, "En cours", "Urgente", Agent="Aïcha"))
        fields = {"Statut": "En cours", "Agent": "Aïcha"}
        route.fulfill(json={"success": True, "row": row, "fields": fields})

    visitor = visit()
    allow(visitor, answer)
    seen = visitor.open(f"{board.url}?token={token(board)}")
    other = visit().open(f"{board.url}?token={token(board)}")
    seen.link("live")
    other.link("live")
    panel = seen.open(2)
    panel.locator("[data-action=take]").click()
    panel.locator(".take-form input").fill("Aïcha")
    panel.locator(".take-form [type=submit]").click()
    expect(panel.locator(".status").first).to_have_text("En cours")
    expect(panel.locator("[data-action=take]")).to_have_count(0)
    for one in (seen, other):
        expect(one.toast(2)).to_have_text("Pris en charge par Aïcha : 2 rue de l’Église, Gap → En cours")
    board.commit(record(1, "En attente", "Urgente"))
    seen.locator('.alert[data-toast-row="1"] [data-action=take]').click()
    expect(seen.locator(".alert")).to_have_count(0)
    assert bodies == [(f"{board.name}/rows/{n}/take", {"by": "Aïcha"}) for n in (2, 1)]
    assert seen.seen("toasts")[-1]["kind"] == "taken"


def test_the_tokens_name_is_taken_without_asking(visit: Visit, own_server: Callable[..., Board]) -> None:
    board = guarded(own_server)
    visitor = visit()
    visitor.guard.expect("status of 409")
    conflict = {"success": False, "error": "somebody else has it", "by": "Bruno"}
    allow(visitor, lambda route: route.fulfill(status=409, json=conflict), name="Aïcha")
    seen = visitor.open(f"{board.url}?token={token(board)}")
    seen.link("live")
    panel = seen.open(2)
    panel.locator("[data-action=take]").click()
    expect(panel.locator(".error")).to_have_text("Déjà prise en charge par Bruno.")


def refuse(status: int, route: Route) -> None:
    route.fulfill(status=status, json={"error": "no"})


def test_a_refusal_is_told_in_a_sentence(visit: Visit, own_server: Callable[..., Board]) -> None:
    board = guarded(own_server)
    for status, sentence in ((403, "Vous pouvez consulter ce tableau"), (503, "L’écriture n’a pas abouti")):
        visitor = visit()
        visitor.guard.expect(f"status of {status}")
        allow(visitor, partial(refuse, status), name="Aïcha")
        seen = visitor.open(f"{board.url}?token={token(board)}")
        seen.link("live")
        panel = seen.open(2)
        panel.locator("[data-action=take]").click()
        expect(panel.locator(".error")).to_contain_text(sentence)
        expect(panel.locator("[data-action=take]")).to_be_enabled()  # one may try again


def test_ages_turn_amber_and_red(visit: Visit, board: Board) -> None:
    now = time.time()  # the preset's delays of an urgent row are 15 and 30 minutes
    board.post(
        record(1, "En cours", "Urgente", Derniere_MAJ=now - 12 * 60),
        record(2, "En cours", "Urgente", Derniere_MAJ=now - 16 * 60),
        record(3, "En cours", "Urgente", Derniere_MAJ=now - 61 * 60),
        record(4, "Terminé", "Urgente", Derniere_MAJ=now - 9999 * 60),
    )
    seen = visit().open(f"{board.url}?show=all")
    seen.shown(4)
    assert lateness(seen) == {1: None, 2: "amber", 3: "red", 4: None}
    expect(seen.row(3).locator(".time")).to_contain_text("En retard")


def lateness(seen: Dashboard) -> dict[int, str | None]:
    return {id: seen.row(id).locator(".time").get_attribute("data-late") for id in seen.ids()}


@pytest.mark.parametrize("days", [-2, 2])
def test_a_wrong_clock_makes_nothing_late(visit: Visit, own_server: Callable[..., Board], days: int) -> None:
    board = own_server(heartbeat=3600)  # no ping that could set it right
    visitor = visit()
    visitor.context.add_init_script(f"Date.now = (now => () => now() + {days * 86_400_000})(Date.now)")
    watch = """new MutationObserver(() => {
      window.__late = Math.max(window.__late ?? 0, document.querySelectorAll('[data-late]').length);
    }).observe(document, {subtree: true, childList: true, attributes: true})"""
    visitor.context.add_init_script(watch)
    now = time.time()
    board.post(record(1, "En cours", "Urgente", Derniere_MAJ=now), record(2, "En cours", "Urgente", Derniere_MAJ=now))
    seen = visitor.open(board.url)
    seen.link("live")
    assert seen.frame.evaluate("__late") == 0, "not for a moment"
    board.post(record(3, "En cours", "Urgente", Derniere_MAJ=now - 40 * 60))
    expect(seen.row(3).locator(".time")).to_have_attribute("data-late", "red")


def test_priorities_sound_each_as_one_likes(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.link("live")
    seen.do("sound")
    seen.do("settings")
    seen.locator('[data-sound="Normale"]').uncheck()
    seen.page.keyboard.press("Escape")
    board.post(record(1, "En cours"))
    expect(seen.toast(1)).to_be_visible()
    assert seen.seen("tones") == 0
    board.post(record(4, "En cours", "Haute"))  # soon after: what was muted has not sounded
    seen.until(lambda: seen.seen("tones"), 2)
    seen.page.reload()
    seen.do("settings")
    expect(seen.locator('[data-sound="Normale"]')).not_to_be_checked()
    expect(seen.locator('[data-sound="Haute"]')).to_be_checked()


def test_the_same_words_are_told_again(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit("en-GB").open(board.url)
    seen.link("live")
    listen = """name => {
      const heard = (window.__heard ??= {})[name] = [];
      const region = document.querySelector(`.unseen[role=${name}]`);
      new MutationObserver(seen => seen.some(one => one.addedNodes.length) && heard.push(region.textContent.trim()))
        .observe(region, {childList: true, characterData: true, subtree: true});
    }"""
    for region in ("status", "alert"):
        seen.frame.evaluate(listen, region)
    heard = partial(seen.frame.evaluate, "name => __heard[name]")
    for n, comment in enumerate(("one", "two", "three"), start=1):
        board.post(record(4, "Bloqué", "Haute", Commentaire=comment))
        seen.until(lambda n=n: len(heard("status")), n)
    assert set(heard("status")) == {"Zoé Martin: 4 rue de l’Église, Gap → Blocked (INT-4)"}
    for status, left in (("En attente", 3), ("En cours", 2), ("En attente", 3)):
        board.post(record(6, status, "Urgente"))
        seen.counts(waiting=left)
    seen.until(lambda: [text for text in heard("alert") if text], ["Urgent: 6 rue de l’Église, Gap (INT-6)"] * 2)


def test_what_the_filters_keep_out_is_not_told(visit: Visit, board: Board) -> None:
    fill(board)
    visitor = visit()
    seen = visitor.open(f"{board.url}?assignee=A%C3%AFcha&show=all")
    seen.link("live")
    seen.do("sound")
    board.post(record(1, "En cours"), record(6, "En attente", "Urgente"))  # Zoé's
    board.post(record(7, "En cours", "Basse", Agent="Aïcha"))
    seen.has_ids(7)
    expect(seen.toast(7)).to_be_visible()
    assert {toast["row"] for toast in seen.seen("toasts")} == {7}
    expect(seen.locator("[role=alert].unseen")).to_have_text("")
    assert seen.seen("tones") == 1, "one of Aïcha's, low; nothing of the urgent one"
    seen.do("filters")
    seen.do("clear")
    expect(seen.locator('.alert[data-toast-row="6"]')).to_be_visible()  # who looks further sees it


def test_an_alert_put_aside_stays_away_while_others_edit_it(visit: Visit, board: Board) -> None:
    fill(board)
    seen = visit().open(board.url)
    seen.link("live")
    board.post(record(6, "En attente", "Urgente"))
    seen.do("dismiss")
    board.post(record(6, "En attente", "Urgente", Commentaire="Précision"))
    expect(seen.row(6).locator(".comment")).to_have_text("Précision")
    expect(seen.locator(".alert")).to_have_count(0)
    board.post(record(6, "En attente", "Haute"))
    seen.counts(urgent=1)
    board.post(record(6, "En attente", "Urgente"))
    expect(seen.locator('.alert[data-toast-row="6"] .toast-text')).to_have_text("Urgent : 6 rue de l’Église, Gap")


def test_who_looks_elsewhere_is_told_on_the_desktop(visit: Visit, board: Board) -> None:
    fill(board)
    visitor = visit()
    visitor.context.add_init_script(
        """window.__told = [];
        window.Notification = class {
          constructor(title, options) { __told.push([title, options]); }
          static permission = 'default';
          static async requestPermission() { return Notification.permission = 'granted'; }
        };"""
    )
    seen = visitor.open(board.url)
    seen.link("live")
    seen.do("settings")
    seen.locator("[data-action=notices]").check()
    seen.page.keyboard.press("Escape")
    board.post(record(6, "En attente", "Urgente"))
    expect(seen.locator(".alert")).to_be_visible()
    assert seen.frame.evaluate("__told") == [], "who looks at the page sees it there"
    seen.frame.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    board.post(record(7, "En attente", "Urgente", Commentaire="Feu"))
    seen.until(lambda: seen.frame.evaluate("__told.length"), 1)
    [[title, options]] = seen.frame.evaluate("__told")
    assert title == "Urgent : 7 rue de l’Église, Gap (INT-7)" and options["body"] == "Feu"
