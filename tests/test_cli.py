"""The commands, as operators type them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from grist_live.board import load_preset
from grist_live.cli import main
from grist_live.journal import Journal
from grist_live.logs import mask
from tests.live_server import LiveServer
from tests.redis_server import RedisServer, free_port
from tests.standin_grist import OWNER, StandinGrist

BOARD = load_preset("interventions")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_server: RedisServer) -> Callable[..., Result]:
    """Run a command in an empty folder, with an empty HOME."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GRIST_LIVE_REDIS_URL", redis_server.url)
    for name in ("GRIST_API_KEY", "GRIST_LIVE_CONFIG", "XDG_STATE_HOME", "XDG_DATA_HOME", "PORT"):
        monkeypatch.delenv(name, raising=False)
    return lambda *args: CliRunner().invoke(main, args)


def test_config_prints_settings_masked_and_all_problems(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run("config")
    assert result.exit_code == 1 and "[webhook-secret]" in result.stderr and "[token-keys]" in result.stderr
    monkeypatch.setenv("GRIST_LIVE_WEBHOOK_SECRET", "a-secret-that-nobody-sees")
    monkeypatch.setenv("GRIST_LIVE_TOKEN_KEYS", "a-key-that-nobody-sees")
    result = run("config", "--json")
    assert result.exit_code == 0 and "nobody-sees" not in result.output
    assert json.loads(result.stdout)["settings"]["port"] == 8484


def test_a_configuration_that_is_not_there_is_one_line(run: Callable[..., Result]) -> None:
    result = run("--config", "none.toml", "work")
    assert result.exit_code == 1 and "none.toml" in result.stderr and "Traceback" not in result.output


@pytest.mark.parametrize("command", ["work", "serve"])
def test_what_can_not_start_says_why(run: Callable[..., Result], command: str) -> None:
    result = run(command)
    assert result.exit_code == 1 and "webhook_secret is empty" in result.stderr


def test_status_of_a_redis_that_is_away(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIST_LIVE_REDIS_URL", f"redis://127.0.0.1:{free_port()}")
    result = run("status")
    assert result.exit_code == 1 and "unhealthy" in result.output and "redis_url" in result.output
    assert json.loads(run("status", "--json").stdout)["redis"]["ok"] is False


def test_token_opens_the_board(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    from grist_live.access import Access

    assert run("token").exit_code == 1
    monkeypatch.setenv("GRIST_LIVE_TOKEN_KEYS", "a-key-for-this-test")
    token = run("token", "--days", "1").stdout.strip()
    assert Access((), ["a-key-for-this-test"]).token_ok(BOARD, token)
    assert run("token", "nothing").exit_code == 1


def test_a_token_may_say_whose_it_is_and_that_it_takes_rows(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    from grist_live.access import Access, Pass

    monkeypatch.setenv("GRIST_LIVE_TOKEN_KEYS", "a-key-for-this-test")
    made = run("token", "--name", "Inès Kerbrat", "--can", "take")
    assert made.exit_code == 0 and "API key" in made.stderr, "and says what is missing here"
    shown = Access((), ["a-key-for-this-test"]).check_viewer(BOARD, made.stdout.strip())
    assert shown == Pass("Inès Kerbrat", ("take",), None)
    monkeypatch.setenv("GRIST_API_KEY", "k")
    monkeypatch.setenv("GRIST_LIVE_DOC_ID", "someDocument")
    assert run("token", "--can", "take").stderr == ""
    assert run("token", "--name", "a\nb").exit_code == 1 and run("token", "--can", "fly").exit_code == 2


def test_logs_shows_the_end_and_what_comes(tmp_path: Path, run: Callable[..., Result]) -> None:
    missing = run("logs", "nginx-error") if not Path("/var/log/nginx/error.log").exists() else None
    assert missing is None or (missing.exit_code == 1 and "looked for" in missing.stderr)
    folder = tmp_path / ".local" / "state" / "grist-live"
    folder.mkdir(parents=True)
    (folder / "web.log").write_text("".join(f"line {i}\n" for i in range(100)))
    assert run("logs", "web", "-n", "2").stdout == "line 98\nline 99\n"
    follow = subprocess.Popen(
        [sys.executable, "-m", "grist_live", "logs", "--follow", "web"], stdout=subprocess.PIPE, text=True
    )
    assert follow.stdout
    try:
        while follow.stdout.readline() != "line 99\n":
            pass
        with (folder / "web.log").open("a") as log:
            log.write("new\n")
        assert follow.stdout.readline() == "new\n"
        (folder / "web.log").rename(folder / "web.log.1")
        (folder / "web.log").write_text("rotated\n")
        assert follow.stdout.readline() == "rotated\n"
    finally:
        follow.kill()
        follow.wait()
        follow.stdout.close()


def test_tokens_are_masked_in_logs() -> None:
    assert mask("GET /x?token=abc.def&y=1 Authorization: Bearer secret") == (
        "GET /x?token=••••&y=1 Authorization: Bearer ••••"
    )


def test_test_tells_each_leg_with_its_time(
    live_server: Callable[..., LiveServer], run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = live_server(token_keys=["key-of-this-test-only"], webhook_secret=["secret-of-this-test"],
                         board={"access": "token", "open": False})  # fmt: skip
    monkeypatch.setenv("GRIST_LIVE_CONFIG", str(server.config))
    result = run("test")
    assert result.exit_code == 0, result.output
    assert [line[:4] for line in result.stdout.splitlines()] == ["ok  "] * 4 and " ms" in result.stdout
    status = run("status")
    assert "viewers       " in status.output and "NOT RUNNING" in status.output  # no work process runs here
    wrong = run("test", "--url", f"http://127.0.0.1:{free_port()}")
    assert wrong.exit_code == 1 and "is `serve` running there?" in wrong.output


def test_bootstrap_reconcile_and_again(
    run: Callable[..., Result], journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StandinGrist() as grist:
        doc = grist.add_document()
        address = f"{grist.url}/doc/{doc.id}"
        assert "GRIST_API_KEY" in run("bootstrap", address).stderr
        monkeypatch.setenv("GRIST_API_KEY", OWNER)
        dry = run("bootstrap", address, "--dry-run")
        assert dry.exit_code == 0 and "nothing was changed" in dry.output and grist.changes() == []
        assert not (tmp_path / "grist-live.toml").exists()
        first = run("bootstrap", address, "--sample-data", "12")
        assert first.exit_code == 0 and "12 rows" in first.output, first.output
        assert journal.rows(BOARD) == 12
        again = run("bootstrap", address)
        assert again.exit_code == 0 and "Nothing to do." in again.output
        doc.delete("Interventions", 3)
        result = run("reconcile")
        assert result.exit_code == 0 and "what was touched: 1 rows, 1 changes" in result.output
        assert "the whole table: 11 rows, 0 changes" in run("reconcile", "--whole").output
        assert run("reconcile", "nothing").exit_code == 1
        monkeypatch.setenv("GRIST_API_KEY", "wrong")
        wrong = run("bootstrap", address)
        assert wrong.exit_code == 1 and "Traceback" not in wrong.output and len(wrong.stderr.splitlines()) == 1


def test_serve_starts_both_and_ends_both(live_server: Callable[..., LiveServer], journal: Journal) -> None:
    server = live_server(command="serve")
    until(lambda: len(journal.living("grist-live:work")) == 1)
    health = requests.get(f"{server.url}/health", timeout=5).json()
    assert health["status"] == "healthy" and health["work"]["processes"] == 1
    [work] = journal.living("grist-live:work")
    os.kill(int(work.rpartition(":")[2]), signal.SIGKILL)
    until(lambda: any(name != work for name in journal.living("grist-live:work")))  # it is started again
    with server.stream() as stream:
        stream.wait(type="hello")
        server.stop()
        stream.wait_end()
    assert server.process and server.process.returncode == 0
    assert journal.living("grist-live:work", within=10**9).keys() <= {work}


def test_a_killed_serve_leaves_nothing_running(live_server: Callable[..., LiveServer], journal: Journal) -> None:
    server = live_server(command="serve")
    until(lambda: len(journal.living("grist-live:work")) == 1)
    assert server.process
    server.process.kill()
    server.process.wait()
    until(lambda: not journal.living("grist-live:work"))

    def refused() -> bool:
        try:
            requests.get(f"{server.url}/livez", timeout=2)
        except requests.ConnectionError:
            return True
        return False

    until(refused)


def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


# ------------------------------------------------------------------------------------------------------------- demo


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[str], str]]]:
    started: list[subprocess.Popen[str]] = []
    readers: list[threading.Thread] = []
    port = free_port()

    def start() -> tuple[subprocess.Popen[str], str]:
        env = {**os.environ, "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
        env = {k: v for k, v in env.items() if not k.startswith(("XDG_", "GRIST_"))}
        command = [sys.executable, "-m", "grist_live", "demo", "--port", str(port)]
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(process)
        assert process.stdout
        for line in process.stdout:
            if "Ctrl-C" in line:
                break
        readers.append(threading.Thread(target=process.stdout.read, daemon=True))
        readers[-1].start()
        return process, f"http://127.0.0.1:{port}"

    yield start
    for process in started:
        process.kill()
        process.wait()
    for reader in readers:
        reader.join(20)
    for process in started:
        assert process.stdout
        process.stdout.close()


def redis_servers(folder: Path) -> list[str]:
    found = subprocess.run(["pgrep", "-af", "redis-server unixsocket"], capture_output=True, text=True).stdout
    return [
        line for line in found.splitlines() if Path(f"/proc/{line.split()[0]}/cwd").resolve().is_relative_to(folder)
    ]


def test_the_demo_lives_and_ctrl_c_ends_everything(demo: Callable[..., Any], tmp_path: Path) -> None:
    process, url = demo()
    # (not at once: a snapshot may be 2 s old, and the demo itself has asked for one)
    until(lambda: requests.get(f"{url}/boards/interventions/snapshot", timeout=5).json()["count"] == 40)
    until(lambda: requests.get(f"{url}/health", timeout=5).json()["boards"]["interventions"]["changes"] > 41)
    assert requests.get(f"{url}/health", timeout=5).json()["boards"]["interventions"]["complete"]
    assert len(requests.get(f"{url}/boards/interventions/stats", timeout=5).json()["counts"]) >= 144
    answer = requests.post(f"{url}/webhook/grist-realtime", json={"id": "test-123", "fields": {}}, timeout=5)
    assert answer.json()["success"]
    anywhere = requests.get(f"{url}/health", headers={"Origin": "https://elsewhere.example"}, timeout=5)
    assert anywhere.headers["Access-Control-Allow-Origin"] in ("*", "https://elsewhere.example")
    assert len(redis_servers(tmp_path)) == 1
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert redis_servers(tmp_path) == []
    process, url = demo()  # the rows are still there
    again = requests.get(f"{url}/boards/interventions/history?limit=1000", timeout=5).json()
    assert len(again["changes"]) > 40
    process.kill()  # not even this leaves anything running
    process.wait()
    until(lambda: redis_servers(tmp_path) == [])


def test_a_port_that_is_taken_is_told(run: Callable[..., Result]) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("demo", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1 and "PORT=" in result.stderr
