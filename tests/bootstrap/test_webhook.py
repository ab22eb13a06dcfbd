"""The webhook: repaired in one request, and what stands in its way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bootstrap.operator import (
    SEED,
    URL,
    WATCHED,
    Operator,
    add_webhook,
    break_webhook,
)
from tests.standin_grist import Receiver


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"enabled": False}, "disabled → enabled"),
        ({"authorization": "Bearer old"}, "another secret → ours"),
        ({"watched": []}, "watches every column → ID2, Agent"),
        ({"eventTypes": ["add"]}, "events add → add, update"),
        ({"url": "http://localhost:9999/webhook/grist-realtime"}, "address http://localhost:9999"),
        ({"name": "renamed", "enabled": False}, "disabled → enabled"),
    ],
)
def test_a_webhook_is_repaired_in_one_request(broken: dict[str, Any], words: str, op: Operator) -> None:
    op.run()
    break_webhook(op, **broken)
    asked = len(op.grist.changes())
    op.run()
    assert op.shows("~ webhook", words), op.lines
    assert not op.shows("Bearer")
    [(method, _, body)] = op.grist.changes()[asked:]
    assert method == "PATCH"
    # Grist ignores watchedColIds without tableId, and resets it when tableId comes alone.
    assert {"tableId", "watchedColIds", "isReadyColumn"} <= set(body)
    webhook = op.webhooks()[0]
    assert (webhook["enabled"], webhook["eventTypes"], webhook["watchedColIds"]) == (True, ["add", "update"], WATCHED)
    assert webhook["url"] == f"{URL}/webhook/grist-realtime"
    assert webhook["name"] == broken.get("name", "Broadcast Interventions")
    assert op.run().lines()[0] == "Nothing to do."


def test_a_webhook_that_waits_for_a_column_sends_every_row_again(op: Operator) -> None:
    op.run()
    op.doc.apply([["AddColumn", "Interventions", "Pret", {"type": "Bool", "isFormula": False}]])
    break_webhook(op, ready=op.column("Pret")["colRef"])
    op.run()
    assert op.shows("~ webhook", "waits for Pret")
    assert op.webhooks()[0]["isReadyColumn"] is None


def test_a_webhook_to_our_address_but_of_another_table_is_moved_with_its_columns(op: Operator) -> None:
    op.run()
    break_webhook(op, table=op.doc.tables["Table1"].ref, watched=[])
    op.run()
    assert op.shows("~ webhook", "table Table1 → Interventions")
    assert (op.webhooks()[0]["tableId"], op.webhooks()[0]["watchedColIds"]) == ("Interventions", WATCHED)


def test_the_boards_own_address_is_as_good_as_the_first_one(op: Operator) -> None:
    op.run()
    break_webhook(op, url=f"{URL}/webhook/interventions")
    assert op.run().lines()[0] == "Nothing to do."


def test_a_second_webhook_to_us_is_named_and_left(op: Operator) -> None:
    op.run()
    add_webhook(op, f"{URL}/webhook/interventions", name="twin")
    op.run()
    assert op.shows("!", '"twin"', "sent twice", "Delete it")
    assert len(op.webhooks()) == 2


def test_somebody_elses_webhook_is_left_alone(op: Operator) -> None:
    op.make_table(*SEED)
    add_webhook(op, "https://n8n.example.fr/x", name="n8n")
    op.run()
    assert [w["url"] for w in op.webhooks()] == ["https://n8n.example.fr/x", f"{URL}/webhook/grist-realtime"]


def test_a_failing_webhook_that_holds_up_ours_is_named(op: Operator) -> None:
    op.run()
    with Receiver(500) as bad:
        add_webhook(op, bad.url, name="n8n")
        op.doc.webhooks.all[op.doc.webhooks.listed()[0]["id"]]["enabled"] = False
        op.doc.add_records("Interventions", [{"Agent": "x"}])
        while len(bad.bodies) < 2:
            pass
        op.run(dry_run=True)
    assert op.shows("!", 'webhook "n8n"', "holds up all webhooks", "disable it")


def test_our_own_failing_webhook_is_named(op: Operator) -> None:
    with Receiver(500) as ours:
        op.url = ours.url.removesuffix("/hook")
        op.run()
        op.doc.add_records("Interventions", [{"Agent": "x"}])
        while len(ours.bodies) < 2:
            pass
        op.run(dry_run=True)
    assert op.shows("!", "our webhook fails", "Start the server")


def test_a_queue_that_fills_is_named(op: Operator) -> None:
    with Receiver(500) as ours:
        op.url = ours.url.removesuffix("/hook")
        op.run()
        op.doc.add_records("Interventions", [{"Agent": "x"}] * 600)
        op.run(dry_run=True)
    assert op.shows("! 600 events wait", "at 1,000 Grist blocks all edits")


@pytest.mark.parametrize(
    ("url", "server", "words"),
    [
        ("http://live.example.fr", None, ("!", "plain http")),
        ("http://0.0.0.0:8484", None, ("!", "only works on this machine")),
        ("http://127.0.0.1:8484", "grist.example.fr", ("!", "only works on this machine", "public_url")),
        ("https://live.example.fr", "grist.example.fr", ()),
        ("http://127.0.0.1:8484", None, ()),
    ],
)
def test_an_address_that_grist_cant_reach_or_that_is_in_the_clear_is_named(
    url: str, server: str | None, words: tuple[str, ...], op: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    op.url = url
    if server:
        monkeypatch.setattr("grist_live.bootstrap.webhook._loopback", lambda address: "127.0.0.1:8484" in address)
    op.run(dry_run=True)
    assert op.shows(*words) if words else not op.shows("! ")


def test_a_board_that_is_heard_live_needs_no_webhook(op: Operator) -> None:
    """Neither an owner's key nor an allowed domain: the webhooks aren't even looked at."""
    op.file.write_text('[boards.interventions]\npreset = "interventions"\nsource = "watch"\n', "utf-8")
    result = op.run()
    assert result.left == [] and op.shows("= no webhook", "websocket"), op.lines
    assert op.webhooks() == [] and not [path for _, path, _ in op.grist.requests if "webhooks" in path]
    assert op.widgets(), "all else is there"
