"""Measure alerts: `python -m bench.alerts [--changes 1000] [--per-second 5] [--rounds 100] [--out FILE]`.

A real Synapse, a real Redis and the real program, all on this machine:

1. latency: one urgent webhook after the other; from its sending to the message's acceptance by Synapse;
2. flood: so many urgent changes at once while Synapse limits the account; is any lost or doubled, is the limit
   respected, and do viewers notice?
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import redis
import requests

from bench.report import machine
from grist_live.board import load_preset
from grist_live.journal import Keys
from tests.live_server import LiveServer
from tests.redis_server import RedisServer, executables
from tests.synapse_server import SynapseServer

RESULTS = Path(__file__).parent / "alerts.md"
BURST = 10
VIEWERS = 20
RULE = {"name": "urgent", "when": "becomes urgent", "do": {"outlet": "tchap"}}


class Lab:
    """Synapse, Redis and `serve`; the bot is in the supervisor's room."""

    def __init__(self, folder: Path, stack: ExitStack, per_second: float, burst: int) -> None:
        synapse = SynapseServer(folder / "synapse", per_second, burst)
        stack.callback(synapse.stop)
        synapse.start()
        bot, self.supervisor = synapse.register("bot"), synapse.register("supervisor", admin=True)
        self.room = self.supervisor.create_room(bot)
        server = RedisServer(executables()[0], folder / "redis").start()
        stack.callback(server.kill)
        outlet = {"url": synapse.url, "token": bot.token, "room": self.room}
        settings = {"board": {"rules": [RULE], "compat": False}, "outlets": {"tchap": outlet}, "log_level": "WARNING"}
        self.program = LiveServer(server.url, folder, "serve", dict(settings))
        stack.callback(self.program.stop)
        self.program.start()
        self.redis = redis.Redis.from_url(server.url)
        stack.callback(self.redis.close)
        self.http = requests.Session()
        stack.callback(self.http.close)
        self._counts = Keys(load_preset("interventions").name).jobs + "counts:tchap"
        wait(lambda: self.redis.exists(Keys("interventions").rules + "state"))
        self.post([{"id": 999_999, "Priorite": "Urgente"}])
        wait(lambda: self.sent() == 1)

    def sent(self) -> int:
        return int(self.redis.hget(self._counts, "sent") or 0)

    def failed(self) -> int:
        return int(self.redis.hget(self._counts, "failed") or 0)

    def post(self, records: Sequence[dict[str, Any]]) -> None:
        url = f"{self.program.url}/webhook/grist-realtime"
        self.http.post(url, json=list(records), timeout=30).raise_for_status()


class Viewer:
    """A viewer that notes when each mark arrives."""

    def __init__(self, url: str) -> None:
        self._answer = requests.get(f"{url}/boards/interventions/stream", stream=True, timeout=60)
        self.arrived: dict[str, float] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        rest = b""
        with suppress(Exception):
            while part := self._answer.raw.read1(65_536):
                now = time.perf_counter()
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    if b'"mark ' in line:
                        self.arrived[json.loads(line[5:])["fields"]["Commentaire"]] = now


def wait(condition: Any, seconds: float = 60, every: float = 0.001) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("it took too long")
        time.sleep(every)


def quantile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def ms(values: Sequence[float]) -> str:
    return f"{statistics.median(values) * 1000:.1f} / {quantile(values, 0.95) * 1000:.1f} ms"


def latency(lab: Lab, rounds: int) -> list[float]:
    """Return the seconds from each webhook's sending to its message's acceptance."""
    found = []
    for row in range(1, rounds + 1):
        before = lab.sent()
        began = time.perf_counter()
        lab.post([{"id": row, "Priorite": "Urgente", "ID2": f"INT-{row}"}])
        wait(lambda before=before: lab.sent() > before)
        found.append(time.perf_counter() - began)
        time.sleep(0.05)
    return found


