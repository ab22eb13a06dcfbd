"""Our public address: can Grist and browsers reach it, and does it lead to us?"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterator
from typing import Literal

import requests

from grist_live.doctor.finding import Finding, found
from grist_live.doctor.patient import Patient, host_of

Place = Literal["local", "private", "public", "nowhere"]


def check_address(patient: Patient) -> Iterator[Finding]:
    url, grist = patient.settings.url, patient.settings.grist_url
    here, there = place_of(host_of(url), patient.timeout), place_of(host_of(grist), patient.timeout)
    wrong: list[Finding] = []
    if here == "nowhere":
        yield found("address-unresolved", f"{host_of(url)} in {url} leads to no address")
        return
    if here == "local" and there != "local":
        wrong.append(found("address-local", f"our address {url} only works on this machine, not for {grist}"))
    elif here == "private" and there == "public":
        wrong.append(found("address-private", f"our address {url} is one of a private network, {grist} is public"))
    if url.startswith("http:") and here != "local":
        wrong.append(found("address-plain", f"our address {url} is plain http"))
    wrong += _who_answers(patient)
    yield from wrong
    if not wrong:
        yield found("address", f"we answer at {url}")


def _who_answers(patient: Patient) -> Iterator[Finding]:
    url = patient.settings.url
    try:
        answer = requests.get(f"{url}/health", timeout=patient.timeout, allow_redirects=False)
    except requests.RequestException as error:
        yield found("address-silent", f"nothing answers at {url}: {type(error).__name__}")
        return
    try:
        boards = answer.json().get("boards")
    except (ValueError, AttributeError):
        yield found("address-other", f"{url}/health doesn't answer as we do (status {answer.status_code})")
        return
    if boards is not None and patient.board.name not in boards:
        yield found("address-other", f"the server at {url} has no board {patient.board.name}")
    elif boards is None and "problems" not in answer.json():
        yield found("address-other", f"{url}/health doesn't answer as we do (status {answer.status_code})")


def place_of(host: str, timeout: float) -> Place:
    """Tell where a host is, by its addresses."""
    if host in ("0.0.0.0", "::", "localhost") or host.endswith(".localhost"):
        return "local"
    addresses = [ipaddress.ip_address(a.split("%")[0]) for a in _resolve(host, timeout)]
    if not addresses:
        return "nowhere"
    if all(a.is_loopback for a in addresses):
        return "local"
    return "public" if any(a.is_global for a in addresses) else "private"


def _resolve(host: str, timeout: float) -> list[str]:
    """Look a name up; the system's own time limit may be half a minute."""
    answers: list[str] = []

    def look() -> None:
        try:
            answers.extend(str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            pass

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(timeout)
    return list(answers)
