"""Take the pictures of docs/images anew: `make screenshots`.

The server and its Redis are real; the rows are the sample rows, the same each time, and so are the edits.
Needs Chromium.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import requests
import tomlkit
from playwright.sync_api import Page, sync_playwright

from grist_live import sample
from grist_live.board import make_board
from grist_live.embedded import EmbeddedRedis
from grist_live.journal import Journal, connect
from grist_live.supervisor import Supervisor, web_command, work_command

IMAGES = Path(__file__).parent / "images"
# The document is never asked for: there is no API key.
GIVEN = {"preset": "interventions", "access": "public", "open": True, "doc": "sampleDocument"}
BOARD = make_board("interventions", GIVEN)
FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
MINUTE = 60.0
LARGEST = 300_000

# Name, language, theme, width, height.
Theme = Literal["light", "dark"]
SHOTS: list[tuple[str, str, Theme, int, int]] = [
    ("dashboard-light", "en", "light", 1200, 720),
    ("dashboard-light-fr", "fr", "light", 1200, 720),
    ("dashboard-dark", "en", "dark", 1200, 720),
    ("phone", "fr", "light", 390, 780),
]
# Row, what becomes of it (role → value): made while the page is open, so that they flash.
EDITS: list[tuple[int, dict[str, str]]] = [
    (4, {"status": "En cours", "comment": "Arrivé sur place"}),
    (7, {"priority": "Urgente", "comment": "Réseau à couper"}),
]


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run grist_live on a free port, with the sample rows."""
    redis = EmbeddedRedis(folder / "redis", folder / "redis.log")
    redis.start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "port": port,
        "redis_url": redis.url,
        "log_dir": str(folder),
        "log_level": "ERROR",
        "boards": {BOARD.name: GIVEN},
    }
    config = folder / "grist-live.toml"
    config.write_text(tomlkit.dumps(settings), "utf-8")
    env = {"GRIST_LIVE_CONFIG": str(config), "GRIST_API_KEY": "", "HOME": str(folder)}
    supervisor = Supervisor(web_command("127.0.0.1", port, 1), work_command(), env)
    supervisor.start()
    url = f"http://127.0.0.1:{port}"
    try:
        wait_ready(url)
        fill(url)
        # As after a reconcile: the pictures show a board that knows its whole table.
        Journal(connect(redis.url)).filled(BOARD)
        yield url
    finally:
        supervisor.stop()
        redis.stop()


def wait_ready(url: str) -> None:
    for _ in range(200):
        try:
            if requests.get(f"{url}/readyz", timeout=2).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def fill(url: str) -> None:
    now = time.time()
    rows = enumerate(sample.interventions(40), start=1)
    post(url, [{"id": id, **fields(row, now - (3 + 7.3 * id) * MINUTE)} for id, row in rows])


def edit(url: str) -> None:
    post(url, [{"id": id, **fields(changes, time.time())} for id, changes in EDITS])


def fields(row: Any, updated_at: float) -> dict[str, Any]:
    """Translate role → value into column id → value."""
    columns = {column.role: column.id for column in BOARD.columns}
    return {columns[role]: value for role, value in (row | {"updated_at": updated_at}).items()}


def post(url: str, records: list[dict[str, Any]]) -> None:
    requests.post(f"{url}/webhook/{BOARD.name}", json=records, timeout=10).raise_for_status()


def shoot(page: Page, url: str, name: str) -> None:
    page.goto(url)
    page.wait_for_selector('body[data-link="live"]')
    page.wait_for_selector("[data-row]")
    edit(url)
    page.wait_for_selector(".toast")
    page.wait_for_timeout(400)  # the flash is at its brightest, the toast has come in
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    print(f"{path.relative_to(IMAGES.parent.parent)}: {path.stat().st_size // 1000} kB")
    if path.stat().st_size > LARGEST:
        raise SystemExit(f"{path} is above {LARGEST} bytes")


def main() -> None:
    chromium = shutil.which("chromium") or sys.exit("there is no chromium: apt-get install chromium")
    IMAGES.mkdir(exist_ok=True)
    wanted = sys.argv[1:]
    os.environ["TZ"] = "Europe/Paris"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for name, language, theme, width, height in SHOTS:
            if wanted and name not in wanted:
                continue
            with tempfile.TemporaryDirectory(prefix="grist-live-") as folder, server(Path(folder)) as url:
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=theme,
                    locale={"en": "en-GB", "fr": "fr-FR"}[language],
                    timezone_id="Europe/Paris",
                    device_scale_factor=2 if width < 500 else 1,
                )
                shoot(context.new_page(), url, name)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
