"""The demo: the whole system on this machine, with an embedded Redis and field agents that never rest.

The agents stand in for Grist: they post what its webhook posts, through the front door.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import requests
import tomlkit

from grist_live import counts, sample
from grist_live.board import Board, load_preset
from grist_live.embedded import EmbeddedRedis
from grist_live.errors import UserError
from grist_live.journal import Journal, connect
from grist_live.settings import load
from grist_live.supervisor import Supervisor, web_command, work_command

ROWS = 40
PAUSE = (1.0, 4.0)
DAY = 86_400


class DemoError(UserError):
    """The demo can't run; the message says what to do."""


def data_folder() -> Path:
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "grist-live" / "demo"


def run(port: int, echo: Callable[[str], None]) -> int:
    """Run until Ctrl-C; leave nothing running. Raises `DemoError`, `EmbeddedError`."""
    _check_port(port)
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    redis = EmbeddedRedis(folder, folder / "redis.log")
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    supervisor: Supervisor | None = None
    url = f"http://127.0.0.1:{port}"
    agents = Agents(load_preset("interventions"), url)
    try:
        redis.start()
        config = _configuration(folder, port, redis.url)
        env = {"GRIST_LIVE_CONFIG": str(config)}
        supervisor = Supervisor(web_command("127.0.0.1", port, 1), work_command(), env)
        supervisor.start()
        _wait_until_ready(url, supervisor, stop, folder)
        if not stop.is_set():
            agents.begin()
            _complete(Journal(connect(redis.url)), load(config, {})[0].board)
            _welcome(url, echo)
        while not stop.wait(random.uniform(*PAUSE)):
            if supervisor.web and supervisor.web.poll() is not None:
                raise DemoError(f"the web process ended; see {folder}/web.log")
            agents.edit()
    finally:
        agents.close()
        if supervisor:
            supervisor.stop()
        redis.stop()
    echo("Ended; nothing is left running. / Terminé, plus rien ne tourne.")
    return 0


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoError(
                f"port {port} can't be used ({error.strerror}): choose another, e.g. make demo PORT=9000"
            ) from None


def _configuration(folder: Path, port: int, redis_url: str) -> Path:
    """Write the demo's configuration: open to this machine, and to this machine only."""
    settings: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "redis_url": redis_url,
        "cors_origins": ["*"],
        "log_dir": str(folder),
        "log_level": "WARNING",
        "grist_api_key": "",
        "boards": {"interventions": {"preset": "interventions", "doc": "demo", "access": "public", "open": True}},
    }
    path = folder / "grist-live.toml"
    path.write_text("# Written anew at each start of the demo.\n" + tomlkit.dumps(settings), "utf-8")
    return path


def _complete(journal: Journal, board: Board) -> None:
    """Say that the board is the whole table (the agents stand in for Grist), and what it was like since yesterday."""
    if not journal.head(board).complete:
        journal.filled(board)
    if len(journal.stats(board, time.time() - DAY)) < 2:
        now = time.time() // counts.SLOT * counts.SLOT
        _, rows = journal.snapshot(board)
        found_now = counts.count(board, rows.values())
        past = sample.counts_before(found_now, int(DAY / counts.SLOT))
        for back, found in enumerate([found_now, *past]):
            journal.add_stats(board, int(now - back * counts.SLOT), found, 2 * DAY)
    journal.close()


def _wait_until_ready(url: str, supervisor: Supervisor, stop: threading.Event, folder: Path) -> None:
    deadline = time.monotonic() + 30
    while not stop.is_set():
        try:
            if requests.get(f"{url}/readyz", timeout=2).ok:
                return
        except requests.RequestException:
            pass
        if time.monotonic() > deadline or (supervisor.web and supervisor.web.poll() is not None):
            raise DemoError(f"the web process did not start; see {folder}/web.log")
        time.sleep(0.05)


def _welcome(url: str, echo: Callable[[str], None]) -> None:
    echo("")
    echo(f"  grist_live   {url}/")
    echo("               open it in a browser / à ouvrir dans un navigateur")
    echo("")
    echo(f"  stream       curl -N {url}/webhook/sse-stream")
    echo(f"  post         curl -X POST {url}/webhook/grist-realtime -H 'Content-Type: application/json' \\")
    echo('                 -d \'{"id": "test-123", "fields": {"Agent": "Test Agent", "Localisation": "Marseille"}}\'')
    echo(f"  health       curl {url}/webhook/health")
    echo("")
    echo("  Ctrl-C ends everything. / Ctrl-C arrête tout.")


class Agents:
    """Field agents who edit the table: they hold its rows, and post them as Grist's webhook does."""

    def __init__(self, board: Board, url: str, seed: int | None = None) -> None:
        self.board, self.url = board, url
        self.rows: dict[int, dict[str, Any]] = {}
        self._random = random.Random(seed)
        self._session = requests.Session()
        self._session.trust_env = False

    def begin(self) -> None:
        """Take up the rows that the board holds, or enter the first 40."""
        snapshot = self._session.get(f"{self.url}/boards/{self.board.name}/snapshot", timeout=10).json()
        self.rows = {row["id"]: row["fields"] for row in snapshot["rows"]}
        if len(self.rows) < ROWS:
            now = time.time()
            for id, row in enumerate(sample.interventions(ROWS), start=1):
                self.rows[id] = self._fields(row) | {self._id("updated_at"): now - self._random.uniform(60, 20_000)}
            self._post(list(self.rows))

    def edit(self) -> None:
        """Let an agent change a row, and post it."""
        id = self._random.choice(list(self.rows))
        change = sample.edit(self._roles(self.rows[id]), self._random)
        self.rows[id] |= self._fields(change) | {self._id("updated_at"): round(time.time(), 3)}
        self._post([id])

    def close(self) -> None:
        self._session.close()

    def _post(self, ids: list[int]) -> None:
        body = [{"id": id, "manualSort": id, **self.rows[id]} for id in ids]
        try:
            self._session.post(f"{self.url}/webhook/grist-realtime", json=body, timeout=10)
        except requests.RequestException:
            pass  # the server is being restarted by the user; Grist would repeat, an agent edits on

    def _id(self, role: str) -> str:
        column = self.board.column(role)
        assert column is not None
        return column.id

    def _fields(self, row: dict[str, object]) -> dict[str, Any]:
        return {self._id(role): value for role, value in row.items()}

    def _roles(self, fields: dict[str, Any]) -> dict[str, object]:
        return {c.role: fields.get(c.id) for c in self.board.columns if c.role}
