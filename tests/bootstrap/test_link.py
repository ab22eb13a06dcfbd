"""The link to a row in Grist: the row's card, kept in the configuration, told to viewers."""

from __future__ import annotations

import tomllib

import pytest

from tests.bootstrap.operator import SEED, Operator


def link(op: Operator) -> object:
    return tomllib.loads(op.file.read_text("utf-8"))["boards"]["interventions"].get("link")


def test_viewers_are_led_to_the_rows_card_over_the_dashboards_page(op: Operator) -> None:
    op.run(dry_run=True)
    assert op.shows("+ link from the dashboard")
    result = op.run()
    card = op.doc.tables["Interventions"].ref * 3
    wanted = f"{op.grist.url}/doc/{op.doc.id}/p/3#a3.s{card}.r{{row}}"
    assert result.page == wanted.partition("#")[0]
    assert link(op) == wanted == result.board.describe()["link"]
    assert op.widgets()[0]["widgetOptions"]["board"]["link"] == wanted
    assert op.run().lines()[0] == "Nothing to do." and not op.shows("link")


def test_a_public_boards_widget_does_not_tell_it(op: Operator) -> None:
    op.run()
    op.file.write_text(op.file.read_text("utf-8") + 'access = "public"\n', "utf-8")
    op.run()
    assert link(op) and op.widgets()[0]["widgetOptions"]["board"]["link"] is None


@pytest.mark.parametrize("tail", ["/p/2#a1.s4.r{row}", "/p/2?style=singlePage#a3.s6.r{row}"])
def test_a_link_that_the_user_made_stays(op: Operator, tail: str) -> None:
    op.run()
    before = link(op)
    mine = f"{op.grist.url}/doc/{op.doc.id}{tail}"
    op.file.write_text(op.file.read_text("utf-8").replace(str(before), mine), "utf-8")
    op.run()
    assert link(op) == mine == op.widgets()[0]["widgetOptions"]["board"]["link"]
    assert op.run().lines()[0] == "Nothing to do."


@pytest.mark.parametrize(
    "stale", ["{url}/doc/{doc}/p/99#a3.s88.r{{row}}", "https://old.example.fr/doc/x/p/1#a1.s1.r{{row}}"]
)
def test_a_link_to_a_page_that_was_is_replaced(op: Operator, stale: str) -> None:
    op.run()
    right = str(link(op))
    wrong = stale.format(url=op.grist.url, doc=op.doc.id)
    op.file.write_text(op.file.read_text("utf-8").replace(right, wrong), "utf-8")
    op.run()
    assert op.shows("+ link") and link(op) == right


def test_without_cards_it_is_the_raw_table(op: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grist before 1.1.7."""
    from tests.standin import routes

    def tables(doc: object, query: object) -> object:
        listed = routes.get_tables(doc, query)  # type: ignore[arg-type]
        for table in listed["tables"]:
            del table["fields"]["recordCardViewSectionRef"]
        return listed

    changed = [(*r[:3], tables) if r[3] is routes.get_tables else r for r in routes.ROUTES]
    monkeypatch.setattr(routes, "ROUTES", changed)
    op.make_table(*SEED)
    op.run()
    assert str(link(op)).endswith(f"/p/3#a2.s{op.doc.tables['Interventions'].ref * 3 - 1}.r{{row}}")
