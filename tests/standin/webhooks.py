"""Webhooks of the stand-in: their traps, and which events a bundle makes (grist-core: DocApiTriggers,
Triggers)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .actions import Refusal
from .delivery import Target
from .history import Change
from .table import Row, Table

if TYPE_CHECKING:
    from .document import StandinDocument

EVENTS = ("add", "update")
IDLE = {"status": "idle", "numWaiting": 0, "lastEventBatch": None}


def is_allowed(url: str, domains: str) -> bool:
    """ALLOWED_WEBHOOK_DOMAINS: `*` is any; else https by host suffix, and plain http for `localhost`
    alone."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    if domains == "*":
        return True
    if parts.scheme == "http" and parts.hostname != "localhost":
        return False
    return any(parts.netloc == d or parts.netloc.endswith(f".{d}") for d in domains.split(",") if d)


class Webhooks:
    """The webhooks of one document, in order."""

    def __init__(self, doc: StandinDocument, allowed_domains: str) -> None:
        self.doc, self.allowed_domains = doc, allowed_domains
        self.all: dict[str, Row] = {}

    def listed(self) -> list[Row]:
        return [{"id": id, "fields": self._fields(w), "usage": self._usage(id)} for id, w in self.all.items()]

    def _fields(self, webhook: Row) -> Row:
        ids = {c.ref: c.id for t in self.doc.tables.values() for c in t.columns.values()}
        tables = {t.ref: t.id for t in self.doc.tables.values()}
        return {
            "url": webhook["url"],
            "authorization": webhook["authorization"],
            "unsubscribeKey": webhook["unsubscribeKey"],
            "eventTypes": webhook["eventTypes"],
            "isReadyColumn": ids.get(webhook["ready"]),
            "watchedColIds": [ids[ref] for ref in webhook["watched"] if ref in ids],
            "tableId": tables.get(webhook["table"], ""),
            "enabled": webhook["enabled"],
            "name": webhook["name"],
            "memo": webhook["memo"],
        }

    def _usage(self, id: str) -> Row:
        usage = {**IDLE, **self.doc.queue.usage.get(id, {})}
        return usage | {"numWaiting": self.doc.queue.waiting(id)}

    def create(self, body: Any) -> list[str]:
        if not isinstance(body, dict) or not isinstance(body.get("webhooks"), list):
            raise Refusal(400, "Invalid payload", "Error: value.webhooks is missing")
        return [self._create(w.get("fields", {}), i) for i, w in enumerate(body["webhooks"])]

    def _create(self, fields: Row, position: int) -> str:
        what = f"value.webhooks[{position}]"
        prefix = f"Error: {what} is not a Webhook; {what}.fields is not a WebhookFields"
        for key in ("url", "eventTypes", "tableId"):
            if key not in fields:
                raise Refusal(400, "Invalid payload", f"{prefix}; {what}.fields.{key} is missing")
        _check_events(fields["eventTypes"], f"{prefix}; {what}.fields")
        webhook: Row = {"name": "", "memo": "", "enabled": True, "authorization": "", "watched": [], "ready": 0,
                        "unsubscribeKey": str(uuid.uuid4())}  # fmt: skip
        webhook |= self._settings(fields, None)
        id = str(uuid.uuid4())
        self.all[id] = webhook
        return id

    def patch(self, id: str, fields: Row) -> None:
        webhook = self._get(id)
        _check_events(fields.get("eventTypes", EVENTS), "Error: value")
        webhook.update(self._settings(fields, webhook))
        if not webhook["enabled"]:
            self.doc.queue.clear(id)

    def delete(self, id: str) -> None:
        self._get(id)
        del self.all[id]
        self.doc.queue.clear(id)

    def _get(self, id: str) -> Row:
        if id not in self.all:
            raise Refusal(404, f'Webhook not found "{id}"')
        return self.all[id]

    def _settings(self, fields: Row, old: Row | None) -> Row:
        """Read what is given; tableId alone resets watchedColIds and isReadyColumn, they alone do
        nothing."""
        if fields.get("url") is not None and not is_allowed(fields["url"], self.allowed_domains):
            raise Refusal(403, "Provided url is forbidden")
        if fields.get("eventTypes") is not None and not fields["eventTypes"]:
            raise Refusal(400, "eventTypes must be a non-empty array")
        new: Row = {k: fields[k] for k in ("enabled", "memo", "eventTypes") if k in fields}
        new |= {k: fields[k] for k in ("url", "authorization", "name") if fields.get(k)}
        table = self._table(fields["tableId"]) if fields.get("tableId") else None
        if table:
            moved = old is not None and old["table"] != table.ref
            watched = [] if moved else fields.get("watchedColIds") or []
            new |= {"table": table.ref, "watched": [_ref(table, c) for c in watched], "ready": 0}
        if fields.get("isReadyColumn"):
            new["ready"] = _ref(table or self._table_by_ref((old or {}).get("table")), fields["isReadyColumn"])
        elif "isReadyColumn" in fields:
            new["ready"] = 0
        return new

    def _table(self, name: str) -> Table:
        if name not in self.doc.tables:
            raise Refusal(404, f'Table not found "{name}"')
        return self.doc.tables[name]

    def _table_by_ref(self, ref: int | None) -> Table:
        return next(t for t in self.doc.tables.values() if t.ref == ref)

    def target(self, id: str) -> Target | None:
        """Where an event goes; None when it may not be sent, which counts as sent."""
        webhook = self.all.get(id)
        if webhook is None or not is_allowed(webhook["url"], self.allowed_domains):
            return None
        return webhook["url"], webhook["authorization"]

    def events(self, changes: dict[str, dict[int, Change]]) -> list[tuple[str, Row]]:
        """Say what a bundle sends: rows that exist after it, by row id, webhook by webhook. Deletions:
        nothing."""
        found: list[tuple[str, Row]] = []
        for table in sorted(self.doc.tables.values(), key=lambda t: str(t.ref)):
            rows = changes.get(table.id, {})
            for id, webhook in self.all.items():
                if webhook["enabled"] and webhook["table"] == table.ref:
                    found += [
                        (id, {"id": row_id, **after})
                        for row_id, (before, after) in sorted(rows.items())
                        if after is not None and _fires(webhook, table, before, after)
                    ]
        return found


def _fires(webhook: Row, table: Table, before: Row | None, after: Row) -> bool:
    ids = {c.ref: c.id for c in table.columns.values()}
    ready = ids.get(webhook["ready"])
    if ready and after.get(ready) is not True:
        return False
    if before is None or (ready and before.get(ready) is not True):
        return "add" in webhook["eventTypes"]
    watched = [ids[ref] for ref in webhook["watched"] if ref in ids]
    if watched and all(before.get(c) == after.get(c) for c in watched):
        return False
    return "update" in webhook["eventTypes"]


def _ref(table: Table, column: str) -> int:
    if column not in table.columns:
        raise Refusal(404, f'Column not found "{column}"')
    return table.columns[column].ref


def _check_events(events: Any, prefix: str) -> None:
    for i, event in enumerate(events):
        if event not in EVENTS:
            details = f'{prefix}.eventTypes[{i}] is none of "add", "update"'
            raise Refusal(400, "Invalid payload", details)
