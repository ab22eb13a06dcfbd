"""One Grist document by REST, on `grist_api.GristDocAPI`."""

from __future__ import annotations

import itertools
import json
import os
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NotRequired, TypedDict
from urllib.parse import quote

import requests
from grist_api import GristDocAPI

from grist_live.actions import State
from grist_live.grist.address import document_id
from grist_live.grist.errors import (
    GristError,
    is_answer,
    may_repeat,
    never_sent,
    no_answer,
    refusal,
    retry_after,
)
from grist_live.grist.live import Live

MAX_IDS = 200
"""Row ids in one `records_body`: they travel in the address, and Node.js takes 16 KiB of headers in all."""

LONGEST_WAIT = 30.0


class Entry(TypedDict):
    """A table, a column or a record, as Grist lists them. A table's and a column's id is its name."""

    id: Any
    fields: dict[str, Any]


class Webhook(Entry):
    """A webhook; `usage` is grist-core's WebhookUsage: status, numWaiting, lastErrorMessage …."""

    usage: NotRequired[dict[str, Any] | None]


class _Bearer(requests.auth.AuthBase):
    """The key as `auth`, not as a header: a ~/.netrc entry for the host would replace the header."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request


class Document(GristDocAPI):  # type: ignore[misc]  # grist_api has no types
    """One Grist document by REST. For one thread at a time; Grist refuses more than 10 requests at once.

    `server` may have a path (`https://host/o/team`); `timeout` is (connect, read) in seconds; `attempts`
    counts all tries of one request; `sleep` is there for tests. Raises `GristError` when there is no key or
    no document id.
    """

    def __init__(
        self,
        server: str,
        doc_id: str,
        api_key: str,
        *,
        timeout: tuple[float, float] = (5, 30),
        attempts: int = 5,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if not api_key:
            raise GristError(
                "no API key: make one in Grist (Profile settings, API key), and set GRIST_API_KEY or write "
                "it to ~/.grist-api-key",
                permanent=True,
            )
        super().__init__(document_id(doc_id), api_key=api_key, server=server.strip().rstrip("/"))
        self.server: str = self._server
        self._api_key = api_key
        self.doc_id: str = self._doc_id
        self._timeout, self._attempts, self._sleep = timeout, attempts, sleep
        self._session = requests.Session()
        self._session.auth = _Bearer(api_key)
        # A proxy of the environment never leads to our own machine.
        outside = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
        self._proxies = {"no_proxy": ",".join(filter(None, (outside, "localhost,127.0.0.1,::1")))}

    def close(self) -> None:
        """Close the connections to the server."""
        self._session.close()

    def call(
        self, url: str, json_data: Any = None, method: str | None = None, prefix: str | None = None
    ) -> requests.Response:
        """Send a request and return its JSON answer; `url` is relative to the document. Raises `GristError`.

        Repeats what is safe to repeat: a GET after any passing failure, the rest only when Grist did nothing
        (429, a locked database, no connection), because nothing that creates is idempotent in Grist.
        """
        method = method or ("GET" if json_data is None else "POST")
        address = self.server + (f"/api/docs/{self.doc_id}/" if prefix is None else prefix) + url
        for attempt in itertools.count(1):
            try:
                response = self._send(method, address, json_data)
            except requests.RequestException as error:
                failure = no_answer(error, self.server)
                again, least = not failure.permanent and (method == "GET" or never_sent(error)), 0.0
            else:
                if is_answer(response):
                    return response
                failure = refusal(response, self.server, self.doc_id)
                again, least = may_repeat(failure, method), retry_after(response)
            if not again or attempt >= self._attempts:
                raise failure
            wait = min(LONGEST_WAIT, 0.5 * 2 ** (attempt - 1)) * random.uniform(0.5, 1.5)
            self._sleep(max(wait, least))
        raise AssertionError

    def _send(self, method: str, address: str, json_data: Any) -> requests.Response:
        return self._session.request(
            method,
            address,
            json=json_data,
            headers={"Accept": "application/json"},
            timeout=self._timeout,
            proxies=self._proxies,
            allow_redirects=False,
        )

    def tables(self) -> list[Entry]:
        """List the tables; `fields.tableRef` is the number that pages refer to."""
        return self._list("tables", "tables")

    def columns(self, table: str) -> list[Entry]:
        """List the table's visible columns; `fields.colRef` is the number that other metadata refers to."""
        return self._list(f"tables/{quote(table)}/columns", "columns")

    def add_table(self, table: str, columns: Sequence[Mapping[str, Any]]) -> str:
        """Create a table and return the id that Grist gave it: another one when `table` is taken.

        Of the columns' fields only type, isFormula, formula, label and widgetOptions are kept.
        """
        body = {"tables": [{"id": table, "columns": list(columns)}]}
        return str(self.call("tables", body).json()["tables"][0]["id"])

    def add_columns(self, table: str, columns: Sequence[Mapping[str, Any]]) -> list[str]:
        """Create columns and return the ids that Grist gave them, in order.

        Say isFormula False, or they become formula columns. Never give recalcDeps: it corrupts the open
        document.
        """
        answer = self.call(f"tables/{quote(table)}/columns", {"columns": list(columns)}).json()
        return [str(c["id"]) for c in answer["columns"]]

    def update_columns(self, changes: Mapping[int, Mapping[str, Any]]) -> None:
        """Change columns, by colRef, all or none.

        A new label renames the id unless untieColIdFromLabel is true. PATCH /columns wants the same fields
        for every column; one bundle of actions takes any, and is one undo.
        """
        self.apply([["UpdateRecord", "_grist_Tables_column", ref, dict(f)] for ref, f in changes.items()])

    def webhooks(self) -> list[Webhook]:
        """List the webhooks, with their secrets: owners only."""
        return self._list("webhooks", "webhooks")

    def add_webhook(self, fields: Mapping[str, Any]) -> str:
        """Create a webhook and return its id."""
        answer = self.call("webhooks", {"webhooks": [{"fields": dict(fields)}]}).json()
        return str(answer["webhooks"][0]["id"])

    def update_webhook(self, webhook: str, fields: Mapping[str, Any]) -> None:
        """Change a webhook. Give tableId, watchedColIds and isReadyColumn together or not at all.

        Without tableId Grist ignores the other two; with it alone it resets them.
        """
        self.call(f"webhooks/{quote(webhook)}", dict(fields), "PATCH")

    def apply(self, actions: Sequence[Sequence[Any]]) -> list[Any]:
        """Apply user actions as one bundle, all or none, and return what each gave."""
        values: list[Any] = self.call("apply", list(actions)).json()["retValues"]
        return values

    def add_records(self, table: str, records: Sequence[Mapping[str, Any]], chunk_size: int = 200) -> list[int]:
        """Add records (column id → value) and return their row ids."""
        ids: list[int] = []
        for start in range(0, len(records), chunk_size):
            body = {"records": [{"fields": dict(r)} for r in records[start : start + chunk_size]]}
            ids += [r["id"] for r in self.call(f"tables/{quote(table)}/records", body).json()["records"]]
        return ids

    def records_body(self, table: str, row_ids: Collection[int] | None = None) -> bytes:
        """Return the raw JSON of the table's records, `{"records": [{"id", "fields"}]}`: all, or some ids.

        Raw, so that a number keeps its digits until the caller decodes it. At most `MAX_IDS` ids; ids that
        don't exist are left out of the answer.
        """
        if row_ids is not None and len(row_ids) > MAX_IDS:
            raise ValueError(f"{len(row_ids)} row ids in one request; at most {MAX_IDS}")
        chosen = "" if row_ids is None else "?filter=" + quote(json.dumps({"id": sorted(row_ids)}))
        return self.call(f"tables/{quote(table)}/records{chosen}").content

    def records(self, table: str) -> list[Entry]:
        """Read a small table whole; metadata tables (`_grist_Views`) too."""
        return self._list(f"tables/{quote(table)}/records", "records")

    def head(self) -> State:
        """Return the document's newest state."""
        try:
            right = self.compare("HEAD")["right"]
        except GristError as error:
            if error.status != 403:
                raise
            # A key that may not read everything may still list the states.
            right = self.call("states").json()["states"][0]
        return State(right["n"], right["h"])

    def compare(self, left: str, right: str = "HEAD") -> dict[str, Any]:
        """Return what changed between two states (hashes, HEAD, HEAD~), as Grist's `DocStateComparison`.

        Row ids are complete, old and new values only of 10 rows per column. An unknown or forgotten hash
        raises a `GristError` whose `reason` is "Cannot read hash"; a key that may not read everything one
        with status 403.
        """
        answer: dict[str, Any] = self.call(f"compare?left={quote(left)}&right={quote(right)}").json()
        return answer

    def may_read_all(self) -> bool:
        """Tell whether the key's user may read everything in the document: only they may compare states."""
        try:
            self.compare("HEAD")
        except GristError as error:
            if error.status != 403:
                raise
            return False
        return True

    def live(self) -> Live:
        """Open the document's websocket, on the server that has the document. Raises `LiveError`, `GristError`."""
        where = self.call(f"/api/worker/{self.doc_id}", prefix="").json()
        return Live(where.get("docWorkerUrl") or self.server, self.doc_id, self._api_key)

    def _list(self, url: str, key: str) -> list[Any]:
        entries: list[Any] = self.call(url).json()[key]
        return entries
