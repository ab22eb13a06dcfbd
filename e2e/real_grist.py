"""A real Grist server, by its REST interface, and grist_live set up for a document on it by its own command line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from tests.live_server import LiveServer

TABLE = "Interventions"


class Grist:
    """The server that GRIST_URL names."""

    def __init__(self) -> None:
        self.url = os.environ["GRIST_URL"].rstrip("/")
        self.key = os.environ["GRIST_API_KEY"]
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {self.key}"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(method, f"{self.url}/api{path}", json=body, timeout=60)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def workspace(self) -> int:
        """The one that GRIST_WORKSPACE_ID names, else the first in which we may make documents."""
        if given := os.environ.get("GRIST_WORKSPACE_ID"):
            return int(given)
        for org in self.ask("GET", "/orgs"):
            for workspace in self.ask("GET", f"/orgs/{org['id']}/workspaces"):
                if workspace.get("access") in ("owners", "editors"):
                    return int(workspace["id"])
        raise AssertionError("this key may not make documents in any workspace: give GRIST_WORKSPACE_ID")

    def close(self) -> None:
        self._session.close()


class Document:
    """A document of our own on it; anybody may open and edit it, so that the browser needs no account."""

    def __init__(self, grist: Grist) -> None:
        self.grist = grist
        self.id = str(
            grist.ask("POST", f"/workspaces/{grist.workspace()}/docs", {"name": "grist_live end-to-end test"})
        )
        users = {"everyone@getgrist.com": "editors"}
        grist.ask("PATCH", f"/docs/{self.id}/access", {"delta": {"users": users}})

    def delete(self) -> None:
        self.grist.ask("DELETE", f"/docs/{self.id}")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.grist.ask(method, f"/docs/{self.id}{path}", body)

    def rows(self) -> dict[int, dict[str, Any]]:
        found = self.ask("GET", f"/tables/{TABLE}/records")["records"]
        return {record["id"]: record["fields"] for record in found}

    def add(self, *rows: dict[str, Any]) -> list[int]:
        answer = self.ask("POST", f"/tables/{TABLE}/records", {"records": [{"fields": row} for row in rows]})
        return [record["id"] for record in answer["records"]]

    def edit(self, id: int, **fields: Any) -> None:
        self.ask("PATCH", f"/tables/{TABLE}/records", {"records": [{"id": id, "fields": fields}]})

    def remove(self, *ids: int) -> None:
        self.ask("POST", f"/tables/{TABLE}/data/delete", list(ids))


class Setup(LiveServer):
    """grist_live for one document: `run` is its command line, `start` is `serve`; its configuration is bootstrap's."""

    def __init__(self, document: Document, redis_url: str, folder: Path) -> None:
        settings = {"board": {"access": "token", "open": False}, "heartbeat": 2.0}
        super().__init__(redis_url, folder, "serve", settings)
        self.document = document
        self.env["GRIST_API_KEY"] = document.grist.key

    def run(self, *arguments: str) -> str:
        """Run a command as a user does; return what it said."""
        command = [sys.executable, "-m", "grist_live", *arguments]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def bootstrap(self, *more: str) -> str:
        """Run bootstrap; note the page that it made in Grist."""
        said = self.run("bootstrap", self.document.id, "--server", self.document.grist.url, *more)
        [self.page] = re.findall(r"The dashboard in Grist: (\S+)", said)
        return said

    @cached_property
    def token(self) -> str:
        return self.run("token").strip()

    def board(self) -> dict[int, dict[str, Any]]:
        """What the board holds."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.get(f"{self.url}/webhook/interventions", headers=headers, timeout=20)
        answer.raise_for_status()
        return {row["id"]: row for row in answer.json()["interventions"]}
