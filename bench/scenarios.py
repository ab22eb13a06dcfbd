"""What is measured, and the targets. Each scenario starts its servers, and ends them."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from bench.report import Report, median
from bench.servers import FlaskSse, GristLive, MissingError, Nchan, Server, Starlette, finish

KINDS: dict[str, type[Server]] = {kind.name: kind for kind in (GristLive, Nchan, FlaskSse, Starlette)}
Load = dict[str, Any]


@dataclass
class Run:
    """One run of the benchmark: how long, where, and what came out."""

    folder: Path
    report: Report
    rounds: int = 3
    seconds: float = 4
    quick: bool = False
    full: bool = False
    made: int = 0

    @contextlib.contextmanager
    def servers(self, *makes: Callable[[Path], Server]) -> Iterator[list[Server]]:
        """Start servers, and end them whatever happens; those that can't be had are left out with a note."""
        started: list[Server] = []
        with contextlib.ExitStack() as stack:
            for make in makes:
                self.made += 1
                server = make(self.folder / f"{self.made}")
                stack.callback(server.stop)
                try:
                    server.start()
                except MissingError as error:
                    self.report.note(f"{server.name} is left out; missing: {error}")
                    continue
                started.append(server)
            yield started

    def alternate(self, servers: list[Server], measure: Callable[[Server], Load]) -> dict[str, list[Load]]:
        """Measure all servers in turn, several times, every second time in the opposite order."""
        found: dict[str, list[Load]] = {server.name: [] for server in servers}
        for i in range(self.rounds):
            for server in servers if i % 2 == 0 else reversed(servers):
                load = measure(server)
                found[server.name].append(load)
                check(self.report, server.name, load)
        return found


def check(report: Report, name: str, load: Load) -> None:
    """Say what went wrong: lost or doubled messages make the figures worthless."""
    wrong = {k: load[k] for k in ("refused", "lost", "doubled", "errors", "closed", "complaint") if load.get(k)}
    if wrong:
        report.note(f"{name}: {wrong}")


def cpu(load: Load) -> float:
    return float(load["cpu_s"] + load["other_cpu_s"])


def loop(run: Run) -> None:
    """Closed loop: at most two messages outstanding, each posted over HTTP, delivered to all viewers."""
    targets = {
        100: {"flask-sse": 10, "nchan": 0.3},
        1000: {"flask-sse": 25, "nchan": 1.15},
        5000: {"nchan": 1.7},
    }
    rows: list[list[str]] = []
    costs: dict[int, float] = {}
    for viewers in (1000,) if run.quick else (100, 1000, 5000):
        # flask-sse takes a minute to connect 5,000.
        kinds = [k for k in KINDS.values() if viewers < 5000 or k in (GristLive, Nchan)]
        with run.servers(*kinds) as servers:

            def measure(server: Server, viewers: int = viewers) -> Load:
                return server.load("--viewers", viewers, "--window", 2, "--seconds", run.seconds)

            found = run.alternate(servers, measure)
        each = {name: median([x["deliveries"] / cpu(x) for x in loads]) for name, loads in found.items()}
        ours = each["grist_live"]
        costs[viewers] = 1e6 / ours
        for name, value in each.items():
            if name != "grist_live":
                what = f"deliveries per CPU-second, {viewers:,} viewers, closed loop: grist_live / {name}"
                run.report.ratio(what, ours / value, targets[viewers].get(name))
        for name, loads in found.items():
            rows.append(
                [
                    f"{viewers:,}",
                    name,
                    f"{each[name]:,.0f}",
                    f"{median([x['deliveries'] / x['seconds'] for x in loads]):,.0f}",
                    f"{median([x['answer_ms']['p50'] for x in loads]):.2f}",
                    f"{median([x['bytes_each'] for x in loads]):.0f}",
                ]
            )
    head = ["viewers", "server", "deliveries / CPU-second", "deliveries / s", "answer p50 ms", "bytes each"]
    run.report.table("Closed loop", head, rows)
    if len(costs) == 3:
        # The webhook's share is the same at any number of viewers: what is between 1,000 and 5,000 is the fan-out.
        per_message = {n: n * c for n, c in costs.items()}
        low = (per_message[1000] - per_message[100]) / 900
        high = (per_message[5000] - per_message[1000]) / 4000
        run.report.number("CPU of one more viewer per change, from 100 to 1,000 viewers", low, "µs", digits=2)
        run.report.number("CPU of one more viewer per change, from 1,000 to 5,000 viewers", high, "µs", digits=2)


