"""Run the benchmark: `python -m bench.run [--quick] [--full] [--only SCENARIO] [--out FILE]`."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from bench.report import Report, machine
from bench.scenarios import SCENARIOS, Error, Run
from bench.servers import GristLive, MissingError, frozen, generator, raise_limits, redis_executable, versions

RESULTS = Path(__file__).parent / "results.md"
QUICK = ("loop", "latency", "memory", "idle", "webhooks", "storm", "reset")


def main(arguments: list[str] | None = None) -> int:
    options = read_options(arguments)
    # Both end what was started; a shell that runs us in the background has Ctrl-C ignored.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    files = raise_limits()
    report = Report()
    if files < 12_000:
        report.note(f"only {files} open files are allowed: scenarios with more viewers will fail (ulimit -Hn)")
    try:
        generator()
        redis_executable()
    except MissingError as error:
        print(f"missing: {error}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="grist-live-bench-") as folder:
        seconds, rounds = (2.5, 2) if options.quick else (4, 3)
        GristLive.package = frozen(Path(folder) / "package")
        taking_part = versions()
        run = Run(Path(folder), report, options.rounds or rounds, seconds, options.quick, options.full)
        for name in options.only or (QUICK if options.quick else SCENARIOS):
            began = time.monotonic()
            print(f"{name}: {(SCENARIOS[name].__doc__ or '').splitlines()[0]}", flush=True)
            try:
                SCENARIOS[name](run)
            except (MissingError, *Error) as error:
                report.note(f"{name} failed: {error}")
            print(f"  ({time.monotonic() - began:.0f} s)", flush=True)
    command = " ".join(["python -m bench.run", *(sys.argv[1:] if arguments is None else arguments)])
    text = report.markdown(command, taking_part)
    print(f"\n{text}\n({machine()})")
    if options.out != Path("-"):
        options.out.write_text(text, "utf-8")
    return 0


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Compare grist_live with other servers.")
    parser.add_argument("--quick", action="store_true", help="about 3 minutes: 1,000 viewers only, fewer rounds")
    parser.add_argument("--full", action="store_true", help="with 19,000 idle viewers, too")
    parser.add_argument("--only", action="append", choices=list(SCENARIOS), help="one scenario (may be repeated)")
    parser.add_argument("--rounds", type=int, help="rounds of each measurement (3, quick: 2)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results are written; - for nowhere")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
