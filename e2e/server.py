"""The server as a test drives it: records go in by the webhook's door, or straight into the journal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests

from grist_live import sample
from grist_live.board import make_board
from grist_live.change import read_webhook
from grist_live.journal import Journal
from tests.live_server import LiveServer

OPEN = {"preset": "interventions", "access": "public", "open": True}


class Server(LiveServer):
    """The real program, with several boards; `settings["board"]` are keys that all of them get."""

    def __init__(
        self, redis_url: str, folder: Path, boards: list[str], settings: dict[str, Any], command: str = "web"
    ) -> None:
        keys = OPEN | settings.pop("board", {})
        settings = {"default_board": boards[0], "boards": {name: keys for name in boards}} | settings
        super().__init__(redis_url, folder, command, settings)
        self.redis_url = redis_url

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            super().kill()


class Board:
    """One board on a server."""

    def __init__(self, server: Server, name: str, journal: Journal) -> None:
        self.server, self.name, self.journal = server, name, journal
        self.url = f"{server.url}/boards/{name}"
        self.stream = f"{self.url}/stream"
        self._board = make_board(name, OPEN)

    def post(self, *records: dict[str, Any]) -> dict[str, Any]:
        """Send records as Grist's webhook does."""
        answer = requests.post(f"{self.server.url}/webhook/{self.name}", json=list(records), timeout=20)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def commit(self, *records: dict[str, Any]) -> None:
        """Write records straight into the journal, as a server elsewhere would."""
        self.journal.commit(self._board, read_webhook(json.dumps(records).encode(), self._board).rows, "webhook")

    def remove(self, *rows: int) -> None:
        """Remove rows as reconcile does, which is how deletions are learned of."""
        self.journal.commit(self._board, [(row, b"") for row in rows], "reconcile")

    def rows(self) -> dict[int, dict[str, Any]]:
        """What the API says is on the board now (the snapshot may be 2 s old, and yet right)."""
        answer = requests.get(f"{self.server.url}/webhook/{self.name}", timeout=20)
        answer.raise_for_status()
        return {row["id"]: row for row in answer.json()[self.name]}


def record(id: int | str, status: str = "En attente", priority: str = "Normale", **fields: Any) -> dict[str, Any]:
    """A row as Grist's webhook tells it; it was edited `id` minutes after a fixed moment."""
    return {
        "id": id,
        "manualSort": id,
        "ID2": f"INT-{id}",
        "Agent": "Zoé Martin",
        "Localisation": f"{id} rue de l’Église, Gap",
        "Type": "Voirie",
        "Statut": status,
        "Priorite": priority,
        "Commentaire": "Nid-de-poule",
        "Derniere_MAJ": 1_795_000_000 + 60 * (id if isinstance(id, int) else 0),
        **fields,
    }


def fill(board: Board) -> None:
    """Put in five rows: two urgent, of which one is done; one of each other status."""
    board.post(
        record(1, "En attente", "Normale"),
        record(2, "En cours", "Urgente"),
        record(3, "Terminé", "Urgente"),
        record(4, "Bloqué", "Haute"),
        record(5, "En attente", "Basse"),
    )


def many(n: int) -> list[dict[str, Any]]:
    """Rows as the demo makes them."""
    names = {"title": "ID2", "assignee": "Agent", "place": "Localisation", "kind": "Type", "status": "Statut"}
    names |= {"priority": "Priorite", "comment": "Commentaire", "latitude": "Latitude", "longitude": "Longitude"}
    rows = [{names[role]: value for role, value in row.items()} for row in sample.interventions(n)]
    return [{"id": id, "Derniere_MAJ": 1_795_000_000 + id, **row} for id, row in enumerate(rows, start=1)]
