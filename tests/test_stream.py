"""The stream, as viewers see it. Each contract holds on every way to serve it: as a bare socket under gunicorn's
gevent worker, and as an ordinary generator under any other WSGI server (here waitress)."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import waitress.server

from grist_live.app import create_app
from grist_live.board import load_preset
from grist_live.hub import Hub
from grist_live.journal import Journal, connect
from grist_live.settings import Settings
from tests.live_server import Event, LiveServer, Stream
from tests.redis_server import RedisServer, free_port

NAME = "interventions"


class Waitress:
    """Our app under waitress, in threads of this process: no gevent patching anywhere."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings)
        self.url = f"http://127.0.0.1:{free_port()}"
        port = int(self.url.rpartition(":")[2])
        self._server = waitress.server.create_server(self.app, host="127.0.0.1", port=port, threads=20)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while self.hub.feeds[NAME].degraded_since is not None and time.monotonic() < deadline:
            time.sleep(0.01)

    def _run(self) -> None:
        try:
            self._server.run()
        except OSError:
            pass  # its listening socket was closed

    @property
    def hub(self) -> Hub:
        found: Hub = self.app.extensions["grist_live"]
        return found

    def stop(self) -> None:
        self.hub.stop()
        while self._server.task_dispatcher.active_count:  # streams that are being ended
            time.sleep(0.01)
        self._server.close()


Way = Callable[..., Any]


@pytest.fixture(params=["socket", "generator"])
def way(
    request: pytest.FixtureRequest,
    live_server: Callable[..., LiveServer],
    make_settings: Callable[..., Settings],
    redis_server: RedisServer,
) -> Iterator[Way]:
    """Start the app one way or the other; call it with settings."""
    started: list[Waitress] = []

    def start(**settings: Any) -> Any:
        if request.param == "socket":
            return live_server(**settings)
        server = Waitress(make_settings(**settings))
        started.append(server)
        server.stream = lambda last="", path=f"/boards/{NAME}/stream", **o: Stream(server.url + path, last, **o)  # type: ignore[attr-defined]
        return server

    yield start
    for server in started:
        server.stop()


def commit(journal: Journal, *rows: tuple[int, dict[str, Any]], source: str = "webhook") -> None:
    from grist_live.change import read_webhook

    board = load_preset(NAME)
    body = json.dumps([{"id": id, **fields} for id, fields in rows]).encode()
    journal.commit(board, read_webhook(body, board).rows, source)


def caught_up(server: Any, journal: Journal) -> None:
    """Wait until the server's hub has what the journal has."""
    line = f'grist_live_position{{board="{NAME}"}} {journal.head(load_preset(NAME)).id.counter}.0'
    for _ in range(500):
        if line in requests.get(f"{server.url}/metrics", timeout=5).text:
            return
        time.sleep(0.02)
    raise AssertionError("the hub did not catch up")


def counters(events: list[Event]) -> list[int]:
    return [int(e["id"].partition("-")[2]) for e in events]


def test_a_change_reaches_a_viewer(way: Way, journal: Journal) -> None:
    with way().stream() as stream:
        [hello] = stream.wait(type="hello")
        assert hello["data"]["board"]["name"] == NAME and hello["data"]["replayed"] == 0
        assert abs(hello["data"]["at"] - time.time()) < 5
        commit(journal, (12, {"Statut": "En attente", "Agent": "Zoé"}))
        commit(journal, (12, {"Statut": "En cours"}))
        first, second = stream.wait(2)
    assert first["data"]["action"] == "add" and first["data"]["fields"]["Agent"] == "Zoé"
    assert second["data"]["fields"] == {"Statut": "En cours"} and second["data"]["was"] == {"Statut": "En attente"}
    assert counters([first, second]) == [1, 2]


def test_headers_let_events_through_every_proxy(way: Way) -> None:
    with way(cors_origins=["https://widgets.example.fr"]).stream(
        headers={"Origin": "https://widgets.example.fr"}
    ) as stream:
        headers = stream.response.headers
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert headers["X-Accel-Buffering"] == "no" and "no-store" in headers["Cache-Control"]
    assert headers["Access-Control-Allow-Origin"] == "https://widgets.example.fr"


def test_history_and_live_leave_no_hole(way: Way, journal: Journal) -> None:
    """Viewers that come back at any id, while changes flow, get each change once and in order."""
    server = way()
    commit(journal, (1, {"Agent": "start"}))
    with server.stream() as first:
        last = first.wait(type="hello")[0]["data"]["id"]
    begin = int(last.partition("-")[2]) + 1
    done = threading.Event()

    def edit() -> None:
        for i in range(300):
            commit(journal, (1 + i % 5, {"Agent": f"a{i}"}))
        done.set()

    threading.Thread(target=edit).start()
    seen: list[int] = []
    while not (done.is_set() and seen and seen[-1] == 301):
        with server.stream(last) as stream:
            stream.wait(type="hello")
            time.sleep(0.02)
            stream.close()
            stream.wait_end()
            got = stream.of("message")
        assert not stream.of("reset")
        seen += counters(got)
        last = got[-1]["id"] if got else last
    assert seen == list(range(begin, 302))


