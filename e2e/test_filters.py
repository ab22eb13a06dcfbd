"""Filters: by role, by text, mine; together, in the address, saved; and the counts follow."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.dashboard import Dashboard
from e2e.server import Board, record


def rows(board: Board) -> None:
    board.post(
        record(1, "En attente", "Normale", Agent="Zoé", Type="Voirie", Localisation="13001 Marseille, Vieux-Port"),
        record(2, "En cours", "Urgente", Agent="Ana", Type="Voirie", Localisation="20200 Bastia"),
        record(3, "Terminé", "Urgente", Agent="Zoé", Type="Autre", Localisation="97400 Saint-Denis"),
        record(4, "Bloqué", "Haute", Agent="", Type="Bâtiment", Localisation="13090 Aix-en-Provence"),
        record(5, "En attente", "Basse", Agent="Ana", Type="Autre", Localisation="8 rue du 13 mai, Gap"),
    )


def check(seen: Dashboard, facet: str, value: str) -> None:
    seen.locator(f'[data-facet="{facet}"] [data-value="{value}"]').click()


def test_filters_go_together_and_counts_follow(visit: Visit, board: Board) -> None:
    rows(board)
    seen = visit().open(board.url)
    seen.has_ids(2, 4, 1, 5)
    seen.do("filters")
    check(seen, "department", "13")
    seen.has_ids(4, 1)
    seen.counts(total=2, urgent=0, waiting=1, blocked=1, active=0, done=0)
    check(seen, "department", "2B")
    seen.has_ids(2, 4, 1)
    check(seen, "kind", "Voirie")
    seen.has_ids(2, 1)
    expect(seen.locator('[data-facet="assignee"] .check')).to_have_text([re.compile("Ana"), re.compile("Zoé")])
    check(seen, "assignee", "Zoé")
    seen.has_ids(1)
    assert seen.query() == "kind=Voirie&assignee=Zo%C3%A9&department=13&department=2B"
    seen.page.reload()
    seen.has_ids(1)
    expect(seen.locator(".chip")).to_have_text(["Voirie", "Zoé", "≈ 13", "≈ 2B"])
    seen.locator(".chip", has_text="Zoé").click()
    seen.has_ids(2, 1)
    seen.do("filters")
    seen.do("clear")
    seen.has_ids(2, 4, 1, 5)
    assert seen.query() == ""


def test_an_address_with_filters_works_as_it_is_written(visit: Visit, board: Board) -> None:
    rows(board)
    seen = visit().open(f"{board.url}?status=Terminé&status=Bloqué")
    seen.has_ids(4, 3)
    seen.page.goto(f"{board.url}?assignee=")
    seen.has_ids(4)
    seen.page.goto(f"{board.url}?department=974&show=all&view=kanban")
    seen.until(seen.locator("[data-row]").count, 1)
    expect(seen.row(3)).to_be_visible()


def test_a_search_takes_words_without_accents(visit: Visit, board: Board) -> None:
    rows(board)
    seen = visit().open(board.url)
    search = seen.locator("[data-action=search]")
    search.fill("MARSEILLE")
    seen.has_ids(1)
    seen.counts(total=1, waiting=1)
    search.fill("batiment aix")
    seen.has_ids(4)
    search.fill("rien de tel")
    expect(seen.locator(".empty")).to_contain_text("Rien ne correspond à ces filtres")
    seen.locator(".empty button").click()
    seen.shown(5)
    expect(search).to_have_value("")


def test_mine_are_those_with_my_name(visit: Visit, board: Board) -> None:
    rows(board)
    seen = visit().open(board.url)
    seen.has_ids(2, 4, 1, 5)
    seen.page.keyboard.press("m")
    expect(seen.locator("[data-action=me]")).to_be_focused()
    seen.page.keyboard.type("zoe")
    seen.page.keyboard.press("Enter")
    seen.locator("[data-action=mine]").check()
    seen.has_ids(1)
    seen.page.keyboard.press("Escape")
    seen.filter("all")
    seen.has_ids(1, 3)
    seen.page.reload()
    seen.has_ids(1, 3)
    assert "mine=1" in seen.query()


def test_filters_are_saved_by_name(visit: Visit, board: Board) -> None:
    rows(board)
    visitor = visit()
    seen = visitor.open(f"{board.url}?kind=Voirie&q=bastia")
    seen.has_ids(2)
    seen.do("filters")
    seen.locator(".save-form input").fill("<b>Corse</b>")
    seen.do("save")
    other = visitor.open(board.url)
    other.has_ids(2, 4, 1, 5)
    other.do("filters")
    other.locator("[data-saved]", has_text="<b>Corse</b>").click()
    other.has_ids(2)
    assert other.query() == "kind=Voirie&q=bastia"
    other.locator(".saved .tool").click()
    expect(other.locator("[data-saved]")).to_have_count(0)


def test_what_is_saved_is_a_view_with_its_filters(visit: Visit, board: Board) -> None:
    rows(board)
    seen = visit().open(f"{board.url}?view=kanban&show=all&kind=Voirie")
    seen.do("filters")
    seen.locator(".save-form input").fill("Mur")
    seen.do("save")
    seen.page.goto(board.url)
    seen.has_ids(2, 4, 1, 5)
    seen.do("filters")
    seen.locator("[data-saved=Mur]").click()
    expect(seen.locator("main")).to_have_attribute("data-view", "kanban")
    assert seen.query() == "view=kanban&show=all&kind=Voirie"
    # One that was saved before views were: it leaves the view alone.
    seen.frame.evaluate(
        """board => localStorage.setItem(`grist-live:saved:${board}`,
      JSON.stringify([{name: 'Alt', query: 'kind=Autre'}]))""",
        board.name,
    )
    seen.page.reload()
    seen.do("filters")
    seen.locator("[data-saved=Alt]").click()
    seen.until(lambda: seen.query(), "view=kanban&kind=Autre")


def test_without_storage_filters_work_and_cannot_be_saved(visit: Visit, board: Board) -> None:
    rows(board)
    visitor = visit()
    gone = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    visitor.context.add_init_script(gone)
    seen = visitor.open(f"{board.url}?kind=Voirie")
    seen.has_ids(2, 1)
    seen.do("filters")
    expect(seen.locator(".filter-panel")).to_contain_text("les filtres ne peuvent pas y être enregistrés")
    expect(seen.locator(".save-form")).to_have_count(0)


def test_the_timeline_is_filtered_by_the_server(visit: Visit, board: Board) -> None:
    rows(board)
    board.post(record(1, "En cours", Agent="Zoé", Type="Voirie", Localisation="13001 Marseille, Vieux-Port"))
    seen = visit().open(f"{board.url}?view=timeline&department=13")
    expect(seen.locator(".timeline .change")).to_have_count(3)
    assert all(re.match("INT-[14],", entry) for entry in seen.changes())
    seen.link("live")
    board.post(record(5, "En cours", "Basse", Localisation="Gap"), record(4, "En cours", Localisation="13090 Aix"))
    expect(seen.locator(".timeline .change")).to_have_count(4)
    assert "INT-4" in seen.changes()[0]
    seen.locator("[data-action=search]").fill("vieux-port")
    expect(seen.locator(".timeline .change")).to_have_count(2)


def test_the_counts_are_doors(visit: Visit, board: Board) -> None:
    rows(board)
    seen = visit().open(f"{board.url}?kind=Autre&kind=Bâtiment")
    seen.has_ids(4, 5)
    door = seen.locator('[data-count="blocked"]')
    door.click()
    seen.has_ids(4)
    expect(door).to_have_attribute("aria-pressed", "true")
    assert "status=Bloqu%C3%A9" in seen.query()
    door.click()
    seen.has_ids(4, 5)
    expect(door).to_have_attribute("aria-pressed", "false")


def test_a_filtered_timeline_says_what_happened_and_not_what_the_filter_sees_of_it(visit: Visit, board: Board) -> None:
    """A row that gets another status was neither removed nor created, and live entries obey the status, too."""
    rows(board)
    board.post(record(1, "En cours", Agent="Zoé"))
    seen = visit().open(f"{board.url}?view=timeline&status=En+attente")
    kinds = seen.locator(".timeline .change")

    def told() -> list[tuple[str | None, str | None]]:
        return [(x.get_attribute("data-change-row"), x.get_attribute("data-action-kind")) for x in kinds.all()]

    seen.until(told, [("1", "update"), ("5", "add"), ("1", "add")])
    seen.link("live")
    board.post(record(2, "Bloqué", "Urgente", Agent="Ana"), record(4, "En attente", "Haute"))
    seen.until(told, [("4", "update"), ("1", "update"), ("5", "add"), ("1", "add")])
    seen.page.goto(f"{board.url}?view=timeline&show=urgent")
    board.post(record(2, "Bloqué", "Haute", Agent="Ana"))
    seen.until(lambda: told()[:1], [("2", "update")])
    seen.page.reload()
    seen.until(lambda: told()[:1], [("2", "update")])


def test_the_bar_of_the_timeline_has_only_what_does_something_there(visit: Visit, board: Board) -> None:
    """It tells of what is done, too, and its changes are not counted as rows."""
    rows(board)
    seen = visit().open(f"{board.url}?view=timeline")
    segments = seen.locator("[data-filter]")
    expect(segments).to_have_text(["Toutes", "Urgentes"])
    expect(segments.first).to_have_attribute("aria-pressed", "true")
    expect(seen.locator(".shown")).to_have_count(0)
    expect(seen.locator(".timeline .change")).to_have_count(5)
    seen.filter("urgent")
    expect(seen.locator(".timeline .change")).to_have_count(2)
    seen.filter("all")
    expect(seen.locator(".timeline .change")).to_have_count(5)
    seen.view("list")
    seen.has_ids(2, 4, 1, 5)
    seen.shown(4)


def test_a_filter_that_the_board_has_no_column_for_is_left_out(visit: Visit, own_server: Callable[..., Board]) -> None:
    columns = [{"id": "ID2", "role": "title"}, {"id": "Type", "role": "kind", "type": "ChoiceList"}, {"id": "Note"}]
    board = own_server(board={"preset": "", "table": "T", "columns": columns})
    board.post(
        {"id": 1, "ID2": "a", "Type": ["L", "Eau", "Gaz"]}, {"id": 2, "ID2": "b", "Type": ["L", "Gaz"], "Note": "clé"}
    )
    seen = visit().open(f"{board.url}?view=timeline&status=x&priority=y&kind=Eau&mine=1")
    expect(seen.locator(".timeline .change")).to_have_count(1)
    expect(seen.locator(".chip")).to_have_text(["Eau"])
    seen.view("list")
    seen.has_ids(1)
    seen.do("filters")
    expect(seen.locator('[data-facet="kind"] .check')).to_have_text([re.compile("Eau"), re.compile("Gaz")])
    seen.do("clear")
    seen.locator("[data-action=search]").fill("CLE")
    seen.has_ids(2)


def test_filters_that_the_server_refuses_are_not_blamed_on_the_link(visit: Visit, board: Board) -> None:
    rows(board)
    visitor = visit()
    visitor.guard.expect("status of 400")
    visitor.context.route("**/history*", lambda route: route.fulfill(status=400, json={"error": "kind is no filter"}))
    seen = visitor.open(f"{board.url}?view=timeline&kind=Voirie")
    expect(seen.locator(".timeline")).to_contain_text("Le serveur ne peut pas appliquer ces filtres")


def test_mine_are_mine_in_the_timeline_however_my_name_is_written(visit: Visit, board: Board) -> None:
    rows(board)
    visitor = visit()
    visitor.context.add_init_script("localStorage.setItem('grist-live:me', 'ZOE')")
    seen = visitor.open(f"{board.url}?mine=1&show=all")
    seen.has_ids(1, 3)
    seen.view("timeline")
    expect(seen.locator(".timeline .change")).to_have_count(2)
