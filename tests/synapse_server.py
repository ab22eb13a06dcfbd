"""A real Synapse that tests start: a Matrix homeserver, as Tchap runs many; on loopback, with SQLite."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from tests.redis_server import free_port

SECRET = "shared-secret-of-the-test-homeserver"
NAME = "tchap.test"


class Person:
    """An account of the homeserver: what it may do by its token."""

    def __init__(self, server: SynapseServer, name: str) -> None:
        self.server, self.name = server, name
        self.id = f"@{name}:{NAME}"
        self.token, self.device = "", ""

    def login(self) -> Person:
        """Log in, as a new device or (once there is one) as the same."""
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.name},
            "password": f"password of {self.name}",
            **({"device_id": self.device} if self.device else {}),
        }
        found = self.server.call("POST", "login", body)
        self.token, self.device = found["access_token"], found["device_id"]
        return self

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        return self.server.call(method, path, body, self.token)

    def create_room(self, *guests: Person, encrypted: bool = False) -> str:
        state = [{"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]
        body = {"preset": "private_chat", "invite": [g.id for g in guests], "initial_state": state if encrypted else []}
        room = str(self.call("POST", "createRoom", body)["room_id"])
        for guest in guests:
            guest.call("POST", f"join/{quote(room, safe='')}", {})
        return room

    def messages(self, room: str) -> list[dict[str, Any]]:
        """Return the room's messages as this person sees them, oldest first."""
        found: list[dict[str, Any]] = []
        start = ""
        while True:
            path = f"rooms/{quote(room, safe='')}/messages?dir=f&limit=500" + (f"&from={start}" if start else "")
            page = self.call("GET", path)
            found += page["chunk"]
            start = page.get("end", "")
            if not start or not page["chunk"]:
                return [e for e in found if e["type"] == "m.room.message"]


class SynapseServer:
    """One homeserver on a port that it keeps over restarts. `per_second`: messages that an account may send."""

    def __init__(self, folder: Path, per_second: float = 1000.0, burst: int = 1000) -> None:
        self.folder, self.per_second, self.burst = folder, per_second, burst
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def configure(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        key = self.folder / "signing.key"
        if not key.exists():
            key.write_text(f"ed25519 a_test {base64.b64encode(os.urandom(32)).decode().rstrip('=')}\n")
        free = {"per_second": 1000, "burst_count": 1000}
        settings = {
            "server_name": NAME,
            "listeners": [
                {
                    "port": self.port,
                    "bind_addresses": ["127.0.0.1"],
                    "type": "http",
                    "tls": False,
                    "resources": [{"names": ["client"]}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": str(self.folder / "homeserver.db")}},
            "registration_shared_secret": SECRET,
            "macaroon_secret_key": SECRET,
            "form_secret": SECRET,
            "signing_key_path": str(key),
            "media_store_path": str(self.folder / "media"),
            "pid_file": str(self.folder / "pid"),
            "report_stats": False,
            "trusted_key_servers": [],
            "rc_message": {"per_second": self.per_second, "burst_count": self.burst},
            "rc_login": {"address": free, "account": free, "failed_attempts": free},
            "rc_joins": {"local": free, "remote": free},
            "rc_invites": {"per_room": free, "per_user": free, "per_issuer": free},
            "rc_room_creation": free,
            "presence": {"enabled": False},
            "url_preview_enabled": False,
        }
        path = self.folder / "homeserver.yaml"
        path.write_text(json.dumps(settings))  # JSON is YAML
        return path

    def start(self) -> SynapseServer:
        """Start it, and wait until it answers."""
        with (self.folder / "output.txt").open("ab") if self.folder.exists() else open(os.devnull, "ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "synapse.app.homeserver", "-c", str(self.configure())],
                cwd=self.folder,
                stdout=out,
                stderr=out,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError("Synapse ended at once: is the extra `synapse` installed (make test does)?")
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.url}/_matrix/client/versions", timeout=2).ok:
                    return self
            time.sleep(0.05)
        raise RuntimeError("Synapse did not start within a minute")

    def stop(self) -> None:
        """SIGKILL it: it keeps what it has answered for."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.url}/_matrix/client/v3/{path}"
        answer = requests.request(method, url, json=body, headers=headers, timeout=30)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def register(self, name: str, admin: bool = False) -> Person:
        """Make an account by the shared secret, and log it in."""
        url = f"{self.url}/_synapse/admin/v1/register"
        nonce = requests.get(url, timeout=10).json()["nonce"]
        password = f"password of {name}"
        text = "\0".join((nonce, name, password, "admin" if admin else "notadmin"))
        mac = hmac.new(SECRET.encode(), text.encode(), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": name, "password": password, "admin": admin, "mac": mac}
        answer = requests.post(url, json=body, timeout=30)
        assert answer.ok, answer.text
        return Person(self, name).login()
