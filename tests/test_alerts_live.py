"""Alerts of the real program: from the webhook door to the room, under kill -9, and what its logs tell."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import tomlkit

from grist_live.access import Access
from grist_live.board import load_preset
from grist_live.journal import Journal
from tests.conftest import KEY, SECRET
from tests.live_server import LiveServer
from tests.redis_server import RedisServer
from tests.rules_lab import DONE, URGENT, text_of
from tests.synapse_server import Person, SynapseServer

BOARD = load_preset("interventions")
API_KEY = "api-key-that-must-not-be-seen"
WRONG = "syt_a-token-that-was-revoked"


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return found


def titles(person: Person, room: str) -> list[str]:
    return [m["content"]["body"].split("\n")[0].partition(" — ")[2] for m in person.messages(room)]


class Worker:
    """`python -m grist_live work`, which a test may kill at any instant."""

    def __init__(self, folder: Path, redis_url: str, outlet: dict[str, Any]) -> None:
        self.config = folder / "grist-live.toml"
        board = {"preset": "interventions", "open": True, "access": "public"}
        table = {"redis_url": redis_url, "log_dir": str(folder), "boards": {"interventions": board}}
        self.config.write_text(tomlkit.dumps({**table, "outlets": {"tchap": outlet}}), "utf-8")
        self.output = folder / "work-output.txt"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith("GRIST_")}
        env |= {"GRIST_LIVE_CONFIG": str(self.config), "HOME": str(self.config.parent)}
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "grist_live", "work"], env=env, stdout=out, stderr=out
            )

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def worker(
    tmp_path: Path, redis_server: RedisServer, people: dict[str, Person], room: str
) -> Iterator[Callable[[], Worker]]:
    started: list[Worker] = []

    def make() -> Worker:
        bot = people["bot"]
        one = Worker(tmp_path, redis_server.url, {"url": bot.server.url, "token": bot.token, "room": room})
        started.append(one)
        return one

    yield make
    for one in started:
        one.kill()


def test_kill_9_at_any_instant_loses_and_doubles_nothing(
    worker: Callable[[], Worker], journal: Journal, people: dict[str, Person], room: str
) -> None:
    journal.adopt(BOARD)
    workers, chance = [worker(), worker()], random.Random(6)
    for it in workers:
        it.start()
    state = journal.keys(BOARD).rules + "state"
    until(lambda: journal.redis.exists(state))
    row = 0
    for _ in range(6):
        end = time.monotonic() + chance.uniform(0.5, 1.6)
        while time.monotonic() < end:
            row += 1
            journal.commit(BOARD, [text_of(BOARD, row, URGENT | {"ID2": f"INT-{row}"})], "webhook")
            time.sleep(chance.uniform(0.01, 0.06))
        it = chance.choice(workers)  # now the one that evaluates, now the one that only sends
        it.kill()
        it.start()
    journal.commit(BOARD, [text_of(BOARD, 1, DONE)], "webhook")
    sent = journal.keys(BOARD).jobs + "counts:tchap"
    until(lambda: int(journal.redis.hget(sent, "sent") or 0) >= row + 1, 60)
    seen = titles(people["supervisor"], room)
    assert len(seen) == row + 1 and seen.count("INT-1") == 2
    assert sorted(set(seen)) == sorted({f"INT-{n}" for n in range(1, row + 1)})


def test_an_edit_is_followed_from_the_door_to_the_room_and_no_log_tells_a_secret(
    live_server: Callable[..., LiveServer],
    tmp_path: Path,
    people: dict[str, Person],
    room: str,
    synapse: SynapseServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GRIST_LIVE_GRIST_API_KEY", API_KEY)
    monkeypatch.setenv("GRIST_LIVE_LOG_LEVEL", "DEBUG")
    token_file = tmp_path / "token-of-the-bot"
    token_file.write_text(people["bot"].token)
    outlet = {"url": synapse.url, "token_file": str(token_file), "room": room}
    board = {"open": False, "access": "token", "doc": "7uJkLmNoPqRs", "compat": False}
    server = live_server(
        command="serve",
        board=board,
        webhook_secret=[SECRET],
        token_keys=[KEY],
        grist_url="http://127.0.0.1:9",  # nobody is there: errors name what was tried
        outlets={"tchap": outlet},
    )
    viewer = Access((), [KEY]).token(BOARD)
    wrong = requests.post(f"{server.url}/webhook/grist-realtime?token={viewer}", json=[], timeout=5)
    assert wrong.status_code == 401
    requests.get(f"{server.url}/boards/interventions/snapshot?token={viewer}", timeout=5)
    requests.get(f"{server.url}/boards/interventions/snapshot?token={viewer}x", timeout=5)
    headers = {"Authorization": f"Bearer {SECRET}", "X-Request-Id": "edit-of-Lea"}
    with server.stream(path=f"/boards/interventions/stream?token={viewer}"):
        answer = server.post({"id": 7, **URGENT}, headers=headers)
        assert answer.headers["X-Request-Id"] == "edit-of-Lea"
        until(lambda: titles(people["supervisor"], room) == ["INT-1"])
    token_file.write_text(WRONG)
    server.post({"id": 7, **DONE}, headers=headers)
    status = until(lambda: _status(server, dead=1))
    assert status["status"] == "degraded" and "M_UNKNOWN_TOKEN" in status["outlets"]["tchap"]["dead_jobs"][0]["reason"]
    text = _run(server, "status")
    assert text.returncode == 1 and "dead          1" in text.stdout and "log the account in once" in text.stdout
    assert "M_UNKNOWN_TOKEN" not in requests.get(f"{server.url}/health", timeout=5).text, "not for everybody"
    metrics = requests.get(f"{server.url}/metrics", timeout=5).text
    labels = 'board="interventions",outlet="tchap"'
    assert f'grist_live_jobs{{{labels},state="dead"}} 1.0' in metrics
    assert f"grist_live_jobs_sent_total{{{labels}}} 1.0" in metrics
    assert f"grist_live_alert_seconds_count{{{labels}}} 1.0" in metrics
    token_file.write_text(people["bot"].token)
    assert "tchap: 1 alerts wait" in _run(server, "retry").stdout
    until(lambda: titles(people["supervisor"], room) == ["INT-1", "INT-1"])
    assert people["supervisor"].messages(room)[1]["content"]["m.relates_to"]["rel_type"] == "m.thread"
    probe = _run(server, "test", "--url", server.url)
    assert probe.returncode == 0 and "tchap: token" in probe.stdout and f"tchap: room {room}" in probe.stdout
    assert _run(server, "config").returncode == 0
    server.stop()

    logs = {path: path.read_text("utf-8") for path in [*(tmp_path / "log").iterdir(), server.output]}
    assert {path.name for path in logs} >= {"web.log", "work.log"}
    everything = "\n".join([*logs.values(), text.stdout, probe.stdout, probe.stderr])
    for secret in (SECRET, KEY, API_KEY, viewer, people["bot"].token, WRONG):
        assert secret not in everything, f"a log tells {secret}"
    lines = [json.loads(line) for path, log in logs.items() if path.suffix == ".log" for line in log.splitlines()]
    door = [line for line in lines if line.get("request") == "edit-of-Lea" and line["logger"].endswith("webhook")]
    assert [line["status"] for line in door] == [200, 200]
    [change] = door[0]["changes"]
    steps = [line["message"] for line in lines if change in (line.get("change"), *line.get("changes", []))]
    assert sorted(steps) == ["job made", "sent", "sent to viewers", "webhook"]
    told = [line["request"] for line in lines if line.get("change") == change]
    assert told == ["edit-of-Lea"] * 2, "the job's lines name the request, too"
    [sent] = [line for line in lines if line["message"] == "sent" and line["change"] == change]
    assert sent["event"] == people["supervisor"].messages(room)[0]["event_id"] and sent["board"] == "interventions"


def _run(server: LiveServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grist_live", *arguments]
    return subprocess.run(command, env=server.env, capture_output=True, text=True, timeout=60)


def _status(server: LiveServer, dead: int) -> dict[str, Any] | None:
    found: dict[str, Any] = json.loads(_run(server, "status", "--json").stdout)
    return found if found["outlets"]["tchap"]["dead"] == dead else None


def test_a_slow_outlet_delays_nobody(
    live_server: Callable[..., LiveServer], people: dict[str, Person], room: str, synapse: SynapseServer
) -> None:
    import socket

    with socket.socket() as silent:  # takes connections, and never says a word
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        rules = [
            {"name": "slow", "when": "becomes urgent", "do": {"outlet": "slow"}},
            {"name": "quick", "when": "becomes urgent", "do": {"outlet": "tchap"}},
        ]
        tchap = {"url": synapse.url, "token": people["bot"].token, "room": room}
        slow = {**tchap, "kind": "matrix", "url": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        server = live_server(command="serve", board={"rules": rules}, outlets={"tchap": tchap, "slow": slow})
        with server.stream() as stream:
            stream.wait(type="hello")
            for row in range(1, 11):
                began = time.perf_counter()
                assert server.post({"id": row, **URGENT}).ok
                assert time.perf_counter() - began < 1
                stream.wait(row, seconds=1)
            until(lambda: len(titles(people["supervisor"], room)) == 10, 8)
        report = requests.get(f"{server.url}/health", timeout=5).json()["outlets"]
        assert report["slow"]["sent"] == 0 and report["slow"]["waiting"] + report["slow"]["retrying"] == 10
