"""Measure how fast and how completely edits arrive: `python -m bench.live_source [--seconds 30] [--edits 60]`.

Against the Grist server that GRIST_URL and GRIST_API_KEY name (it must be allowed to send webhooks to 127.0.0.1), else
against the stand-in of the tests; the page that is written says which.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

from bench.report import Report
from bench.servers import MissingError, free_port, redis_executable

RESULTS = Path(__file__).parent / "live_source.md"
TABLE, COLUMN = "Interventions", "Commentaire"
ROWS = 200
BULK = 100
BULK_EVERY = 25
"""Among so many single edits one bulk edit."""


class Grist:
    """A server, and one document on it that is ours."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {key}"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(method, f"{self.url}/api{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def new_document(self) -> str:
        for org in self.ask("GET", "/orgs"):
            for workspace in self.ask("GET", f"/orgs/{org['id']}/workspaces"):
                if workspace.get("access") in ("owners", "editors"):
                    made = self.ask("POST", f"/workspaces/{workspace['id']}/docs", {"name": "grist_live benchmark"})
                    return str(made)
        raise MissingError("a workspace in which this key may make documents")

    def edit(self, doc: str, *rows: tuple[int, str]) -> None:
        records = [{"id": row, "fields": {COLUMN: value}} for row, value in rows]
        self.ask("PATCH", f"/docs/{doc}/tables/{TABLE}/records", {"records": records})

    def values(self, doc: str) -> dict[int, Any]:
        found = self.ask("GET", f"/docs/{doc}/tables/{TABLE}/records")["records"]
        return {record["id"]: record["fields"][COLUMN] for record in found}


@contextlib.contextmanager
def chosen_grist() -> Iterator[tuple[Grist, Callable[[], str], str]]:
    """Yield a server, what makes a document on it, and the server's name for the page.

    Each source has a document of its own: a webhook whose receiver is gone would hold up its document.
    """
    url, key = os.environ.get("GRIST_URL", "").rstrip("/"), os.environ.get("GRIST_API_KEY", "")
    if url and key:
        grist, made = Grist(url, key), []

        def new_document() -> str:
            made.append(grist.new_document())
            return made[-1]

        try:
            yield grist, new_document, "a real Grist server"
        finally:
            for doc in made:
                grist.ask("DELETE", f"/docs/{doc}")
        return
    from tests.standin_grist import OWNER, StandinGrist

    with StandinGrist(wait=1.0) as standin:  # as long as Grist waits, by default, before it sends a webhook
        name = "the tests' stand-in for Grist, not a real server"
        yield Grist(standin.url, OWNER), lambda: standin.add_document().id, name


class Live:
    """grist_live, set up for the document by its own commands, with a Redis of its own."""

    def __init__(self, folder: Path, grist: Grist, doc: str, source: str) -> None:
        self.port, redis_port = free_port(), free_port()
        self.url = f"http://localhost:{self.port}"
        self.config = folder / f"{source}.toml"
        self.config.write_text(
            f'host = "127.0.0.1"\nport = {self.port}\nredis_url = "redis://127.0.0.1:{redis_port}/0"\n'
            f'log_dir = "{folder}"\n[boards.interventions]\npreset = "interventions"\naccess = "public"\n'
            f'source = "{source}"\n'
        )
        self._env = {**os.environ, "GRIST_LIVE_CONFIG": str(self.config), "GRIST_API_KEY": grist.key}
        redis = [redis_executable(), "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        self._log = (folder / f"{source}.log").open("wb")
        self._started = [subprocess.Popen(redis, stdout=subprocess.DEVNULL)]
        self._run("bootstrap", doc, "--server", grist.url, "--sample-data", str(ROWS))
        serve = [sys.executable, "-m", "grist_live", "serve"]
        self._started.append(
            subprocess.Popen(serve, env=self._env, stdout=self._log, stderr=self._log, start_new_session=True)
        )
        self._ready("watch" if source != "webhook" else "webhook")

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "grist_live", *arguments], env=self._env, capture_output=True, text=True, timeout=120
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")

    def _ready(self, kind: str) -> None:
        for _ in range(200):
            with contextlib.suppress(requests.RequestException):
                board = requests.get(f"{self.url}/health", timeout=5).json()["boards"]["interventions"]
                if board["complete"] and board["source"]["kind"] == kind:
                    return
            time.sleep(0.1)
        raise RuntimeError(f"the board is not complete, with source {kind}, after 20 s")

    def snapshot(self) -> dict[int, Any]:
        answer = requests.get(f"{self.url}/boards/interventions/snapshot", timeout=20).json()
        return {row["id"]: row["fields"][COLUMN] for row in answer["rows"]}

    def close(self) -> None:
        for process in reversed(self._started):
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        self._log.close()


class Viewer:
    """One open stream; `came` has the time at which each value arrived."""

    def __init__(self, url: str) -> None:
        self.came: dict[str, float] = {}
        self.changes = 0
        self.resets = 0
        self.news: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._answer = requests.get(f"{url}/boards/interventions/stream", stream=True, timeout=(5, 60))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        kind = ""
        with contextlib.suppress(requests.RequestException, AttributeError):
            for line in self._answer.iter_lines(chunk_size=1):
                if line.startswith(b"event:"):
                    kind = line[6:].strip().decode()
                    self.resets += kind == "reset"
                elif line.startswith(b"data:") and not kind:
                    value = json.loads(line[5:])["fields"].get(COLUMN)
                    self.changes += 1
                    if value:
                        self.came.setdefault(value, time.perf_counter())
                        self.news.put(value)
                elif not line:
                    kind = ""

    def wait(self, value: str, seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        while value not in self.came:
            with contextlib.suppress(queue.Empty):
                self.news.get(timeout=max(0.0, min(0.5, end - time.monotonic())))
            if time.monotonic() > end:
                raise TimeoutError(f"{value} did not come within {seconds} s")

    def close(self) -> None:
        self._answer.close()


def latencies(grist: Grist, doc: str, live: Live, edits: int) -> list[float]:
    """Edit one row after another, at random moments; return the milliseconds from each request to its event."""
    viewer, found = Viewer(live.url), []
    time.sleep(0.5)
    for n in range(edits):
        time.sleep(random.uniform(0.0, 1.0))  # Grist sends webhooks once a second: not in step with it
        value, sent = f"{live.port}-{n}", time.perf_counter()
        grist.edit(doc, (n % ROWS + 1, value))
        viewer.wait(value)
        found.append((viewer.came[value] - sent) * 1000)
    viewer.close()
    return found


def flood(grist: Grist, doc: str, live: Live, seconds: float) -> dict[str, Any]:
    """Edit as fast as Grist takes it, now and then 100 rows at once; look for what is lost or doubled."""
    viewer = Viewer(live.url)
    time.sleep(0.5)
    sent: list[str] = []
    began, last = time.perf_counter(), ""
    while time.perf_counter() - began < seconds:
        n = len(sent)
        if n % BULK_EVERY == BULK_EVERY - 1:
            rows = [(row, f"bulk {n} {row}") for row in range(1, BULK + 1)]
        else:
            rows = [(n % ROWS + 1, f"single {n}")]
        grist.edit(doc, *rows)
        last = rows[-1][1]
        sent.append(last)
    took = time.perf_counter() - began
    viewer.wait(last)
    time.sleep(0.5)
    expected = sum(BULK if value.startswith("bulk") else 1 for value in sent)
    viewer.close()
    return {
        "per_second": len(sent) / took,
        "lost": expected - viewer.changes if viewer.changes < expected else 0,
        "doubled": viewer.changes - expected if viewer.changes > expected else 0,
        "expected": expected,
        "resets": viewer.resets,
        "equal": live.snapshot() == grist.values(doc),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.live_source", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of editing as fast as Grist takes it")
    parser.add_argument("--edits", type=int, default=60, help="whose latency is measured, per source")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the page is written; - for nowhere")
    options = parser.parse_args()
    report, rows = Report(), []
    with tempfile.TemporaryDirectory(prefix="grist-live-bench-") as folder, chosen_grist() as (grist, new, name):
        print(f"Against {name}", flush=True)
        for source in ("webhook", "watch", "both"):
            doc = new()
            live = Live(Path(folder), grist, doc, source)
            try:
                found = latencies(grist, doc, live, options.edits)
                median, p95 = statistics.median(found), statistics.quantiles(found, n=20)[-1]
                rows.append([source, f"{median:.1f}", f"{p95:.1f}", f"{max(found):.1f}"])
                most = 50 if source != "webhook" else None
                report.number(f"edit sent → viewer has it, {source}: median", median, "ms", most=most, digits=1)
                if source == "watch":
                    result = flood(grist, doc, live, options.seconds)
                    report.number("edits per second that Grist took", result["per_second"], "/s")
                    report.number(f"changes lost, of {result['expected']:,}", result["lost"], "", most=0)
                    report.number("changes doubled", result["doubled"], "", most=0)
                    report.number("resets", result["resets"], "", most=0)
                    report.number("snapshot equals the table", result["equal"], "(1: yes)", least=1)
            finally:
                live.close()
    report.table("Edit sent → viewer's event", ["source", "median ms", "p95 ms", "longest ms"], rows)
    report.note(f"Measured against {name}.")
    text = report.markdown("python -m bench.live_source", {})
    if options.out != Path("-"):
        options.out.write_text(text, "utf-8")
    return 0 if all(line.met is not False for line in report.lines) else 1


if __name__ == "__main__":
    sys.exit(main())
