"""Profile the hot path: `python -m bench.profile [--what loop|webhooks|batches] [--seconds 8] [--flame DIR]`.

Starts grist_live under load and samples its web process with py-spy (fetched by pip into `build/bench/venv`). Prints
where the time goes by room and by function; with `--flame` it writes flame graphs (SVG), too.
"""

from __future__ import annotations

import argparse
import collections
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.servers import ROOT, GristLive, finish, generator, others_python, raise_limits

WHAT = {
    "joining": ("viewers that come, 100 at once", ("--viewers", 15_000), 1),
    "loop": ("1,000 viewers, closed loop", ("--viewers", 1000, "--window", 2), 1),
    "few": ("100 viewers, closed loop", ("--viewers", 100, "--window", 2), 1),
    "webhooks": ("single-record webhooks, 8 connections", ("--viewers", 0, "--flood", "--conns", 8), 1),
    "batches": ("webhooks of 100 records, 8 connections", ("--viewers", 0, "--flood", "--conns", 8), 100),
}
# The first pattern found anywhere in a stack tells the room that the sample belongs to.
ROOMS = (
    ("logging", r"\(logging/|grist_live/logs"),
    ("fan-out (os.write to viewers)", r"send_all|SocketViewer\.send"),
    ("chores (compatible keys)", r"grist_live/chores"),
    ("hub: reading and taking", r"grist_live/(hub|feed)"),
    ("journal: the commit", r"grist_live/(journal|wire)"),
    ("reading the body", r"grist_live/change"),
    ("metrics", r"grist_live/metrics|prometheus_client"),
    ("the doors themselves", r"grist_live/(web|access|limits|filters)"),
    ("Flask and Werkzeug", r"flask|werkzeug"),
    ("gunicorn: parsing, answering", r"gunicorn"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description="Profile grist_live under load.")
    parser.add_argument("--what", action="append", choices=list(WHAT))
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--flame", type=Path, help="folder for flame graphs")
    parser.add_argument("--package", type=Path, default=ROOT, help="folder that holds grist_live/")
    options = parser.parse_args()
    raise_limits()
    generator()
    for what in options.what or WHAT:
        title, load, records = WHAT[what]
        with tempfile.TemporaryDirectory(prefix="grist-live-profile-") as folder:
            server = GristLive(Path(folder))
            server.package = options.package
            try:
                server.start()
                profile(server, title, load, records, options)
            finally:
                server.stop()
    return 0


def profile(server: GristLive, title: str, load: tuple[object, ...], records: int, options: argparse.Namespace) -> None:
    stacks = server.folder / "stacks.txt"
    found = sample(server, load, records, options.seconds, "raw", stacks)
    if options.flame:
        options.flame.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"\W+", "-", title)
        sample(server, load, records, options.seconds, "flamegraph", options.flame / f"{name}.svg")
    joining = "posts" not in found
    each = 1e6 * (found["connect_cpu_s"] / found["connected"] if joining else found["cpu_s"] / max(1, found["posts"]))
    print(f"\n## {title}: {each:.0f} µs per {'viewer' if joining else 'webhook'} (slowed by the profiler)\n")
    show(stacks.read_text().splitlines(), each)


def sample(
    server: GristLive, load: tuple[object, ...], records: int, seconds: float, form: str, out: Path
) -> dict[str, Any]:
    """Sample the web process while it is under load, from the moment at which all viewers are there."""
    pid = server.web.pids()[-1]
    joining = load[1] == 15_000
    with server.loading(*load, "--seconds", seconds + 3, body=server.body(records)) as process:
        while not joining and len(os.listdir(f"/proc/{pid}/fd")) < int(str(load[1])) and process.poll() is None:
            time.sleep(0.1)
        time.sleep(0.2 if joining else 1.5)
        py_spy(pid, min(seconds, 3) if joining else seconds, form, out)
        return finish(process)


def py_spy(pid: int, seconds: float, form: str, out: Path) -> None:
    command = [others_python().parent / "py-spy", "record", "-p", pid, "-d", int(seconds), "-r", 500]
    done = subprocess.run([*map(str, command), "-f", form, "-o", str(out)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"py-spy: {done.stderr.strip()} (needs root, or kernel.yama.ptrace_scope=0)")


def show(lines: list[str], each: float) -> None:
    rooms: collections.Counter[str] = collections.Counter()
    alone: collections.Counter[str] = collections.Counter()
    total = 0
    for line in lines:
        stack, _, samples = line.rpartition(" ")
        if "gevent/threadpool.py" in stack:
            continue  # it waits, which py-spy can't tell
        count = int(samples)
        frames = [re.sub(r":\d+\)$", ")", frame) for frame in stack.split(";")]
        total += count
        alone[frames[-1]] += count
        rooms[room(frames)] += count
    for title, counter in (("by room", rooms), ("by function, alone", alone)):
        print(f"{title}:")
        for name, times in counter.most_common(20):
            print(f"  {100 * times / total:5.1f} %  {each * times / total:7.1f} µs  {name}")


def room(frames: list[str]) -> str:
    for name, pattern in ROOMS:
        if any(re.search(pattern, frame) for frame in frames):
            return name
    return "gevent: loop, waiting" if any("gevent" in f for f in frames) else "other"


if __name__ == "__main__":
    sys.exit(main())
