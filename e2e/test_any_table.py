"""Any table becomes a board: what a role says is drawn where the board has the role, else its own columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.dashboard import Dashboard
from e2e.server import Board

WITHOUT_WORDS = ("Non défini", "Non assigné", "Lieu non précisé", "Sans date", "Not set")
BARE: list[dict[str, Any]] = [
    {"id": "A"},
    {"id": "B", "type": "Numeric", "label": {"fr": "Taux", "en": "Rate"}},
    {"id": "C", "type": "Bool"},
    {"id": "D", "type": "Date"},
]


@pytest.fixture
def table(own_server: Callable[..., Board], numbers: Any) -> Callable[..., Board]:
    """Make a board of columns, without a preset."""

    def make(*columns: dict[str, Any]) -> Board:
        name = f"table-{next(numbers)}"
        about = {"title": {"fr": "Liste", "en": "List"}, "table": "List", "access": "public", "open": True}
        return own_server(name=name, boards={name: about | {"columns": list(columns)}})

    return make


def doors(seen: Dashboard) -> list[str]:
    found: list[str] = seen.locator("[data-count]").evaluate_all("all => all.map(one => one.dataset.count)")
    return found


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_table_without_roles_becomes_a_board(visit: Visit, table: Callable[..., Board], phone: bool) -> None:
    board = table(*BARE)
    board.post(*({"id": n, "A": f"ligne {n}", "B": n / 3, "C": n % 2 == 0, "D": 86400 * 20000} for n in range(1, 4)))
    seen = visit(phone=phone).open(f"{board.url}?view=kanban")
    expect(seen.row(2).locator(".place")).to_have_text("ligne 2")
    expect(seen.row(2).locator(".comment")).to_have_text("Taux : 0,667 · C : oui · D : 4 oct. 2024")
    expect(seen.locator("[data-open='2']")).to_have_attribute("aria-label", "ligne 2")
    text = seen.locator("body").inner_text()
    assert not [words for words in WITHOUT_WORDS if words in text]
    assert doors(seen) == ["total"]
    expect(seen.locator("[data-count=total]")).to_have_attribute("aria-pressed", "true")
    expect(seen.locator("[data-filter]")).to_have_count(0)
    expect(seen.locator("[data-view=kanban]:not(main)")).to_have_count(0)
    panel = seen.open(2)
    expect(panel.locator("h2")).to_have_text("ligne 2")
    assert [" ".join(one.split()) for one in panel.locator(".cells > div").all_inner_texts()] == [
        "Taux 0,667",
        "C oui",
        "D 4 oct. 2024",
    ]
    expect(panel.locator(".badge, .detail-place, .time:not(.change *)")).to_have_count(0)
    seen.accessible()
    seen.fits()
    seen.do("close-detail")
    seen.do("filters")
    expect(seen.locator("[data-action=mine]")).to_have_count(0)
    seen.link("live")
    board.post({"id": 1, "A": "ligne une"})
    expect(seen.toast(1)).to_have_text("ligne une")
    expect(seen.locator(".toast-more")).to_have_text("A")
    expect(seen.row(1).locator(".place")).to_have_text("ligne une")


def test_statuses_that_are_not_declared_are_columns_of_the_kanban(visit: Visit, table: Callable[..., Board]) -> None:
    board = table({"id": "T", "role": "title"}, {"id": "Etat", "role": "status"}, {"id": "Qui", "role": "assignee"})
    values = ["Neuf", "Usé", "", *(f"Lot {n:02}" for n in range(12))]
    board.post(*({"id": n, "T": f"Objet {n}", "Etat": value} for n, value in enumerate(values, start=1)))
    seen = visit().open(f"{board.url}?view=kanban")
    expect(seen.locator(".column")).to_have_count(13)
    heads = [" ".join(one.split()) for one in seen.locator(".column h2 bdi").all_inner_texts()]
    assert heads[-1] == "Autres" and "Neuf" in heads and heads[-2] == "Non défini"
    expect(seen.locator(".column").last.locator(".status")).to_have_count(3)  # there, cards say which
    expect(seen.locator(".column").first.locator(".status")).to_have_count(0)
    assert doors(seen) == ["total"]
    seen.link("live")
    board.post({"id": 1, "Etat": "Usé"})
    used = seen.locator(".column").filter(has=seen.locator("h2 bdi", has_text="Usé"))
    expect(used.locator("[data-row]")).to_have_count(2)


def test_only_counts_with_a_meaning_are_shown(visit: Visit, table: Callable[..., Board]) -> None:
    states = [{"value": "open", "meaning": "waiting"}, {"value": "held", "meaning": "blocked"}]
    board = table({"id": "T", "role": "title"}, {"id": "S", "role": "status", "type": "Choice", "choices": states})
    board.post({"id": 1, "T": "one", "S": "open"}, {"id": 2, "T": "two", "S": "held"})
    seen = visit().open(board.url)
    seen.counts(total=2, waiting=1, blocked=1)
    assert doors(seen) == ["total", "waiting", "blocked"]
    expect(seen.locator("[data-filter]")).to_have_count(0)  # none is ever done, and none is urgent
    seen.locator("[data-count=blocked]").click()
    seen.has_ids(2)


def test_a_board_in_another_time_zone_names_it(visit: Visit, table: Callable[..., Board]) -> None:
    board = table({"id": "T", "role": "title"}, {"id": "M", "role": "updated_at", "type": "DateTime:Indian/Reunion"})
    board.post({"id": 1, "T": "one", "M": 1_795_000_000})
    seen = visit().open(board.url)
    expect(seen.open(1).locator(".updated")).to_contain_text("(heure de La Réunion)")
    expect(seen.row(1).locator("time")).to_have_attribute(
        "title", "mercredi 18 novembre 2026 à 15:06:40 (heure de La Réunion)"
    )