def test_the_id_may_stand_in_the_query(way: Way, journal: Journal) -> None:
    server = way()
    commit(journal, (1, {"Agent": "a"}), (2, {"Agent": "b"}))
    epoch = journal.head(load_preset(NAME)).id.epoch
    with server.stream(path=f"/boards/{NAME}/stream?last_event_id={epoch}-1") as stream:
        assert counters(stream.wait()) == [2]
        assert stream.of("hello")[0]["data"]["replayed"] == 1
    with server.stream(f"{epoch}-2", path=f"/boards/{NAME}/stream?last_event_id={epoch}-1") as stream:
        assert stream.wait(type="hello")[0]["data"]["replayed"] == 0  # the header comes first


@pytest.mark.parametrize("last", ["1-1", "nonsense", "0-0", "99999999999999999-1", "1.5"])
def test_an_id_that_we_can_not_go_on_from_is_a_reset(way: Way, journal: Journal, last: str) -> None:
    server = way()
    commit(journal, (1, {"Agent": "a"}))
    caught_up(server, journal)
    with server.stream(last) as stream:
        [reset] = stream.wait(type="reset")
        assert reset["id"] == reset["data"]["id"] == str(journal.head(load_preset(NAME)).id)
        commit(journal, (1, {"Agent": "b"}))
        assert counters(stream.wait()) == [2]


def test_more_than_500_changes_behind_is_a_reset(way: Way, journal: Journal) -> None:
    server = way()
    commit(journal, (1, {"Agent": "a"}))
    epoch = journal.head(load_preset(NAME)).id.epoch
    for start in range(0, 600, 100):
        commit(journal, *((start + i + 10, {"Agent": "x"}) for i in range(100)))
    caught_up(server, journal)
    with server.stream(f"{epoch}-1") as stream:
        stream.wait(type="reset")
    with server.stream(f"{epoch}-101") as stream:
        assert counters(stream.wait(500)) == list(range(102, 602))


def test_an_import_is_one_reset(way: Way, journal: Journal) -> None:
    with way().stream() as stream:
        stream.wait(type="hello")
        commit(journal, *((i, {"Agent": "x"}) for i in range(1, 600)))
        assert stream.wait(type="reset")[0]["data"]["id"].endswith("-599")
        commit(journal, (1, {"Agent": "y"}))
        assert counters(stream.wait()) == [600]


def test_cells_cannot_forge_events(way: Way, journal: Journal) -> None:
    evil = 'x\r\nid: 99-99\r\nevent: reset\r\ndata: {}\n\n\0\u2028"}</script>'
    with way().stream() as stream:
        stream.wait(type="hello")
        commit(journal, (1, {"Agent": evil}))
        [change] = stream.wait()
        commit(journal, (1, {"Agent": "after"}))
        stream.wait(2)
    assert change["data"]["fields"]["Agent"] == evil and len(stream.of("reset")) == 0


def test_the_compatible_stream_speaks_the_first_version(way: Way, journal: Journal) -> None:
    server = way()
    for path in ("/webhook/sse-stream", "/sse-stream"):
        with server.stream(path=path) as stream:
            connected = stream.wait()[0]
            assert connected["data"]["type"] == "connected" and connected["retry"] == "5000"
            assert connected["data"]["message"] == "Connexion SSE établie"
    with server.stream(path="/webhook/sse-stream") as stream:
        stream.wait()
        commit(journal, (12, {"Agent": "Zoé", "Localisation": "Marseille", "Type": "Voirie", "Priorite": "Haute"}))
        journal.commit(load_preset(NAME), [(12, b"")], "reconcile")
        _, add, remove = stream.wait(3)
    assert add["data"]["type"] == "intervention_update" and add["data"]["action"] == "add"
    assert add["data"]["data"] == {
        "id": 12, "agent": "Zoé", "localisation": "Marseille", "type": "Voirie", "statut": "En attente",
        "priorite": "Haute", "commentaire": "",
    }  # fmt: skip
    assert remove["data"]["action"] == "remove" and remove["data"]["data"]["id"] == 12
    with server.stream(add["id"], path="/webhook/sse-stream") as stream:
        assert stream.wait(2)[1]["data"] == remove["data"]


