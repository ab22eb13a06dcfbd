"""The document's own websocket: may we watch?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import websocket

from grist_live.doctor.finding import Finding, found
from grist_live.doctor.patient import Patient, Unknown

QUERY = "/?clientId=0&counter=0&newClient=1&browserSettings=%7B%7D"


def check_websocket(patient: Patient) -> Iterator[Finding]:
    if not patient.reads_all:
        raise Unknown  # it wouldn't be watched
    document = patient.document
    began = time.perf_counter()
    try:
        refused = _open(document.server, document.doc_id, patient.settings.grist_api_key, patient.timeout)
    except (websocket.WebSocketException, OSError, ValueError) as error:
        refused = (str(error).splitlines() or [""])[0] or type(error).__name__
    if refused:
        yield found("websocket-missing", f"no websocket at {document.server}: {refused[:200]}")
    else:
        yield found("websocket", f"the document's websocket answers in {(time.perf_counter() - began) * 1000:.0f} ms")


def _open(server: str, doc_id: str, key: str, timeout: float) -> str:
    """Open the document and close it again; return why it was refused, or ""."""
    connection: Any = websocket.create_connection(
        server.replace("http", "ws", 1) + QUERY,
        header=[f"Authorization: Bearer {key}"],
        timeout=timeout,
        suppress_origin=True,
        redirect_limit=0,
    )
    try:
        end = time.monotonic() + timeout
        _await(connection, "type", "clientConnect", end)  # what is sent before it is lost
        connection.send(json.dumps({"reqId": 1, "method": "openDoc", "args": [doc_id]}))
        return str(_await(connection, "reqId", 1, end).get("error") or "")
    finally:
        connection.close()
        connection.shutdown()  # close() leaves the socket open once the other side has closed


def _await(connection: Any, key: str, value: object, end: float) -> dict[str, Any]:
    while time.monotonic() < end:
        message = json.loads(connection.recv())
        if isinstance(message, dict) and message.get(key) == value:
            return message
    raise TimeoutError("no answer came")