def latency(run: Run) -> None:
    """Time from the moment a change was due to be posted until a viewer has it: 1,000 viewers, 10 changes/s."""
    kinds = (GristLive, Nchan) if run.quick else KINDS.values()
    with run.servers(*kinds) as servers:
        found = run.alternate(
            servers, lambda s: s.load("--viewers", 1000, "--rate", 10, "--seconds", max(6, 1.5 * run.seconds))
        )
        answers = run.alternate(servers, answer)
    rows = []
    for name, loads in found.items():
        p50, p99 = (median([x["latency_ms"][q] for x in loads]) for q in ("p50", "p99"))
        answered = [median([x["answer_ms"][q] for x in answers[name]]) for q in ("p50", "p99")]
        rows.append([name, f"{p50:.2f}", f"{p99:.2f}", *(f"{ms:.2f}" for ms in answered)])
    run.report.table(
        "Latency, 1,000 viewers, 10 changes/s", ["server", "p50 ms", "p99 ms", "answer p50 ms", "answer p99 ms"], rows
    )
    if "nchan" in found:
        for q, most in (("p50", 1.2), ("p99", 1.0)):
            ours, theirs = (median([x["latency_ms"][q] for x in found[n]]) for n in ("grist_live", "nchan"))
            run.report.ratio(f"latency {q}, 1,000 viewers, 10 changes/s: grist_live / nchan", ours / theirs, most=most)
    ours = median([x["answer_ms"]["p50"] for x in answers["grist_live"]])
    run.report.number("webhook answered (median), 1,000 viewers, 10 changes/s", ours, "ms", most=5, digits=2)


def answer(server: Server) -> Load:
    """Measure how fast posts are answered: one generator holds the viewers, another posts and has no other work."""
    viewers = ["--viewers", 1000, "--idle", 6, "--patience", 30]
    with server.loading(*viewers) as others:
        time.sleep(2.5)
        load = server.load("--viewers", 0, "--rate", 10, "--seconds", 3)
        finish(others)
    return load


def memory(run: Run) -> None:
    """Resident memory that a thousand idle viewers add (after a first wave, which fills caches)."""
    kinds = (GristLive,) if run.quick else KINDS.values()
    rows = []
    with run.servers(*kinds) as servers:
        for server in servers:
            server.load("--viewers", 200, "--patience", 30)
            load = server.load("--viewers", 1000, "--settle", 1)
            rows.append([server.name, f"{load['memory_kb']:.2f}", f"{1e6 * load['connect_cpu_s'] / 1000:.0f}"])
            if server.name == "grist_live":
                run.report.number("memory of an idle viewer, of 1,000", load["memory_kb"], "kB", most=1, digits=2)
    if run.full:
        with run.servers(GristLive) as servers:
            load = servers[0].load("--viewers", 19_000, "--idle", 5)
            check(run.report, "grist_live with 19,000 viewers", load)
            run.report.number("idle viewers held by one process", load["connected"], "viewers", least=19_000)
            run.report.number("memory of an idle viewer, of 19,000", load["memory_kb"], "kB", most=1, digits=2)
    run.report.table("Memory", ["server", "kB per idle viewer", "µs of CPU to connect one"], rows)


def idle(run: Run) -> None:
    """CPU of a quiet board: 1,000 viewers, one change a second."""
    kinds = (GristLive,) if run.quick else (GristLive, Nchan, FlaskSse)
    seconds = 10
    with run.servers(*kinds) as servers:
        rows = []
        for server in servers:
            load = server.load("--viewers", 1000, "--rate", 1, "--seconds", seconds)
            check(run.report, server.name, load)
            share = 100 * cpu(load) / seconds
            rows.append([server.name, f"{share:.2f}", f"{100 * load['other_cpu_s'] / seconds:.2f}"])
            if server.name == "grist_live":
                run.report.number(
                    "CPU of 1,000 viewers, 1 change/s, with Redis", share, "% of a core", most=1.5, digits=2
                )
    run.report.table("1,000 viewers, 1 change/s", ["server", "% of a core", "of which Redis"], rows)


