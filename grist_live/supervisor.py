"""The supervisor: `serve` starts the web process and the work process, and ends them together."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

GRACE = 15.0
PR_SET_PDEATHSIG = 1


def web_command(host: str, port: int, workers: int) -> list[str]:
    """gunicorn as its own program, so that gevent patches before anything is imported."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options = [
        "-c",
        "python:grist_live.gunicorn_conf",
        "-b",
        bind,
        "-w",
        str(workers),
        "--log-level",
        "warning",
    ]
    return [sys.executable, "-m", "gunicorn", *options, "grist_live.wsgi:app"]


def work_command() -> list[str]:
    return [sys.executable, "-m", "grist_live", "work"]


def start(command: Sequence[str], env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a child that doesn't outlive us, even when we are killed (where the system can promise that).

    It gets a session of its own: Ctrl-C goes to us alone, and we end the children in order.
    """
    env = {**os.environ, **(env or {})}
    return subprocess.Popen(command, env=env, preexec_fn=_die_with_parent, start_new_session=True)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """Runs the web process and keeps a work process beside it."""

    def __init__(self, web: Sequence[str], work: Sequence[str], env: dict[str, str] | None = None) -> None:
        self._web_command, self._work_command, self._env = web, work, env
        self._ending = False
        self.web: subprocess.Popen[bytes] | None = None
        self.work: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Run until a signal comes or the web process ends; return its exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self.start()
        restarts = 0
        while not self._ending:
            assert self.web and self.work
            if self.web.poll() is not None:
                break
            if self.work.poll() is not None:
                restarts += 1
                time.sleep(min(2.0**restarts, 30.0))
                if not self._ending:
                    self.work = start(self._work_command, self._env)
            time.sleep(0.2)
        return self.stop()

    def start(self) -> None:
        self.web = start(self._web_command, self._env)
        self.work = start(self._work_command, self._env)

    def stop(self) -> int:
        """End both; return the web process's exit code (0 when we were asked to end)."""
        children = [child for child in (self.web, self.work) if child]
        for child in children:
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + GRACE
        for child in children:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        return 0 if self._ending or not self.web else self.web.returncode

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._ending = True
