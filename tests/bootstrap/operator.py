"""Who runs bootstrap in the tests, and the tables they start from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from grist_live import bootstrap
from grist_live.bootstrap import Result
from grist_live.grist import Document
from grist_live.settings import load
from tests.standin_grist import OWNER, StandinDocument, StandinGrist

URL = "http://localhost:8484"
WATCHED = ["ID2", "Agent", "Localisation", "Type", "Statut", "Priorite", "Commentaire", "Latitude", "Longitude"]
CHOICES = {"Type": 4, "Statut": 4, "Priorite": 4}


class Operator:
    """Who runs bootstrap, in a folder of its own; the configuration is read anew for each run, as the command does."""

    def __init__(self, grist: StandinGrist, doc: StandinDocument, folder: Path) -> None:
        self.grist, self.doc, self.folder, self.key = grist, doc, folder, OWNER
        self.file = folder / "grist-live.toml"
        self.lines: list[str] = []
        self.url = URL
        self.env: dict[str, str] = {}

    def run(self, board: str = "", **given: Any) -> Result:
        """Run bootstrap and keep what it shows in `lines`."""
        settings, _ = load(None, self.env, grist_url=self.grist.url, public_url=self.url)
        document = Document(self.grist.url, self.doc.id, self.key, sleep=lambda seconds: None)
        self.lines = []
        try:
            chosen = settings.boards[board] if board else settings.board
            return bootstrap.bootstrap(settings, chosen, document, echo=self.lines.append, **given)
        finally:
            document.close()

    def shows(self, *words: str) -> bool:
        """Tell whether one line shows all these words."""
        return any(all(w in line for w in words) for line in self.lines)

    def column(self, name: str) -> dict[str, Any]:
        return self.doc.tables["Interventions"].columns[name].fields()

    def webhooks(self) -> list[dict[str, Any]]:
        return [w["fields"] for w in self.doc.webhooks.listed()]

    def widgets(self) -> list[dict[str, Any]]:
        """Return the settings of the custom widgets, with their page's name."""
        found = []
        for section in self.doc.meta["_grist_Views_section"].values():
            if section["parentKey"] == "custom":
                page = self.doc.meta["_grist_Views"][section["parentId"]]["name"]
                view = json.loads(json.loads(section["options"] or "{}").get("customView", "{}"))
                found.append({"page": page, **view})
        return found

    def make_table(self, *columns: dict[str, Any], name: str = "Interventions") -> None:
        """Make a table by hand, as POST /tables would."""
        self.doc.apply([["AddTable", name, [dict(c) for c in columns]]])

    def change_widget(self, **changes: Any) -> None:
        """Change the dashboard's settings, as somebody might in Grist."""
        section = next(s for s in self.doc.meta["_grist_Views_section"].values() if s["parentKey"] == "custom")
        options = json.loads(section["options"])
        view = json.loads(options["customView"])
        view["widgetOptions"] |= changes.pop("widgetOptions", {})
        section["options"] = json.dumps(options | {"customView": json.dumps(view | changes)})


SEED = (
    {"id": "ID", "label": "ID", "type": "Text"},
    {"id": "Agent", "type": "Text"},
    {"id": "Localisation", "type": "Text"},
    {"id": "Type", "type": "Choice"},
    {"id": "Statut", "type": "Choice"},
    {"id": "Priorite", "type": "Choice"},
    {"id": "Derniere_MAJ", "type": "DateTime:Europe/Paris", "isFormula": True, "formula": "NOW()"},
    {"id": "Commentaire", "type": "Text"},
)


def seed_with(name: str, **fields: Any) -> list[dict[str, Any]]:
    """Return the seed's columns with one of them changed."""
    return [dict(c) | fields if c["id"] == name else dict(c) for c in SEED]


def signature(op: Operator) -> Any:
    """Say what a document has become, without what is random."""
    columns = [c.fields() for c in op.doc.tables["Interventions"].columns.values()]
    for widget in (widgets := op.widgets()):
        widget["widgetOptions"].pop("token")
        widget["widgetOptions"]["board"]["link"] = widget["widgetOptions"]["board"]["link"].replace(op.doc.id, "DOC")
    for webhook in (webhooks := op.webhooks()):
        webhook |= {"authorization": "", "unsubscribeKey": ""}
    pages = [v["name"] for v in op.doc.meta["_grist_Views"].values()]
    return list(op.doc.tables), columns, widgets, webhooks, pages


def break_webhook(op: Operator, **fields: Any) -> None:
    id = op.doc.webhooks.listed()[0]["id"]
    op.doc.webhooks.all[id].update(fields)


def add_webhook(op: Operator, url: str, **fields: Any) -> None:
    body = {"url": url, "eventTypes": ["add", "update"], "tableId": "Interventions"} | fields
    op.doc.webhooks.create({"webhooks": [{"fields": body}]})


def run_on(document: Document, **given: Any) -> tuple[Result, list[str]]:
    lines: list[str] = []
    # Nobody needs to listen there; a server with ALLOWED_WEBHOOK_DOMAINS must allow it.
    url = os.environ.get("GRIST_LIVE_PUBLIC_URL", "https://live.example.com")
    settings, _ = load(None, {}, grist_url=document.server, public_url=url)
    return bootstrap.bootstrap(settings, settings.board, document, echo=lines.append, **given), lines