def webhooks(run: Run) -> None:
    """Webhooks of one worker without viewers: each body is another one, so that each is committed."""
    with run.servers(GristLive) as servers:
        server = servers[0]
        assert isinstance(server, GristLive)
        for records, least in ((1, 1500), (100, 20_000)):
            body = server.body(records)
            options = ("--viewers", 0, "--flood", "--conns", 8, "--seconds", run.seconds)
            loads = [server.load(*options, body=body) for _ in range(run.rounds)]
            for load in loads:
                check(run.report, "grist_live", load)
            rate = median([x["answers"] * records / x["seconds"] for x in loads])
            what = "single-record webhooks per second and worker" if records == 1 else "records/s in batches of 100"
            run.report.number(what, rate, "/s", least=least)
            used = median([1e6 * x["cpu_s"] / x["answers"] / records for x in loads])
            run.report.number(f"CPU of the web process per record, {records} at a time", used, "µs", digits=1)
        counted = int(server.redis.xlen("grist-live:{interventions}:log"))
        if not counted:
            run.report.note("nothing was committed: the webhook figures are worthless")


def storm(run: Run) -> None:
    """After a restart 5,000 viewers come back at once, each with 20 changes to replay, while changes go on."""
    viewers = 1000 if run.quick else 5000
    with run.servers(GristLive) as servers:
        server = servers[0]
        assert isinstance(server, GristLive)
        last = server.change(1)
        server.change(20)
        server.restart_web()
        with server.loading("--viewers", 20, "--rate", 20, "--seconds", 10) as others:
            time.sleep(2.5)
            storm = server.load("--viewers", viewers, "--at-once", viewers, "--last-event-id", last, "--replay", 20)
            before = finish(others)
    check(run.report, "storm", storm)
    check(run.report, "viewers that were there before", before)
    what = f"{viewers:,} viewers back at once"
    run.report.number(f"{what}: all served with 20 changes after", storm["replay_s"], "s", most=4, digits=2)
    run.report.number(f"{what}: were served", storm["served"], "viewers", least=viewers)
    run.report.number(f"{what}: longest webhook", before["answer_ms"]["max"] / 1000, "s", most=4, digits=2)
    gap = before["longest_gap_ms"] / 1000
    run.report.number(f"{what}: longest gap of others (changes every 0.05 s)", gap, "s", most=1, digits=2)


def reset(run: Run) -> None:
    """A reset to 1,000 viewers, each of which asks for the snapshot of 20,000 rows."""
    from grist_live.board import load_preset
    from grist_live.journal import Journal, connect

    with run.servers(GristLive) as servers:
        server = servers[0]
        assert isinstance(server, GristLive)
        columns = '"Agent":"Martin","Localisation":"12 rue de la Paix","Type":"Voirie","Statut":"En cours"'
        for start in range(0, 20_000, 1000):
            rows = ",".join(f'{{"id":{start + i + 1},{columns},"Commentaire":"ligne {i}"}}' for i in range(1000))
            server.post(f"[{rows}]")
        journal = Journal(connect(server.redis_url))
        with monitored(server) as commands:
            board = load_preset("interventions")
            took, served, size = asyncio.run(_reset(server, 1000, lambda: journal.filled(board)))
            time.sleep(0.5)
        built = sum("HGETALL" in c and ":rows" in c for c in commands)
    run.report.number("reset to 1,000 viewers, 20,000 rows: snapshot built", built, "times", least=1, most=1)
    run.report.number("reset to 1,000 viewers: have the snapshot", served, "viewers", least=1000)
    run.report.number(f"reset to 1,000 viewers: all have it ({size / 1e6:.1f} MB each, packed)", took, "s", digits=1)


