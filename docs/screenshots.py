"""Take the pictures of docs/images anew: `make screenshots`.

The server and its Redis are real; the rows are the sample rows, the same each time, and so are the edits.
Needs Chromium.
"""

from __future__ import annotations

import json
import os
import random
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

# Name, language, theme, width, height, what of the page (its address), what to do there.
Theme = Literal["light", "dark"]
SHOTS: list[tuple[str, str, Theme, int, int, str, str]] = [
    ("dashboard-light", "en", "light", 1280, 760, "", ""),
    ("dashboard-light-fr", "fr", "light", 1280, 760, "", ""),
    ("dashboard-dark", "en", "dark", 1280, 760, "", "open"),
    ("kanban", "en", "light", 1280, 760, "?view=kanban&show=all", ""),
    ("kanban-fr", "fr", "light", 1280, 760, "?view=kanban&show=all", ""),
    ("timeline", "en", "light", 1280, 760, "?view=timeline", ""),
    ("timeline-fr", "fr", "light", 1280, 760, "?view=timeline", ""),
    ("detail", "en", "light", 1280, 760, "", "open"),
    ("detail-fr", "fr", "light", 1280, 760, "", "open"),
    ("filters-fr", "fr", "light", 1280, 760, "?kind=Voirie&kind=Signalisation", "filters"),
    ("filters", "en", "light", 1280, 760, "?kind=Voirie&kind=Signalisation", "filters"),
    ("phone", "fr", "light", 390, 780, "", ""),
    ("phone-dark", "en", "dark", 390, 780, "", "open"),
]
# Row, what becomes of it (role → value): made while the page is open, so that they flash.
EDITS: list[tuple[int, dict[str, str]]] = [
    (4, {"status": "En cours", "comment": "Arrivé sur place"}),
    (7, {"priority": "Urgente", "status": "En attente", "comment": "Réseau à couper"}),
]
# Made before, so that there is something to tell.
EARLIER: list[tuple[int, dict[str, str]]] = [
    (13, {"status": "En cours", "comment": "Équipe partie"}),
    (9, {"priority": "Haute"}),
    (17, {"status": "Bloqué", "comment": "Accès impossible, propriétaire absent"}),
    (20, {"assignee": "Moussa Diarra", "comment": "Balisage posé"}),
    (7, {"status": "En cours", "assignee": "Inès Kerbrat"}),
    (7, {"comment": "Panneau arraché par le vent"}),
]
OPENED = 7


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
        journal = Journal(connect(redis.url))
        # As after a reconcile: the pictures show a board that knows its whole table.
        journal.filled(BOARD)
        remember(journal)
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
    for number, (id, changes) in enumerate(EARLIER):
        post(url, [{"id": id, **fields(changes, now - (40 - 6 * number) * MINUTE)}])


def edit(url: str) -> None:
    url = url.partition("/?")[0].rstrip("/")
    post(url, [{"id": id, **fields(changes, time.time())} for id, changes in EDITS])


def remember(journal: Journal) -> None:
    """Give the counts a yesterday, as a server that has run for a day has it."""
    now, chance = time.time(), random.Random(7)
    journal.redis.delete(journal.keys(BOARD).stats)  # of the moment at which the rows came in
    counts = {"En attente": 9, "En cours": 6, "Terminé": 4, "Bloqué": 2}
    for step in range(144, 0, -1):
        drift = {"En attente": 18, "En cours": 9, "Terminé": 11, "Bloqué": 5}
        counts = {s: max(0, n + chance.choice((-1, 0, 0, 1)) + (drift[s] > n)) for s, n in counts.items()}
        at = now - 600 * step
        journal.redis.zadd(journal.keys(BOARD).stats, {json.dumps({"at": at, "counts": counts}): at})


def fields(row: Any, updated_at: float) -> dict[str, Any]:
    """Translate role → value into column id → value."""
    columns = {column.role: column.id for column in BOARD.columns}
    return {columns[role]: value for role, value in (row | {"updated_at": updated_at}).items()}


def post(url: str, records: list[dict[str, Any]]) -> None:
    requests.post(f"{url}/webhook/{BOARD.name}", json=records, timeout=10).raise_for_status()


def shoot(page: Page, url: str, name: str, act: str) -> None:
    page.goto(url)
    page.locator('body[data-link="live"]').wait_for()
    page.locator("[data-row], .change").first.wait_for()
    if "kind=" not in url:  # the curves tell of the whole board
        page.locator(".spark").first.wait_for(state="attached")
    edit(url)
    page.locator('.alert, .alert-more, [role="status"]:not(:empty)').first.wait_for(state="attached")
    if act == "open":
        page.locator(f'[data-open="{OPENED}"]').click()
        page.locator(".detail .change").nth(2).wait_for()
        page.mouse.move(0, 0)
    elif act:
        page.locator(f'[data-action="{act}"]').click()
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
        for name, language, theme, width, height, query, act in SHOTS:
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
                shoot(context.new_page(), url + "/" + query, name, act)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