def test_a_filter_makes_rows_enter_and_leave(way: Way, journal: Journal) -> None:
    server = way()
    commit(journal, (1, {"Localisation": "13002 Marseille", "Statut": "En cours"}))
    epoch = journal.head(load_preset(NAME)).id.epoch
    path = f"/boards/{NAME}/stream?status=En cours&status=Bloqué&department=13"
    with server.stream(f"{epoch}-0", path=path) as stream:
        stream.wait()
        assert stream.of("hello")[0]["data"]["approximate"] == ["department"]
        commit(journal, (2, {"Localisation": "69001 Lyon", "Statut": "En cours"}))
        commit(journal, (1, {"Statut": "Terminé"}))
        commit(journal, (2, {"Localisation": "13100 Aix"}))
        commit(journal, (2, {"Agent": "Zoé"}))
        changes = stream.wait(4)
    seen = [(e["data"]["action"], e["data"]["row"]) for e in changes]
    assert seen == [("add", 1), ("remove", 1), ("add", 2), ("update", 2)]
    assert changes[1]["data"]["was"]["Statut"] == "En cours" and changes[2]["data"]["fields"]["Statut"] == "En cours"


def test_a_filtered_stream_tells_how_many_missed_changes_it_brings(way: Way, journal: Journal) -> None:
    server = way()
    commit(journal, (1, {"Statut": "En cours"}), (2, {"Statut": "Bloqué"}), (3, {"Statut": "En cours"}))
    epoch = journal.head(load_preset(NAME)).id.epoch
    for status, replayed, place in (("Bloqué", 1, None), ("Terminé", 0, f"{epoch}-3")):
        with server.stream(f"{epoch}-0", path=f"/boards/{NAME}/stream?status={status}") as stream:
            [hello] = stream.wait(type="hello")
            assert (hello["data"]["replayed"], hello.get("id")) == (replayed, place)


def test_the_token_decides_who_may_look(way: Way, redis_server: RedisServer) -> None:
    from grist_live.access import Access

    key = "a-key-for-this-test-only"
    server = way(token_keys=[key], board={"access": "token"})
    board = load_preset(NAME)
    good = Access((), [key]).token(board)
    path = f"/boards/{NAME}/stream"
    for headers, query, status in (
        ({}, "", 401),
        ({"Authorization": "Bearer wrong"}, "", 401),
        ({"Authorization": f"Bearer {good}"}, "", 200),
        ({}, f"?token={good}", 200),
        ({"Authorization": f"Bearer {Access((), ['another-key']).token(board)}"}, "", 401),
        ({"Authorization": f"Bearer {Access((), [key]).token(board, expires=time.time() - 1)}"}, "", 401),
    ):
        with server.stream(path=path + query, headers=headers) as stream:
            assert stream.response.status_code == status, (headers, query)


def test_an_unknown_board_is_404(way: Way) -> None:
    with way().stream(path="/boards/nothing/stream") as stream:
        assert stream.response.status_code == 404


def test_pings_tell_position_and_viewers(way: Way, journal: Journal) -> None:
    server = way(heartbeat=1.0)
    with server.stream() as one, server.stream() as two:
        one.wait(type="hello")
        ping = two.wait(2, type="ping")[-1]
        assert ping["data"]["viewers"] == 2 and abs(ping["data"]["at"] - time.time()) < 5
        assert ping["id"] == ping["data"]["id"] == str(journal.head(load_preset(NAME)).id)


def test_any_flask_app_can_publish_to_the_viewers(way: Way, redis_server: RedisServer) -> None:
    import flask
    from flask_sse import sse

    app = flask.Flask("other")
    app.config["REDIS_URL"] = redis_server.url
    with way().stream() as stream:
        stream.wait(type="hello")
        with app.app_context():
            sse.publish({"text": "Réunion"}, type="notice", channel=NAME)
            sse.publish("forged", type="x\nid: 1-1", channel=NAME)
            sse.publish({"text": "next"}, type="notice", channel=NAME)
        first, second = stream.wait(2, type="notice")
    assert first["data"] == {"text": "Réunion"} and "id" not in first and second["data"] == {"text": "next"}


def test_redis_away_and_back_is_told_and_nothing_is_lost(way: Way, own_redis: RedisServer) -> None:
    journal = Journal(connect(own_redis.url))
    server = way(redis_url=own_redis.url)
    with server.stream() as stream:
        stream.wait(type="hello")
        commit(journal, (1, {"Agent": "before"}))
        stream.wait()
        own_redis.kill()
        stream.wait(type="degraded")
        own_redis.start()
        stream.wait(type="reset")
        stream.wait(type="recovered")
        commit(journal, (1, {"Agent": "after"}))
        assert stream.wait(2)[1]["data"]["fields"]["Agent"] == "after"
    journal.close()


def test_killing_the_hubs_connection_again_and_again_loses_nothing(way: Way, journal: Journal) -> None:
    with way().stream() as stream:
        stream.wait(type="hello")
        for i in range(60):
            if i % 6 == 0:
                journal.redis.client_kill_filter(_type="pubsub")
            commit(journal, (1, {"Agent": f"a{i}"}))
            time.sleep(0.01)
        assert counters(stream.wait(60)) == list(range(1, 61)) and not stream.of("reset")


