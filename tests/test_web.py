"""The other addresses: snapshot, history, counts, polling, pages, health, metrics. True values only."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from grist_live import widgets
from grist_live.access import Access
from grist_live.board import load_preset
from grist_live.change import read_webhook
from grist_live.counts import URGENT, count
from grist_live.journal import WORK, Journal
from grist_live.web import data
from tests.conftest import KEY
from tests.redis_server import RedisServer

BOARD = load_preset("interventions")


@pytest.fixture
def rows(journal: Journal) -> Journal:
    """Three rows, one changed twice."""
    body = [
        {"id": 1, "Agent": "Zoé", "Localisation": "13001 Marseille", "Statut": "En cours", "Priorite": "Normale"},
        {"id": 2, "Agent": "Luc", "Localisation": "69001 Lyon", "Statut": "Bloqué", "Priorite": "Urgente"},
        {"id": 3, "Agent": "Inès", "Localisation": "13100 Aix", "Statut": "Bloqué", "Priorite": "Basse"},
        {"id": 1, "Agent": "Zoé", "Statut": "Bloqué"},
        {"id": 1, "Agent": "Zoé", "Statut": "Terminé"},
    ]
    journal.adopt(BOARD)
    journal.commit(BOARD, read_webhook(json.dumps(body).encode(), BOARD).rows, "webhook")
    return journal


def test_the_snapshot_carries_the_id_that_it_is_of(make_client: Callable[..., FlaskClient], rows: Journal) -> None:
    found = make_client().get("/boards/interventions/snapshot").json
    assert found and found["id"] == str(rows.head(BOARD).id) and found["count"] == 3
    assert found["board"]["name"] == "interventions" and found["board"]["complete"] is False
    assert {r["id"]: r["fields"]["Statut"] for r in found["rows"]} == {1: "Terminé", 2: "Bloqué", 3: "Bloqué"}
    assert list(found["rows"][0]["fields"]) == list(BOARD.ids)


def test_the_snapshot_is_compressed_conditional_and_filtered(
    make_client: Callable[..., FlaskClient], rows: Journal
) -> None:
    client = make_client()
    packed = client.get("/boards/interventions/snapshot", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and json.loads(gzip.decompress(packed.data))["count"] == 3
    again = client.get("/boards/interventions/snapshot", headers={"If-None-Match": packed.headers["ETag"]})
    assert again.status_code == 304
    found = client.get("/boards/interventions/snapshot?department=13&status=Bloqué").json
    assert found and [r["id"] for r in found["rows"]] == [3]


def test_the_snapshot_of_20000_rows_is_built_once_for_all_who_ask(
    make_client: Callable[..., FlaskClient], journal: Journal
) -> None:
    journal.adopt(BOARD)
    body = json.dumps([{"id": i, "Agent": f"agent {i}", "Commentaire": "x" * 80} for i in range(1, 20_001)]).encode()
    journal.commit(BOARD, read_webhook(body, BOARD).rows, "webhook")
    client = make_client()
    first = client.get("/boards/interventions/snapshot", headers={"Accept-Encoding": "gzip"})
    journal.redis.flushall()  # whoever asks now, within 2 s, gets what was built
    second = client.get("/boards/interventions/snapshot", headers={"Accept-Encoding": "gzip"})
    assert first.data == second.data and json.loads(gzip.decompress(first.data))["count"] == 20_000


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Accept-Language": "en-GB,en"}


def test_an_address_that_leads_nowhere_has_a_page_for_people_and_json_for_programs(
    make_client: Callable[..., FlaskClient],
) -> None:
    client = make_client()
    for path, home in {"/boards/<b>x": "../", "/nowhere": "./", "/boards/x/y": "../../"}.items():
        answer = client.get(path, headers=BROWSER)
        assert answer.status_code == 404 and answer.mimetype == "text/html" and f'href="{home}"' in answer.text, path
        assert "There is nothing at this address" in answer.text and "<b>" not in answer.text
        assert "style-src 'sha256-" in answer.headers["Content-Security-Policy"]
    assert "Il n’y a rien" in client.get("/nowhere", headers=BROWSER | {"Accept-Language": "fr"}).text
    for accept in ("*/*", "application/json", "text/event-stream"):
        told = client.get("/boards/x/stream", headers={"Accept": accept})
        assert (
            told.status_code == 404
            and told.json
            and told.json["error"] == "there is no board x; there is: interventions"
        )


def test_a_board_that_is_not_public_is_named_to_nobody(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client(board={"access": "token"})
    for path in ("/boards/x/snapshot", "/boards/x", "/webhook/x"):
        for accept in ("*/*", BROWSER["Accept"]):
            answer = client.get(path, headers={"Accept": accept})
            assert answer.status_code == 404 and "interventions" not in answer.text, path
    assert "interventions" not in client.post("/webhook/x", json=[]).text


def test_history_is_newest_first_and_can_be_paged(make_client: Callable[..., FlaskClient], rows: Journal) -> None:
    client = make_client()
    first = client.get("/boards/interventions/history?limit=2").json
    assert first and [(c["row"], c["fields"]) for c in first["changes"]] == [
        (1, {"Statut": "Terminé"}),
        (1, {"Statut": "Bloqué"}),
    ]
    rest = client.get(f"/boards/interventions/history?before={first['before']}").json
    assert rest and [c["row"] for c in rest["changes"]] == [3, 2, 1] and rest["before"] is None
    one = client.get("/boards/interventions/history?row=1").json
    assert one and [c["action"] for c in one["changes"]] == ["update", "update", "add"]
    none = client.get(f"/boards/interventions/history?since={int(time.time()) + 60}").json
    assert none and none["changes"] == []
    ended = client.get(f"/boards/interventions/history?limit=2&since={int(time.time()) + 60}").json
    assert ended == {"changes": [], "before": None}, "all that follow are older still"
    entered = client.get("/boards/interventions/history?status=Bloqué&row=1").json
    assert entered and [(c["action"], c["fields"]) for c in entered["changes"]] == [
        ("update", {"Statut": "Terminé"}),
        ("update", {"Statut": "Bloqué"}),
    ], "the row neither came nor went"


def test_history_with_a_filter_is_looked_through_until_a_page_is_full(
    make_client: Callable[..., FlaskClient], rows: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever filters by something rare gets what there is, and not page after page of nothing."""
    monkeypatch.setattr(data, "AT_ONCE", 50)
    agents = [{"id": i, "Agent": "rare" if i % 20 == 0 else "often"} for i in range(1001, 1901)]
    rows.commit(BOARD, read_webhook(json.dumps(agents).encode(), BOARD).rows, "webhook")
    client = make_client()
    first = client.get("/boards/interventions/history?assignee=rare&limit=4").json
    assert first and [c["row"] for c in first["changes"]] == [1900, 1880, 1860, 1840] and first["before"]
    assert first["filter"] == {"assignee": ["rare"]} and first["approximate"] == []
    rest = client.get(f"/boards/interventions/history?assignee=rare&limit=4&before={first['before']}").json
    assert rest and [c["row"] for c in rest["changes"]] == [1820, 1800, 1780, 1760]
    monkeypatch.setattr(data, "LOOKS", 3)
    bounded = client.get("/boards/interventions/history?assignee=rare").json
    assert bounded and [c["row"] for c in bounded["changes"]] == list(range(1900, 1750, -20))
    assert bounded and bounded["before"]
    monkeypatch.setattr(data, "LOOKS", 30)
    whole = client.get("/boards/interventions/history?assignee=rare").json
    assert whole and [c["row"] for c in whole["changes"]] == list(range(1900, 1000, -20)) and whole["before"] is None


