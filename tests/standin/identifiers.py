"""How Grist makes identifiers of what one asks for (grist-core: sandbox/grist/identifiers.py)."""

from __future__ import annotations

import itertools
import keyword
import re
import unicodedata
from collections.abc import Iterable
from string import ascii_uppercase

RESERVED = ("id", "manualSort")


def sanitize(text: str | None, prefix: str, capitalize: bool = False) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text or "") if not unicodedata.combining(c))
    name = re.sub(r"[^a-zA-Z0-9_]+", "_", plain).lstrip("_")
    name = prefix + name if name[:1].isdigit() else name
    name = name[:1].upper() + name[1:] if capitalize else name
    while keyword.iskeyword(name):
        name = prefix + name
    return name


def pick_column(text: str | None, taken: Iterable[str]) -> str:
    """`ID` becomes `ID2`: `id` is reserved in any case. Without a name, the next free letter."""
    avoid = {t.upper() for t in (*RESERVED, *taken)}
    name = sanitize(text, "c")
    if name:
        return _free(name, avoid)
    letters = ("".join(p) for n in itertools.count(1) for p in itertools.product(ascii_uppercase, repeat=n))
    return next(x for x in letters if x not in avoid)


def pick_table(text: str | None, taken: Iterable[str]) -> str:
    """A taken id gets a number; the first letter becomes a capital."""
    return _free(sanitize(text, "T", capitalize=True) or "Table1", {t.upper() for t in taken})


def _free(name: str, avoid: set[str]) -> str:
    if name.upper() not in avoid:
        return name
    base = name + "_" if name[-1].isdigit() else name
    return next(f"{base}{n}" for n in itertools.count(2) if f"{base}{n}".upper() not in avoid)
