"""Outbound: all HTTP that we send to others than Grist. Its errors say whether a retry helps.

Nothing is followed to another address, no answer is read without end, and no header stands in a message.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import requests

CONNECT, SILENCE, TOTAL = 3.05, 10.0, 20.0
"""Seconds for a connection, between two bytes, and for the whole answer."""
MOST = 1_000_000
LONGEST_WAIT = 3600.0
"""The longest time, in seconds, for which somebody else may tell us to wait."""


class OutboundError(Exception):
    """Something could not be sent; the message is for the operator who will read it.

    `permanent`: a retry can't help. `whole`: it concerns the outlet, not this message. `wait`: seconds that the other
    side asked for. `limited`: that is all, nothing is wrong.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        whole: bool = False,
        wait: float | None = None,
        limited: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent, self.whole, self.wait, self.limited = permanent, whole, wait, limited


class Reply(NamedTuple):
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the JSON object that was answered, {} when it is none."""
        try:
            found = msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return {}
        return found if isinstance(found, dict) else {}

    def wait(self) -> float | None:
        """Return the seconds of `Retry-After`, which may be a number or a date."""
        text = self.headers.get("Retry-After", "")
        try:
            seconds = float(text) if text.strip().isdigit() else parsedate_to_datetime(text).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
        return min(max(seconds, 0.0), LONGEST_WAIT)


class Outbound:
    """Sends requests; one per thread, for its connections are kept."""

    def __init__(self) -> None:
        self._session = requests.Session()

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
        """Send a request and read the answer, whatever its status. Raises `OutboundError` when there is none."""
        host = urlsplit(url).netloc
        began = time.monotonic()
        try:
            with self._session.request(
                method,
                url,
                headers=headers,
                data=body,
                auth=_as_given,
                timeout=(CONNECT, SILENCE),
                allow_redirects=False,
                stream=True,
            ) as answer:
                parts, size = [], 0
                for part in answer.iter_content(65_536):
                    parts.append(part)
                    size += len(part)
                    if size > MOST or time.monotonic() - began > TOTAL:
                        raise OutboundError(f"{host} answers without end", whole=True)
                return Reply(answer.status_code, answer.headers, b"".join(parts))
        except requests.exceptions.SSLError as error:
            hint = "check the name and the certificate; for an authority of your own set REQUESTS_CA_BUNDLE"
            raise OutboundError(f"{host}: no safe connection ({_cause(error)}); {hint}", whole=True) from None
        except (requests.exceptions.ConnectionError, requests.exceptions.ConnectTimeout) as error:
            raise OutboundError(f"{host} can't be reached ({_cause(error)})", whole=True) from None
        except requests.exceptions.Timeout:
            raise OutboundError(f"{host} did not answer within {SILENCE:g} s") from None
        except requests.RequestException as error:
            permanent = isinstance(error, ValueError)  # no address at all
            raise OutboundError(f"{host or url}: {_cause(error)}", permanent=permanent) from None

    def close(self) -> None:
        self._session.close()


def check(reply: Reply, host: str) -> None:
    """Raise what a status means when nobody knows more about it: 5xx and 429 may pass, the rest doesn't."""
    if reply.status < 300:
        return
    if reply.status == 429:
        raise OutboundError(f"{host} asks us to send less (429)", whole=True, wait=reply.wait() or 5.0, limited=True)
    if reply.status in (502, 503, 504):
        raise OutboundError(f"{host} is not there now (HTTP {reply.status})", whole=True, wait=reply.wait())
    if reply.status < 400:
        where = reply.headers.get("Location", "elsewhere").partition("?")[0]
        raise OutboundError(f"{host} sends us to {where}: correct the address", permanent=True)
    raise OutboundError(f"{host} answers HTTP {reply.status}", permanent=reply.status < 500)


def _as_given(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the headers alone: without this, requests replaces Authorization by what ~/.netrc says of the host."""
    return request


def _cause(error: BaseException) -> str:
    """Name what lies under a library's error, in a few words."""
    reason = getattr(error.args[0] if error.args else None, "reason", None) or error
    inner = getattr(reason, "__cause__", None) or reason
    text = getattr(inner, "strerror", None) or str(inner).rpartition(": ")[2]
    return text[:200]
