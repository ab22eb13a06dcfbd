"""Measure the dashboard in Chromium against its budgets: `python -m bench.dashboard [--rounds N] [--out FILE]`.

The server, its Redis and the browser are real, all on this machine; rows go in by the webhook's door.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

import build
from bench.report import Report, median
from bench.servers import GristLive, MissingError
from grist_live import sample

RESULTS = Path(__file__).parent / "dashboard.md"
FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
ROWS = 5000
COLUMNS = {
    "title": "ID2", "assignee": "Agent", "place": "Localisation", "kind": "Type", "status": "Statut",
    "priority": "Priorite", "comment": "Commentaire", "latitude": "Latitude", "longitude": "Longitude",
}  # fmt: skip

# Before the page's own scripts: which tasks are long.
LONG = """(() => {
  const seen = window.__seen = {first: 0, long: [], marks: []};
  new PerformanceObserver((list) => { for (const one of list.getEntries()) seen.long.push(one.duration); })
    .observe({type: 'longtask'});
})()"""

# When rows are first painted, and when a mark is; its own work would count where that of a change is measured.
PAINTED = """(() => {
  const seen = window.__seen;
  let last = '';
  new MutationObserver(() => {
    if (!seen.first && document.querySelector('[data-row]')) {
      const {port1, port2} = new MessageChannel(); // we are in the frame that draws them: the next task is after it
      port1.onmessage = () => { seen.first = performance.now(); };
      port2.postMessage(0);
    }
    const mark = document.querySelector('[data-row="1"] .comment')?.textContent.match(/mark (\\d+\\.\\d+)/)?.[1];
    if (!mark || mark === last) return;
    last = mark;
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => seen.marks.push(performance.timeOrigin + performance.now() - Number(mark));
    port2.postMessage(0);
  }).observe(document, {subtree: true, childList: true, characterData: true});
})()"""


def main(arguments: list[str] | None = None) -> int:
    options = read_options(arguments)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        print("missing: Chromium (apt-get install chromium)", file=sys.stderr)
        return 1
    build.build()
    report = Report()
    load = os.getloadavg()[0]
    if load > 0.5:
        report.note(f"the machine was busy with other things (load average {load:.1f}): times are longer than they are")
    with tempfile.TemporaryDirectory(prefix="grist-live-bench-") as folder, sync_playwright() as playwright:
        server = GristLive(Path(folder))
        try:
            server.start()
            fill(server)
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            measure(browser, server, report, options.rounds)
            version = browser.version
            browser.close()
        except MissingError as error:
            print(f"missing: {error}", file=sys.stderr)
            return 1
        finally:
            server.stop()
    text = report.markdown("python -m bench.dashboard", {"Chromium": version, "rows": f"{ROWS:,}"})
    text = text.replace("# Results of the benchmark", "# The dashboard in the browser", 1)
    print(f"\n{text}")
    if options.out != Path("-"):
        options.out.write_text(text, "utf-8")
    return 0


def measure(browser: Browser, server: GristLive, report: Report, rounds: int) -> None:
    size(report)
    first_paint(browser, server, report, rounds)
    for view in ("list", "kanban", "timeline"):
        one_change(browser, server, report, view)
    for view in ("list", "kanban", "timeline"):
        many_changes(browser, server, report, view)
    memory(browser, server, report)
    latency(browser, server, report)


def size(report: Report) -> None:
    page = (build.STATIC / "widgets" / "dashboard.html").read_bytes()
    report.number("the file, gzipped", len(gzip.compress(page, 9)) / 1000, "kB", most=120)


def first_paint(browser: Browser, server: GristLive, report: Report, rounds: int) -> None:
    """From the moment at which the snapshot has come to the one at which its rows are on the screen."""
    found = []
    for _ in range(max(5, rounds)):
        with opened(browser, server, "show=all", PAINTED) as page:
            came = "performance.getEntriesByType('resource').find(e => /snapshot/.test(e.name)).responseEnd"
            painted, came = page.evaluate(f"[__seen.first, {came}]")
            found.append(painted - came)
    report.number(f"{ROWS:,} rows: first paint after the data came", median(found), "ms", most=150)


def one_change(browser: Browser, server: GristLive, report: Report, view: str) -> None:
    """Main-thread work of one change: script, style and layout; and all of it, less what a pause of that length costs.

    Four in five change a row that is in sight, in its place; one brings such a row to the top. Between two there is
    time for all that the last one began, and no toast of it ends while the next one is measured.
    """
    with opened(browser, server, f"show=all&view={view}") as page:
        cdp = metrics_of(page)
        page.wait_for_timeout(1500)
        seen = page.evaluate("[...document.querySelectorAll('[data-row]')].map(row => Number(row.dataset.row))")
        seen = seen or list(range(1, ROWS))  # the timeline tells of any
        work: dict[str, list[float]] = {"idle": [], "all": [], "parts": []}
        for n in range(30):
            page.wait_for_timeout(2000)
            idle = work_ms(cdp)
            page.wait_for_timeout(100)
            before = work_ms(cdp)
            moved = {"Derniere_MAJ": time.time()} if n % 5 == 4 else {}
            post(server, {"id": seen[2 + n % 10], "Commentaire": f"note {n} {time.time_ns()}", **moved})
            page.wait_for_timeout(100)
            after = work_ms(cdp)
            work["idle"].append(before[0] - idle[0])
            work["all"].append(after[0] - before[0])
            work["parts"].append(after[1] - before[1])
        name = f"one change ({view})"
        spent = median(work["all"]) - median(work["idle"])
        report.number(f"{name}: script, style, layout", median(work["parts"]), "ms", most=4, digits=1)
        report.number(f"{name}: all of the main thread", max(0.0, spent), "ms", digits=1)


def many_changes(browser: Browser, server: GristLive, report: Report, view: str) -> None:
    """200 changes a second for ten seconds."""
    with opened(browser, server, f"show=all&view={view}") as page:
        page.wait_for_timeout(1500)
        page.evaluate("__seen.long.length = 0")
        cdp = metrics_of(page)
        before = task_ms(cdp)
        storm(server, seconds=10, rate=200)
        page.wait_for_timeout(500)
        long = page.evaluate("__seen.long")
        report.number(f"200 changes/s for 10 s ({view}): tasks above 50 ms", len(long), "", most=0)
        report.number(f"200 changes/s ({view}): main thread busy", (task_ms(cdp) - before) / 100, "%")
        if long:
            report.note(f"{view}: the longest task lasted {max(long):.0f} ms")


def memory(browser: Browser, server: GristLive, report: Report) -> None:
    """Heap after a forced collection. The first 5,000 changes fill what is kept on purpose: the timeline's log, and in
    each row a longer comment."""
    with opened(browser, server, "show=all") as page:
        cdp = metrics_of(page)
        storm(server, seconds=5, rate=1000)
        page.wait_for_timeout(8000)
        start = heap(page, cdp)
        storm(server, seconds=20, rate=1000)
        page.wait_for_timeout(8000)
        end = heap(page, cdp)
        report.number("heap after 20,000 changes, against before", end["heap"] / start["heap"] * 100, "%", most=105)
        report.number("nodes after 20,000 changes, against before", end["nodes"] / start["nodes"] * 100, "%", most=110)
        told = [f"{one['heap'] / 1e6:.2f} MB and {one['nodes']:.0f} nodes" for one in (start, end)]
        report.note(f"before 20,000 changes {told[0]}, after them {told[1]}")


def latency(browser: Browser, server: GristLive, report: Report) -> None:
    """From the POST of the webhook to the painted row."""
    with opened(browser, server, "q=INT-0001", PAINTED) as page:
        page.wait_for_timeout(1500)
        for _ in range(60):
            post(server, {"id": 1, "Commentaire": f"mark {time.time() * 1000:.3f}"})
            page.wait_for_timeout(100)
        found = page.evaluate("__seen.marks")
        report.number("webhook → painted row, median", median(found), "ms", most=60, digits=1)
        report.number(
            "webhook → painted row, 95th percentile", sorted(found)[int(len(found) * 0.95) - 1], "ms", digits=1
        )
        if len(found) < 55:
            report.note(f"only {len(found)} of 60 marks were painted each")


class opened:
    """A dashboard of its own, live, with its rows painted."""

    def __init__(self, browser: Browser, server: GristLive, query: str, *witnesses: str) -> None:
        self._context = browser.new_context(viewport={"width": 1400, "height": 850}, locale="fr-FR")
        for script in (LONG, *witnesses):
            self._context.add_init_script(script)
        self._url = f"{server.url}/boards/interventions?{query}"

    def __enter__(self) -> Page:
        page = self._context.new_page()
        page.goto(self._url)
        page.locator('body[data-link="live"]').wait_for(timeout=30_000)
        page.locator("[data-row], .change").first.wait_for(timeout=30_000)
        page.wait_for_timeout(300)
        return page

    def __exit__(self, *_: object) -> None:
        self._context.close()


def metrics_of(page: Page) -> CDPSession:
    cdp = page.context.new_cdp_session(page)
    # CPU time of the thread: what other programs do on this machine doesn't count.
    cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
    return cdp


def metric(cdp: CDPSession, name: str) -> float:
    found = cdp.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in found if one["name"] == name))


def task_ms(cdp: CDPSession) -> float:
    return metric(cdp, "TaskDuration") * 1000


def work_ms(cdp: CDPSession) -> tuple[float, float]:
    """All tasks of the main thread, and their script, style and layout."""
    found = {one["name"]: one["value"] * 1000 for one in cdp.send("Performance.getMetrics")["metrics"]}
    return found["TaskDuration"], sum(found[f"{part}Duration"] for part in ("Script", "RecalcStyle", "Layout"))


def heap(page: Page, cdp: CDPSession) -> dict[str, float]:
    for _ in range(3):
        cdp.send("HeapProfiler.collectGarbage")
        page.wait_for_timeout(200)
    return {"heap": metric(cdp, "JSHeapUsedSize"), "nodes": metric(cdp, "Nodes")}


def fill(server: GristLive) -> None:
    rows = [
        {"id": id, "Derniere_MAJ": 1_795_000_000 + id, **{COLUMNS[role]: value for role, value in row.items()}}
        for id, row in enumerate(sample.interventions(ROWS), start=1)
    ]
    for start in range(0, ROWS, 1000):
        post(server, *rows[start : start + 1000])


def change(n: int) -> dict[str, Any]:
    """The n-th change: a status, a remark, the time; four in five leave the row where it stands."""
    status = sample.STATUSES[n % 4] if n % 5 == 0 else "En cours"
    return {
        "id": 1 + (n * 37) % ROWS,
        "Statut": status,
        "Commentaire": f"note {n} {time.time_ns()}",
        "Derniere_MAJ": time.time(),
    }


def storm(server: GristLive, seconds: float, rate: int) -> None:
    """Post changes at a rate, in a thread of its own, twenty times a second."""

    def run() -> None:
        began, n = time.monotonic(), 0
        for step in range(int(seconds * 20)):
            time.sleep(max(0.0, began + step / 20 - time.monotonic()))
            size = rate // 20
            post(server, *(change(n + i) for i in range(size)))
            n += size

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(seconds * 10)


def post(server: GristLive, *records: dict[str, Any]) -> None:
    server.post(json.dumps(records))


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard", description="Measure the dashboard in Chromium.")
    parser.add_argument("--rounds", type=int, default=7, help="how often a page is loaded (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results are written; - for nowhere")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
