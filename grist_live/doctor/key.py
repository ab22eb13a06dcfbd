"""Grist, the key and its role: what may we do there?"""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from grist_live.doctor.finding import Finding, found
from grist_live.doctor.patient import Patient, Unknown
from grist_live.grist import GristError

SKEW = 5.0
"""Seconds by which clocks may differ; a Date header tells whole ones."""


def check_key(patient: Patient) -> Iterator[Finding]:
    """Look at what every other question to Grist depends on, and at the clock by the way."""
    settings, board = patient.settings, patient.board
    if not board.doc:
        yield found("document-unset", f"board {board.name} names no document")
    if not settings.grist_api_key:
        yield found("key-missing", "there is no API key")
    if patient.closed:
        return
    try:
        document = patient.document
    except GristError as error:
        patient.closed = True
        yield found("document-not-found", str(error))
        return
    asked = patient.clock()
    try:
        answer = document.call("", prefix=f"/api/docs/{board.doc}")
    except GristError as error:
        patient.closed = True
        yield _refusal(error)
        return
    about = answer.json()
    yield found("document", f'document "{about.get("name", board.doc)}" on {settings.grist_url}')
    yield from _clock(answer.headers.get("Date", ""), asked, patient.clock())
    yield from _role(patient, str(about.get("access") or ""))


def _refusal(error: GristError) -> Finding:
    text = str(error)
    if error.status is None:
        return found("grist-away", text)
    known = {401: "key-refused", 403: "key-no-access", 404: "document-not-found"}
    id = known.get(error.status, "grist-fails") if error.reason else "grist-fails"
    return found(id, text)


def _clock(date: str, asked: float, answered: float) -> Iterator[Finding]:
    try:
        there = parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return
    # The header was written within the second that it names, somewhere between question and answer.
    ahead = there - answered
    behind = asked - (there + 1)
    skew = max(ahead, behind)
    if skew > SKEW:
        where = "ahead of" if ahead > behind else "behind"
        yield found("clock-skew", f"Grist's clock is about {skew:.0f} s {where} ours")
    else:
        yield found("clock", "our clock and Grist's agree")


def _role(patient: Patient, role: str) -> Iterator[Finding]:
    patient.is_owner = role == "owners"
    if patient.is_owner:
        yield found("role", "the key's user is an owner of the document")
    else:
        yield found("role-limited", f"the key's user is no owner of the document, but one of its {role or 'readers'}")


def check_reading(patient: Patient) -> Iterator[Finding]:
    """Grist compares documents only for those who may read everything."""
    try:
        patient.document.compare("HEAD")
    except GristError as error:
        if error.status not in (403, 404):
            raise
        yield found("reads-partly", f"the key may not read the whole document ({error.reason or error.status})")
        return
    except KeyError:
        raise Unknown from None
    patient.reads_all = True
    yield found("reads-all", "the key may read the whole document")
