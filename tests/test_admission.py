"""Admission: who Grist says may read the whole document looks at its board, for as long as Grist's token holds."""

from __future__ import annotations

import base64
import concurrent.futures
import json
import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from grist_live import admission
from grist_live.access import Access
from grist_live.admission import Admission, AdmissionError
from grist_live.board import Board, load_preset, make_board
from grist_live.grist import GristError, Reads, expiry, reads
from grist_live.settings import Settings
from tests.conftest import KEY
from tests.live_server import LiveServer
from tests.redis_server import RedisServer
from tests.standin import routes
from tests.standin_grist import OUTSIDER, VIEWER, StandinDocument, StandinGrist

PATH = "/boards/interventions/token"


@pytest.fixture
def doc(grist: StandinGrist) -> StandinDocument:
    return grist.add_document()


@pytest.fixture
def client(make_client: Callable[..., FlaskClient], grist: StandinGrist, doc: StandinDocument) -> FlaskClient:
    return make_client(board={"access": "grist", "doc": doc.id}, token_keys=(KEY,), grist_url=grist.url)


def show(client: FlaskClient, token: Any) -> TestResponse:
    return client.post(PATH, json={"token": token})


def test_who_may_read_the_whole_document_may_look(
    client: FlaskClient, grist: StandinGrist, doc: StandinDocument
) -> None:
    assert client.get("/boards/interventions/snapshot").status_code == 401
    answer = show(client, grist.access_token(doc.id))
    assert answer.status_code == 200 and answer.json and answer.headers["Cache-Control"] == "no-store"
    headers = {"Authorization": f"Bearer {answer.json['token']}"}
    assert client.get("/boards/interventions/snapshot", headers=headers).status_code == 200
    told = client.get("/boards/interventions/viewer", headers=headers).json
    assert told == {"name": None, "can": [], "expires": answer.json["expires"]}
    assert [path.partition("&auth=")[0] for _, path, _ in grist.requests] == [
        f"/api/docs/{doc.id}/compare?left=HEAD&right=HEAD"
    ]


@pytest.mark.parametrize(("seconds", "lives"), [(60, 60), (900, 900), (90_000, 900)])
def test_our_token_lives_no_longer_than_grists_nor_than_a_quarter_of_an_hour(
    client: FlaskClient, grist: StandinGrist, doc: StandinDocument, seconds: int, lives: int
) -> None:
    answer = show(client, grist.access_token(doc.id, seconds)).json
    assert answer and lives - 3 <= answer["expires"] - time.time() <= lives


def test_who_sees_only_a_part_is_told_so(client: FlaskClient, grist: StandinGrist, doc: StandinDocument) -> None:
    token = grist.access_token(doc.id)
    grist.partial_readers.add(VIEWER)
    answer = show(client, token)
    assert answer.status_code == 403 and answer.json
    assert answer.json["reason"] == "partial" and "hides a part" in answer.json["error"]


def test_everybody_else_stays_outside(client: FlaskClient, grist: StandinGrist, doc: StandinDocument) -> None:
    other = grist.add_document()
    good = grist.access_token(doc.id)
    cases: list[tuple[Any, int, str]] = [
        (grist.access_token(other.id), 403, "denied"),
        (grist.access_token(doc.id, key=OUTSIDER), 403, "denied"),
        (grist.access_token(doc.id, -1), 401, "expired"),
        (good[:-4] + "AAAA", 401, "token"),
        ("", 400, "token"), (None, 400, "token"), (7, 400, "token"), ("a.b.c", 400, "token"),
        ("x" * 5000, 400, "token"), (f"{good}é", 400, "token"), (f"{good}.x", 400, "token"),
    ]  # fmt: skip
    for token, status, reason in cases:
        answer = show(client, token)
        assert answer.json and (answer.status_code, answer.json["reason"]) == (status, reason), token
        assert "token" not in answer.json
    assert show(client, good).status_code == 200


def test_who_shows_one_wrong_token_after_another_has_to_wait(
    client: FlaskClient, grist: StandinGrist, doc: StandinDocument
) -> None:
    bad = grist.access_token(doc.id)[:-4]
    answers = [show(client, f"{bad}{i:04}").status_code for i in range(61)]
    assert answers == [401] * 60 + [429] and len(grist.requests) == 60
    waiting = show(client, grist.access_token(doc.id))
    assert waiting.status_code == 429 and 0 < int(waiting.headers["Retry-After"]) <= 60
    text = client.get("/metrics").text
    assert 'grist_live_admissions_total{board="interventions",result="token"} 60.0' in text


