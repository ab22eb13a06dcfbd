"""The page with our widget: is it there, and does it point to us?"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from grist_live.bootstrap.page import Section, dashboards
from grist_live.doctor.finding import Finding, found
from grist_live.doctor.patient import Patient


def check_page(patient: Patient) -> Iterator[Finding]:
    ours = dashboards(patient.job)
    if not ours:
        yield found("page-missing", f"no page of the document shows our widget for {patient.board.table}")
    for section in ours:
        wrong = list(_widget(patient, section))
        yield from wrong
        if not any(f.severity == "error" for f in wrong):
            yield found("page", f'page "{section.page_name}" shows our widget')


def _widget(patient: Patient, section: Section) -> Iterator[Finding]:
    base, options = patient.settings.url, section.view.get("widgetOptions") or {}
    name = f'the widget on "{section.page_name}"'
    wanted = f"{base}/boards/{patient.board.name}/stream"
    stream = options.get("stream")
    published = patient.board.widget
    if not (section.view.get("widgetId") or section.url.startswith(f"{base}/") or section.url == published):
        wanted_host = _host(published or base)
        yield found("page-elsewhere", f"{name} comes from {_host(section.url)}, not from {wanted_host}")
    elif stream != wanted:
        yield found("page-elsewhere", f"{name} reads {_path(stream)}, not {wanted}")
    if patient.board.access == "token" and not patient.job.token_ok(str(options.get("token") or "")):
        yield found("page-token", f"{name} has no token that opens the board")
    full = section.view.get("access") == "full"
    if patient.board.access == "grist" and not full:
        yield found("page-limited", f"{name} may not ask Grist for tokens")
    elif full and patient.board.access != "grist":
        yield found("page-full", f"{name} has full access")


def _host(url: str) -> str:
    return urlsplit(url).netloc or "nowhere"


def _path(url: object) -> str:
    """Name a stream's address without what stands after ?, which may be a token."""
    return str(url).split("?")[0] if url else "no stream"
