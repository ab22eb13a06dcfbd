"""Grist's webhook to us: found or created, repaired, and what stands in its way."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from grist_live.bootstrap.plan import Job, Plan
from grist_live.grist import GristError, Webhook

EVENTS = ["add", "update"]
FAILING = ("retrying", "postponed", "error", "invalid")
MANY_WAITING = 500
"""Grist blocks edits of the document at 1,000 waiting events."""
WHERE = "in Grist, Document settings, Webhooks"


def addresses(job: Job) -> list[str]:
    """Return the addresses that reach this board, the one that a new webhook gets first."""
    own = f"{job.settings.url}/webhook/{job.board.name}"
    if job.board.name == job.settings.default_board:
        return [f"{job.settings.url}/webhook/grist-realtime", own]
    return [own]


def look(job: Job, plan: Plan) -> None:
    """Find our webhook, say what stands in its way, and plan what is missing."""
    if job.board.source == "watch":
        plan.note("ok", "no webhook: the document's websocket tells every edit (source)")
        return
    _look_at_address(job, plan)
    webhooks = job.document.webhooks()
    ours = recognise(job, webhooks)
    name = f'webhook "{job.board.webhook}"'
    if not ours:
        plan.note("add", f"{name} to {addresses(job)[0]}")
        plan.step(f"created the {name}", lambda: _create(job))
    else:
        changes = _changes(job, ours[0])
        plan.note("repair" if changes else "ok", f"{name}{': ' if changes else ''}{', '.join(changes)}")
        if changes:
            plan.step(f"repaired the {name}", lambda: _repair(job, ours[0]))
    for webhook in ours[1:]:
        plan.note(
            "trap",
            f"{_name(webhook)} is a second webhook to here: every change is sent twice",
            f"Delete it {WHERE}",
        )
    _look_at_queue(webhooks, ours[:1], plan)


def recognise(job: Job, webhooks: list[Webhook]) -> list[Webhook]:
    """Return ours, the one to keep first: by address, or by name on our table; enabled before disabled."""
    to_us = addresses(job)
    ours = [w for w in webhooks if w["fields"]["url"] in to_us]
    ours += [
        w
        for w in webhooks
        if w not in ours and w["fields"]["name"] == job.board.webhook and w["fields"]["tableId"] == job.board.table
    ]
    return sorted(ours, key=lambda w: (w["fields"]["url"] not in to_us, not w["fields"]["enabled"]))


def _fields(job: Job) -> dict[str, Any]:
    """Return all that must be right, for one PATCH: it resets watchedColIds and isReadyColumn if one lacks."""
    return {
        "url": addresses(job)[0],
        "authorization": f"Bearer {job.settings.webhook_secret[0]}",
        "eventTypes": EVENTS,
        "tableId": job.board.table,
        "watchedColIds": job.watched,
        "isReadyColumn": None,
        "enabled": True,
    }


def _changes(job: Job, webhook: Webhook) -> list[str]:
    """Say what is wrong with it, without secrets."""
    now, wanted = webhook["fields"], _fields(job)
    changes = []
    if now["url"] not in addresses(job):
        changes.append(f"address {now['url']} → {wanted['url']}")
    if now.get("authorization") != wanted["authorization"]:
        changes.append("another secret → ours")
    if set(now["eventTypes"]) != set(EVENTS):
        changes.append(f"events {', '.join(now['eventTypes'])} → {', '.join(EVENTS)}")
    if now["tableId"] != wanted["tableId"]:
        changes.append(f"table {now['tableId']} → {wanted['tableId']}")
    if set(now.get("watchedColIds") or ()) != set(job.watched):
        watched = ", ".join(now.get("watchedColIds") or ["every column"])
        changes.append(f"watches {watched} → {', '.join(job.watched)}")
    if now.get("isReadyColumn"):
        changes.append(f"waits for {now['isReadyColumn']} → sends every row")
    if not now["enabled"]:
        changes.append("disabled → enabled")
    return changes


def _create(job: Job) -> None:
    _send(job, lambda fields: job.document.add_webhook({"name": job.board.webhook, **fields}))


def _repair(job: Job, webhook: Webhook) -> None:
    def patch(fields: dict[str, Any]) -> None:
        if webhook["fields"]["url"] in addresses(job):
            fields["url"] = webhook["fields"]["url"]
        job.document.update_webhook(webhook["id"], fields)
        if webhook["fields"]["tableId"] != job.board.table:
            # With another table Grist forgets watchedColIds in that very request.
            job.document.update_webhook(webhook["id"], fields)

    _send(job, patch)


def _send(job: Job, send: Any) -> None:
    try:
        send(_fields(job))
    except GristError as error:
        if "url is forbidden" not in error.reason:
            raise
        raise GristError(
            f"Grist may not send to {addresses(job)[0]}: {_remedy(job.settings.url)}; then run this again, "
            "all else is done",
            permanent=True,
            status=error.status,
            reason=error.reason,
        ) from None


def _remedy(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname != "localhost":
        local = f", or http://localhost:{parts.port or 80} on the same machine" if _loopback(url) else ""
        return (
            f"whoever runs it sets ALLOWED_WEBHOOK_DOMAINS; plain http is refused (unless that is *), so set "
            f"public_url to an https address{local}"
        )
    return f"whoever runs it adds {parts.netloc} to ALLOWED_WEBHOOK_DOMAINS"


def _look_at_address(job: Job, plan: Plan) -> None:
    url, hint = job.settings.url, "Set public_url (GRIST_LIVE_PUBLIC_URL) to our address as Grist sees it"
    host = urlsplit(url).hostname or ""
    if host in ("0.0.0.0", "::") or (_loopback(url) and not _loopback(job.document.server)):
        plan.note("trap", f"our address {url} only works on this machine, not for {job.document.server}", hint)
    elif url.startswith("http:") and not _loopback(url):
        plan.note(
            "trap",
            f"our address {url} is plain http: the secret and the data can be read on the way, and a page of "
            "an https Grist can't load the widget",
            "Put a proxy with https in front, and set public_url",
        )


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _look_at_queue(webhooks: list[Webhook], ours: list[Webhook], plan: Plan) -> None:
    """Name what holds the queue up: Grist sends one request at a time, for all webhooks of the document."""
    for webhook in webhooks:
        usage = webhook.get("usage") or {}
        if webhook["fields"]["enabled"] and usage.get("status") in FAILING:
            why = usage.get("lastErrorMessage") or usage.get("lastHttpStatus") or usage["status"]
            if webhook in ours:
                plan.note("trap", f"our webhook fails ({why})", "Start the server, and check public_url")
            else:
                plan.note(
                    "trap",
                    f"{_name(webhook)} fails ({why}) and holds up all webhooks of the document",
                    f"Repair or disable it {WHERE}",
                )
    waiting = sum((w.get("usage") or {}).get("numWaiting", 0) for w in webhooks)
    if waiting >= MANY_WAITING:
        plan.note(
            "trap",
            f"{waiting} events wait to be sent: at 1,000 Grist blocks all edits of the document",
            f"Repair the receiver, or clear the queue {WHERE}",
        )


def _name(webhook: Webhook) -> str:
    fields = webhook["fields"]
    return f'webhook "{fields["name"] or webhook["id"]}" ({urlsplit(fields["url"]).netloc})'