def test_history_and_snapshot_tell_that_a_department_is_approximate(
    make_client: Callable[..., FlaskClient], rows: Journal
) -> None:
    client = make_client()
    for path in ("history", "snapshot"):
        found = client.get(f"/boards/interventions/{path}?department=13").json
        assert found and found["approximate"] == ["department"] and found["filter"] == {"department": ["13"]}
        assert "filter" not in (client.get(f"/boards/interventions/{path}").json or {})
    found = client.get("/boards/interventions/snapshot?q=zoe").json
    assert found and [r["id"] for r in found["rows"]] == [1]


def test_history_passes_on_who_did_it(make_client: Callable[..., FlaskClient], rows: Journal) -> None:
    data = b'{"action":"update","row":1,"fields":{},"was":{},"at":1.0,"source":"watch","by":"Paul"}'
    entry = {"r": 1, "s": "watch", "t": "1.0", "d": data, "v": b"null\t" * len(BOARD.ids)}
    rows.redis.xadd(rows.keys(BOARD).log, entry, id=f"{rows.head(BOARD).id.epoch}-999")
    found = make_client().get("/boards/interventions/history?limit=1").json
    assert found and found["changes"][0]["by"] == "Paul"


@pytest.mark.parametrize("path", ["stream", "snapshot", "history"])
def test_a_filter_that_is_misspelt_does_not_show_everything(
    make_client: Callable[..., FlaskClient], rows: Journal, path: str
) -> None:
    answer = make_client().get(f"/boards/interventions/{path}?statut=Bloqu%C3%A9")
    assert answer.status_code == 400 and answer.json and "is status" in answer.json["error"]