def test_who_shows_good_tokens_never_waits(client: FlaskClient, grist: StandinGrist, doc: StandinDocument) -> None:
    """A whole office behind one address."""
    assert {show(client, grist.access_token(doc.id)).status_code for _ in range(80)} == {200}


def test_a_token_of_ours_opens_it_too(client: FlaskClient, doc: StandinDocument) -> None:
    """For walls, which nobody is logged in at."""
    token = Access((), (KEY,)).token(load_preset("interventions"))
    assert client.get(f"/boards/interventions/snapshot?token={token}").status_code == 200


@pytest.mark.parametrize("access", ["token", "public"])
def test_other_boards_do_not_take_grists_word(
    make_client: Callable[..., FlaskClient], grist: StandinGrist, doc: StandinDocument, access: str
) -> None:
    client = make_client(board={"access": access, "doc": doc.id}, token_keys=(KEY,), grist_url=grist.url)
    answer = show(client, grist.access_token(doc.id))
    assert answer.status_code == 403 and (answer.json or {})["reason"] == "board" and grist.requests == []


def test_forms_and_pages_of_other_sites_get_none(
    client: FlaskClient, grist: StandinGrist, doc: StandinDocument
) -> None:
    token = grist.access_token(doc.id)
    assert client.post(PATH, data={"token": token}).status_code == 415
    assert client.post(PATH, json={"token": token}, headers={"Origin": "https://evil.example"}).status_code == 403
    assert grist.requests == []


def test_a_token_is_checked_once_and_a_refusal_is_forgotten_soon(grist: StandinGrist, doc: StandinDocument) -> None:
    now, asked, verdict = [time.time()], [0], ["all"]

    def ask(server: str, document: str, token: str) -> Reads:
        asked[0] += 1
        return verdict[0]  # type: ignore[return-value]

    door = Admission(Settings(), Access((), (KEY,)), ask=ask, clock=lambda: now[0])
    board = make_board("b", {"preset": "interventions", "access": "grist", "doc": doc.id})
    other = make_board("o", {"preset": "interventions", "access": "grist", "doc": "another"})
    good, bad = grist.access_token(doc.id), grist.access_token(doc.id)
    assert door.admit(board, good).expires == door.admit(board, good).expires and asked == [1]
    door.admit(other, good)
    assert asked == [2], "what holds for one document says nothing of another"
    verdict[0] = "partly"
    for _ in range(2):
        with pytest.raises(AdmissionError):
            door.admit(board, bad)
    assert asked == [3]
    verdict[0], now[0] = "all", now[0] + admission.REFUSED_FOR + 1
    assert door.admit(board, bad) and asked == [4]
    now[0] += 900
    with pytest.raises(AdmissionError, match="expired"):
        door.admit(board, good)


def test_what_is_remembered_is_bounded_and_holds_no_token(
    grist: StandinGrist, doc: StandinDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "MOST_REMEMBERED", 3)
    door = Admission(Settings(), Access((), (KEY,)), ask=lambda *_: "all")
    board = make_board("b", {"preset": "interventions", "access": "grist", "doc": doc.id})
    tokens = [grist.access_token(doc.id) for _ in range(9)]
    for token in tokens:
        door.admit(board, token)
    assert len(door._known) == 3 and not any(token in repr(vars(door)) for token in tokens)


def test_at_most_two_checks_are_in_flight_and_nobody_waits_for_ever(
    grist: StandinGrist, doc: StandinDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "PATIENCE", 0.3)
    running, most, go = [0], [0], threading.Event()
    lock = threading.Lock()

    def ask(server: str, document: str, token: str) -> Reads:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        go.wait(5)
        with lock:
            running[0] -= 1
        return "all"

    door = Admission(Settings(), Access((), (KEY,)), ask=ask)
    board = make_board("b", {"preset": "interventions", "access": "grist", "doc": doc.id})
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(door.admit, board, grist.access_token(doc.id)) for _ in range(6)]
        time.sleep(0.6)
        go.set()
        errors = [job.exception() for job in jobs]
    assert most == [2]
    busy = [e for e in errors if isinstance(e, AdmissionError) and (e.status, e.reason) == (503, "busy")]
    assert len(busy) == 4 and errors.count(None) == 2


