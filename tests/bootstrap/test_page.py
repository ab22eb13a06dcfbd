"""The page: its widget repaired, what the user set kept."""

from __future__ import annotations

import json

from grist_live.access import Access
from tests.bootstrap.operator import (
    SEED,
    URL,
    Operator,
)


def test_a_widget_with_other_settings_is_repaired_and_the_users_own_stay(op: Operator) -> None:
    op.run()
    token = op.widgets()[0]["widgetOptions"]["token"]
    op.change_widget(
        url="https://old.example.fr/grist-realtime-dashboard-widget.html", access="none",
        columnsMapping={"a": 1}, widgetOptions={"stream": "https://old.example.fr/sse", "muted": True},
    )  # fmt: skip
    op.run()
    assert op.shows(
        "~ page", "url https://old.example.fr", f"→ {URL}/widgets/dashboard.html", "access none → read table"
    )
    widget = op.widgets()[0]
    assert widget["columnsMapping"] == {"a": 1}
    assert widget["widgetOptions"]["muted"] is True
    assert widget["widgetOptions"]["token"] == token
    assert op.run().lines()[0] == "Nothing to do."


def test_a_token_that_no_longer_opens_the_board_is_replaced(op: Operator) -> None:
    op.run()
    op.change_widget(widgetOptions={"token": "revoked.token-of-old"})
    result = op.run()
    token = op.widgets()[0]["widgetOptions"]["token"]
    assert Access((), result.settings.token_keys).token_ok(result.board, token)
    assert op.shows("~ page", "a new viewer token")
    assert not op.shows(token)


def test_a_widget_from_the_gallery_keeps_its_address(op: Operator) -> None:
    op.run()
    definition = {"url": f"{URL}/widgets/dashboard.html", "widgetId": "@grist-live/dashboard"}
    op.change_widget(url=None, widgetId="@grist-live/dashboard", widgetDef=definition, access="none")
    op.run()
    widget = op.widgets()[0]
    assert (widget["url"], widget["widgetId"], widget["access"]) == (None, "@grist-live/dashboard", "read table")


def test_a_page_of_that_name_gets_the_dashboard(op: Operator) -> None:
    op.make_table(*SEED)
    op.doc.apply([["CreateViewSection", 2, 0, "record", None, None]])
    op.doc.meta["_grist_Views"][3]["name"] = "Tableau de bord"
    op.run()
    assert [v["name"] for v in op.doc.meta["_grist_Views"].values()] == ["Table1", "Interventions", "Tableau de bord"]
    assert [w["page"] for w in op.widgets()] == ["Tableau de bord"]


def test_somebody_elses_widget_is_left_alone(op: Operator) -> None:
    op.make_table(*SEED)
    op.doc.apply([["CreateViewSection", 2, 0, "custom", None, None]])
    view = json.dumps({"mode": "url", "url": "https://maps.example.fr/index.html"})
    op.doc.meta["_grist_Views_section"][7]["options"] = json.dumps({"customView": view})
    op.run()
    assert [w["url"] for w in op.widgets()] == ["https://maps.example.fr/index.html", f"{URL}/widgets/dashboard.html"]


def test_broken_widget_options_are_replaced(op: Operator) -> None:
    op.make_table(*SEED)
    op.doc.apply([["CreateViewSection", 2, 0, "custom", None, None]])
    op.doc.meta["_grist_Views_section"][7]["options"] = "{broken"
    op.run()
    assert [w["url"] for w in op.widgets()] == [f"{URL}/widgets/dashboard.html"]
