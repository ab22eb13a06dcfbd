"""Departments: the French department that a text names by a postcode."""

from __future__ import annotations

import re

TOGETHER = re.compile(r"(?:(?<=\bF-)|(?<![\w-]))(\d{2})(\d{3})(?![\w-])(\s+[^\W\d_])?")
"""A postcode, and whether a town follows it."""
APART = re.compile(r"(?<![\w-])(\d{2}) (\d{3})(?=\s*\)|\s+[A-ZÀ-ÖØ-Þ])()")
"""A postcode written `13 002`: only before a town's name or a bracket, or `RN 10 200 m` were one."""
EXCEPTIONS = {"97133": "977", "97150": "978", "94390": "91"}
"""Whole communes whose postcode begins with another department's: Saint-Barthélemy, Saint-Martin, Paray."""
OVERSEAS = frozenset({"971", "972", "973", "974", "975", "976", "977", "978", "984", "986", "987", "988", "989"})


def department(place: str) -> str | None:
    """Derive a department's code from a postcode in a text: 13, 2A, 974; None without one.

    Of several numbers the one before a town's name is the postcode. It is approximate: 16 postcodes reach over the
    border of their department.
    """
    found = [*TOGETHER.finditer(place), *APART.finditer(place)]
    found.sort(key=lambda match: not match[3])  # stable: the first of those with a town, then the first
    return next(filter(None, (_of_postcode(match[1], match[2]) for match in found)), None)


def _of_postcode(first: str, rest: str) -> str | None:
    if first + rest in EXCEPTIONS:
        return EXCEPTIONS[first + rest]
    if first == "20":
        return "2A" if rest[0] in "01" else "2B"
    if first in ("97", "98"):
        return first + rest[0] if first + rest[0] in OVERSEAS else None
    return first if "01" <= first <= "95" else None


def code(text: str) -> str:
    """Write a department's code as one writes it: 1 is 01, 2a is 2A."""
    text = text.strip().upper()
    return text.zfill(2) if text.isdigit() else text