def test_no_more_than_two_are_in_flight_in_all_processes(
    live_server: Callable[..., LiveServer], grist: StandinGrist, doc: StandinDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, lock = [0], [0], threading.Lock()
    compare = routes.compare

    def slowly(document: StandinDocument, query: Any) -> Any:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.15)
        with lock:
            running[0] -= 1
        return compare(document, query)

    monkeypatch.setattr(routes, "ROUTES", [(*r[:3], slowly if r[3] is compare else r[3]) for r in routes.ROUTES])
    board = {"access": "grist", "doc": doc.id}
    servers = [live_server(token_keys=[KEY], grist_url=grist.url, board=dict(board)) for _ in range(2)]

    def one(number: int) -> int:
        body = {"token": grist.access_token(doc.id)}
        return requests.post(servers[number % 2].url + PATH, json=body, timeout=20).status_code

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        assert set(pool.map(one, range(16))) == {200}
    assert most == [2]


def test_without_redis_viewers_are_let_in_all_the_same(
    make_client: Callable[..., FlaskClient], grist: StandinGrist, doc: StandinDocument, own_redis: RedisServer
) -> None:
    board = {"access": "grist", "doc": doc.id}
    client = make_client(board=board, token_keys=(KEY,), grist_url=grist.url, redis_url=own_redis.url)
    own_redis.kill()
    assert show(client, grist.access_token(doc.id)).status_code == 200


@pytest.mark.parametrize("trouble", [{"status": 502}, {"status": 429}, {"status": 302}, {"status": 200, "body": b"hi",
                                     "content_type": "text/html"}, {"status": 403, "body": b"[]"}])  # fmt: skip
def test_when_grist_does_not_answer_nobody_is_let_in_or_turned_away(
    client: FlaskClient, grist: StandinGrist, doc: StandinDocument, trouble: dict[str, Any]
) -> None:
    token = grist.access_token(doc.id)
    grist.fail(**trouble)
    answer = show(client, token)
    assert answer.status_code == 503 and answer.headers["Retry-After"] and (answer.json or {})["reason"] == "grist"
    assert show(client, token).status_code == 200, "and it is asked again"