def viewing(lab: Lab, viewers: Sequence[Viewer], name: str, seconds: float, until: Any = lambda: False) -> list[float]:
    """Change a row five times a second; return the seconds until each viewer saw each change."""
    sent: dict[str, float] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        mark = f"mark {name} {len(sent)}"
        sent[mark] = time.perf_counter()
        lab.post([{"id": 500_000, "Commentaire": mark}])
        time.sleep(0.2)
    wait(lambda: all(len(v.arrived.keys() & sent.keys()) == len(sent) for v in viewers), 10)
    return [viewer.arrived[mark] - at for viewer in viewers for mark, at in sent.items()]


def flood(lab: Lab, changes: int, per_second: float) -> Iterator[tuple[str, str]]:
    """Post so many urgent changes at once, and look at what becomes of them."""
    viewers = [Viewer(lab.program.url) for _ in range(VIEWERS)]
    time.sleep(1)
    quiet = viewing(lab, viewers, "quiet", 10)
    began = time.monotonic()
    for start in range(1, changes + 1, 100):
        rows = range(start, min(start + 100, changes + 1))
        lab.post([{"id": 1_000_000 + n, "ID2": f"F-{n}", "Priorite": "Urgente"} for n in rows])
    limit = changes / per_second * 1.5 + 60
    busy = viewing(lab, viewers, "busy", limit, lambda: lab.sent() >= changes + 1)
    took = time.monotonic() - began
    messages = [m for m in lab.supervisor.messages(lab.room) if " — F-" in m["content"]["body"]]
    titles = [m["content"]["body"].split("\n")[0].partition(" — ")[2] for m in messages]
    wanted = [f"F-{n}" for n in range(1, changes + 1)]
    times = [m["origin_server_ts"] / 1000 for m in messages]
    yield "urgent changes at once", f"{changes}"
    yield "messages in the room", f"{len(titles)}"
    yield "lost / doubled", f"{len(set(wanted) - set(titles))} / {len(titles) - len(set(titles))}"
    yield "in the order of the changes", "yes" if titles == wanted else "no"
    yield "Synapse's limit", f"{per_second:g} messages/s after {BURST}"
    yield "most messages within 10 s", f"{most_within(times, 10)} (the limit allows {10 * per_second + BURST:g})"
    yield "all accepted after", f"{took:.1f} s (the limit allows {max(0, changes - BURST) / per_second:.1f} s)"
    yield "tries that failed (refusals by the limit are none)", f"{lab.failed()}"
    yield f"{VIEWERS} viewers, change → seen, before (median / p95)", ms(quiet)
    yield f"{VIEWERS} viewers, change → seen, meanwhile (median / p95)", ms(busy)


def most_within(times: Sequence[float], seconds: float) -> int:
    ordered, first, most = sorted(times), 0, 0
    for last, at in enumerate(ordered):
        while ordered[first] < at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


@contextmanager
def lab(per_second: float, burst: int) -> Iterator[Lab]:
    """Start everything, and end it whatever happens."""
    with tempfile.TemporaryDirectory(prefix="grist-live-bench-") as folder, ExitStack() as stack:
        yield Lab(Path(folder), stack, per_second, burst)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.alerts", description="Measure alerts with a real Synapse.")
    parser.add_argument("--changes", type=int, default=1000, help="urgent changes at once (1000)")
    parser.add_argument("--per-second", type=float, default=5, help="messages that Synapse allows (5)")
    parser.add_argument("--rounds", type=int, default=100, help="urgent webhooks one after the other (100)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results are written; - for nowhere")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rows: list[tuple[str, str]] = []
    with lab(1000, 1000) as free:
        found = latency(free, options.rounds)
        rows.append(("urgent webhook → accepted by Synapse (median / p95)", f"{ms(found)} ({len(found)} times)"))
    with lab(options.per_second, BURST) as limited:
        rows += flood(limited, options.changes, options.per_second)
    command = " ".join(["python -m bench.alerts", *(sys.argv[1:] if arguments is None else arguments)])
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    text = f"# Alerts, measured\n\n`{command}`\n\n| | |\n|---|---|\n{table}\n\n{machine()}\n"
    print(text)
    if options.out != Path("-"):
        options.out.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
