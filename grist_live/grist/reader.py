"""What a reader of a document may see, by the short-lived access token that Grist gives its widgets."""

from __future__ import annotations

import base64
import binascii
import json
import os
from typing import Literal

import requests

from grist_live.grist.address import document_id
from grist_live.grist.errors import GristError

LONGEST_TOKEN = 4096
Reads = Literal["all", "partly", "nothing", "unknown"]
"""The whole document; what access rules leave; not this document; the token isn't valid (any more)."""


class _Nobody(requests.auth.AuthBase):
    """No identity but the token's: a ~/.netrc entry for the host would be asked about instead of the reader."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def expiry(token: str) -> float | None:
    """Return when a token ends (epoch seconds), as it says itself; None for what is no token.

    Nobody has checked its signature yet: only an answer of Grist makes it true.
    """
    parts = token.split(".")
    if len(parts) != 3 or len(token) > LONGEST_TOKEN or not token.isascii():
        return None
    try:
        payload = json.loads(base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True))
        exp = payload["exp"]
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
        return None
    return float(exp) if isinstance(exp, int | float) and 0 < exp < 10**11 else None


def reads(server: str, doc_id: str, token: str, timeout: tuple[float, float] = (3, 6)) -> Reads:
    """Ask Grist what the token's user may read of a document.

    `/compare` answers only to who may read everything; `/states` would let in those from whom access rules hide rows.
    Raises `GristError` when Grist doesn't answer; nothing of the token stands in it.
    """
    url = f"{server.strip().rstrip('/')}/api/docs/{document_id(doc_id)}/compare"
    outside = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    try:
        with requests.Session() as session:
            response = session.get(
                url,
                params={"left": "HEAD", "right": "HEAD", "auth": token},
                headers={"Accept": "application/json"},
                auth=_Nobody(),
                timeout=timeout,
                allow_redirects=False,
                proxies={"no_proxy": ",".join(filter(None, (outside, "localhost,127.0.0.1,::1")))},
                stream=True,  # the answer's status is all that counts
            )
            status, json_like = response.status_code, "json" in response.headers.get("Content-Type", "")
            reason = response.json().get("error", "") if status == 403 and json_like else ""
    except (requests.RequestException, ValueError, AttributeError) as error:
        # The error's own text holds the address, and with it the token.
        raise GristError(f"Grist at {server} doesn't answer ({type(error).__name__})") from None
    if status == 200 and json_like:
        return "all"
    if status in (401, 403, 404) and json_like:
        return "unknown" if status == 401 else "partly" if "insufficient access" in reason.lower() else "nothing"
    raise GristError(f"Grist at {server} answers {status} where it should say what a reader may read")