@pytest.mark.parametrize(
    "query", ["before=x", "limit=x", "limit=0", "limit=99999", "row=-1", "since=nan", "limit=1e999"]
)
def test_a_wrong_number_is_told(make_client: Callable[..., FlaskClient], query: str) -> None:
    answer = make_client().get(f"/boards/interventions/history?{query}")
    assert answer.status_code == 400 and answer.json and answer.json["error"]


def test_counts_per_status_come_from_the_work_process(make_client: Callable[..., FlaskClient], rows: Journal) -> None:
    slot = int(time.time() // 600 * 600)
    rows.add_stats(BOARD, slot - 600, {"": 1}, 86_400)
    rows.add_stats(BOARD, slot, {"": 2}, 86_400)
    rows.add_stats(BOARD, slot, {"": 3, "Bloqué": 2}, 86_400)
    rows.add_stats(BOARD, slot - 40 * 86_400, {"": 9}, 86_400 * 99)
    found = make_client().get("/boards/interventions/stats").json
    assert found and found["every"] == 600
    assert [c["total"] for c in found["counts"]] == [1, 3]
    assert [c["counts"] for c in found["counts"]] == [{}, {"Bloqué": 2}]
    assert [c["urgent"] for c in found["counts"]] == [None, None], "older figures don't know"


def test_counts_tell_how_many_are_urgent_and_not_done(make_client: Callable[..., FlaskClient], rows: Journal) -> None:
    slot = int(time.time() // 600 * 600)
    rows.add_stats(BOARD, slot, count(BOARD, rows.snapshot(BOARD)[1].values()), 86_400)
    found = (make_client().get("/boards/interventions/stats").json or {})["counts"]
    assert found == [{"at": slot, "total": 3, "urgent": 1, "counts": {"Terminé": 1, "Bloqué": 2}}]
    body = json.dumps([{"id": 2, "Statut": "Terminé"}]).encode()
    rows.commit(BOARD, read_webhook(body, BOARD).rows, "webhook")
    assert count(BOARD, rows.snapshot(BOARD)[1].values())[URGENT] == 0
    assert count(BOARD, [])[URGENT] == count(BOARD, [])[""] == 0


def test_polling_clients_get_the_most_urgent_first(make_client: Callable[..., FlaskClient], rows: Journal) -> None:
    found = make_client().get("/webhook/interventions").json
    assert found and found["success"] and found["count"] == 3 and found["timestamp"].endswith("Z")
    assert [(i["id"], i["priorite"]) for i in found["interventions"]] == [(2, "Urgente"), (1, "Normale"), (3, "Basse")]
    assert found["interventions"][1]["localisation"] == "13001 Marseille"


@pytest.mark.parametrize("path", ["snapshot", "history", "stats"])
def test_a_token_board_shows_nothing_without_a_token(make_client: Callable[..., FlaskClient], path: str) -> None:
    client = make_client(board={"access": "token"}, token_keys=(KEY,))
    address = f"/boards/interventions/{path}"
    assert client.get(address).status_code == 401 and client.get("/webhook/interventions").status_code == 401
    token = Access((), (KEY,)).token(BOARD)
    assert client.get(f"{address}?token={token}").status_code == 200
    assert client.get(address, headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_origins_outside_the_list_get_no_permission(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client(cors_origins=("https://widgets.example.fr",))
    for origin, allowed in (("https://widgets.example.fr", True), ("https://evil.example", False)):
        for path in ("/boards/interventions/snapshot", "/boards/interventions/stream"):
            answer = client.options(
                path, headers={"Origin": origin, "Access-Control-Request-Method": "GET",
                               "Access-Control-Request-Headers": "Authorization, Last-Event-ID"},
            )  # fmt: skip
            assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is allowed
    assert "Access-Control-Allow-Origin" not in make_client().get("/health", headers={"Origin": "https://a.fr"}).headers


# ------------------------------------------------------------------------------------------------------------ pages


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for what build.py writes."""
    folder = tmp_path / "static" / "widgets"
    folder.mkdir(parents=True)
    html = '<script type="application/json" id="grist-live-config">{"old":1}</script>'
    (folder / "dashboard.html").write_text(html)
    csp = {"script": ["sha256-abc="], "style": ["sha256-def="]}
    (folder / "build.json").write_text(json.dumps({"widgets": [{"file": "dashboard.html", "csp": csp}]}))
    (tmp_path / "static" / "manifest.json").write_text("[]")
    monkeypatch.setattr(widgets, "STATIC", tmp_path / "static")
    return tmp_path / "static"


def config_of(text: str) -> dict[str, Any]:
    inner = text.partition('id="grist-live-config">')[2].partition("</script>")[0]
    found: dict[str, Any] = json.loads(inner)
    return found


@pytest.mark.parametrize("path", ["/", "/boards/interventions"])
def test_the_page_alone_knows_its_board(make_client: Callable[..., FlaskClient], built: Path, path: str) -> None:
    config = config_of(make_client(language="fr").get(path).text)
    assert config["board"]["name"] == "interventions" and config["standalone"] and config["language"] == "fr"


def test_only_grist_may_embed_and_only_our_script_runs(make_client: Callable[..., FlaskClient], built: Path) -> None:
    answer = make_client(grist_url="https://grist.example.fr/o/team").get("/widgets/dashboard.html")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == "'sha256-abc=' https://grist.example.fr"
    assert policy["style-src"] == "'sha256-def='" and policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "https://grist.example.fr"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert config_of(answer.text)["grist"] == "https://grist.example.fr/o/team"


def test_a_token_in_the_address_cannot_break_out_of_the_page(
    make_client: Callable[..., FlaskClient], built: Path
) -> None:
    text = make_client().get("/?token=</script><script>alert(1)</script>").text
    assert text.count("<script") == 1 and config_of(text)["token"] == "</script><script>alert(1)</script>"


def test_a_token_boards_page_does_not_tell_its_columns(make_client: Callable[..., FlaskClient], built: Path) -> None:
    client = make_client(board={"access": "token"}, token_keys=(KEY,))
    assert config_of(client.get("/").text)["board"] is None
    assert config_of(client.get("/widgets/dashboard.html").text)["board"] is None
    assert config_of(client.get(f"/?token={Access((), (KEY,)).token(BOARD)}").text)["board"]["columns"]


@pytest.mark.parametrize(
    "path", ["/widgets/nothing.html", "/widgets/build.json", "/widgets/../../board.py", "/boards/x"]
)
def test_there_is_nothing_else(make_client: Callable[..., FlaskClient], built: Path, path: str) -> None:
    assert make_client().get(path).status_code == 404


def test_widgets_that_are_not_built_say_how(
    make_client: Callable[..., FlaskClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(widgets, "STATIC", tmp_path)
    answer = make_client().get("/")
    assert answer.status_code == 503 and "build.py" in answer.text


# ----------------------------------------------------------------------------------------------------------- health


def test_health_tells_what_is(make_client: Callable[..., FlaskClient], rows: Journal) -> None:
    client = make_client()
    for path in ("/webhook/health", "/health"):
        found = client.get(path).json
        assert found and found["status"] == "degraded" and "work process" in found["problems"][0]
        assert found["redis"]["ok"] and found["redis"]["ping_ms"] > 0
        board = found["boards"]["interventions"]
        assert (board["rows"], board["viewers"], board["owed"], board["complete"]) == (3, 0, 0, False)
    rows.alive(WORK, {})
    rows.owe(BOARD, [1])
    found = client.get("/health").json
    assert found and "API key" in found["problems"][0] and found["boards"]["interventions"]["owed"] == 1
    rows.pay(BOARD, rows.owed(BOARD))
    assert (client.get("/health").json or {})["status"] == "healthy"


def test_probes_tell_when_redis_is_away(make_client: Callable[..., FlaskClient], own_redis: RedisServer) -> None:
    client = make_client(redis_url=own_redis.url)
    deadline = time.monotonic() + 10
    while client.get("/readyz").status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert client.get("/readyz").json == {"ready": True}
    own_redis.kill()
    assert client.get("/readyz").status_code == 503
    assert client.get("/livez").json == {"alive": True}
    health = client.get("/health")
    assert health.status_code == 503 and health.json and health.json["status"] == "unhealthy"
    assert client.get("/boards/interventions/history").status_code == 503
    own_redis.start()
    while client.get("/readyz").status_code != 200 and time.monotonic() < deadline + 10:
        time.sleep(0.02)
    assert client.get("/readyz").json == {"ready": True}


def test_metrics_count_what_came(make_client: Callable[..., FlaskClient], journal: Journal) -> None:
    client = make_client()
    for body in ([{"id": 1, "Agent": "a"}], [{"id": 1, "Agent": "a"}], ["bad"]):
        client.post("/webhook/interventions", json=body)
    text = client.get("/metrics").text
    for line in (
        'grist_live_rows_total{board="interventions",result="new"} 1.0',
        'grist_live_rows_total{board="interventions",result="same"} 1.0',
        'grist_live_rows_total{board="interventions",result="rejected"} 1.0',
        'grist_live_webhook_seconds_count{board="interventions"} 3.0',
        'grist_live_viewers{board="interventions"} 0.0',
    ):
        assert line in text
