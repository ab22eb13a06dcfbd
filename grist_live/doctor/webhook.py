"""Grist's webhook to us: is it there, is it right, does it deliver?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from grist_live.access import Access, DeniedError
from grist_live.bootstrap.webhook import EVENTS, FAILING, addresses, recognise
from grist_live.doctor.finding import Finding, Severity, found
from grist_live.doctor.patient import Patient
from grist_live.grist import GristError, Webhook

WAITING, BLOCKING = 100, 500
"""Waiting events that are worth a word, and that come near the 1,000 at which Grist blocks all edits."""


def check_webhook(patient: Patient) -> Iterator[Finding]:
    ours = recognise(patient.job, patient.webhooks())
    if not ours:
        if patient.board.source == "watch":
            return
        severity: Severity = "warning" if patient.reads_all and patient.board.source != "webhook" else "error"
        yield found("webhook-missing", f"no webhook sends to {addresses(patient.job)[0]}", severity)
        return
    wrong = [*_fields(patient, ours[0]), *_usage(ours[0])]
    for webhook in ours[1:]:
        wrong.append(found("webhook-duplicate", f"{name_of(webhook)} is a second webhook to us"))
    yield from wrong
    if not wrong:
        yield found("webhook", f"{name_of(ours[0])} sends to us")


def _fields(patient: Patient, webhook: Webhook) -> Iterator[Finding]:
    fields, board, name = webhook["fields"], patient.board, name_of(webhook)
    if not fields["enabled"]:
        yield found("webhook-disabled", f"{name} is disabled")
    if fields["tableId"] != board.table:
        yield found("webhook-table", f"{name} watches the table {fields['tableId']}, not {board.table}")
    if missing := set(EVENTS) - set(fields["eventTypes"]):
        yield found("webhook-events", f"{name} doesn't send {' nor '.join(sorted(missing))} events")
    if fields.get("isReadyColumn"):
        yield found("webhook-condition", f"{name} waits for {fields['isReadyColumn']}")
    if not _secret_fits(patient, fields.get("authorization") or ""):
        yield found("webhook-secret", f"{name} sends another secret than ours")
    yield from _watched(patient, name, fields)


def _secret_fits(patient: Patient, authorization: str) -> bool:
    try:
        Access(patient.settings.webhook_secret, ()).check_webhook(patient.board, authorization)
    except DeniedError:
        return False
    return True


def _watched(patient: Patient, name: str, fields: dict[str, Any]) -> Iterator[Finding]:
    there = {c["id"] for c in patient.columns()}
    watched = set(fields.get("watchedColIds") or ())
    missing = sorted(set(patient.board.watched) & there - watched)
    if not watched:
        yield found("webhook-columns", f"{name} watches every column")
    elif missing:
        yield found("webhook-columns", f"{name} doesn't watch {', '.join(missing)}", "error")


def _usage(webhook: Webhook) -> Iterator[Finding]:
    usage = webhook.get("usage") or {}
    if webhook["fields"]["enabled"] and usage.get("status") in FAILING:
        yield found("webhook-failing", f"{name_of(webhook)} fails: {_why(usage)}")


def check_queue(patient: Patient) -> Iterator[Finding]:
    """Look at all webhooks of the document: they share one queue, first in, first out."""
    webhooks = patient.webhooks()
    ours = recognise(patient.job, webhooks)[:1]
    for webhook in webhooks:
        usage = webhook.get("usage") or {}
        if webhook not in ours and webhook["fields"]["enabled"] and usage.get("status") in FAILING:
            yield found("webhook-blocked", f"{name_of(webhook)} fails ({_why(usage)}) and holds up the others")
    waiting = sum((w.get("usage") or {}).get("numWaiting", 0) for w in webhooks)
    if waiting >= WAITING:
        severity: Severity = "error" if waiting >= BLOCKING else "warning"
        yield found("webhook-waiting", f"{waiting} events wait to be sent", severity)


def _why(usage: dict[str, Any]) -> str:
    return str(usage.get("lastErrorMessage") or usage.get("lastHttpStatus") or usage["status"])[:200]


def check_domain(patient: Patient) -> Iterator[Finding]:
    """Ask for a webhook that Grist never makes, as it has no events: a forbidden address is what it says first."""
    patient.webhooks()
    url = addresses(patient.job)[0]
    try:
        patient.document.add_webhook({"url": url, "eventTypes": [], "tableId": patient.board.table})
    except GristError as error:
        if "url is forbidden" in error.reason:
            yield found("webhook-domain", f"Grist may not send to {urlsplit(url).netloc}")
        elif error.status != 400:
            raise


def name_of(webhook: Webhook) -> str:
    fields = webhook["fields"]
    return f'webhook "{fields["name"] or webhook["id"]}" ({urlsplit(fields["url"]).netloc})'