@contextlib.contextmanager
def monitored(server: Server) -> Iterator[list[str]]:
    """Collect the commands that Redis is given meanwhile."""
    commands: list[str] = []
    client: Any = redis.Redis(port=server.redis_port)

    def listen(monitor: Any) -> None:
        with contextlib.suppress(Exception):
            commands.extend(found["command"] for found in monitor.listen())

    with client.monitor() as monitor:
        thread = threading.Thread(target=listen, args=(monitor,), daemon=True)
        thread.start()
        yield commands
        monitor.connection.disconnect()
    thread.join(5)


async def _reset(server: Server, viewers: int, act: Callable[[], object]) -> tuple[float, int, int]:
    """Open streams, act, and fetch the snapshot as soon as each says `reset`. Return seconds, how many, bytes."""
    opened = asyncio.Semaphore(0)
    sizes: list[int] = []

    async def request(path: str, extra: str = "") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n{extra}\r\n".encode())
        return reader, writer

    async def viewer() -> None:
        reader, writer = await request(server.path)
        await reader.readuntil(b"event:hello")
        opened.release()
        await reader.readuntil(b"event:reset")
        answer, other = await request("/boards/interventions/snapshot", "Accept-Encoding: gzip\r\n")
        status = await answer.readline()
        size = 0
        while part := await answer.read(1 << 20):
            size += len(part)
        if b" 200" in status:
            sizes.append(size)
        other.close()
        writer.close()

    tasks = [asyncio.create_task(viewer()) for _ in range(viewers)]
    for _ in range(viewers):
        await asyncio.wait_for(opened.acquire(), 30)
    began = time.monotonic()
    await asyncio.to_thread(act)
    await asyncio.wait(tasks, timeout=90)
    for task in tasks:
        task.cancel()
    return time.monotonic() - began, len(sizes), sizes[0] if sizes else 0


def workers(run: Run) -> None:
    """Two workers against one. The load generator needs a core, too: on two cores this can't double."""
    one, two = (lambda folder, n=n: GristLive(folder, workers=n) for n in (1, 2))
    with run.servers(one, two) as servers:
        for server in servers:
            server.name += f", {server.workers} worker(s)"  # type: ignore[attr-defined]
        flood = run.alternate(
            servers, lambda s: s.load("--viewers", 0, "--flood", "--conns", 16, "--seconds", run.seconds)
        )
        loops = run.alternate(servers, lambda s: s.load("--viewers", 2000, "--window", 2, "--seconds", run.seconds))
        readers = [len(s.redis.client_list(_type="pubsub")) for s in servers]
    a, b = (median([x["answers"] / x["seconds"] for x in loads]) for loads in flood.values())
    run.report.ratio("webhooks/s: 2 workers / 1 worker", b / a, least=1.2)
    c, d = (median([x["deliveries"] / x["seconds"] for x in loads]) for loads in loops.values())
    run.report.ratio("deliveries/s, 2,000 viewers: 2 workers / 1 worker", d / c)
    run.report.number("Redis readers of 2 workers", readers[1], "connections", least=2, most=2)


def history(run: Run) -> None:
    """The same closed loop with a short and with a long history."""
    lengths = (100, 5_000 if run.quick else 50_000)
    with run.servers(GristLive, GristLive) as servers:
        for server, length in zip(servers, lengths, strict=True):
            assert isinstance(server, GristLive)
            server.name += f", history {length:,}"
            server.change(max(1, length // 400), min(length, 400))
        found = run.alternate(servers, lambda s: s.load("--viewers", 1000, "--window", 2, "--seconds", run.seconds))
    short, long = (median([x["deliveries"] / cpu(x) for x in loads]) for loads in found.values())
    what = f"deliveries per CPU-second: history of {lengths[1]:,} / of {lengths[0]}"
    run.report.ratio(what, long / short, least=0.9)


SCENARIOS: dict[str, Callable[[Run], None]] = {
    f.__name__: f for f in (loop, latency, memory, idle, webhooks, storm, reset, workers, history)
}
Error = (RuntimeError, OSError, subprocess.SubprocessError, redis.RedisError, TimeoutError)