def test_a_server_that_was_killed_goes_on_where_it_was(
    live_server: Callable[..., LiveServer], journal: Journal
) -> None:
    server = live_server()
    with server.stream() as stream:
        stream.wait(type="hello")
        commit(journal, (1, {"Agent": "a"}))
        last = stream.wait()[0]["id"]
        server.kill()
        stream.wait_end()
    commit(journal, (1, {"Agent": "b"}), (2, {"Agent": "c"}))
    server.start()
    with server.stream(last) as stream:
        assert counters(stream.wait(2)) == [2, 3] and not stream.of("reset")


def test_two_workers_serve_the_same_stream(live_server: Callable[..., LiveServer], journal: Journal) -> None:
    server = live_server(workers=2, heartbeat=1.0)
    streams = [server.stream() for _ in range(12)]
    for stream in streams:
        stream.wait(type="hello")
    for i in range(20):
        commit(journal, (1, {"Agent": f"a{i}"}))
    for stream in streams:
        assert counters(stream.wait(20)) == list(range(1, 21))
    deadline = time.monotonic() + 15
    while len(journal.redis.client_list(_type="pubsub")) != 2 and time.monotonic() < deadline:
        time.sleep(0.1)  # the second process may still be starting
    assert len(journal.redis.client_list(_type="pubsub")) == 2  # one a process, not one a viewer
    while journal_viewers(streams[0]) != 12 and time.monotonic() < deadline:
        time.sleep(0.5)
    assert journal_viewers(streams[0]) == 12
    for stream in streams:
        stream.close()


def journal_viewers(stream: Stream) -> int:
    pings = stream.of("ping")
    return int(pings[-1]["data"]["viewers"]) if pings else 0


def test_a_viewer_that_left_frees_everything(way: Way) -> None:
    server = way(heartbeat=1.0)
    streams = [server.stream() for _ in range(10)]
    for stream in streams:
        stream.wait(type="hello")
    url = f"{server.url}/health"
    assert requests.get(url, timeout=5).json()["boards"][NAME]["viewers"] == 10
    for stream in streams:
        stream.close()
    deadline = time.monotonic() + 30
    while requests.get(url, timeout=5).json()["boards"][NAME]["viewers"] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert requests.get(url, timeout=5).json()["boards"][NAME]["viewers"] == 0


def test_a_viewer_that_can_not_keep_up_is_cut_off_and_delays_nobody(
    live_server: Callable[..., LiveServer], journal: Journal
) -> None:
    server = live_server(viewer_buffer=65_536)
    slow = socket.create_connection(("127.0.0.1", server.port))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.sendall(f"GET /boards/{NAME}/stream HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    with server.stream() as stream:
        stream.wait(type="hello")
        for i in range(60):
            commit(journal, (1, {"Commentaire": f"{i}" + "x" * 100_000}))
        assert counters(stream.wait(60, seconds=30)) == list(range(1, 61))
    metrics = requests.get(f"{server.url}/metrics", timeout=5).text
    assert "grist_live_cut_off_total 1.0" in metrics
    slow.close()


def test_a_viewer_costs_one_descriptor_and_no_greenlet(live_server: Callable[..., LiveServer]) -> None:
    server = live_server()
    assert server.process
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    [worker] = [int(pid) for pid in children.split()]

    def descriptors() -> int:
        return len(os.listdir(f"/proc/{worker}/fd"))

    before = descriptors()
    streams = [server.stream() for _ in range(50)]
    for stream in streams:
        stream.wait(type="hello")
    assert descriptors() - before <= 52
    for stream in streams:
        stream.close()


@pytest.mark.parametrize("path", [f"/boards/{NAME}/stream", "/sse-stream"])
def test_a_stream_ends_with_its_token_and_no_other_does(way: Way, path: str) -> None:
    from grist_live.access import Access

    key = "a-key-for-this-test-only"
    server = way(token_keys=[key], board={"access": "token"}, heartbeat=2.0)
    access, board = Access((), [key]), load_preset(NAME)
    tokens = [access.token(board, expires=e) for e in (time.time() + 2, time.time() + 60, None)]
    with contextlib.ExitStack() as streams:
        short, *others = (
            streams.enter_context(server.stream(path=path, headers={"Authorization": f"Bearer {t}"})) for t in tokens
        )
        short.wait_end(6)
        said = [event["data"] for event in short.of("bye")]
        assert said == ([] if path == "/sse-stream" else [{"retry_ms": 1000, "reason": "expired"}])
        assert not any(stream.ended for stream in others)
        with server.stream(path=path, headers={"Authorization": f"Bearer {tokens[0]}"}) as again:
            assert again.response.status_code == 401
