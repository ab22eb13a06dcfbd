"""What went wrong with Grist, in one line that says what to do, and whether a retry helps."""

from __future__ import annotations

import json

import requests
from urllib3.exceptions import NewConnectionError

from grist_live.errors import UserError

LONGEST_RETRY_AFTER = 60.0


class GristError(UserError):
    """Grist can't or won't. The message is one line for the operator; `permanent`: a retry won't help.

    `status` is the HTTP status, None when there was no answer; `reason` is Grist's own text, "" without
    one.
    """

    def __init__(self, message: str, permanent: bool = False, status: int | None = None, reason: str = "") -> None:
        super().__init__(" ".join(message.split()))
        self.permanent, self.status, self.reason = permanent, status, reason


def no_answer(error: requests.RequestException, server: str) -> GristError:
    """Explain why there was no answer at all."""
    if isinstance(error, requests.exceptions.SSLError):
        return GristError(
            f"the certificate of {server} isn't trusted: correct it, or name its authority's file in "
            f"REQUESTS_CA_BUNDLE ({error})",
            permanent=True,
        )
    if isinstance(error, requests.Timeout):
        return GristError(f"Grist at {server} doesn't answer in time: try again later, or look at the server")
    if isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return GristError(f"Grist at {server} can't be reached: check the address, the network, and that it runs")
    return GristError(f"{server!r} can't be asked ({error}): write it as https://host[/o/team]", permanent=True)


def is_answer(response: requests.Response) -> bool:
    """Tell whether this is success, and JSON: a login page or a proxy may answer 200, too."""
    return response.ok and not response.is_redirect and "json" in response.headers.get("Content-Type", "")


def refusal(response: requests.Response, server: str, doc: str) -> GristError:
    """Explain an answer that `is_answer` refused."""
    status, where = response.status_code, f"document {doc} on {server}"
    if response.is_redirect:
        # Following would turn a POST into a GET, and drop the key at another host.
        return GristError(
            f"{server} redirects to {response.headers['Location']}: give Grist's own address (https?), "
            "not one that forwards or wants a login",
            permanent=True,
            status=status,
        )
    reason = _reason(response)
    if response.ok or (status in (401, 403, 404) and not reason):
        return GristError(
            f"{server} doesn't answer as Grist does (status {status}; a login page, a proxy?): check the address",
            permanent=True,
            status=status,
        )
    permanent = 400 <= status < 500 and status not in (408, 429)
    return GristError(_explain(status, reason, server, where), permanent, status, reason)


def _explain(status: int, reason: str, server: str, where: str) -> str:
    if status == 401:
        return f"{server} refuses the API key ({reason}): make a new one in Grist, Profile settings, API key"
    if status == 403 and "url is forbidden" in reason:
        return (
            "Grist may not send to our address: whoever runs Grist adds its host to ALLOWED_WEBHOOK_DOMAINS "
            "(plain http only works for localhost:PORT, unless the list is *)"
        )
    if status == 403 and "owner" in reason:
        return f"the API key's user isn't an owner of {where} ({reason}): let an owner share it as Owner"
    if status == 403:
        return f"the API key's user may not use {where} ({reason}): let an owner share it with that user"
    if status == 404 and "document" in reason:
        return f"there is no {where}: check the id and the server (--server)"
    if status == 429:
        return f"Grist is busy with {where} ({reason}): try again in a minute"
    if status >= 500:
        return f"Grist failed with {where} (status {status}: {reason or 'no reason given'}): try again later"
    return f"Grist refuses this for {where} (status {status}: {reason or 'no reason given'})"


def may_repeat(failure: GristError, method: str) -> bool:
    """Tell whether the same request may be sent again: it changes nothing, or Grist did nothing."""
    if failure.status == 429 or "SQLITE_BUSY" in failure.reason:
        return True
    return method == "GET" and failure.status in (502, 503, 504)


def never_sent(error: requests.RequestException) -> bool:
    """Tell whether no connection came about, so that Grist can't have acted on the request."""
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(cause, NewConnectionError)


def retry_after(response: requests.Response) -> float:
    """Return how many seconds the answer asks us to wait, at most a minute; 0 when it doesn't say."""
    text = response.headers.get("Retry-After", "")
    return min(float(text), LONGEST_RETRY_AFTER) if text.isdigit() else 0.0


def _reason(response: requests.Response) -> str:
    """Return Grist's own text: `error`, and what was wrong with our request in `details`."""
    try:
        body = response.json()
    except (requests.JSONDecodeError, json.JSONDecodeError):
        return ""
    if not isinstance(body, dict):
        return ""
    details = body.get("details")
    more = details.get("userError", "") if isinstance(details, dict) else ""
    return ": ".join(str(t) for t in (body.get("error"), more) if t)[:500]
