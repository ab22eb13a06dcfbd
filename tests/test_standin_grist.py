"""The stand-in Grist answers as the real one did: recorded exchanges are replayed, and its rules tried."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.standin_grist import EDITOR, OUTSIDER, OWNER, VIEWER, Receiver, StandinDocument, StandinGrist

RECORDED = Path(__file__).parent / "payloads" / "grist"
MAIN, OTHER = "rshSwVm3EntT8bVcVDdUWL", "nmH3xnUcmuojJ6uVeA3PQe"
SEQUENCE = """
06-tables-initial 07-columns-initial 10-table-create 11-tables 12-columns 12b-columns-hidden
13-table-create-duplicate 13b-table-create-lowercase 13c-table-weird-names 13e-table-bad-type
13f-table-bad-field 13g-table-bad-body 14-column-create-duplicate 15-column-create 15b-column-create-id
15c-column-label-differs 15d-column-noid 16-column-patch 16b-after-patch 17-column-patch-missing
19-columns-missing-table 19b-records-missing-table 19c-missing-doc 19d-bad-key 19e-no-key 19f-basic
19g-missing-doc-short 20-apply-remove-tables 20b-column-delete 20c-column-patch-untie
21-column-patch-recalcWhen 22-column-post-recalcWhen 23-column-post-recalcDeps 34-force-reload
25-column-post-trigger 25b-column-patch-recalcDeps 25c-column-post-user 25d-column-post-recalcDeps-plainlist
26-column-patch-colid-ID 26b-column-patch-colid-conflict 27b-apply-addtable-addvisiblecolumn
28-apply-bad-action 30-records-add 31-records-patch 31b-records-patch-invalid-values 31c-records-patch-epoch
31d-records-patch-missing-row 31e-records-patch-missing-col 31f-records-patch-formula-col
31g-records-patch-empty 31h-records-patch-mixed-cols 31j-records-delete-missing 32-apply-calculate
33-apply-updatecurrenttime 40-webhooks-get-empty 41-webhook-create 42-webhooks-get
43-webhook-create-remove-event 43b-webhook-create-unknown-field 43c-webhook-create-no-events
43d-webhook-create-ftp 43e-webhook-create-badurl 43f-webhook-create-missing-table
43g-webhook-create-missing-col 43h-webhook-create-missing-readycol 43i-webhook-create-no-url
43j-webhook-create-badbody 46-webhook-patch-no-tableId 42b-webhooks-get 46b-webhook-patch-tableId
46e-webhook-patch-missing 47b-webhook-delete-missing 48-webhook-queue-clear 48b-webhook-queue-clear-one
51-viewer-get-records 51-editor-get-records 51-outsider-get-records 52-viewer-patch-records
52-editor-patch-records 52-outsider-patch-records 53-viewer-post-columns 53-editor-post-columns
53-outsider-post-columns 54-viewer-get-webhooks 54-editor-get-webhooks 54-outsider-get-webhooks
55-viewer-post-webhooks 55-editor-post-webhooks 55-outsider-post-webhooks 56-viewer-states
56-outsider-states 57-viewer-compare 57-editor-compare 57-outsider-compare 76-webhook-disable
90d-records-filter-notarray
90e-records-filter-badcol 93b-compare-badhash 93c-compare-tilde 97-apply-custom-widget-create-view-section
97-apply-custom-widget-configure 97b-apply-widget-options 98-views-section-record 98b-views 98c-pages
""".split()
OPAQUE = ("columnDeltas", "tableDeltas")


def recorded(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    return content


def shape(value: Any, key: str = "") -> Any:
    """Reduce a body to its keys and kinds; what depends on a table's columns and rows is left out."""
    if isinstance(value, dict) and key not in OPAQUE:
        user_row = key == "fields" and "ID2" in value
        return "row" if user_row else {k: shape(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value and isinstance(value[0], dict) else []
    return None


def key_of(name: str) -> str | None:
    """Which key a recorded request was sent with; they are masked in the records."""
    who = {"viewer": VIEWER, "editor": EDITOR, "outsider": OUTSIDER}
    special = {"19d": "Bearer wrong", "19e": None, "19f": "Basic dTpw"}
    if name[:3] in special:
        return special[name[:3]]
    return f"Bearer {next((k for w, k in who.items() if f'-{w}-' in name), OWNER)}"


def prepare(document: StandinDocument, name: str) -> None:
    """What happened between two recorded requests and was not recorded itself."""
    if name.startswith("26-"):
        columns = [{"id": "ID2", "label": "ID", "type": "Text"}]
        columns += [{"id": c, "type": "Text"} for c in ("Statut", "X")]
        document.apply([["AddTable", "Interventions", columns]])
    if name.startswith("46b"):
        document.apply([["AddColumn", "Interventions", "Pret", {"type": "Bool", "isFormula": False}]])
    if name.startswith("51-viewer"):
        document.add_records("Interventions", [{}] * 10)


@pytest.fixture(scope="module")
def replayed() -> dict[str, requests.Response]:
    """Send the recorded requests, in their order, to a stand-in; return its answers."""
    answers: dict[str, requests.Response] = {}
    ids: dict[str, str] = {}
    with StandinGrist() as grist, requests.Session() as session:
        documents = {MAIN: grist.add_document(MAIN), OTHER: grist.add_document(OTHER)}
        for name in SEQUENCE:
            request = recorded(name)["request"]
            prepare(documents[OTHER if OTHER in request["path"] else MAIN], name)
            path = request["path"]
            for there, here in ids.items():
                path = path.replace(there, here)
            key = key_of(name)
            headers = {"Authorization": key} if key else {}
            answer = session.request(request["method"], grist.url + path, json=request["body"], headers=headers)
            answers[name] = answer
            there = recorded(name)["response"]["body"]
            if request["path"].endswith("/webhooks") and request["method"] == "POST" and answer.ok:
                ids[there["webhooks"][0]["id"]] = answer.json()["webhooks"][0]["id"]
    return answers


@pytest.mark.parametrize("name", SEQUENCE)
def test_it_answers_as_the_real_one_did(name: str, replayed: dict[str, requests.Response]) -> None:
    real = recorded(name)["response"]
    answer = replayed[name]
    assert answer.status_code == real["status"], answer.text
    assert answer.headers["Content-Type"] == real["headers"]["Content-Type"]
    assert shape(answer.json()) == shape(real["body"])
    if "error" in (real["body"] or {}):
        assert answer.json()["error"] == real["body"]["error"].replace(MAIN, MAIN)


IDS = {
    "10-table-create", "13-table-create-duplicate", "13b-table-create-lowercase", "13c-table-weird-names",
    "14-column-create-duplicate", "15-column-create", "15b-column-create-id", "15c-column-label-differs",
    "15d-column-noid", "22-column-post-recalcWhen", "25-column-post-trigger", "30-records-add",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(IDS))
def test_it_gives_the_ids_that_the_real_one_gave(name: str, replayed: dict[str, requests.Response]) -> None:
    assert replayed[name].json() == recorded(name)["response"]["body"]


COLUMNS = ("12-columns", "16b-after-patch")


@pytest.mark.parametrize("name", COLUMNS)
def test_its_columns_are_as_the_real_ones(name: str, replayed: dict[str, requests.Response]) -> None:
    def told(body: Any) -> list[Any]:
        skip = ("colRef", "parentPos", "parentId")
        return [(c["id"], {k: v for k, v in c["fields"].items() if k not in skip}) for c in body["columns"]]

    assert told(replayed[name].json()) == told(recorded(name)["response"]["body"])


# The webhook queue


@pytest.fixture
def grist() -> Iterator[StandinGrist]:
    with StandinGrist(wait=0.005) as grist:
        yield grist


def watched_table(grist: StandinGrist, url: str, **fields: Any) -> StandinDocument:
    document = grist.add_document()
    document.apply([["AddTable", "T", [
        {"id": "Titre", "type": "Text"},
        {"id": "Maj", "type": "DateTime:UTC", "isFormula": False, "formula": "NOW()"}]]])  # fmt: skip
    maj = document.tables["T"].columns["Maj"].ref
    document.apply([["UpdateRecord", "_grist_Tables_column", maj, {"recalcWhen": 2}]])
    add_webhook(document, url, **fields)
    return document


def add_webhook(document: StandinDocument, url: str, **fields: Any) -> str:
    body = {"url": url, "eventTypes": ["add", "update"], "tableId": "T"} | fields
    return document.webhooks.create({"webhooks": [{"fields": body}]})[0]


def test_a_delivery_looks_as_the_real_one(grist: StandinGrist) -> None:
    real = recorded("60-delivery-add-1")["deliveries"][0]
    with Receiver() as receiver:
        document = watched_table(grist, receiver.url, authorization="Bearer s3cret-token")
        document.add_records("T", [{"Titre": "un"}])
        grist.flush()
        assert {k.lower() for k in receiver.headers[0]} == {k.lower() for k, _ in real["raw_headers"]}
        assert receiver.headers[0]["Authorization"] == "Bearer s3cret-token"
        assert list(receiver.bodies[0][0])[:2] == list(real["body"][0])[:2] == ["id", "manualSort"]


@pytest.mark.parametrize(
    ("name", "rows", "batches"),
    [("60-delivery-add-1", 1, [1]), ("63-delivery-add-25", 25, [25]), ("66-delivery-add-250", 250, [100, 100, 50])],
)
def test_adds_come_in_batches_of_a_hundred(name: str, rows: int, batches: list[int], grist: StandinGrist) -> None:
    assert len(recorded(name)["deliveries"]) == len(batches)
    with Receiver() as receiver:
        document = watched_table(grist, receiver.url)
        document.add_records("T", [{"Titre": str(i)} for i in range(rows)])
        grist.flush()
        assert [len(b) for b in receiver.bodies] == batches


def test_ten_quick_edits_of_a_row_are_ten_snapshots_in_order(grist: StandinGrist) -> None:
    with Receiver(pause=0.02) as receiver:
        document = watched_table(grist, receiver.url)
        document.add_records("T", [{"Titre": "0"}])
        for i in range(1, 11):
            document.update("T", 1, {"Titre": str(i)})
        grist.flush()
        assert [r["Titre"] for r in receiver.records] == [str(i) for i in range(11)]
        assert len(receiver.bodies) < 11


def test_a_bundle_of_adds_and_updates_comes_in_the_order_of_rows(grist: StandinGrist) -> None:
    real = recorded("68-delivery-multi-action-bundle")["deliveries"]
    assert [[r["id"] for r in d["body"]] for d in real] == [[4, 280, 281]]
    with Receiver() as receiver:
        document = watched_table(grist, receiver.url)
        document.add_records("T", [{"Titre": "a"}] * 4)
        grist.flush()
        receiver.bodies.clear()
        document.apply([["AddRecord", "T", 280, {"Titre": "n"}], ["UpdateRecord", "T", 4, {"Titre": "b"}],
                        ["AddRecord", "T", None, {"Titre": "m"}]])  # fmt: skip
        grist.flush()
        assert [[r["id"] for r in b] for b in receiver.bodies] == [[4, 280, 281]]


def test_what_the_real_one_does_not_send_is_not_sent(grist: StandinGrist) -> None:
    for name in ("62-delivery-update-noop", "65-delivery-delete-1", "69-delivery-add-then-delete-in-bundle"):
        assert recorded(name)["deliveries"] == []
    with Receiver() as receiver:
        document = watched_table(grist, receiver.url)
        document.add_records("T", [{"Titre": "a"}])
        grist.flush()
        receiver.bodies.clear()
        document.update("T", 1, {"Titre": "a"})
        document.apply([["AddRecord", "T", 9, {"Titre": "b"}], ["RemoveRecord", "T", 9]])
        document.delete("T", 1)
        grist.flush()
        assert receiver.bodies == []


def test_undo_sets_the_trigger_column_back_and_brings_a_row_back_under_its_id(grist: StandinGrist) -> None:
    with Receiver() as receiver:
        document = watched_table(grist, receiver.url)
        document.add_records("T", [{"Titre": "a"}])
        first = document.rows("T")[1]["Maj"]
        document.update("T", 1, {"Titre": "b"})
        assert document.rows("T")[1]["Maj"] > first
        document.undo()
        assert document.rows("T")[1] == {"Titre": "a", "Maj": first}
        document.delete("T", 1)
        document.undo()
        grist.flush()
        assert [(r["id"], r["Titre"]) for r in receiver.records] == [(1, "a"), (1, "b"), (1, "a"), (1, "a")]


def test_each_hour_a_formula_column_with_now_sends_every_row(grist: StandinGrist) -> None:
    with Receiver() as receiver:
        document = watched_table(grist, receiver.url)
        document.apply([["AddColumn", "T", "Heure", {"type": "DateTime:UTC", "formula": "NOW()"}]])
        document.add_records("T", [{"Titre": str(i)} for i in range(280)])
        grist.flush()
        receiver.bodies.clear()
        document.update_current_time()
        grist.flush()
        assert [len(b) for b in receiver.bodies] == [100, 100, 80]


def test_watched_columns_restrict_updates_but_not_adds(grist: StandinGrist) -> None:
    with Receiver() as receiver:
        document = watched_table(grist, receiver.url, watchedColIds=["Titre"])
        document.apply([["AddColumn", "T", "Autre", {"type": "Text", "isFormula": False}]])
        document.add_records("T", [{"Autre": "x"}])
        document.update("T", 1, {"Autre": "y"})
        document.update("T", 1, {"Titre": "z"})
        grist.flush()
        assert [r["Autre"] + r["Titre"] for r in receiver.records] == ["x", "yz"]


def test_a_failing_webhook_is_retried_after_1_2_4_and_holds_up_all_others() -> None:
    with (
        StandinGrist(wait=0.05) as grist,
        Receiver(500, 404, 500, 200) as bad,
        Receiver() as good,
    ):
        document = watched_table(grist, bad.url)
        add_webhook(document, good.url)
        document.add_records("T", [{"Titre": "a"}])
        grist.flush()
        waits = [b - a for a, b in zip(bad.times, bad.times[1:], strict=False)]
        # At least so long; a busy machine makes it more.
        assert len(waits) == 3 and all(w > 0.04 * n for w, n in zip(waits, (1, 2, 4), strict=True)), waits
        assert good.times[0] > bad.times[-1]


def test_after_twenty_attempts_a_batch_goes_to_the_end_of_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.standin.delivery.LONGEST_WAIT", 1)
    with StandinGrist(wait=0.001) as grist, Receiver(*[500] * 20, 200) as bad, Receiver() as good:
        document = watched_table(grist, bad.url)
        add_webhook(document, good.url)
        document.add_records("T", [{"Titre": "a"}])
        grist.flush()
        assert len(bad.times) == 21
        assert bad.times[19] < good.times[0] < bad.times[20]


def test_a_redirect_loses_the_body_and_counts_as_success(grist: StandinGrist) -> None:
    with Receiver(302, 200) as receiver:
        document = watched_table(grist, receiver.url)
        document.add_records("T", [{"Titre": "a"}])
        grist.flush()
        assert [b is None for b in receiver.bodies] == [False, True]


def test_the_usage_tells_that_a_webhook_fails(grist: StandinGrist) -> None:
    real = recorded("80-webhooks-usage-while-retrying")["response"]["body"]["webhooks"][0]["usage"]
    with Receiver(500) as receiver:
        document = watched_table(grist, receiver.url)
        document.add_records("T", [{"Titre": "a"}])
        while len(receiver.bodies) < 2:
            time.sleep(0.005)
        usage = document.webhooks.listed()[0]["usage"]
        assert set(usage) == set(real)
        assert (usage["numWaiting"], usage["lastHttpStatus"]) == (1, 500)
        assert set(usage["lastEventBatch"]) == set(real["lastEventBatch"])


def test_a_full_queue_hangs_the_write_until_it_is_cleared() -> None:
    with StandinGrist(wait=0.1, max_queue=30) as grist, Receiver(500) as receiver:
        document = watched_table(grist, receiver.url)
        write = threading.Thread(target=document.add_records, args=("T", [{"Titre": "x"}] * 30), daemon=True)
        write.start()
        write.join(0.2)
        assert write.is_alive()
        assert len(document.rows("T")) == 30  # reads go on
        document.queue.clear()
        write.join(5)
        assert not write.is_alive()


def test_closing_the_document_loses_what_waits(grist: StandinGrist) -> None:
    with Receiver(500) as receiver:
        document = watched_table(grist, receiver.url)
        document.add_records("T", [{"Titre": "a"}])
        while not receiver.bodies:
            time.sleep(0.005)
        document.restart()
        assert document.queue.idle()


@pytest.mark.parametrize(
    ("domains", "url", "allowed"),
    [
        ("*", "http://10.0.0.1:8484/x", True),
        ("*", "ftp://10.0.0.1/x", False),
        ("example.fr", "https://live.example.fr/x", True),
        ("example.fr", "http://live.example.fr/x", False),
        ("localhost:8484", "http://localhost:8484/x", True),
        ("localhost:8484", "http://localhost:8485/x", False),
        ("127.0.0.1:8484", "http://127.0.0.1:8484/x", False),
        ("", "https://live.example.fr/x", False),
    ],
)
def test_allowed_webhook_domains(domains: str, url: str, allowed: bool) -> None:
    with StandinGrist(allowed_domains=domains) as grist:
        document = grist.add_document()
        headers = {"Authorization": f"Bearer {OWNER}"}
        body = {"webhooks": [{"fields": {"url": url, "eventTypes": ["add"], "tableId": "Table1"}}]}
        address = f"{grist.url}/api/docs/{document.id}/webhooks"
        answer = requests.post(address, json=body, headers=headers, timeout=5)
        assert answer.status_code == (200 if allowed else 403)


# State, limits


def test_compare_lists_all_rows_but_values_of_ten(grist: StandinGrist) -> None:
    real = recorded("93d-compare-60-deleted")["response"]["body"]["details"]["rightChanges"]["tableDeltas"]
    document = watched_table(grist, "http://127.0.0.1:9/none")
    document.add_records("T", [{"Titre": str(i)} for i in range(60)])
    document.delete("T", *range(1, 61))
    left = document.history.find("HEAD~")
    right = document.history.find("HEAD")
    assert left and right
    delta = document.history.compare(left, right)["details"]["rightChanges"]["tableDeltas"]["T"]
    assert len(delta["removeRows"]) == len(real["Interventions"]["removeRows"]) == 60
    assert len(delta["columnDeltas"]["Titre"]) == len(real["Interventions"]["columnDeltas"]["ID2"]) == 10


def test_compare_leaves_out_what_came_and_went(grist: StandinGrist) -> None:
    document = watched_table(grist, "http://127.0.0.1:9/none")
    left = document.history.find("HEAD")
    document.add_records("T", [{"Titre": "a"}])
    document.delete("T", 1)
    right = document.history.find("HEAD")
    assert left and right
    delta = document.history.compare(left, right)["details"]["rightChanges"]["tableDeltas"]["T"]
    assert delta["addRows"] == delta["updateRows"] == delta["removeRows"] == []


def test_more_than_ten_requests_at_once_get_429(grist: StandinGrist, monkeypatch: pytest.MonkeyPatch) -> None:
    real = recorded("96-too-many-parallel")["response"]
    document = grist.add_document()
    grist.running[document.id] = 10
    headers = {"Authorization": f"Bearer {OWNER}"}
    answer = requests.get(f"{grist.url}/api/docs/{document.id}/tables", headers=headers, timeout=5)
    assert answer.status_code == real["status"] == 429
    assert answer.json()["error"] == real["body"]["error"].replace(MAIN, document.id)


def test_a_bundle_is_applied_whole_or_not_at_all(grist: StandinGrist) -> None:
    document = watched_table(grist, "http://127.0.0.1:9/none")
    document.add_records("T", [{"Titre": "a"}])
    with pytest.raises(Exception, match="KeyError"):
        document.apply([["UpdateRecord", "T", 1, {"Titre": "b"}], ["UpdateRecord", "T", 1, {"Nope": 1}]])
    assert document.rows("T")[1]["Titre"] == "a"