def test_no_token_stands_in_the_logs(
    client: FlaskClient, grist: StandinGrist, doc: StandinDocument, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from grist_live.logs import JsonFormatter

    caplog.set_level(logging.DEBUG)
    token = grist.access_token(doc.id)
    grist.fail(502)
    show(client, token)
    grist.drop()
    show(client, token)
    ours = show(client, token).json
    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert any("could not be checked" in line for line in lines)
    signature = token.rpartition(".")[2]
    assert ours and not any(signature in line or ours["token"] in line for line in lines)
    monkeypatch.setattr(admission, "log", logging.getLogger("unformatted"))
    with pytest.raises(GristError) as error:
        reads("http://127.0.0.1:1", doc.id, token)
    assert signature not in str(error.value) and error.value.__cause__ is None


def test_a_netrc_entry_is_not_asked_about_instead(
    grist: StandinGrist, doc: StandinDocument, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login owner password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    seen: list[str | None] = []
    answer = grist._http.RequestHandlerClass._answer  # type: ignore[attr-defined]

    def spy(self: Any, body: Any) -> Any:
        seen.append(self.headers.get("Authorization"))
        return answer(self, body)

    monkeypatch.setattr(grist._http.RequestHandlerClass, "_answer", spy)
    assert reads(grist.url, doc.id, grist.access_token(doc.id)) == "all" and seen == [None]


@pytest.mark.parametrize(
    "payload", [b"{}", b"[]", b"7", b"{", b'{"exp":"x"}', b'{"exp":-1}', b'{"exp":NaN}', b'{"exp":1e99}', b"\xff"]
)
def test_only_a_token_that_says_when_it_ends_is_one(payload: bytes) -> None:
    assert expiry(f"a.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.c") is None
    assert expiry(f"a.{base64.urlsafe_b64encode(json.dumps({'exp': 5}).encode()).decode().rstrip('=')}.c") == 5.0


def test_access_that_was_taken_away_ends_with_the_token(
    live_server: Callable[..., LiveServer], grist: StandinGrist, doc: StandinDocument
) -> None:
    server = live_server(token_keys=[KEY], grist_url=grist.url, heartbeat=2.0, board={"access": "grist", "doc": doc.id})
    first = requests.post(server.url + PATH, json={"token": grist.access_token(doc.id, 3)}, timeout=10).json()
    headers = {"Authorization": f"Bearer {first['token']}"}
    with server.stream(headers=headers) as stream:
        stream.wait(1, "hello")
        again = grist.access_token(doc.id)
        grist.partial_readers.add(VIEWER)  # meanwhile somebody hides a column
        stream.wait_end(8)
        assert stream.of("bye")[0]["data"]["reason"] == "expired"
    with server.stream(headers=headers) as refused:
        assert refused.response.status_code == 401
    answer = requests.post(server.url + PATH, json={"token": again}, timeout=10)
    assert (answer.status_code, answer.json()["reason"]) == (403, "partial")


# ------------------------------------------------------------------------------------------------------- a real Grist


def getAccessToken(server: str, key: str, doc: str) -> str:
    """Ask for what a widget's grist.getAccessToken({readOnly: true}) gives, over the document's own websocket."""
    where = urlsplit(server)
    with socket.create_connection((where.hostname or "", where.port or 80), timeout=20) as sock:
        ask = (
            "GET /?clientId=0&counter=0&newClient=1&browserSettings=%7B%7D HTTP/1.1\r\n"
            f"Host: {where.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nAuthorization: Bearer {key}\r\n\r\n"
        )
        sock.sendall(ask.encode())
        with sock.makefile("rb") as file:
            while file.readline() != b"\r\n":
                pass
            _receive(file, lambda message: message.get("type") == "clientConnect")
            for number, (method, given) in enumerate((("openDoc", [doc]), ("getAccessToken", [0, {"readOnly": True}]))):
                data = json.dumps({"reqId": number, "method": method, "args": given}).encode()
                sock.sendall(b"\x81" + bytes([0x80 | len(data)]) + bytes(4) + data)  # shorter than 126; mask 0
                answer = _receive(file, lambda message, n=number: message.get("reqId") == n)
    return str(answer["data"]["token"])


def _receive(file: Any, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    for _ in range(50):
        _, length = file.read(2)
        if length >= 126:
            (length,) = struct.unpack(">H" if length == 126 else ">Q", file.read(2 if length == 126 else 8))
        message: dict[str, Any] = json.loads(file.read(length))
        if wanted(message):
            return message
    raise AssertionError("the answer didn't come")


@pytest.mark.grist
def test_on_a_real_grist_a_reader_from_whom_rules_hide_data_is_refused() -> None:
    """GRIST_VIEWER_KEY is a key of somebody who may view the first workspace's documents."""
    server, owner, viewer = os.environ["GRIST_URL"], os.environ["GRIST_API_KEY"], os.environ.get("GRIST_VIEWER_KEY")
    if not viewer:
        pytest.skip("set GRIST_VIEWER_KEY, too")
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {owner}"
        org = session.get(f"{server}/api/orgs").json()[0]["id"]
        workspace = session.get(f"{server}/api/orgs/{org}/workspaces").json()[0]["id"]
        made = [
            session.post(f"{server}/api/workspaces/{workspace}/docs", json={"name": f"grist_live admission {i}"}).json()
            for i in range(2)
        ]
        doc, other = made
        try:
            columns = [{"id": name, "fields": {"type": "Text"}} for name in ("Titre", "Secret")]
            session.post(f"{server}/api/docs/{doc}/tables", json={"tables": [{"id": "T", "columns": columns}]})
            board = make_board("b", {"preset": "interventions", "access": "grist", "doc": doc})
            door = Admission(Settings(grist_url=server), Access((), (KEY,)))
            token = getAccessToken(server, viewer, doc)
            given = door.admit(board, token)
            assert 850 < given.expires - time.time() <= 900
            assert _refused(door, board, getAccessToken(server, viewer, other)) == (403, "denied")
            assert _refused(door, board, token[:-6] + "AAAAAA") == (401, "token")
            rules = [
                ["AddRecord", "_grist_ACLResources", -1, {"tableId": "T", "colIds": "Secret"}],
                ["AddRecord", "_grist_ACLRules", None,
                 {"resource": -1, "aclFormula": "user.Access != OWNER", "permissionsText": "none"}],
            ]  # fmt: skip
            session.post(f"{server}/api/docs/{doc}/apply", json=rules).raise_for_status()
            time.sleep(1.1)  # a token says the second it was made in: two of one second are the same
            assert _refused(door, board, getAccessToken(server, viewer, doc)) == (403, "partial")
            assert requests.get(f"{server}/api/docs/{doc}/states", params={"auth": token}, timeout=10).ok
        finally:
            for name in made:
                session.delete(f"{server}/api/docs/{name}")


def _refused(door: Admission, board: Board, token: str) -> tuple[int, str]:
    with pytest.raises(AdmissionError) as error:
        door.admit(board, token)
    return error.value.status, error.value.reason
