"""Findings: all that the doctor can say, each with its id, how bad it is, what it means and what to do.

The page of the docs is generated from this table, and each kind has its test.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["ok", "info", "warning", "error"]
SIGNS: dict[Severity, str] = {"ok": "=", "info": "i", "warning": "!", "error": "✗"}


@dataclass(frozen=True)
class Kind:
    """What a finding with this id means, and what to do about it ("" where nothing is wrong)."""

    severity: Severity
    meaning: str
    hint: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing that the doctor saw; the message tells of this document and this server."""

    id: str
    severity: Severity
    message: str
    hint: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)

    def __str__(self) -> str:
        """Write it as lines for a terminal."""
        line = f"{SIGNS[self.severity]} {self.message} [{self.id}]"
        return f"{line}\n    → {self.hint}" if self.hint else line


KINDS: dict[str, Kind] = {
    # configuration
    "configuration": Kind("ok", "The configuration can be read and holds together."),
    "configuration-problem": Kind(
        "warning",
        "A setting is wrong or missing; an error keeps the server from starting.",
        "Do what the message says; `python -m grist_live config` shows all settings.",
    ),
    # Redis
    "redis": Kind("ok", "Redis answers, is recent enough, keeps what it is given and writes it to disk."),
    "redis-away": Kind(
        "error", "Redis doesn't answer: nothing is stored, nothing new is shown.", "Start Redis, or correct redis_url."
    ),
    "redis-old": Kind("error", "Redis is older than 6.2.", "Install Redis 6.2 or later, or Valkey."),
    "redis-evicts": Kind(
        "error",
        "Redis throws keys away when its memory is full: rows would vanish without a word. A warning while there is "
        "no limit.",
        "Set maxmemory-policy to noeviction in redis.conf; a cache belongs in another Redis.",
    ),
    "redis-full": Kind(
        "warning",
        "More than 90 % of the memory that Redis may use is in use; when it is full, changes are refused.",
        "Raise maxmemory, or lower history_days and history_max of the boards.",
    ),
    "redis-forgets": Kind(
        "warning",
        "Redis writes nothing to disk: after its restart the history is lost, and viewers start anew.",
        "Set appendonly yes in redis.conf.",
    ),
    "redis-save-failing": Kind(
        "error",
        "Redis can't write to its disk; it then refuses changes.",
        "Look at Redis's log: a full disk, or a folder that it may not write to.",
    ),
    "redis-replica": Kind(
        "error", "This Redis is a copy of another one and takes no changes.", "Give the address of its primary."
    ),
    # processes
    "processes": Kind("ok", "The web and the work process run."),
    "web-missing": Kind(
        "error", "No web process tells that it lives: nobody is served.", "Start `python -m grist_live serve`."
    ),
    "work-missing": Kind(
        "error",
        "No work process tells that it lives: nothing is compared with Grist, nothing is watched, no alert is sent.",
        "Start `python -m grist_live serve`, or `python -m grist_live work` beside your own gunicorn.",
    ),
    # key and document
    "document": Kind("ok", "Grist answers, and the key opens the document."),
    "document-unset": Kind(
        "error",
        "The board names no document.",
        "Run `python -m grist_live bootstrap DOC_ID`, or set boards.<name>.doc.",
    ),
    "document-not-found": Kind(
        "error", "The server has no such document.", "Check doc and grist_url; look in the trash of Grist."
    ),
    "grist-away": Kind("error", "Grist can't be reached from here.", "Check grist_url, the network, the certificate."),
    "grist-fails": Kind(
        "error",
        "Something answers at grist_url, but not as Grist should.",
        "Check grist_url: a login page or another service; else try again later.",
    ),
    "key-missing": Kind(
        "warning",
        "There is no API key: deletions and what happened while we were away stay unseen.",
        "Set GRIST_API_KEY, or write the key to ~/.grist-api-key (Grist: Profile settings, API).",
    ),
    "key-refused": Kind(
        "error",
        "Grist refuses the API key: it was replaced, or deleted.",
        "Make a new key in Grist: Profile settings, API.",
    ),
    "key-no-access": Kind(
        "error", "The key's user may not see the document.", "Let an owner share the document with that user."
    ),
    "role": Kind("ok", "The key's user is an owner: everything can be checked."),
    "role-limited": Kind(
        "info",
        "The key's user is no owner. That is enough to read and to watch; webhooks can't be seen, nor changed by "
        "bootstrap.",
        "For a full check, run this once with an owner's key.",
    ),
    "reads-all": Kind("ok", "The key may read everything: the document can be watched, and compared cheaply."),
    "reads-partly": Kind(
        "warning",
        "Access rules hide something from the key's user: hidden rows look as if they were deleted, and the document "
        "can't be watched.",
        "Use the key of a user who may read the whole document.",
    ),
    "clock": Kind("ok", "Our clock and Grist's agree."),
    "clock-skew": Kind(
        "warning",
        "Our clock and Grist's differ by more than 5 s: times of changes are wrong, tokens end too early or too late.",
        "Set the clock by NTP on both machines.",
    ),
    # table
    "table": Kind("ok", "The table is there."),
    "table-missing": Kind(
        "error",
        "The document has no such table: it was renamed or removed, or is another document's.",
        "Set boards.<name>.table, or run bootstrap.",
    ),
    "columns": Kind("ok", "All columns of the board are there, with fitting types."),
    "column-missing": Kind(
        "error", "A column of the board isn't in the table.", "Run bootstrap, or set boards.<name>.column_ids."
    ),
    "column-renamed": Kind(
        "error",
        "A column of the board is there under another id, so its values don't arrive.",
        "Run bootstrap, which notes the id, or set boards.<name>.column_ids.",
    ),
    "column-type": Kind(
        "warning",
        "A column has a type whose values aren't what one sees in Grist, or can't be sorted.",
        "Change the type in Grist, or add a formula column with the text and name it in column_ids.",
    ),
    "now-formula": Kind(
        "warning",
        "A formula column of the table uses NOW() or TODAY(): every hour, and whenever the document is opened, every "
        "row changes and is sent.",
        "Make it a trigger column, or leave it out of the webhook's columns.",
    ),
    "updated-at": Kind(
        "warning",
        "No column tells when a row was changed, so a webhook that comes late can't be recognised.",
        "Make it a trigger column: formula NOW(), applied on any change to the record; bootstrap does it.",
    ),
    # webhook
    "webhook": Kind("ok", "The webhook to us is there, enabled, and delivers."),
    "webhook-missing": Kind(
        "warning",
        "No webhook of the table sends to our address: an error where the document can't be watched, nothing wrong "
        "where the board's source is watch.",
        "Run bootstrap.",
    ),
    "webhook-disabled": Kind(
        "error", "The webhook to us is disabled.", "Enable it in Grist: Document settings, Webhooks; or run bootstrap."
    ),
    "webhook-duplicate": Kind(
        "warning",
        "Several webhooks send the same table to us: every change is sent as often.",
        "Delete all but one in Grist: Document settings, Webhooks.",
    ),
    "webhook-secret": Kind(
        "error", "The webhook sends a secret that isn't ours, so we refuse what it brings.", "Run bootstrap."
    ),
    "webhook-table": Kind("error", "The webhook to this board watches another table.", "Run bootstrap."),
    "webhook-events": Kind("error", "The webhook doesn't send both new and changed rows.", "Run bootstrap."),
    "webhook-condition": Kind(
        "warning", "The webhook sends only rows whose ready column is true.", "Run bootstrap, which sends every row."
    ),
    "webhook-columns": Kind(
        "warning",
        "The webhook watches every column, or not all of the board's: it sends for nothing, or not at all. An error if "
        "some are missing.",
        "Run bootstrap, which sets the watched columns.",
    ),
    "webhook-failing": Kind(
        "error",
        "Grist can't deliver to us; it tries again, and everything of the document waits behind.",
        "Start the server; check public_url, certificates and firewalls on Grist's side.",
    ),
    "webhook-waiting": Kind(
        "warning",
        "Many events wait to be sent; an error from 500 on: at 1,000 Grist blocks all edits of the document.",
        "Repair the receiver, or clear the queue in Grist: Document settings, Webhooks.",
    ),
    "webhook-blocked": Kind(
        "error",
        "Another webhook of the document fails, and ours waits behind it: Grist sends one at a time.",
        "Repair or disable the other one in Grist: Document settings, Webhooks.",
    ),
    "webhook-domain": Kind(
        "error",
        "Grist may not send to our address (ALLOWED_WEBHOOK_DOMAINS): new webhooks are refused, existing ones silently "
        "drop what they should send.",
        "Whoever runs Grist adds our host to ALLOWED_WEBHOOK_DOMAINS; plain http only works for localhost:PORT.",
    ),
    # our address
    "address": Kind("ok", "Our public address answers, and it is us."),
    "address-local": Kind(
        "error",
        "Our address only works on this machine, and Grist is on another.",
        "Set public_url to our address as Grist and browsers see it.",
    ),
    "address-private": Kind(
        "warning",
        "Our address is one of a private network, and Grist's is public: it can hardly send to us.",
        "Give us a public name, or watch the document, which needs no way in.",
    ),
    "address-unresolved": Kind(
        "error", "The name in public_url leads to no address.", "Correct public_url, or the DNS."
    ),
    "address-plain": Kind(
        "warning",
        "Our address is plain http: secrets can be read on the way, and an https Grist can't load the widget.",
        "Put a proxy with https in front, and set public_url.",
    ),
    "address-silent": Kind(
        "error",
        "Nothing answers at our public address, as seen from here.",
        "Start the server, check the proxy in front of it, and public_url.",
    ),
    "address-other": Kind(
        "error",
        "Something else answers at our public address, or without this board.",
        "Check public_url and the proxy's paths; restart the server after a change of the configuration.",
    ),
    "stream": Kind("ok", "Our public stream greets at once and stays open."),
    "stream-refused": Kind(
        "error", "Our public address doesn't open the stream.", "Check the proxy's paths, and token_keys."
    ),
    "stream-held": Kind(
        "error",
        "The stream opens, but nothing comes through: a proxy holds it back.",
        "Turn buffering off for it: nginx proxy_buffering off; deploy/ has examples.",
    ),
    "stream-cut": Kind(
        "error",
        "The stream is cut while it is quiet: a proxy's time limit is shorter than our heartbeat.",
        "Raise the limit (nginx: proxy_read_timeout 1h), or lower heartbeat.",
    ),
    "stream-quiet": Kind(
        "warning",
        "The stream greets, but no ping came in time: a proxy may collect small pieces.",
        "Turn buffering and compression off for the stream.",
    ),
    # websocket
    "websocket": Kind("ok", "The document's websocket opens: edits arrive at once, with deletions and authors."),
    "websocket-missing": Kind(
        "warning",
        "The document's websocket can't be used: edits arrive by webhook alone. An error where the board's source is "
        "watch.",
        "Let the proxy in front of Grist pass websockets (Upgrade); Grist needs to be 1.7.13 or later.",
    ),
    "source": Kind("ok", "The work process takes the changes in as the board's source says."),
    "source-deaf": Kind(
        "warning",
        "The work process doesn't hear the document's actions: edits arrive by webhook alone.",
        "Do what the finding on the websocket says; if there is none, wait five minutes or restart the work process.",
    ),
    "source-failing": Kind(
        "error",
        "The work process can't read the document.",
        "Do what the findings on Grist and the key say; else look at `python -m grist_live logs work`.",
    ),
    # page
    "page": Kind("ok", "A page of the document shows our widget."),
    "page-missing": Kind("warning", "No page of the document shows our widget.", "Run bootstrap."),
    "page-elsewhere": Kind(
        "error", "The widget on the page, or its stream, belongs to another address than ours.", "Run bootstrap."
    ),
    "page-token": Kind(
        "error", "The widget's viewer token doesn't open the board: it ended, or its key was removed.", "Run bootstrap."
    ),
    "page-limited": Kind(
        "error",
        "The board's access is grist, for which the widget needs full access in Grist.",
        "Run bootstrap with --access full, or give the board access = token.",
    ),
    "page-full": Kind(
        "info",
        "The widget has full access: it may do in the document whatever its reader may.",
        "Set the access to read table in Grist unless you need it.",
    ),
    # the doctor itself
    "check-failed": Kind(
        "warning", "A check could not be made; the others were.", "See the message; run the doctor again later."
    ),
}
"""All kinds, in the order of the docs."""


def found(id: str, message: str, severity: Severity | None = None, hint: str = "") -> Finding:
    """Make a finding of a kind; severity and hint are the kind's unless they are given."""
    kind = KINDS[id]
    return Finding(id, severity or kind.severity, message, hint or kind.hint)
