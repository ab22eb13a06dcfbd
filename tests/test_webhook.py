"""The webhook door, as Grist and others knock at it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from grist_live.board import load_preset
from grist_live.journal import Journal, connect
from tests.conftest import SECRET
from tests.redis_server import RedisServer

BOARD = load_preset("interventions")
DOOR = "/webhook/grist-realtime"


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_it_works(make_client: Callable[..., FlaskClient], journal: Journal) -> None:
    answer = make_client().post(DOOR, json=[{"id": 12, "Statut": "En cours", "manualSort": 12, "Secret": "x"}])
    assert answer.status_code == 200
    assert answer.json | {"id": ""} == {
        "success": True, "message": "Broadcast envoyé", "changed": 1, "unchanged": 0, "owed": 0, "parked": 0, "id": "",
    }  # fmt: skip
    assert b"Secret" not in journal.history(BOARD)[0][0].data and len(journal.row_ids(BOARD)) == 1


def test_the_seeds_own_test_is_shown_and_never_stored(
    make_client: Callable[..., FlaskClient], journal: Journal
) -> None:
    body = {
        "id": "test-123",
        "fields": {"Agent": "Test Agent", "Localisation": "Marseille", "Type": "Voirie", "Statut": "En cours"},
    }
    with journal.subscribe([journal.keys(BOARD).feed.encode()]) as messages:
        answer = make_client().post(DOOR, json=body)
        assert answer.json and answer.json["success"] and answer.json["tests"] == 1
        while not any(b"test-123" in data for _, data in messages.next()):
            pass  # pytest ends a test that waits for ever
    assert journal.rows(BOARD) == 0 and journal.history(BOARD)[0] == []


def test_real_deliveries_of_a_real_grist_are_taken(make_client: Callable[..., FlaskClient], journal: Journal) -> None:
    client = make_client()
    for path in sorted((Path(__file__).parent / "payloads" / "deliveries").glob("*.json")):
        for delivery in json.loads(path.read_text("utf-8"))["deliveries"]:
            answer = client.post(DOOR, json=delivery["body"])
            assert answer.json and answer.json["success"] and "set_aside" not in answer.json, path.name
    assert journal.rows(BOARD) == 8


@pytest.mark.parametrize("headers", [{}, bearer("wrong"), {"Authorization": "Basic " + SECRET}, bearer("")])
def test_who_has_no_secret_is_refused_before_the_body_is_read(
    make_client: Callable[..., FlaskClient], headers: dict[str, str]
) -> None:
    client = make_client(board={"open": False}, webhook_secret=(SECRET,))
    answer = client.post(DOOR, data=b"{broken", headers=headers, content_type="application/json")
    assert answer.status_code == 401 and answer.json and "webhook secret" in answer.json["error"]


@pytest.mark.parametrize("header", [f"Bearer {SECRET}", SECRET, "bearer another-secret-of-tests"])
def test_any_of_the_secrets_opens(make_client: Callable[..., FlaskClient], header: str) -> None:
    client = make_client(board={"open": False}, webhook_secret=("another-secret-of-tests", SECRET))
    assert client.post(DOOR, json=[], headers={"Authorization": header}).status_code == 200


@pytest.mark.parametrize(
    ("data", "type", "status"),
    [
        (b'[{"id":1}]', "text/plain", 415),
        (b'[{"id":1}]', None, 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"", "application/json", 400),
        (b'[{"id":1', "application/json", 400),
        (b'"text"', "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (b'[{"id":1,"Agent":"\xff"}]', "application/json", 400),
        (b"[]", "application/json; charset=utf-8", 200),
    ],
)
def test_what_is_no_json_gets_a_reason(
    make_client: Callable[..., FlaskClient], data: bytes, type: str | None, status: int
) -> None:
    answer = make_client().post(DOOR, data=data, content_type=type)
    assert answer.status_code == status and answer.json
    assert status == 200 or (answer.json["success"] is False and answer.json["error"])


def test_bad_records_are_set_aside_and_counted(make_client: Callable[..., FlaskClient], journal: Journal) -> None:
    answer = make_client().post(DOOR, json=[{"id": 1, "Agent": "good"}, "bad", {"Agent": "no id"}])
    assert answer.status_code == 200 and answer.json and len(answer.json["set_aside"]) == 2
    assert journal.rows(BOARD) == 1
    deadline = time.monotonic() + 5
    while not journal.counters(BOARD).get("rejected") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert journal.counters(BOARD)["rejected"] == 2 and "no id" in str(journal.rejected(BOARD))


def test_an_unknown_board_is_404_and_a_known_one_has_its_door(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client()
    assert client.post("/webhook/nothing", json=[]).status_code == 404
    assert client.post("/webhook/interventions", json=[]).status_code == 200
    assert client.get(DOOR).status_code == 404 or client.get(DOOR).status_code == 405


def test_a_row_that_is_older_is_owed_when_it_can_be_read_again(
    make_client: Callable[..., FlaskClient], journal: Journal
) -> None:
    client = make_client(grist_api_key="k", board={"doc": "doc1"})
    client.post(DOOR, json=[{"id": 7, "Agent": "new", "Derniere_MAJ": 200.5}])
    answer = client.post(DOOR, json=[{"id": 7, "Agent": "old", "Derniere_MAJ": 100.5}])
    assert answer.json and answer.json["owed"] == 1 and answer.json["changed"] == 0
    assert set(journal.owed(BOARD)) == {"7"}


def test_a_body_above_the_limit_is_answered_200_and_owed(
    make_client: Callable[..., FlaskClient], journal: Journal
) -> None:
    client = make_client(max_body=2048, grist_api_key="k", board={"doc": "doc1"})
    body = json.dumps([{"id": 1, "Agent": "x" * 4000}])
    answer = client.post(DOOR, data=body, content_type="application/json")
    assert answer.status_code == 200 and answer.json and answer.json["owed"] and answer.json["success"]
    assert set(journal.owed(BOARD)) == {"*"} and journal.rows(BOARD) == 0


@pytest.mark.parametrize(("key", "status"), [("", 503), ("k", 200)])
def test_while_redis_is_away_grist_repeats_or_the_table_is_owed(
    make_client: Callable[..., FlaskClient], own_redis: RedisServer, key: str, status: int
) -> None:
    client = make_client(redis_url=own_redis.url, grist_api_key=key, board={"doc": "doc1"})
    assert client.post(DOOR, json=[{"id": 1}]).status_code == 200
    own_redis.kill()
    began = time.monotonic()
    answer = client.post(DOOR, json=[{"id": 2}])
    assert answer.status_code == status and time.monotonic() - began < 3
    assert status == 200 or answer.headers["Retry-After"]
    own_redis.start()
    journal = Journal(connect(own_redis.url))
    deadline = time.monotonic() + 10
    while key and not journal.owed(BOARD) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert set(journal.owed(BOARD)) == ({"*"} if key else set())
    assert client.post(DOOR, json=[{"id": 2}]).status_code == 200
    journal.close()


def test_compatible_subscribers_get_channel_and_keys(make_client: Callable[..., FlaskClient], journal: Journal) -> None:
    client = make_client()
    with journal.subscribe([b"grist-realtime-interventions"]) as messages:
        client.post(DOOR, json=[{"id": 12, "Agent": "Zoé", "Localisation": "Marseille"}])
        [message] = messages.next()
    found = json.loads(message[1])
    assert found["type"] == "intervention_update" and found["data"]["agent"] == "Zoé"
    deadline = time.monotonic() + 5
    while not journal.redis.exists("grist:intervention:12") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert json.loads(journal.redis.get("grist:intervention:12")) == found
    assert 86_000 < journal.redis.ttl("grist:intervention:12") <= 86_400


def test_each_answer_names_its_request(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client()
    for given, kept in (("edit-1", True), ("a b", False), ("x" * 65, False), ("é", False), ("", False)):
        answer = client.post(DOOR, json=[], headers={"X-Request-Id": given})
        named = answer.headers["X-Request-Id"]
        assert (named == given) if kept else (len(named) == 12 and named.isalnum())
    assert client.post(DOOR, data=b"{", content_type="application/json").headers["X-Request-Id"]
