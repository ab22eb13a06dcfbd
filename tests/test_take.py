"""Taking rows: who may, what is written to Grist, and who wins."""

from __future__ import annotations

import concurrent.futures
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from grist_live.access import Access
from grist_live.board import load_preset, make_board
from grist_live.chores import Chores
from grist_live.grist import Document
from grist_live.journal import Journal
from grist_live.settings import Settings
from grist_live.take import NAME, TakeError, Takes, why_not
from tests.conftest import KEY
from tests.live_server import LiveServer
from tests.redis_server import RedisServer
from tests.standin_grist import OWNER, VIEWER, StandinDocument, StandinGrist

BOARD = load_preset("interventions")
ACCESS = Access((), (KEY,))


@pytest.fixture
def doc(grist: StandinGrist) -> StandinDocument:
    """A document with a waiting row, one that is Luc's, one that is done, and one that is active and nobody's."""
    doc = grist.add_document()
    doc.apply(
        [["AddTable", "Interventions", [{"id": c.id, "type": c.type, "isFormula": False} for c in BOARD.columns]]]
    )
    doc.add_records(
        "Interventions",
        [
            {"ID2": "INT-1", "Statut": "En attente", "Commentaire": "Feu éteint"},
            {"ID2": "INT-2", "Statut": "En cours", "Agent": "Luc"},
            {"ID2": "INT-3", "Statut": "Terminé", "Agent": "Luc"},
            {"ID2": "INT-4", "Statut": "En cours"},
        ],
    )
    return doc


@pytest.fixture
def given(grist: StandinGrist, doc: StandinDocument) -> dict[str, Any]:
    """Settings of a board whose rows can be taken."""
    board = {"access": "token", "doc": doc.id}
    return {"board": board, "token_keys": (KEY,), "grist_url": grist.url, "grist_api_key": OWNER}


@pytest.fixture
def client(make_client: Callable[..., FlaskClient], given: dict[str, Any], journal: Journal) -> FlaskClient:
    return make_client(**given)


