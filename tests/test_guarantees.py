"""What no viewer may ever see: a hole, a double, a stream that stands still. Each guarantee has a test of its name."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from grist_live.board import load_preset
from grist_live.change import read_webhook
from grist_live.journal import Journal, Unavailable, connect, parse_id
from tests.live_server import LiveServer, Stream
from tests.redis_server import RedisServer

NAME = "interventions"
BOARD = load_preset(NAME)


def commit(journal: Journal, row: int, text: str) -> None:
    journal.commit(BOARD, read_webhook(json.dumps([{"id": row, "Agent": text}]).encode(), BOARD).rows, "webhook")


class Wanderer:
    """A viewer that leaves and comes back at random, and notes what it was told, in order.

    `told` holds the counters of each epoch; a `reset` begins a new list, since the page then fetches the snapshot.
    """

    def __init__(self, server: Callable[[], LiveServer], seed: int) -> None:
        self.server, self.random = server, random.Random(seed)
        self.last = ""
        self.told: list[tuple[str, list[int]]] = []
        self.resets = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._wander)
        self.thread.start()

    def _wander(self) -> None:
        while not self.stop.is_set():
            try:
                stream = self.server().stream(self.last)
            except (requests.RequestException, AttributeError):
                time.sleep(0.05)
                continue
            time.sleep(self.random.uniform(0.005, 0.4))
            with contextlib.suppress(AssertionError):
                stream.close()
            self._note(stream)

    def _note(self, stream: Stream) -> None:
        for event in stream.events:
            id = parse_id(event.get("id"))
            if event["type"] == "reset":
                self.resets += 1
                assert id
                self.told.append((id.epoch, [id.counter]))
            elif event["type"] == "hello" and id and not self.last:
                self.told.append((id.epoch, [id.counter]))
            elif event["type"] == "message" and id:
                assert self.told and self.told[-1][0] == id.epoch, "changes of another epoch without a reset"
                self.told[-1][1].append(id.counter)
            if id and event["type"] != "ping":
                self.last = event["id"]

    def finish(self) -> None:
        self.stop.set()
        self.thread.join(30)
        for _, counters in self.told:
            first = counters[0]
            assert counters == list(range(first, first + len(counters))), f"a hole or a double: {counters}"


@pytest.fixture
def wander() -> Iterator[Callable[..., list[Wanderer]]]:
    groups: list[Wanderer] = []

    def start(server: Callable[[], LiveServer], count: int = 4) -> list[Wanderer]:
        groups.extend(Wanderer(server, seed) for seed in range(count))
        return groups

    yield start
    for wanderer in groups:
        wanderer.stop.set()
        wanderer.thread.join(30)


def edit_for(journal: Journal, seconds: float, disturb: Callable[[int], None] = lambda i: None, every: int = 10) -> int:
    """Commit changes for a while; `disturb` is called after each `every` of them. Return how many went through."""
    end, done, i = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        i += 1
        try:
            commit(journal, 1 + i % 5, f"edit {i}")
            done += 1
        except Unavailable:
            time.sleep(0.02)
        if i % every == 0:
            disturb(i // every)
        time.sleep(0.003)
    return done


def settle(wanderers: list[Wanderer], journal: Journal) -> None:
    """Wait until every wanderer was told of everything, then check what each was told."""
    head = str(journal.head(BOARD).id)
    deadline = time.monotonic() + 20
    while any(w.last != head for w in wanderers) and time.monotonic() < deadline:
        time.sleep(0.05)
    for wanderer in wanderers:
        wanderer.finish()
        assert wanderer.last == head, f"{wanderer.last} is not {head}"


def test_viewers_that_come_and_go_see_no_hole_and_no_double(
    live_server: Callable[..., LiveServer], journal: Journal, wander: Callable[..., list[Wanderer]]
) -> None:
    server = live_server()
    wanderers = wander(lambda: server)
    assert edit_for(journal, 4) > 100
    settle(wanderers, journal)
    assert sum(w.resets for w in wanderers) == 0


def test_a_tiny_buffer_never_hides_a_hole(
    live_server: Callable[..., LiveServer], journal: Journal, wander: Callable[..., list[Wanderer]]
) -> None:
    server = live_server(viewer_buffer=4096)
    wanderers = wander(lambda: server)

    def burst(i: int) -> None:
        rows = [{"id": r, "Agent": f"{i} {r}", "Commentaire": "x" * 2000} for r in range(1, 60)]
        journal.commit(BOARD, read_webhook(json.dumps(rows).encode(), BOARD).rows, "webhook")

    edit_for(journal, 3, burst)
    settle(wanderers, journal)


def test_a_redis_connection_killed_again_and_again_leaves_no_hole(
    live_server: Callable[..., LiveServer], journal: Journal, wander: Callable[..., list[Wanderer]]
) -> None:
    server = live_server()
    wanderers = wander(lambda: server)
    edit_for(journal, 4, lambda i: journal.redis.client_kill_filter(_type="pubsub"), every=15)
    settle(wanderers, journal)
    assert sum(w.resets for w in wanderers) == 0


@pytest.mark.parametrize("empty", [False, True], ids=["with its data", "without its data"])
def test_redis_killed_and_restarted_is_the_exact_sequence_or_a_reset(
    live_server: Callable[..., LiveServer], own_redis: RedisServer, wander: Callable[..., list[Wanderer]], empty: bool
) -> None:
    journal = Journal(connect(own_redis.url))
    server = live_server(redis_url=own_redis.url)
    wanderers = wander(lambda: server)
    edit_for(journal, 5, lambda i: own_redis.restart(empty=empty) if i in (6, 14) else None, every=15)
    commit(journal, 1, "after all")
    settle(wanderers, journal)
    assert all(w.resets for w in wanderers)
    journal.close()


def test_a_server_killed_and_restarted_leaves_no_hole(
    live_server: Callable[..., LiveServer], journal: Journal, wander: Callable[..., list[Wanderer]]
) -> None:
    server = live_server()
    wanderers = wander(lambda: server)

    def kill(i: int) -> None:
        if i in (3, 8):
            server.kill()
            server.start(wait=False)

    edit_for(journal, 6, kill, every=25)
    server.wait_ready()
    settle(wanderers, journal)
    assert sum(w.resets for w in wanderers) == 0


def test_workers_added_and_removed_leave_no_hole(
    live_server: Callable[..., LiveServer], journal: Journal, wander: Callable[..., list[Wanderer]]
) -> None:
    """Several servers on one Redis: viewers land on any of them, and each of them comes and goes."""
    servers = [live_server(), live_server(workers=2)]
    choice = random.Random(1)
    wanderers = wander(lambda: choice.choice(servers))

    def change(i: int) -> None:
        if i == 3:
            servers.append(live_server())
        elif i == 6:
            servers.pop(0).stop()

    edit_for(journal, 6, change, every=25)
    settle(wanderers, journal)
    assert sum(w.resets for w in wanderers) == 0


# ----------------------------------------------------------------------------------------------- who holds others up


def test_slow_senders_of_requests_hold_nobody_up(live_server: Callable[..., LiveServer], journal: Journal) -> None:
    """Slowloris: hundreds of connections that never finish a header, or a body."""
    server = live_server()
    heads = (
        b"GET /boards/interventions/stream HTTP/1.1\r\nHost: x\r\nX-Slow:",
        b"POST /webhook/interventions HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/json\r\nContent-Length: 9999\r\n\r\n[",
        b"",
    )
    slow = []
    for i in range(600):
        sock = socket.create_connection(("127.0.0.1", server.port))
        sock.sendall(heads[i % 3])
        slow.append(sock)
    with server.stream() as stream:
        stream.wait(type="hello")
        for i in range(20):
            began = time.monotonic()
            assert server.post({"id": 1, "Agent": f"a{i}"}).status_code == 200
            assert time.monotonic() - began < 2
        stream.wait(20)
    deadline = time.monotonic() + 40
    while slow and time.monotonic() < deadline:  # and each of them is closed in the end
        slow = [sock for sock in slow if not _closed(sock)]
        time.sleep(0.2)
    assert not slow


def _closed(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        while data := sock.recv(4096):
            del data
    except BlockingIOError:
        return False
    except OSError:
        pass
    sock.close()
    return True


def test_when_it_is_full_a_viewer_is_told_to_come_back(live_server: Callable[..., LiveServer]) -> None:
    server = live_server(max_viewers=2)
    with server.stream() as one, server.stream() as two:
        one.wait(type="hello")
        two.wait(type="hello")
        with server.stream() as third:
            [bye] = third.wait(type="bye")
            third.wait_end()
            assert third.response.status_code == 200
            assert 5000 <= int(bye["retry"]) == bye["data"]["retry_ms"] <= 45_000
        with server.stream(path="/sse-stream") as old:
            old.wait_end()
            assert old.response.status_code == 200
    until(lambda: _viewers(server) == 0)
    with server.stream() as again:
        again.wait(type="hello")


def test_one_address_has_its_share(live_server: Callable[..., LiveServer]) -> None:
    server = live_server(max_viewers_per_address=1, trusted_proxies=1)
    with server.stream(headers={"X-Forwarded-For": "192.0.2.1"}) as one:
        one.wait(type="hello")
        with server.stream(headers={"X-Forwarded-For": "192.0.2.1"}) as two:
            two.wait(type="bye")
        with server.stream(headers={"X-Forwarded-For": "192.0.2.2"}) as other:
            other.wait(type="hello")
    until(lambda: _viewers(server) == 0)
    with server.stream(headers={"X-Forwarded-For": "192.0.2.1"}) as again:
        again.wait(type="hello")


def _viewers(server: LiveServer) -> int:
    found: int = requests.get(f"{server.url}/health", timeout=5).json()["boards"][NAME]["viewers"]
    return found


def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@pytest.mark.parametrize("command", ["web", "serve"])
def test_draining_says_goodbye_and_finishes_what_is_in_flight(
    live_server: Callable[..., LiveServer], journal: Journal, command: str
) -> None:
    server = live_server(command=command)
    streams = [server.stream() for _ in range(20)]
    for stream in streams:
        stream.wait(type="hello")
    slow = socket.create_connection(("127.0.0.1", server.port))
    body = b'[{"id": 77, "Agent": "in flight"}]'
    head = f"POST /webhook/{NAME} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    slow.sendall(head.encode() + body[:10])
    time.sleep(0.3)
    assert server.process
    server.process.terminate()
    began = time.monotonic()
    delays = []
    for stream in streams:
        [bye] = stream.wait(type="bye")
        stream.wait_end()
        delays.append(bye["data"]["retry_ms"])
    assert len(set(delays)) > 10 and min(delays) >= 500, "they would all come back at once"
    slow.sendall(body[10:])
    answer = slow.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200") and journal.rows(BOARD) == 1
    slow.close()
    assert server.process.wait(12) == 0 and time.monotonic() - began < 12


def test_counts_of_viewers_are_right_again_after_a_kill(
    live_server: Callable[..., LiveServer], journal: Journal
) -> None:
    one, two = live_server(heartbeat=1.0), live_server(heartbeat=1.0)
    streams = [one.stream() for _ in range(3)]
    for stream in streams:
        stream.wait(type="hello")
    with two.stream() as stream:
        until(lambda: any(p["data"]["viewers"] == 4 for p in stream.of("ping")))
        one.kill()
        count = len(stream.of("ping"))
        until(lambda: any(p["data"]["viewers"] == 1 for p in stream.of("ping")[count:]))
    for stream in streams:
        stream.close()
