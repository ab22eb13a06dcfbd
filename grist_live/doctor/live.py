"""How changes come in: may the document be watched, and does the work process hear it?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from grist_live import health
from grist_live.doctor.finding import Finding, Severity, found
from grist_live.doctor.patient import Patient, Unknown
from grist_live.doctor.store import living
from grist_live.grist import GristError, LiveError


def check_websocket(patient: Patient) -> Iterator[Finding]:
    source = patient.board.source
    if source == "webhook" or not patient.reads_all:
        raise Unknown  # it isn't watched
    document = patient.document
    began = time.perf_counter()
    try:
        document.live().close()
    except (LiveError, GristError) as error:
        severity: Severity = "error" if source == "watch" else "warning"
        yield found("websocket-missing", str(error)[:300], severity)
        return
    yield found("websocket", f"the document's websocket answers in {(time.perf_counter() - began) * 1000:.0f} ms")


def check_source(patient: Patient) -> Iterator[Finding]:
    """Tell what the work process says of the board."""
    work = {name.decode(): json.loads(state) for name, state in living(patient)[1].items()}
    if not work:
        raise Unknown
    how = health.source(patient.board, work, bool(patient.settings.grist_api_key and patient.board.doc))
    if how.get("error"):
        yield found("source-failing", f"the work process can't read the document: {how['error']}")
    elif how["kind"] == "webhook only":
        if not how["why"]:
            raise Unknown  # it has just begun
        yield found("source-deaf", f"the work process hears no actions: {how['why']}")
    else:
        yield found("source", f"changes come in by {how['kind']}")
