"""Where a document is: its id, or its page's address as pasted from the browser."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from grist_live.grist.errors import GristError

DOCUMENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9~_-]{3,}")


def parse_address(text: str) -> tuple[str, str]:
    """Split what a user pasted into (server or "", document id). Raises `GristError` without one.

    Takes `ID`, `https://host/doc/ID`, `https://host/ID/Name/p/3` and `https://host/o/team/doc/ID`.
    """
    text = text.strip()
    if "://" not in text:
        return "", document_id(text)
    parts = urlsplit(text)
    path = [p for p in parts.path.split("/") if p]
    team = path[:2] if path[:1] == ["o"] else []
    rest = [p for p in path[len(team) :] if p not in ("api", "doc", "docs")]
    return "/".join([f"{parts.scheme}://{parts.netloc}", *team]), document_id(rest[0] if rest else "")


def document_id(text: str) -> str:
    """Check a document id, which becomes part of each request's path. Raises `GristError`."""
    if not DOCUMENT_ID.fullmatch(text):
        raise GristError(
            f"{text!r} is no document id: copy the document's address from the browser, or the id in it",
            permanent=True,
        )
    return text