def bearer(name: str = "", can: tuple[str, ...] = ("take",), **more: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {ACCESS.token(BOARD, name=name, can=can, **more)}"}


def take(client: FlaskClient, row: int, by: str | None = None, **more: Any) -> TestResponse:
    body = {} if by is None else {"by": by}
    return client.post(f"/boards/interventions/rows/{row}/take", **{"json": body, "headers": bearer()} | more)


def cells(doc: StandinDocument, row: int) -> tuple[Any, Any]:
    found = doc.tables["Interventions"].rows[row]
    return found["Statut"], found["Agent"] or ""


def test_a_row_that_is_taken_is_active_and_its_takers_in_grist(
    client: FlaskClient, doc: StandinDocument, journal: Journal
) -> None:
    answer = take(client, 1, by="Zoé Pham")
    assert answer.status_code == 200
    assert answer.json == {"success": True, "row": 1, "fields": {"Statut": "En cours", "Agent": "Zoé Pham"}}
    assert cells(doc, 1) == ("En cours", "Zoé Pham")
    assert doc.tables["Interventions"].rows[1]["Commentaire"] == "Feu éteint"
    assert list(journal.owed(BOARD)) == ["1"], "the work process reads it again, so that everybody sees it"


def test_the_name_in_the_token_wins_over_the_one_that_is_given(client: FlaskClient, doc: StandinDocument) -> None:
    assert take(client, 1, by="Somebody Else", headers=bearer("Inès")).status_code == 200
    assert cells(doc, 1) == ("En cours", "Inès")
    assert take(client, 4, headers=bearer("Inès")).status_code == 200
    assert cells(doc, 4) == ("En cours", "Inès")


def test_what_somebody_else_has_is_not_taken_and_they_are_named(client: FlaskClient, doc: StandinDocument) -> None:
    answer = take(client, 2, by="Zoé")
    assert answer.status_code == 409 and answer.json
    assert answer.json["by"] == "Luc" and "Luc" in answer.json["error"] and answer.json["reason"] == "taken"
    assert cells(doc, 2) == ("En cours", "Luc")
    assert 'grist_live_takes_total{board="interventions",result="lost"} 1.0' in client.get("/metrics").text


def test_what_is_ones_own_or_done_is_left_as_it_is(
    client: FlaskClient, doc: StandinDocument, grist: StandinGrist
) -> None:
    assert take(client, 2, by="Luc").status_code == 200
    done = take(client, 3, by="Zoé")
    assert done.status_code == 409 and done.json and done.json["reason"] == "done"
    assert (cells(doc, 2), cells(doc, 3)) == (("En cours", "Luc"), ("Terminé", "Luc"))
    assert grist.changes() == []


def test_a_row_that_is_not_there(client: FlaskClient) -> None:
    missing = take(client, 99, by="Zoé")
    assert missing.status_code == 404 and missing.json and "99" in missing.json["error"]
    assert missing.json["reason"] == "gone"
    for row in ("-1", "0", "1.5", "x", "9" * 30):
        answer = client.post(f"/boards/interventions/rows/{row}/take", json={}, headers=bearer())
        assert answer.status_code == 404, row
    assert client.post("/boards/nope/rows/1/take", json={}, headers=bearer()).status_code == 404


@pytest.mark.parametrize("by", [None, "", "  ", "x" * 101, "a\nb", "\u202eZoé", 7, ["Zoé"]])
def test_who_takes_must_be_said(client: FlaskClient, doc: StandinDocument, by: Any) -> None:
    assert take(client, 1, by=by).status_code == 400
    assert cells(doc, 1) == ("En attente", "")


@pytest.mark.parametrize("name", ["Zoé", "O", "Jean-Loup d’Arc", "李雷", "Équipe 13 (nuit)", "مريم"])
def test_names_of_people_are_names(name: str) -> None:
    assert NAME.fullmatch(name)


def test_only_a_token_that_says_so_may_take(client: FlaskClient, doc: StandinDocument) -> None:
    assert take(client, 1, by="Zoé", headers={}).status_code == 401
    assert take(client, 1, by="Zoé", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert take(client, 1, by="Zoé", headers=bearer(expires=time.time() - 1)).status_code == 401
    assert take(client, 1, by="Zoé", headers=bearer(can=())).status_code == 403
    other = Access((), (KEY,)).token(make_board("other", {"preset": "interventions"}), can=("take",))
    assert take(client, 1, by="Zoé", headers={"Authorization": f"Bearer {other}"}).status_code == 403
    assert cells(doc, 1) == ("En attente", "")


def test_nobody_takes_rows_of_a_public_board(
    make_client: Callable[..., FlaskClient], given: dict[str, Any], doc: StandinDocument
) -> None:
    given["board"]["access"] = "public"
    client = make_client(**given)
    assert take(client, 1, by="Zoé").status_code == 403
    assert client.get("/boards/interventions/viewer", headers=bearer("Zoé")).json == {
        "name": None, "can": [], "expires": None,
    }  # fmt: skip
    assert cells(doc, 1) == ("En attente", "")


def test_pages_of_other_sites_and_forms_can_not_take(client: FlaskClient, doc: StandinDocument) -> None:
    path = f"/boards/interventions/rows/1/take?token={ACCESS.token(BOARD, name='Zoé', can=('take',))}"
    for given, status in (
        ({"json": {}, "headers": {"Origin": "https://evil.example"}}, 403),
        ({"json": {}, "headers": {"Origin": "null"}}, 403),
        ({"data": {"by": "Zoé"}}, 415),
        ({"data": "{}", "content_type": "text/plain"}, 415),
        ({"data": "{", "content_type": "application/json"}, 400),
        ({"data": b'{"by":"\xff"}', "content_type": "application/json"}, 400),
        ({"json": ["Zoé"]}, 400),
        ({"json": {"by": "x" * 9000}}, 413),
    ):
        assert client.post(path, **given).status_code == status, given  # type: ignore[arg-type]
    assert cells(doc, 1) == ("En attente", "")
    assert client.post(path, json={}, headers={"Origin": "http://localhost"}).status_code == 200
    assert client.get(path).status_code == 405


def test_a_page_whose_origin_is_allowed_may_take(
    make_client: Callable[..., FlaskClient], given: dict[str, Any], journal: Journal
) -> None:
    client = make_client(cors_origins=("https://widgets.example.fr",), **given)
    path = f"/boards/interventions/rows/1/take?token={ACCESS.token(BOARD, name='Zoé', can=('take',))}"
    answer = client.post(path, json={}, headers={"Origin": "https://widgets.example.fr"})
    assert answer.status_code == 200 and answer.headers["Access-Control-Allow-Origin"] == "https://widgets.example.fr"
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    asked = client.options(path, headers={"Origin": "https://widgets.example.fr", **wanted})
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert "authorization" in asked.headers["Access-Control-Allow-Headers"].lower()
    evil = client.options(path, headers={"Origin": "https://evil.example", **wanted})
    assert "Access-Control-Allow-Origin" not in evil.headers


def test_taking_too_often_has_to_wait(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = bearer("Luc")
    assert [take(client, 2, headers=headers).status_code for _ in range(30)] == [200] * 30
    answer = take(client, 2, headers=headers)
    assert answer.status_code == 429 and 0 < int(answer.headers["Retry-After"]) <= 60
    assert take(client, 2, headers=bearer("Zoé")).status_code == 409, "somebody else's token isn't stopped"


def test_when_grist_is_away_or_refuses_it_is_told_without_its_address(
    client: FlaskClient, grist: StandinGrist, doc: StandinDocument, make_client: Callable[..., FlaskClient],
    given: dict[str, Any],
) -> None:  # fmt: skip
    grist.fail(502, times=9)
    away = take(client, 1, by="Zoé")
    assert away.status_code == 503 and away.json and "try again" in away.json["error"] and away.headers["Retry-After"]
    assert away.json["reason"] == "grist"
    grist.faults.clear()
    refused = take(make_client(**given | {"grist_api_key": VIEWER}), 1, by="Zoé")
    assert refused.status_code == 502 and refused.json and "administrator" in refused.json["error"]
    assert refused.json["reason"] == "key" and "Retry-After" not in refused.headers, "a retry doesn't help"
    assert doc.id not in away.text + refused.text and grist.url not in away.text + refused.text
    assert take(client, 1, by="Zoé").status_code == 200, "and the row is free again"


@pytest.mark.parametrize(
    ("status", "text", "told"),
    [
        (401, "Bad request: invalid API key", (502, "key")),
        (403, "No write access", (502, "key")),
        (403, "Blocked by table update access rules", (502, "key")),
        (400, "Can't save value to formula column Statut", (502, "table")),
        (404, "document not found", (502, "table")),
        (429, "Too many backlogged requests", (503, "grist")),
        (500, "[Sandbox] AssertionError docactions.[Bulk]UpdateRecord for non-existent record #1", (404, "gone")),
        (500, "SQLITE_FULL", (503, "grist")),
        (504, "made to wait", (503, "grist")),
    ],
)
def test_each_refusal_of_grists_has_its_reason(
    client: FlaskClient, grist: StandinGrist, doc: StandinDocument, status: int, text: str, told: tuple[int, str]
) -> None:
    grist.fail(status, times=2, path="/apply", body={"error": text})
    answer = take(client, 1, by="Zoé")
    assert answer.json and (answer.status_code, answer.json["reason"]) == told and text not in answer.text
    grist.faults.clear()
    assert take(client, 1, by="Zoé").status_code == 200, "and the row is free again"


@pytest.mark.parametrize("column", ["Statut", "Agent"])
def test_a_column_that_was_removed_is_named_and_nothing_is_written(
    client: FlaskClient, grist: StandinGrist, doc: StandinDocument, column: str
) -> None:
    doc.apply([["RemoveColumn", "Interventions", column]])
    answer = take(client, 1, by="Zoé")
    assert answer.json and (answer.status_code, answer.json["reason"]) == (502, "table")
    assert column in answer.json["error"] and grist.changes() == []


def test_an_answer_that_was_lost_is_no_lost_take(
    client: FlaskClient, grist: StandinGrist, doc: StandinDocument, journal: Journal
) -> None:
    grist.drop(path="/apply", after=True)
    assert take(client, 1, by="Zoé").status_code == 503
    assert cells(doc, 1) == ("En cours", "Zoé") and list(journal.owed(BOARD)) == ["1"], "everybody will see it"
    assert take(client, 1, by="Luc").status_code == 409
    assert take(client, 1, by="Zoé").status_code == 200


def test_without_redis_nothing_is_taken(
    make_client: Callable[..., FlaskClient], given: dict[str, Any], own_redis: RedisServer, doc: StandinDocument
) -> None:
    client = make_client(redis_url=own_redis.url, **given)
    own_redis.kill()
    assert take(client, 1, by="Zoé").status_code == 503
    assert cells(doc, 1) == ("En attente", "")


@pytest.mark.parametrize(
    ("board", "key", "words"),
    [
        ({"access": "public", "doc": "d"}, "k", "public"),
        ({"doc": ""}, "k", "document"),
        ({"doc": "d"}, "", "API key"),
        ({"doc": "d", "columns": [{"id": "A", "role": "title"}]}, "k", "active"),
        ({"doc": "d", "columns": [{"id": "S", "role": "status", "choices": [{"value": "x"}]}]}, "k", "active"),
        ({"doc": "d"}, "k", ""),
    ],
)
def test_why_rows_of_a_board_can_not_be_taken(board: dict[str, Any], key: str, words: str) -> None:
    made = make_board("x", {"preset": "interventions", **board})
    assert words in why_not(Settings(grist_api_key=key), made) and bool(words) == bool(
        why_not(Settings(grist_api_key=key), made)
    )


def test_an_assignee_that_takes_no_name_is_left_alone(
    journal: Journal, grist: StandinGrist, doc: StandinDocument
) -> None:
    columns = [{"id": "Agent", "role": "assignee", "type": "Ref:Agents"}, {
        "id": "Statut", "role": "status", "choices": [{"value": "En cours", "meaning": "active"}],
    }]  # fmt: skip
    board = make_board("x", {"table": "Interventions", "doc": doc.id, "columns": columns})
    takes = Takes(Settings(grist_url=grist.url, grist_api_key=OWNER), journal, Chores(journal))
    assert takes.take(board, 1, "Zoé") == {"Statut": "En cours"} and cells(doc, 1) == ("En cours", "")
    with pytest.raises(TakeError) as error:
        takes.take(board, 1, "Zoé")
    assert (error.value.status, error.value.by) == (409, None)


def test_the_viewer_is_told_what_they_may_do(
    client: FlaskClient, make_client: Callable[..., FlaskClient], given: dict[str, Any]
) -> None:
    def told(client: FlaskClient, **headers: Any) -> Any:
        return client.get("/boards/interventions/viewer", headers=headers["headers"]).json

    expires = int(time.time()) + 60
    assert told(client, headers=bearer("Zoé", expires=expires)) == {"name": "Zoé", "can": ["take"], "expires": expires}
    assert told(client, headers=bearer(can=())) == {"name": None, "can": [], "expires": None}
    assert client.get("/boards/interventions/viewer").status_code == 401
    keyless = make_client(**given | {"grist_api_key": ""})
    assert told(keyless, headers=bearer())["can"] == []
    refused = take(keyless, 1, by="Zoé")
    assert refused.status_code == 403 and "API key" in refused.text


# ------------------------------------------------------------------------------------------------- at the same time


def live(live_server: Callable[..., LiveServer], given: dict[str, Any], **more: Any) -> LiveServer:
    settings = {**given, "token_keys": [KEY], "board": given["board"], **more}
    return live_server(**settings)


def test_of_many_takers_at_the_same_time_one_wins(
    live_server: Callable[..., LiveServer], given: dict[str, Any], doc: StandinDocument
) -> None:
    """Also in two processes: neither knows what the other is about to write."""
    servers = [live(live_server, {**given, "board": dict(given["board"])}) for _ in range(2)]
    doc.add_records("Interventions", [{"Statut": "En attente"} for _ in range(6)])

    def one(number: int, row: int) -> tuple[int, int, str, Any]:
        url = f"{servers[number % 2].url}/boards/interventions/rows/{row}/take"
        answer = requests.post(url, json={"by": f"Agent {number}"}, headers=bearer(), timeout=30)
        return row, answer.status_code, f"Agent {number}", answer.json()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(one, number, row) for row in range(5, 11) for number in range(4)]
        results = [job.result() for job in jobs]
    for row in range(5, 11):
        (winner,) = [by for r, status, by, _ in results if r == row and status == 200]
        losers = [(status, body["by"]) for r, status, _, body in results if r == row and status != 200]
        assert losers == [(409, winner)] * 3 and cells(doc, row) == ("En cours", winner)


def test_a_slow_grist_holds_up_nobody_else(
    live_server: Callable[..., LiveServer], given: dict[str, Any], grist: StandinGrist
) -> None:
    server = live(live_server, given)
    grist.slow(1.5, path="/records")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        url = f"{server.url}/boards/interventions/rows/1/take"
        taken = pool.submit(requests.post, url, json={"by": "Zoé"}, headers=bearer(), timeout=30)
        time.sleep(0.3)
        began = time.monotonic()
        assert requests.get(f"{server.url}/livez", timeout=5).ok and time.monotonic() - began < 0.5
        assert not taken.done()
        assert taken.result().status_code == 200


def test_everybody_sees_at_once_what_was_taken(
    live_server: Callable[..., LiveServer], given: dict[str, Any], journal: Journal, doc: StandinDocument
) -> None:
    """Without any webhook: the work process pays what is owed."""
    server = live(live_server, given, command="serve")
    deadline = time.monotonic() + 10
    while not journal.rows(BOARD) and time.monotonic() < deadline:
        time.sleep(0.05)
    with server.stream(headers=bearer()) as stream:
        stream.wait(1, "hello")
        began = time.monotonic()
        requests.post(
            f"{server.url}/boards/interventions/rows/1/take", json={"by": "Zoé"}, headers=bearer(), timeout=30
        )
        (seen,) = stream.wait(1)
        assert seen["data"]["row"] == 1 and seen["data"]["fields"]["Agent"] == "Zoé"
        assert time.monotonic() - began < 2


def test_the_document_is_asked_as_rarely_as_can_be(journal: Journal, grist: StandinGrist, doc: StandinDocument) -> None:
    board = make_board("x", {"preset": "interventions", "doc": doc.id})
    opened: list[Document] = []

    def open_document(board: Any) -> Document:
        opened.append(Document(grist.url, doc.id, OWNER))
        return opened[-1]

    takes = Takes(Settings(), journal, Chores(journal), open_document)
    takes.take(board, 1, "Zoé")
    takes.take(board, 4, "Zoé")
    assert len(opened) == 1 and len(grist.requests) == 4, "one connection; a look and a write for each"
    opened[0].close()


@pytest.mark.grist
def test_on_a_real_grist_rows_are_taken_once(journal: Journal, real_document: Document) -> None:
    document = real_document
    columns = [{"id": c.id, "fields": {"type": c.type, "isFormula": False}} for c in BOARD.columns]
    document.add_table("Interventions", columns)
    document.add_records("Interventions", [{"Statut": s} for s in ("En attente", "Bloqué", "Terminé")])
    board = make_board("x", {"preset": "interventions", "doc": document.doc_id})
    settings = Settings(grist_url=document.server, grist_api_key=os.environ["GRIST_API_KEY"])
    takes = Takes(settings, journal, Chores(journal))
    assert takes.take(board, 1, "Zoé") == {"Statut": "En cours", "Agent": "Zoé"}
    assert takes.take(board, 1, "Zoé") and takes.take(board, 2, "Luc")
    for row, status, by in ((1, 409, "Zoé"), (2, 409, "Luc"), (3, 409, None), (99, 404, None)):
        with pytest.raises(TakeError) as error:
            takes.take(board, row, "Inès")
        assert (error.value.status, error.value.by) == (status, by)
    rows = {r["id"]: r["fields"] for r in document.records("Interventions")}
    assert [(rows[i]["Statut"], rows[i]["Agent"]) for i in (1, 2, 3)] == [
        ("En cours", "Zoé"), ("En cours", "Luc"), ("Terminé", ""),
    ]  # fmt: skip
    head = document.head()
    takes.take(board, 1, "Zoé")
    assert document.head() == head, "what is one's own already is not written again"
